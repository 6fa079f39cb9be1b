"""Runs of evaluation suites whose items can be compared, and the comparison of two of them."""

from dataclasses import dataclass
from typing import Any

from apps.risks.errors import RiskChangeError
from apps.risks.evaluations.comparison import Comparison, ItemChange, compare_items, paired_scores
from apps.risks.evaluations.item_results import load_items
from apps.risks.models import Evidence
from apps.risks.models.evidence import EvidenceQuerySet


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """Two runs of one suite, and the comparison of their items."""

    old: Evidence
    new: Evidence
    comparison: Comparison
    items: list[ItemChange]


def comparable_runs(user: Any) -> EvidenceQuerySet:
    """Return the evidence that the user can view and that has results of single items, newest
    first."""
    return (
        Evidence.objects.visible_to(user)
        .filter(items__isnull=False)
        .select_related("application", "version", "offering__host")
        .order_by("-run_on", "-pk")
    )


def same_suite(run: Evidence, user: Any) -> EvidenceQuerySet:
    """Return the other runs of the suite of `run`, with the same tool, dataset and metric."""
    return (
        comparable_runs(user)
        .filter(tool=run.tool, dataset=run.dataset, metric=run.metric)
        .exclude(pk=run.pk)
    )


def compare_runs(old: Evidence, new: Evidence) -> ComparedRuns:
    """Compare two runs that the caller can view. Raise RiskChangeError if they are one run, or not
    of one suite."""
    if old.pk == new.pk:
        raise RiskChangeError("Select two different runs.")
    if (old.tool, old.dataset, old.metric) != (new.tool, new.dataset, new.metric):
        raise RiskChangeError(
            "The runs are of different suites, so their items cannot be compared. Select two runs "
            "with the same tool, dataset and metric."
        )
    items = load_items([old.pk, new.pk])
    if len(items) < 2:
        raise RiskChangeError(
            "A run has no results of single items. Upload the file of results, with its samples."
        )
    return ComparedRuns(
        old,
        new,
        compare_items(items[old.pk], items[new.pk], higher_is_better=old.higher_is_better),
        paired_scores(items[old.pk], items[new.pk]),
    )
