"""Data for scorecards, read set-based: a fixed number of statements for any number of
candidates."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from apps.catalog.claims.reconciliation import standing_claims
from apps.catalog.ingestion.change_detection.records import LIFECYCLE
from apps.catalog.models import Assertion, Foundation, Offering, Provider, ProviderEvent
from apps.catalog.providers.earliest_retirement import PublishedMinimum
from apps.catalog.providers.track_record import ModelRetirement, TrackRecord, measure_track_record

# queries of the parts of a track record; provider_record reads one provider at a time
from apps.catalog.providers.track_record_queries import (
    DATE_EVENT_KINDS,
    build_retirement,
    find_first_seen_days,
    merge_names,
    policies_by_provider,
)
from apps.common.database.statements import compose_statement, load_statement
from apps.common.time import start_of
from apps.exposure.diligence.offering_facts import (
    OfferingFacts,
    load_offering_facts,
    serving_offerings,
)
from apps.exposure.models import ExposureSettings
from apps.feeds.outage_records import OutageRecord, outage_records
from apps.inventory.governance.contracts import contracts_by_party
from apps.inventory.models import AnnexItem, Contract, Dependency

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    """Price changes of the last year, recorded prices and the first day of recording; retired
    offerings and announced retirements, each release counted once."""

    n_price_moves: int = 0
    n_priced: int = 0
    read_since: datetime | None = None
    n_ended: int = 0
    n_ending: int = 0
    next_end_on: date | None = None


@dataclass(frozen=True, slots=True)
class DependentCounts:
    """Applications with a live primary on the candidate, and those with a tested exit for all of
    these primaries."""

    n_applications: int = 0
    n_with_exit: int = 0


@dataclass(frozen=True, slots=True)
class IndependentHost:
    """An independent party that serves a foundation: the top parent company, and one of its
    hosts."""

    name: str
    provider_ids: tuple[int, ...]


@dataclass(slots=True)
class ScorecardData:
    foundations: list[Foundation]
    providers: dict[int, Provider]
    hosts: Mapping[int, tuple[IndependentHost, ...]]
    records: Mapping[int, TrackRecord]
    policies: Mapping[int, Sequence[PublishedMinimum]]
    contracts: Mapping[int, Sequence[Contract]]
    annex: Mapping[int, Sequence[AnnexItem]]
    change_counts: Mapping[tuple[str, int], ChangeCounts]
    dependents: Mapping[tuple[str, int], DependentCounts]
    foundations_by_developer: dict[int, list[Foundation]] = field(default_factory=dict)
    # of the compared foundations and offerings, and of their hosts and developers
    served: Mapping[int, Sequence[OfferingFacts]] = field(default_factory=dict)
    offerings: Mapping[int, OfferingFacts] = field(default_factory=dict)
    outages: Mapping[int, OutageRecord] = field(default_factory=dict)


def load_scorecard_data(
    *,
    foundations: Collection[int],
    providers: Collection[int],
    offerings: Collection[int] = (),
    user: Any,
    on: date,
) -> ScorecardData:
    """Load the facts of these foundations, providers and offerings, and of the foundations that the
    providers develop, in a fixed number of statements. Hosts of the offerings are providers."""
    rows = list(
        Foundation.objects.filter(Q(pk__in=list(foundations)) | Q(developer__in=list(providers)))
        .select_related("developer__parent")
        .order_by("name", "pk")
    )
    compared_offerings = {
        row.pk: row
        for row in Offering.objects.select_related("host", "version__foundation").filter(
            pk__in=list(offerings)
        )
    }
    served = serving_offerings(foundations, on=on)
    facts = load_offering_facts(
        [*compared_offerings.values(), *(row for rows in served.values() for row in rows)], on=on
    )
    parties = Provider.objects.select_related("parent").in_bulk(
        {
            *providers,
            *(row.developer_id for row in rows if row.pk in set(foundations)),
            *(row.host_id for row in compared_offerings.values()),
        }
    )
    hosts = _independent_hosts([row.pk for row in rows], on)
    host_ids = {
        pk
        for row in rows
        if row.pk in set(foundations)
        for host in hosts[row.pk]
        for pk in host.provider_ids
    }
    foundations_by_developer: dict[int, list[Foundation]] = defaultdict(list)
    for row in rows:
        foundations_by_developer[row.developer_id].append(row)
    policies = policies_by_provider(parties)
    annex: dict[int, list[AnnexItem]] = defaultdict(list)
    for item in AnnexItem.objects.visible_to(user).filter(foundation__in=[row.pk for row in rows]):
        annex[item.foundation_id].append(item)
    return ScorecardData(
        foundations=rows,
        providers=parties,
        hosts=hosts,
        records=_measure_track_records(parties, policies),
        policies=policies,
        contracts=contracts_by_party(parties={*parties, *host_ids}, user=user),
        annex=annex,
        change_counts=_count_changes(foundations, providers, on),
        dependents=_count_dependents(foundations, providers, user, on),
        foundations_by_developer=foundations_by_developer,
        served={
            pk: [facts[row.pk] for row in served.get(pk, ())] for pk in dict.fromkeys(foundations)
        },
        offerings={pk: facts[pk] for pk in compared_offerings},
        outages=outage_records(parties),
    )


def _independent_hosts(
    foundations: Collection[int], on: date
) -> dict[int, tuple[IndependentHost, ...]]:
    """Return {foundation: the independent parties that serve it on that day}, by name.

    Hosts with the same ultimate parent company are one party. A foundation without a host has an
    empty tuple.
    """
    hosts_by_foundation: dict[int, list[IndependentHost]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            -- hosts with an offering of the foundation that is not retired on the day
            WITH serving AS (
                SELECT DISTINCT v.foundation_id, o.host_id
                FROM catalog_version v JOIN catalog_offering o ON o.version_id = v.id
                WHERE v.foundation_id = ANY (%(foundations)s) AND NOT o.not_a_model
                    AND o.kind = 'model_id' AND o.lifecycle <> 'retired'
                  -- an announced date that has passed; an earliest date ends nothing
                  AND NOT (o.date_kind = 'firm' AND o.retires_on <= %(day)s)
            ),
            -- a provider itself is at depth 0, so its deepest ancestor is its ultimate parent
            ultimate AS (
                SELECT DISTINCT ON (provider_id) provider_id AS id, ancestor_id AS top
                FROM provider_ancestor ORDER BY provider_id, depth DESC
            )
            SELECT s.foundation_id, p.name, array_agg(s.host_id ORDER BY s.host_id)
            FROM serving s JOIN ultimate u ON u.id = s.host_id
            JOIN catalog_provider p ON p.id = u.top
            GROUP BY s.foundation_id, p.id, p.name ORDER BY s.foundation_id, p.name
            """,
            {"foundations": list(foundations), "day": on},
        )
        for foundation_id, name, ids in cursor.fetchall():
            hosts_by_foundation[foundation_id].append(IndependentHost(name, tuple(ids)))
    return {pk: tuple(hosts_by_foundation[pk]) for pk in foundations}


