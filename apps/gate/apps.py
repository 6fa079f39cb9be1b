from django.apps import AppConfig

from apps.alerts.kinds.reminders.types import register_reminder_type
from apps.gate.waiver_reminders import WAIVER_REMINDER_TYPE


class GateConfig(AppConfig):
    name = "apps.gate"
    label = "gate"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register_reminder_type(WAIVER_REMINDER_TYPE)
