"""What applications cost: by tier, unit, currency and day, under changes, exactly, and unknown
where it is unknown."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.footing import refresh_footing
from apps.catalog.models import NodeKind
from apps.inventory.costs import (
    InvalidPriceChangeError,
    Money,
    PriceChange,
    UnknownCost,
    monthly_costs,
    monthly_totals,
)
from tests.builders import TODAY, make_application, make_offering, make_price, make_team
from tests.inventory.portfolios import node_of, use_of
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)


@pytest.fixture
@kept_world
def offering():
    """One dollar a million in, four out."""
    made = make_offering()
    make_price(made, "input", "1")
    make_price(made, "output", "4")
    return made


def cost_of(dependency, **asked):
    asked.setdefault("on", TODAY)
    costs = monthly_costs(**asked)
    return costs.per_dependency.get(dependency.pk) or costs.unknown[dependency.pk]


class TestAmounts:
    def test_tokens_times_price_per_million(self, offering):
        dependency = use_of(offering, input_tokens=2_000_000, output_tokens=500_000)

        assert cost_of(dependency) == Money(Fraction(4), "USD")

    def test_nothing_is_rounded(self, offering):
        dependency = use_of(offering, input_tokens=1, output_tokens=0)

        assert cost_of(dependency) == Money(Fraction(1, 1_000_000), "USD")

    def test_cached_tokens_are_counted_apart_from_input(self, offering):
        make_price(offering, "cache_read", "0.1")
        make_price(offering, "cache_write", "1.25")
        dependency = use_of(
            offering,
            input_tokens=1_000_000,
            cache_read_tokens=10_000_000,
            cache_write_tokens=1_000_000,
        )

        assert cost_of(dependency) == Money(1 + 1 + Fraction(5, 4), "USD")

    def test_requests_count_where_they_have_a_price(self, offering):
        dependency = use_of(offering, input_tokens=1_000_000, requests=2_000)
        dear = make_offering()
        make_price(dear, "request", "1000")
        by_request = use_of(dear, requests=2_000)

        costs = monthly_costs(on=TODAY).per_dependency

        assert (costs[dependency.pk].amount, costs[by_request.pk].amount) == (1, 2)

    def test_every_role_counts_and_every_live_row(self, offering):
        application = make_application()
        rows = [
            use_of(offering, role, application=application, input_tokens=1_000_000)
            for role in ("primary", "judge")
        ]
        use_of(offering, input_tokens=1_000_000, until=TODAY)
        use_of(offering, input_tokens=1_000_000, since=TODAY + ONE_DAY)
        use_of(offering, input_tokens=1_000_000, application=make_application(status="proposed"))

        costs = monthly_costs(on=TODAY)

        assert set(costs.per_dependency) == {row.pk for row in rows}
        assert costs.totals == {"USD": 2}

    def test_nothing_used_costs_nothing_in_no_currency(self, offering):
        dependency = use_of(offering, input_tokens=0, output_tokens=0)

        costs = monthly_costs(on=TODAY)

        assert costs.per_dependency == {dependency.pk: Money(Fraction(0), None)}
        assert costs.totals == {}


class TestTiers:
    @pytest.mark.parametrize(
        ("size", "dollars"), [(None, 1), (1, 1), (200_000, 1), (200_001, 2), (1_000_001, 3)]
    )
    def test_the_usual_request_decides(self, offering, size, dollars):
        make_price(offering, "input", "2", above=200_000)
        make_price(offering, "input", "3", above=1_000_000)
        dependency = use_of(offering, input_tokens=1_000_000, size=size)

        assert cost_of(dependency).amount == dollars

    def test_a_unit_without_that_tier_keeps_its_own(self, offering):
        make_price(offering, "input", "2", above=200_000)
        dependency = use_of(offering, input_tokens=1_000_000, output_tokens=1_000_000, size=300_000)

        assert cost_of(dependency).amount == 6


class TestDays:
    def test_a_price_counts_on_its_first_day_and_not_on_its_last(self):
        offering = make_offering()
        make_price(offering, "input", "1", until=TODAY)
        make_price(offering, "input", "2", since=TODAY)
        dependency = use_of(offering, input_tokens=1_000_000)

        assert cost_of(dependency).amount == 2
        assert cost_of(dependency, on=TODAY - ONE_DAY).amount == 1

    def test_what_is_announced_shows_on_a_later_day_for_what_is_live_today(self):
        offering = make_offering()
        make_price(offering, "input", "1", until=date(2027, 1, 1))
        make_price(offering, "input", "2", since=date(2027, 1, 1))
        dependency = use_of(offering, input_tokens=1_000_000, until=TODAY + ONE_DAY)

        assert cost_of(dependency, prices_on=date(2026, 12, 31)).amount == 1
        assert cost_of(dependency, prices_on=date(2027, 1, 1)).amount == 2

    def test_the_offering_that_answers_is_paid(self, offering):
        old = make_offering(
            lifecycle="retired",
            end_behaviour="redirect",
            replacement=offering,
            retires_on=TODAY - ONE_DAY,
            date_kind="firm",
        )
        make_price(old, "input", "100")
        refresh_footing([old.pk], today=TODAY)
        dependency = use_of(old, input_tokens=1_000_000)

        assert cost_of(dependency).amount == 1


class TestUnknown:
    def test_no_tokens_is_unknown_and_not_nothing(self, offering):
        dependency = use_of(offering)

        unknown = cost_of(dependency)

        assert (unknown.code, unknown.sentence) == (
            UnknownCost.NO_TOKENS,
            "No monthly tokens are recorded. Enter them to calculate the cost.",
        )

    def test_requests_alone_do_not_say_what_tokens_cost(self, offering):
        assert cost_of(use_of(offering, requests=5)).code == UnknownCost.NO_TOKENS

    def test_a_used_unit_without_a_price_is_named(self):
        offering = make_offering()
        make_price(offering, "input", "1")

        unknown = cost_of(use_of(offering, input_tokens=1, cache_read_tokens=1, output_tokens=1))

        assert (unknown.code, unknown.units) == (UnknownCost.NO_PRICE, ("output", "cache_read"))
        assert "output tokens, cached input tokens read" in unknown.sentence

    def test_without_any_price_all_used_units_are_named(self):
        unknown = cost_of(use_of(make_offering(), input_tokens=1, output_tokens=0))

        assert (unknown.code, unknown.units) == (UnknownCost.NO_PRICE, ("input",))

    def test_a_tier_without_a_base_prices_no_usual_request(self):
        offering = make_offering()
        make_price(offering, "input", "1", above=200_000)

        assert cost_of(use_of(offering, input_tokens=1)).code == UnknownCost.NO_PRICE

    def test_prices_in_several_currencies_are_not_added(self):
        offering = make_offering()
        make_price(offering, "input", "1", currency="EUR")
        make_price(offering, "output", "1", currency="USD")

        assert (
            cost_of(use_of(offering, input_tokens=1, output_tokens=1)).code
            == UnknownCost.SEVERAL_CURRENCIES
        )
        assert cost_of(use_of(offering, input_tokens=1_000_000)) == Money(Fraction(1), "EUR")

    def test_a_currency_that_prices_everything_goes_before_one_that_does_not(self, offering):
        make_price(offering, "input", "9", currency="EUR")
        dependency = use_of(offering, input_tokens=1_000_000, output_tokens=1_000_000)

        assert cost_of(dependency) == Money(Fraction(5), "USD")

    def test_sums_are_apart_by_currency(self, offering):
        european = make_offering()
        make_price(european, "input", "3", currency="EUR")
        use_of(offering, input_tokens=1_000_000)
        use_of(european, input_tokens=1_000_000)
        use_of(european, output_tokens=1_000_000)

        totals = monthly_totals(on=TODAY)

        assert (totals.totals, totals.n_known, totals.n_unknown) == (
            {"EUR": 3, "USD": 1},
            2,
            {UnknownCost.NO_PRICE: 1},
        )


class TestChanges:
    def test_they_hold_for_what_stands_directly_on_the_node_in_their_order(self, offering):
        host = node_of(NodeKind.HOST, offering.host)
        dependency = use_of(offering, input_tokens=1_000_000, output_tokens=1_000_000)
        other = make_offering()
        make_price(other, "input", "1")
        elsewhere = use_of(other, input_tokens=1_000_000)

        costs = monthly_costs(
            on=TODAY,
            changes=[
                PriceChange(host, factor=Fraction(1, 3)),
                PriceChange(host, unit="output", amount=Fraction(2, 7), currency="USD"),
                PriceChange(host, unit="output", factor=Fraction(5)),
            ],
        )

        assert costs.per_dependency[dependency.pk] == Money(Fraction(1, 3) + Fraction(10, 7), "USD")
        assert costs.per_dependency[elsewhere.pk].amount == 1

    def test_a_factor_leaves_the_unknown_unknown_and_an_amount_makes_it_known(self):
        offering = make_offering()
        node = node_of(NodeKind.OFFERING, offering)
        dependency = use_of(offering, input_tokens=1_000_000)

        doubled = cost_of(dependency, changes=[PriceChange(node, factor=Fraction(2))])
        priced = cost_of(
            dependency, changes=[PriceChange(node, amount=Fraction(3), currency="EUR")]
        )

        assert (doubled.code, priced) == (UnknownCost.NO_PRICE, Money(Fraction(3), "EUR"))

    def test_an_amount_holds_in_every_tier(self):
        offering = make_offering()
        make_price(offering, "input", "9", above=200_000)
        node = node_of(NodeKind.OFFERING, offering)
        small, large = (
            use_of(offering, input_tokens=1_000_000),
            use_of(offering, input_tokens=1_000_000, size=300_000),
        )

        costs = monthly_costs(
            on=TODAY, changes=[PriceChange(node, amount=Fraction(2), currency="USD")]
        )

        assert [costs.per_dependency[row.pk].amount for row in (small, large)] == [2, 2]

    def test_one_that_begins_later_waits_for_its_day(self, offering):
        change = PriceChange(
            node_of(NodeKind.OFFERING, offering), factor=Fraction(2), starts_on=TODAY + ONE_DAY
        )
        dependency = use_of(offering, input_tokens=1_000_000)

        assert cost_of(dependency, changes=[change]).amount == 1
        assert cost_of(dependency, changes=[change], prices_on=TODAY + ONE_DAY).amount == 2

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"factor": Fraction(1), "amount": Fraction(1), "currency": "USD"},
            {"factor": Fraction(-1)},
            {"amount": Fraction(1)},
            {"amount": Fraction(-1), "currency": "USD"},
            {"unit": "tea", "factor": Fraction(1)},
        ],
    )
    def test_one_that_cannot_be_meant_is_refused(self, wrong):
        with pytest.raises(InvalidPriceChangeError):
            PriceChange(1, **wrong)


class TestNarrowing:
    def test_to_applications_and_to_teams(self, offering):
        ours, theirs = make_team(), make_team()
        own = use_of(offering, input_tokens=1_000_000, application=make_application(team=ours))
        use_of(offering, input_tokens=1_000_000, application=make_application(team=theirs))

        by_team = monthly_costs(on=TODAY, team_ids=[ours.pk])
        by_application = monthly_costs(on=TODAY, application_ids=[own.application_id])

        assert set(by_team.per_dependency) == set(by_application.per_dependency) == {own.pk}
        assert monthly_totals(on=TODAY, team_ids=[]).totals == {}

    def test_one_statement_whatever_the_number(self, offering):
        for _ in range(3):
            use_of(offering, input_tokens=1)
        changes = [PriceChange(node_of(NodeKind.OFFERING, offering), factor=Fraction(2))]
        with CaptureQueriesContext(connection) as asked:
            monthly_costs(on=TODAY)
            monthly_totals(on=TODAY, changes=changes)

        assert len(asked) == 2
