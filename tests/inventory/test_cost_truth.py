"""Cost by SQL is cost by the definition: on any portfolio, and on the worked ones."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.catalog.models import NodeKind
from apps.inventory.costs import PriceChange, UnknownCost, monthly_costs, monthly_totals
from apps.inventory.models import Dependency
from tests.builders import TODAY, make_offering, make_price, make_provider
from tests.inventory.portfolios import load_portfolio, node_of, use_of, worked_portfolios

pytestmark = pytest.mark.django_db

TOKENS = st.one_of(st.none(), st.integers(0, 10**12))
AMOUNTS = st.decimals(0, 1000, places=8)
UNITS = ("input", "output", "cache_read", "cache_write", "request")
LINES = st.dictionaries(
    st.tuples(
        st.sampled_from(UNITS),
        st.sampled_from([0, 1000, 200_000]),
        st.sampled_from(["USD", "EUR", "CHF"]),
    ),
    AMOUNTS,
    max_size=8,
)
USES = st.tuples(
    TOKENS, TOKENS, TOKENS, TOKENS, TOKENS, st.sampled_from([None, 0, 1000, 1001, 200_001])
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from([None, *UNITS]),
        st.one_of(
            st.fractions(0, 9), st.tuples(st.fractions(0, 9), st.sampled_from(["USD", "EUR"]))
        ),
    ),
    max_size=3,
)


def brute_force(lines, tokens, size, changes):
    """(amount, currency), or the reason it is not known, straight from the definition."""
    prices = {key: Fraction(amount) for key, amount in lines.items()}
    for unit, what in changes:
        for each in UNITS if unit is None else [unit]:
            if isinstance(what, tuple):
                bounds = {above for (u, above, _) in prices if u == each} | {0}
                prices = {key: amount for key, amount in prices.items() if key[0] != each}
                prices |= {(each, above, what[1]): what[0] for above in bounds}
            else:
                prices = {key: p * what if key[0] == each else p for key, p in prices.items()}

    def price(unit, currency):
        fitting = [
            above
            for (u, above, c) in prices
            if (u, c) == (unit, currency) and (above == 0 or size > above)
        ]
        return prices[unit, max(fitting), currency] if fitting else None

    used = [unit for unit in UNITS[:4] if tokens[unit]]
    known = []
    for currency in sorted({c for (_, _, c) in prices}, key=lambda c: (c != "USD", c)):
        token_price = price("input", currency), price("output", currency)
        of_request = price("request", currency)
        metered = any(tokens[unit] is not None for unit in UNITS[:4]) or (
            tokens["request"] is not None and of_request is not None and token_price == (None, None)
        )
        if not metered:
            continue
        if any(price(unit, currency) is None for unit in used):
            known.append(None)
            continue
        paid = [*used, "request"] if tokens["request"] and of_request is not None else used
        amount = (
            sum((Fraction(tokens[unit]) * price(unit, currency) for unit in paid), Fraction(0))
            / 10**6
        )
        return amount, (currency if paid else None)
    if not known and not any(tokens[unit] is not None for unit in UNITS[:4]):
        return UnknownCost.NO_TOKENS
    if not used:
        return Fraction(0), None
    currencies = {c for (_, _, c) in prices}
    lacking = [unit for unit in used if all(price(unit, c) is None for c in currencies)]
    return UnknownCost.NO_PRICE if lacking else UnknownCost.SEVERAL_CURRENCIES


@pytest.mark.proof
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(LINES, st.lists(USES, min_size=1, max_size=3)), min_size=1, max_size=3),
    CHANGES,
)
def test_it_agrees_with_the_definition_on_any_portfolio(portfolio, changes):
    Dependency.objects.all().delete()
    host = make_provider("one-host")
    expected = {}
    for lines, uses in portfolio:
        offering = make_offering(host=host)
        for (unit, above, currency), amount in lines.items():
            make_price(offering, unit, str(Decimal(amount)), above=above, currency=currency)
        for tokens in uses:
            counted = dict(zip(UNITS, tokens, strict=False))
            names = {"request": "requests"} | {unit: f"{unit}_tokens" for unit in UNITS[:4]}
            dependency = use_of(
                offering, size=tokens[5], **{names[unit]: n for unit, n in counted.items()}
            )
            expected[dependency.pk] = brute_force(lines, counted, tokens[5] or 0, changes)
    node = node_of(NodeKind.HOST, host)
    asked = [
        PriceChange(node, unit=unit, amount=what[0], currency=what[1])
        if isinstance(what, tuple)
        else PriceChange(node, unit=unit, factor=what)
        for unit, what in changes
    ]

    costs = monthly_costs(on=TODAY, changes=asked)
    totals = monthly_totals(on=TODAY, changes=asked)

    got = {pk: tuple(money) for pk, money in costs.per_dependency.items()}
    got |= {pk: unknown.code for pk, unknown in costs.unknown.items()}
    assert got == expected
    assert totals.totals == costs.totals
    assert totals.n_known == len(costs.per_dependency)
    assert sum(totals.n_unknown.values()) == len(costs.unknown)


@pytest.mark.proof
@pytest.mark.shared
def test_the_worked_portfolios_cost_what_they_should(shared):
    for raw in worked_portfolios(shared):
        world = load_portfolio(raw)
        names = {row.pk: name for name, row in world.dependencies.items()}
        for when, expected in raw["expected"]["cost"].items():
            costs = monthly_costs(
                on=world.as_of,
                prices_on=None if when == "None" else date.fromisoformat(when),
                application_ids=[row.application_id for row in world.dependencies.values()],
            )
            assert {names[pk]: money.amount for pk, money in costs.per_dependency.items()} == {
                name: Fraction(str(amount)) for name, amount in expected["per_dependency"].items()
            }, raw["name"]
            assert costs.totals == {
                c: Fraction(str(amount)) for c, amount in expected["total"].items()
            }, raw["name"]
            assert sorted(names[pk] for pk in costs.unknown) == expected["unknown"], raw["name"]


@pytest.mark.shared
def test_the_worked_what_ifs_on_prices_cost_what_they_should(shared):
    n_checked = 0
    for raw in worked_portfolios(shared):
        for scenario in raw.get("scenarios", []):
            if any(op["op"] != "reprice" for op in scenario["ops"]):
                continue
            world = load_portfolio(raw)
            totals = monthly_totals(
                on=world.as_of,
                prices_on=date.fromisoformat(scenario["on"]) if scenario.get("on") else None,
                changes=[
                    PriceChange(
                        world.node(op["node"]),
                        unit=op.get("unit"),
                        factor=Fraction(op["factor"]) if "factor" in op else None,
                        amount=Fraction(op["amount"]) if "amount" in op else None,
                        currency=op.get("currency"),
                        starts_on=date.fromisoformat(op["from"]) if op.get("from") else None,
                    )
                    for op in scenario["ops"]
                ],
                application_ids=[row.application_id for row in world.dependencies.values()],
            )
            expected = raw["expected"]["scenarios"][scenario["id"]]["after"]["cost"]
            assert totals.totals == {c: Fraction(str(amount)) for c, amount in expected.items()}
            n_checked += 1
    assert n_checked == 1
