"""Host inference for names without a host: if the application is known to call that ID at one host,
that host is meant.

A scanner that reads no more than `gpt-4.1-mini` then adds to what another one, or a user, has
already reported, and raises no question."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower

from apps.intake.models import Observation
from apps.intake.observations.name_resolution import NameResolution
from apps.inventory.models import Dependency


def infer_hosts(
    waiting: Iterable[Observation], found: Mapping[int, NameResolution], *, on: date
) -> dict[int, NameResolution]:
    """Return {observation: resolution} for those without a host that could not be identified;
    `found` is by observation."""
    asked = [each for each in waiting if _lacks_host(each, found[each.pk])]
    if not asked:
        return {}
    meant: dict[tuple[int, str], dict[int, str]] = defaultdict(dict)
    ids = {each.application_id for each in asked}
    names = {each.requested.lower() for each in asked}
    rows = (
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=on), application__in=ids, since__lte=on
        )
        .annotate(name=Lower("offering__api_id"))
        .filter(name__in=names)
        .values_list("application", "name", "offering", "offering__host__name")
    )
    for application, name, offering, host in rows:
        meant[application, name][offering] = host
    for each in waiting:
        own = found[each.pk].offering
        if each.application_id is not None and each.provider and own is not None:
            meant[each.application_id, each.requested.lower()].setdefault(own, each.provider)
    placed = {}
    for each in asked:
        assert each.application_id is not None
        offerings = meant.get((each.application_id, each.requested.lower()), {})
        if len(offerings) == 1:
            ((offering, host),) = offerings.items()
            why = f"No host is stated; this application calls '{each.requested}' on {host}."
            placed[each.pk] = NameResolution(
                offering, why, served_version=found[each.pk].served_version
            )
    return placed


def reopen_names_without_host(dependencies: Iterable[Dependency]) -> list[UUID]:
    """Queue observations without a host that these new dependencies may resolve, and return their
    keys."""
    named = {(each.application_id, each.offering.api_id.lower()) for each in dependencies}
    if not named:
        return []
    rows = (
        Observation.objects.filter(
            state=Observation.State.UNRESOLVED, provider="", application__in={pk for pk, _ in named}
        )
        .annotate(name=Lower("requested"))
        .values_list("key", "application", "name")
    )
    keys = [key for key, application, name in rows if (application, name) in named]
    Observation.objects.filter(key__in=keys).update(state=Observation.State.NEW)
    return keys


def _lacks_host(each: Observation, found: NameResolution) -> bool:
    return (
        each.application_id is not None
        and bool(each.requested)
        and not each.provider
        and found.offering is None
        and not found.is_set_aside
    )
