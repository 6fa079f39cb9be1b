"""Costs as billed beside list prices: months, currencies, and a difference that is explained
exactly or said to be unknown."""

import uuid
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.common.time import now
from apps.intake.billed_costs import billed_months, compare_costs, latest_billed_month
from apps.intake.models import BilledCost, Confidence, Import, Observation
from apps.inventory.cost_differences import DifferenceReason as Reason
from apps.inventory.models import ExchangeRate
from tests.builders import make_application, make_dependency, make_offering, make_price
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

MONTH = date(2026, 10, 1)
TODAY = date(2026, 11, 29)


def make_import():
    return Import.objects.create(
        kind="document", format="focus", digest="0" * 64, n_bytes=1, received_at=now()
    )


def make_charge(application, offering, import_=None, **fields):
    observation = Observation.objects.create(
        key=uuid.uuid4(),
        stream="focus",
        application=application,
        offering=offering,
        requested=offering.api_id if offering else "Mystery 9",
        provider="OpenAI",
        confidence=Confidence.BOM,
        first_seen_at=now(),
        last_seen_at=now(),
    )
    billed = fields.pop("billed", "10")
    values = {
        "effective": billed,
        "listed": billed,
        "contracted": billed,
        "category": "Usage",
        "currency": "USD",
        "day": MONTH,
        "n_rows": 1,
    } | fields
    return BilledCost.objects.create(
        observation=observation,
        import_record=import_ or make_import(),
        scope=uuid.uuid4(),
        billed=billed,
        **values,
    )


@pytest.fixture
def application():
    return make_application("Claims triage")


@pytest.fixture
@kept_world
def offering():
    """One dollar a million in, four out."""
    made = make_offering()
    make_price(made, "input", "1")
    make_price(made, "output", "4")
    return made


def compare(application, month=MONTH):
    return compare_costs([application.pk], month=month, today=TODAY)[application.pk]


def parts_of(comparison):
    return {part.reasons: part.amount for part in comparison.parts}


