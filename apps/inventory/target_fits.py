"""Fits of many dependencies with common targets, as a migration chooses them."""

from collections.abc import Collection
from dataclasses import dataclass

from apps.catalog.capabilities.fit import FitVerdict, check_fit
from apps.catalog.capabilities.phrases import describe_losses
from apps.catalog.capabilities.settled_values import settled_values
from apps.inventory.requirements import needs_of


@dataclass(frozen=True, slots=True)
class TargetFit:
    """How many dependencies fit a target, break with it, or are unknown; `losses` says what those
    that break would lose, each phrase once."""

    n_fitting: int
    n_breaking: int
    n_unknown: int
    losses: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.n_fitting} fit, {self.n_breaking} break, {self.n_unknown} unknown"


def target_fits(
    dependency_ids: Collection[int], offering_ids: Collection[int]
) -> dict[int, TargetFit]:
    """Return {offering ID: how the dependencies fit}; two statements. A dependency of whose use
    nothing is known counts as unknown."""
    needs = needs_of(dependency_ids) if dependency_ids else {}
    capabilities = settled_values(offering_ids) if needs else {}
    fits = {}
    for offering_id in offering_ids:
        found = [check_fit(needed, capabilities.get(offering_id, {})) for needed in needs.values()]
        breaking = [fit for fit in found if fit.verdict == FitVerdict.BREAKS]
        n_fitting = sum(fit.verdict == FitVerdict.FITS for fit in found)
        fits[offering_id] = TargetFit(
            n_fitting,
            len(breaking),
            len(set(dependency_ids)) - n_fitting - len(breaking),
            tuple(dict.fromkeys(describe_losses(fit) for fit in breaking)),
        )
    return fits
