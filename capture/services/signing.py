"""An investigator signs forms: exactly those shown, at the version and with the content shown, one signature each.

A form that changed since it was shown is refused by itself and the others are signed; a form that may not be signed at
all (not complete, an open query, a lock) refuses the whole act, with every such form named. A frozen form may be
signed, since a freeze keeps still what is signed; under a lock nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from capture.definition.compiled import form_set
from capture.models import FormRecord
from capture.selectors.seals import KIND, locked_ids, record_hash
from trials.domain.roles import Permission
from trials.models import Visit
from trials.policies import can, require, unknown
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.records.models import Signature
from trials.records.services import clock
from trials.records.services.act import Act, open_act
from trials.records.services.identity import Proof, confirm_identity
from trials.records.services.signatures import sign, valid_signatures

MEANING = "I have reviewed the data of this form and confirm that they are complete and correct."
"""What a signature says. It is stored with the signature, so it is not translated."""

Place = Visit | FormRecord
Signatures = Mapping[str, tuple[Signature, ...]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as it was shown to the signer."""

    record_id: UUID
    version: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Signing:
    """What an act of signing did: the signatures given, and the forms refused since they had changed meanwhile."""

    signed: tuple[Signature, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Signable:
    """One form of the list shown before signing; ``because`` says why it cannot be signed, empty when it can."""

    record: FormRecord
    label: str
    content_hash: str
    because: tuple[Refusal, ...]
    signed: tuple[Signature, ...] = ()

    @property
    def shown(self) -> Shown:
        """What a signer who sees this line signs."""
        return Shown(self.record.pk, self.record.version, self.content_hash)


def list_signable(place: Place, *, actor: Actor) -> list[Signable]:
    """Return the forms of a visit (or the one record) with version and hash, and why one cannot be signed now."""
    require(actor, Permission.SIGN_RECORD, place)
    stored = _records(place).exclude(state=FormRecord.State.REMOVED)
    records = [record for record in stored if can(actor, Permission.SIGN_RECORD, record)]
    locked, held = locked_ids(records), _held(records)
    rows = []
    for record in records:
        because = (*_already(record, held, actor), *_blockers(record, locked))
        rows.append(Signable(record, label_of(record), record_hash(record), because, held.get(str(record.pk), ())))
    return rows


def sign_records(
    place: Place,
    *,
    shown: Sequence[Shown],
    actor: Actor,
    user: AbstractBaseUser,
    password: str,
    otp: str = "",
    from_token: bool = False,
) -> Signing:
    """Sign the shown forms of a visit, or the one record, with one proof of identity and one signature each.

    Raises all blockers at once before the password is looked at, so that a refusal writes nothing. Raises ``conflict``
    when every form changed since it was shown; when some did, these are returned as refused and the rest is signed.
    """
    require(actor, Permission.SIGN_RECORD, place)
    wanted = {each.record_id: each for each in shown}
    raise_all([] if wanted else [_nothing()])
    found = _find(place, wanted)
    for record in found:  # each bears the site at which it was written, which after a transfer is not the visit's
        require(actor, Permission.SIGN_RECORD, record)
    _judge(found, wanted, actor)
    proof = confirm_identity(user, password=password, otp=otp, actor=actor, from_token=from_token)
    study = place.study
    with open_act("sign forms", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        held = _find(place, wanted, lock=True)
        changed = _judge(held, wanted, actor)
        records = [record for record in held if record.pk not in changed]
        _watch_locks(records, act)
        signed = tuple(_sign(record, wanted[record.pk], actor=actor, user=user, proof=proof) for record in records)
    return Signing(signed, tuple(changed.values()))


def label_of(record: FormRecord) -> str:
    """Return the name of a record's form as people know it, with its row in a log."""
    form = form_set(record.definition).forms.get(record.form)
    label = form.label if form is not None else record.form
    return f"{label} {record.row}" if record.row else label


def _records(place: Place) -> QuerySet[FormRecord]:
    rows = FormRecord.objects.select_related("definition", "site", "study").defer("definition__document").order_by("pk")
    return rows.filter(visit=place) if isinstance(place, Visit) else rows.filter(pk=place.pk)


def _find(place: Place, wanted: Collection[UUID], *, lock: bool = False) -> list[FormRecord]:
    """Return the wanted records of the place; when locking, one that somebody is writing just now is left out.

    Waiting for it would not help, since it then changed; and a save holds its record while it asks for others.
    """
    rows = _records(place).filter(pk__in=wanted)
    found = list(rows.select_for_update(of=("self",), skip_locked=True) if lock else rows)
    if not lock and len(found) < len(wanted):
        raise unknown()
    return found


def _judge(records: Iterable[FormRecord], wanted: Mapping[UUID, Shown], actor: Actor) -> dict[UUID, Refusal]:
    """Return the refusals of what changed or was signed meanwhile; raise every blocker, and when nothing is left."""
    rows = list(records)
    held, locked = _held(rows), locked_ids(rows)
    changed: dict[UUID, Refusal] = {key: _busy() for key in wanted.keys() - {row.pk for row in rows}}
    for row in rows:
        moved = [*_moved(row, wanted[row.pk]), *_already(row, held, actor)]
        if moved:
            changed[row.pk] = moved[0]
    rest = [row for row in rows if row.pk not in changed]
    blockers = [refusal for row in rest for refusal in _blockers(row, locked)]
    if blockers:
        kind = "locked" if any(each.code == "locked" for each in blockers) else "invalid"
        raise_all([*blockers, *changed.values()], kind=kind)
    if not rest:
        raise_all(changed.values(), kind="conflict")
    return changed


def _sign(record: FormRecord, shown: Shown, *, actor: Actor, user: AbstractBaseUser, proof: Proof) -> Signature:
    return sign(
        KIND,
        record.pk,
        record_version=shown.version,
        content_hash=shown.content_hash,
        meaning=MEANING,
        actor=actor,
        user=user,
        proof=proof,
        time_zone=record.site.time_zone,
        chain=record.study.chain_key,
        site=record.site_id,
        participant=record.participant_id,
    )


def _held(records: Iterable[FormRecord]) -> Signatures:
    return valid_signatures(KIND, [record.pk for record in records])


def _watch_locks(records: Sequence[FormRecord], act: Act) -> None:
    """Look once more when the act closes, under the lock of its chain: a lock placed since the first look refuses."""

    def look() -> None:
        locked = locked_ids(records)
        raise_all([_locked(record) for record in records if record.pk in locked], kind="locked")

    act.closing.append(look)


def _blockers(record: FormRecord, locked: Collection[UUID]) -> Iterator[Refusal]:
    label = label_of(record)
    if record.pk in locked:
        yield _locked(record)
    if record.state != FormRecord.State.COMPLETE:
        found = record.get_state_display().lower()
        yield Refusal("not_complete", "a complete form", found, "Complete the form first.", label)
    if record.open_queries:
        found = f"{record.open_queries} open"
        yield Refusal("open_queries", "a form without open queries", found, "Answer them first.", label)


def _locked(record: FormRecord) -> Refusal:
    action = "Ask a data manager to lift the lock."
    return Refusal("locked", "a form that is not locked", "a lock over it", action, label_of(record))


def _moved(record: FormRecord, shown: Shown) -> Iterator[Refusal]:
    if record.version != shown.version or record_hash(record) != shown.content_hash:
        yield Refusal(
            "changed_since_shown",
            expected=f"version {shown.version}, as it was shown",
            found=f"version {record.version}" if record.version != shown.version else "other content",
            action="Review the form again and sign what it says now.",
            where=label_of(record),
        )


def _already(record: FormRecord, held: Signatures, actor: Actor) -> Iterator[Refusal]:
    for signature in held.get(str(record.pk), ()):
        if signature.signer == actor.name and signature.meaning == MEANING:
            action = "Nothing needs to be done."
            yield Refusal("already_signed", "a form not signed by you", "your signature", action, label_of(record))


def _busy() -> Refusal:
    return Refusal(
        "changed_since_shown",
        expected="the form as it was shown",
        found="somebody who saves it just now",
        action="Review the form again and sign what it says then.",
    )


def _nothing() -> Refusal:
    return Refusal("nothing_to_sign", "at least one form", "none", "Choose what you sign.")


__all__ = ["MEANING", "Shown", "Signable", "Signing", "label_of", "list_signable", "sign_records"]
