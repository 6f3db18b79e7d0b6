"""Runs benchmarks in this one process, on the database that DATABASE_URL names: its own, made by the runner."""

from __future__ import annotations

import sys
from importlib import import_module

import django
from django.conf import settings
from django.db import connection

NAMES = ("save", "matrix", "page", "checks", "due", "enrol", "history", "writers")


def prepare() -> None:
    """Start Django with the slow arms' app beside ours, and make that app's tables."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.benchmarks.eav.apps.EavConfig"]
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    django.setup()
    models = import_module("tests.benchmarks.eav.models").MODELS
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)


def main(names: list[str], *, full: bool) -> int:
    """Run the named benchmarks and print their lines; return 1 when one missed its target."""
    prepare()
    passed = True
    for name in names:
        print(f"B-{name} ({connection.vendor})", flush=True)  # noqa: T201 - what a runner is for
        for result in import_module(f"tests.benchmarks.bench_{name}").run(full=full):
            print(result, flush=True)  # noqa: T201
            passed = passed and result.passed
    return 0 if passed else 1


if __name__ == "__main__":
    chosen = [word for word in sys.argv[1:] if not word.startswith("-")]
    sys.exit(main(chosen or list(NAMES), full="--full" in sys.argv))
