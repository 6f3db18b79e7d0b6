"""Verification of the audit chains and signatures, and the anchors that only help when they are kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max

from trials.records.domain.actors import Actor
from trials.records.domain.chain import CHAIN_KIND, NEW_EPOCH, ChainCheck, Finding, Head, StoredEvent
from trials.records.domain.errors import raise_all, refuse
from trials.records.domain.transitions import is_reason, reason_needed
from trials.records.models import AuditEvent, Chain, Signature
from trials.records.services import clock
from trials.records.services.act import SYSTEM_CHAIN, open_act
from trials.records.services.signatures import faults_of

CHUNK = 2000
FORMAT = "day-zero-audit-anchor/1"
HONEST = (
    "Found: a changed, deleted, inserted, swapped or repeated event, another actor or time, a truncated middle. "
    "Not found without an anchor kept elsewhere (verify --against): events cut off at the end together with their "
    "head, a whole chain written anew, an older copy of the database."
)


@dataclass(slots=True)
class Report:
    """What a verification found."""

    events: dict[str, int] = field(default_factory=dict)
    signatures: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not self.findings

    @property
    def first_bad(self) -> Finding | None:
        """The first thing that is wrong, by chain and number."""
        return self.findings[0] if self.findings else None


def verify_chains(key: str = "", *, anchor: Mapping[str, Any] | None = None, limit: int = 100) -> Report:
    """Verify every chain (or one), in constant memory; keeps at most ``limit`` findings of a chain.

    ``anchor`` is what ``make_anchor`` returned earlier. A chain that it holds and the database does not is a finding.
    """
    report = Report()
    anchors = _anchored(anchor, key)
    for head in _heads(key):
        check = ChainCheck(head.key, anchors.pop(head.key, None))
        found: list[Finding] = []
        for event in _events(head):
            found += check.check(event)
            del found[limit:]
        found += [*check.close(head), *_surplus(head, check.count)]
        report.events[head.key] = check.count
        report.findings += sorted(found, key=lambda finding: finding.seq)
    report.findings += [
        Finding(gone, max(held, default=0), "anchor", "the anchor holds this chain, the database does not")
        for gone, held in anchors.items()
    ]
    return report


def verify_signatures(report: Report) -> None:
    """Add to a report every stored signature that is not the one its event of signing describes."""
    events = {
        event.record_id: event
        for event in AuditEvent.objects.filter(record_kind="Signature", action="sign").order_by("seq")
    }
    for signature in Signature.objects.order_by("chain", "signed_at", "id").iterator(chunk_size=CHUNK):
        report.signatures += 1
        event = events.get(str(signature.pk))
        faults = faults_of(signature, event=event) if event else ("no event of signing exists for it",)
        seq = event.seq if event else 0
        report.findings += [
            Finding(signature.chain, seq, "signature", f"signature {signature.pk}: {fault}") for fault in faults
        ]


def make_anchor() -> dict[str, Any]:
    """Return the heads of all chains, to be kept where nobody who can write to this database can write."""
    heads = {head.key: {"epoch": head.epoch, "seq": head.head_seq, "hash": head.head_hash} for head in _heads("")}
    return {"format": FORMAT, "made_at": clock.now().isoformat(), "chains": heads}


def open_new_epoch(*, actor: Actor, reason: str) -> list[str]:
    """Open a new epoch of every chain after a restore, so that events written before and after are told apart."""
    raise_all([] if is_reason(reason) else [reason_needed(reason)])
    with open_act("open new epoch", chain=SYSTEM_CHAIN, actor=actor, reason=reason) as act:
        # The chains are the only rows this act locks, in the order of their keys like every act.
        heads = list(Chain.objects.select_for_update().order_by("key"))
        for head in heads:
            delta = {"epoch": [str(head.epoch), str(head.epoch + 1)]}
            act.note(CHAIN_KIND, head.key, NEW_EPOCH, delta=delta, chain=head.key)
            head.epoch += 1
            head.save(update_fields=["epoch"])
    return [head.key for head in heads]


def _heads(key: str) -> list[Head]:
    chains = Chain.objects.filter(key=key) if key else Chain.objects.all()
    found = [Head(*row) for row in chains.order_by("key").values_list(*Head._fields)]
    if key and not found:
        raise refuse("chain", expected="the key of a chain", found=key, action="Name a study that has events.")
    return found


def _events(head: Head) -> Iterator[StoredEvent]:
    """Yield the events up to the head, chunk by chunk: none of them can change, so that acts go on meanwhile."""
    last = 0
    while rows := list(
        AuditEvent.objects.filter(chain_id=head.key, seq__gt=last, seq__lte=head.head_seq)
        .order_by("seq")
        .values_list(*StoredEvent._fields)[:CHUNK]
    ):
        last = rows[-1][1]
        yield from map(StoredEvent._make, rows)


def _surplus(head: Head, seen: int) -> Iterator[Finding]:
    """Yield events that the chain's head does not know: read before the head is, since acts may close meanwhile."""
    events = AuditEvent.objects.filter(chain_id=head.key)
    last = events.aggregate(last=Max("seq"))["last"] or 0
    known = Chain.objects.values_list("head_seq", flat=True).get(key=head.key)
    if last > known:
        yield Finding(head.key, known + 1, "head", f"events up to {last} stand behind the chain's head at {known}")
    if (stored := events.filter(seq__lte=head.head_seq).count()) != seen:
        yield Finding(head.key, head.head_seq, "duplicate", f"{stored} events stand where {seen} numbers are")


def _anchored(anchor: Mapping[str, Any] | None, key: str) -> dict[str, dict[int, str]]:
    if anchor is None:
        return {}
    if anchor.get("format") != FORMAT:
        found = str(anchor.get("format") or "another file")
        raise refuse("anchor", expected=f"an anchor ({FORMAT})", found=found, action="Give the file of audit anchor.")
    chains = {name: held for name, held in anchor["chains"].items() if not key or name == key}
    return {name: {held["seq"]: held["hash"]} if held["seq"] else {} for name, held in chains.items()}
