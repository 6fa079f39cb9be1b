"""Checks of targets of migrations before they are saved: what the dependencies would lose."""

from collections.abc import Collection
from datetime import date

from apps.catalog.models import Offering
from apps.common.text import pluralize
from apps.exposure.campaigns.lifecycle import UNSETTLED
from apps.exposure.campaigns.reach import task_target
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.candidate_checks import Break, BreakKind, breaks_of, replacement_of
from apps.inventory.target_fits import target_fits


def breaks_of_target(target: Offering, dependency_ids: Collection[int]) -> tuple[Break, ...]:
    """Return what a common target would break for the dependencies; two statements."""
    fit = target_fits(dependency_ids, [target.pk])[target.pk]
    if not fit.n_breaking:
        return ()
    subject = pluralize(
        fit.n_breaking,
        "1 dependency would lose what it uses",
        f"{fit.n_breaking} dependencies would lose what they use",
    )
    sentence = f"{subject}: {target.api_id} {'; '.join(fit.losses)}."
    return (Break(BreakKind.CAPABILITY, str(fit), sentence),)


def breaks_of_default_target(campaign: Campaign, target: Offering) -> tuple[Break, ...]:
    """Return what a default target would break for the unfinished tasks that have no target of
    their own; three statements."""
    tasks = campaign.tasks.filter(state__in=UNSETTLED, target=None, successor=None)
    return breaks_of_target(target, list(tasks.values_list("dependency_id", flat=True)))


def breaks_of_switch(task: CampaignTask, *, on: date) -> tuple[Break, ...]:
    """Return what the switch of a task to its target would break; nothing if it has none or was
    made."""
    target = task_target(task)
    if target is None or task.successor_id is not None:
        return ()
    return breaks_of(replacement_of(task.dependency), target, on=on)
