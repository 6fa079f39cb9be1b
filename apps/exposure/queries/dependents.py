"""Dependents: queries that join the upstream nodes of the catalogue with the dependencies of
applications.

Every function takes its day. A dependency is active if its application is in pilot or production
and since <= day < until. Functions without a `user` do not check the reader: callers add
`visible_to(user)`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import BigIntegerField, Exists, F, OuterRef, Q
from django.db.models.expressions import RawSQL

from apps.catalog.identity.agreed_models import AgreedModel, agreed_models
from apps.catalog.models import (
    DateKind,
    Footing,
    Foundation,
    Lifecycle,
    NodeKind,
    Offering,
    OfferingKind,
    Provider,
    ProviderEvent,
    Version,
)
from apps.catalog.retirements.due import due_text
from apps.common.database.statements import load_statement
from apps.inventory.models import Application, ApplicationQuerySet, Dependency, DependencyQuerySet
from apps.inventory.runway import runways as primary_runways

# events about the retirement of an offering
LIFECYCLE_KINDS: tuple[str, ...] = (
    ProviderEvent.Kind.ANNOUNCED,
    ProviderEvent.Kind.MOVED_EARLIER,
    ProviderEvent.Kind.MOVED_LATER,
    ProviderEvent.Kind.WITHDRAWN,
    ProviderEvent.Kind.RETIRED,
    ProviderEvent.Kind.DELISTED,
)

REACHED_OFFERINGS = load_statement("exposure", "reached_offerings")

# The event's source has a separate row for offering o, which has events of its own.
HAS_OWN_CLAIM = """EXISTS (
    SELECT 1 FROM catalog_assertion own
    LEFT JOIN catalog_assertion row ON row.source_id = own.source_id
        AND row.external_id = own.external_id
      AND row.topic = 'identity'
    WHERE own.offering_id = o.id AND own.source_id = e.source_id AND own.withdrawn_at IS NULL
      AND row.withdrawn_at IS NULL
      AND CASE WHEN e.kind = 'repriced' THEN own.topic = 'price'
               ELSE own.topic = 'lifecycle' AND own.value ->> 'retires_on' IS NOT NULL END)"""


def reached_offerings_sql(events: str) -> str:
    """Return `REACHED_OFFERINGS` for the events of the SQL condition `events` on `e`, which is
    never user input."""
    kinds = ", ".join(f"'{kind}'" for kind in sorted(str(kind) for kind in LIFECYCLE_KINDS))
    return REACHED_OFFERINGS.format(
        events=events, lifecycle_kinds=f"({kinds})", told_itself=HAS_OWN_CLAIM
    )


def affected_dependencies(*, event: ProviderEvent, on: date) -> DependencyQuerySet:
    """Return live dependencies, in every role, on an offering that the event affects. An event on
    offering X affects

    - X itself, and offerings that are redirected to it today;
    - if the event is about X's retirement (announced, moved, withdrawn, retired, delisted): rows of
      the same name on the same host, and offerings on that host that depend on X's version directly
      or by its weights: other names of the snapshot, its regional rows, fine-tunes served there. An
      event on a row of one region affects only rows of that region; a service tier does not narrow
      it. If X is an alias, only rows of that name: its retirement does not retire the release it
      points to today.
    - if the event is a new price: offerings on the host that depend directly on X's version in the
      same region and tier, since they are the same product under another name. An alias has its own
      price.
    - for any other event: only X.

    An event on a feature affects the dependencies that use it.

    An offering for which the same source has a separate row (with a date, or with a price) is
    affected only by the events of that row: 40 regional rows of one release notify a team once, not
    40 times.
    """
    reached_ids = RawSQL(  # noqa: S611
        f"SELECT offering_id FROM ({reached_offerings_sql('e.id = %s')}) reached",
        [event.pk, event.pk, event.pk],
    )
    live = Dependency.objects.live_on(on)
    if event.offering is not None and event.offering.is_feature:
        return live.using_features([event.offering.pk])
    return live.filter(offering_id__in=reached_ids)


# Offerings that retire with those of %s. An offering with another date of its own does not, where
# the date of the retirement is given. Node kinds 1 offering, 2 version; via 0 direct, 2 weights.
_RETIRING_WITH = """
SELECT f.offering_id
FROM catalog_node n JOIN catalog_footing f ON f.node_id = n.id
JOIN catalog_offering x ON x.id = n.ref
JOIN catalog_offering o ON o.id = f.offering_id
WHERE n.kind = node_kind('offering') AND n.ref = ANY (%s)
  -- a name that may be one of them retires with it if its date decides
  AND (f.via = 0 OR o.retires_on = x.retires_on)
