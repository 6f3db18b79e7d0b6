"""The only reader of the environment."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})


class EnvironmentValueError(ValueError):
    """A variable holds something it cannot mean."""

    def __init__(self, name: str, *, expected: str, found: str) -> None:
        super().__init__(
            f"The environment variable {name} was expected to be {expected}; found {found!r}. Correct or unset it."
        )


def text(name: str, default: str = "") -> str:
    """Return a variable's text without surrounding blanks; the default when it is unset or empty."""
    return os.environ.get(name, "").strip() or default  # noqa: TID251


def flag(name: str, *, default: bool = False) -> bool:
    """Return whether a variable says yes (1, true, yes, on) or no (0, false, no, off); anything else is refused."""
    value = text(name).lower()
    if not value:
        return default
    if value not in YES | NO:
        raise EnvironmentValueError(name, expected="one of 1, true, yes, on, 0, false, no, off", found=value)
    return value in YES


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    """Return a variable's whole number, at least ``minimum``."""
    value = text(name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit()) or int(value) < minimum:
        raise EnvironmentValueError(name, expected=f"a whole number of at least {minimum}", found=value)
    return int(value)


def listing(name: str) -> list[str]:
    """Return a variable's comma-separated words."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def command() -> str:
    """Return the management command this process runs, empty when it is no management command.

    >>> command() == "no such command"
    False
    """
    is_manage = Path(sys.argv[0]).name in {"manage.py", "django-admin", "django-admin.exe"}
    return sys.argv[1] if is_manage and len(sys.argv) > 1 else ""


def for_child(**changes: str) -> dict[str, str]:
    """Return this process's environment with changes, for a child process that this one starts."""
    return {**os.environ, **changes}  # noqa: TID251


def local_secret(path: Path) -> str:
    """Return the secret kept in a file of this machine, made at first use and readable by its owner only.

    For local work alone; where the place cannot be written the secret lasts as long as the process.
    """
    made = secrets.token_urlsafe(48)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made)
    except OSError:
        return (path.read_text().strip() if path.is_file() else "") or made
    return made


def data_dir() -> Path:
    """Return the folder of this installation's own files: database, secret of local work, uploads."""
    return Path(text("DATA_DIR", str(BASE_DIR / "var"))).resolve()


def use_settings() -> None:
    """Name the settings module to Django unless something else already did."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251
