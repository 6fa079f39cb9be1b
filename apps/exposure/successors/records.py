"""Successors as plain values: what one candidate keeps, breaks, costs and changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from apps.catalog.capabilities.fit import Fit, FitVerdict, ItemVerdict
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import DateKind, Offering
from apps.exposure.successors.candidates import CandidateReason
from apps.exposure.successors.independence import SAME_DEVELOPER, SAME_LINEAGE, Use
from apps.inventory.costs import Money, UnknownDependencyCost
from apps.inventory.governance.violations import ApprovalObstacle
from apps.inventory.models import Dependency

type MonthlyCost = Money | UnknownDependencyCost


class ObstacleKind(StrEnum):
    """Why a candidate is no successor, in the order in which reasons are named."""

    RETIRED = "retired"
    RETIRES_FIRST = "retires_first"
    BLOCKED = "blocked"
    APPROVAL = "approval"
    REGION = "region"
    DATA_TERMS = "data_terms"
    CAPABILITY = "capability"


class ApprovalState(StrEnum):
    """Approvals of a candidate for the application. `OPEN`: restricted, and data are missing to
    tell whether the application is outside."""

    APPROVED = "approved"
    UNDECIDED = "undecided"
    OPEN = "open"
    OUTSIDE = "outside"
    BLOCKED = "blocked"


class FallbackState(StrEnum):
    """What the candidate leaves of the fallback. `RETIRES`: with or before the model that is
    left; `BREAKS`: lacks what the dependency uses; `SAME`: the candidate itself."""

    FITS = "fits"
    UNKNOWN = "unknown"
    BREAKS = "breaks"
    RETIRES = "retires"
    SAME = "same"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FallbackEffect:
    """The best fallback that stays, or the first one that does not. `proposed` is another candidate
    that could become the fallback where none stays."""

    state: FallbackState
    offering: Offering | None = None
    independence: int | None = None
    fit: Fit | None = None
    proposed: Offering | None = None
    proposed_independence: int | None = None

    @property
    def stays(self) -> bool:
        return self.state in (FallbackState.FITS, FallbackState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class JudgeEffect:
    """A judge or guardrail beside the candidate, or what the candidate would judge."""

    dependency: Dependency
    independence: int

    @property
    def shares_lineage(self) -> bool:
        return self.independence <= SAME_LINEAGE

    @property
    def shares_developer(self) -> bool:
        return self.independence == SAME_DEVELOPER


@dataclass(frozen=True, slots=True)
class TestResult:
    """The latest exit test of one application towards the candidate's model. `application` is its
    name, empty if the reader cannot view it; `missing` are used fields that the tested use did
    not have."""

    application: str
    slug: str
    result: str
    tested_on: date
    ends_on: date
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExposureChange:
    """The value of a policy before and after the move, for one node or (None) by its condition.
    `n_after` of `n_all` applications are counted where the value is a share."""

    policy_id: int
    policy: str
    node: str
    node_kind: str
    is_share: bool
    before: Fraction
    after: Fraction
    tolerance: Fraction
    n_before: int
    n_after: int
    n_all: int

    @property
    def is_breach(self) -> bool:
        return self.after > self.tolerance

    @property
    def opens_flag(self) -> bool:
        """Return whether the move opens a flag, or makes an open one worse."""
        return self.is_breach and self.after > self.before

    @property
    def closes_flag(self) -> bool:
        return self.before > self.tolerance >= self.after


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`fields` are the lost capabilities of a `CAPABILITY` obstacle; `approval` decides about the
    use, except that `APPROVAL` without one says that the candidate has none."""

    kind: ObstacleKind
    fields: tuple[str, ...] = ()
    approval: ApprovalObstacle | None = None


@dataclass(frozen=True, slots=True)
class Successor:
    """One candidate for one dependency. `runway_days` are the days until it retires, None without a
    date; `difference` is None unless both costs are known in one currency. `tests` are the latest
    of `n_tests`."""

    dependency: Dependency
    offering: Offering
    reasons: tuple[CandidateReason, ...]
    fit: Fit
    region: ItemVerdict
    areas: frozenset[str]
    data_terms: Mapping[str, SettledValue]
    cost: MonthlyCost
    difference: Fraction | None
    runway_days: int | None
    approval: ApprovalState
    independence: int | None
    obstacles: tuple[Obstacle, ...] = ()
    fallback: FallbackEffect | None = None
    judges: tuple[JudgeEffect, ...] = ()
    tests: tuple[TestResult, ...] = ()
    n_tests: int = 0
    exposure: tuple[ExposureChange, ...] = ()

    @property
    def use(self) -> Use:
        return Use(self.offering.pk, self.dependency.via_party_id)

    @property
    def is_broken(self) -> bool:
        return bool(self.obstacles)

    @property
    def keeps_everything(self) -> bool:
        return (
            not self.obstacles
            and self.fit.verdict == FitVerdict.FITS
            and self.region in (ItemVerdict.KEPT, ItemVerdict.NOT_USED)
        )

    @property
    def opens_flag(self) -> bool:
        return any(change.opens_flag for change in self.exposure)

    @property
    def shown_exposure(self) -> tuple[ExposureChange, ...]:
        """Return the share of the candidate's developer, then what opens or closes a flag."""
        version = self.offering.version
        developer = version.foundation.developer.name if version else ""
        of_developer = [
            change
            for change in self.exposure
            if change.node_kind == "developer" and change.node == developer and change.is_share
        ][:1]
        flags = [change for change in self.exposure if change.opens_flag or change.closes_flag]
        return tuple(dict.fromkeys((*of_developer, *flags)))

    @property
    def is_earliest(self) -> bool:
        return self.offering.date_kind == DateKind.NOT_BEFORE

    @property
    def n_unknown(self) -> int:
        return len(self.fit.with_verdict(ItemVerdict.UNKNOWN)) + (
            self.region == ItemVerdict.UNKNOWN
        )


@dataclass(frozen=True, slots=True)
class SuccessorSearch:
    """The candidates of one dependency: `successors` best first, `broken` those that lose
    something. `needs` is {field: needed}, empty if nothing is known of the use. `companions`
    are all live dependencies of the application."""

    dependency: Dependency
    needs: Mapping[str, Any]
    required_areas: frozenset[str]
    cost: MonthlyCost
    companions: tuple[Dependency, ...] = ()
    successors: tuple[Successor, ...] = ()
    broken: tuple[Successor, ...] = field(default=())

    @property
    def n_keeping(self) -> int:
        return sum(row.keeps_everything for row in self.successors)

    @property
    def n_without_flag(self) -> int:
        return sum(row.keeps_everything and not row.opens_flag for row in self.successors)

    @property
    def all(self) -> tuple[Successor, ...]:
        return self.successors + self.broken

    def find(self, offering_id: int | None) -> Successor | None:
        return next((row for row in self.all if row.offering.pk == offering_id), None)