UNION
SELECT reached.id FROM (
    SELECT o.id, o.retires_on
    FROM catalog_offering x
    JOIN catalog_offering o ON o.host_id = x.host_id AND o.api_id = x.api_id
        AND (x.region_scope = '' OR o.region_scope = x.region_scope)
        AND (x.service_tier <> 'fine-tuned' OR o.service_tier = 'fine-tuned')
    WHERE x.id = ANY (%s) AND x.kind NOT IN ('feature', 'endpoint', 'parameter')
    UNION
    SELECT o.id, o.retires_on
    FROM catalog_offering x
    LEFT JOIN catalog_alias a ON a.id = x.alias_id
    JOIN catalog_node n ON n.kind = node_kind('version') AND n.ref = x.version_id
    JOIN catalog_footing f ON f.node_id = n.id AND f.via IN (0, 2)
    JOIN catalog_offering o ON o.id = f.offering_id AND o.host_id = x.host_id
        AND (x.region_scope = '' OR o.region_scope = x.region_scope)
        AND (x.service_tier <> 'fine-tuned' OR o.service_tier = 'fine-tuned')
    WHERE x.id = ANY (%s) AND NOT (CASE WHEN a.id IS NULL THEN x.binding = 'alias'
        ELSE a.kind <> 'synonym' END)
) reached
WHERE %s::date IS NULL OR reached.id = ANY (%s)
   OR reached.retires_on IS NULL OR reached.retires_on = %s::date
"""


def retiring_dependencies(
    *, offering_ids: Collection[int], on: date, retires_on: date | None = None
) -> DependencyQuerySet:
    """Return active dependencies, in every role, that must migrate when these offerings retire.

    As `affected_dependencies` for an announced retirement, with everything that retires with them
    on their hosts. `retires_on` None includes offerings with a date of their own, which have a row
    in a source; with a day, those with another date are left out.
    """
    ids = sorted(offering_ids)
    reached_ids = RawSQL(  # noqa: S611
        _RETIRING_WITH, [ids, ids, ids, retires_on, ids, retires_on]
    )
    return Dependency.objects.live_on(on).filter(offering_id__in=reached_ids)


def affected_applications(*, event: ProviderEvent, on: date) -> ApplicationQuerySet:
    """Return applications with an affected dependency, most critical first.

    The annotation `affected_primary` is true if one of those is a primary model; otherwise the
    application uses it in a supporting role.
    """
    affected = affected_dependencies(event=event, on=on)
    return (
        Application.objects.filter(pk__in=affected.values("application_id"))
        .annotate(affected_primary=Exists(affected.primary().filter(application=OuterRef("pk"))))
        .select_related("team")
        .order_by("criticality", "pk")
    )


def applications_on_node(*, kind: NodeKind, ref: int, on: date) -> ApplicationQuerySet:
    """Return applications with an active dependency, in any role and by any relationship, on the
    node; most critical first.

    The annotation `stands` is true if one of those is a primary model; otherwise the application
    uses it in a supporting role. Gateways and vendors are also reached by a dependency's own
    `via_party` and its corporate parents.
    """
    on_node = Q(
        offering__in=Footing.objects.filter(node__kind=kind, node__ref=ref).values("offering_id")
    )
    if kind in {NodeKind.GATEWAY, NodeKind.VENDOR}:
        reached = (
            Dependency.Reached.GATEWAY if kind == NodeKind.GATEWAY else Dependency.Reached.EMBEDDED
        )
        on_node |= Q(reached=reached, via_party__in=_with_subsidiaries(ref))
    live = Dependency.objects.live_on(on).filter(on_node)
    return (
        Application.objects.filter(pk__in=live.values("application_id"))
        .annotate(stands=Exists(live.primary().filter(application=OuterRef("pk"))))
        .select_related("team")
        .order_by("criticality", "pk")
    )


def _with_subsidiaries(provider_id: int) -> RawSQL:
    return RawSQL(
        """
