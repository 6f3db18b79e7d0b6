"""The set-up of a study: its sites and the versions they work under, its people, its simulated clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from trials.admin.form_pages import FormPage, read_date, read_dates
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission, Role
from trials.models import Membership, Site, SiteActivation, Study, StudyVersion, User
from trials.records.domain.errors import DomainError, Refusal
from trials.records.services.clock import study_now
from trials.selectors.people import holdings_of, holdings_on
from trials.selectors.scope import find_visible
from trials.services.access_memberships import end_membership, grant_membership
from trials.services.sites import activate_version, create_site
from trials.services.study_clock import advance_clock, goal_of, stops

MORNING = time(1, 0, tzinfo=UTC)
"""The hour at which a day that is named begins, as in the command ``advance``."""
MOST_DAYS = 92
"""A request lives through no more days than this; the command ``advance`` takes any number."""
SHORT_HASH = 12
_ROLES = [(role.value, role.value.replace("_", " ").capitalize()) for role in Role]


class StudySetupPage(StudyPage, FormPage):
    """Each act is a form of its own. Sections whose act the actor may not do are absent.

    ``?on=2026-11-23`` shows who held which role at the end of that day, and no forms.
    """

    permission = Permission.PUBLISH_STUDY
    see_permission = Permission.VIEW_STUDY
    template_name = "trials/setup.html"

    on: date | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.on = read_date(request.GET.get("on", ""), "on")
        except DomainError as error:
            context = self.get_context_data(refusals=error.refusals, asked=request.GET["on"], **kwargs)
            return self.render_to_response(context, status=400)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        oid = kwargs.pop("oid")
        study = self.get_study(oid)
        manages = self.may(Permission.MANAGE_USERS, study)
        on = self.on if manages else None
        advances = study.simulated and self.may(Permission.ADVANCE_CLOCK, study)
        return super().get_context_data(
            title=_("Set-up"),
            crumbs=[crumb(oid, "study", oid)],
            study=study,
            on=on,
            publishes=on is None,
            advances=advances and on is None,
            manages=manages,
            **(self.sites_of(study) if on is None else {}),
            **(self.people_of(study, on) if manages else {}),
            **(self.clock_of(study) if advances and on is None else {}),
            **kwargs,
        )

    def sites_of(self, study: Study) -> dict[str, Any]:
        activations: dict[object, list[SiteActivation]] = {}
        rows = SiteActivation.objects.filter(site__study=study).select_related("version").order_by("from_date")
        for each in rows.defer("version__document"):
            activations.setdefault(each.site_id, []).append(each)
        sites = self.visible(Site.objects.filter(study=study)).order_by("code")
        versions = list(StudyVersion.objects.filter(study=study).defer("document").order_by("-number"))
        return {
            "sites": [(each, activations.get(each.pk, [])) for each in sites],
            "versions": [(each, each.content_hash[:SHORT_HASH]) for each in versions],
            "zones": sorted(available_timezones()),
        }

    def people_of(self, study: Study, on: date | None) -> dict[str, Any]:
        if on is not None:
            return {"holdings": holdings_on(study, on)}
        candidates = self.visible(User.objects.filter(is_active=True), Permission.MANAGE_USERS)
        return {
            "holdings": holdings_of(study),
            "candidates": candidates.exclude(pk=self.actor.user_id).order_by("username"),
            "roles": _ROLES,
            "opens_accounts": self.opens_accounts(),
        }

    def opens_accounts(self) -> bool:
        """Say whether the actor administers the installation and so opens accounts."""
        return bool(getattr(self.request.user, "is_administrator", False))

    def clock_of(self, study: Study) -> dict[str, Any]:
        zone = study.sites.order_by("code").values_list("time_zone", flat=True).first() or "UTC"
        return {"clock": study_now(study).astimezone(ZoneInfo(zone)), "zone": zone, "most_days": MOST_DAYS}

    # -- the acts

    def add_site(self, oid: str) -> HttpResponse:
        post = self.request.POST
        created = create_site(
            self.get_study(oid),
            code=post.get("code", "").strip(),
            name=post.get("name", ""),
            time_zone=post.get("time_zone", "").strip(),
            actor=self.actor,
        )
        return self.done(oid, "sites", _("Site %(site)s was added.") % {"site": created})

    def activate(self, oid: str) -> HttpResponse:
        post, study = self.request.POST, self.get_study(oid)
        place = self.get_object_or_unknown(Site.objects.filter(study=study), pk=post.get("site", ""))
        rows = StudyVersion.objects.filter(study=study)
        version = find_visible(self.actor, rows, Permission.VIEW_STUDY, pk=post.get("version", ""))
        from_date = read_date(post.get("from_date", ""), "from_date")
        if from_date is None:
            expected = _("the first day under this version")
            raise DomainError((Refusal("date", expected, _("none"), _("Enter it."), where="from_date"),))
        activate_version(place, version, from_date=from_date, actor=self.actor)
        words = _("Site %(site)s works under version %(number)d from %(day)s.")
        return self.done(oid, "sites", words % {"site": place, "number": version.number, "day": from_date})

    def grant(self, oid: str) -> HttpResponse:
        post, study = self.request.POST, self.get_study(oid)
        user = find_visible(self.actor, User.objects.all(), Permission.MANAGE_USERS, pk=post.get("user", ""))
        place = None
        if post.get("site"):
            place = find_visible(self.actor, Site.objects.all(), Permission.MANAGE_USERS, pk=post.get("site"))
        grant_membership(
            user,
            study=study,
            site=place,
            role=post.get("role", ""),
            reason=post.get("reason", ""),
            actor=self.actor,
            **read_dates(post, "valid_from", "valid_until"),
        )
        return self.done(oid, "people", _("%(name)s holds the role.") % {"name": user.printed_name})

    def end(self, oid: str) -> HttpResponse:
        post = self.request.POST
        rows = Membership.objects.filter(study=self.get_study(oid))
        row = find_visible(self.actor, rows, Permission.MANAGE_USERS, pk=post.get("membership", ""))
        end_membership(row, actor=self.actor, reason=post.get("reason", ""))
        return self.done(oid, "people", _("The role ended."))

    def advance(self, oid: str) -> HttpResponse:
        """Say first what would run; do it when that page's button comes back with the instant it showed."""
        study, post = self.get_study(oid), self.request.POST
        if not self.may(Permission.ADVANCE_CLOCK, study):
            advance_clock(study, days=1, actor=self.actor)  # refuses, in the words of the service
        goal = self.goal(study)
        if post.get("confirmed") != "1":
            lived = list(stops(study.clock, goal))
            context = self.get_context_data(oid=oid, goal=goal.isoformat(), lived=lived, typed={"advance": post})
            return self.render_to_response(context)
        advance_clock(study, to=goal, actor=self.actor)
        return self.done(
            oid, "clock", _("The clock was advanced to %(at)s.") % {"at": goal.strftime("%d %b %Y %H:%M UTC")}
        )

    def goal(self, study: Study) -> datetime:
        """Read how far: an instant that was confirmed, a number of days, or a day."""
        post = self.request.POST
        days, to = post.get("days", "").strip(), read_date(post.get("to", ""), "to")
        if days and not (days.isascii() and days.isdigit() and 1 <= int(days[:9]) <= MOST_DAYS):
            raise _too_far(repr(days), "days")
        instant = _instant(post["goal"]) if post.get("goal") else datetime.combine(to, MORNING) if to else None
        goal = goal_of(study, to=instant, days=int(days) if days and not post.get("goal") else None)
        step = (goal - study_now(study)).days
        if step > MOST_DAYS:
            raise _too_far(str(step), "to")
        return goal

    def done(self, oid: str, place: str, words: str) -> HttpResponse:
        messages.success(self.request, words)
        return HttpResponseRedirect(f"{reverse('admin:study_setup', args=[oid])}#{place}")

    deeds: ClassVar[Any] = {"add_site": add_site, "activate": activate, "grant": grant, "end": end, "advance": advance}


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        refusal = Refusal("clock_goal", "the instant that was shown", repr(text), "Begin again.", where="to")
        raise DomainError((refusal,)) from None


def _too_far(found: str, where: str) -> DomainError:
    expected = _("1 to %(most)d days at a time") % {"most": MOST_DAYS}
    action = _("Take a shorter step, or use the command advance.")
    return DomainError((Refusal("clock_step", expected, found, action, where=where),))


site.register_page("studies/<str:oid>/setup/", StudySetupPage, "study_setup")
