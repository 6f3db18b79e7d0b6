"""One's own page: how one is reached, password, second factor, roles, tokens of the interface."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView
from knox.models import AuthToken

from trials.admin.form_pages import FormPage
from trials.admin.site import site
from trials.domain.roles import Permission
from trials.models import User
from trials.selectors.scope import may_anywhere
from trials.services.access_factors import has_second_factor, replace_recovery_codes
from trials.services.access_tokens import mint_token, revoke_token
from trials.services.access_users import change_account


@method_decorator(never_cache, name="dispatch")
class Profile(FormPage):
    """Open to whoever is signed in, with a role or without: everything here is about oneself."""

    permission = Permission.VIEW_STUDY
    template_name = "trials/access/profile.html"
    title = gettext_lazy("Your profile")  # type: ignore[assignment]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask no permission: a person without any role still has a password to change."""
        self.request = request
        request.current_app = self.admin_site.name
        return TemplateView.dispatch(self, request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.person
        return super().get_context_data(
            person=user,
            memberships=user.memberships.select_related("study", "site").order_by("study__oid", "role"),
            second_factor=has_second_factor(user),
            tokens=AuthToken.objects.filter(user=user).order_by("created"),
            may_use_api=may_anywhere(self.actor, Permission.USE_API),
            zones=sorted(available_timezones()),
            crumbs=[],
            **kwargs,
        )

    @property
    def person(self) -> User:
        return User.objects.get(pk=self.actor.user_id)

    def details(self) -> HttpResponse:
        post = self.request.POST
        change_account(self.person, email=post.get("email", ""), time_zone=post.get("time_zone", ""), actor=self.actor)
        return self.done(_("Saved."))

    def mint(self) -> HttpResponse:
        """Show a new token, this once."""
        days = self.request.POST.get("days", "30").strip()
        number = int(days) if days.isascii() and days.isdigit() and len(days) < len("100000") else 0
        verified = bool(getattr(self.request.user, "otp_device", None))
        _token, text = mint_token(self.person, actor=self.actor, verified=verified, days=number)
        return self.render_to_response(self.get_context_data(minted=text))

    def revoke(self) -> HttpResponse:
        revoke_token(self.request.POST.get("token", ""), user=self.person, actor=self.actor)
        return self.done(_("Token revoked."))

    def codes(self) -> HttpResponse:
        """Show new recovery codes, this once; only whoever has a second factor has any."""
        user = self.person
        if not has_second_factor(user):
            return HttpResponseRedirect(reverse("admin:second_factor_setup"))
        return self.render_to_response(self.get_context_data(codes=replace_recovery_codes(user, actor=self.actor)))

    def done(self, words: str) -> HttpResponse:
        messages.success(self.request, words)
        return HttpResponseRedirect(reverse("admin:profile"))

    deeds: ClassVar[Any] = {"details": details, "mint": mint, "revoke": revoke, "codes": codes}


site.register_page("profile/", Profile, "profile")
