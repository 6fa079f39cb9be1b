from django.apps import AppConfig

from apps.alerts.causes import add_cause
from apps.gate.waiver_reminders import WAIVER_REMINDER_TYPE


class GateConfig(AppConfig):
    name = "apps.gate"
    label = "gate"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        add_cause(WAIVER_REMINDER_TYPE)
