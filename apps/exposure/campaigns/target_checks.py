"""Checks of targets of migrations before they are saved: what the dependencies would lose."""

from collections.abc import Iterable, Sequence
from datetime import date

from apps.catalog.models import Offering
from apps.common.text import pluralize
from apps.exposure.campaigns.lifecycle import UNSETTLED
from apps.exposure.campaigns.reach import task_target
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.candidate_checks import (
    Break,
    BreakKind,
    breaks_of,
    check_retirement,
    replacement_of,
)
from apps.inventory.governance.violations import (
    UseOfApplication,
    obstacles_to_uses_of_applications,
)
from apps.inventory.models import Dependency
from apps.inventory.target_fits import target_fits

# dates of retired models that are named
MAX_DATES = 5


def breaks_of_target(
    target: Offering, dependencies: Sequence[Dependency], *, on: date
) -> tuple[Break, ...]:
    """Return what a common target would break for the dependencies, which have their application
    and offering loaded; five statements. Judges are checked at the switch of each task."""
    return (
        *_check_capabilities(target, dependencies),
        *_check_approvals(target, dependencies, on),
        *_check_retirements(target, dependencies, on),
    )


def breaks_of_default_target(
    campaign: Campaign, target: Offering, *, on: date
) -> tuple[Break, ...]:
    """Return what a default target would break for the unfinished tasks that have no target of
    their own; six statements."""
    tasks = campaign.tasks.filter(state__in=UNSETTLED, target=None, successor=None)
    dependencies = Dependency.objects.filter(pk__in=tasks.values("dependency"))
    return breaks_of_target(
        target, list(dependencies.select_related("application", "offering").order_by("pk")), on=on
    )


def breaks_of_switch(task: CampaignTask, *, on: date) -> tuple[Break, ...]:
    """Return what the switch of a task to its target would break; nothing if it has none or was
    made."""
    target = task_target(task)
    if target is None or task.successor_id is not None:
        return ()
    return breaks_of(replacement_of(task.dependency), target, on=on)


def _check_capabilities(target: Offering, dependencies: Sequence[Dependency]) -> Iterable[Break]:
    fit = target_fits([row.pk for row in dependencies], [target.pk])[target.pk]
    if fit.n_breaking:
        subject = pluralize(
            fit.n_breaking,
            "1 dependency would lose what it uses",
            f"{fit.n_breaking} dependencies would lose what they use",
        )
        sentence = f"{subject}: {target.api_id} {'; '.join(fit.losses)}."
        yield Break(BreakKind.CAPABILITY, str(fit), sentence)


def _check_approvals(
    target: Offering, dependencies: Sequence[Dependency], on: date
) -> Iterable[Break]:
    obstacles, _decided = obstacles_to_uses_of_applications(
        [UseOfApplication(row.application, target.pk, row.via_party_id) for row in dependencies],
        on=on,
    )
    n_blocked = sum(any("blocked" in one.grounds for one in of_use) for of_use in obstacles)
    if n_blocked:
        uses = pluralize(n_blocked, "1 dependency", f"{n_blocked} dependencies")
        sentence = f"An approval blocks {target.api_id} for {uses}."
        yield Break(BreakKind.APPROVAL, "blocked by an approval", sentence)


def _check_retirements(
    target: Offering, dependencies: Sequence[Dependency], on: date
) -> Sequence[Break]:
    replaced = {row.offering_id: row.offering for row in dependencies}
    breaks = [found for one in replaced.values() for found in check_retirement(target, one, on)]
    return list(dict.fromkeys(breaks))[:MAX_DATES]
