from django.apps import AppConfig


class CaptureConfig(AppConfig):
    name = "capture"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from capture.projections.trials_kinds import register_trials_kinds  # noqa: PLC0415 - models must be loaded first

        register_trials_kinds()
