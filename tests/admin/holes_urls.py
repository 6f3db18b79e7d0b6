"""Addresses of the tests of holes: the real admin's pages, and lists set up as carelessly as the stock admin allows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import path

from capture.models import FormRecord, Query
from trials.admin.pages import ScopedPage
from trials.admin.scoped import ScopedModelAdmin, ScopedTabularInline
from trials.admin.site import DayZeroAdminSite
from trials.admin.site import site as real
from trials.domain.roles import Permission
from trials.models import Participant, Site, Study, User, Visit

careless = DayZeroAdminSite("admin")
written: list[Any] = []


class QueryInline(ScopedTabularInline):
    model = Query
    fields = ("text", "record")


class Writes(ScopedModelAdmin):
    """Takes what the form let through, so that a test sees it; nothing is stored."""

    add_permission = Permission.ENTER_DATA
    change_permission = Permission.ENTER_DATA

    def write(self, actor: Any, obj: Any, form: Any, *, change: bool) -> None:
        written.append(obj)


@admin.register(Query, site=careless)
class CarelessQueries(Writes):
    list_display = ("text", "record", "participant")
    list_filter = ("record", "participant")
    search_fields = ("text", "record__form")
    fields = ("record", "text", "participant")


@admin.register(FormRecord, site=careless)
class CarelessRecords(Writes):
    list_display = ("form",)
    search_fields = ("form",)
    fields = ("participant", "visit", "form")
    raw_id_fields = ("participant",)
    autocomplete_fields = ("visit",)


@admin.register(Visit, site=careless)
class CarelessVisits(ScopedModelAdmin):
    search_fields = ("code", "missed_reason")


@admin.register(Participant, site=careless)
class CarelessParticipants(ScopedModelAdmin):
    list_display = ("number", "site")
    list_filter = ("site", "study")
    inlines = (QueryInline,)


@admin.register(Study, site=careless)
class CarelessStudies(Writes):
    view_permission = Permission.VIEW_STUDY
    add_permission = Permission.PUBLISH_STUDY
    change_permission = Permission.PUBLISH_STUDY
    fields = ("oid", "title")
    list_display = ("oid",)


@admin.register(Site, site=careless)
class CarelessSites(Writes):
    view_permission = Permission.VIEW_STUDY
    fields = ("study", "code", "name", "time_zone")


@admin.register(User, site=careless)
class CarelessUsers(ScopedModelAdmin):
    view_permission = Permission.MANAGE_USERS


class Somewhere(ScopedPage):
    permission = Permission.VIEW_STUDY


for page in real.pages:
    careless.register_page(page.route, page.view, page.name, public=page.public)
for name in {"go_to", "choose_study"} - {page.name for page in real.pages}:
    careless.register_page(f"{name}/", Somewhere, name)

urlpatterns = [path("admin/", careless.urls)]
