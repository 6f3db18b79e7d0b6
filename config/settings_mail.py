"""Where mail goes: the console unless ``EMAIL_URL`` names a server, as in ``smtp+tls://user:password@host:587``."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from config import env

BACKENDS = {
    "": "django.core.mail.backends.console.EmailBackend",
    "console": "django.core.mail.backends.console.EmailBackend",
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
    "smtp+tls": "django.core.mail.backends.smtp.EmailBackend",
    "smtp+ssl": "django.core.mail.backends.smtp.EmailBackend",
}
PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}

_address = urlsplit(env.text("EMAIL_URL"))
if _address.scheme not in BACKENDS:
    raise env.EnvironmentValueError(
        "EMAIL_URL",
        expected="an address that starts with console:, smtp:, smtp+tls: or smtp+ssl:",
        found=_address.scheme,
    )

EMAIL_BACKEND = BACKENDS[_address.scheme]
EMAIL_HOST = _address.hostname or ""
EMAIL_PORT = _address.port or PORTS.get(_address.scheme, 25)
EMAIL_HOST_USER = unquote(_address.username or "")
EMAIL_HOST_PASSWORD = unquote(_address.password or "")
EMAIL_USE_TLS = _address.scheme == "smtp+tls"
EMAIL_USE_SSL = _address.scheme == "smtp+ssl"
EMAIL_TIMEOUT = 10
# What links in mails begin with, as in https://edc.example.org: a job that sends a mail has no request to read it from.
PUBLIC_URL = env.text("PUBLIC_URL").rstrip("/")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Day Zero <dayzero@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
