"""Deployments from listings and infrastructure code: stored, and their names resolved to offerings.

Without an application a listing holds for all of them: if every account that has the name means the
same model by it, that offering is used wherever the name was observed. For one application the
answer is that application's alone, and is given where its names are read
(observations/name_resolution.py)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from apps.catalog.identity.deployment_aliases import DeploymentAlias, resolve_deployments
from apps.catalog.identity.known_ids import build_resolver
from apps.intake.documents.records import DescribedDeployment, Document, Sighting, SkippedPart
from apps.intake.models import Confidence, Deployment, Import, Observation
from apps.intake.observations.deployment_names import (
    current_deployments,
    deployed_api_id,
    describe_deployments,
)
from apps.inventory.models import Application

type DeploymentName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StoredDeployments:
    """Result of storing deployments: `names` are all that the document states or stated,
    `n_missing` of these it no longer does."""

    names: frozenset[DeploymentName]
    n_missing: int


def store_deployments(
    said: Sequence[DescribedDeployment],
    *,
    stream: str,
    application: Application | None,
    seen_in: Import,
    at: datetime,
    is_older: bool,
) -> StoredDeployments:
    """Store what a document states of its accounts; of an older document only what is new."""
    rows = {
        (each.host, each.account, each.name.lower()): Deployment(
            stream=stream,
            application=application,
            host=each.host,
            account=each.account,
            name=each.name.lower(),
            model=each.model,
            version=each.version,
            upgrades=each.upgrades,
            where=each.where,
            first_seen_at=at,
            last_seen_at=at,
            seen_in=seen_in,
        )
        for each in said
    }
    told = Deployment.objects.filter(
        stream=stream,
        application=application,
        account__in={account for _, account, _ in rows},
        seen_in__mapping__part=seen_in.mapping.get("part", ""),
    )
    gone: list[Deployment] = []
    if not is_older:
        gone = [
            each for each in told.standing() if (each.host, each.account, each.name) not in rows
        ]
        Deployment.objects.filter(pk__in=[each.pk for each in gone]).update(missing_since=at.date())
    Deployment.objects.bulk_create(
        rows.values(),
        **(
            {"ignore_conflicts": True}
            if is_older
            else {
                "update_conflicts": True,
                "unique_fields": ["stream", "application", "host", "account", "name"],
                "update_fields": [
                    "model",
                    "version",
                    "upgrades",
                    "where",
                    "last_seen_at",
                    "missing_since",
                    "seen_in",
                ],
            }
        ),
    )
    names = {(host, name) for host, _, name in rows} | {(each.host, each.name) for each in gone}
    return StoredDeployments(frozenset(names), len(gone))


def delete_deployments(*, seen_in: Import) -> frozenset[DeploymentName]:
    """Delete the deployments that an undone import stated last, and return their names."""
    told = Deployment.objects.filter(seen_in=seen_in)
    names = frozenset(told.values_list("host", "name"))
    told.delete()
    return names


def update_deployment_aliases(names: Collection[DeploymentName] | None = None) -> int:
    """Resolve offerings of these names (of all stored ones, if None) to what all accounts mean by
    them; return the number that changed."""
    rows = Deployment.objects.filter(application__isnull=True)
    if names is not None:
        rows = rows.filter(name__in={name for _, name in names})
    told: dict[DeploymentName, list[Deployment]] = defaultdict(list)
    for each in rows.select_related("seen_in"):
        told[each.host, each.name].append(each)
    wanted = set(told) if names is None else set(names)
    return resolve_deployments(deployment_aliases({key: told.get(key, []) for key in wanted}))


def deployment_aliases(
    told: dict[DeploymentName, list[Deployment]],
) -> dict[DeploymentName, DeploymentAlias | None]:
    """Return the model of each name; None if no document states one, if they disagree, or if the
    model is unknown."""
    if not told:
        return {}
    resolver = build_resolver()
    found: dict[DeploymentName, DeploymentAlias | None] = {}
    for (host, name), rows in told.items():
        rows = current_deployments(rows)
        meant = {
            resolver.resolve(deployed_api_id(each.model, each.version), host).canonical
            for each in rows
        }
        canonical = meant.pop() if len(meant) == 1 else None
        found[host, name] = (
            DeploymentAlias(
                canonical, any(each.upgrades for each in rows), describe_deployments(rows)
            )
            if canonical
            else None
        )
    return found


def observations_named(
    names: Collection[DeploymentName], *, application: Application | None
) -> list[int]:
    """Return observations under these names, alone or behind a gateway's prefix, that are not set
    aside."""
    if not names:
        return []
    words: list[Any] = [sorted({name for _, name in names})] * 3
    condition = ""
    if application is not None:
        condition = " AND application_id = %s"
        words.append(application.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM intake_observation WHERE state <> 'set_aside' AND (lower(requested) = "
            "ANY(%s)"
            " OR lower(substring(requested FROM '/(.*)$')) = ANY(%s)"
            f" OR lower(substring(requested FROM '/(arn:.*)$')) = ANY(%s)){condition}",
            words,
        )
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class DeploymentEffects:
    """Effects of a deployment listing.

    `observations` are the keys of those to be processed again, `dependencies` those of one
    application that rested on a name alone; `unknown` are models that the catalogue does not
    know."""

    observations: frozenset[UUID] = frozenset()
    dependencies: frozenset[int] = frozenset()
    n_missing: int = 0
    unknown: tuple[SkippedPart, ...] = ()


def ingest_deployments(
    document: Document,
    *,
    stream: str,
    application: Application | None,
    seen_in: Import,
    at: datetime,
    is_older: bool,
) -> DeploymentEffects:
    """Store what the document states and requeue observations under its names; the caller then
    reconciles them."""
    if not document.deployments:
        return DeploymentEffects()
    kept = store_deployments(
        document.deployments,
        stream=stream,
        application=application,
        seen_in=seen_in,
        at=at,
        is_older=is_older,
    )
    if application is None:
        update_deployment_aliases(kept.names)
    observations, dependencies = requeue_observations(kept.names, application=application)
    resolver = build_resolver()
    unknown: list[SkippedPart] = []
    for each in document.deployments:
        model = deployed_api_id(each.model, each.version)
        meant, itself = (resolver.resolve(word, each.host).canonical for word in (model, each.name))
        if meant is None:
            unknown.append(
                SkippedPart(
                    each.where, f"{each.name} is deployed as {model}, which is not a known model."
                )
            )
        if (
            application is None
            and itself
            and itself not in {meant, resolver.resolve(each.model, each.host).canonical}
        ):
            document.ignored.append(
                SkippedPart(
                    each.where,
                    f"'{each.name}' is the name of a model, but is deployed as {model}. The "
                    "document is used as it is: send it with ?application= for each application "
                    "that calls this deployment.",
                )
            )
    of_one = dependencies if application is not None else frozenset[int]()
    return DeploymentEffects(observations, of_one, kept.n_missing, tuple(unknown))


def requeue_observations(
    names: Collection[DeploymentName], *, application: Application | None
) -> tuple[frozenset[UUID], frozenset[int]]:
    """Queue observations under these names for processing; return their keys, and the dependencies
    they are part of."""
    reached = Observation.objects.filter(pk__in=observations_named(names, application=application))
    rows = list(reached.order_by().values_list("key", "dependency"))
    reached.update(state=Observation.State.NEW)
    return frozenset(key for key, _ in rows), frozenset(pk for _, pk in rows if pk is not None)


def deployment_as_use(said: DescribedDeployment) -> Sighting:
    """Convert a deployment in the infrastructure code of an application into a sighting of its
    use."""
    return Sighting(
        requested=said.name,
        provider=said.host,
        confidence=Confidence.IAC,
        places=(said.where,) if said.where else (),
        where=said.where,
    )
