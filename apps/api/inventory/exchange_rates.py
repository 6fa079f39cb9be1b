"""Exchange rates, at which amounts of spreadsheets are recorded in US dollars."""

from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers

from apps.api.framework.record_views import (
    RecordChangeMixin,
    RecordCreationViewSet,
    record_schema,
)
from apps.inventory.exchange_rate_record import ExchangeRateRecord
from apps.inventory.models import ExchangeRate


class ExchangeRateSerializer(serializers.ModelSerializer[ExchangeRate]):
    class Meta:
        model = ExchangeRate
        fields = ["id", "currency", "on", "usd", "source"]
        read_only_fields = fields


@extend_schema_view(
    **record_schema(
        ExchangeRateRecord, ExchangeRateSerializer, methods=("create", "partial_update")
    )
)
class ExchangeRateViewSet(RecordChangeMixin, RecordCreationViewSet[ExchangeRate]):
    """Dated exchange rates with their source. An amount in a currency without a rate is not
    converted."""

    model = ExchangeRate
    record = ExchangeRateRecord()
    serializer_class = ExchangeRateSerializer
