"""Reconciliation of observations with the inventory: each becomes part of a dependency, or records
why it cannot.

Nothing here ends or deletes a dependency. Use that is observed but not declared becomes a
dependency that is `observed` until a user confirms it; use that is declared and observed gets its
last day. Every pass works through what waits, in blocks, each in a transaction of its own, so that
it may be interrupted and run twice."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from uuid import UUID

import pgtrigger
from django.db import connection, transaction

from apps.catalog.models import Offering
from apps.common.database.bulk_writes import update_rows
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.intake.models import Confidence, IntakeSettings, Observation
from apps.intake.observations.host_inference import infer_hosts, reopen_names_without_host
from apps.intake.observations.name_resolution import NameResolution, NameResolver, ObservedNames
from apps.inventory.models import Application, Dependency

RECONCILE_BATCH_SIZE = 2_000
# advisory: two passes at once would both add what neither has seen
RECONCILE_LOCK = 7_305_114_502
# the last day of being seen is no decision and nothing is derived from it: neither history nor
# exposure are told
_TRIGGERS_WITHOUT_HISTORY = (
    "inventory.Dependency:update_update",
    "inventory.Dependency:dependency_changed_by_update",
)


def reconcile_waiting(
    *, at: datetime, namer: NameResolver | None = None, keys: Collection[UUID] | None = None
) -> Counter[str]:
    """Process every waiting observation, or those of `keys`; return dependencies and observations
    by outcome.

    Inside a user's change only its own observations: everything else that waits would be undone
    with it."""
    tally: Counter[str] = Counter()
    own = None if keys is None else set(keys)
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RECONCILE_LOCK])
            asked = Observation.objects.waiting()
            if own is not None:
                asked = asked.filter(key__in=own)
            waiting = list(asked.order_by("pk")[:RECONCILE_BATCH_SIZE])
            if not waiting:
                return tally
            namer = namer or NameResolver()
            done, new = _reconcile_batch(waiting, namer, at=at)
            tally += done
            reopened = reopen_names_without_host(new)
            if own is not None:
                own.update(reopened)


def reopen_observations(observations: Iterable[int]) -> int:
    """Queue these observations again: a name or a service was decided, a dismissal undone."""
    return Observation.objects.filter(pk__in=list(observations)).update(state=Observation.State.NEW)


def _reconcile_batch(
    waiting: list[Observation], namer: NameResolver, *, at: datetime
) -> tuple[Counter[str], list[Dependency]]:
    """Return the outcome of each observation, and the new dependencies."""
    tally: Counter[str] = Counter()
    names = {each.pk: _names(each) for each in waiting}
    with audit_context(job="intake", reason="observed usage"):
        named = namer.find(names.values())
        found = {each.pk: named[names[each.pk]] for each in waiting}
        found |= infer_hosts(waiting, found, on=day_of(at))
        known = [each for each in waiting if _apply_resolution(each, found[each.pk])]
        new = _join_dependencies(known, namer, tally, at=at)
    for each in waiting:
        tally[each.state] += 1
    update_rows(
        Observation,
        {
            each.pk: {
                "state": each.state,
                "explanation": each.explanation,
                "offering_id": each.offering_id,
                "served_version_id": each.served_version_id,
                "dependency_id": each.dependency_id,
            }
            for each in waiting
        },
    )
    return tally, new


def _names(each: Observation) -> ObservedNames:
    return ObservedNames(
        each.stream,
        each.provider,
        each.requested,
        each.served,
        each.region,
        each.confidence,
        str(each.facts.get("base_model", "")),
        each.application_id,
    )


def _apply_resolution(each: Observation, found: NameResolution) -> bool:
    """Write the resolution into the row; True if it belongs to an application and has an
    offering."""
    each.explanation = found.why
    each.offering_id = found.offering
    each.served_version_id = found.served_version
    if found.is_set_aside:
        each.state = Observation.State.SET_ASIDE
    elif each.application_id is None:
        each.state = Observation.State.UNCLAIMED
        each.explanation = "This service is not linked to an application yet."
    elif found.offering is None:
        each.state = Observation.State.UNRESOLVED
    else:
        return True
    each.dependency_id = None
    return False


def _join_dependencies(
    known: list[Observation], namer: NameResolver, tally: Counter[str], *, at: datetime
) -> list[Dependency]:
    today = day_of(at)
    ids = {each.application_id for each in known if each.application_id is not None}
    # whoever changes one of these applications waits, or is seen below
    status = dict(
        Application.objects.select_for_update()
        .filter(pk__in=ids)
        .order_by("pk")
        .values_list("pk", "status")
    )
    merged = dict(
        Application.objects.filter(pk__in=ids, merged_into__isnull=False).values_list(
            "pk", "merged_into_id"
        )
    )
    offerings = {
        offering.pk: offering
        for offering in Offering.objects.filter(pk__in={each.offering_id for each in known}).only(
            "pk", "api_id", "host_id", "version_id", "alias_id", "category"
        )
    }
    live = _live_dependencies(ids, today)
    past = _past_dependencies(ids, offerings, today)
    declares = IntakeSettings.objects.get(pk=1).declares_shadows
    new: dict[tuple[int, int, str], Dependency] = {}
    seen_on: dict[int, date] = {}
    for each in known:
        assert each.application_id is not None
        assert each.offering_id is not None
        if (
            each.application_id in merged
            or status.get(each.application_id) == Application.Status.RETIRED
        ):
            each.state, each.dependency_id = Observation.State.OUT_OF_USE, None
            continue
        each.state = Observation.State.MATCHED
        offering = offerings[each.offering_id]
        dependency = _same_use(live[each.application_id], offering, each.role)
        ended = past.get((each.application_id, each.offering_id))
        if (
            dependency is None
            and ended is not None
            and ended.until
            and day_of(each.last_seen_at) < ended.until
        ):
            # it was seen while it was still in use, and not since
            dependency = ended
        if dependency is None and each.missing_since is None and declares:
            key = (each.application_id, each.offering_id, each.role)
            dependency = new.get(key) or _new_dependency(each, offering, namer)
            new[key] = dependency
        elif dependency is None:
            each.dependency_id = None
            continue
        day = day_of(each.last_seen_at)
        each.dependency = dependency
        if dependency.pk:
            if dependency.last_observed_on is None or dependency.last_observed_on < day:
                seen_on[dependency.pk] = max(day, seen_on.get(dependency.pk, day))
        else:
            begins = min(dependency.since, day_of(each.first_seen_at))
            # what was in use before, and ended, has a row of its own
            dependency.since = (
                max(begins, ended.until) if ended is not None and ended.until else begins
            )
            dependency.last_observed_on = max(dependency.last_observed_on or day, day)
    Dependency.objects.bulk_create(new.values())
    for each in known:
        if each.state == Observation.State.MATCHED and each.dependency is not None:
            each.dependency_id = each.dependency.pk
    with pgtrigger.ignore(*_TRIGGERS_WITHOUT_HISTORY):
        update_rows(Dependency, {pk: {"last_observed_on": day} for pk, day in seen_on.items()})
    tally["created"] += len(new)
    tally["updated"] += len(seen_on)
    return list(new.values())


def _live_dependencies(applications: Iterable[int], today: date) -> dict[int, list[Dependency]]:
    """Return {application: its dependencies in use today}, declared before observed, primary before
    others."""
    found: dict[int, list[Dependency]] = defaultdict(list)
    rows = (
        Dependency.objects.filter(application__in=list(applications), since__lte=today)
        .exclude(until__lte=today)
        .select_related("offering")
        .order_by("pk")
    )
    for dependency in rows:
        found[dependency.application_id].append(dependency)
    for dependencies in found.values():
        dependencies.sort(
            key=lambda each: (
                each.origin != Dependency.Origin.DECLARED,
                each.role != Dependency.Role.PRIMARY,
                each.pk,
            )
        )
    return found


def _past_dependencies(
    applications: Iterable[int], offerings: Iterable[int], today: date
) -> dict[tuple[int, int], Dependency]:
    """Return {(application, offering): its dependency that ended last}."""
    rows = Dependency.objects.filter(
        application__in=list(applications), offering__in=list(offerings), until__lte=today
    ).order_by("until", "pk")
    return {(row.application_id, row.offering_id): row for row in rows}


def _same_use(live: list[Dependency], offering: Offering, role: str) -> Dependency | None:
    """Return the dependency that was observed: on the same offering, or on another id of the same
    model at the same host."""
    asked = [each for each in live if not role or each.role == role]
    # what stands behind something else is a use of its own, whatever else the same model is used
    # for
    for candidates in (asked,) if role == Dependency.Role.FALLBACK else (asked, live):
        for each in candidates:
            if each.offering_id == offering.pk:
                return each
    for each in asked if role == Dependency.Role.FALLBACK else asked or live:
        other = each.offering
        same_version = offering.version_id is not None and other.version_id == offering.version_id
        same_alias = offering.alias_id is not None and other.alias_id == offering.alias_id
        if other.host_id == offering.host_id and (same_version or same_alias):
            return each
    return None


def _new_dependency(each: Observation, offering: Offering, namer: NameResolver) -> Dependency:
    assert each.application_id is not None
    gateway = namer.gateway(each.gateway)
    through = gateway is not None and gateway != offering.host_id
    return Dependency(
        application_id=each.application_id,
        offering=offering,
        role=each.role or _role(offering.category) or Dependency.Role.PRIMARY,
        fallback_order=each.fallback_order,
        reached=Dependency.Reached.GATEWAY if through else Dependency.Reached.DIRECT,
        via_party_id=gateway if through else None,
        # a gateway's configuration is somebody's word, not something overheard
        origin=Dependency.Origin.DECLARED
        if each.confidence == Confidence.GATEWAY_CONFIG
        else Dependency.Origin.OBSERVED,
        since=day_of(each.first_seen_at),
        last_observed_on=day_of(each.last_seen_at),
    )


def _role(category: str) -> str:
    if category.startswith("embed"):
        return Dependency.Role.EMBEDDING
    if category.startswith("rerank"):
        return Dependency.Role.RERANKER
    return Dependency.Role.GUARDRAIL if category.startswith("moderation") else ""
