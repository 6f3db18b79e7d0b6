"""Signatures: meaning, printed name, time with zone; bound to a hash of what was signed, invalid once that changes."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import available_timezones

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser

from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all, refuse
from trials.records.domain.history import read_payload
from trials.records.domain.local_time import in_words
from trials.records.models import AuditEvent, Notification, Signature
from trials.records.services.act import Act, open_act
from trials.records.services.identity import Proof, confirm_identity, require_proof
from trials.records.services.notifications import Request, request_notifications

BOUND = (
    "chain",
    "site",
    "record_kind",
    "record_id",
    "record_version",
    "content_hash",
    "meaning",
    "signer",
    "printed_name",
    "signed_at",
    "time_zone",
)


def sign(
    record_kind: str,
    record_id: object,
    *,
    record_version: int,
    content_hash: str,
    meaning: str,
    actor: Actor,
    user: AbstractBaseUser,
    time_zone: str,
    chain: str,
    password: str = "",
    otp: str = "",
    proof: Proof | None = None,
    from_token: bool = False,
    site: object = "",
    participant: object = "",
    extra_delta: dict[str, list[str]] | None = None,
) -> Signature:
    """Sign one record at one version; returns the signature.

    Give either the password (and code) or, within a larger act and for several records, the ``proof`` of
    ``confirm_identity``. ``content_hash`` is ``domain.signing.content_hash`` of what was shown. The caller's policy has
    judged the right to sign and compared the version; whoever signed the same before replaces nothing: an equal
    signature in force is refused.
    """
    shown = proof or confirm_identity(user, password=password, otp=otp, actor=actor, from_token=from_token)
    require_proof(shown, actor)
    raise_all(_unsound(meaning=meaning, content_hash=content_hash, time_zone=time_zone))
    with open_act("sign", chain=chain, actor=actor) as act:
        _refuse_second(record_kind, str(record_id), actor=actor, meaning=meaning)
        signature = Signature(
            chain=chain,
            site=str(site or ""),
            record_kind=record_kind,
            record_id=str(record_id),
            record_version=record_version,
            content_hash=content_hash,
            meaning=meaning,
            signer=actor.name,
            printed_name=actor.printed_name or actor.name,
            signed_at=act.at,
            time_zone=time_zone,
        )
        signature.save(force_insert=True)
        delta = {**{name: [value] for name, value in _bound(signature).items()}, **(extra_delta or {})}
        act.note(
            "Signature", signature.pk, "sign", delta=delta, site=signature.site, participant=participant, reason=meaning
        )
    return signature


def _refuse_second(record_kind: str, record_id: str, *, actor: Actor, meaning: str) -> None:
    """Refuse a signature that is in force already."""
    held = Signature.objects.filter(
        record_kind=record_kind, record_id=record_id, signer=actor.name, meaning=meaning, invalidated_at=None
    )
    if held.exists():
        raise refuse(
            "already_signed",
            expected="a record that you have not signed with this meaning",
            found=f"your signature “{meaning}”",
            action="Nothing needs to be done.",
            kind="conflict",
        )


def invalidate_signatures(
    record_kind: str,
    record_id: object,
    *,
    act: Act,
    because: str,
    participant: object = "",
    link: str = "",
) -> tuple[Signature, ...]:
    """Invalidate a record's signatures in force, keep them and tell their signers; one statement when there is none."""
    held = tuple(
        Signature.objects.select_for_update()
        .filter(record_kind=record_kind, record_id=str(record_id), invalidated_at=None)
        .order_by("id")
    )
    if not held:
        return ()
    Signature.objects.filter(pk__in=[row.pk for row in held]).update(
        invalidated_at=act.at, invalidated_because=because[:200]
    )
    for row in held:
        row.invalidated_at, row.invalidated_because = act.at, because[:200]
        delta = {"invalidated_at": ["", act.at.isoformat()], "invalidated_because": ["", row.invalidated_because]}
        act.note("Signature", row.pk, "invalidate", delta=delta, site=row.site, participant=participant, reason=because)
    _tell_signers(held, act=act, participant=str(participant or ""), link=link)
    return held


def valid_signatures(record_kind: str, record_ids: Iterable[object]) -> dict[str, tuple[Signature, ...]]:
    """Return the signatures in force by record id, oldest first; one statement."""
    found: dict[str, tuple[Signature, ...]] = {}
    ids = [str(identity) for identity in record_ids]
    for row in Signature.objects.filter(record_kind=record_kind, record_id__in=ids, invalidated_at=None):
        found[row.record_id] = (*found.get(row.record_id, ()), row)
    return found


def signatures_of(record_kind: str, record_id: object) -> tuple[Signature, ...]:
    """Return every signature a record ever had, oldest first."""
    return tuple(Signature.objects.filter(record_kind=record_kind, record_id=str(record_id)))


def faults_of(
    signature: Signature, *, content_hash: str | None = None, event: AuditEvent | None = None
) -> tuple[str, ...]:
    """Return what is wrong with a stored signature; empty when it holds.

    The row must be the one that its event in the chain describes (a row copied to another record has no event, an
    edited row differs), and, when ``content_hash`` is given, the content must still be what was signed.
    """
    if event is None:
        event = AuditEvent.objects.filter(record_kind="Signature", record_id=str(signature.pk), action="sign").first()
    if event is None:
        return ("no event of signing exists for it",)
    said = {path: entry[-1] for path, entry in read_payload(event.payload).items() if len(entry) == 1}
    faults = [f"{name} is not what was signed" for name, value in _bound(signature).items() if said.get(name) != value]
    if content_hash is not None and signature.invalidated_at is None and content_hash != signature.content_hash:
        faults.append("the content is not what was signed")
    return tuple(faults)


def manifest(signature: Signature) -> dict[str, str]:
    """Return the three parts every rendering must show: printed name, date and time with zone, meaning."""
    return {
        "printed_name": signature.printed_name,
        "signed_at": in_words(signature.signed_at, signature.time_zone),
        "meaning": signature.meaning,
    }


def _bound(signature: Signature) -> dict[str, str]:
    """Return what a signature says, as text, as its event holds it."""
    said = {name: str(getattr(signature, name)) for name in BOUND}
    return {**said, "signed_at": signature.signed_at.isoformat()}


def _unsound(*, meaning: str, content_hash: str, time_zone: str) -> list[Refusal]:
    found = []
    if not meaning.strip():
        found.append(Refusal("meaning", "the meaning of the signature", "none", "Say what is signed.", "meaning"))
    if len(content_hash) != 64:
        found.append(Refusal("content_hash", "the hash of what is signed", "none", "Reload the page.", "content_hash"))
    if time_zone not in available_timezones():
        found.append(Refusal("time_zone", "a known time zone", time_zone or "none", "Set the time zone.", "time_zone"))
    return found


def _tell_signers(held: Iterable[Signature], *, act: Act, participant: str, link: str) -> None:
    rows = {row.signer: row for row in held}
    users = get_user_model().objects.filter(username__in=rows, is_active=True)
    request_notifications(
        Request(
            kind="signature_invalidated",
            rule_id="signature_invalidated",
            chain=act.chain,
            occurrence=str(rows[user.get_username()].pk),
            recipient_id=user.pk,
            title="A record that you signed was changed; your signature no longer holds",
            due_at=act.at,
            channel=Notification.Channel.INBOX,
            link=link,
            site=rows[user.get_username()].site,
            participant=participant,
        )
        for user in users
    )
