"""Deployments as listings and infrastructure code tell them: kept, and what their names stand for
answered.

Without an application a listing holds for all of them: where every account that has the name means
the same model by it, the catalogue's offering of that name stands for it, wherever it was seen. For
one application the answer is that application's alone, and is given where its names are read
(naming.py).
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from apps.catalog.identity.deployment_aliases import DeploymentAlias, resolve_deployments
from apps.catalog.identity.known_ids import build_resolver
from apps.intake.deploying import api_id_of, sentence, standing
from apps.intake.documents import Document, Part, SaidDeployment, Sighting
from apps.intake.models import Confidence, Deployment, Import, Observation
from apps.inventory.models import Application

type Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """`names` are all that the document tells or told of, `n_missing` of these it no longer
    does."""

    names: frozenset[Name]
    n_missing: int


def keep_deployments(
    said: Sequence[SaidDeployment],
    *,
    stream: str,
    application: Application | None,
    seen_in: Import,
    at: datetime,
    is_older: bool,
) -> Kept:
    """Write what a document tells of the accounts it is about; of an older document only what is
    new."""
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
    return Kept(frozenset(names), len(gone))


def forget_deployments(*, seen_in: Import) -> frozenset[Name]:
    """An import was taken back: what it told last is not known any more; the names."""
    told = Deployment.objects.filter(seen_in=seen_in)
    names = frozenset(told.values_list("host", "name"))
    told.delete()
    return names


def answer_for_all(names: Collection[Name] | None = None) -> int:
    """Let offerings of these names (of all that are told, where None) stand for what all accounts
    mean by them; the number that changed."""
    rows = Deployment.objects.filter(application__isnull=True)
    if names is not None:
        rows = rows.filter(name__in={name for _, name in names})
    told: dict[Name, list[Deployment]] = defaultdict(list)
    for each in rows.select_related("seen_in"):
        told[each.host, each.name].append(each)
    wanted = set(told) if names is None else set(names)
    return resolve_deployments(answers({key: told.get(key, []) for key in wanted}))


def answers(told: dict[Name, list[Deployment]]) -> dict[Name, DeploymentAlias | None]:
    """What each name stands for; None where nobody tells, or not all tell the same, or of a model
    nobody knows."""
    if not told:
        return {}
    resolver = build_resolver()
    found: dict[Name, DeploymentAlias | None] = {}
    for (host, name), rows in told.items():
        rows = standing(rows)
        meant = {
            resolver.resolve(api_id_of(each.model, each.version), host).canonical for each in rows
        }
        canonical = meant.pop() if len(meant) == 1 else None
        found[host, name] = (
            DeploymentAlias(canonical, any(each.upgrades for each in rows), sentence(rows))
            if canonical
            else None
        )
    return found


def observations_of(names: Collection[Name], *, application: Application | None) -> list[int]:
    """What was seen under these names, by itself or behind a gateway's prefix, and nobody set
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
class Answered:
    """What a listing had to do with: `observations` are the keys of those to be worked through
    again, `dependencies` those of one application that rested on a name alone; `unknown` are models
    the catalogue does not know."""

    observations: frozenset[UUID] = frozenset()
    dependencies: frozenset[int] = frozenset()
    n_missing: int = 0
    unknown: tuple[Part, ...] = ()


def take_deployments(
    document: Document,
    *,
    stream: str,
    application: Application | None,
    seen_in: Import,
    at: datetime,
    is_older: bool,
) -> Answered:
    """Keep what the document tells and put back what was seen under its names; the caller then
    reconciles that."""
    if not document.deployments:
        return Answered()
    kept = keep_deployments(
        document.deployments,
        stream=stream,
        application=application,
        seen_in=seen_in,
        at=at,
        is_older=is_older,
    )
    if application is None:
        answer_for_all(kept.names)
    observations, dependencies = put_back(kept.names, application=application)
    resolver = build_resolver()
    unknown: list[Part] = []
    for each in document.deployments:
        model = api_id_of(each.model, each.version)
        meant, itself = (resolver.resolve(word, each.host).canonical for word in (model, each.name))
        if meant is None:
            unknown.append(
                Part(each.where, f"{each.name} is deployed as {model}, which nobody knows yet.")
            )
        if (
            application is None
            and itself
            and itself not in {meant, resolver.resolve(each.model, each.host).canonical}
        ):
            document.ignored.append(
                Part(
                    each.where,
                    f"'{each.name}' is a model's name, and is deployed as {model}. It is taken at "
                    "its word: send this"
                    " with ?application= of each application that calls it.",
                )
            )
    of_one = dependencies if application is not None else frozenset[int]()
    return Answered(observations, of_one, kept.n_missing, tuple(unknown))


def put_back(
    names: Collection[Name], *, application: Application | None
) -> tuple[frozenset[UUID], frozenset[int]]:
    """What was seen under these names is to be worked through again; its keys, and the dependencies
    it is part of."""
    reached = Observation.objects.filter(pk__in=observations_of(names, application=application))
    rows = list(reached.order_by().values_list("key", "dependency"))
    reached.update(state=Observation.State.NEW)
    return frozenset(key for key, _ in rows), frozenset(pk for _, pk in rows if pk is not None)


def use_of(said: SaidDeployment) -> Sighting:
    """A deployment in the infrastructure code of an application, as a use of it."""
    return Sighting(
        requested=said.name,
        provider=said.host,
        confidence=Confidence.IAC,
        places=(said.where,) if said.where else (),
        where=said.where,
    )
