"""What the database itself refuses, and the sentence it gives a person."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.catalog.models import Assertion, Derivation, Offering, Price, Provider
from tests.builders import NOW, make_offering, make_source, make_version

pytestmark = pytest.mark.django_db


def moment(month: int) -> datetime:
    return datetime(2026, month, 1, tzinfo=UTC)


def price(offering: Offering, begins: datetime, ends: datetime | None, **fields: Any) -> Price:
    fields = {"unit": "input", "amount": Decimal(3)} | fields
    return Price(offering=offering, valid=DateTimeTZRange(begins, ends, "[)"), **fields)


def refused(row: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_two_prices_of_one_unit_never_hold_at_once() -> None:
    offering = make_offering()
    price(offering, moment(1), None).save()

    second = price(offering, moment(6), moment(8))

    with pytest.raises(ValidationError, match="applies in that period"):
        second.full_clean()
    refused(second)


def test_prices_may_follow_each_other_and_differ_by_unit_and_size() -> None:
    offering = make_offering()
    price(offering, moment(1), moment(6)).save()

    price(offering, moment(6), None).save()
    price(offering, moment(1), None, unit="output").save()
    price(offering, moment(1), None, above_tokens=200_000).save()

    assert Price.objects.at(moment(7)).count() == 3


def test_a_price_is_not_negative() -> None:
    refused(price(make_offering(), moment(1), None, amount=Decimal(-1)))


def test_a_price_range_is_not_empty() -> None:
    refused(price(make_offering(), moment(1), moment(1)))


@pytest.mark.parametrize(
    "fields",
    [
        {"retires_on": date(2027, 1, 1), "date_kind": ""},
        {"retires_on": None, "date_kind": "firm"},
        {"retires_on": date(2026, 1, 1), "date_kind": "not_before", "lifecycle": "retired"},
    ],
    ids=["a date without its kind", "a kind without a date", "retired by a soft date"],
)
def test_an_end_that_does_not_hold_together_is_refused(fields: dict[str, Any]) -> None:
    offering = make_offering()

    with pytest.raises(IntegrityError), transaction.atomic():
        Offering.objects.filter(pk=offering.pk).update(**fields)


def test_an_offering_does_not_replace_itself() -> None:
    offering = make_offering()
    offering.replacement = offering

    refused(offering)


def test_one_source_says_one_thing_about_one_row_and_topic() -> None:
    said = {
        "source": make_source(),
        "external_id": "a",
        "topic": "lifecycle",
        "first_seen": NOW,
        "changed_at": NOW,
    }
    Assertion.objects.create(**said)

    refused(Assertion(**said))


def test_a_version_is_not_derived_from_itself() -> None:
    version = make_version()

    refused(Derivation(child=version, parent=version, kind="merge"))


def test_a_provider_has_a_role_and_a_designation_has_its_source() -> None:
    with pytest.raises(ValidationError, match="roles"):
        Provider(name="Nobody", slug="nobody", roles=[]).full_clean()
    refused(Provider(name="Nobody", slug="nobody", roles=[]))
    refused(Provider(name="Big", slug="big", roles=["host"], critical_third_party=True))
