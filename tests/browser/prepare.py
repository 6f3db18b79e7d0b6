"""What a house needs before a browser comes: a study played to the morning of a Day 14, and passwords.

Run as ``python -m tests.browser.prepare`` on the database that DATABASE_URL names.
"""

from __future__ import annotations

import django
from django.core.management import call_command

django.setup()

from tests.browser.house import PASSWORD  # noqa: E402
from trials.models import User  # noqa: E402


def main() -> None:
    call_command("seed", "--study", "ccar168", "--participants", "2")
    for user in User.objects.all():
        user.set_password(PASSWORD)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])


if __name__ == "__main__":
    main()
