"""People, their memberships and passwords; the registers of studies and sites: the administrator's pages."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from knox.models import AuthToken

from trials.admin.form_pages import FormPage, read_dates
from trials.admin.pages import ScopedPage
from trials.admin.scoped import ScopedModelAdmin
from trials.admin.site import site
from trials.domain.roles import Permission, Role
from trials.models import Membership, Site, Study, User
from trials.selectors.people import accounts_of
from trials.selectors.scope import find_visible
from trials.services.access_factors import has_second_factor, remove_second_factor
from trials.services.access_memberships import end_membership, grant_membership
from trials.services.access_passwords import replace_password
from trials.services.access_users import change_account, create_user, deactivate_user, reactivate_user


@admin.register(User, site=site)
class UserAdmin(ScopedModelAdmin):
    view_permission = Permission.MANAGE_USERS
    list_display = ("username", "printed_name", "email", "is_active", "is_administrator")
    list_filter = ("is_active", "is_administrator")
    search_fields = ("username", "printed_name")
    fields = ("username", "printed_name", "email", "time_zone", "is_active", "is_administrator", "must_change_password")


@admin.register(Membership, site=site)
class MembershipAdmin(ScopedModelAdmin):
    view_permission = Permission.MANAGE_USERS
    list_display = ("user", "study", "site", "role", "valid_from", "valid_until", "granted_by")
    list_filter = ("study", "site", "role")
    search_fields = ("user__username", "user__printed_name")
    list_select_related = ("user", "study", "site")


@admin.register(Study, site=site)
class StudyAdmin(ScopedModelAdmin):
    view_permission = Permission.VIEW_STUDY
    list_display = ("oid", "title", "simulated")
    fields = ("oid", "title", "simulated", "created_at")
    search_fields = ("oid", "title")


@admin.register(Site, site=site)
class SiteAdmin(ScopedModelAdmin):
    view_permission = Permission.VIEW_STUDY
    list_display = ("code", "name", "study", "time_zone")
    fields = ("code", "name", "study", "time_zone", "created_at")
    list_filter = ("study",)
    search_fields = ("code", "name")
    list_select_related = ("study",)


class PeoplePage(ScopedPage):
    """The accounts that the actor may manage: roles, last log-in, second factor, state; a row opens the person."""

    permission = Permission.MANAGE_USERS
    template_name = "trials/access/people.html"
    title = gettext_lazy("People")  # type: ignore[assignment]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = list(accounts_of(self.actor))
        state, find = self.request.GET.get("state", ""), self.request.GET.get("find", "").strip().lower()
        counts = [
            (value, label, sum(test(row) for row in rows))
            for value, label, test in (
                ("open", _("Open"), _is_open),
                ("closed", _("Closed"), _is_closed),
                ("no-factor", _("Without second factor"), _has_no_factor),
            )
        ]
        tests = {"open": _is_open, "closed": _is_closed, "no-factor": _has_no_factor}
        shown = [row for row in rows if state not in tests or tests[state](row)]
        if find:
            shown = [row for row in shown if find in f"{row.username} {row.printed_name} {row.email}".lower()]
        return super().get_context_data(
            rows=shown,
            total=len(rows),
            counts=counts,
            state=state,
            find=self.request.GET.get("find", "").strip(),
            administers=administers(self.request),
            **kwargs,
        )


def _is_open(row: User) -> bool:
    return row.is_active


def _is_closed(row: User) -> bool:
    return not row.is_active


def _has_no_factor(row: User) -> bool:
    return row.is_active and not getattr(row, "second_factor", False)


def administers(request: HttpRequest) -> bool:
    """Say whether whoever asks administers the installation: accounts are opened, closed and mended by such alone."""
    return bool(getattr(request.user, "is_administrator", False))


class AddPerson(FormPage):
    """Opens an account; only an administrator of the installation may."""

    permission = Permission.MANAGE_USERS
    template_name = "trials/access/person_add.html"
    title = gettext_lazy("New account")  # type: ignore[assignment]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        crumbs = [{"label": _("People"), "url": reverse("admin:people")}]
        return super().get_context_data(crumbs=crumbs, zones=sorted(available_timezones()), **kwargs)

    def act(self, **kwargs: Any) -> HttpResponse:
        del kwargs
        request, post = self.request, self.request.POST
        user = create_user(
            username=post.get("username", ""),
            printed_name=post.get("printed_name", ""),
            email=post.get("email", ""),
            time_zone=post.get("time_zone", "").strip() or "UTC",
            password=post.get("password", ""),
            actor=self.actor,
        )
        messages.success(request, _("Account opened; the password must be changed at the first log-in."))
        return HttpResponseRedirect(reverse("admin:person", kwargs={"user_id": user.pk}))


class Person(FormPage):
    """One person: account, roles, devices, tokens, and the acts on them."""

    permission = Permission.MANAGE_USERS
    template_name = "trials/access/person.html"

    def person(self, user_id: object) -> User:
        return self.get_object_or_unknown(User.objects.all(), pk=user_id)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.person(kwargs["user_id"])
        memberships = self.visible(Membership.objects.filter(user=user)).select_related("study", "site")
        return super().get_context_data(
            title=user.printed_name or user.username,
            person=user,
            memberships=memberships.order_by("study__oid", "role"),
            studies=self.visible(Study.objects.all()),
            sites=self.visible(Site.objects.select_related("study")).order_by("study__oid", "code"),
            roles=[(role.value, role.value.replace("_", " ").capitalize()) for role in Role],
            second_factor=has_second_factor(user),
            tokens=AuthToken.objects.filter(user=user).count(),
            administers=administers(self.request),
            own=str(user.pk) == self.actor.user_id,
            crumbs=[{"label": _("People"), "url": reverse("admin:people")}],
            zones=sorted(available_timezones()),
            **kwargs,
        )

    def act(self, **kwargs: Any) -> HttpResponse:
        user = self.person(kwargs["user_id"])
        self.chosen()(self, user)
        messages.success(self.request, _("Done."))
        return HttpResponseRedirect(reverse("admin:person", kwargs={"user_id": user.pk}))

    def details(self, user: User) -> None:
        post = self.request.POST
        change_account(
            user,
            printed_name=post.get("printed_name", ""),
            email=post.get("email", ""),
            time_zone=post.get("time_zone", ""),
            reason=self._reason,
            actor=self.actor,
        )

    def grant(self, user: User) -> None:
        post = self.request.POST
        study = find_visible(self.actor, Study.objects.all(), self.permission, pk=post.get("study"))
        place = None
        if post.get("site"):
            place = find_visible(self.actor, Site.objects.all(), self.permission, pk=post.get("site"))
        grant_membership(
            user,
            study=study,
            site=place,
            role=post.get("role", ""),
            reason=post.get("reason", ""),
            actor=self.actor,
            **read_dates(post, "valid_from", "valid_until"),
        )

    def end(self, user: User) -> None:
        rows = Membership.objects.filter(user=user)
        membership = find_visible(self.actor, rows, self.permission, pk=self.request.POST.get("membership"))
        end_membership(membership, actor=self.actor, reason=self._reason)

    def deactivate(self, user: User) -> None:
        deactivate_user(user, actor=self.actor, reason=self._reason)

    def reactivate(self, user: User) -> None:
        reactivate_user(user, actor=self.actor, reason=self._reason)

    def password(self, user: User) -> None:
        replace_password(user, new=self.request.POST.get("password", ""), actor=self.actor, reason=self._reason)

    def factor(self, user: User) -> None:
        remove_second_factor(user, actor=self.actor, reason=self._reason)

    @property
    def _reason(self) -> str:
        return self.request.POST.get("reason", "")

    deeds: ClassVar[Any] = {
        "details": details,
        "grant": grant,
        "end": end,
        "deactivate": deactivate,
        "reactivate": reactivate,
        "password": password,
        "factor": factor,
    }


site.register_page("people/", PeoplePage, "people")
site.register_page("people/new/", AddPerson, "person_add")
site.register_page("people/<str:user_id>/", Person, "person")
