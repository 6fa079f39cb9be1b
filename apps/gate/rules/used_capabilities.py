"""Capabilities that an application is recorded to use, and models that lack them (rule FR012)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from apps.catalog.capabilities.fit import Fit, FitVerdict, check_fit
from apps.catalog.capabilities.phrases import describe_losses, describe_unknowns
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.models import Offering
from apps.inventory.models import Application, Dependency
from apps.inventory.requirements import dependency_fits, needs_of

# roles of the dependencies that a model of the category could replace; other models any others
_ROLES: Mapping[str, Dependency.Role] = {
    "embedding": Dependency.Role.EMBEDDING,
    "rerank": Dependency.Role.RERANKER,
    "moderation": Dependency.Role.GUARDRAIL,
}


@dataclass(frozen=True, slots=True)
class UsedCapabilities:
    """By offering, as phrases: what it lacks of what is used, and what no source states of it."""

    lacking: Mapping[int, str] = field(default_factory=dict)
    unstated: Mapping[int, str] = field(default_factory=dict)


def load_used_capabilities(
    application: Application, offering_ids: Collection[int], *, on: date
) -> UsedCapabilities:
    """Compare offerings with what the application is recorded to use; three statements.

    A model that is in use is compared with the needs of its own dependencies. Another one could
    replace any dependency that it could serve: it lacks something if it lacks something for each of
    them, and something is unknown unless it fits one. Without recorded needs nothing is said.
    """
    rows = list(
        Dependency.objects.live_on(on)
        .filter(application=application)
        .order_by("pk")
        .values_list("pk", "offering_id", "role")
    )
    needs = needs_of([pk for pk, _, _ in rows]) if rows else {}
    if not needs:
        return UsedCapabilities()
    categories = dict(Offering.objects.filter(pk__in=offering_ids).values_list("pk", "category"))
    capabilities = settled_values(offering_ids)
    own: dict[int, list[int]] = {}
    for pk, offering_id, _role in rows:
        own.setdefault(offering_id, []).append(pk)
    lacking, unstated = {}, {}
    for offering_id in offering_ids:
        dependency_ids = own.get(offering_id) or [
            pk
            for pk, _, role in rows
            if _could_serve(categories.get(offering_id, ""), Dependency.Role(role))
        ]
        fits = [
            check_fit(needs[pk], capabilities.get(offering_id, {}))
            for pk in dependency_ids
            if pk in needs
        ]
        if offering_id in own:
            lost = [fit for fit in fits if fit.verdict == FitVerdict.BREAKS]
            if lost:
                lacking[offering_id] = describe_losses(lost[0])
        elif fits and not any(fit.verdict == FitVerdict.FITS for fit in fits):
            best = min(fits, key=_severity)
            if best.verdict == FitVerdict.BREAKS:
                lacking[offering_id] = describe_losses(best)
            else:
                unstated[offering_id] = describe_unknowns(best)
    return UsedCapabilities(lacking, unstated)


def find_lacking_uses(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return those (dependency, its offering) of which the offering lacks what the dependency is
    recorded to use; two statements."""
    fits = dependency_fits(list(pairs))
    return {pair for pair, fit in fits.items() if fit.verdict == FitVerdict.BREAKS}


def _could_serve(category: str, role: Dependency.Role) -> bool:
    special = _ROLES.get(category)
    return role == special if special is not None else role not in _ROLES.values()


def _severity(fit: Fit) -> tuple[bool, int]:
    """Order fits, the least severe first: unknown before lost, few lost items before many."""
    return fit.verdict == FitVerdict.BREAKS, len(describe_losses(fit))
