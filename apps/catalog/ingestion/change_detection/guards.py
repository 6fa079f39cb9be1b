"""Guards that detect doubtful payloads, and rows that only changed their key."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from apps.catalog.claims.feed_rows import FEATURE_ROW_KINDS, FeedRow
from apps.catalog.claims.values import last_end, lifecycle_value, price_value, retires_on
from apps.catalog.ingestion.change_detection.records import (
    IDENTITY,
    LIFECYCLE,
    PRICE,
    KnownClaim,
    PayloadDoubt,
)
from apps.catalog.ingestion.change_detection.result_builder import ResultBuilder

type Claims = Mapping[tuple[str, str], KnownClaim]
type KeyOfGone = Callable[[KnownClaim], Hashable]
type KeyOfNew = Callable[[FeedRow], Hashable]

_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")
# Minimum similarity of two names with equal prices to be one model; 1 is identical.
_MIN_LIKENESS = 0.6
# Minimum number of rows that must appear under another provider for it to count as renamed.
_MIN_NAMES = 2
# Minimum number of equal unit prices; a single one might agree by chance.
_MIN_UNITS = 2


def folded_name(external_id: str) -> str:
    """Return the model's own name in a row key, normalised; providers, prefixes and spelling
    vary."""
    return _NOT_ALPHANUMERIC.sub("", external_id.rsplit("/", 1)[-1].lower())


def place_and_name(group: str, value: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return (provider, region, tier, normalised name): rows that agree in all of them are one row
    under two spellings."""
    return group, value.get("region", ""), value.get("tier", ""), folded_name(value["api_id"])


def rekeyed_rows(
    claims_by_key: Claims,
    vanished_claims: Sequence[KnownClaim],
    fresh: Sequence[FeedRow],
    identity_of: Mapping[str, Hashable],
) -> dict[str, str]:
    """Return {old ID: new ID} of rows that only changed their key: recently missing, and new (or
    listed again) now.

    Two rows are one, in order of certainty: if the catalogue knows both as the same model on the
    same host (`identity_of`); if provider and name are equal; if a whole provider changed its name
    and the names of the models are equal; and, if both happen in one observation, if they have the
    same provider and date, or the same provider and prices and similar names. Such an offering has
    no other change than its date or price.
    """
    new_id_by_old: dict[str, str] = {}
    for key_of_gone, key_of_new, min_similarity in _match_keys(
        claims_by_key, vanished_claims, fresh, identity_of
    ):
        unmatched_ids: dict[Hashable, list[str]] = defaultdict(list)
        for claim in vanished_claims:
            key = key_of_gone(claim)
            if key is not None and claim.external_id not in new_id_by_old:
                unmatched_ids[key].append(claim.external_id)
        matched_ids = set(new_id_by_old.values())
        for row in fresh:
            key = key_of_new(row)
            if key is None or row.external_id in matched_ids or not unmatched_ids.get(key):
                continue
            most_similar_id = max(
                unmatched_ids[key], key=lambda name: _name_similarity(name, row.external_id)
            )
            if _name_similarity(most_similar_id, row.external_id) >= min_similarity:
                unmatched_ids[key].remove(most_similar_id)
                new_id_by_old[most_similar_id] = row.external_id
    return new_id_by_old


def _match_keys(
    claims_by_key: Claims,
    vanished_claims: Sequence[KnownClaim],
    fresh: Sequence[FeedRow],
    identity_of: Mapping[str, Hashable],
) -> list[tuple[KeyOfGone, KeyOfNew, float]]:
    """Return for each way of matching: the key function of missing rows, that of new rows, and the
    minimum similarity of their names."""
    new_groups = _renamed_providers(claims_by_key, vanished_claims, fresh)

    def day_of_gone(claim: KnownClaim) -> Hashable:
        lifecycle = claims_by_key.get((claim.external_id, LIFECYCLE))
        day = None if lifecycle is None else retires_on(lifecycle.value)
        kind = claim.value.get("kind", "")
        return (claim.group, kind, day) if day and claim.missing_since is None else None

    def day_of_new(row: FeedRow) -> Hashable:
        day = None if row.lifecycle is None else last_end(row.lifecycle)[0]
        kind = row.kind if row.kind in FEATURE_ROW_KINDS else ""
        return (row.group, kind, day) if day else None

    def prices_of_gone(claim: KnownClaim) -> Hashable:
        price = claims_by_key.get((claim.external_id, PRICE))
        price_items = tuple(sorted(price.value.items())) if price is not None else ()
        return (
            (claim.group, price_items)
            if len(price_items) >= _MIN_UNITS and claim.missing_since is None
            else None
        )

    def prices_of_new(row: FeedRow) -> Hashable:
        price_items = tuple(sorted(price_value(row.prices).items())) if row.prices else ()
        return (row.group, price_items) if len(price_items) >= _MIN_UNITS else None

    return [
        (
            lambda claim: identity_of.get(claim.external_id),
            lambda row: identity_of.get(row.external_id),
            0.0,
        ),
        (
            lambda claim: place_and_name(claim.group, claim.value),
            lambda row: place_and_name(
                row.group, {"region": row.region, "tier": row.tier, "api_id": row.api_id}
            ),
            0.0,
        ),
        (
            lambda claim: (
                (new_groups[claim.group], folded_name(claim.external_id))
                if claim.group in new_groups
                else None
            ),
            lambda row: (
                (row.group, folded_name(row.external_id))
                if row.group in new_groups.values()
                else None
            ),
            0.0,
        ),
        (day_of_gone, day_of_new, 0.0),
        (prices_of_gone, prices_of_new, _MIN_LIKENESS),
    ]