SELECT provider_id FROM provider_ancestor WHERE ancestor_id = %s""",
        [provider_id],
        output_field=BigIntegerField(),
    )


@dataclass(frozen=True, slots=True)
class RetirementCountdown:
    """The retirement of an offering, counted from a day.

    `days_left` is negative once past, None if no date is known. With `at_least` the date is the
    earliest retirement: it might be later, and a past date counts as 0, since it retired nothing.
    """

    days_left: int | None
    at_least: bool


def retirement_countdown(offering: Offering, on: date) -> RetirementCountdown:
    at_least = offering.date_kind == DateKind.NOT_BEFORE
    days = offering.days_left(on)
    if days is None:
        return RetirementCountdown(
            days_left=0 if offering.lifecycle == Lifecycle.RETIRED else None, at_least=False
        )
    return RetirementCountdown(days_left=max(days, 0) if at_least else days, at_least=at_least)


@dataclass(frozen=True, slots=True)
class Runway:
    """An active primary model with a retirement. `offering` is the one served today, redirects
    followed.

    `runway` is days left minus `effort_days`, which the last exit test took (`basis` test) or the
    plan estimates; all three are None while unknown.
    """

    application: Application
    dependency: Dependency
    offering: Offering
    days_left: int
    at_least: bool
    retires_on: date | None
    replacement: Offering | None
    effort_days: Decimal | None = None
    basis: str | None = None
    runway: Decimal | None = None


def runways(*, user: Any, on: date, limit: int | None = None) -> list[Runway]:
    """Return active primary models with a retirement, most urgent first, by the rule of
    inventory/runway.py; three statements for any number.

    `limit` None loads them all. Primary models on a deprecated offering without a date are not
    included: they come last.
    """
    if not user.is_authenticated or not user.is_active:
        return []
    team_ids = None if user.can_read_all else list(user.team_roles())
    dated_runways = [
        row
        for row in primary_runways(on=on, team_ids=team_ids, limit=limit)
        if row.days_left is not None
    ]
    dependencies = _select_stack(
        Dependency.objects.filter(pk__in=[row.dependency_id for row in dated_runways])
    ).in_bulk()
    offerings = _load_offerings({row.offering_id for row in dated_runways})
    return [
        Runway(
            application=dependencies[row.dependency_id].application,
            dependency=dependencies[row.dependency_id],
            offering=offerings[row.offering_id],
            days_left=row.days_left or 0,
            at_least=row.at_least,
            retires_on=row.retires_on,
            replacement=offerings[row.offering_id].replacement,
            effort_days=row.effort_days,
            basis=row.basis,
            runway=row.runway,
        )
        for row in dated_runways
    ]


@dataclass(frozen=True, slots=True)
class StackRow:
    """One dependency from the application down. `offering` is the one called, `answering` the one
    served today.

    The layers below are those of `answering`; None if it is unresolved. Of a name or product they
    are those on which all its candidates agree.
    """

    dependency: Dependency
    offering: Offering
    answering: Offering
    version: Version | None
    foundation: Foundation | None
    developer: Provider | None
    host: Provider
    days_left: int | None
    at_least: bool

    @property
    def is_due(self) -> bool:
        """Whether the announced date of the model has come and its source has not confirmed the
        retirement yet."""
        if self.answering.retires_on is None or self.days_left is None or self.at_least:
            return False
        return self.days_left <= 0 and self.answering.lifecycle != Lifecycle.RETIRED

    @property
    def due_text(self) -> str:
        """Return what is known of a date that has come, such as "due today, still listed by its
        host"."""
        retires_on = self.answering.retires_on
        assert retires_on is not None
        today = retires_on - timedelta(days=self.days_left or 0)
        return due_text(retires_on, self.answering.due_status, today)


def application_stack(*, application: Application, on: date) -> list[StackRow]:
    """Return the dependencies of the application on that day, in any status: primary models first;
    three statements, and three more for names of several versions."""
    stack_query = _select_stack(
        Dependency.objects.filter(
            Q(until__isnull=True) | Q(until__gt=on), application=application, since__lte=on
        )
    ).order_by(
        models.Case(
            models.When(role=Dependency.Role.PRIMARY, then=0),
            models.When(role="fallback", then=1),
            default=2,
        ),
        "fallback_order",
        F("traffic_share").desc(nulls_last=True),
        "pk",
    )
    dependencies = list(stack_query)
    effective_ids = _effective_offering_ids([dependency.offering_id for dependency in dependencies])
    offerings = _load_offerings(set(effective_ids.values()))
    agreed = agreed_models([pk for pk, row in offerings.items() if _is_open_name(row)])
    rows = []
    for dependency in dependencies:
        effective_offering = offerings[effective_ids[dependency.offering_id]]
        version = effective_offering.version
        end = retirement_countdown(effective_offering, on)
        common = agreed.get(effective_offering.pk, AgreedModel(None, None))
        rows.append(
            StackRow(
                dependency=dependency,
                offering=dependency.offering,
                answering=effective_offering,
                version=version,
                foundation=version.foundation if version else common.foundation,
                developer=version.foundation.developer if version else common.developer,
                host=effective_offering.host,
                days_left=end.days_left,
                at_least=end.at_least,
            )
        )
    return rows


def _is_open_name(offering: Offering) -> bool:
    return offering.is_named and offering.version_id is None


_OFFERING_RELATIONS = (
    "host",
    "gateway",
    "alias",
    "version__foundation__developer",
    "replacement__host",
)


def _select_stack(dependencies: DependencyQuerySet) -> DependencyQuerySet:
    return dependencies.select_related(
        "application__team",
        "via_party",
        *(f"offering__{relation}" for relation in _OFFERING_RELATIONS),
    )


def _load_offerings(ids: Collection[int]) -> dict[int, Offering]:
    return Offering.objects.select_related(*_OFFERING_RELATIONS).in_bulk(ids)


def _effective_offering_ids(offering_ids: Collection[int]) -> dict[int, int]:
    """Return {offering: the offering served in its place today, itself unless redirected}."""
    effective_ids = {offering_id: offering_id for offering_id in offering_ids}
    redirects = (
        Footing.objects.filter(
            offering_id__in=effective_ids,
            # a name depends on its model IDs, but is not redirected to them
            offering__kind=OfferingKind.MODEL_ID,
            node__kind=NodeKind.OFFERING,
        )
        .exclude(node__ref=F("offering_id"))
        .values_list("offering_id", "node__ref")
    )
    effective_ids.update(redirects)
    return effective_ids
