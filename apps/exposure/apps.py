from importlib import import_module

from django.apps import AppConfig


class ExposureConfig(AppConfig):
    name = "apps.exposure"
    label = "exposure"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # registers what a confirmed proposal applies
        import_module("apps.exposure.actions.policies")
        # registers the tasks that plan a retirement
        import_module("apps.exposure.campaigns.planned_retirements")
