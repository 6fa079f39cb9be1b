"""A worked portfolio as plain values; ids are the file's own strings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.exposure.flag_life import FlagDecision, Tolerance
from tools.worked_portfolios.nodes import NodeName


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    id: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class FoundationRecord:
    id: str
    developer: str


@dataclass(frozen=True, slots=True)
class VersionRecord:
    id: str
    foundation: str


@dataclass(frozen=True, slots=True)
class DerivationRecord:
    child: str
    parent: str
    kind: str


@dataclass(frozen=True, slots=True)
class OfferingRecord:
    """`replacement` may name an offering that the file does not hold; then calls are redirected to
    nowhere.
    """

    id: str
    host: str
    version: str | None
    gateway: str | None
    regions: tuple[str, ...]
    lifecycle: str
    retires_on: date | None
    date_kind: str
    end_behaviour: str
    replacement: str | None


@dataclass(frozen=True, slots=True)
class ApplicationRecord:
    id: str
    team: str
    criticality: str
    status: str
    users: int | None
    monthly_spend: Decimal | None


@dataclass(frozen=True, slots=True)
class DependencyRecord:
    """Tokens and spend are a month's; `until` is exclusive."""

    id: str
    application: str
    offering: str
    role: str
    order: int
    share: Fraction | None
    via: str
    via_party: str | None
    since: date | None
    until: date | None
    input_tokens: int | None
    output_tokens: int | None
    spend: Decimal | None


@dataclass(frozen=True, slots=True)
class ExitTestRecord:
    id: str
    dependency: str
    target: str
    tested_on: date
    result: str
    expires_on: date | None
    effort_days: Decimal | None
    tested_version: str | None


@dataclass(frozen=True, slots=True)
class ExitPlanRecord:
    id: str
    dependency: str
    target: str | None
    estimated_days: Decimal | None


@dataclass(frozen=True, slots=True)
class PriceRecord:
    """`amount` per million of `unit`; `until` is exclusive."""

    offering: str
    unit: str
    amount: Decimal
    currency: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    id: str
    kinds: tuple[str, ...]
    states: tuple[str, ...]
    measure: str
    basis: str
    tolerance: Decimal
    threat: str | None


@dataclass(frozen=True, slots=True)
class LifecycleRecord:
    """Days on which one flag was evaluated or decided about; see flag_life.advance_flag."""

    id: str
    line: Tolerance
    steps: tuple[tuple[date, Fraction | None, FlagDecision], ...]


@dataclass(frozen=True, slots=True)
class Remove:
    nodes: tuple[NodeName, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Move:
    dependency: str
    offering: str


@dataclass(frozen=True, slots=True)
class Reprice:
    """The prices of what stands directly on `node`: times `factor`, or `amount` of `currency` per
    million.
    """

    node: NodeName
    unit: str | None
    factor: Fraction | None
    amount: Fraction | None
    currency: str | None
    since: date | None


@dataclass(frozen=True, slots=True)
class Add:
    application: ApplicationRecord
    dependencies: tuple[DependencyRecord, ...]
    exit_tests: tuple[ExitTestRecord, ...]


@dataclass(frozen=True, slots=True)
class Retire:
    application: str


type Operation = Remove | Replace | Move | Reprice | Add | Retire


@dataclass(frozen=True, slots=True)
class ScenarioRecord:
    """Ordered operations; `on` is the day whose prices hold, None the portfolio's own."""

    id: str
    ops: tuple[Operation, ...]
    layers: tuple[str, ...]
    basis: str
    on: date | None


@dataclass(frozen=True, slots=True)
class FrequencyRecord:
    """The probability `q` of one event in the year, or the mean number `rate` of events."""

    q: Fraction | None
    rate: Fraction | None


@dataclass(frozen=True, slots=True)
class LossEventRecord:
    """One event costs an exposed application `base` of its criticality."""

    node: NodeName
    kind: str
    threat: str | None
    frequency: FrequencyRecord
    base: Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class LossRecord:
    events: tuple[LossEventRecord, ...]
    own: Mapping[str, tuple[FrequencyRecord, Fraction]]


@dataclass(frozen=True, slots=True)
class PortfolioRecord:
    """`settings` holds what the file says of them, in the words of ExposureSettings.

    Where it asks for no scenario, lifecycle or loss, these are empty or None.
    """

    name: str
    as_of: date
    settings: Mapping[str, Any]
    providers: tuple[ProviderRecord, ...]
    foundations: tuple[FoundationRecord, ...]
    versions: tuple[VersionRecord, ...]
    derivations: tuple[DerivationRecord, ...]
    offerings: tuple[OfferingRecord, ...]
    applications: tuple[ApplicationRecord, ...]
    dependencies: tuple[DependencyRecord, ...]
    exit_tests: tuple[ExitTestRecord, ...]
    exit_plans: tuple[ExitPlanRecord, ...]
    prices: tuple[PriceRecord, ...]
    cost_days: tuple[date, ...] = ()
    policies: tuple[PolicyRecord, ...] = ()
    lifecycles: tuple[LifecycleRecord, ...] = ()
    scenarios: tuple[ScenarioRecord, ...] = ()
    loss: LossRecord | None = None
