"""Settings that cannot be right together, refused before anything is served.

Errors stop every command that runs checks. Warnings of the deploy kind are for ``check --deploy``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from config.settings_security import LOOPBACK_HOSTS

SECRET_LENGTH = 40
PLACEHOLDERS = ("change", "insecure", "secret-key", "example", "password", "default")
SMTP = "django.core.mail.backends.smtp.EmailBackend"
SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON")


def _error(number: int, expected: str, *, found: str, do: str) -> Error:
    return Error(f"Expected {expected}; found {found}.", hint=do, id=f"config.E{number:03}")


def _is_public() -> bool:
    """Return whether the house answers to names of other machines."""
    return any(host not in LOOPBACK_HOSTS for host in settings.ALLOWED_HOSTS)


def check_secret(**_: Any) -> list[CheckMessage]:
    """Ask for a secret of this installation's own."""
    if not settings.PRODUCTION:
        return []
    try:
        key = str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # the framework refuses to hand out an empty one
        return [_error(1, "SECRET_KEY in production", found="none", do="Set SECRET_KEY to 50 random characters.")]
    if len(key) < SECRET_LENGTH or any(word in key.lower() for word in PLACEHOLDERS):
        found = f"{len(key)} characters or a placeholder"
        return [_error(2, "a random SECRET_KEY", found=found, do="Set SECRET_KEY to 50 random characters.")]
    return []


def check_hosts(**_: Any) -> Iterable[CheckMessage]:
    """Ask for named hosts in production, and for production where other machines can ask."""
    if settings.PRODUCTION and not settings.ALLOWED_HOSTS:
        yield _error(3, "ALLOWED_HOSTS in production", found="none", do="Set ALLOWED_HOSTS to your host names.")
    if "*" in settings.ALLOWED_HOSTS:
        yield _error(4, "named hosts", found="ALLOWED_HOSTS=*", do="Name the hosts; * lets any page ask in our name.")
    if _is_public() and not settings.PRODUCTION:
        yield _error(
            5,
            "PRODUCTION=1 where other machines can ask",
            found=f"ALLOWED_HOSTS={','.join(settings.ALLOWED_HOSTS)} without it",
            do="Set PRODUCTION=1, or leave ALLOWED_HOSTS unset for work on this machine.",
        )
    if settings.DEBUG and (_is_public() or settings.PRODUCTION):
        yield _error(6, "DEBUG off where others can ask", found="DEBUG=1", do="Unset DEBUG.")


def check_cookies(**_: Any) -> Iterable[CheckMessage]:
    """Ask for cookies that travel by TLS only, in production."""
    if settings.PRODUCTION and not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE):
        yield _error(
            7,
            "secure cookies in production",
            found="cookies for plain HTTP",
            do="Do not override SESSION_COOKIE_SECURE.",
        )
    plain = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if urlsplit(origin).scheme != "https"]
    if settings.PRODUCTION and plain:
        yield _error(8, "https origins in CSRF_TRUSTED_ORIGINS", found=", ".join(plain), do="Name them with https://.")


def check_processes(**_: Any) -> Iterable[CheckMessage]:
    """Ask for Redis and PostgreSQL where there is more than one web process."""
    several = settings.WEB_PROCESSES > 1
    if several and not settings.REDIS_URL:
        yield _error(
            9,
            "REDIS_URL with several web processes",
            found=f"WEB_CONCURRENCY={settings.WEB_PROCESSES} and no REDIS_URL",
            do="Set REDIS_URL, or WEB_CONCURRENCY=1: without Redis each process would run its own worker and beat.",
        )
    if several and "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        yield _error(
            10,
            "PostgreSQL with several web processes",
            found=f"WEB_CONCURRENCY={settings.WEB_PROCESSES} on SQLite",
            do="Set DATABASE_URL to a PostgreSQL database, or WEB_CONCURRENCY=1.",
        )
    if settings.REDIS_URL and urlsplit(settings.REDIS_URL).scheme not in {"redis", "rediss", "unix"}:
        scheme = urlsplit(settings.REDIS_URL).scheme or "no scheme"
        yield _error(11, "a redis: or rediss: address in REDIS_URL", found=scheme, do="Correct REDIS_URL.")


