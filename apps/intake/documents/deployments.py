"""Deployments from listings and infrastructure code: stored, and their names resolved to offerings.

A listing without an application applies to all of them: if all accounts that have a name use it for
the same model, the offering of that name is linked to the model. A listing for one application
applies to that application only, and is used where its names are resolved
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
    """Result of storing deployments: `names` are all names that the document or its predecessor
    states; `n_missing` of them are no longer stated."""

    names: frozenset[DeploymentName]
    n_missing: int


def store_deployments(
    deployments: Sequence[DescribedDeployment],
    *,
    stream: str,
    application: Application | None,
    seen_in: Import,
    at: datetime,
    is_older: bool,
) -> StoredDeployments:
    """Store the deployments of a document, and mark those of the same accounts that it no longer
    states as missing. Of a document that `is_older` than one already read, only new deployments are
    stored."""
    rows = {
        (deployment.host, deployment.account, deployment.name.lower()): Deployment(
            stream=stream,
            application=application,
            host=deployment.host,
            account=deployment.account,
            name=deployment.name.lower(),
            model=deployment.model,
            version=deployment.version,
            upgrades=deployment.upgrades,
            where=deployment.where,
            first_seen_at=at,
            last_seen_at=at,
            seen_in=seen_in,
        )
        for deployment in deployments
    }
    stored_deployments = Deployment.objects.filter(
        stream=stream,
        application=application,
        account__in={account for _, account, _ in rows},
        seen_in__mapping__part=seen_in.mapping.get("part", ""),
    )
    missing_deployments: list[Deployment] = []
    if not is_older:
        missing_deployments = [
            deployment
            for deployment in stored_deployments.standing()
            if (deployment.host, deployment.account, deployment.name) not in rows
        ]
        Deployment.objects.filter(
            pk__in=[deployment.pk for deployment in missing_deployments]
        ).update(missing_since=at.date())
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
    names = {(host, name) for host, _, name in rows} | {
        (deployment.host, deployment.name) for deployment in missing_deployments
    }
    return StoredDeployments(frozenset(names), len(missing_deployments))


def delete_deployments(*, seen_in: Import) -> frozenset[DeploymentName]:
    """Delete the deployments that an undone import stated last, and return their names."""
    deployments = Deployment.objects.filter(seen_in=seen_in)
    names = frozenset(deployments.values_list("host", "name"))
    deployments.delete()
    return names


def update_deployment_aliases(names: Collection[DeploymentName] | None = None) -> int:
    """Resolve the offerings of these names (None: of all stored names) to the models that all
    accounts agree on; return the number of changed offerings."""
    rows = Deployment.objects.filter(application__isnull=True)
    if names is not None:
        rows = rows.filter(name__in={name for _, name in names})
    rows_by_name: dict[DeploymentName, list[Deployment]] = defaultdict(list)
    for deployment in rows.select_related("seen_in"):
        rows_by_name[deployment.host, deployment.name].append(deployment)
    names_to_resolve = set(rows_by_name) if names is None else set(names)
    return resolve_deployments(
        deployment_aliases({key: rows_by_name.get(key, []) for key in names_to_resolve})
    )


def deployment_aliases(
    rows_by_name: dict[DeploymentName, list[Deployment]],
) -> dict[DeploymentName, DeploymentAlias | None]:
    """Return the model of each name; None if no document states one, if the accounts disagree, or
    if the model is unknown."""
    if not rows_by_name:
        return {}
    resolver = build_resolver()
    aliases: dict[DeploymentName, DeploymentAlias | None] = {}
    for (host, name), rows in rows_by_name.items():
        rows = current_deployments(rows)
        canonical_ids = {
            resolver.resolve(deployed_api_id(deployment.model, deployment.version), host).canonical
            for deployment in rows
        }
        canonical = canonical_ids.pop() if len(canonical_ids) == 1 else None
        aliases[host, name] = (
            DeploymentAlias(
                canonical,
                any(deployment.upgrades for deployment in rows),
                describe_deployments(rows),
            )
            if canonical
            else None
        )
    return aliases


def observations_named(
    names: Collection[DeploymentName], *, application: Application | None
) -> list[int]:
    """Return the ids of observations with these names, alone or after a gateway's prefix, except
    ignored ones."""
    if not names:
        return []
    parameters: list[Any] = [sorted({name for _, name in names})] * 3
    condition = ""
    if application is not None:
        condition = " AND application_id = %s"
        parameters.append(application.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM intake_observation WHERE state <> 'set_aside' AND (lower(requested) = "
            "ANY(%s)"
            " OR lower(substring(requested FROM '/(.*)$')) = ANY(%s)"
            f" OR lower(substring(requested FROM '/(arn:.*)$')) = ANY(%s)){condition}",
            parameters,
        )
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class DeploymentEffects:
    """Effects of a deployment listing.

    `observations` are the keys of those to be processed again, `dependencies` the ids of those of
    one application that are derived from a deployment name; `unknown` are models that the catalogue
    does not contain."""

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
    """Store the deployments of the document and requeue the observations with their names; the
    caller then reconciles them. `is_older` as in `store_deployments`."""
    if not document.deployments:
        return DeploymentEffects()
    stored_deployments = store_deployments(
        document.deployments,
        stream=stream,
        application=application,
        seen_in=seen_in,
        at=at,
        is_older=is_older,
    )
    if application is None:
        update_deployment_aliases(stored_deployments.names)
    observations, dependencies = requeue_observations(
        stored_deployments.names, application=application
    )
    resolver = build_resolver()
    unknown: list[SkippedPart] = []
    for deployment in document.deployments:
        model = deployed_api_id(deployment.model, deployment.version)
        deployed_id, named_id = (
            resolver.resolve(text, deployment.host).canonical for text in (model, deployment.name)
        )
        if deployed_id is None:
            unknown.append(
                SkippedPart(
                    deployment.where,
                    f"{deployment.name} is deployed as {model}, which is not a known model.",
                )
            )
        if (
            application is None
            and named_id
            and named_id
            not in {deployed_id, resolver.resolve(deployment.model, deployment.host).canonical}
        ):
            document.ignored.append(
                SkippedPart(
                    deployment.where,
                    f"'{deployment.name}' is the name of a model, but is deployed as {model}. The "
                    "document is used as it is: send it with ?application= for each application "
                    "that calls this deployment.",
                )
            )
    affected_dependencies = dependencies if application is not None else frozenset[int]()
    return DeploymentEffects(
        observations, affected_dependencies, stored_deployments.n_missing, tuple(unknown)
    )


def requeue_observations(
    names: Collection[DeploymentName], *, application: Application | None
) -> tuple[frozenset[UUID], frozenset[int]]:
    """Queue the observations with these names for processing; return (their keys, ids of their
    dependencies)."""
    observations = Observation.objects.filter(
        pk__in=observations_named(names, application=application)
    )
    rows = list(observations.order_by().values_list("key", "dependency"))
    observations.update(state=Observation.State.NEW)
    return frozenset(key for key, _ in rows), frozenset(pk for _, pk in rows if pk is not None)


def deployment_as_use(deployment: DescribedDeployment) -> Sighting:
    """Convert a deployment in the infrastructure code of an application into a sighting."""
    return Sighting(
        requested=deployment.name,
        provider=deployment.host,
        confidence=Confidence.IAC,
        places=(deployment.where,) if deployment.where else (),
        where=deployment.where,
    )
