"""Exchange rates as an editable record: amounts of spreadsheets are recorded in US dollars at the
rate of the day."""

from apps.common.records.field_set import FieldSection, FieldSet
from apps.common.records.record_type import RecordType
from apps.inventory.governance.contract_record import read_code
from apps.inventory.models import ExchangeRate


class ExchangeRateRecord(RecordType[ExchangeRate]):
    """Exchange rates. The currency and the day stay: the rate of another day is another rate."""

    field_set = FieldSet(
        model=ExchangeRate,
        sections=(FieldSection("Rate", ("currency", "on", "usd", "source")),),
        fixed=frozenset({"currency", "on"}),
        required=frozenset({"source"}),
        labels={"on": "Day", "usd": "US dollars for one unit"},
        help_texts={"source": "Publisher of the rate, or its URL."},
        readers={"currency": read_code},
    )
