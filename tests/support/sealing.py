"""What tests of signing and locking share: an investigator with a password, complete forms of a visit."""

from __future__ import annotations

from datetime import date

from capture.models import FormRecord
from capture.services.completion import complete_record
from capture.services.data_entry import save_items
from capture.services.signing import Shown, list_signable
from seeds.factories.capture import slot_at
from seeds.factories.trials import SYSTEM, MemberFactory
from trials.domain.roles import Role
from trials.models import Participant, Site, User, Visit
from trials.records.domain.actors import Actor

PASSWORD = "a long enough passphrase"
GOOD = {"TEMP": "36.8", "SYSBP": "120", "DIABP": "80", "WEIGHT": "72.5", "HEIGHT": "170"}


def person(site: Site, role: Role = Role.INVESTIGATOR, *, name: str = "dr.wang") -> User:
    """Return somebody with one role at a site and ``PASSWORD``."""
    user: User = MemberFactory(site=site, role=role, username=name)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    return user


def acting(user: User) -> Actor:
    """Return a fresh actor of a user, as each request makes one."""
    return Actor(name=user.username, printed_name=user.printed_name, user_id=str(user.pk))


def fresh(record: FormRecord) -> FormRecord:
    """Return a record as it is stored now."""
    return FormRecord.objects.select_related("participant__study", "participant__site", "definition", "visit").get(
        pk=record.pk
    )


def finished(participant: Participant, form: str = "VS", values: dict[str, str] | None = None) -> FormRecord:
    """Return a complete form of the screening visit."""
    slot = slot_at(participant, "SCR", form, on=date(2026, 1, 5))
    record = save_items(slot, values or GOOD, actor=SYSTEM, expected_version=0).record
    complete_record(record, actor=SYSTEM, expected_version=record.version)
    return fresh(record)


def screening(participant: Participant) -> Visit:
    """Return the screening visit."""
    return Visit.objects.select_related("study", "site").get(participant=participant, code="SCR")


def all_shown(visit: Visit, user: User) -> list[Shown]:
    """Return what the page offers for signing."""
    return [row.shown for row in list_signable(visit, actor=acting(user)) if not row.because]
