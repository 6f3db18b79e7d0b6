"""The one admin site: only scoped model admins and scoped pages live here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.core.exceptions import ImproperlyConfigured
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _
from django.views import View
from unfold.sites import UnfoldAdminSite

_REMOVED = frozenset({"view_on_site", "password_change", "password_change_done", "login", "logout", "search"})
"""Stock views that leak (view on site redirects for any object) or that the access pages replace."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page that is no change list: its route under the admin, its view class and its name."""

    route: str
    view: type[View[Any]]
    name: str
    public: bool = False


class DayZeroAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """Admin whose every view asks the policies; nothing is registered here that is not scoped."""

    enable_nav_sidebar = True
    final_catch_all_view = False
    site_url = None

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: dict[str, Page] = {}
        self._actions: dict[str, Callable[..., Any]] = {}
        self._global_actions: dict[str, Callable[..., Any]] = {}

    def register_page(self, route: str, view: type[View[Any]], name: str, *, public: bool = False) -> None:
        """Add a page; ``public`` is for the few that stand before the log-in."""
        if name in self._pages and self._pages[name].view is not view:
            message = f"Two pages are named {name}; a page's name is its URL name and must be its own."
            raise ImproperlyConfigured(message)
        self._pages[name] = Page(route, view, name, public)

    @property
    def pages(self) -> tuple[Page, ...]:
        return tuple(self._pages.values())

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Take in scoped model admins only."""
        if not getattr(admin_class, "is_scoped", False):
            message = f"{admin_class} is not derived from ScopedModelAdmin; nothing else may be registered here."
            raise ImproperlyConfigured(message)
        super().register(model_or_iterable, admin_class, **options)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add how long a session may stay idle, for the warning that the page gives before."""
        idle = {
            "idle_seconds": settings.SESSION_IDLE_SECONDS,
            "idle_warning_seconds": settings.SESSION_IDLE_WARNING_SECONDS,
        }
        return {**super().each_context(request), **idle}

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever is signed in and active may come in; what is inside is decided row by row."""
        return bool(request.user.is_authenticated and request.user.is_active)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [path(page.route, self._page_view(page), name=page.name) for page in self._pages.values()]
        search = path("search/", self.admin_view(self.search), name="search")
        stock = [url for url in super().get_urls() if getattr(url, "name", None) not in _REMOVED]
        return [*own, search, *stock]

    def _page_view(self, page: Page) -> Callable[..., HttpResponseBase]:
        view = page.view.as_view(admin_site=self)
        return view if page.public else self.admin_view(view)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Search menus and, when extended, scoped rows; never cached, since what may be seen changes with a grant."""
        del extra_context
        term = str(request.GET.get("s", "")).strip().lower()
        if not term:
            return HttpResponse()
        apps = self.get_app_list(request)
        extended = "extended" in request.GET
        results = self._search_apps(apps, term)
        if extended:
            results.extend(self._search_models(request, self.get_app_list(request), term))
        paginator = Paginator(results, 100)
        return TemplateResponse(
            request,
            "unfold/helpers/command_results.html" if extended else "unfold/helpers/search_results.html",
            {
                "page_obj": paginator,
                "results": paginator.get_page(request.GET.get("page", 1)),
                "page_counter": 0,
                "execution_time": 0,
                "command_show_history": False,
            },
            headers={"HX-Trigger": "search"},
        )


site = DayZeroAdminSite(name="admin")
site.site_header = "Day Zero"
site.site_title = "Day Zero"
site.index_title = _("Overview")
