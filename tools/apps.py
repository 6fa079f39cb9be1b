from django.apps import AppConfig


class ToolsConfig(AppConfig):
    """Measuring and seeding tools beside the product; installed as an app so that their commands
    are found."""

    name = "tools"
    label = "tools"
    default_auto_field = "django.db.models.BigAutoField"
