"""Shapes of the trials room's answers: each field names, by its source, the column that it is read from."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trials.domain.roles import Role
from trials.models import Participant, Visit

Shape = serializers.Serializer[Any]


class PlacedShape(Shape):
    """What every row of a site begins with."""

    id = serializers.UUIDField()
    study = serializers.CharField(source="study.oid", help_text="OID of the study")
    site = serializers.CharField(source="site.code", help_text="Code of the site")


class ClinicalShape(PlacedShape):
    """What every row of a participant begins with."""

    participant = serializers.UUIDField(source="participant_id")


class StudyShape(Shape):
    oid = serializers.CharField()
    title = serializers.CharField()
    simulated = serializers.BooleanField(help_text="Whether its participants are invented")
    clock = serializers.DateTimeField(allow_null=True, help_text="Study time of a simulated study; else null")
    created_at = serializers.DateTimeField()


class VersionShape(Shape):
    number = serializers.IntegerField()
    revision = serializers.IntegerField(help_text="Counts publications that changed words only")
    changes = serializers.CharField(allow_blank=True)
    content_hash = serializers.CharField()
    shape_hash = serializers.CharField()
    published_at = serializers.DateTimeField()


class SiteShape(Shape):
    id = serializers.UUIDField()
    study = serializers.CharField(source="study.oid")
    code = serializers.CharField()
    name = serializers.CharField()
    time_zone = serializers.CharField(help_text="IANA name; local times of the site are in it")
    created_at = serializers.DateTimeField()


class ParticipantShape(PlacedShape):
    number = serializers.CharField()
    version = serializers.IntegerField(source="version.number", help_text="Study version")
    state = serializers.ChoiceField(choices=Participant.State.choices)
    state_reason = serializers.CharField(allow_blank=True)
    condition = serializers.CharField(allow_blank=True)
    arm = serializers.CharField(source="arm.code", allow_null=True)
    dose_level = serializers.IntegerField(source="dose_level.number", allow_null=True)
    sex = serializers.CharField(allow_blank=True)
    birth_date = serializers.CharField(allow_blank=True, help_text="As entered; may be partial")
    consented_on = serializers.DateField(allow_null=True)
    enrolled_on = serializers.DateField(allow_null=True)
    planned_infusion_on = serializers.DateField(allow_null=True)
    infused_on = serializers.DateField(allow_null=True)
    infused_at = serializers.CharField(allow_blank=True, help_text="Local wall time of the site")
    last_infused_on = serializers.DateField(allow_null=True)
    ended_on = serializers.DateField(allow_null=True)
    died_on = serializers.DateField(allow_null=True)
    populations = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


class VisitShape(ClinicalShape):
    code = serializers.CharField()
    ordinal = serializers.IntegerField()
    repeat = serializers.IntegerField(help_text="Counts unscheduled visits of one code; 0 for a scheduled one")
    kind = serializers.ChoiceField(choices=Visit.Kind.choices)
    version = serializers.IntegerField(source="version.number", help_text="Study version")
    target = serializers.DateField(allow_null=True)
    opens = serializers.DateField(allow_null=True)
    closes = serializers.DateField(allow_null=True)
    provisional = serializers.BooleanField(help_text="Whether target and window rest on a planned infusion")
    planned = serializers.DateField(allow_null=True)
    actual = serializers.DateField(allow_null=True)
    missed = serializers.BooleanField()
    missed_reason = serializers.CharField(allow_blank=True)
    cancelled = serializers.BooleanField()


class DeltaShape(Shape):
    """One item or field of an event: text, or the shape of a form's value; ``old`` is absent at a first entry."""

    old = serializers.JSONField(required=False)
    new = serializers.JSONField()
    reason = serializers.CharField(required=False)


class EventShape(Shape):
    """An audit event without its hashes; ``number`` is null for whoever does not read the whole chain."""

    id = serializers.CharField(help_text="Opaque; the event's cursor in changes")
    number = serializers.IntegerField(allow_null=True)
    at = serializers.DateTimeField()
    study_time = serializers.DateTimeField(allow_null=True)
    study = serializers.CharField()
    site = serializers.CharField(allow_null=True, help_text="Code of the site")
    participant = serializers.UUIDField(allow_null=True)
    record_kind = serializers.CharField()
    record_id = serializers.CharField()
    action = serializers.CharField()
    act = serializers.UUIDField(help_text="Events of one act were committed together")
    act_name = serializers.CharField()
    actor = serializers.CharField()
    on_behalf_of = serializers.CharField(allow_blank=True)
    request_id = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    redacted = serializers.BooleanField()
    deltas = serializers.DictField(child=DeltaShape())


class ChangeShape(Shape):
    """What happened to one record in one act."""

    cursor = serializers.CharField()
    seq = serializers.IntegerField(allow_null=True, help_text="null for whoever does not read all sites of the study")
    at = serializers.DateTimeField()
    study_time = serializers.DateTimeField(allow_null=True)
    site = serializers.CharField(allow_null=True)
    participant = serializers.UUIDField(allow_null=True)
    record_kind = serializers.CharField()
    record_id = serializers.CharField()
    action = serializers.CharField()
    act = serializers.UUIDField()
    actor = serializers.CharField(allow_null=True, help_text="null for a role that does not read the audit trail")
    deleted = serializers.BooleanField(help_text="A tombstone: remove the record from your copy")
    deltas = serializers.DictField(child=DeltaShape())


class ChangesShape(Shape):
    items = ChangeShape(many=True)
    next_cursor = serializers.CharField(help_text="Ask with it again, at once if more, else later")
    more = serializers.BooleanField()


class RoleShape(Shape):
    study = serializers.CharField()
    site = serializers.CharField(allow_null=True, help_text="null: all sites")
    role = serializers.ChoiceField(choices=[(role.value, role.value) for role in Role])


class MeShape(Shape):
    username = serializers.CharField()
    printed_name = serializers.CharField()
    roles = RoleShape(many=True)
    token_expires = serializers.DateTimeField(allow_null=True, help_text="null for a session")


class TokenRequestShape(Shape):
    days = serializers.IntegerField(required=False, min_value=1, max_value=90, default=30)
    code = serializers.CharField(required=False, help_text="Code of the second factor, where one is set up")


class TokenShape(Shape):
    key = serializers.CharField(help_text="Names the token; not secret")
    created = serializers.DateTimeField()
    expires = serializers.DateTimeField()


class NewTokenShape(TokenShape):
    token = serializers.CharField(help_text="Shown once and kept nowhere")


class TokensShape(Shape):
    items = TokenShape(many=True)


class ProblemKindShape(Shape):
    slug = serializers.CharField()
    status = serializers.IntegerField()
    title = serializers.CharField()
    meaning = serializers.CharField()


class ProblemKindsShape(Shape):
    items = ProblemKindShape(many=True)