def _measure_track_records(
    hosts: Mapping[int, Provider], policies: Mapping[int, Sequence[PublishedMinimum]]
) -> dict[int, TrackRecord]:
    """Return {host: its track record of announcements}, as provider_record measures it; five
    statements for all hosts."""
    events_by_host: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for event in (
        ProviderEvent.objects.filter(offering__host__in=list(hosts), kind__in=DATE_EVENT_KINDS)
        .order_by("detected_at", "pk")
        .values("pk", "kind", "offering_id", "old", "new", "detected_at", "offering__host_id")
    ):
        events_by_host[event["offering__host_id"]].append(event)
    offerings = list(
        Offering.objects.model_ids()
        .filter(host__in=list(hosts), date_kind="firm", retires_on__isnull=False, not_a_model=False)
        .select_related("version__foundation")
        .order_by("pk")
    )
    source_claims, _ = standing_claims([offering.pk for offering in offerings], LIFECYCLE)
    claims = (
        Assertion.objects.select_related("source")
        .only("external_id", "source_url", "source__slug", "source__name")
        .in_bulk(
            {
                source_claim.claim_id
                for claims_of_offering in source_claims.values()
                for source_claim in claims_of_offering
            }
            | {offering.lifecycle_claim_id for offering in offerings if offering.lifecycle_claim_id}
        )
    )
    seen_on_by_host = {host: find_first_seen_days(events_by_host[host]) for host in hosts}
    names: dict[tuple[int, str, date], list[ModelRetirement]] = defaultdict(list)
    for offering in offerings:
        end = build_retirement(
            hosts[offering.host_id],
            offering,
            source_claims.get(offering.pk, ()),
            claims,
            seen_on_by_host[offering.host_id],
        )
        names[offering.host_id, end.model, end.ends_on].append(end)
    ends: dict[int, list[ModelRetirement]] = defaultdict(list)
    for (host, _model, _day), group in names.items():
        ends[host].append(merge_names(group))
    return {host: measure_track_record(ends[host], policies.get(host, ())) for host in hosts}


