"""Pages before and around a session: log-in, second factor, own password, log-out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import segno
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as mark_verified
from django_otp.plugins.otp_totp.models import TOTPDevice

from trials.admin.site import DayZeroAdminSite, site
from trials.middleware import actor_of_request, address_of, begin_session, idle_left, in_background
from trials.models import User
from trials.records.domain.errors import DomainError, Refusal
from trials.records.services import clock
from trials.services.access import record_failed_code, record_failed_log_in, record_log_in, record_log_out
from trials.services.access_factors import begin_enrolment, confirm_enrolment, verify_code
from trials.services.access_passwords import change_password


def next_page(request: HttpRequest) -> str:
    """Return the page asked for if it is one of this house, else the first page."""
    asked = str(request.POST.get("next") or request.GET.get("next") or "")
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    own_way = asked.split("?", maxsplit=1)[0] in {reverse("admin:login"), reverse("admin:logout")}
    return asked if safe and asked.startswith("/") and not own_way else reverse("admin:index")


def person_of(request: HttpRequest) -> User:
    """Return the signed-in person's own row."""
    return User.objects.get(pk=str(request.user.pk))


@method_decorator(
    [never_cache, csrf_protect, sensitive_post_parameters("password", "old", "new", "again", "code")], name="dispatch"
)
class AccessPage(View):
    """Base of the pages of this module: a frame without the menu."""

    admin_site: DayZeroAdminSite = site
    template_name = ""
    title = ""

    def show(self, refusals: Sequence[Refusal | str] = (), *, status: int = 200, **context: Any) -> TemplateResponse:
        shared = {"title": self.title, "refusals": refusals, "next": next_page(self.request), "site_title": "Day Zero"}
        theme = {**self.admin_site.each_context(self.request), **shared, **context}
        return TemplateResponse(self.request, self.template_name, theme, status=status)


class LogIn(AccessPage):
    """Name and password. Every failure is answered in the same words, at the same cost."""

    template_name = "trials/access/login.html"

    @property
    def title(self) -> str:  # type: ignore[override]
        return _("Sign in")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            return HttpResponseRedirect(next_page(request))
        return self.show()

    def post(self, request: HttpRequest) -> HttpResponseBase:
        username = request.POST.get("username", "").strip().lower()[:150]
        if too_many_from(address_of(request)):
            return locked_out(request)
        user = authenticate(request, username=username, password=request.POST.get("password", "")[:1000])
        if not isinstance(user, User):
            locked = bool(getattr(request, "axes_locked_out", False))
            record_failed_log_in(username, address=address_of(request), locked=locked)
            return self.show([_("Name and password do not fit each other. Try again.")], status=401)
        login(request, user)
        begin_session(request)
        record_log_in(user, address=address_of(request))
        return HttpResponseRedirect(next_page(request))


def too_many_from(address: str) -> bool:
    """Say whether one address failed so often, over all names, that it is held back for a while."""
    since = clock.now() - settings.AXES_COOLOFF_TIME
    failures = AccessAttempt.objects.filter(ip_address=address or None, attempt_time__gt=since).aggregate(
        all=Sum("failures_since_start")
    )
    return (failures["all"] or 0) >= settings.LOGIN_FAILURES_PER_ADDRESS


def locked_out(request: HttpRequest, response: object = None, credentials: object = None) -> HttpResponse:
    """Answer whoever failed too often; the words are the same for a name that is no account's."""
    del response, credentials
    page = LogIn()
    page.setup(request)
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    words = _("Too many failed attempts. Wait %(minutes)d minutes, then try again.") % {"minutes": minutes}
    return page.show([words], status=429).render()


class LogOut(AccessPage):
    """Ends the session on the server; asked by POST only, so that no link can do it."""

    template_name = "trials/access/signed_out.html"

    @property
    def title(self) -> str:  # type: ignore[override]
        return _("Signed out")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        del request
        return HttpResponseRedirect(reverse("admin:index"))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            record_log_out(person_of(request))
        logout(request)
        return HttpResponseRedirect(reverse("admin:login"))


class SecondFactor(AccessPage):
    """Asks for the code after the password."""

    template_name = "trials/access/second_factor.html"

    @property
    def title(self) -> str:  # type: ignore[override]
        return _("Second factor")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        del request
        return self.show()

    def post(self, request: HttpRequest) -> HttpResponseBase:
        user = person_of(request)
        try:
            device = verify_code(user, code=request.POST.get("code", ""))
        except DomainError as error:
            record_failed_code(user, address=address_of(request))
            return self.show(error.refusals, status=403)
        request.session.cycle_key()
        mark_verified(request, device)
        return HttpResponseRedirect(next_page(request))


class SecondFactorSetup(AccessPage):
    """Shows a new device's key once more until its first code proves it."""

    template_name = "trials/access/second_factor_setup.html"

    @property
    def title(self) -> str:  # type: ignore[override]
        return _("Set up the second factor")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return self._ask(begin_enrolment(person_of(request)))

    def post(self, request: HttpRequest) -> HttpResponseBase:
        user = person_of(request)
        try:
            device, codes = confirm_enrolment(user, code=request.POST.get("code", ""), actor=actor_of_request(request))
        except DomainError as error:
            record_failed_code(user, address=address_of(request))
            return self._ask(begin_enrolment(user), error.refusals, status=403)
        request.session.cycle_key()
        mark_verified(request, device)
        return self.show(codes=codes)

    def _ask(self, device: TOTPDevice, refusals: Sequence[Refusal] = (), *, status: int = 200) -> HttpResponseBase:
        picture = segno.make(device.config_url, error="m").svg_inline(scale=4, title=_("Key for the authenticator"))
        key = device.config_url.split("secret=")[1].split("&")[0]
        return self.show(refusals, status=status, qr=mark_safe(picture), key=key)  # noqa: S308 - drawn by us


class OwnPassword(AccessPage):
    """Changes one's own password; this session goes on under a new id, all others end."""

    template_name = "trials/access/password.html"

    @property
    def title(self) -> str:  # type: ignore[override]
        return _("Change your password")

    def get(self, request: HttpRequest) -> HttpResponseBase:
        del request
        return self.show()

    def post(self, request: HttpRequest) -> HttpResponseBase:
        new = request.POST.get("new", "")
        if new != request.POST.get("again", ""):
            return self.show([_("The new password was typed in two ways. Type it twice alike.")], status=400)
        user = person_of(request)
        try:
            change_password(user, old=request.POST.get("old", ""), new=new, actor=actor_of_request(request))
        except DomainError as error:
            return self.show(error.refusals, status=400)
        update_session_auth_hash(request, user)
        return HttpResponseRedirect(next_page(request))


class SessionState(AccessPage):
    """Tells how long the session may stay idle; POST prolongs it, since a person pressed the button."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        return JsonResponse({"idle_left": idle_left(request), "warn_at": settings.SESSION_IDLE_WARNING_SECONDS})

    def post(self, request: HttpRequest) -> HttpResponseBase:
        if not in_background(request):
            request.session["access.seen"] = clock.now().isoformat()
        return self.get(request)


site.register_page("login/", LogIn, "login", public=True)
site.register_page("logout/", LogOut, "logout", public=True)
site.register_page("second-factor/", SecondFactor, "second_factor")
site.register_page("second-factor/set-up/", SecondFactorSetup, "second_factor_setup")
site.register_page("password/", OwnPassword, "password_change")
site.register_page("session/", SessionState, "session")
