from importlib import import_module

from django.apps import AppConfig


class RisksConfig(AppConfig):
    name = "apps.risks"
    label = "risks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # registers what a confirmed proposal applies
        import_module("apps.risks.actions.assessments")
