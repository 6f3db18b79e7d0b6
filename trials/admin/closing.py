"""The parts that close the admin's holes around relations: choices, filters and labels of related rows."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.filters import RelatedFieldListFilter
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db.models import Field, ForeignKey, Model, QuerySet, prefetch_related_objects
from django.http import HttpRequest
from django.utils.translation import gettext as _

from trials.domain.roles import Permission
from trials.middleware import actor_of_request
from trials.models import User
from trials.policies import may_see
from trials.records.domain.actors import Actor
from trials.selectors.scope import scope_paths, visible


class Hidden:
    """Stands for a related row that the actor may not see; has no key and so no link."""

    pk = ""

    def __str__(self) -> str:
        return _("Not found, or not yours to see.")


class ScopedRelatedFilter(RelatedFieldListFilter):
    """Filter by a relation: lists visible rows, and a value that is not among them matches nothing."""

    def field_choices(
        self, field: Field[Any, Any], request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        del model_admin
        rows = visible_related(actor_of_request(request), related_model(field))
        return [(row.pk, str(row)) for row in rows]

    def has_output(self) -> bool:
        """Apply whatever was asked, even where there is but one row to choose."""
        return bool(self.lookup_choices) or self.lookup_val is not None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """Answer a foreign key as an unknown one: with no row, even where a visible row refers to it."""
        chosen = {str(value) for values in self.used_parameters.values() for value in _flat(values)}
        choices = {str(key) for key, _label in self.lookup_choices}
        if self.lookup_val is not None and not chosen <= choices:
            return queryset.none()
        try:
            return super().queryset(request, queryset)
        except (ValueError, ValidationError):
            return queryset.none()


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def related_model(field: Field[Any, Any]) -> type[Model]:
    """Return the model a relation leads to."""
    target = field.related_model
    if not isinstance(target, type):
        message = f"{field} leads to no model."
        raise ImproperlyConfigured(message)
    return target


def visible_related(actor: Actor, model: type[Model]) -> QuerySet[Any]:
    """Return the rows of a related model that an actor may know of."""
    return visible(actor, model._default_manager.all(), _view_permission(model))


def _view_permission(model: type[Model]) -> Permission:
    """People, studies and sites are known to every member; what belongs to a participant, to those who read there."""
    if model is User:
        return Permission.VIEW_STUDY
    study, site = scope_paths(model)
    organisation = not site or (study == "study_id" and site in {"pk"}) or model.__name__ == "Membership"
    return Permission.VIEW_STUDY if organisation else Permission.VIEW_PARTICIPANTS


def hide_foreign(actor: Actor, rows: Sequence[Model], *, only: AbstractSet[str] | None = None) -> None:
    """Replace related rows that the actor may not see by ``Hidden``, in memory, before anything prints them.

    The rows are of one model. People take one statement for all rows and relations, any other relation one at most.
    """
    if not rows:
        return
    fields = [
        field
        for field in rows[0]._meta.concrete_fields
        if isinstance(field, ForeignKey) and (only is None or field.name in only)
    ]
    people = [field for field in fields if related_model(field) is User]
    known = _known_people(actor, {getattr(row, field.attname) for row in rows for field in people})
    others = [field for field in fields if field not in people]
    prefetch_related_objects(rows, *(field.name for field in others))
    for row in rows:
        for field in people:
            if (key := getattr(row, field.attname)) is not None:
                row._state.fields_cache[field.name] = known.get(key) or Hidden()
        for field in others:
            related = getattr(row, field.name)
            if related is not None and not _known(actor, related):
                row._state.fields_cache[field.name] = Hidden()


def _known_people(actor: Actor, keys: AbstractSet[Any]) -> dict[Any, User]:
    wanted = keys - {None}
    return {user.pk: user for user in visible_related(actor, User).filter(pk__in=wanted)} if wanted else {}


def _known(actor: Actor, related: Model) -> bool:
    try:
        return may_see(actor, related)
    except LookupError:
        return False
