from django.apps import AppConfig
from django.db.models import BigAutoField, BigIntegerField, ForeignKey
from django.utils.module_loading import autodiscover_modules

from apps.common.database.any_lookup import AnyLookup, RelatedAnyLookup


class CommonConfig(AppConfig):
    name = "apps.common"
    label = "common"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        BigAutoField.register_lookup(AnyLookup)
        BigIntegerField.register_lookup(AnyLookup)
        # the lookup of foreign keys also serves one-to-one fields
        ForeignKey.register_lookup(RelatedAnyLookup)
        # each app declares its retention rules (apps/common/retention.py)
        autodiscover_modules("retention")
