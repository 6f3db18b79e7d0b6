"""The wiring's app: it brings commands and checks, no models."""

from __future__ import annotations

from django.apps import AppConfig

from config import checks


class ConfigConfig(AppConfig):
    """Registers the checks of settings."""

    name = "config"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what judges the settings."""
        checks.register_all()
