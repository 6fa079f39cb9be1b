"""The loss of tiny portfolios straight from its definition: every combination of what may happen,
one by one."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

from apps.exposure.loss.exact import OWN, OwnLoss, SharedEvent
from apps.exposure.loss.exact_parts import Chance, Occurrence
from apps.exposure.loss.shocks import IndependentLoss, Shock

# (name, chance, loss)
type Coin = tuple[str, Fraction, Fraction]


class Enumerated:
    """The outcomes of independent coins: a list of (probability, loss of each coin, total), worst
    first."""

    def __init__(self, coins: Sequence[Coin]) -> None:
        self.coins = coins
        self.outcomes: list[tuple[Fraction, list[Fraction], Fraction]] = []
        for heads in product((False, True), repeat=len(coins)):
            probability = Fraction(1)
            losses = []
            for is_head, (_, chance, loss) in zip(heads, coins, strict=True):
                probability *= chance if is_head else 1 - chance
                losses.append(loss if is_head else Fraction(0))
            self.outcomes.append((probability, losses, sum(losses, start=Fraction(0))))

    def mean(self) -> Fraction:
        return sum((p * total for p, _, total in self.outcomes), start=Fraction(0))

    def exceedance(self, loss: Fraction) -> Fraction:
        return sum((p for p, _, total in self.outcomes if total > loss), start=Fraction(0))

    def var(self, level: Fraction) -> Fraction:
        reached = sorted({total for p, _, total in self.outcomes if p})
        return next(loss for loss in reached if 1 - self.exceedance(loss) >= level)

    def tail(self, level: Fraction) -> dict[str, Fraction]:
        """What each name carries of the mean of the worst 1 - level; outcomes at VaR count in
        part."""
        var = self.var(level)
        at = sum((p for p, _, total in self.outcomes if total == var), start=Fraction(0))
        share = (1 - level - self.exceedance(var)) / at
        carried: dict[str, Fraction] = {name: Fraction(0) for name, _, _ in self.coins}
        for p, losses, total in self.outcomes:
            weight = p * (1 if total > var else share if total == var else 0) / (1 - level)
            for (name, _, _), loss in zip(self.coins, losses, strict=True):
                carried[name] += weight * loss
        return carried


def shared_coins(events: Sequence[SharedEvent], own: Sequence[OwnLoss]) -> list[Coin]:
    coins = [
        (event.name, _q(event.occurrence), sum(event.losses.values(), start=Fraction(0)))
        for event in events
    ]
    return coins + [(OWN, _q(each.occurrence), each.loss) for each in own]


def own_coins(events: Sequence[SharedEvent], own: Sequence[OwnLoss]) -> list[Coin]:
    coins = [
        (event.name, _q(event.occurrence), loss)
        for event in events
        for loss in event.losses.values()
    ]
    return coins + [(OWN, _q(each.occurrence), each.loss) for each in own]


def _q(occurrence: Occurrence) -> Fraction:
    assert isinstance(occurrence, Chance)
    return occurrence.q


# --- the same portfolio for the simulator ---------------------------------------------------------


def as_shocks(events: Sequence[SharedEvent]) -> list[Shock]:
    return [
        Shock((5, place, 1), float(sum(event.losses.values())), *_frequency(event.occurrence))
        for place, event in enumerate(events)
    ]


def as_own(own: Sequence[OwnLoss]) -> list[IndependentLoss]:
    return [
        IndependentLoss((place,), 1, float(each.loss), *_frequency(each.occurrence))
        for place, each in enumerate(own)
    ]


def as_twin(events: Sequence[SharedEvent], own: Sequence[OwnLoss]) -> list[IndependentLoss]:
    classes = [
        IndependentLoss((5, place, 1, number), 1, float(loss), *_frequency(event.occurrence))
        for place, event in enumerate(events)
        for number, loss in enumerate(event.losses.values())
    ]
    return classes + as_own(own)


def _frequency(occurrence: Occurrence) -> tuple[float, bool, float, float | None]:
    if isinstance(occurrence, Chance):
        return float(occurrence.q), True, 0.0, None
    shape = None if occurrence.shape is None else float(occurrence.shape)
    return float(occurrence.per_year), False, 0.0, shape


# --- portfolios -----------------------------------------------------------------------------------


def two_hosts() -> tuple[list[SharedEvent], list[OwnLoss]]:
    """20 applications, 12 on one host and 8 on another; of each one's chance of 1 in 20 half is the
    host's."""
    half = Chance(Fraction(1, 40))
    names = [f"app{number:02}" for number in range(20)]
    loss = Fraction(100)
    return (
        [
            SharedEvent("A", half, dict.fromkeys(names[:12], loss)),
            SharedEvent("B", half, dict.fromkeys(names[12:], loss)),
        ],
        [OwnLoss(name, half, loss) for name in names],
    )
