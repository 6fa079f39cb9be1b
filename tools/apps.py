from django.apps import AppConfig


class ToolsConfig(AppConfig):
    """What measures or fills the product and is no part of it; its commands are found because it is
    installed.
    """

    name = "tools"
    label = "tools"
    default_auto_field = "django.db.models.BigAutoField"
