from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from apps.common.history.maintenance import create_history_indexes


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("apps.accounts.sign_in.email_change")
        import_module("apps.accounts.events.receivers")
        import_module("apps.accounts.people.activation")
        # register the tasks that account events enqueue
        import_module("apps.accounts.tasks")
        post_migrate.connect(create_history_indexes, sender=self, dispatch_uid="index_history")
