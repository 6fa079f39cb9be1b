"""Events `released`: a host begins to serve a version that no source listed there before.

A new row of a list is not a release by itself, because lists are filled up in bulk. It is one if
the release day is recent: as the catalogue knows it, otherwise as the row states it. Without either
the first day of the row counts, but only if the list is the host's own.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import BUILT_IN
from apps.catalog.ingestion.change_detection.records import IDENTITY, Observation
from apps.catalog.models import Assertion, Offering, OfferingKind, ProviderEvent, Source
from apps.catalog.models.offerings import Binding
from apps.catalog.models.providers import ProviderRole
from apps.common.time import day_of

# A release that is longer ago, or further ahead, is no news.
RELEASE_NEWS = timedelta(days=30)
# More new models without a release day than this at one host in one observation are back-fill.
MAX_UNDATED = 10

type Subject = tuple[int, str, int | str]  # host, "version" or "name", and which


@dataclass(frozen=True, slots=True)
class _Release:
    """A row that tells of a release; `is_dated`: `day` is a known or stated release day."""

    claim: Assertion
    offering: Offering
    day: date
    is_dated: bool

    @property
    def subject(self) -> Subject:
        return _subject_of(self.offering.host_id, self.offering.version_id, self.offering.api_id)

    @property
    def key(self) -> str:
        """Return the key of the event: one for each version and host, whatever rows and sources
        tell of it."""
        version = self.offering.version
        name = version.identifier if version else self.offering.api_id
        fields = ["released", self.offering.host.slug, name]
        return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def create_release_events(
    source: Source, observation: Observation, *, at: datetime, is_own_list: bool
) -> list[ProviderEvent]:
    """Insert the events of releases that the new rows of an observation tell of, and return them.

    `is_own_list`: the source is its host's own list of what it serves. At most five statements, and
    none without a new row that can tell of a release. The caller holds the catalogue's lock.
    """
    speaks_for_host = is_own_list or source.host_id is not None
    rows = {
        claim.row.external_id: claim.row
        for claim in observation.new
        if claim.topic == IDENTITY
        and claim.row.external_id not in observation.rekeyed
        and _can_be_release(claim.row, at=at, speaks_for_host=speaks_for_host)
    }
    if not rows:
        return []
    claims = (
        Assertion.objects.filter(
            source=source,
            topic=IDENTITY,
            external_id__in=rows,
            offering__kind=OfferingKind.MODEL_ID,
            offering__not_a_model=False,
        )
        .exclude(offering__binding=Binding.ALIAS)
        .select_related("offering__host", "offering__version__foundation")
        .order_by("external_id")
    )
    releases = [
        release
        for claim in claims
        if (release := _read_release(source, claim, rows, at=at, is_own_list=is_own_list))
    ]
    return _insert_releases(source, _keep_news(releases, at=at), at=at)


def _can_be_release(row: FeedRow, *, at: datetime, speaks_for_host: bool) -> bool:
    return (
        row.kind == "model"
        and not row.alias_of
        and (speaks_for_host if row.released_on is None else _is_recent(row.released_on, at=at))
    )


def _read_release(
    source: Source,
    claim: Assertion,
    rows: Mapping[str, FeedRow],
    *,
    at: datetime,
    is_own_list: bool,
) -> _Release | None:
    """Return the release that a row tells of; None if its host neither develops the model nor
    publishes the list, or if the release is no news."""
    offering = claim.offering
    assert offering is not None
    host, version = offering.host, offering.version
    developer_id = version.foundation.developer_id if version else None
    develops = ProviderRole.DEVELOPER in host.roles and (
        developer_id is None or developer_id in {host.pk, host.parent_id}
    )
    is_own_list = is_own_list or source.host_id == host.pk
    if not develops and not (is_own_list and version):
        return None
    day = rows[claim.external_id].released_on
    if version and version.released_on and version.released_precision == "day":
        day = version.released_on
    if day is not None:
        return _Release(claim, offering, day, True) if _is_recent(day, at=at) else None
    return _Release(claim, offering, day_of(at), False) if is_own_list else None


def _keep_news(releases: Iterable[_Release], *, at: datetime) -> list[_Release]:
    """Return one release for each version and host that no source listed there before."""
    by_subject: dict[Subject, _Release] = {}
    for release in releases:
        # of several rows the one with a release day tells the most
        if release.subject not in by_subject or (
            release.is_dated and not by_subject[release.subject].is_dated
        ):
            by_subject[release.subject] = release
    known = _known_subjects(by_subject.values(), at=at)
    news = [release for subject, release in by_subject.items() if subject not in known]
    n_undated = Counter(release.offering.host_id for release in news if not release.is_dated)
    return [
        release
        for release in news
        if release.is_dated or n_undated[release.offering.host_id] <= MAX_UNDATED
    ]


def _known_subjects(releases: Iterable[_Release], *, at: datetime) -> set[Subject]:
    """Return the versions and names that a source listed at these hosts before."""
    offerings = [release.offering for release in releases]
    if not offerings:
        return set()
    is_same = Q(offering__version__in={row.version_id for row in offerings if row.version_id})
    is_same |= Q(
        offering__version__isnull=True, offering__api_id__in={row.api_id for row in offerings}
    )
    earlier_claims = Assertion.objects.filter(
        is_same, first_seen__lt=at, offering__host__in={row.host_id for row in offerings}
    )
    # the built-in catalogue and users list nothing: they know versions before a host serves them
    earlier_claims = earlier_claims.exclude(offering__binding=Binding.ALIAS).exclude(
        source__slug__in=[MANUAL, BUILT_IN]
    )
    return {
        _subject_of(*columns)
        for columns in earlier_claims.values_list(
            "offering__host", "offering__version", "offering__api_id"
        ).distinct()
    }


def _subject_of(host_id: int, version_id: int | None, api_id: str) -> Subject:
    return (host_id, "version", version_id) if version_id else (host_id, "name", api_id)


def _insert_releases(
    source: Source, releases: Iterable[_Release], *, at: datetime
) -> list[ProviderEvent]:
    by_key = {release.key: release for release in releases}
    if not by_key:
        return []
    for key in ProviderEvent.objects.filter(key__in=by_key).values_list("key", flat=True):
        del by_key[key]
    events = ProviderEvent.objects.bulk_create(
        [
            ProviderEvent(
                key=key,
                kind=ProviderEvent.Kind.RELEASED,
                source=source,
                external_id=release.claim.external_id,
                offering=release.offering,
                old=None,
                new=release.day.isoformat(),
                effective_on=release.day,
                detected_at=at,
            )
            for key, release in by_key.items()
        ]
    )
    evidence = ProviderEvent.evidence.through
    evidence.objects.bulk_create(
        [
            evidence(providerevent_id=event.pk, assertion_id=release.claim.pk)
            for event, release in zip(events, by_key.values(), strict=True)
        ]
    )
    return events


def _is_recent(day: date, *, at: datetime) -> bool:
    return abs(day_of(at) - day) <= RELEASE_NEWS
