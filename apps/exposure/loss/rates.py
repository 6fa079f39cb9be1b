"""Default yearly rates: counted ones with interval and source, and assumptions.

An organisation can replace them by its own. Rates are of a node's own causes: a cause that affects
the version or the developer must not be counted at the offering again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from apps.exposure.loss.shocks import EventKind, Frequency, once_chance

type NodeKindName = Literal[
    "offering", "version", "foundation", "developer", "host", "gateway", "region", "vendor"
]

_COUNTED = (
    "Counted from the providers' pages of August 2026, modeldeprecations.dev, deprecations.info, "
    "LiteLLM's price map "
    "and models.dev, as of 2026-11-24: OpenAI, Anthropic, Google, Mistral, xAI, Cohere, DeepSeek, "
    "Moonshot."
)
_LITELLM = (
    "Counted from the history of LiteLLM's price map (github.com/BerriAI/litellm) up to 2026-11-24."
)
_DOCUMENTED = (
    "DeepSeek's price list of 2026-08-16 and xAI's redirect of 2026-05-15, the rises of two years "
    "that the provider's "
    "own pages confirm."
)
_ASSUMED = (
    "An assumption of this project, not measured. Replace it with the figures of your status "
    "pages and contracts."
)
_TWO_YEARS = "2024-11-24 to 2026-11-24"

# Spread of severity between events of a kind (standard deviation over mean): how much longer than
# usual an outage can be. All are assumptions. A retirement costs what the migration costs.
SEVERITY_CV: Mapping[EventKind, float] = {
    EventKind.OUTAGE: 1.5,
    EventKind.RETIREMENT: 0.0,
    EventKind.DEVELOPER_FAILURE: 0.0,
    EventKind.REGRESSION: 1.0,
    EventKind.REPRICING: 1.0,
    EventKind.SHUTDOWN_DAY: 1.0,
    EventKind.SHORT_NOTICE: 1.0,
}


@dataclass(frozen=True, slots=True)
class YearlyRate:
    """Events per year and node of a kind.

    If `assumed` is False, `low` to `high` is a 90% interval that allows for events in batches;
    otherwise they are the ends of the range that would not be surprising, without a probability.
    """

    event: EventKind
    node_kind: NodeKindName
    value: float
    low: float
    high: float
    counts: str
    window: str
    source: str
    assumed: bool = False
    caution: str = ""

    @property
    def unit(self) -> str:
        return f"events a year per {self.node_kind}"

    def frequency(self) -> Frequency:
        """Return the rate for the simulation: kinds that happen once get the chance 1 -
        exp(-rate)."""
        value, _, _ = self.as_simulated()
        return Frequency(value, self.event.once, SEVERITY_CV[self.event])

    def as_simulated(self) -> tuple[float, float, float]:
        """Return (value, low, high) as rates, or as chances if the kind happens once."""
        if self.event.once:
            return once_chance(self.value), once_chance(self.low), once_chance(self.high)
        return self.value, self.low, self.high


def _assumed_rate(
    event: EventKind, node_kind: NodeKindName, value: float, counts: str
) -> YearlyRate:
    """Return an assumed rate, with a range of a factor of 10 either way."""
    return YearlyRate(
        event, node_kind, value, value / 10, value * 10, counts, "none", _ASSUMED, assumed=True
    )


# One level per kind of event, so that nothing is counted twice.
DEFAULT_RATES: tuple[YearlyRate, ...] = (
    YearlyRate(
        EventKind.RETIREMENT,
        "offering",
        0.74,
        0.50,
        1.02,
        counts="shutdowns of the developers' own offerings, per offering-year on the market",
        window="2026-01-01 to 2026-11-24",
        source=_COUNTED,
        caution=(
            "The pace has approximately doubled every year (0.17, 0.35, 0.74). Offerings of "
            "one developer retire in batches: if taken as independent, the variance is about "
            "five times too small."
        ),
    ),
    YearlyRate(
        EventKind.REPRICING,
        "offering",
        0.037,
        0.025,
        0.053,
        counts=(
            "price increases of more than 10% of a developer's own offering, per "
            "model-year, as published"
        ),
        window=_TWO_YEARS,
        source=_LITELLM,
        caution="An upper bound: 8 of the 22 increases look like corrections of the list.",
    ),
    _assumed_rate(
        EventKind.DEVELOPER_FAILURE,
        "developer",
        0.01,
        "the developer stops serving, or its models can no longer be used",
    ),
    _assumed_rate(
        EventKind.OUTAGE, "host", 1.0, "outages of a host that last long enough to cause costs"
    ),
    _assumed_rate(
        EventKind.OUTAGE,
        "region",
        0.5,
        "outages of one region of a host that last long enough to cause costs",
    ),
    _assumed_rate(
        EventKind.OUTAGE,
        "gateway",
        1.0,
        "outages of a gateway that last long enough to cause costs",
    ),
    _assumed_rate(
        EventKind.OUTAGE,
        "vendor",
        1.0,
        "outages of a vendor's product that last long enough to cause costs",
    ),
    _assumed_rate(
        EventKind.REGRESSION,
        "version",
        0.2,
        "a defect of the model that affects all its users",
    ),
)

# Alternative figures, to replace or compare with those above; never in addition to ones that count
# the same events.
FURTHER_RATES: tuple[YearlyRate, ...] = (
    YearlyRate(
        EventKind.RETIREMENT,
        "offering",
        0.55,
        0.40,
        0.71,
        counts="188 shutdowns in 343 offering-years, in 68 batches",
        window=_TWO_YEARS,
        source=_COUNTED,
        caution="The low case: the second year was twice as fast as the first.",
    ),
    YearlyRate(
        EventKind.RETIREMENT,
        "offering",
        0.47,
        0.32,
        0.66,
        counts="shutdowns of generally available offerings, per offering-year",
        window=_TWO_YEARS,
        source=_COUNTED,
    ),
    YearlyRate(
        EventKind.RETIREMENT,
        "offering",
        0.80,
        0.56,
        1.09,
        counts="shutdowns of previews, per offering-year",
        window=_TWO_YEARS,
        source=_COUNTED,
    ),
    YearlyRate(
        EventKind.SHUTDOWN_DAY,
        "developer",
        4.8,
        4.0,
        5.8,
        counts=(
            "77 days in 16 developer-years on which a developer shut down at least one offering"
        ),
        window=_TWO_YEARS,
        source=_COUNTED,
        caution=(
            "The same shutdowns as retirement per offering, in the batches in which they "
            "occur: use one or the other. Such a day retires a part of the developer's "
            "offerings (see DEVELOPER_RECORDS), so its loss is that part of losing all."
        ),
    ),
    YearlyRate(
        EventKind.SHORT_NOTICE,
        "offering",
        0.039,
        0.007,
        0.12,
        counts="8 shutdowns with less than 30 days' notice, in 2 batches",
        window=_TWO_YEARS,
        source=(
            "Counted from the announcements of OpenAI, Anthropic and Mistral, the three "
            "with recorded dates."
        ),
        caution=(
            "All 8 are from Mistral and are included in the retirements. Subtract them "
            "there before you add them here."
        ),
    ),
    YearlyRate(
        EventKind.SHORT_NOTICE,
        "developer",
        0.33,
        0.06,
        1.05,
        counts="2 batches with less than 30 days' notice in 6 developer-years",
        window=_TWO_YEARS,
        source=(
            "Counted from the announcements of OpenAI, Anthropic and Mistral, the three "
            "with recorded dates."
        ),
        caution="Both are from Mistral.",
    ),
    YearlyRate(
        EventKind.REPRICING,
        "developer",
        0.54,
        0.27,
        0.97,
        counts=(
            "8 days in 14.9 developer-years on which a price rose by more than 10%, as published"
        ),
        window=_TWO_YEARS,
        source=_LITELLM,
        caution=(
            "An upper bound, and the same increases as per offering: a day seldom "
            "changes all prices of a developer."
        ),
    ),
    YearlyRate(
        EventKind.REPRICING,
        "developer",
        0.13,
        0.02,
        0.42,
        counts="2 days in 14.9 developer-years, confirmed by the provider's own pages",
        window=_TWO_YEARS,
        source=_DOCUMENTED,
        caution="The low case: undocumented increases are not included.",
    ),
)


@dataclass(frozen=True, slots=True)
class DeveloperRecord:
    """Retirements per offering-year, shutdown days per year, and the share of its offerings that
    such a day affects.

    `prior` marks the developers with one to four recorded shutdown days: a starting point, not a
    rate.
    """

    retirements: float
    shutdown_days: float
    share_taken: float
    prior: bool = False


# window and source as for SHUTDOWN_DAY
DEVELOPER_RECORDS: Mapping[str, DeveloperRecord] = {
    "openai": DeveloperRecord(0.39, 8, 0.05),
    "google": DeveloperRecord(0.78, 14, 0.06),
    "mistral": DeveloperRecord(0.78, 6.5, 0.12),
    "anthropic": DeveloperRecord(0.63, 4, 0.16),
    "xai": DeveloperRecord(0.45, 2, 0.23, prior=True),
    "moonshot": DeveloperRecord(1.21, 2, 0.60, prior=True),
    "cohere": DeveloperRecord(0.12, 1.5, 0.08, prior=True),
    "deepseek": DeveloperRecord(0.60, 0.5, 1.0, prior=True),
}


def default_rate(event: EventKind, node_kind: str) -> YearlyRate | None:
    """Return the default rate; None if nothing is simulated unless the organisation enters a
    rate."""
    return next(
        (rate for rate in DEFAULT_RATES if (rate.event, rate.node_kind) == (event, node_kind)), None
    )


# --- placeholders ---------------------------------------------------------------------------------

PLACEHOLDER_NOTE = (
    "Placeholder, in units without a currency: 1 is an outage of an application of low "
    "criticality. Only relative results are meaningful until you enter the cost of such an "
    "event."
)
_CRITICALITY_WEIGHTS: Mapping[str, float] = {
    "critical": 8.0,
    "important": 4.0,
    "standard": 2.0,
    "low": 1.0,
}
_EVENT_WEIGHTS: Mapping[EventKind, float] = {
    EventKind.OUTAGE: 1.0,
    EventKind.RETIREMENT: 5.0,
    EventKind.DEVELOPER_FAILURE: 10.0,
    EventKind.REGRESSION: 2.0,
    EventKind.REPRICING: 1.0,
    EventKind.SHUTDOWN_DAY: 5.0,
    EventKind.SHORT_NOTICE: 10.0,
}

# (event kind, criticality) -> loss of one exposed application from one event; see PLACEHOLDER_NOTE
BASE_LOSSES: Mapping[tuple[EventKind, str], float] = {
    (event, criticality): event_weight * weight
    for event, event_weight in _EVENT_WEIGHTS.items()
    for criticality, weight in _CRITICALITY_WEIGHTS.items()
}
# criticality -> (chance a year, loss) of incidents of an application alone; see PLACEHOLDER_NOTE
OWN_LOSSES: Mapping[str, tuple[float, float]] = {
    criticality: (0.1, weight) for criticality, weight in _CRITICALITY_WEIGHTS.items()
}
