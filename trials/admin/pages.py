"""Base of every page that is no change list: inside the admin's chrome, behind one permission, over visible rows."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.generic import TemplateView

from trials.admin.site import DayZeroAdminSite, site
from trials.domain.roles import Permission
from trials.middleware import actor_of_request
from trials.policies import forbidden, require
from trials.records.domain.actors import Actor
from trials.selectors.scope import find_visible, may_anywhere, visible

M = TypeVar("M", bound=Model)


class ScopedPage(TemplateView):
    """A page of the admin.

    ``permission`` is asked before anything else: whoever holds it nowhere is refused, whatever the address names.
    ``see_permission`` decides which objects exist for the actor; an object that is visible but on which he lacks
    ``permission`` is refused as forbidden, every other one as unknown.
    Templates extend ``dayzero/base.html`` (or ``admin/base_site.html``).
    """

    admin_site: DayZeroAdminSite = site
    permission: ClassVar[Permission]
    see_permission: ClassVar[Permission | None] = None
    title: str = ""

    @property
    def actor(self) -> Actor:
        return actor_of_request(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.request = request
        if not may_anywhere(self.actor, self.permission):
            raise forbidden(self.actor, self.permission)
        request.current_app = self.admin_site.name
        return super().dispatch(request, *args, **kwargs)

    def get_object_or_unknown(self, queryset: QuerySet[M], **lookup: object) -> M:
        """Return the visible row, or refuse: unknown and foreign alike, forbidden only for what may be seen."""
        found = find_visible(self.actor, queryset, self.see_permission or self.permission, **lookup)
        require(self.actor, self.permission, found)
        return found

    def visible(self, queryset: QuerySet[M], permission: Permission | None = None) -> QuerySet[M]:
        """Narrow a queryset to what this page's actor may see."""
        return visible(self.actor, queryset, permission or self.see_permission or self.permission)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(self.request),
            "title": self.title,
            **super().get_context_data(**kwargs),
        }
