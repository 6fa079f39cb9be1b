"""The loss of small portfolios without drawing: the whole distribution, by convolution.

If every frequency is a probability, the result is exact, in Fractions; with a rate among them it is
in floats. Severities are fixed at their mean. The simulator is checked against this, and
`evaluate_portfolio` returns it. The cost grows with the number of distinct possible sums, which is
small if losses share a unit and explodes if they do not: then LossTooLargeError is raised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.exposure.loss.exact_parts import Chance, ExactMeasures, ExactPart, Number, Occurrence
from apps.exposure.loss.float_distribution import measure_floating
from apps.exposure.loss.measures import LEVELS
from apps.exposure.loss.rational_distribution import measure_rational
from apps.exposure.loss.shocks import InvalidLossInputError

# the name under which attribution sums the causes that affect one application alone
OWN = "own"


@dataclass(frozen=True, slots=True)
class SharedEvent:
    """A shared cause. `losses` is the cost of one event for each affected application; names may
    occur twice."""

    name: str
    occurrence: Occurrence
    losses: Mapping[str, Fraction]

    def __post_init__(self) -> None:
        for application, loss in self.losses.items():
            if loss < 0:
                raise InvalidLossInputError(
                    f"{self.name} has the loss {loss} for application {application}. A loss "
                    "must be 0 or more."
                )


@dataclass(frozen=True, slots=True)
class OwnLoss:
    """A cause that affects one application alone."""

    application: str
    occurrence: Occurrence
    loss: Fraction

    def __post_init__(self) -> None:
        if self.loss < 0:
            raise InvalidLossInputError(
                f"The own loss of {self.application} is {self.loss}. A loss must be 0 or more."
            )


@dataclass(frozen=True, slots=True)
class ExactLoss:
    """Exact distributions. `node_loss` is the cost of one event of each name. Numbers are Fractions
    if `exact`, else floats."""

    exact: bool
    node_loss: dict[str, Number]
    shared: ExactMeasures
    independent: ExactMeasures

    def as_section(self) -> dict[str, object]:
        """Return the measures as JSON: whole numbers, "p/q" or floats; levels as var95, tvar95,
        attribution95."""
        return {
            "exact": self.exact,
            "node_loss": {name: _plain_number(loss) for name, loss in self.node_loss.items()},
            "shared": _measures_as_json(self.shared),
            "independent": _measures_as_json(self.independent),
        }


def exact_loss(
    events: Sequence[SharedEvent],
    own_losses: Sequence[OwnLoss] = (),
    *,
    levels: Sequence[Fraction] = LEVELS,
    in_floats: bool = False,
) -> ExactLoss:
    """Return the distribution of a year's loss: with shared causes, and as if the causes of every
    application were independent.

    Attribution is computed for the correlated case, and only if the result is exact. `in_floats`
    requests floats although every part has a Chance, for instance because a rate is assumed.
    """
    sorted_losses = sorted(own_losses, key=lambda own_loss: own_loss.application)
    occurrences = [
        *(event.occurrence for event in events),
        *(own_loss.occurrence for own_loss in own_losses),
    ]
    if in_floats or not all(isinstance(occurrence, Chance) for occurrence in occurrences):
        return _floating_loss(events, sorted_losses, levels)
    shared = [
        ExactPart(event.name, event.occurrence, sum(event.losses.values(), start=Fraction(0)))
        for event in events
    ]
    event_parts = [
        ExactPart(event.name, event.occurrence, loss)
        for event in events
        for loss in _losses_by_application_name(event)
        if loss
    ]
    own_parts = [ExactPart(OWN, own_loss.occurrence, own_loss.loss) for own_loss in sorted_losses]
    return ExactLoss(
        exact=True,
        node_loss={part.name: part.loss for part in shared},
        shared=measure_rational(shared + own_parts, levels, attribute=True),
        independent=measure_rational(event_parts + own_parts, levels, attribute=False),
    )


def _floating_loss(
    events: Sequence[SharedEvent], own_losses: Sequence[OwnLoss], levels: Sequence[Fraction]
) -> ExactLoss:
    """Return the loss in floating-point numbers: with shared events, and with the same events
    independent of each other."""
    # summed as floats in the order of the applications' names, like the values of the distribution
    shared = [
        (
            event.occurrence,
            sum((float(loss) for loss in _losses_by_application_name(event)), start=0.0),
        )
        for event in events
    ]
    event_parts = [
        (event.occurrence, float(loss))
        for event in events
        for loss in _losses_by_application_name(event)
        if loss
    ]
    own_parts = [(own_loss.occurrence, float(own_loss.loss)) for own_loss in own_losses]
    return ExactLoss(
        exact=False,
        node_loss={event.name: loss for event, (_, loss) in zip(events, shared, strict=True)},
        shared=measure_floating(shared + own_parts, levels),
        independent=measure_floating(event_parts + own_parts, levels),
    )


def _losses_by_application_name(event: SharedEvent) -> list[Fraction]:
    return [loss for _, loss in sorted(event.losses.items())]


def _measures_as_json(measures: ExactMeasures) -> dict[str, object]:
    """Return the measures for the report, with one key for each level of the tail, such as
    `var99.5`."""
    section: dict[str, object] = {
        "eal": _plain_number(measures.eal),
        "sd": measures.sd,
        "exceedance": [
            [_plain_number(loss), _plain_number(chance)] for loss, chance in measures.exceedance
        ],
    }
    for tail in measures.tails:
        name = f"{float(tail.level * 100):g}"
        section[f"var{name}"] = _plain_number(tail.var)
        section[f"tvar{name}"] = _plain_number(tail.tvar)
        if tail.attribution is not None:
            section[f"attribution{name}"] = {
                part: _plain_number(loss) for part, loss in sorted(tail.attribution.items())
            }
    return section


def _plain_number(number: Number) -> int | float | str:
    if isinstance(number, float):
        return number
    return (
        number.numerator if number.denominator == 1 else f"{number.numerator}/{number.denominator}"
    )
