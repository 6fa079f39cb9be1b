from importlib import import_module

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "apps.inventory"
    label = "inventory"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("apps.inventory.erasure")
        # registers what a confirmed proposal applies
        import_module("apps.inventory.governance.approvals")
