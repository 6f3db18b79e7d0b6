"""Bases of the REST interface: read-only, explicit fields, declared filters, and nothing of what is not yours.

Writes are actions that call a service; relations that a client may name are ``ScopedRelatedField``. Refusals
(``DomainError``) pass through to the exception handler of the interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication
from rest_framework import exceptions, serializers, viewsets
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from trials.domain.roles import Permission
from trials.middleware import actor_of_request
from trials.models import User
from trials.records.domain.actors import Actor
from trials.selectors.scope import find_visible, may_anywhere, visible
from trials.services.access import actor_of
from trials.services.access_factors import has_second_factor, role_requires

NEUTRAL = _("Not found, or not yours to see.")
PAGING = frozenset({"cursor", "page", "page_size", "limit", "after", "format"})


class AccessTokenAuthentication(TokenAuthentication):  # type: ignore[misc]
    """Token of a person who owes nothing at the log-in: no new password, no second factor that his role asks for."""

    def validate_user(self, auth_token: Any) -> tuple[User, Any]:
        user, token = super().validate_user(auth_token)
        if user.must_change_password or (role_requires(user) and not has_second_factor(user)):
            raise exceptions.AuthenticationFailed(_("Sign in to the pages first: something is owed there."))
        return user, token


class MayUseInterface(BasePermission):
    """Lets in whoever holds, anywhere, a role that may use the interface and one with the view's permission."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.user, User):
            return False
        actor = actor_of_api(request)
        wanted = getattr(view, "permission", None)
        return (
            may_anywhere(actor, Permission.USE_API) and isinstance(wanted, Permission) and may_anywhere(actor, wanted)
        )


def actor_of_api(request: Request) -> Actor:
    """Return the one actor of a request, whether it came by token or by session."""
    django_request = request._request
    if isinstance(django_request.user, User) and django_request.user.pk == request.user.pk:
        return actor_of_request(django_request)
    found = getattr(request, "_dayzero_actor", None)
    if not isinstance(found, Actor):
        found = actor_of(request.user)
        request._dayzero_actor = found  # type: ignore[attr-defined]
    return found


class ScopedRelatedField(serializers.PrimaryKeyRelatedField):  # type: ignore[type-arg]
    """Key of a related row: only a visible one is accepted, and every other is refused in one wording."""

    default_error_messages = {"does_not_exist": NEUTRAL, "incorrect_type": NEUTRAL}

    def __init__(self, *, model: type[Model], permission: Permission = Permission.VIEW_RECORDS, **kwargs: Any) -> None:
        self.model, self.permission = model, permission
        super().__init__(queryset=model._default_manager.none(), **kwargs)

    def get_queryset(self) -> QuerySet[Any]:
        actor = actor_of_api(self.context["request"])
        return visible(actor, self.model._default_manager.all(), self.permission, Permission.USE_API)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except (ValidationError, ValueError):  # a key of the wrong form is as unknown as any other
            self.fail("does_not_exist")


class ScopedSerializer(serializers.ModelSerializer):  # type: ignore[type-arg]
    """Shape of an answer: named fields only, none of them writable, no save."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        meta = getattr(cls, "Meta", None)
        if meta is not None and not isinstance(getattr(meta, "fields", None), (list, tuple)):
            message = f"{cls.__name__} must list its fields one by one; '__all__' and exclude show what comes later."
            raise ImproperlyConfigured(message)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.read_only, field.validators = True, []
        return fields

    def get_validators(self) -> list[Any]:
        """None: a uniqueness check against all rows would tell of rows out of sight."""
        return []

    def save(self, **kwargs: Any) -> NoReturn:
        del kwargs
        message = "Serializers of this interface do not write; call the service."
        raise ImproperlyConfigured(message)


class ScopedViewSet(viewsets.ReadOnlyModelViewSet):  # type: ignore[type-arg]
    """Lists and single rows that the actor may see.

    ``permission`` decides which; ``filters`` maps a query parameter to the exact look-up it stands for, ``orderings``
    names the columns that may be sorted by. A parameter that is neither is refused, not ignored.
    """

    permission: ClassVar[Permission] = Permission.VIEW_RECORDS
    filters: ClassVar[Mapping[str, str]] = {}
    orderings: ClassVar[Sequence[str]] = ()
    authentication_classes = (AccessTokenAuthentication, SessionAuthentication)
    permission_classes = (MayUseInterface,)
    renderer_classes = (JSONRenderer,)
    filter_backends = ()

    @property
    def actor(self) -> Actor:
        return actor_of_api(self.request)

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return visible(self.actor, super().get_queryset(), self.permission, Permission.USE_API)

    def get_object(self) -> Any:
        """Return the visible row of the address; foreign, unknown and malformed keys get one and the same answer."""
        key = self.kwargs[self.lookup_url_kwarg or self.lookup_field]
        rows = self.filter_queryset(self.get_queryset())
        try:
            found = rows.filter(**{self.lookup_field: key}).first()
        except (ValidationError, ValueError):
            found = None
        if found is None:
            raise exceptions.NotFound(NEUTRAL)
        return found

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Apply the declared filters and ordering, and refuse undeclared ones."""
        query = self.request.query_params
        asked = {name: str(query[name]) for name in query if name not in PAGING}
        ordering = asked.pop("ordering", "")
        undeclared = sorted(set(asked) - set(self.filters))
        if undeclared:
            known = ", ".join(sorted([*self.filters, "ordering"]))
            raise exceptions.ValidationError(dict.fromkeys(undeclared, f"Unknown parameter; expected one of {known}."))
        if self.detail:
            return queryset
        if ordering and ordering.lstrip("-") not in self.orderings:
            raise exceptions.ValidationError({"ordering": f"Expected one of {', '.join(self.orderings) or 'none'}."})
        try:
            found = queryset.filter(**{self.filters[name]: value for name, value in asked.items()})
        except (ValidationError, ValueError):
            found = queryset.none()  # a key of the wrong form matches nothing, as an unknown one does
        return found.order_by(ordering, "pk") if ordering else found

    def get_visible(self, queryset: QuerySet[Any], permission: Permission | None = None, /, **lookup: object) -> Any:
        """Return a visible row for an action, or refuse it as unknown."""
        return find_visible(self.actor, queryset, permission or self.permission, **lookup)
