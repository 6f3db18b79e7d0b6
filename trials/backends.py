"""The only authentication backend: a name and a password, at the same cost whether or not the name is known."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from trials.models import User


class PasswordBackend(BaseBackend):
    """Checks a password and that the account is active; grants nothing, since memberships do."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        del request, kwargs
        if not username or not password:
            return None
        user = User.objects.filter(username__iexact=username).first()
        if user is None:
            make_password(password)  # as much work as a check, so that the time says nothing about the name
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
