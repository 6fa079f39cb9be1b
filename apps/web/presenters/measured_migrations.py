"""Measured effort and quality of past migrations, beside the estimates of the next."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from apps.exposure.campaigns.measured_migrations import (
    MeasuredKind,
    kinds_to_show,
    measured_migrations,
)
from apps.web.wording import number


@dataclass(frozen=True, slots=True)
class MeasuredLine:
    name: str
    text: str
    is_measured: bool


@dataclass(frozen=True, slots=True)
class MeasuredEffort:
    """Lines by kind, and whose migrations they count."""

    lines: list[MeasuredLine]
    scope: str

    @property
    def has_any(self) -> bool:
        return any(line.is_measured for line in self.lines)


def measured_effort(user: Any, adaptation_kinds: Collection[str] = ()) -> MeasuredEffort:
    """Return what past migrations took, by kind of move and by these kinds of adaptations; one
    statement."""
    measured = measured_migrations(user)
    return MeasuredEffort(
        [
            MeasuredLine(words, _describe(measured.get(kind)), kind in measured)
            for kind, words in kinds_to_show(adaptation_kinds)
        ],
        "all applications" if user.can_read_all else "your teams",
    )


def _describe(kind: MeasuredKind | None) -> str:
    """Return the medians with their numbers of migrations, or that there is none."""
    if kind is None:
        return "no measured migration yet"
    parts = []
    if kind.median_days is not None:
        days = f"median {_days(kind.median_days)} days"
        if kind.n_days > 1:
            days += f" ({_days(kind.least_days)} to {_days(kind.most_days)})"
        migrations = "migration" if kind.n_days == 1 else "migrations"
        parts.append(f"{days}, {number(kind.n_days)} {migrations}")
    if kind.median_quality is not None:
        quality = f"{kind.median_quality:+.4g}".replace("-", "−")
        parts.append(
            f"quality {quality if kind.median_quality else '0'} in own metrics (median, n = "
            f"{number(kind.n_quality)})"
        )
    return "; ".join(parts)


def _days(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
