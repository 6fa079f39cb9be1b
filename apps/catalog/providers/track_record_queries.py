"""Queries for the track record of a provider: the reconciled retirements at its host, their claims,
and the events.

Every offering counts once, by the claim that applies (the manual override, if there is one); names
of one release that retire on the same day are one model.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import Min, QuerySet

from apps.catalog.claims.feed_rows import FIRM
from apps.catalog.claims.precedence import MANUAL, SourceClaim, precedence
from apps.catalog.claims.reconciliation import BUILT_IN, standing_claims
from apps.catalog.ingestion.change_detection.records import LIFECYCLE
from apps.catalog.models import (
    Assertion,
    NoticePolicy,
    Offering,
    Provider,
    ProviderEvent,
    Version,
)
from apps.catalog.models.claims import Topic
from apps.catalog.models.offerings import Binding
from apps.catalog.providers.date_moves import DateMoves, measure_date_moves
from apps.catalog.providers.earliest_retirement import (
    EarliestRetirement,
    PublishedMinimum,
    is_preview,
    is_specialised,
    offering_earliest_retirement,
    scope_of,
)
from apps.catalog.providers.releases import ReleaseIntervals, measure_releases
from apps.catalog.providers.track_record import ModelRetirement, TrackRecord, measure_track_record
from apps.common.time import day_of

Kind = ProviderEvent.Kind
DATE_EVENT_KINDS = (
    Kind.ANNOUNCED,
    Kind.MOVED_EARLIER,
    Kind.MOVED_LATER,
    Kind.WITHDRAWN,
    Kind.RETIRED,
    Kind.DELISTED,
)
_MAX_LISTED_EVENTS = 20


@dataclass(frozen=True, slots=True)
class ProviderTrackRecord:
    """The track record of a host with its events. `events` are changes of dates and removals,
    `price_events` changes of prices: the latest first, with source, offering and evidence loaded;
    the totals beside them count all."""

    measured: TrackRecord
    policies: tuple[PublishedMinimum, ...]
    moves: DateMoves
    events: tuple[ProviderEvent, ...]
    n_events: int
    price_events: tuple[ProviderEvent, ...]
    n_price_events: int


def provider_track_record(provider: Provider) -> ProviderTrackRecord:
    """Return the track record of a host; empty if none of its offerings has an announced date. At
    most 12 statements, however many rows."""
    policies = policies_by_provider([provider.pk]).get(provider.pk, ())
    date_events = list(
        ProviderEvent.objects.filter(offering__host=provider, kind__in=DATE_EVENT_KINDS)
        .order_by("detected_at", "pk")
        .values("pk", "kind", "offering_id", "old", "new", "detected_at")
    )
    offerings = list(
        Offering.objects.model_ids()
        .filter(host=provider, date_kind=FIRM, retires_on__isnull=False, not_a_model=False)
        .select_related("version__foundation")
        .order_by("pk")
    )
    events = ProviderEvent.objects.filter(offering__host=provider).select_related(
        "source", "offering__host"
    )
    date_changes = events.filter(
        kind__in=[kind for kind in DATE_EVENT_KINDS if kind not in {Kind.ANNOUNCED, Kind.RETIRED}]
    )
    price_changes = events.filter(kind=Kind.REPRICED)
    return ProviderTrackRecord(
        measured=measure_track_record(
            _load_retirements(provider, offerings, date_events), policies
        ),
        policies=policies,
        moves=_count_moves(provider, offerings, date_events),
        events=_latest_events(date_changes),
        n_events=date_changes.count(),
        price_events=_latest_events(price_changes),
        n_price_events=price_changes.count(),
    )


def provider_releases(provider: Provider, *, today: date) -> ReleaseIntervals:
    """Return the days between releases of the provider's versions, as their developer. One
    statement."""
    releases = Version.objects.filter(foundation__developer=provider).values_list(
        "released_on", "released_precision"
    )
    return measure_releases(
        (day if precision == "day" else None for day, precision in releases), today=today
    )


def policies_by_provider(providers: Iterable[int]) -> dict[int, tuple[PublishedMinimum, ...]]:
    """Return {provider ID: its published minimums}; providers without a policy are missing. One
    statement."""
    policies_by_id: dict[int, list[PublishedMinimum]] = defaultdict(list)
    for row in NoticePolicy.objects.filter(provider__in=list(providers)).order_by("provider", "pk"):
        policies_by_id[row.provider_id].append(
            PublishedMinimum(
                row.scope, row.notice_days, row.life_days, row.source_url, row.source_on, row.note
            )
        )
    return {pk: tuple(rows) for pk, rows in policies_by_id.items()}


def earliest_retirements(
    offerings: Sequence[Offering], *, today: date
) -> dict[int, EarliestRetirement]:
    """Return {offering ID: its earliest possible retirement} of the offerings without an announced
    retirement whose host has a policy.

    The policy of the host applies, not that of the developer. Offerings must have `host`,
    `version__foundation` and `lifecycle_claim` loaded. One statement.
    """
    policies = policies_by_provider({offering.host_id for offering in offerings})
    earliest_by_id = {}
    for offering in offerings:
        if offering.host_id not in policies or offering.not_a_model:
            continue
        version, claim = offering.version, offering.lifecycle_claim
        earliest = offering_earliest_retirement(
            today,
            host=offering.host.slug,
            api_id=offering.api_id,
            category=offering.category,
            lifecycle=offering.lifecycle,
            retires_on=offering.retires_on,
            date_kind=offering.date_kind,
            released_on=version.released_on if version else None,
            is_partners=is_partners(
                offering.host_id,
                offering.host.parent_id,
                version.foundation.developer_id if version else None,
            ),
            policies=policies[offering.host_id],
            not_before_url=claim.source_url if claim else "",
        )
        if earliest:
            earliest_by_id[offering.pk] = earliest
    return earliest_by_id


def is_partners(host_id: int, parent_id: int | None, developer_id: int | None) -> bool:
    """Return whether the developer of the model differs from the host and its parent company, or is
    unknown."""
    return developer_id is None or developer_id not in {host_id, parent_id}


def _load_retirements(
    provider: Provider, offerings: Sequence[Offering], date_events: Sequence[Mapping[str, Any]]
) -> list[ModelRetirement]:
    """Return the announced retirements of the host, one for each model and date. `date_events` are
    its events about dates, in order of detection."""
    source_claims, _ = (
        standing_claims([offering.pk for offering in offerings], LIFECYCLE)
        if offerings
        else ({}, set())
    )
    claim_rows = Assertion.objects.select_related("source").only(
        "external_id", "source_url", "source__slug", "source__name"
    )
    claims = claim_rows.in_bulk(
        {source_claim.claim_id for group in source_claims.values() for source_claim in group}
        | {offering.lifecycle_claim_id for offering in offerings if offering.lifecycle_claim_id}
    )
    seen_on = find_first_seen_days(date_events)
    retirements_by_model: dict[tuple[str, date], list[ModelRetirement]] = defaultdict(list)
    for offering in offerings:
        retirement = build_retirement(
            provider, offering, source_claims.get(offering.pk, ()), claims, seen_on
        )
        retirements_by_model[retirement.model, retirement.ends_on].append(retirement)
    return [merge_names(retirements) for retirements in retirements_by_model.values()]


def build_retirement(
    provider: Provider,
    offering: Offering,
    source_claims: Iterable[SourceClaim],
    claims: Mapping[int, Assertion],
    seen_on: Mapping[tuple[int, str], date],
) -> ModelRetirement:
    """Return the retirement of an offering that has a date, with the best known announcement: of a
    source, otherwise the day on which this registry first saw the date. `seen_on` as from
    `find_first_seen_days`; `claims` is {ID: claim} with its source loaded."""
    assert offering.retires_on is not None
    version = offering.version
    lifecycle_claim = claims.get(offering.lifecycle_claim_id or 0)
    announced_on, notice = _find_announcement(offering, lifecycle_claim, source_claims, claims)
    iso = offering.retires_on.isoformat()
    is_seen = announced_on is None and (offering.pk, iso) in seen_on
    released_on = version.released_on if version and version.released_precision == "day" else None
    return ModelRetirement(
        model=version.identifier if version else offering.api_id,
        offering_id=offering.pk,
        api_id=offering.api_id,
        ends_on=offering.retires_on,
        announced_on=seen_on[offering.pk, iso] if is_seen else announced_on,
        is_seen=is_seen,
        # the release date of a moving name changes with its target
        released_on=None if offering.binding == Binding.ALIAS else released_on,
        scope=scope_of(
            is_preview=is_preview(offering.api_id),
            is_specialised=is_specialised(offering.api_id, offering.category, provider.slug),
        ),
        is_partners=is_partners(
            provider.pk, provider.parent_id, version.foundation.developer_id if version else None
        ),
        source=_name_of(lifecycle_claim) if lifecycle_claim else "",
        source_url=(notice or lifecycle_claim).source_url if notice or lifecycle_claim else "",  # type: ignore[union-attr]
        told_by=_name_of(notice) if notice else "",
    )


def _find_announcement(
    offering: Offering,
    lifecycle_claim: Assertion | None,
    source_claims: Iterable[SourceClaim],
    claims: Mapping[int, Assertion],
) -> tuple[date | None, Assertion | None]:
    """Return (announcement day, its claim): from the claim that applies, otherwise from the
    strongest other claim with the same retirement date."""
    if offering.announced_on is not None:
        return offering.announced_on, lifecycle_claim
    iso = offering.retires_on.isoformat() if offering.retires_on else ""
    for source_claim in sorted(source_claims, key=precedence):
        day = source_claim.value.get("announced_on")
        if day and source_claim.value.get("retires_on") == iso:
            return date.fromisoformat(day), claims.get(source_claim.claim_id)
    return None, None


def _name_of(claim: Assertion) -> str:
    """Return the name of the claim's source; for a claim of the built-in catalogue with the feed it
    was taken from."""
    if claim.source.slug == BUILT_IN:
        return f"{claim.source.name} ({claim.external_id.partition(':')[0]})"
    return claim.source.name


def find_first_seen_days(date_events: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], date]:
    """Return {(offering ID, its date): the day on which this registry first saw a retirement
    announced for it}.

    A date that moves keeps the day of its announcement; one that is withdrawn and announced again
    gets a new day.
    """
    first_dates: dict[int, date] = {}
    seen_on: dict[tuple[int, str], date] = {}
    for event in date_events:
        pk, day = event["offering_id"], day_of(event["detected_at"])
        if event["kind"] == Kind.WITHDRAWN:
            first_dates.pop(pk, None)
        elif event["kind"] == Kind.ANNOUNCED:
            first_dates.setdefault(pk, day)
            seen_on[pk, str(event["new"])] = first_dates[pk]
        elif event["kind"] in {Kind.MOVED_EARLIER, Kind.MOVED_LATER} and pk in first_dates:
            seen_on[pk, str(event["new"])] = first_dates[pk]
    return seen_on


def merge_names(retirements: Sequence[ModelRetirement]) -> ModelRetirement:
    """Merge the retirements of one model under several names: the one with the best known
    announcement, the earliest of equals."""
    best = min(
        retirements,
        key=lambda end: (
            end.notice_days is None,
            end.is_seen,
            end.announced_on or date.max,
            end.api_id,
        ),
    )
    released_on = next(
        (retirement.released_on for retirement in retirements if retirement.released_on), None
    )
    return replace(best, released_on=released_on, n_offerings=len(retirements))


def _count_moves(
    provider: Provider, offerings: Sequence[Offering], date_events: Sequence[Mapping[str, Any]]
) -> DateMoves:
    """Return how many offerings of the host had an announced date since its first feed was read,
    and for how many of them it moved, was withdrawn or came."""
    first_seen_at = (
        Assertion.objects.filter(offering__host=provider, topic=Topic.LIFECYCLE)
        .exclude(source__slug__in=[MANUAL, BUILT_IN])
        .aggregate(first=Min("first_seen"))["first"]
    )
    return measure_date_moves(
        date_events,
        since=day_of(first_seen_at) if first_seen_at else None,
        retires_on={row.pk: row.retires_on for row in offerings if row.retires_on},
    )


def _latest_events(events: "QuerySet[ProviderEvent]") -> tuple[ProviderEvent, ...]:
    return tuple(
        events.prefetch_related("evidence").order_by("-detected_at", "-pk")[:_MAX_LISTED_EVENTS]
    )
