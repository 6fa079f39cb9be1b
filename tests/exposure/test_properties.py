"""What must hold of any portfolio (P1 to P26), asked of the product through its own tables."""

import math
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from apps.exposure.engine.concentration import contributions
from apps.exposure.models import Basis, Layer
from apps.inventory.costs import monthly_costs
from apps.inventory.runway import runways
from tests.exposure.portfolios import AS_OF, Portfolio, random_portfolio
from tests.exposure.product import RANK, exact, product, scenario
from tools.worked_portfolios.losses import measure_losses

pytestmark = pytest.mark.proof

# each example loads a portfolio or two, so there are few, the same ones in every run; a portfolio
# cannot be shrunk
some = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CLOSE = 1e-9


@st.composite
def portfolios(draw: st.DrawFn, *, usual: bool = False) -> tuple[Portfolio, Random]:
    """A small portfolio and the randomness for what is done to it; `usual`: under the default
    settings."""
    r = draw(st.randoms(use_true_random=False))
    portfolio = random_portfolio(r, small=True)
    if usual:
        portfolio.pop("settings", None)
    return portfolio, r


def changed(portfolio: Portfolio, change: Callable[[Portfolio], object]) -> Portfolio:
    other = deepcopy(portfolio)
    change(other)
    return other


def fallback(application: str, offering: str, order: int) -> dict[str, Any]:
    return {
        "id": "zz",
        "application": application,
        "offering": offering,
        "role": "fallback",
        "order": order,
    }


def value(index: float | None) -> float:
    assert index is not None, "an index is missing beside others of its layer"
    return index


def never_worse(before: dict[Any, tuple[str, float]], after: dict[Any, tuple[str, float]]) -> bool:
    return all(
        RANK[after[key][0] if key in after else "not_standing"] <= RANK[state]
        for key, (state, _) in before.items()
    )


