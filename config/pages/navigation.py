"""What the frame of every page shows: study, role, navigation. Nothing here decides access; the pages do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy

from trials.domain.roles import MATRIX, STUDY_WIDE, Permission, Role
from trials.models import Study, User
from trials.policies import memberships_of
from trials.records.services import clock
from trials.records.services.notifications import inbox_of
from trials.selectors.scope import Grant, studies_of
from trials.services.access import actor_of

SESSION_KEY = "study"


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the navigation, shown to roles that carry the permission."""

    name: str
    label: object
    glyph: str
    permission: Permission | None
    of_study: bool = True
    also: tuple[str, ...] = ()


GROUPS: tuple[tuple[object, tuple[Entry, ...]], ...] = (
    (
        gettext_lazy("Conduct"),
        (
            Entry("index", gettext_lazy("My work"), "home", None, of_study=False),
            Entry(
                "casebook", gettext_lazy("Casebook"), "grid", Permission.VIEW_RECORDS, also=("visit", "record", "log")
            ),
            Entry(
                "participants",
                gettext_lazy("Participants"),
                "user",
                Permission.VIEW_PARTICIPANTS,
                also=("participant",),
            ),
            Entry("queries", gettext_lazy("Queries"), "flago", Permission.VIEW_RECORDS),
        ),
    ),
    (
        gettext_lazy("Safety"),
        (
            Entry("adverse_events", gettext_lazy("Adverse events"), "pulse", Permission.VIEW_SAFETY),
            Entry("assessments", gettext_lazy("CRS and ICANS"), "table", Permission.VIEW_SAFETY),
            Entry("dlt_windows", gettext_lazy("DLT windows"), "hour", Permission.VIEW_SAFETY),
        ),
    ),
    (
        gettext_lazy("Data"),
        (
            Entry("study", gettext_lazy("Study"), "book", Permission.VIEW_STUDY),
            Entry("study_setup", gettext_lazy("Set-up"), "table", Permission.PUBLISH_STUDY),
            Entry("exports", gettext_lazy("Exports"), "out", Permission.EXPORT_DATA),
            Entry("audit", gettext_lazy("Audit trail"), "hist", Permission.VIEW_AUDIT),
        ),
    ),
    (
        gettext_lazy("Administration"),
        (
            Entry(
                "people",
                gettext_lazy("People"),
                "user",
                Permission.MANAGE_USERS,
                of_study=False,
                also=("person", "person_add"),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One link, resolved."""

    name: str
    url: str
    label: object
    glyph: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    label: object
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Chrome:
    """Everything the frame shows."""

    place: str
    studies: tuple[Study, ...]
    study: Study | None
    groups: tuple[Group, ...]
    name: str
    role: str
    initials: str
    simulated: bool
    today: date | None
    inbox_url: str
    unread: int = 0


def chrome(request: HttpRequest) -> dict[str, object]:
    """Context processor: the frame, built only when a page draws it."""
    return {"chrome": SimpleLazyObject(lambda: build_chrome(request))}


def build_chrome(request: HttpRequest) -> Chrome:
    """Collect the frame for the signed-in user: at most three statements."""
    user = request.user
    if not isinstance(user, User):
        return Chrome("", (), None, (), "", "", "", simulated=False, today=None, inbox_url="")
    actor = actor_of(user)
    studies = tuple(studies_of(actor))
    study = current_study(request, studies)
    grants = memberships_of(actor)
    roles = _roles(grants, study, is_administrator=user.is_administrator)
    return Chrome(
        place=study.oid if study else "",
        studies=studies,
        study=study,
        groups=_groups(request, study, _permissions(grants, study)),
        name=user.printed_name,
        role=", ".join(sorted(str(role).replace("_", " ").capitalize() for role in roles)),
        initials="".join(part[0] for part in user.printed_name.split()[:2]).upper(),
        simulated=bool(study and study.simulated),
        today=clock.study_now(study).date() if study else None,
        inbox_url=page_url("inbox"),
        unread=inbox_of(user.pk).count(),
    )


def current_study(request: HttpRequest, studies: tuple[Study, ...]) -> Study | None:
    """Return the study of the page, else the one chosen last, else the first that the user may see."""
    match = request.resolver_match
    chosen = (
        getattr(request, "study_oid", "")
        or (match.kwargs.get("oid") if match else "")
        or request.session.get(SESSION_KEY)
    )
    return next((study for study in studies if study.oid == chosen), studies[0] if studies else None)


def _roles(grants: tuple[Grant, ...], study: Study | None, *, is_administrator: bool) -> set[Role]:
    roles = {Role(grant.role) for grant in grants if study is not None and grant.study_id == study.pk}
    return roles | ({Role.ADMINISTRATOR} if is_administrator else set())


def _permissions(grants: tuple[Grant, ...], study: Study | None) -> set[Permission]:
    """Return what the user may do in the study; what is done to a whole study needs a grant for all its sites."""
    here = [grant for grant in grants if grant.study_id is None or (study is not None and grant.study_id == study.pk)]
    return {
        permission
        for grant in here
        for permission in MATRIX[grant.role]
        if grant.whole_study or permission not in STUDY_WIDE
    }


def _groups(request: HttpRequest, study: Study | None, permissions: set[Permission]) -> tuple[Group, ...]:
    name = request.resolver_match.url_name if request.resolver_match else ""
    groups = []
    for label, entries in GROUPS:
        items = tuple(
            Item(entry.name, url, entry.label, entry.glyph, current=name in (entry.name, *entry.also))
            for entry in entries
            if _permitted(entry, study, permissions)
            and (url := page_url(entry.name, study if entry.of_study else None))
        )
        if items:
            groups.append(Group(label, items))
    return tuple(groups)


def _permitted(entry: Entry, study: Study | None, permissions: set[Permission]) -> bool:
    if entry.of_study and study is None:
        return False
    return entry.permission is None or entry.permission in permissions


def page_url(name: str, study: Study | None = None) -> str:
    """Return where a page of a study is, empty when there is no such page."""
    try:
        return reverse(f"admin:{name}", kwargs={"oid": study.oid} if study else None)
    except NoReverseMatch:
        return ""
