"""The exact loss: small cases by hand, all cases against enumeration, and what must always hold."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.exposure.loss.exact import ExactLoss, OwnLoss, SharedEvent, exact_loss
from apps.exposure.loss.exact_parts import Chance, LossTooLargeError, Number, Rate, WorkBudget
from apps.exposure.loss.measures import LEVELS, ONE_IN_20, ONE_IN_100
from apps.exposure.loss.shocks import InvalidLossInputError
from tests.exposure.loss.brute import Enumerated, own_coins, shared_coins, two_hosts

_chances = st.builds(Chance, st.integers(0, 20).map(lambda n: Fraction(n, 20)))
_losses = st.builds(Fraction, st.integers(0, 6), st.sampled_from([1, 2, 3, 10]))
_events = st.lists(
    st.builds(
        SharedEvent,
        st.sampled_from(["outage", "end"]),
        _chances,
        st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), _losses, max_size=3),
    ),
    max_size=3,
)
_own = st.lists(st.builds(OwnLoss, st.sampled_from(["a", "b", "c"]), _chances, _losses), max_size=3)
_rates = st.builds(
    Rate,
    st.integers(0, 30).map(lambda n: Fraction(n, 10)),
    st.sampled_from([None, Fraction(1, 2), Fraction(18)]),
)
_events_with_rates = st.lists(
    st.builds(
        SharedEvent,
        st.sampled_from(["outage", "end"]),
        _rates | _chances,
        st.dictionaries(
            st.sampled_from(["a", "b", "c"]), st.integers(0, 5).map(Fraction), max_size=3
        ),
    ),
    max_size=3,
)


def test_one_path_with_one_cause() -> None:
    loss = exact_loss([SharedEvent("host|outage", Chance(Fraction(1, 20)), {"app": Fraction(10)})])

    assert loss.as_section() == {
        "exact": True,
        "node_loss": {"host|outage": 10},
        "shared": {
            "eal": "1/2",
            "sd": pytest.approx(math.sqrt(4.75)),
            "exceedance": [[0, "1/20"], [10, 0]],
            "var95": 0,
            "tvar95": 10,
            "attribution95": {"host|outage": 10},
            "var99": 10,
            "tvar99": 10,
            "attribution99": {"host|outage": 10},
        },
        "independent": {
            "eal": "1/2",
            "sd": pytest.approx(math.sqrt(4.75)),
            "exceedance": [[0, "1/20"], [10, 0]],
            "var95": 0,
            "tvar95": 10,
            "var99": 10,
            "tvar99": 10,
        },
    }


def test_half_the_trouble_in_common_leaves_the_mean_and_triples_the_bad_year() -> None:
    loss = exact_loss(*two_hosts())

    assert (loss.shared.eal, loss.independent.eal) == (100, 100)
    assert [loss.independent.tail(level).var for level in LEVELS] == [300, 400]
    assert [loss.shared.tail(level).var for level in LEVELS] == [400, 1300]
    attribution = loss.shared.tail(ONE_IN_100).attribution
    assert attribution is not None
    assert {name: round(float(carried), 1) for name, carried in attribution.items()} == {
        "A": 1199.7,
        "B": 50.2,
        "own": 122.0,
    }


def test_sharing_can_lower_the_one_in_100_of_a_rare_shock() -> None:
    loss = exact_loss(
        [SharedEvent("end", Chance(Fraction(1, 200)), {f"app{n}": Fraction(10) for n in range(10)})]
    )

    assert (loss.shared.tail(ONE_IN_100).var, loss.independent.tail(ONE_IN_100).var) == (0, 10)


def test_nothing_to_lose_is_nothing_lost() -> None:
    loss = exact_loss([])

    assert loss.as_section()["shared"] == {
        "eal": 0,
        "sd": 0.0,
        "exceedance": [[0, 0]],
        "var95": 0,
        "tvar95": 0,
        "attribution95": {},
        "var99": 0,
        "tvar99": 0,
        "attribution99": {},
    }


def test_what_is_certain_is_lost_in_every_year() -> None:
    loss = exact_loss(
        [
            SharedEvent("end", Chance(Fraction(1)), {"app": Fraction(7)}),
            SharedEvent("outage", Chance(Fraction(1, 10)), {"app": Fraction(1)}),
        ]
    )

    assert loss.shared.exceedance == [(7, Fraction(1, 10)), (8, 0)]
    assert loss.shared.tail(ONE_IN_20).attribution == {"end": 7, "outage": 1}


def test_the_curve_tells_at_most_twelve_values() -> None:
    loss = exact_loss(
        [SharedEvent("outage", Chance(Fraction(1, 2)), {f"app{n}": Fraction(1) for n in range(30)})]
    )

    assert [x for x, _ in loss.independent.exceedance] == [
        0,
        2,
        5,
        8,
        10,
        13,
        16,
        19,
        21,
        24,
        27,
        30,
    ]


@pytest.mark.proof
@given(_events, _own)
@settings(max_examples=150, deadline=None)
def test_every_number_is_that_of_counting_all_outcomes(
    events: list[SharedEvent], own: list[OwnLoss]
) -> None:
    loss = exact_loss(events, own)

    for measures, coins in (
        (loss.shared, shared_coins(events, own)),
        (loss.independent, own_coins(events, own)),
    ):
        if len(coins) > 9:
            continue
        counted = Enumerated(coins)
        assert measures.eal == counted.mean()
        assert all(chance == counted.exceedance(Fraction(x)) for x, chance in measures.exceedance)
        for tail in measures.tails:
            carried = counted.tail(tail.level)
            assert tail.var == counted.var(tail.level)
            assert tail.tvar == sum(carried.values())
            assert tail.attribution is None or tail.attribution == carried


@pytest.mark.proof
@given(_events | _events_with_rates, _own)
@settings(max_examples=200, deadline=None)
def test_sharing_leaves_the_mean_and_never_narrows_the_spread_or_eases_the_tail(
    events: list[SharedEvent], own: list[OwnLoss]
) -> None:
    loss = exact_loss(events, own)

    shared, independent = loss.shared, loss.independent
    assert float(shared.eal) == pytest.approx(float(independent.eal), abs=1e-12)
    assert shared.sd >= independent.sd - 1e-7
    for level in LEVELS:
        assert shared.tail(level).tvar >= independent.tail(level).tvar - _slack(loss)
        assert shared.tail(level).tvar >= shared.tail(level).var - _slack(loss)
        assert independent.tail(level).tvar >= independent.tail(level).var - _slack(loss)


@given(_events, _own)
@settings(deadline=None)
def test_attribution_sums_to_the_tail(events: list[SharedEvent], own: list[OwnLoss]) -> None:
    loss = exact_loss(events, own)

    for tail in loss.shared.tails:
        assert tail.attribution is not None
        assert sum(tail.attribution.values()) == tail.tvar


@given(_events | _events_with_rates, _own)
@settings(deadline=None)
def test_exceedance_never_rises(events: list[SharedEvent], own: list[OwnLoss]) -> None:
    loss = exact_loss(events, own)

    for measures in (loss.shared, loss.independent):
        xs = [x for x, _ in measures.exceedance]
        chances = [chance for _, chance in measures.exceedance]
        assert xs == sorted(xs)
        assert chances == sorted(chances, reverse=True)
        assert chances[-1] == 0


@pytest.mark.proof
@given(_events, _own)
@settings(deadline=None)
def test_floats_say_the_same_as_fractions(events: list[SharedEvent], own: list[OwnLoss]) -> None:
    # a level that no sum of these chances reaches exactly, so that rounding decides nothing
    levels = (Fraction(947, 1000),)
    exact = exact_loss(events, own, levels=levels)

    floats = exact_loss(events, own, levels=levels, in_floats=True)

    assert not floats.exact
    for one, other in ((exact.shared, floats.shared), (exact.independent, floats.independent)):
        assert other.eal == pytest.approx(float(one.eal))
        assert other.sd == pytest.approx(one.sd, abs=1e-9)
        assert other.tails[0].tvar == pytest.approx(float(one.tails[0].tvar))
        assert other.tails[0].attribution is None


def test_a_rate_is_the_poisson_distribution() -> None:
    loss = exact_loss([SharedEvent("outage", Rate(Fraction(2)), {"app": Fraction(10)})])

    assert not loss.exact
    assert loss.shared.eal == pytest.approx(20)
    assert loss.shared.sd == pytest.approx(math.sqrt(200))
    below = [math.exp(-2) * 2**k / math.factorial(k) for k in range(7)]
    assert loss.shared.tail(ONE_IN_20).var == 50
    assert loss.shared.tail(ONE_IN_100).var == 60
    worst = sum(10 * k * p for k, p in enumerate(below))
    tvar = (20 - worst + 60 * (sum(below) - 0.99)) / 0.01
    assert loss.shared.tail(ONE_IN_100).tvar == pytest.approx(tvar)


def test_a_level_that_floats_reach_exactly_is_reached() -> None:
    loss = exact_loss(
        [SharedEvent("outage", Chance(Fraction(1, 20)), {"app": Fraction(10)})], in_floats=True
    )

    assert loss.shared.tail(ONE_IN_20).var == 0
    assert loss.shared.tail(ONE_IN_20).tvar == pytest.approx(10)


def test_the_order_of_applications_does_not_matter_to_the_bit() -> None:
    losses = {f"app{n}": Fraction(n, 7) for n in range(9)}
    own = [
        OwnLoss(name, Rate(Fraction(1, 3)), Fraction(n, 3))
        for n, name in enumerate(losses)
        if n % 4 == 0
    ]

    one = exact_loss([SharedEvent("outage", Rate(Fraction(1, 2)), losses)], own)
    other = exact_loss(
        [SharedEvent("outage", Rate(Fraction(1, 2)), dict(reversed(losses.items())))], own[::-1]
    )

    assert one == other


def test_work_is_bounded_in_time_and_in_memory() -> None:
    work = WorkBudget(max_terms=100, max_values=10)
    work.take(10, 9)

    with pytest.raises(LossTooLargeError):
        work.take(11, 0)
    with pytest.raises(LossTooLargeError):
        work.take(10, 2)


def test_rates_add_up_over_events_of_one_loss() -> None:
    apart = exact_loss(
        [
            SharedEvent("x", Rate(Fraction(1, 2)), {"app": Fraction(1)}),
            SharedEvent("y", Rate(Fraction(3, 2)), {"app": Fraction(1)}),
        ]
    )
    together = exact_loss([SharedEvent("x", Rate(Fraction(2)), {"app": Fraction(1)})])

    assert apart.shared.tail(ONE_IN_100).tvar == pytest.approx(
        float(together.shared.tail(ONE_IN_100).tvar)
    )


def test_a_high_rate_keeps_its_mean() -> None:
    loss = exact_loss([SharedEvent("outage", Rate(Fraction(60)), {"app": Fraction(1)})])

    assert loss.shared.eal == pytest.approx(60)
    assert loss.shared.sd == pytest.approx(math.sqrt(60))


@pytest.mark.parametrize("in_floats", [False, True])
def test_a_portfolio_without_a_common_unit_is_refused_instead_of_taking_for_ever(
    in_floats: bool,
) -> None:
    # 2 to the power of 40 different sums
    losses = {f"app{n:02}": Fraction(2**n) for n in range(40)}

    with pytest.raises(LossTooLargeError, match="Simulate it instead"):
        exact_loss([SharedEvent("outage", Chance(Fraction(1, 3)), losses)], in_floats=in_floats)


def test_a_rate_of_thousands_is_refused() -> None:
    with pytest.raises(LossTooLargeError, match="1000 events per year"):
        exact_loss([SharedEvent("outage", Rate(Fraction(1000)), {"app": Fraction(1)})])


def test_thirty_applications_under_fifteen_causes_are_within_reach() -> None:
    events = [
        SharedEvent(
            f"n{k}",
            Chance(Fraction(1, 20 + k)),
            {f"app{n:02}": Fraction(5 * (n % 7), 2) for n in range(30) if (n + k) % 3},
        )
        for k in range(15)
    ]
    own = [OwnLoss(f"app{n:02}", Chance(Fraction(1, 10)), Fraction(10)) for n in range(30)]

    loss = exact_loss(events, own)

    tail = loss.shared.tail(ONE_IN_100)
    assert tail.attribution is not None
    assert sum(tail.attribution.values()) == tail.tvar
    assert loss.shared.eal == loss.independent.eal


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Chance(Fraction(6, 5)), "6/5 must be between 0 and 1"),
        (lambda: Chance(Fraction(-1, 5)), "-1/5 must be between 0 and 1"),
        (lambda: Rate(Fraction(-1)), "-1 must be 0 or more"),
        (
            lambda: SharedEvent("outage", Chance(Fraction(1)), {"app": Fraction(-2)}),
            "outage has the loss -2",
        ),
        (lambda: OwnLoss("app", Chance(Fraction(1)), Fraction(-2)), "own loss of app is -2"),
    ],
)
def test_what_cannot_be_is_refused_with_the_number(build, says: str) -> None:
    with pytest.raises(InvalidLossInputError, match=says):
        build()


def _slack(loss: ExactLoss) -> Number:
    return Fraction(0) if loss.exact else 1e-9


def test_a_varying_rate_has_the_chances_of_the_negative_binomial() -> None:
    # mean 2 and shape 2: P(N = n) = (n + 1) / 2^(n + 2)
    loss = exact_loss([SharedEvent("a", Rate(Fraction(2), Fraction(2)), {"app": Fraction(1)})])

    assert not loss.exact
    assert loss.shared.eal == pytest.approx(2)
    assert loss.shared.sd == pytest.approx(2)
    assert loss.shared.tail(ONE_IN_20).var == 6


def test_a_varying_rate_with_too_many_counts_is_refused() -> None:
    event = SharedEvent("a", Rate(Fraction(400), Fraction(1, 100)), {"app": Fraction(1)})

    with pytest.raises(LossTooLargeError, match="Simulate"):
        exact_loss([event])


def test_a_shape_must_be_positive() -> None:
    with pytest.raises(InvalidLossInputError, match="above 0"):
        Rate(Fraction(1), Fraction(0))
