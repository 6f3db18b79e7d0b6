from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "safety"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported here because models must be loaded first.
        from capture.selectors.casebook import register_columns  # noqa: PLC0415
        from safety.projections import register_safety_kinds  # noqa: PLC0415
        from safety.projections.code_lists import register_safety_lists  # noqa: PLC0415
        from safety.selectors.columns import casebook_columns  # noqa: PLC0415
        from safety.services.watch import sweep_study  # noqa: PLC0415
        from trials.services.study_clock import register_sweep  # noqa: PLC0415

        register_safety_kinds()
        register_safety_lists()
        register_columns(casebook_columns)
        register_sweep(sweep_study)
