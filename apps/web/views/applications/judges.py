"""Judges of an application beside the models that they judge: independence as supply, and the
overlap of errors where it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from apps.accounts.models import User
from apps.exposure.queries.dependents import StackRow
from apps.exposure.queries.judge_independence import judge_grades
from apps.exposure.successors.independence import GRADE_WORDS
from apps.inventory.models import Application, Dependency
from apps.risks.queries.compared_runs import measure_pair
from apps.web.views.risks.result_comparison import describe_overlap

JUDGING_ROLES = (Dependency.Role.JUDGE, Dependency.Role.GUARDRAIL)
# 4 of a pair also stands for 5, which depends on the paths
_GRADES = GRADE_WORDS | {4: "other developer"}
# pairs of the section, each of which may load two runs
MAX_PAIRS = 6


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """A judge or guardrail and a primary model. `is_shared`: they share a foundation or more."""

    judge: StackRow
    primary: StackRow
    supply: str
    is_shared: bool
    errors: str
    errors_note: str
    is_measured: bool
    url: str


def judged_pairs(
    application: Application, rows: Sequence[StackRow], user: User
) -> list[JudgedPair]:
    """Return the pairs of judge and judged; two statements and two to three for each pair."""
    by_id = {row.dependency.pk: row for row in rows}
    judges = [row.dependency.pk for row in rows if row.dependency.role in JUDGING_ROLES]
    pairs = []
    for graded in judge_grades(application.pk, judges)[:MAX_PAIRS]:
        judge, primary = by_id.get(graded.judge_id), by_id.get(graded.primary_id)
        if judge is None or primary is None:
            continue
        is_known = judge.offering.version_id is not None and primary.offering.version_id is not None
        if not is_known:
            supply = "unknown: a model is not identified"
        elif graded.grade is None:
            supply = "not calculated yet"
        else:
            supply = _GRADES[graded.grade]
        compared = measure_pair(primary.offering, judge.offering, user)
        overlap = describe_overlap(compared.comparison) if compared else None
        pairs.append(
            JudgedPair(
                judge,
                primary,
                supply,
                is_known and graded.grade is not None and graded.grade <= 2,
                overlap.value if overlap else "Not measured",
                overlap.note if overlap else "No suite has results of single items of both models.",
                overlap is not None and not overlap.is_gap,
                f"{reverse('evidence:compare')}?a={compared.old.pk}&b={compared.new.pk}"
                if compared
                else "",
            )
        )
    return pairs
