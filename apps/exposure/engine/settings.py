"""The settings row as plain values."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from apps.catalog.models import NodeKind
from apps.exposure.models import ExposureSettings, Policy
from apps.exposure.threats import (
    DEFAULT_CRITICALITY_POINTS,
    DEFAULT_STATE_FACTOR,
    DEFAULT_THREAT,
    exact_fraction,
)
from apps.inventory.models import Criticality


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The settings of the engine.

    `statuses` are the application statuses in scope. `points` holds the criticality points in the
    order of `Criticality`. `required_grade` is {failure mode (threat): {node kind: lowest
    independence of an alternative that survives it}}. An exit test is valid for
    `test_validity_days`; the planning horizon is `horizon_days` ahead. Minimal cut sets consist of
    nodes of `cut_kinds` and stop at least the share `cut_threshold` of the critical weight.
    `factor` is {exposure state: share of the loss that occurs in it}. `threats` are the pairs
    (node kind, failure mode) with stored summaries: every kind with its usual failure
    mode, and those of enabled policies. They are read once, so that the summaries and the recorded
    settings match.
    """

    statuses: tuple[str, ...]
    points: tuple[int, ...]
    required_grade: Mapping[str, Mapping[str, int]]
    test_validity_days: int
    horizon_days: int
    cut_kinds: tuple[NodeKind, ...]
    cut_threshold: Fraction
    factor: Mapping[str, Fraction] = field(default_factory=dict)
    threats: frozenset[tuple[NodeKind, str]] = frozenset(DEFAULT_THREAT.items())

    def digest(self) -> str:
        """Return a digest that changes when derived rows must be rebuilt."""
        inputs = [
            self.statuses,
            self.points,
            sort_grades(self.required_grade),
            self.test_validity_days,
            self.horizon_days,
            sorted((kind.value, threat) for kind, threat in self.threats),
        ]
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def sort_grades(grades: Mapping[str, Mapping[str, int]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return the table as sorted lists, so that equal settings have equal digests."""
    return [(threat, sorted(table.items())) for threat, table in sorted(grades.items())]


def engine_settings() -> EngineSettings:
    """Return the stored settings, or the defaults if none are stored.

    Stored points and factors override the default of the same criticality or state alone; those
    not stored keep their default.
    """
    row = ExposureSettings.objects.filter(pk=ExposureSettings.ONLY).first() or ExposureSettings()
    points = {**DEFAULT_CRITICALITY_POINTS, **row.criticality_points}
    factor = {**DEFAULT_STATE_FACTOR, **row.state_factor}
    return EngineSettings(
        statuses=tuple(sorted(row.statuses)),
        points=tuple(int(points[criticality.name.lower()]) for criticality in Criticality),
        required_grade=row.required_grade,
        test_validity_days=row.test_validity_days,
        horizon_days=row.horizon_days,
        cut_kinds=tuple(node_kinds(row.cut_kinds)),
        cut_threshold=exact_fraction(row.cut_threshold),
        factor={state: exact_fraction(value) for state, value in factor.items()},
        threats=frozenset(DEFAULT_THREAT.items()) | _threats_of_policies(),
    )


def _threats_of_policies() -> set[tuple[NodeKind, str]]:
    """Return the pairs (node kind, failure mode) that enabled policies measure."""
    policies = Policy.objects.filter(enabled=True).exclude(threat="").values_list("kinds", "threat")
    return {(kind, threat) for kinds, threat in policies for kind in node_kinds(kinds)}


def node_kinds(names: Iterable[str]) -> list[NodeKind]:
    """Return the node kinds with these labels, in the order of the enumeration."""
    return [kind for kind in NodeKind if kind.label in set(names)]