class TestExplanation:
    def test_volume_price_and_discount_are_told_apart(self, application, offering):
        make_dependency(application, offering, monthly_input_tokens=10_000_000)
        make_charge(
            application,
            offering,
            billed="18",
            effective="18",
            contracted="21",
            listed="24",
            input_tokens=20_000_000,
        )

        comparison = compare(application)["USD"]

        assert (comparison.billed, comparison.recorded, comparison.difference) == (18, 10, 8)
        assert parts_of(comparison) == {
            (Reason.VOLUME,): 10,
            (Reason.PRICE,): 4,
            (Reason.CONTRACT,): -3,
            (Reason.COMMITMENT,): -3,
        }

    def test_a_bill_without_tokens_does_not_separate_volume_and_price(self, application, offering):
        make_dependency(application, offering, monthly_input_tokens=10_000_000)
        make_charge(application, offering, billed="12", requests=30)

        assert parts_of(compare(application)["USD"]) == {(Reason.VOLUME, Reason.PRICE): 2}

    def test_tokens_of_unknown_kind_are_not_priced(self, application, offering):
        make_dependency(application, offering, monthly_input_tokens=10_000_000)
        make_charge(application, offering, billed="12", other_tokens=5)

        assert parts_of(compare(application)["USD"]) == {(Reason.VOLUME, Reason.PRICE): 2}

    def test_credits_and_payments_in_advance_are_their_own_parts(self, application, offering):
        make_dependency(application, offering, monthly_input_tokens=10_000_000)
        make_charge(application, offering, billed="0", effective="9", listed="10", contracted="10")
        make_charge(application, offering, category="Credit", billed="-2", effective="-2")
        make_charge(application, offering, category="Purchase", billed="50", effective="0")

        comparison = compare(application)["USD"]

        assert comparison.billed == 48
        assert parts_of(comparison) == {
            (Reason.COMMITMENT,): -1,
            (Reason.CHARGES,): -2,
            (Reason.PREPAID,): 41,
        }

    def test_a_dependency_without_a_bill_is_named(self, application, offering):
        other = make_offering()
        make_price(other, "input", "2")
        make_dependency(application, offering, monthly_input_tokens=10_000_000)
        make_dependency(application, other, "fallback", monthly_input_tokens=1_000_000)
        make_charge(application, offering, billed="10", input_tokens=10_000_000)

        assert parts_of(compare(application)["USD"]) == {(Reason.NOT_BILLED,): -2}

    def test_another_currency_is_not_compared_without_a_rate(self, application, offering):
        make_dependency(application, offering, monthly_input_tokens=10_000_000)
        make_charge(application, offering, billed="9", currency="EUR")

        comparison = compare(application)["EUR"]

        (row,) = comparison.offerings
        assert row.recorded is None
        assert row.reason == (
            "Billed in EUR, list prices are in USD. Add an exchange rate of a day until the end of "
            "the month to compare them."
        )
        assert parts_of(comparison) == {(Reason.NOT_COMPARABLE,): 9}

    def test_list_prices_are_converted_at_the_rate_of_the_end_of_the_month(
        self, application, offering
    ):
        make_dependency(application, offering, monthly_input_tokens=10_000_000)
        make_charge(application, offering, billed="9", currency="EUR", input_tokens=10_000_000)
        for on, usd in (
            (MONTH - timedelta(days=20), "2"),
            (MONTH + timedelta(days=20), "1.25"),
            (MONTH + timedelta(days=50), "4"),
        ):
            ExchangeRate.objects.create(currency="EUR", usd=usd, on=on, source="Central bank")

        comparison = compare(application)["EUR"]

        # ten dollars are eight euros at 1.25
        (row,) = comparison.offerings
        assert (row.recorded, comparison.recorded, comparison.difference) == (8, 8, 1)
        assert [rate.usd for rate in row.rates] == [Decimal("1.25")]
        assert sum(parts_of(comparison).values()) == 1

    def test_a_dependency_on_a_bill_in_one_currency_is_not_missing_on_one_in_another(
        self, application, offering
    ):
        other = make_offering()
        make_price(other, "input", "2")
        for one, role in ((offering, "primary"), (other, "fallback")):
            make_dependency(application, one, role, monthly_input_tokens=1_000_000)
        make_charge(application, other, billed="2", input_tokens=1_000_000)
        make_charge(application, offering, billed="1", currency="EUR", input_tokens=1_000_000)
        ExchangeRate.objects.create(currency="EUR", usd="1.25", on=MONTH, source="Central bank")

        comparisons = compare(application)

        assert comparisons["EUR"].recorded == Fraction(4, 5)
        assert (Reason.NOT_BILLED,) not in parts_of(comparisons["EUR"])

    def test_a_model_that_is_not_identified_is_not_compared(self, application):
        make_charge(application, None)

        (row,) = compare(application)["USD"].offerings

        assert (row.name, row.provider, row.recorded) == ("Mystery 9", "OpenAI", None)
        assert row.reason == "The model is not identified."

    def test_a_regional_offering_counts_for_the_dependency_that_it_belongs_to(
        self, application, offering
    ):
        dependency = make_dependency(application, offering, monthly_input_tokens=10_000_000)
        charge = make_charge(application, make_offering(), billed="10", input_tokens=10_000_000)
        Observation.objects.filter(charges=charge).update(dependency=dependency)

        (row,) = compare(application)["USD"].offerings

        assert (row.offering, row.recorded, row.parts) == (offering, 10, ())

    def test_prices_of_today_count_where_none_is_known_for_the_month(self, application):
        offering = make_offering()
        make_price(offering, "input", "1", since=date(2026, 11, 15))
        make_dependency(application, offering, monthly_input_tokens=10_000_000)
        make_charge(application, offering, input_tokens=11_000_000)

        (row,) = compare(application)["USD"].offerings

        assert (row.recorded, row.is_of_today) == (10, True)
        assert [(part.reasons, part.amount) for part in row.parts] == [
            ((Reason.VOLUME,), 1),
            ((Reason.PRICE,), -1),
        ]

    def test_an_unknown_list_price_cost_is_said(self, application, offering):
        make_dependency(application, offering)
        make_charge(application, offering)

        (row,) = compare(application)["USD"].offerings

        assert row.reason.startswith("No monthly tokens are recorded.")