def _is_address(text: str, *, production: bool) -> bool:
    """Return whether a text is scheme and host and nothing else."""
    found = urlsplit(text)
    schemes = {"https"} if production else {"http", "https"}
    return found.scheme in schemes and bool(found.hostname) and not (found.path or found.query or found.fragment)


def check_mail(**_: Any) -> Iterable[CheckMessage]:
    """Ask for a server where mail goes by SMTP."""
    if settings.EMAIL_BACKEND == SMTP and not settings.EMAIL_HOST:
        yield _error(12, "a host in EMAIL_URL", found="none", do="Write it as smtp+tls://user:password@host:587.")
    if settings.PRODUCTION and settings.EMAIL_BACKEND == SMTP and not settings.PUBLIC_URL:
        do = "Set PUBLIC_URL to the address people type, as in https://edc.example.org."
        yield _error(17, "PUBLIC_URL where mail goes by SMTP", found="none: links in mails would lead nowhere", do=do)
    if settings.PUBLIC_URL and not _is_address(settings.PUBLIC_URL, production=settings.PRODUCTION):
        yield _error(
            18,
            "an address without path in PUBLIC_URL, by https in production",
            found=settings.PUBLIC_URL,
            do="Write it as in https://edc.example.org.",
        )
    if settings.EMAIL_USE_TLS and settings.EMAIL_USE_SSL:
        yield _error(13, "either TLS or SSL for mail", found="both", do="Use smtp+tls: or smtp+ssl:, not both.")


def check_database(**_: Any) -> Iterable[CheckMessage]:
    """Ask for what keeps data on SQLite, and for an owner of the tables that is another role."""
    default = settings.DATABASES["default"]
    if "sqlite" in default["ENGINE"]:
        options = default.get("OPTIONS", {})
        missing = [pragma for pragma in SQLITE_PRAGMAS if pragma not in options.get("init_command", "")]
        if options.get("transaction_mode") != "IMMEDIATE":
            missing.append("transaction_mode IMMEDIATE")
        if missing:
            yield _error(14, "safe SQLite options", found=f"without {', '.join(missing)}", do="Restore them.")
    if settings.MIGRATE_DATABASE_URL:
        owner, application = urlsplit(settings.MIGRATE_DATABASE_URL), urlsplit(settings.DATABASE_URL)
        if not settings.DATABASE_URL or owner.path != application.path:
            yield _error(
                15,
                "DATABASE_URL and MIGRATE_DATABASE_URL for the same database",
                found=f"{application.path or 'none'} and {owner.path or 'none'}",
                do="Let both name one database; only the roles differ.",
            )
        elif owner.username == application.username:
            yield _error(
                16,
                "another role in MIGRATE_DATABASE_URL than in DATABASE_URL",
                found=f"{owner.username} in both",
                do="Give the application a role that does not own the tables.",
            )


def check_deployment(**_: Any) -> Iterable[CheckMessage]:
    """Warn of an installation for real data that stands on what is meant for a demonstration."""
    if not settings.PRODUCTION:
        yield CheckWarning(
            "PRODUCTION is not set.", hint="Set PRODUCTION=1 for anything but work here.", id="config.W001"
        )
    if (
        settings.PRODUCTION
        and not settings.MIGRATE_DATABASE_URL
        and "postgresql" in settings.DATABASES["default"]["ENGINE"]
    ):
        yield CheckWarning(
            "The application's database role owns its tables and could lift the triggers on audit events.",
            hint="Set MIGRATE_DATABASE_URL to an owner's address, and DATABASE_URL to another role's.",
            id="config.W002",
        )


def register_all() -> None:
    """Register the checks; called once when the apps are ready."""
    for check in (check_secret, check_hosts, check_cookies):
        register(check, Tags.security)
    for check in (check_processes, check_mail, check_database):
        register(check, Tags.compatibility)
    register(check_deployment, Tags.security, deploy=True)
