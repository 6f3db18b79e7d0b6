from django.apps import AppConfig


class EavConfig(AppConfig):
    """Installed by the benchmarks' own worker only; its tables are made there and never by a migration."""

    name = "tests.benchmarks.eav"
    label = "benchmarks"
    default_auto_field = "django.db.models.BigAutoField"
