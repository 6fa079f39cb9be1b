from django.apps import AppConfig


class ExposureConfig(AppConfig):
    name = "apps.exposure"
    label = "exposure"
    default_auto_field = "django.db.models.BigAutoField"