class TestMonths:
    def test_months_are_listed_by_currency_latest_first(self, application, offering):
        make_charge(application, offering, day=date(2026, 9, 30), billed="1")
        make_charge(application, offering, billed="2")
        make_charge(application, offering, day=date(2026, 10, 31), billed="3")
        make_charge(application, offering, currency="EUR", billed="4")
        make_charge(application, offering, billed="99", is_current=False)

        months = billed_months(application.pk)

        assert [(row.month, row.currency, row.billed) for row in months] == [
            (MONTH, "EUR", 4),
            (MONTH, "USD", 5),
            (date(2026, 9, 1), "USD", 1),
        ]
        assert latest_billed_month(application.pk, TODAY) == MONTH
        # the bill of a month that is not over is not complete
        assert latest_billed_month(application.pk, date(2026, 10, 20)) == date(2026, 9, 1)

    def test_a_merged_application_counts_for_its_survivor(self, application, offering):
        duplicate = make_application(merged_into=application, status="retired")
        make_charge(duplicate, offering, billed="7")

        assert compare(application)["USD"].billed == 7

    def test_only_the_charges_of_the_month_count(self, application, offering):
        make_charge(application, offering, day=MONTH - timedelta(days=1))

        assert compare_costs([application.pk], month=MONTH, today=TODAY) == {}

    def test_the_number_of_statements_does_not_grow_with_applications(self, offering):
        def count(n):
            ids = []
            for _ in range(n):
                application = make_application()
                make_dependency(application, offering, monthly_input_tokens=5)
                make_charge(application, offering, input_tokens=9)
                ids.append(application.pk)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                compare_costs(ids, month=MONTH, today=TODAY)
            return len(queries)

        assert count(1) == count(6) == 7


amounts = st.decimals(-(10**6), 10**6, places=6)
charges = st.lists(
    st.fixed_dictionaries(
        {
            "offering": st.integers(0, 2),
            "billed": amounts,
            "effective": amounts,
            "listed": st.none() | amounts,
            "contracted": st.none() | amounts,
            "category": st.sampled_from(BilledCost.Category.values),
            "currency": st.sampled_from(["USD", "EUR"]),
            "input_tokens": st.none() | st.integers(0, 10**9),
        }
    ),
    min_size=1,
    max_size=6,
)


class TestProperties(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(charges, st.lists(st.none() | st.integers(0, 10**9), min_size=3, max_size=3))
    def test_the_parts_add_up_exactly_to_the_difference(self, several, recorded_tokens):
        application, import_ = make_application(), make_import()
        offerings = [make_offering(), make_offering(), None]
        for place, currency in enumerate(("USD", "EUR")):
            make_price(offerings[place], "input", "1.37", currency=currency)
            make_dependency(
                application, offerings[place], monthly_input_tokens=recorded_tokens[place]
            )
        for charge in several:
            fields = dict(charge)
            make_charge(application, offerings[fields.pop("offering")], import_, **fields)

        for currency, comparison in compare(application).items():
            billed = sum(
                (charge["billed"] for charge in several if charge["currency"] == currency),
                Decimal(0),
            )
            assert comparison.billed == Fraction(billed)
            assert comparison.difference == comparison.billed - comparison.recorded
            assert sum((part.amount for part in comparison.parts), Fraction(0)) == (
                comparison.difference
            )
            for row in comparison.offerings:
                if row.difference is not None:
                    assert sum((part.amount for part in row.parts), Fraction(0)) == row.difference
