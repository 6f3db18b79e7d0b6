from django.apps import AppConfig


class TrialsConfig(AppConfig):
    name = "trials"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from trials.records.services.delivery import register_scope_check  # noqa: PLC0415 - models must be loaded
        from trials.services.notification_scope import may_still_know  # noqa: PLC0415 - models must be loaded

        register_scope_check(may_still_know)
