"""Levels of risk: plain arithmetic on the 5 x 5 scale."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

LOWEST, HIGHEST = 1, 5
# the highest score of each severity, from very low to very high
SEVERITIES = (3, 6, 10, 16, 25)
# a risk from this score on is critical: its acceptance can require a second person
CRITICAL_SCORE = 15
# adaptations that leave the weights unchanged and add nothing to retrieve
PROMPT_ADAPTATIONS = frozenset({"prompt", "few_shot"})


@dataclass(frozen=True, slots=True)
class Level:
    """A level of risk: likelihood from 1 (rare) to 5 (almost certain), impact from 1 (negligible)
    to 5 (severe)."""

    likelihood: int
    impact: int

    @property
    def score(self) -> int:
        return self.likelihood * self.impact

    @property
    def severity(self) -> int:
        return severity(self.score)


@dataclass(frozen=True, slots=True)
class AdaptationStep:
    """The effect of one kind of adaptation on a risk, with its rationale; no effect (0/0) can be
    recorded as well."""

    adaptation: str
    likelihood: int
    impact: int
    why: str


@dataclass(frozen=True, slots=True)
class AdjustedLevel:
    level: Level
    steps: tuple[AdaptationStep, ...]


def adjust_level(
    inherent: Level,
    steps: Iterable[AdaptationStep],
    adaptations: Collection[str],
    *,
    in_the_weights: bool,
) -> AdjustedLevel:
    """Return the inherent level after the steps of the adaptations present, each kind once, limited
    to 1 to 5.

    A risk in the weights (`in_the_weights`: training data, weights, alignment) cannot be removed by
    prompts: if all adaptations are prompts and examples, likelihood falls by at most one step and
    impact not at all.
    """
    applied_steps = tuple(step for step in steps if step.adaptation in adaptations)
    likelihood = sum(step.likelihood for step in applied_steps)
    impact = sum(step.impact for step in applied_steps)
    if in_the_weights and PROMPT_ADAPTATIONS.issuperset(adaptations):
        likelihood, impact = max(likelihood, -1), max(impact, 0)
    return AdjustedLevel(
        Level(_clamp(inherent.likelihood + likelihood), _clamp(inherent.impact + impact)),
        applied_steps,
    )


def severity(score: int) -> int:
    """Return the severity, from 1 (very low) to 5 (very high), of a score from 1 to 25."""
    return next(step for step, highest in enumerate(SEVERITIES, start=1) if score <= highest)


def score_range(step: int) -> tuple[int, int]:
    """Return the lowest and the highest score of a severity, both inclusive."""
    return (SEVERITIES[step - 2] + 1 if step > 1 else 1), SEVERITIES[step - 1]


def _clamp(level: int) -> int:
    return min(max(level, LOWEST), HIGHEST)