def _renamed_providers(
    claims_by_key: Claims, vanished_claims: Sequence[KnownClaim], fresh: Sequence[FeedRow]
) -> dict[str, str]:
    """Return {old group: new group} of providers that disappeared as a whole while a new provider
    appeared with the names of most of their rows. A single row proves nothing: many hosts serve the
    same model."""
    vanished_ids = {claim.external_id for claim in vanished_claims}
    remaining_groups = {
        claim.group
        for claim in claims_by_key.values()
        if claim.topic == IDENTITY
        and claim.missing_since is None
        and claim.external_id not in vanished_ids
    }
    names_left: dict[str, set[str]] = defaultdict(set)
    for claim in vanished_claims:
        if claim.group not in remaining_groups and claim.missing_since is None:
            names_left[claim.group].add(folded_name(claim.external_id))
    names_came: dict[str, set[str]] = defaultdict(set)
    for row in fresh:
        if row.group not in remaining_groups:
            names_came[row.group].add(folded_name(row.external_id))
    new_groups = {}
    for group, names in names_left.items():
        common, new_group = max(
            (
                (len(names & new_names), candidate_group)
                for candidate_group, new_names in names_came.items()
            ),
            default=(0, ""),
        )
        if common >= _MIN_NAMES and 2 * common >= len(names):
            new_groups[group] = new_group
    return new_groups


def _name_similarity(first: str, second: str) -> float:
    return SequenceMatcher(None, folded_name(first), folded_name(second), autojunk=False).ratio()


def confirm_doubts(
    builder: ResultBuilder, doubts: Iterable[PayloadDoubt], vanished_claims: Iterable[KnownClaim]
) -> set[str]:
    """Return the rows that a justified doubt concerns. `vanished_claims` holds rows that
    disappeared without a known reason."""
    vanished_ids = {claim.external_id for claim in vanished_claims}
    doubted_rows: set[str] = set()
    for doubt in doubts:
        if not doubt.needs_removal or doubt.rows & vanished_ids:
            doubted_rows |= doubt.rows
            builder.result.doubts.append(doubt)
            _add_sentence(builder, doubt.group, doubt.sentence)
    return doubted_rows


def _add_sentence(builder: ResultBuilder, group: str, sentence: str) -> None:
    builder.result.held[group] = f"{builder.result.held.get(group, '')} {sentence}".strip()


def doubt_removals(
    builder: ResultBuilder, identities: Iterable[KnownClaim], vanished_claims: Iterable[KnownClaim]
) -> set[str]:
    """Return the provider groups with too many missing rows in one observation. `vanished_claims`
    holds rows that disappeared without a known reason."""
    rules = builder.rules
    present = Counter(claim.group for claim in identities if claim.missing_since is None)
    doubtful_groups = set()
    for group, n_gone in Counter(claim.group for claim in vanished_claims).items():
        if n_gone >= rules.min_vanished and n_gone > rules.max_vanished_share * present[group]:
            doubtful_groups.add(group)
            _add_sentence(
                builder,
                group,
                f"{n_gone} of {present[group]} rows disappeared together. Removals are on hold.",
            )
    return doubtful_groups


def doubt_changes(builder: ResultBuilder, claims_by_key: Claims) -> set[str]:
    """Return the provider groups in which too many rows lose or change a date in one observation.

    A date that appears does not count and is never on hold: a late report is worse than an odd
    payload. Prices are not counted: providers do reprice whole lists at the same time, and each
    price has its own hold. After a long time without observation a tenth of the rows may have
    changed, so a feed not seen for longer than the hold is not doubted for that.
    """
    rules = builder.rules
    is_long_unseen = (
        builder.last_seen is not None and builder.at - builder.last_seen > rules.withdrawal_hold
    )
    if builder.baseline or is_long_unseen:
        return set()
    n_rows: Counter[str] = Counter()
    n_changed_by_group: Counter[str] = Counter()
    for external_id, row in builder.rows.items():
        if (external_id, IDENTITY) not in claims_by_key:
            continue
        n_rows[row.group] += 1
        lifecycle = claims_by_key.get((external_id, LIFECYCLE))
        if (
            lifecycle is None
            or row.lifecycle is None
            or lifecycle.refused == {"value": lifecycle_value(row.lifecycle)}
        ):
            continue
        old_day = retires_on(lifecycle.value)
        n_changed_by_group[row.group] += (
            old_day is not None and last_end(row.lifecycle)[0] != old_day
        )
    doubtful_groups = set()
    for group, n_changed in n_changed_by_group.items():
        if n_changed >= rules.min_changed and n_changed > rules.max_changed_share * n_rows[group]:
            doubtful_groups.add(group)
            _add_sentence(
                builder,
                group,
                f"{n_changed} of {n_rows[group]} rows changed or lost their date together. "
                "These changes are on hold.",
            )
    return doubtful_groups