def _count_changes(
    foundations: Collection[int], providers: Collection[int], on: date
) -> dict[tuple[str, int], ChangeCounts]:
    """Return {("foundation" or "provider", ID): counts}; those of a provider cover the offerings it
    hosts."""
    with connection.cursor() as cursor:
        cursor.execute(
            load_statement("exposure", "change_counts"),
            {
                "foundations": list(foundations),
                "providers": list(providers),
                "day": on,
                "since": start_of(on - YEAR),
                "until": start_of(on + timedelta(days=1)),
            },
        )
        return {(row[0], row[1]): ChangeCounts(*row[2:]) for row in cursor.fetchall()}


_DEPENDENTS = load_statement("exposure", "dependents_of_candidates")


def _count_dependents(
    foundations: Collection[int], providers: Collection[int], user: Any, on: date
) -> dict[tuple[str, int], DependentCounts]:
    """Return {("foundation" or "provider", ID): counts of applications that `user` can view}.

    Empty for users without any role, without a query of the dependencies.
    """
    settings = (
        ExposureSettings.objects.filter(pk=ExposureSettings.ONLY).first() or ExposureSettings()
    )
    if not user.is_active or not (user.can_read_all or user.team_roles()):
        return {}
    live = (
        Dependency.objects.live_on(on)
        .primary()
        .visible_to(user)
        .order_by()
        .values_list("pk", "application_id")
    )
    # found from the candidates and not from all live dependencies, so that the cost depends on the
    # candidates
    at_offering, names = _compile_query(
        live.extra(where=["inventory_dependency.offering_id = f.offering_id"])
    )
    at_party, _params = _compile_query(
        live.extra(where=["inventory_dependency.via_party_id = b.id"])
    )
    kinds = ["foundation"] * len(foundations) + ["provider"] * len(providers)
    with connection.cursor() as cursor:
        cursor.execute(
            compose_statement(_DEPENDENTS, at_offering=at_offering, at_party=at_party),
            {
                **names,
                "kinds": kinds,
                "refs": [*foundations, *providers],
                "day": on,
                "validity": settings.test_validity_days,
            },
        )
        return {(row[0], row[1]): DependentCounts(row[2], row[3]) for row in cursor.fetchall()}


def _compile_query(live: QuerySet[Any]) -> tuple[str, dict[str, Any]]:
    """Return (SQL with named parameters, their values) of live dependencies."""
    sql, params = live.query.sql_with_params()
    names = {f"live_{index}": value for index, value in enumerate(params)}
    return sql % tuple(f"%({name})s" for name in names), names
