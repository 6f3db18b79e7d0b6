"""People, their memberships and passwords; the registers of studies and sites: the administrator's pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from knox.models import AuthToken

from trials.admin.pages import ScopedPage
from trials.admin.scoped import ScopedModelAdmin
from trials.admin.site import site
from trials.domain.roles import Permission, Role
from trials.models import Membership, Site, Study, User
from trials.records.domain.errors import DomainError, Refusal
from trials.selectors.scope import find_visible, may_anywhere
from trials.services.access_factors import has_second_factor, remove_second_factor
from trials.services.access_memberships import end_membership, grant_membership
from trials.services.access_passwords import replace_password
from trials.services.access_tokens import mint_token, revoke_token
from trials.services.access_users import create_user, deactivate_user, reactivate_user


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


class FormPage(ScopedPage):
    """A page whose POST is one act: on refusal it is shown again with what was typed and all reasons."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        del args
        try:
            return self.act(**kwargs)
        except DomainError as error:
            if error.kind in {"unknown", "forbidden"}:
                raise
            context = self.get_context_data(refusals=error.refusals, typed=request.POST, **kwargs)
            return self.render_to_response(context, status=400)

    def act(self, **kwargs: Any) -> HttpResponse:
        raise NotImplementedError


class AddPerson(FormPage):
    """Opens an account; only an administrator of the installation may."""

    permission = Permission.MANAGE_USERS
    template_name = "trials/access/person_add.html"
    title = gettext_lazy("New account")  # type: ignore[assignment]

    def act(self, **kwargs: Any) -> HttpResponse:
        del kwargs
        request, post = self.request, self.request.POST
        user = create_user(
            username=post.get("username", ""),
            printed_name=post.get("printed_name", ""),
            email=post.get("email", ""),
            time_zone=post.get("time_zone") or "UTC",
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
            **kwargs,
        )

    def act(self, **kwargs: Any) -> HttpResponse:
        request = self.request
        user = self.person(kwargs["user_id"])
        deed = self.deeds.get(request.POST.get("deed", ""))
        if deed is None:
            expected = ", ".join(sorted(self.deeds))
            raise DomainError((Refusal("deed", f"one of {expected}", "another", "Use the buttons of the page."),))
        deed(self, user)
        messages.success(request, _("Done."))
        return HttpResponseRedirect(reverse("admin:person", kwargs={"user_id": user.pk}))

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
            valid_until=_date(post.get("valid_until", "")),
            reason=post.get("reason", ""),
            actor=self.actor,
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

    deeds: ClassVar[dict[str, Callable[[Person, User], None]]] = {
        "grant": grant,
        "end": end,
        "deactivate": deactivate,
        "reactivate": reactivate,
        "password": password,
        "factor": factor,
    }


def _date(text: str) -> Any:
    """Read a date field; empty means none, anything else must be a date."""
    if not text.strip():
        return None
    try:
        found = parse_date(text.strip())
    except ValueError:
        found = None
    if found is None:
        refusal = Refusal("date", "a date such as 2026-11-23", repr(text), "Correct it.", where="valid_until")
        raise DomainError((refusal,))
    return found


class Account(FormPage):
    """One's own account: roles, second factor and tokens."""

    permission = Permission.VIEW_STUDY
    template_name = "trials/access/account.html"
    title = gettext_lazy("Your account")  # type: ignore[assignment]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = User.objects.get(pk=self.actor.user_id)
        return super().get_context_data(
            person=user,
            memberships=user.memberships.select_related("study", "site").order_by("study__oid", "role"),
            second_factor=has_second_factor(user),
            tokens=AuthToken.objects.filter(user=user).order_by("created"),
            may_use_api=may_anywhere(self.actor, Permission.USE_API),
            **kwargs,
        )

    def act(self, **kwargs: Any) -> HttpResponse:
        request = self.request
        user = User.objects.get(pk=self.actor.user_id)
        if request.POST.get("deed") == "revoke":
            revoke_token(request.POST.get("token", ""), user=user, actor=self.actor)
            messages.success(request, _("Token revoked."))
            return HttpResponseRedirect(reverse("admin:account"))
        verified = bool(getattr(request.user, "otp_device", None))
        days = request.POST.get("days", "30")
        token, text = mint_token(user, actor=self.actor, verified=verified, days=int(days) if days.isdigit() else 0)
        del token
        return self.render_to_response(self.get_context_data(minted=text, **kwargs))


site.register_page("people/new/", AddPerson, "person_add")
site.register_page("people/<str:user_id>/", Person, "person")
site.register_page("account/", Account, "account")
