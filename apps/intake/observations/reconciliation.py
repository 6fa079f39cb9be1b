"""Reconciliation of observations with the inventory: each observation becomes part of a dependency,
or records why it cannot.

Nothing here ends or deletes a dependency. Undeclared use becomes a dependency that is `observed`
until a user confirms it; for declared use the last observed day is recorded. A pass processes the
waiting observations in batches, each in its own transaction, so that it may be interrupted and run
again."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import pgtrigger
from django.db import connection, transaction

from apps.catalog.identity.named_models import known_model_ids
from apps.catalog.models import Offering, OfferingKind
from apps.common.database.bulk_writes import update_rows
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.intake.models import Confidence, IntakeSettings, Observation
from apps.intake.observations.host_inference import infer_hosts, reopen_names_without_host
from apps.intake.observations.name_resolution import NameResolution, NameResolver, ObservedNames
from apps.inventory.models import Application, Dependency

RECONCILE_BATCH_SIZE = 2_000
# advisory lock: two passes at the same time would add the same dependency twice
RECONCILE_LOCK = 7_305_114_502
# the last observed day is not a decision, and exposure does not depend on it: neither the history
# nor exposure needs the change
_TRIGGERS_WITHOUT_HISTORY = (
    "inventory.Dependency:update_update",
    "inventory.Dependency:dependency_changed_by_update",
)


def reconcile_waiting(
    *, at: datetime, resolver: NameResolver | None = None, keys: Collection[UUID] | None = None
) -> Counter[str]:
    """Process all waiting observations, or only those of `keys`; return numbers of dependencies and
    observations by outcome.

    Inside a user's change, pass the keys of its observations: all others that are processed would
    be undone together with the change."""
    tally: Counter[str] = Counter()
    own_keys = None if keys is None else set(keys)
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RECONCILE_LOCK])
            queue = Observation.objects.waiting()
            if own_keys is not None:
                queue = queue.filter(key__in=own_keys)
            observations = list(queue.order_by("pk")[:RECONCILE_BATCH_SIZE])
            if not observations:
                return tally
            resolver = resolver or NameResolver()
            outcomes, new_dependencies = _reconcile_batch(observations, resolver, at=at)
            tally += outcomes
            reopened_keys = reopen_names_without_host(new_dependencies)
            if own_keys is not None:
                own_keys.update(reopened_keys)


def reopen_observations(observations: Iterable[int]) -> int:
    """Requeue these observations, and return their number."""
    return Observation.objects.filter(pk__in=list(observations)).update(state=Observation.State.NEW)


def _reconcile_batch(
    observations: list[Observation], resolver: NameResolver, *, at: datetime
) -> tuple[Counter[str], list[Dependency]]:
    """Process one batch; return numbers by outcome, and the new dependencies."""
    tally: Counter[str] = Counter()
    names_by_pk = {observation.pk: _observed_names(observation) for observation in observations}
    with audit_context(job="intake", reason="observed usage"):
        resolutions_by_names = resolver.find(names_by_pk.values())
        resolutions = {
            observation.pk: resolutions_by_names[names_by_pk[observation.pk]]
            for observation in observations
        }
        resolutions |= infer_hosts(observations, resolutions, on=day_of(at))
        resolved_observations = [
            observation
            for observation in observations
            if _apply_resolution(observation, resolutions[observation.pk])
        ]
        new_dependencies = _join_dependencies(resolved_observations, resolver, tally, at=at)
    for observation in observations:
        tally[observation.state] += 1
    update_rows(
        Observation,
        {
            observation.pk: {
                "state": observation.state,
                "explanation": observation.explanation,
                "offering_id": observation.offering_id,
                "served_version_id": observation.served_version_id,
                "dependency_id": observation.dependency_id,
            }
            for observation in observations
        },
    )
    return tally, new_dependencies


def _observed_names(observation: Observation) -> ObservedNames:
    return ObservedNames(
        observation.stream,
        observation.provider,
        observation.requested,
        observation.served,
        observation.region,
        observation.confidence,
        str(observation.facts.get("base_model", "")),
        observation.application_id,
    )


def _apply_resolution(observation: Observation, resolution: NameResolution) -> bool:
    """Write the resolution into the observation; return whether it has an application and an
    offering."""
    observation.explanation = resolution.why
    observation.offering_id = resolution.offering
    observation.served_version_id = resolution.served_version
    if resolution.is_set_aside:
        observation.state = Observation.State.SET_ASIDE
    elif observation.application_id is None:
        observation.state = Observation.State.UNCLAIMED
        observation.explanation = "This service is not linked to an application yet."
    elif resolution.offering is None:
        observation.state = Observation.State.UNRESOLVED
    else:
        return True
    observation.dependency_id = None
    return False


def _join_dependencies(
    observations: list[Observation], resolver: NameResolver, tally: Counter[str], *, at: datetime
) -> list[Dependency]:
    """Assign resolved observations to dependencies; create those that are missing, and return
    them."""
    today = day_of(at)
    application_ids = {
        observation.application_id
        for observation in observations
        if observation.application_id is not None
    }
    # concurrent changes of these applications wait, or are already visible below
    status_by_application = dict(
        Application.objects.select_for_update()
        .filter(pk__in=application_ids)
        .order_by("pk")
        .values_list("pk", "status")
    )
    merged_into = dict(
        Application.objects.filter(pk__in=application_ids, merged_into__isnull=False).values_list(
            "pk", "merged_into_id"
        )
    )
    offerings = {
        offering.pk: offering
        for offering in Offering.objects.filter(
            pk__in={observation.offering_id for observation in observations}
        ).only("pk", "api_id", "host_id", "version_id", "alias_id", "category")
    }
    live_dependencies = _live_dependencies(application_ids, today)
    ids_of_names = _model_ids_of_names(live_dependencies)
    past_dependencies = _past_dependencies(application_ids, offerings, today)
    can_create = IntakeSettings.objects.get(pk=1).declares_shadows
    new_dependencies: dict[tuple[int, int, str], Dependency] = {}
    last_observed_on: dict[int, date] = {}
    for observation in observations:
        assert observation.application_id is not None
        assert observation.offering_id is not None
        if (
            observation.application_id in merged_into
            or status_by_application.get(observation.application_id) == Application.Status.RETIRED
        ):
            observation.state, observation.dependency_id = Observation.State.OUT_OF_USE, None
            continue
        observation.state = Observation.State.MATCHED
        offering = offerings[observation.offering_id]
        dependency = _find_same_use(
            live_dependencies[observation.application_id], offering, observation.role, ids_of_names
        )
        past_dependency = past_dependencies.get(
            (observation.application_id, observation.offering_id)
        )
        if (
            dependency is None
            and past_dependency is not None
            and past_dependency.until
            and day_of(observation.last_seen_at) < past_dependency.until
        ):
            # the last observation is from before the dependency ended
            dependency = past_dependency
        if dependency is None and observation.missing_since is None and can_create:
            key = (observation.application_id, observation.offering_id, observation.role)
            dependency = new_dependencies.get(key) or _build_dependency(
                observation, offering, resolver
            )
            new_dependencies[key] = dependency
        elif dependency is None:
            observation.dependency_id = None
            continue
        day = day_of(observation.last_seen_at)
        observation.dependency = dependency
        if dependency.pk:
            if dependency.last_observed_on is None or dependency.last_observed_on < day:
                last_observed_on[dependency.pk] = max(day, last_observed_on.get(dependency.pk, day))
        else:
            began_on = min(dependency.since, day_of(observation.first_seen_at))
            # the period before belongs to the dependency that ended
            dependency.since = (
                max(began_on, past_dependency.until)
                if past_dependency is not None and past_dependency.until
                else began_on
            )
            dependency.last_observed_on = max(dependency.last_observed_on or day, day)
    Dependency.objects.bulk_create(new_dependencies.values())
    for observation in observations:
        if observation.state == Observation.State.MATCHED and observation.dependency is not None:
            observation.dependency_id = observation.dependency.pk
    with pgtrigger.ignore(*_TRIGGERS_WITHOUT_HISTORY):
        update_rows(
            Dependency, {pk: {"last_observed_on": day} for pk, day in last_observed_on.items()}
        )
    tally["created"] += len(new_dependencies)
    tally["updated"] += len(last_observed_on)
    return list(new_dependencies.values())


def _live_dependencies(applications: Iterable[int], today: date) -> dict[int, list[Dependency]]:
    """Return {application id: active dependencies on `today`}, declared before observed, primary
    models before others."""
    dependencies_by_application: dict[int, list[Dependency]] = defaultdict(list)
    rows = (
        Dependency.objects.filter(application__in=list(applications), since__lte=today)
        .exclude(until__lte=today)
        .select_related("offering")
        .order_by("pk")
    )
    for dependency in rows:
        dependencies_by_application[dependency.application_id].append(dependency)
    for dependencies in dependencies_by_application.values():
        dependencies.sort(
            key=lambda dependency: (
                dependency.origin != Dependency.Origin.DECLARED,
                dependency.role != Dependency.Role.PRIMARY,
                dependency.pk,
            )
        )
    return dependencies_by_application


def _model_ids_of_names(
    dependencies: Mapping[int, Sequence[Dependency]],
) -> dict[int, frozenset[int]]:
    """Return {name: the model IDs that it may be} of the names among the dependencies; one
    statement if there are any."""
    names = {
        row.offering_id
        for rows in dependencies.values()
        for row in rows
        if row.offering.kind == OfferingKind.NAME
    }
    if not names:
        return {}
    return {pk: frozenset(ids) for pk, ids in known_model_ids(names).items()}


def _past_dependencies(
    applications: Iterable[int], offerings: Iterable[int], today: date
) -> dict[tuple[int, int], Dependency]:
    """Return {(application id, offering id): the dependency that ended last}."""
    rows = Dependency.objects.filter(
        application__in=list(applications), offering__in=list(offerings), until__lte=today
    ).order_by("until", "pk")
    return {(row.application_id, row.offering_id): row for row in rows}


def _find_same_use(
    dependencies: list[Dependency],
    offering: Offering,
    role: str,
    ids_of_names: Mapping[int, frozenset[int]],
) -> Dependency | None:
    """Return the dependency that an observation belongs to: on the same offering, on another ID of
    the same model at the same host, or on a name that the model ID may answer."""
    dependencies_of_role = [
        dependency for dependency in dependencies if not role or dependency.role == role
    ]
    # a fallback is a separate dependency, even if the model is also used in another role
    for candidates in (
        (dependencies_of_role,)
        if role == Dependency.Role.FALLBACK
        else (dependencies_of_role, dependencies)
    ):
        for dependency in candidates:
            if dependency.offering_id == offering.pk:
                return dependency
    for dependency in (
        dependencies_of_role
        if role == Dependency.Role.FALLBACK
        else dependencies_of_role or dependencies
    ):
        dependency_offering = dependency.offering
        is_same_version = (
            offering.version_id is not None
            and dependency_offering.version_id == offering.version_id
        )
        is_same_alias = (
            offering.alias_id is not None and dependency_offering.alias_id == offering.alias_id
        )
        if dependency_offering.host_id == offering.host_id and (is_same_version or is_same_alias):
            return dependency
        if offering.pk in ids_of_names.get(dependency.offering_id, ()):
            return dependency
    return None


def _build_dependency(
    observation: Observation, offering: Offering, resolver: NameResolver
) -> Dependency:
    """Return the unsaved dependency that an observation shows. Its application must be known.
    Without a reported role, the category of the offering decides, else it is the primary model."""
    assert observation.application_id is not None
    gateway = resolver.gateway(observation.gateway)
    is_through_gateway = gateway is not None and gateway != offering.host_id
    return Dependency(
        application_id=observation.application_id,
        offering=offering,
        role=observation.role or _role_of_category(offering.category) or Dependency.Role.PRIMARY,
        fallback_order=observation.fallback_order,
        reached=Dependency.Reached.GATEWAY if is_through_gateway else Dependency.Reached.DIRECT,
        via_party_id=gateway if is_through_gateway else None,
        # the configuration of a gateway is a declaration by its operator
        origin=Dependency.Origin.DECLARED
        if observation.confidence == Confidence.GATEWAY_CONFIG
        else Dependency.Origin.OBSERVED,
        since=day_of(observation.first_seen_at),
        last_observed_on=day_of(observation.last_seen_at),
    )


def _role_of_category(category: str) -> str:
    if category.startswith("embed"):
        return Dependency.Role.EMBEDDING
    if category.startswith("rerank"):
        return Dependency.Role.RERANKER
    return Dependency.Role.GUARDRAIL if category.startswith("moderation") else ""
