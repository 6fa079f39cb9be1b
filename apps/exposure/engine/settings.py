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

    `points[criticality]` is in the order of `Criticality`; `factor` by state is the loss factor of
    an exposed application. `threats` has every kind with its usual threat, and with those of
    enabled policies: the stored summaries. It is read once, so that the summaries and the recorded
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
    return [(threat, sorted(table.items())) for threat, table in sorted(grades.items())]


def engine_settings() -> EngineSettings:
    """Return the settings as governance has set them, else the defaults."""
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
    rows = Policy.objects.filter(enabled=True).exclude(threat="").values_list("kinds", "threat")
    return {(kind, threat) for kinds, threat in rows for kind in node_kinds(kinds)}


def node_kinds(names: Iterable[str]) -> list[NodeKind]:
    return [kind for kind in NodeKind if kind.label in set(names)]
