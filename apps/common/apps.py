from django.apps import AppConfig
from django.db.models import BigAutoField, BigIntegerField, ForeignKey
from django.utils.module_loading import autodiscover_modules

from apps.common.arrays import InArray, RelatedInArray


class CommonConfig(AppConfig):
    name = "apps.common"
    label = "common"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        BigAutoField.register_lookup(InArray)
        BigIntegerField.register_lookup(InArray)
        # and with it one-to-one fields
        ForeignKey.register_lookup(RelatedInArray)
        # each app says what it keeps for how long (apps/common/retention.py)
        autodiscover_modules("retention")
