"""Base of every model admin: rows, choices, filters, labels and searches are narrowed to what the actor may see.

Read-only unless a subclass names a permission for adding or changing and hands the write to a service; nothing is ever
deleted. Narrowing ``get_queryset`` alone leaves a dozen holes in the stock admin; each override here closes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import Field, ForeignKey, ManyToManyField, Model, Q, QuerySet
from django.forms import BaseForm, ModelForm
from django.forms.models import ModelChoiceField
from django.http import Http404, HttpRequest
from django.urls import URLPattern
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.views import ChangeList
from unfold.widgets import UnfoldForeignKeyRawIdWidget

from trials.admin.closing import ScopedRelatedFilter, hide_foreign, related_model, visible_related
from trials.domain.roles import Permission
from trials.middleware import actor_of_request
from trials.policies import can
from trials.records.domain.actors import Actor
from trials.selectors.scope import may_anywhere, visible


class ScopedModelForm(ModelForm):  # type: ignore[type-arg]
    """Form that never says that a value exists elsewhere: unique rules are the service's, within what is visible."""

    def validate_unique(self) -> None:
        """Leave uniqueness to the service."""

    def validate_constraints(self) -> None:
        """Leave constraints to the service."""


class ScopedRawIdWidget(UnfoldForeignKeyRawIdWidget):  # type: ignore[misc]
    """Raw id whose label is looked up among the visible rows only."""

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor

    def label_and_url_for_value(self, value: Any) -> tuple[str, str]:
        rows = visible_related(self.actor, self.rel.model)
        try:
            known = rows.filter(**{self.rel.get_related_field().name: value}).exists()
        except (ValueError, TypeError):
            known = False
        return ForeignKeyRawIdWidget.label_and_url_for_value(self, value) if known else ("", "")


class ScopedChangeList(ChangeList):  # type: ignore[misc]
    """Change list whose columns never show the label of a row that the actor may not see."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        actor = actor_of_request(request)
        columns = {str(name) for name in self.list_display}
        # A sliced queryset is read once and kept, so that what is hidden here is what the page prints.
        hide_foreign(actor, list(self.result_list), only=columns)


class _Scoped:
    """What model admins and inlines share."""

    is_scoped: ClassVar[bool] = True
    view_permission: ClassVar[Permission] = Permission.VIEW_RECORDS
    model: type[Model]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(actor_of_request(request), super().get_queryset(request), self.view_permission)  # type: ignore[misc]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, self.view_permission, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted: what went wrong is removed with a reason, and stays readable."""
        del request, obj
        return False

    def _may(self, request: HttpRequest, permission: Permission | None, obj: Model | None) -> bool:
        if permission is None or not request.user.is_authenticated:
            return False
        actor = actor_of_request(request)
        return may_anywhere(actor, permission) if obj is None else can(actor, permission, obj)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Offer and accept visible rows only; the queryset is what the posted value is validated against."""
        actor = actor_of_request(request)
        if db_field.name in self.raw_id_fields:  # type: ignore[attr-defined]
            kwargs["widget"] = ScopedRawIdWidget(db_field.remote_field, self.admin_site, actor=actor)  # type: ignore[attr-defined]
        kwargs["queryset"] = self._choices(actor, db_field, kwargs.get("queryset"))
        found: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        return found

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        kwargs["queryset"] = self._choices(actor_of_request(request), db_field, kwargs.get("queryset"))
        found: ModelChoiceField[Any] | None = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        return found

    def _choices(self, actor: Actor, db_field: Field[Any, Any], chosen: QuerySet[Any] | None) -> QuerySet[Any]:
        rows = visible_related(actor, related_model(db_field))
        return rows if chosen is None else rows & chosen


class ScopedTabularInline(_Scoped, TabularInline):  # type: ignore[misc]
    """Read-only rows of a parent, those of them that the actor may see."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False


