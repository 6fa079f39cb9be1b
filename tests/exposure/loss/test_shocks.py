"""What goes into the loss model: from losses at nodes to shared shocks and their twin, and what is
refused."""

from collections.abc import Callable

import pytest

from apps.exposure.loss.shocks import (
    EventKind,
    Frequency,
    IndependentLoss,
    InvalidLossInputError,
    NodeLoss,
    Shock,
    cumulants,
    merge_classes,
    once_chance,
    shock_of,
    twin_classes,
)

HOST, VERSION = 5, 2
nan, inf = float("nan"), float("inf")


def test_a_shock_costs_the_sum_of_its_classes_in_any_order() -> None:
    classes = [(0.1, 3), (1e12, 1), (0.2, 10)]
    frequency = Frequency(2.0, cv=1.5)

    one = shock_of(NodeLoss((HOST, 7), EventKind.OUTAGE, classes), frequency)
    other = shock_of(NodeLoss((HOST, 7), EventKind.OUTAGE, classes[::-1]), frequency)

    assert one == other == Shock((HOST, 7, 1), 1e12 + 2.3, 2.0, once=False, cv=1.5)


def test_the_twin_has_the_mean_of_the_shared_shocks_and_less_spread() -> None:
    at_host = NodeLoss((HOST, 1), EventKind.OUTAGE, [(10.0, 4), (5.0, 2)])
    at_version = NodeLoss((VERSION, 1), EventKind.RETIREMENT, [(10.0, 3), (0.0, 50)])
    frequencies = {at_host.key: Frequency(0.5, cv=1.5), at_version.key: Frequency(0.2, once=True)}

    classes = twin_classes([at_host, at_version], frequencies)
    shared = [shock_of(each, frequencies[each.key]) for each in (at_host, at_version)]

    assert [(own.n, own.loss) for own in classes] == [(3, 10.0), (2, 5.0), (4, 10.0)]
    assert cumulants(classes)[0] == pytest.approx(cumulants(shared)[0])
    assert cumulants(classes)[1] < cumulants(shared)[1]


def test_classes_of_equal_loss_and_frequency_become_one_over_all_nodes() -> None:
    nodes = [NodeLoss((HOST, n), EventKind.OUTAGE, [(10.0, n), (10.0, 1)]) for n in (3, 1, 2)]
    frequencies = {node.key: Frequency(0.5) for node in nodes}

    classes = twin_classes(nodes, frequencies)

    assert classes == [IndependentLoss((HOST, 1, 1, 0), 9, 10.0, 0.5)]
    assert merge_classes(classes[::-1]) == classes


def test_a_chance_follows_from_a_rate() -> None:
    assert once_chance(0) == 0
    assert once_chance(0.74) == pytest.approx(0.5229, abs=1e-4)
    assert once_chance(1e-12) == pytest.approx(1e-12, rel=1e-9, abs=0)


def test_moments_are_those_of_the_textbook() -> None:
    # Poisson: all three are loss^j * rate; Bernoulli: q, q(1-q), q(1-q)(1-2q)
    assert cumulants([Shock((1,), 2.0, 0.5)]) == pytest.approx((1.0, 2.0, 4.0))
    assert cumulants([Shock((1,), 2.0, 0.25, once=True)]) == pytest.approx(
        (0.5, 0.75, 8 * 0.25 * 0.75 * 0.5)
    )
    assert cumulants([Shock((1,), 3.0, 1.0, once=True)]) == pytest.approx((3.0, 0.0, 0.0))
    # a certain event of uneven size has the moments of the Gamma: mean, cv^2, 2 cv^4
    assert cumulants([Shock((1,), 1.0, 1.0, once=True, cv=0.5)]) == pytest.approx(
        (1.0, 0.25, 2 * 0.5**4)
    )


def test_a_varying_rate_adds_to_variance_and_skewness() -> None:
    # negative binomial: m + m^2 / r, and m + 3 m^2 / r + 2 m^3 / r^2
    assert cumulants([Shock((1,), 1.0, 2.0, shape=4.0)]) == pytest.approx((2.0, 3.0, 6.0))
    assert cumulants([IndependentLoss((1,), 3, 1.0, 2.0, shape=4.0)]) == pytest.approx(
        (6.0, 9.0, 18.0)
    )


def test_classes_with_another_variation_of_the_rate_are_not_merged() -> None:
    nodes = [NodeLoss((HOST, n), EventKind.OUTAGE, [(10.0, 2)]) for n in (1, 2, 3)]
    frequencies = {
        node.key: Frequency(0.5, shape=shape)
        for node, shape in zip(nodes, (18.0, 18.0, None), strict=True)
    }

    classes = twin_classes(nodes, frequencies)

    assert [(each.n, each.shape) for each in classes] == [(4, 18.0), (2, None)]
    assert shock_of(nodes[0], frequencies[nodes[0].key]).shape == 18.0


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Frequency(1.0, shape=0.0), "shape"),
        (lambda: Frequency(1.0, shape=nan), "shape"),
        (lambda: Shock((1,), 1.0, 0.5, once=True, shape=1.0), "at most once"),
        (
            lambda: Shock((1,), nan, 1.0),
            r"shock \(1,\) has the loss nan\. A loss must be 0 or more",
        ),
        (lambda: Shock((1,), -3.0, 1.0), "loss -3.0"),
        (lambda: Shock((1,), inf, 1.0), "loss inf"),
        (lambda: Shock((1,), 1e16, 1.0), "The maximum is"),
        (lambda: Shock((1,), 1.0, nan), r"rate nan\. A rate must be 0 or more"),
        (lambda: Shock((1,), 1.0, -0.1), "rate -0.1"),
        (lambda: Shock((1,), 1.0, 1e9), r"The maximum is 1e[+]06 events per year"),
        (
            lambda: Shock((1,), 1.0, 1.2, once=True),
            r"probability 1\.2\. A probability is at most 1",
        ),
        (lambda: Shock((1,), 1.0, 1.0, cv=nan), "variation nan"),
        (lambda: Shock((1,), 1.0, 1.0, cv=-1.0), "variation -1.0"),
        (lambda: Shock((1,), 1.0, 1.0, cv=1e5), "from 0 to 100"),
        (lambda: Shock((), 1.0, 1.0), r"key \(\)"),
        (lambda: Shock((-1,), 1.0, 1.0), r"key \(-1,\)"),
        (lambda: IndependentLoss((1,), -2, 1.0, 1.0), "-2 sources"),
        (lambda: IndependentLoss((1,), 2, 1.0, 3.0, once=True), "probability 3.0"),
        (lambda: Frequency(-1.0), "A frequency has the rate -1.0"),
        (
            lambda: NodeLoss((5, 1), EventKind.OUTAGE, [(-1.0, 2)]),
            r"node \(5, 1\) has the loss -1.0",
        ),
        (lambda: NodeLoss((5, 1), EventKind.OUTAGE, [(1.0, -2)]), "class of -2 applications"),
        (lambda: once_chance(nan), "rate nan"),
    ],
)
def test_numbers_that_cannot_be_are_refused_with_a_sentence(
    build: Callable[[], object], says: str
) -> None:
    with pytest.raises(InvalidLossInputError, match=says):
        build()
