"""Inference of the host for names without one: if the application calls that ID at exactly one
host, it is that host.

A scanner that finds only `gpt-4.1-mini` then confirms the usage that another sender or a user has
reported, instead of adding an unresolved name."""

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
    observations: Iterable[Observation], resolutions: Mapping[int, NameResolution], *, on: date
) -> dict[int, NameResolution]:
    """Return {observation id: resolution} for unresolved observations without a host.

    `resolutions` are those found so far, by observation id."""
    hostless_observations = [
        observation
        for observation in observations
        if _lacks_host(observation, resolutions[observation.pk])
    ]
    if not hostless_observations:
        return {}
    hosts_by_use: dict[tuple[int, str], dict[int, str]] = defaultdict(dict)
    application_ids = {observation.application_id for observation in hostless_observations}
    names = {observation.requested.lower() for observation in hostless_observations}
    rows = (
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=on), application__in=application_ids, since__lte=on
        )
        .annotate(name=Lower("offering__api_id"))
        .filter(name__in=names)
        .values_list("application", "name", "offering", "offering__host__name")
    )
    for application, name, offering, host in rows:
        hosts_by_use[application, name][offering] = host
    for observation in observations:
        offering_id = resolutions[observation.pk].offering
        if (
            observation.application_id is not None
            and observation.provider
            and offering_id is not None
        ):
            hosts_by_use[observation.application_id, observation.requested.lower()].setdefault(
                offering_id, observation.provider
            )
    inferred_resolutions = {}
    for observation in hostless_observations:
        assert observation.application_id is not None
        host_by_offering = hosts_by_use.get(
            (observation.application_id, observation.requested.lower()), {}
        )
        if len(host_by_offering) == 1:
            ((offering, host),) = host_by_offering.items()
            explanation = (
                f"No host is stated; this application calls '{observation.requested}' on {host}."
            )
            inferred_resolutions[observation.pk] = NameResolution(
                offering, explanation, served_version=resolutions[observation.pk].served_version
            )
    return inferred_resolutions


def reopen_names_without_host(dependencies: Iterable[Dependency]) -> list[UUID]:
    """Requeue observations without a host that these new dependencies may resolve, and return their
    keys."""
    application_names = {
        (dependency.application_id, dependency.offering.api_id.lower())
        for dependency in dependencies
    }
    if not application_names:
        return []
    rows = (
        Observation.objects.filter(
            state=Observation.State.UNRESOLVED,
            provider="",
            application__in={pk for pk, _ in application_names},
        )
        .annotate(name=Lower("requested"))
        .values_list("key", "application", "name")
    )
    keys = [key for key, application, name in rows if (application, name) in application_names]
    Observation.objects.filter(key__in=keys).update(state=Observation.State.NEW)
    return keys


def _lacks_host(observation: Observation, resolution: NameResolution) -> bool:
    """Return whether the host must be inferred: the name is unresolved and states no host."""
    return (
        observation.application_id is not None
        and bool(observation.requested)
        and not observation.provider
        and resolution.offering is None
        and not resolution.is_set_aside
    )
