"""The input of the loss model: shared causes, and independent sources of loss.

Loss of a year = sum over nodes and event kinds of B * (X_1 + ... + X_N) + the own part. B is the
loss of all applications from one event of mean severity; N the number of events; X the severity of
an event (Gamma, mean 1), which all affected applications share. B sums over applications, so these
do not appear in the simulation.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

# stable IDs, for instance (node kind, node ID, event kind), which name a stream of random numbers
type Key = tuple[int, ...]

MAX_LOSS = 1e15
MAX_RATE = 1e6
MAX_CV = 100.0
MIN_SHAPE = 0.01
MAX_SHAPE = 1e9
_MAX_KEY_PART = 2**64


class InvalidLossInputError(ValueError):
    """A number that the loss model cannot accept; the message gives the number and the reason."""


class EventKind(IntEnum):
    """The kinds of events at a node. The numbers name streams of random numbers: never change or
    reuse one."""

    OUTAGE = 1
    RETIREMENT = 2
    DEVELOPER_FAILURE = 3
    REGRESSION = 4
    REPRICING = 5
    SHUTDOWN_DAY = 6
    SHORT_NOTICE = 7

    @property
    def once(self) -> bool:
        """Return whether it happens to a node at most once a year; other kinds can recur."""
        return self in (EventKind.RETIREMENT, EventKind.DEVELOPER_FAILURE)

    @property
    def slug(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Frequency:
    """Frequency and variation of events: `rate` is events a year or, if `once`, the probability of
    the one event in the year.

    `cv` is the coefficient of variation of an event's severity; 0 makes all events equal. `shape`
    is that of the Gamma factor of mean 1 by which the rate of a year varies; None: it does not, and
    the number of events is Poisson.
    """

    rate: float
    once: bool = False
    cv: float = 0.0
    shape: float | None = None

    def __post_init__(self) -> None:
        check_frequency("A frequency", self.rate, once=self.once, cv=self.cv, shape=self.shape)


@dataclass(frozen=True, slots=True)
class Shock:
    """One cause that affects all dependent applications together. `loss` is that of one event of
    mean severity."""

    key: Key
    loss: float
    rate: float
    once: bool = False
    cv: float = 0.0
    shape: float | None = None

    def __post_init__(self) -> None:
        _check_part("The shock", self)

    @property
    def n(self) -> int:
        return 1

    @property
    def scheduled(self) -> bool:
        """Return whether the event is certain, such as an announced retirement within the year."""
        return self.once and self.rate == 1


@dataclass(frozen=True, slots=True)
class IndependentLoss:
    """`n` independent sources of the same loss and frequency: the own part, or a class of the
    independent twin.

    Frequency and severity are those of each source, as is the factor of its rate.
    """

    key: Key
    n: int
    loss: float
    rate: float
    once: bool = False
    cv: float = 0.0
    shape: float | None = None

    def __post_init__(self) -> None:
        _check_part("The own losses", self)
        if not 0 <= self.n <= 10**9:
            raise InvalidLossInputError(
                f"The own losses {self.key} have {self.n} sources. Enter a number from 0 to "
                "1,000,000,000."
            )

    @property
    def scheduled(self) -> bool:
        return self.once and self.rate == 1


type Part = Shock | IndependentLoss


@dataclass(frozen=True, slots=True)
class NodeLoss:
    """The cost of one event of mean severity at a node: `classes` are (loss of one application,
    number of applications).

    `node` is (node kind, ID). The shared shock uses the sum of the classes, the independent twin
    each one.
    """

    node: tuple[int, int]
    event: EventKind
    classes: Sequence[tuple[float, int]]

    def __post_init__(self) -> None:
        for loss, n in self.classes:
            check_loss(f"The node {self.node}", loss)
            if n < 0:
                raise InvalidLossInputError(
                    f"The node {self.node} has a class of {n} applications. The number must "
                    "be 0 or more."
                )

    @property
    def key(self) -> Key:
        return (*self.node, self.event.value)

    @property
    def loss(self) -> float:
        """B, the loss of one event, summed exactly so that the order of the classes does not
        matter."""
        return math.fsum(loss * n for loss, n in self.classes)


def shock_of(node_loss: NodeLoss, frequency: Frequency) -> Shock:
    return Shock(
        node_loss.key,
        node_loss.loss,
        frequency.rate,
        frequency.once,
        frequency.cv,
        frequency.shape,
    )


def twin_classes(
    node_losses: Iterable[NodeLoss], frequencies: Mapping[Key, Frequency]
) -> list[IndependentLoss]:
    """Return the same losses as if every application had every shock to itself: same means, nothing
    shared.

    `frequencies` is by the key of the NodeLoss. Classes of equal loss and frequency are merged over
    all nodes.
    """
    classes: list[IndependentLoss] = []
    for node_loss in node_losses:
        frequency = frequencies[node_loss.key]
        amounts: dict[float, int] = {}
        for loss, n in node_loss.classes:
            amounts[loss] = amounts.get(loss, 0) + n
        classes += [
            IndependentLoss(
                (*node_loss.key, index),
                n,
                loss,
                frequency.rate,
                frequency.once,
                frequency.cv,
                frequency.shape,
            )
            for index, (loss, n) in enumerate(sorted(amounts.items()))
            if loss and n
        ]
    return merge_classes(classes)


def merge_classes(classes: Iterable[IndependentLoss]) -> list[IndependentLoss]:
    """Merge classes of equal loss and frequency under the smallest of their keys; sorted by key."""
    merged_by_kind: dict[tuple[float, float, bool, float, float | None], tuple[Key, int]] = {}
    for loss_class in classes:
        kind = (
            loss_class.loss,
            loss_class.rate,
            loss_class.once,
            loss_class.cv,
            loss_class.shape,
        )
        key, n = merged_by_kind.get(kind, (loss_class.key, 0))
        merged_by_kind[kind] = (min(key, loss_class.key), n + loss_class.n)
    return sorted(
        (IndependentLoss(key, n, *kind) for kind, (key, n) in merged_by_kind.items()),
        key=lambda loss_class: loss_class.key,
    )


def once_chance(rate: float) -> float:
    """Return the probability that a cause with this yearly rate occurs within the year: 1 -
    exp(-rate)."""
    check_frequency("A rate", rate, once=False, cv=0.0, shape=None)
    return -math.expm1(-rate)


def cumulants(parts: Iterable[Part]) -> tuple[float, float, float]:
    """Return the exact mean, variance and third central moment of the yearly sum of independent
    parts.

    Compound Poisson: n * rate * loss^j * E[X^j]. Compound Bernoulli: the cumulants of q and the raw
    moments of X. A Gamma factor of the rate adds the cumulants of the rate, rate^2 / shape and
    2 * rate^3 / shape^2, with the moments of X that they multiply.
    """
    first, second, third = [], [], []
    for part in parts:
        n, loss, rate = part.n, part.loss, part.rate
        m2 = 1 + part.cv**2
        m3 = m2 * (1 + 2 * part.cv**2)
        first.append(n * loss * rate)
        if part.once:
            second.append(n * loss**2 * rate * (m2 - rate))
            third.append(n * loss**3 * rate * (m3 - 3 * rate * m2 + 2 * rate**2))
        else:
            rate_variance = rate**2 / part.shape if part.shape else 0.0
            rate_third = 2 * rate**3 / part.shape**2 if part.shape else 0.0
            second.append(n * loss**2 * (rate * m2 + rate_variance))
            third.append(n * loss**3 * (rate * m3 + 3 * rate_variance * m2 + rate_third))
    return math.fsum(first), math.fsum(second), math.fsum(third)


def check_loss(name: str, loss: float) -> None:
    if not math.isfinite(loss) or loss < 0:
        raise InvalidLossInputError(f"{name} has the loss {loss}. A loss must be 0 or more.")
    if loss > MAX_LOSS:
        raise InvalidLossInputError(f"{name} has the loss {loss}. The maximum is {MAX_LOSS:.0e}.")


def check_frequency(name: str, rate: float, *, once: bool, cv: float, shape: float | None) -> None:
    """Raise InvalidLossInputError for a rate or variation out of range. `once`: the event happens
    at most once a year, so the rate is a probability."""
    if not math.isfinite(rate) or rate < 0:
        raise InvalidLossInputError(f"{name} has the rate {rate}. A rate must be 0 or more.")
    if once and rate > 1:
        raise InvalidLossInputError(
            f"{name} happens at most once and has the probability {rate}. A probability is at "
            "most 1. Convert a yearly rate with 1 - exp(-rate)."
        )
    if rate > MAX_RATE:
        raise InvalidLossInputError(
            f"{name} has the rate {rate}. The maximum is {MAX_RATE:.0e} events per year."
        )
    if not math.isfinite(cv) or not 0 <= cv <= MAX_CV:
        raise InvalidLossInputError(
            f"{name} has the variation {cv}. A coefficient of variation is from 0 to {MAX_CV:.0f}."
        )
    if shape is not None and (once or not MIN_SHAPE <= shape <= MAX_SHAPE):
        raise InvalidLossInputError(
            f"{name} has the shape {shape} of a varying rate. Enter a number from {MIN_SHAPE:g} to "
            f"{MAX_SHAPE:.0e}, and none for an event that happens at most once."
        )


def _check_part(name: str, part: Part) -> None:
    if not part.key or any(not 0 <= number < _MAX_KEY_PART for number in part.key):
        raise InvalidLossInputError(
            f"{name} has the key {part.key}. A key is one or more whole numbers from 0 to 2^64 - 1."
        )
    check_loss(f"{name} {part.key}", part.loss)
    check_frequency(f"{name} {part.key}", part.rate, once=part.once, cv=part.cv, shape=part.shape)
