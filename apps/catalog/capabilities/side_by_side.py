"""What every source states about the capabilities or data terms of an offering, side by side with
what applies."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef

from apps.catalog.capabilities.agreement import values_agree
from apps.catalog.capabilities.fields import CAPABILITY, FIELDS, StatedField
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.values import UNKNOWN, SettledValue
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import BUILT_IN
from apps.catalog.models import Assertion, Source
from apps.catalog.models.claims import Topic


@dataclass(frozen=True, slots=True)
class StatedValue:
    """What one source states about one field: `value` is None if it is silent.

    `at` is the ISO day since when it states the value; `silent_since` the ISO day since when it no
    longer does, which is no withdrawal. `kind` ("own_test" or "statement"), `by`, `note` and
    `source_url` belong to a value that a user entered. `is_accepted` if it agrees with what
    applies, `contradicts` if it does not, or if nothing applies because sources contradict each
    other.
    """

    source: str
    source_name: str
    claim_id: int
    external_id: str
    value: Any
    at: str = ""
    silent_since: str = ""
    kind: str = ""
    by: str = ""
    note: str = ""
    source_url: str = ""
    is_built_in: bool = False
    is_accepted: bool = False
    contradicts: bool = False

    @property
    def is_manual(self) -> bool:
        return self.source == MANUAL


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """One field of an offering: what applies, and a value of each source that states anything about
    the offering, highest priority first."""

    field: StatedField
    settled: SettledValue
    stated: tuple[StatedValue, ...]

    @property
    def is_contradicted(self) -> bool:
        return any(entry.contradicts for entry in self.stated)

    @property
    def manual(self) -> StatedValue | None:
        """The value that a user entered."""
        return next(
            (entry for entry in self.stated if entry.is_manual and entry.value is not None), None
        )


def compare_sources(
    offering_ids: Collection[int], topic: str = CAPABILITY
) -> dict[int, tuple[FieldComparison, ...]]:
    """Return {offering ID: all fields of the topic in their order} in at most three statements.
    Every given offering is a key, also one about which no source states anything."""
    settled = settled_values(offering_ids, topic)
    claims = _standing_claims(offering_ids, topic)
    return {
        pk: tuple(
            _compare_field(field, settled.get(pk, {}).get(key, UNKNOWN), claims.get(pk, ()))
            for key, field in FIELDS[topic].items()
        )
        for pk in offering_ids
    }


@dataclass(frozen=True, slots=True)
class _Claim:
    row: Assertion
    source: str
    source_name: str
    is_built_in: bool


def _standing_claims(offering_ids: Collection[int], topic: str) -> Mapping[int, Sequence[_Claim]]:
    """Return the claims that count: of rows that their source lists, and of the built-in catalogue
    for feeds that have not been polled."""
    delisted = Assertion.objects.filter(
        source=OuterRef("source"),
        external_id=OuterRef("external_id"),
        topic=Topic.IDENTITY,
        withdrawn_at__isnull=False,
    )
    rows = list(
        Assertion.objects.standing()
        .filter(~Exists(delisted), offering__in=offering_ids, topic=topic)
        .select_related("source")
        .order_by("source__trust_rank", "source__name", "external_id")
    )
    # {slug of a feed: (its name, whether it was polled)}
    feeds: dict[str, tuple[str, bool]] = {}
    slugs = {row.external_id.partition(":")[0] for row in rows if row.source.slug == BUILT_IN}
    if slugs:
        polled = Exists(Assertion.objects.filter(source=OuterRef("pk")))
        feeds = {
            slug: (name, is_polled)
            for slug, name, is_polled in Source.objects.filter(slug__in=slugs)
            .annotate(is_polled=polled)
            .values_list("slug", "name", "is_polled")
        }
    claims: dict[int, list[_Claim]] = defaultdict(list)
    for row in rows:
        assert row.offering_id is not None  # filtered by it
        slug, name, is_built_in = row.source.slug, row.source.name, row.source.slug == BUILT_IN
        if is_built_in:
            feed = row.external_id.partition(":")[0]
            feed_name, is_polled = feeds.get(feed, ("", False))
            if is_polled:
                continue
            slug, name = (feed, feed_name) if feed_name else (slug, name)
        claims[row.offering_id].append(_Claim(row, slug, name, is_built_in))
    return claims


def _compare_field(
    field: StatedField, settled: SettledValue, claims: Sequence[_Claim]
) -> FieldComparison:
    facts = [(claim, claim.row.value.get(field.key) or {}) for claim in claims]
    values = [fact["value"] for _, fact in facts if fact.get("value") is not None]
    return FieldComparison(
        field,
        settled,
        tuple(_build_stated_value(field, settled, claim, fact, values) for claim, fact in facts),
    )


def _build_stated_value(
    field: StatedField,
    settled: SettledValue,
    claim: _Claim,
    fact: Mapping[str, Any],
    values: Sequence[Any],
) -> StatedValue:
    """Build what one source states; `values` are those of all sources."""
    value = fact.get("value")
    is_accepted = contradicts = False
    if value is not None:
        if settled.value is not None:
            is_accepted = values_agree(field, value, settled.value)
            contradicts = not is_accepted
        else:
            contradicts = any(not values_agree(field, value, other) for other in values)
    return StatedValue(
        source=claim.source,
        source_name=claim.source_name,
        claim_id=claim.row.pk,
        external_id=claim.row.external_id,
        value=value,
        at=fact.get("at", ""),
        silent_since=fact.get("silent_since", ""),
        kind=fact.get("kind", ""),
        by=fact.get("by", ""),
        note=fact.get("note", ""),
        source_url=fact.get("source_url", "") or ("" if fact == {} else claim.row.source_url),
        is_built_in=claim.is_built_in,
        is_accepted=is_accepted,
        contradicts=contradicts,
    )
