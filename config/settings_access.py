"""Settings of access: authentication backends, lockout, tokens, second factor, passwords, idle time.

Imported last by ``config.settings``: every name in capitals here is a setting and replaces one of the base. To extend a
list, import the base module: ``from config import settings_base as base`` and ``MIDDLEWARE = [*base.MIDDLEWARE, ...]``.
"""
