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
from apps.catalog.capabilities.settlement import OWN_LISTS, OWN_PAGES, ROUTER
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
    `source_url` belong to a value that a user entered. `is_own` if the source is the provider's
    list or page. `is_accepted` if the value agrees with what applies; `contradicts` if it does not,
    or if nothing applies because sources contradict each other.
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
    is_own: bool = False
    is_delisted: bool = False
    is_accepted: bool = False
    contradicts: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether the source does not state it today: never, no longer, or its row is gone."""
        return self.value is None or bool(self.silent_since) or self.is_delisted

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
    source: Source
    is_built_in: bool
    is_delisted: bool

    @property
    def is_own(self) -> bool:
        """Whether the source is a list or page of the host."""
        offering = self.row.offering
        is_of_host = offering is not None and self.source.host_id == offering.host_id
        return (
            self.source.kind in OWN_PAGES
            or self.source.kind == ROUTER
            or (self.source.kind in OWN_LISTS and is_of_host)
        )


def _standing_claims(offering_ids: Collection[int], topic: str) -> Mapping[int, Sequence[_Claim]]:
    """Return the claims that are not withdrawn. Those of the built-in catalogue count as those of
    the feed that begins their external ID, until this feed has claims of its own on the topic."""
    delisted = Assertion.objects.filter(
        source=OuterRef("source"),
        external_id=OuterRef("external_id"),
        topic=Topic.IDENTITY,
        withdrawn_at__isnull=False,
    )
    rows = list(
        Assertion.objects.standing()
        .filter(offering__in=offering_ids, topic=topic)
        .annotate(is_delisted=Exists(delisted))
        .select_related("source", "offering")
    )
    slugs = {row.external_id.partition(":")[0] for row in rows if row.source.slug == BUILT_IN}
    feeds: dict[str, Source] = {}
    if slugs:
        own = Assertion.objects.filter(source=OuterRef("pk"), topic=topic)
        feeds = {
            source.slug: source
            for source in Source.objects.filter(slug__in=slugs).annotate(has_own=Exists(own))
        }
    claims: dict[int, list[_Claim]] = defaultdict(list)
    for row in rows:
        assert row.offering_id is not None  # filtered by it
        source, is_built_in = row.source, row.source.slug == BUILT_IN
        if is_built_in:
            source = feeds.get(row.external_id.partition(":")[0], source)
            if getattr(source, "has_own", False):
                continue
        is_delisted: bool = row.is_delisted  # type: ignore[attr-defined]
        claims[row.offering_id].append(_Claim(row, source, is_built_in, is_delisted))
    for group in claims.values():
        group.sort(
            key=lambda claim: (
                claim.source.trust_rank,
                claim.source.name,
                claim.row.external_id,
            )
        )
    return claims


def _compare_field(
    field: StatedField, settled: SettledValue, claims: Sequence[_Claim]
) -> FieldComparison:
    facts = [(claim, claim.row.value.get(field.key) or {}) for claim in claims]
    values = [
        fact["value"]
        for claim, fact in facts
        if fact.get("value") is not None and not claim.is_delisted and not fact.get("silent_since")
    ]
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
    """Build what one source states; `values` are what all sources state today. A silent source
    contradicts none."""
    value = fact.get("value")
    is_accepted = contradicts = False
    if value is not None and settled.value is not None:
        is_accepted = values_agree(field, value, settled.value)
    if (
        value is not None
        and not is_accepted
        and not (fact.get("silent_since") or claim.is_delisted)
    ):
        others = values if settled.value is None else [settled.value]
        contradicts = any(not values_agree(field, value, other) for other in others)
    return StatedValue(
        source=claim.source.slug,
        source_name=claim.source.name,
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
        is_own=claim.is_own,
        is_delisted=claim.is_delisted,
        is_accepted=is_accepted,
        contradicts=contradicts,
    )
