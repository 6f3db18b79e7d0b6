from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from trials.domain.roles import Role


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=username)


class User(AbstractBaseUser):
    """A person's account: personal, never re-used, deactivated instead of deleted.

    What a user may do comes from memberships alone; the two flags of stock Django exist only so that third-party code
    that asks for them is answered with no.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=150, unique=True)
    printed_name = models.CharField(max_length=200)
    email = models.EmailField(blank=True, default="")
    time_zone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    is_administrator = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)
    password_changed_at = models.DateTimeField(null=True)
    is_superuser = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["printed_name"]

    objects = UserManager()

    class Meta:
        ordering = ["username"]
        constraints = [models.CheckConstraint(condition=models.Q(is_superuser=False), name="user_never_superuser")]

    def __str__(self) -> str:
        return self.printed_name or self.username

    @property
    def is_staff(self) -> bool:
        """Whoever is active may open the admin; what is shown there is decided by memberships."""
        return self.is_active

    def get_full_name(self) -> str:
        return self.printed_name

    def get_short_name(self) -> str:
        return self.username

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """Stock permission strings grant nothing; the scoped admin asks the policies."""
        del perm, obj
        return False

    def has_perms(self, perm_list: object, obj: object | None = None) -> bool:
        del perm_list, obj
        return False

    def has_module_perms(self, app_label: str) -> bool:
        del app_label
        return False


class PastPassword(models.Model):
    """Hash of a former password, so that it is not used again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="past_passwords")
    password = models.CharField(max_length=128)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id} until {self.changed_at:%Y-%m-%d}"


class Membership(models.Model):
    """One role of one user in one study, at one site or (``site`` empty) at all of them, for a period."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    study = models.ForeignKey("trials.Study", on_delete=models.PROTECT, related_name="memberships")
    site = models.ForeignKey("trials.Site", on_delete=models.PROTECT, null=True, blank=True, related_name="memberships")
    role = models.CharField(
        max_length=20, choices=[(role.value, role.value.replace("_", " ").capitalize()) for role in Role]
    )
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    granted_by = models.CharField(max_length=150)
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ["study_id", "user_id", "role"]
        indexes = [models.Index(fields=["user", "study"], name="membership_user_study")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"
