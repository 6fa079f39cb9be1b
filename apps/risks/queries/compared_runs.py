"""Runs of evaluation suites whose items can be compared, and the comparison of two of them."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q

from apps.catalog.models import Offering
from apps.risks.errors import RiskChangeError
from apps.risks.evaluations.comparison import Comparison, ItemChange, compare_items, paired_scores
from apps.risks.evaluations.item_results import load_items
from apps.risks.models import Evidence
from apps.risks.models.evidence import EvidenceQuerySet

# newest runs of two models among which a common suite is searched
MAX_RUNS = 200
# comparisons of one pair, each of which loads the items of two runs
MAX_COMPARISONS = 3


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


def runs_of_offering(offering: Offering, user: Any) -> EvidenceQuerySet:
    """Return the comparable runs of an offering, or of its version at any host."""
    return comparable_runs(user).filter(_of_model(offering))


def _of_model(offering: Offering) -> Q:
    condition = Q(offering=offering.pk)
    return condition if offering.version_id is None else condition | Q(version=offering.version_id)


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


def measure_pair(first: Offering, second: Offering, user: Any) -> ComparedRuns | None:
    """Compare the newest runs of two models on a suite that both ran, the suite with the most items
    first; None without a common suite. Prefers a comparison that has an overlap of errors."""
    runs = list(
        comparable_runs(user)
        .filter(_of_model(first) | _of_model(second))
        .annotate(n_items=F("items__n"))[:MAX_RUNS]
    )
    newest: dict[tuple[str, str, str], dict[int, Any]] = defaultdict(dict)
    for run in runs:
        for place, offering in enumerate((first, second)):
            is_model = run.offering_id == offering.pk or (
                run.version_id is not None and run.version_id == offering.version_id
            )
            if is_model:
                newest[run.tool, run.dataset, run.metric].setdefault(place, run)
    pairs = [
        (min(pair[0].n_items, pair[1].n_items), pair[0], pair[1])
        for pair in newest.values()
        if len(pair) == 2 and pair[0].pk != pair[1].pk
    ]
    pairs.sort(key=lambda pair: pair[0], reverse=True)
    compared = [compare_runs(old, new) for _, old, new in pairs[:MAX_COMPARISONS]]
    measured = [each for each in compared if each.comparison.overlap is not None]
    return next(iter(measured or compared), None)