class ScopedModelAdmin(_Scoped, ModelAdmin):  # type: ignore[misc]
    """Model admin for use by everyone, sites included.

    ``add_permission`` and ``change_permission`` are empty for a read-only list. A subclass that names one of them
    overrides ``write`` and calls a service there.
    """

    add_permission: ClassVar[Permission | None] = None
    change_permission: ClassVar[Permission | None] = None
    form = ScopedModelForm
    view_on_site = False
    list_editable: Sequence[str] = ()
    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.view_permission, None)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.add_permission, None)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, self.change_permission, obj)

    def get_urls(self) -> list[URLPattern]:
        """Leave out deletion, the stock history (it reads a log that we do not write) and the nameless redirect."""
        gone = ("_delete", "_history")
        return [url for url in super().get_urls() if url.name and not url.name.endswith(gone)]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        del request, kwargs
        return ScopedChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return a visible row, with the labels of rows out of sight blanked."""
        del from_field  # a look-up by another field than the key would answer questions about it
        found = super().get_object(request, object_id)
        if found is not None:
            hide_foreign(actor_of_request(request), [found])
        return found

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        del request
        return bool(to_field == self.opts.pk.name)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow look-ups of own columns and declared filters; one that spans a relation would be an oracle."""
        declared = {
            item[0] if isinstance(item, (list, tuple)) else item
            for item in self.list_filter
            if isinstance(item, (str, list, tuple))
        }
        steps = lookup.split("__")
        spans = related_or_none(self.model, steps[0]) is not None and steps[1:2] not in ([], ["id"], ["exact"])
        if spans and not any(lookup.startswith(str(name)) for name in declared):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Replace the filter of every relation by one that knows visible rows only."""
        return [self._scoped_filter(item) for item in super().get_list_filter(request)]

    def _scoped_filter(self, item: Any) -> Any:
        if isinstance(item, str) and ends_in_relation(self.model, item):
            return (item, ScopedRelatedFilter)
        paired = isinstance(item, (list, tuple)) and ends_in_relation(self.model, item[0])
        if paired and not issubclass(item[1], ScopedRelatedFilter):
            message = f"The filter of {item[0]} in {type(self).__name__} must derive from ScopedRelatedFilter."
            raise ImproperlyConfigured(message)
        return item

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search across a relation only where the related row is visible too."""
        actor = actor_of_request(request)
        relations = {name.lstrip("^=@").split("__")[0] for name in self.get_search_fields(request) if "__" in name}
        for name in sorted(relations):
            model = related_or_none(self.model, name)
            if model is not None and search_term:
                rows = visible_related(actor, model).values("pk")
                queryset = queryset.filter(Q(**{f"{name}__in": rows}) | Q(**{f"{name}__isnull": True}))
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
        return found

    def get_inline_instances(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        inlines: list[Any] = super().get_inline_instances(request, obj)
        stray = [inline for inline in inlines if not getattr(inline, "is_scoped", False)]
        if stray:
            message = f"Inlines of {type(self).__name__} must derive from ScopedTabularInline: {stray}."
            raise ImproperlyConfigured(message)
        return inlines

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[Callable[..., Any], str, str]]:
        """Bulk deletion does not exist here; other actions get the scoped queryset and call services."""
        found: dict[str, Any] = super().get_actions(request)
        found.pop("delete_selected", None)
        return found

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Name nothing: a confirmation page would list the children of every site."""
        del objs, request
        return [], {}, {_("Nothing is deleted here.")}, []

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        del request, opts, object_id
        raise Http404(_("Not found, or not yours to see."))

    def save_model(self, request: HttpRequest, obj: Any, form: BaseForm, change: bool) -> None:
        self.write(actor_of_request(request), obj, form, change=change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Inlines are read-only, so there is nothing to save beside the object."""

    def write(self, actor: Actor, obj: Any, form: BaseForm, *, change: bool) -> None:
        """Hand the write to a service; the base refuses, so that no list becomes writable by a forgotten line."""
        del actor, obj, form, change
        message = f"{type(self).__name__} declares a write permission but hands the write to no service."
        raise ImproperlyConfigured(message)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit trail is written by services; the stock log would be a second one."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """See ``log_addition``."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """See ``log_addition``."""


def related_or_none(model: type[Model], name: str) -> type[Model] | None:
    """Return the model that a relation of a model leads to, or nothing when the name is no relation."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    target = field.related_model if field.is_relation else None
    return target if isinstance(target, type) else None


def ends_in_relation(model: type[Model], lookup: str) -> bool:
    """Say whether a path of field names ends in a relation."""
    current: type[Model] | None = model
    for step in lookup.split("__"):
        current = related_or_none(current, step) if current is not None else None
    return current is not None
