"""The pages of this room; importing the package registers every module's pages and lists with the one admin site."""

from importlib import import_module
from pkgutil import iter_modules

for _module in sorted(found.name for found in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")
