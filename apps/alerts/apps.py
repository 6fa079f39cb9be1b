from importlib import import_module

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "apps.alerts"
    label = "alerts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for receiver in ("erasure", "issues.linked_alerts", "issues.person_alerts"):
            import_module(f"apps.alerts.{receiver}")