@some
@given(portfolios())
def test_p1_the_hit_share_says_whether_it_stands_in_part_or_whole(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    with product(asked[0]) as it:
        states = it.states()
    for state, hit in states.values():
        assert 0 < hit <= 1 + CLOSE
        assert (state == "partial") == (hit < 1 - CLOSE)


@some
@given(portfolios(usual=True))
def test_p2_and_p3_a_further_fallback_never_worsens_a_state_nor_moves_concentration(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked
    with product(portfolio) as it:
        assume(it.scope)
        application = r.choice(it.scope)
        before = it.states()
        measured = [it.indices(layer, Basis.COUNT).indices for layer in Layer]
    row = fallback(application, r.choice(portfolio["offerings"])["id"], r.choice((0, 99)))
    with product(changed(portfolio, lambda p: p["dependencies"].append(row))) as it:
        assert never_worse(before, it.states())
        assert [it.indices(layer, Basis.COUNT).indices.hhi for layer in Layer] == [
            each.hhi for each in measured
        ]


@some
@given(portfolios(usual=True))
def test_p4_a_fresh_passed_test_never_worsens_a_state(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked
    with product(portfolio) as it:
        live = {
            row["id"]: row for row in portfolio["dependencies"] if row["application"] in it.scope
        }
        assume(live)
        before = it.states()
    row = r.choice(list(live.values()))
    targets = [
        other["offering"] for other in live.values() if other["application"] == row["application"]
    ]
    test = {
        "id": "~",
        "dependency": row["id"],
        "target": r.choice(targets),
        "tested_on": AS_OF.isoformat(),
        "result": "passed",
        "expires_on": (AS_OF + timedelta(days=1)).isoformat(),
    }
    with product(changed(portfolio, lambda p: p["exit_tests"].append(test))) as it:
        assert never_worse(before, it.states())


@some
@given(portfolios(usual=True))
def test_p5_taking_a_fallback_away_takes_nobody_off_the_single_points(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked
    # a way out that was tested stays one without the fallback
    tested = {test["target"] for test in portfolio["exit_tests"]}
    named = {row["dependency"] for rows in ("exit_tests", "exit_plans") for row in portfolio[rows]}
    named |= {
        op["dependency"]
        for each in portfolio["scenarios"]
        for op in each["ops"]
        if op["op"] == "move"
    }
    rows = [
        row
        for row in portfolio["dependencies"]
        if row["role"] == "fallback" and row["offering"] not in tested
    ]
    rows = [row for row in rows if row["id"] not in named]
    assume(rows)
    gone = r.choice(rows)
    with product(portfolio) as it:
        before = {
            key for key, (state, _) in it.states().items() if state in ("exposed", "cushioned")
        }
    with product(changed(portfolio, lambda p: p["dependencies"].remove(gone))) as it:
        after = {
            key for key, (state, _) in it.states().items() if state in ("exposed", "cushioned")
        }
    assert before <= after


@some
@given(portfolios(usual=True))
def test_p6_more_nodes_failing_together_stop_no_less(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked
    with product(portfolio) as it:
        assume(len(it.nodes) >= 3)
        for _ in range(5):
            few = r.sample(it.nodes, 1)
            many = few + r.sample(sorted(set(it.nodes) - set(few)), 2)
            assert it.stops(few) <= it.stops(many)


@some
@given(portfolios())
def test_p7_independence_is_the_same_from_both_sides(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked
    first, second = (r.choice(portfolio["offerings"])["id"] for _ in range(2))

    def both_ways(p: Portfolio) -> None:
        for name, here, there in (("to", first, second), ("fro", second, first)):
            p["applications"].append({"id": name, "criticality": "low", "status": "production"})
            p["dependencies"] += [
                {"id": f"{name}.p", "application": name, "offering": here, "role": "primary"},
                {"id": f"{name}.f", "application": name, "offering": there, "role": "fallback"},
            ]
        p.setdefault("settings", {})["statuses"] = ["production"]

    with product(changed(portfolio, both_ways)) as it:
        grades = it.grades()
    assert grades["to.p>to.f"]["grade"] == grades["fro.p>fro.f"]["grade"]


@some
@given(portfolios())
def test_p8_to_p13_concentration_keeps_its_bounds(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    with product(asked[0]) as it:
        for basis in Basis:
            found = {layer: it.indices(layer, basis).indices for layer in Layer}
            for each in found.values():
                if each.hhi is None:
                    continue
                unknown, cr1, n1, n2 = (
                    value(part) for part in (each.unknown, each.cr1, each.n1, each.n2)
                )
                n = len(each.shares) + (unknown > 0)
                assert (
                    value(each.hhi_best) - CLOSE
                    <= each.hhi
                    <= value(each.hhi_worst) + CLOSE
                    <= 1 + 2 * CLOSE
                )
                assert 1 / n - CLOSE <= each.hhi <= max(cr1, unknown) + CLOSE
                assert math.isclose(math.fsum(each.shares.values()) + unknown, 1)
                assert n1 >= n2 - CLOSE
            coarser = [
                found[layer].hhi for layer in (Layer.VERSION, Layer.FOUNDATION, Layer.DEVELOPER)
            ]
            if None not in coarser:
                assert all(fine <= coarse + CLOSE for fine, coarse in pairwise(coarser))  # type: ignore[operator]


@some
@given(portfolios())
def test_p11_contributions_sum_to_the_index(room: None, asked: tuple[Portfolio, Random]) -> None:
    with product(asked[0]) as it:
        for layer in Layer:
            for basis in Basis:
                hhi = it.indices(layer, basis).indices.hhi
                if hhi is not None:
                    parts = contributions(layer, basis)
                    assert math.isclose(
                        math.fsum(part.contribution for part in parts), hhi, rel_tol=CLOSE
                    )


@some
@given(portfolios())
def test_p14_and_p15_neither_the_order_of_rows_nor_the_scale_of_weights_matters(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked

    def shuffled(p: Portfolio) -> None:
        for row in p["applications"]:
            row["users"] = None if row["users"] is None else row["users"] * 7
        for rows in (
            "applications",
            "dependencies",
            "offerings",
            "exit_tests",
            "derivations",
            "providers",
        ):
            r.shuffle(p[rows])

    with product(portfolio) as it:
        states, before = it.states(), it.indices(Layer.HOST, Basis.USERS).indices
        names = {str(it.names.nodes[node]): share for node, share in before.shares.items()}
    with product(changed(portfolio, shuffled)) as it:
        assert _told(it.states()) == _told(states)
        after = it.indices(Layer.HOST, Basis.USERS).indices
        assert {
            str(it.names.nodes[node]): exact(share) for node, share in after.shares.items()
        } == {name: exact(share) for name, share in names.items()}
        for index in ("hhi", "hhi_best", "hhi_worst", "cr1", "cr3"):
            one, other = getattr(before, index), getattr(after, index)
            assert one == other or math.isclose(one, other, rel_tol=CLOSE)


@some
@given(portfolios(), st.integers(-400, 400))
def test_p16_shifting_every_date_shifts_nothing_else(
    room: None, asked: tuple[Portfolio, Random], days: int
) -> None:
    portfolio, _ = asked
    dated = {
        "offerings": ["retires_on"],
        "dependencies": ["since", "until"],
        "exit_tests": ["tested_on", "expires_on"],
    }

    def shifted(p: Portfolio) -> None:
        p["as_of"] = _later(p["as_of"], days)
        for rows, fields in dated.items():
            for row in p[rows]:
                row.update({field: _later(row[field], days) for field in fields})

    told = []
    for each in (portfolio, changed(portfolio, shifted)):
        with product(each) as it:
            left = {
                it.names.dependencies[row.dependency_id]: (
                    row.days_left,
                    row.runway,
                    row.at_least,
                    row.why,
                )
                for row in runways(on=it.record.as_of, statuses=it.settings.statuses)
            }
            told.append((_told(it.states()), left))
    assert told[0] == told[1]


@some
@given(portfolios())
def test_p17_removals_add_up_in_any_order(room: None, asked: tuple[Portfolio, Random]) -> None:
    portfolio, r = asked
    with product(portfolio) as it:
        assume(it.nodes)
        one, other = r.choice(it.nodes), r.choice(it.nodes)

        def states(*removals: list[str]) -> object:
            ops = [{"op": "remove", "nodes": nodes} for nodes in removals]
            return it.after(ops, like=portfolio)["states"]

        assert states([one], [other]) == states([other], [one]) == states([one, other], [one])


@some
@given(portfolios())
def test_p18_replacing_an_offering_by_itself_changes_nothing(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked
    name = r.choice(portfolio["offerings"])["id"]
    with product(portfolio) as it:
        nodes = it.nodes[:1]
        ops = [{"op": "remove", "nodes": nodes}, {"op": "replace", "old": name, "new": name}]
        told = it.asked(scenario(portfolio, ops))
    assert told["before"] == told["after"]


@some
@given(portfolios())
def test_p19_retiring_an_application_leaves_the_others_as_they_were(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked
    with product(portfolio) as it:
        assume(it.scope and it.nodes)
        gone, failing = r.choice(it.scope), r.sample(it.nodes, min(3, len(it.nodes)))
        ops = [{"op": "remove", "nodes": failing}, {"op": "retire", "application": gone}]
        told = it.asked(scenario(portfolio, ops))
    before = {name: state for name, state in told["before"]["states"].items() if name != gone}
    assert told["after"]["states"] == before


@some
@given(portfolios(), st.integers(0, 9))
def test_p20_cost_is_linear_in_price(
    room: None, asked: tuple[Portfolio, Random], times: int
) -> None:
    portfolio, _ = asked

    def dearer(p: Portfolio) -> None:
        for row in p["prices"]:
            row["amount"] = str(Fraction(str(row["amount"])) * times)

    told = []
    for each in (portfolio, changed(portfolio, dearer)):
        with product(each) as it:
            costs = monthly_costs(on=it.record.as_of, statuses=it.settings.statuses)
            told.append((costs.totals, {it.names.dependencies[pk] for pk in costs.unknown}))
    (before, unknown), (after, still) = told
    assert {currency: amount * times for currency, amount in before.items()} == after
    assert unknown == still


@some
@given(portfolios())
def test_p21_to_p26_shared_shocks_keep_the_mean_and_never_make_the_tail_thinner(
    room: None, asked: tuple[Portfolio, Random]
) -> None:
    portfolio, r = asked

    def with_losses(p: Portfolio) -> None:
        nodes = [f"host:{row['host']}" for row in p["offerings"]]
        p["loss"] = {
            "events": [
                {
                    "node": node,
                    "kind": "outage",
                    "frequency": {"q": r.choice(("1/20", "1/2", "1/200"))},
                    "base": {"critical": 10, "important": 5, "standard": 5, "low": 5},
                }
                for node in sorted(set(nodes))[:2]
            ],
            "own": {"critical": {"q": "1/10", "loss": 4}},
        }

    with product(changed(portfolio, with_losses)) as it:
        assert it.record.loss is not None
        section = measure_losses(
            it.record.loss,
            applications=it.names.applications,
            nodes=it.names.nodes,
            settings=it.settings,
        )
    shared, alone = section["shared"], section["independent"]
    assert exact(shared["eal"]) == exact(alone["eal"])
    assert shared["sd"] >= alone["sd"] - CLOSE
    for level in ("95", "99"):
        assert exact(shared[f"tvar{level}"]) >= exact(alone[f"tvar{level}"])
        assert exact(shared[f"tvar{level}"]) >= exact(shared[f"var{level}"])
        parts = shared[f"attribution{level}"].values()
        assert sum((exact(part) for part in parts), exact(0)) == exact(shared[f"tvar{level}"])
    chances = [exact(chance) for _, chance in shared["exceedance"]]
    assert chances == sorted(chances, reverse=True)


def _told(states: dict[Any, tuple[str, float]]) -> dict[Any, tuple[str, object]]:
    """With hit shares that do not know in which order they were added up."""
    return {key: (state, exact(hit)) for key, (state, hit) in states.items()}


def _later(day: str | None, days: int) -> str | None:
    return None if day is None else (date.fromisoformat(day) + timedelta(days=days)).isoformat()
