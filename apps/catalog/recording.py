"""Writes what observations bring: claims, offerings, the settled truth, events and footing.

Everything here is set-based: the number of statements does not grow with the number of rows. Callers hold the
catalogue's lock (`catalogue_lock`), so that two sources never settle the same offering at once.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from apps.catalog.claims import FIRM, Row
from apps.catalog.footing import refresh_footing
from apps.catalog.identifying import identify
from apps.catalog.models import Assertion, Lifecycle, Offering, Provider, ProviderEvent, ProviderRole, Region, Source
from apps.catalog.observing import (
    DEFAULT_RULES,
    IDENTITY,
    LIFECYCLE,
    PRICE,
    Fact,
    Known,
    Observation,
    Rules,
    confirm,
    observe,
)
from apps.catalog.pricing import settle_prices
from apps.catalog.settling import MANUAL, Settled, Voice, settle_lifecycle, strongest
from apps.catalog.values import retires_on
from apps.common.sql import update_rows
from apps.common.time import day_of, start_of

BUILT_IN = "built-in"
_LOCK = 7_301_001  # any constant; names the catalogue among advisory locks


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one observation did. `events` are the rows really inserted, oldest first."""

    observation: Observation
    events: list[ProviderEvent] = field(default_factory=list)


def catalogue_lock() -> None:
    """Wait for, and hold until the transaction ends, the right to change what the catalogue has settled."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


@transaction.atomic
def record_observation(
    *,
    source: Source,
    rows: Sequence[Row],
    at: datetime,
    baseline: bool,
    host_names: Mapping[str, str] | None = None,
    set_aside: Collection[str] = (),
    last_seen: datetime | None = None,
    rules: Rules = DEFAULT_RULES,
) -> Recorded:
    """Take in one payload of `source`, observed `at`. The first payload of a source is news to nobody."""
    catalogue_lock()
    known = _known(source, Q())
    observation = observe(known, rows, at, baseline=baseline, set_aside=set_aside, last_seen=last_seen, rules=rules)
    return _record(source, known, observation, at, host_names or {})


@transaction.atomic
def record_unchanged(*, source: Source, at: datetime, rules: Rules = DEFAULT_RULES) -> Recorded:
    """The feed is what it was: let waiting values and absences that have stood long enough take effect."""
    waiting = Assertion.objects.filter(source=source, withdrawn_at__isnull=True).filter(
        Q(pending_since__isnull=False) | Q(missing_since__isnull=False)
    )
    ids = set(waiting.values_list("external_id", flat=True))
    if not ids:
        return Recorded(Observation())
    catalogue_lock()
    known = _known(source, Q(external_id__in=ids))
    observation = confirm(known, at, rules=rules)
    if not observation.updates:
        return Recorded(observation)
    return _record(source, known, observation, at, {})


@transaction.atomic
def apply_due_facts(*, at: datetime) -> list[ProviderEvent]:
    """What the clock alone has made true by `at`: firm retirement dates that have come.

    The event of a date is detected on the due day itself, whenever this runs. A date that its source has meanwhile
    changed or taken back, if only on trial, waits until that is settled. Safe to repeat.
    """
    today = day_of(at)
    due = Offering.objects.filter(date_kind=FIRM, retires_on__lte=today, lifecycle_claim__pending__isnull=True).exclude(
        lifecycle=Lifecycle.RETIRED
    )
    if not due.exists():
        return []
    catalogue_lock()
    offerings = {
        offering.pk: offering for offering in due.select_related("lifecycle_claim").select_for_update(of=("self",))
    }
    if not offerings:
        return []
    Offering.objects.filter(pk__in=offerings).update(lifecycle=Lifecycle.RETIRED)
    refresh_footing([pk for pk, offering in offerings.items() if offering.replacement_id], today=today)
    claims = (
        Assertion.objects.standing()
        .filter(topic=LIFECYCLE, offering__in=offerings)
        .select_related("source")
        .order_by("id")
    )
    facts: dict[Source, list[tuple[Fact, int, int]]] = defaultdict(list)
    for claim in claims:
        offering = offerings[claim.offering_id]  # type: ignore[index]
        day = offering.retires_on
        assert day is not None
        settled = offering.lifecycle_claim
        if settled is None or settled.source_id != claim.source_id or retires_on(claim.value) != day:
            continue
        if day <= day_of(claim.changed_at):
            # already past when it was claimed: back-fill, and no news
            continue
        iso = day.isoformat()
        fact = Fact("retired", claim.external_id, LIFECYCLE, iso, iso, day, start_of(day))
        facts[claim.source].append((fact, offering.pk, claim.pk))
    events: list[ProviderEvent] = []
    for source, of_source in facts.items():
        events += _insert_events(source, of_source)
    return sorted(events, key=lambda event: (event.detected_at, event.pk))


# --- one observation --------------------------------------------------------------------------------------------


def _known(source: Source, condition: Q) -> dict[tuple[str, str], Known]:
    columns = (
        "id", "external_id", "topic", "group", "value", "first_seen", "missing_since", "withdrawn_at", "pending",
        "pending_since", "held", "offering_id", "source_url",
    )  # fmt: skip
    rows = Assertion.objects.filter(condition, source=source).order_by().values_list(*columns)
    return {(row[1], row[2]): Known(*row) for row in rows.iterator(chunk_size=5000)}


def _record(
    source: Source,
    known: Mapping[tuple[str, str], Known],
    observation: Observation,
    at: datetime,
    host_names: Mapping[str, str],
) -> Recorded:
    offering_of, fresh = _offerings_of(known, observation, host_names)
    _insert_claims(source, observation, offering_of, at)
    update_rows(Assertion, _columns_to_write(known, observation, offering_of))
    by_id = {claim.id: claim for claim in known.values()}
    touched = {offering_of[claim.row.external_id] for claim in observation.new if claim.row.external_id in offering_of}
    touched |= {
        offering_of.get(by_id[update.id].external_id) or by_id[update.id].offering_id or 0
        for update in observation.updates
        if update.accepted or by_id[update.id].topic == LIFECYCLE
    }
    touched.discard(0)
    settle_offerings(touched, at=at, fresh=fresh)
    events = _raise_events(source, known, observation, offering_of, at)
    return Recorded(observation, events)


def _offerings_of(
    known: Mapping[tuple[str, str], Known], observation: Observation, host_names: Mapping[str, str]
) -> tuple[dict[str, int], set[int]]:
    """({external id: offering id} for all rows known or new, ids of offerings that did not exist before)."""
    offering_of = {
        claim.external_id: claim.offering_id
        for (_, topic), claim in known.items()
        if topic == IDENTITY and claim.offering_id is not None
    }
    by_id = {claim.id: claim for claim in known.values()}
    wanted: dict[str, dict[str, Any]] = {
        claim.row.external_id: claim.value for claim in observation.new if claim.topic == IDENTITY
    }
    for update in observation.updates:
        claim = by_id[update.id]
        if claim.topic == IDENTITY and "value" in update.columns:
            wanted[claim.external_id] = update.columns["value"]
    if not wanted:
        return offering_of, set()
    found, fresh = ensure_offerings(wanted.values(), host_names)
    for external_id, value in wanted.items():
        offering_of[external_id] = found[_offering_key(value)]
    return offering_of, fresh


def _offering_key(value: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return value["host"], value["api_id"], value.get("region", ""), value.get("tier", "")


def ensure_offerings(
    identities: Iterable[Mapping[str, Any]], host_names: Mapping[str, str]
) -> tuple[dict[tuple[str, str, str, str], int], set[int]]:
    """Find or make the offering of each identity value; ({(host, api id, region, tier): id}, ids newly made).

    Hosts nobody knows yet become providers; identities of new offerings are resolved by rule, and what no rule
    resolves waits in the inbox. New offerings have their footing.
    """
    values = {_offering_key(value): value for value in identities}
    hosts = ensure_providers(
        {key[0] for key in values} | {v["gateway"] for v in values.values() if "gateway" in v}, host_names
    )
    found = _find_offerings(values, hosts)
    missing = [key for key in values if key not in found]
    if not missing:
        return found, set()
    identified = identify([(key[0], key[1]) for key in missing])
    Offering.objects.bulk_create(
        [
            Offering(
                host_id=hosts[key[0]],
                api_id=key[1],
                region_scope=key[2],
                service_tier=key[3],
                name=values[key].get("name", ""),
                category=values[key].get("category", ""),
                gateway_id=hosts.get(values[key].get("gateway", "")),
                **identified[key[0], key[1]],
            )
            for key in missing
        ],
        ignore_conflicts=True,
    )
    found = _find_offerings(values, hosts)
    fresh = {found[key] for key in missing}
    _link_regions({found[key]: (hosts[key[0]], key[2]) for key in missing if key[2]})
    refresh_footing(fresh)
    return found, fresh


def _link_regions(scopes: Mapping[int, tuple[int, str]]) -> None:
    """An offering that is scoped to a region is served from it; {offering: (host, region name)}."""
    if not scopes:
        return
    Region.objects.bulk_create(
        [Region(host_id=host_id, name=name) for host_id, name in set(scopes.values())], ignore_conflicts=True
    )
    regions = {
        (region.host_id, region.name): region.pk
        for region in Region.objects.filter(host__in={host_id for host_id, _ in scopes.values()})
    }
    link = Offering.regions.through
    link.objects.bulk_create(
        [link(offering_id=pk, region_id=regions[scope]) for pk, scope in scopes.items()], ignore_conflicts=True
    )


def _find_offerings(
    values: Mapping[tuple[str, str, str, str], Any], hosts: Mapping[str, int]
) -> dict[tuple[str, str, str, str], int]:
    slugs = {pk: slug for slug, pk in hosts.items()}
    keys = list(values)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT o.id, o.host_id, o.api_id, o.region_scope, o.service_tier
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS k(host_id, api_id, region, tier)
            JOIN catalog_offering o ON o.host_id = k.host_id AND o.api_id = k.api_id
             AND o.region_scope = k.region AND o.service_tier = k.tier
            """,
            [[hosts[key[0]] for key in keys], *([key[part] for key in keys] for part in (1, 2, 3))],
        )
        return {(slugs[row[1]], row[2], row[3], row[4]): row[0] for row in cursor.fetchall()}


def ensure_providers(slugs: Collection[str], names: Mapping[str, str]) -> dict[str, int]:
    """{slug: provider id}; slugs nobody knows yet become hosts with the name given, or the slug made readable."""
    found = dict(Provider.objects.filter(slug__in=slugs).values_list("slug", "pk"))
    missing = sorted(set(slugs) - set(found))
    if missing:
        Provider.objects.bulk_create(
            [
                Provider(slug=slug, name=names.get(slug) or slug.replace("-", " ").title(), roles=[ProviderRole.HOST])
                for slug in missing
            ],
            ignore_conflicts=True,
        )
        found = dict(Provider.objects.filter(slug__in=slugs).values_list("slug", "pk"))
    return found


def _insert_claims(source: Source, observation: Observation, offering_of: Mapping[str, int], at: datetime) -> None:
    if not observation.new:
        return
    Assertion.objects.bulk_create(
        [
            Assertion(
                source=source,
                external_id=claim.row.external_id,
                topic=claim.topic,
                group=claim.row.group,
                offering_id=offering_of.get(claim.row.external_id),
                value=claim.value,
                excerpt=claim.row.excerpt if claim.topic != IDENTITY else {},
                source_url=claim.row.source_url,
                first_seen=at,
                changed_at=at,
            )
            for claim in observation.new
        ]
    )


def _columns_to_write(
    known: Mapping[tuple[str, str], Known], observation: Observation, offering_of: Mapping[str, int]
) -> dict[int, dict[str, Any]]:
    by_id = {claim.id: claim for claim in known.values()}
    columns: dict[int, dict[str, Any]] = defaultdict(dict)
    for update in observation.updates:
        columns[update.id] |= update.columns
        claim = by_id[update.id]
        if claim.topic == IDENTITY and "value" in update.columns:
            columns[update.id]["offering_id"] = offering_of[claim.external_id]
    return columns


# --- settling ---------------------------------------------------------------------------------------------------


def settle_offerings(offering_ids: Collection[int], *, at: datetime, fresh: Collection[int] = ()) -> int:
    """Bring lifecycle and prices of these offerings in line with all standing claims; the number that changed.

    Offerings whose redirect changes have their footing refreshed.
    """
    if not offering_ids:
        return 0
    today = day_of(at)
    voices, listed = _voices(offering_ids, LIFECYCLE)
    settled = {
        pk: settle_lifecycle(voices.get(pk, ()), today, listed=pk in listed or pk in fresh) for pk in offering_ids
    }
    replacements = _replacements(settled)
    columns = (
        "pk", "lifecycle", "announced_on", "retires_on", "date_kind", "replacement_text", "lifecycle_claim_id",
        "replacement_id", "end_behaviour",
    )  # fmt: skip
    changes: dict[int, dict[str, Any]] = {}
    moved: list[int] = []
    for row in Offering.objects.filter(pk__in=offering_ids).values(*columns):
        due = settled[row["pk"]]
        target = {
            "lifecycle": due.lifecycle,
            "announced_on": due.announced_on,
            "retires_on": due.retires_on,
            "date_kind": due.date_kind,
            "replacement_text": due.replacement_text,
            "lifecycle_claim_id": due.claim_id,
            "replacement_id": replacements.get(row["pk"], row["replacement_id"]),
        }
        if target["replacement_id"] == row["pk"]:
            target["replacement_id"] = None
        if any(row[name] != value for name, value in target.items()):
            changes[row["pk"]] = target
            if row["end_behaviour"] == "redirect":
                moved.append(row["pk"])
    update_rows(Offering, changes)
    refresh_footing(moved, today=today)
    price_voices, _ = _voices(offering_ids, PRICE)
    n_priced = settle_prices(
        {pk: voice for pk, found in price_voices.items() if (voice := strongest(found)) is not None}, at=at
    )
    return len(changes) + n_priced


def _voices(offering_ids: Collection[int], topic: str) -> tuple[dict[int, list[Voice]], set[int]]:
    """({offering: its standing claims on the topic}, offerings that some source still lists).

    A claim of a row that was delisted counts only if its date had come by then. The built-in catalogue speaks for
    a feed until that feed has been polled itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH polled AS (SELECT slug FROM catalog_source s WHERE s.slug NOT IN ('manual', 'built-in')
                AND EXISTS (SELECT 1 FROM catalog_assertion a WHERE a.source_id = s.id))
            SELECT a.offering_id, a.id, s.slug, s.trust_rank, a.value, a.changed_at, s.kind, a.pending IS NOT NULL
            FROM catalog_assertion a
            JOIN catalog_source s ON s.id = a.source_id
            LEFT JOIN catalog_assertion i
              ON i.source_id = a.source_id AND i.external_id = a.external_id AND i.topic = 'identity'
            WHERE a.topic = %s AND a.offering_id = ANY (%s) AND a.withdrawn_at IS NULL
              AND (i.withdrawn_at IS NULL OR (a.value ->> 'retires_on')::date <= i.withdrawn_at::date)
              AND NOT (s.slug = 'built-in' AND split_part(a.external_id, ':', 1) IN (SELECT slug FROM polled))
            """,
            [topic, list(offering_ids)],
        )
        voices: dict[int, list[Voice]] = defaultdict(list)
        for offering_id, claim_id, slug, rank, value, changed_at, kind, in_doubt in cursor.fetchall():
            value = json.loads(value) if isinstance(value, str) else value
            voices[offering_id].append(Voice(claim_id, slug, rank, value, changed_at, kind != "openrouter", in_doubt))
        cursor.execute(
            """
            SELECT DISTINCT offering_id FROM catalog_assertion
            WHERE topic = 'identity' AND offering_id = ANY (%s) AND missing_since IS NULL AND withdrawn_at IS NULL
            UNION
            SELECT o.id FROM catalog_offering o WHERE o.id = ANY (%s) AND NOT EXISTS (
                SELECT 1 FROM catalog_assertion a WHERE a.offering_id = o.id AND a.topic = 'identity')
            UNION
            SELECT a.offering_id FROM catalog_assertion a JOIN catalog_source s ON s.id = a.source_id
            WHERE s.slug = 'built-in' AND a.offering_id = ANY (%s) AND a.withdrawn_at IS NULL
              AND NOT EXISTS (SELECT 1 FROM catalog_source p JOIN catalog_assertion x ON x.source_id = p.id
                              WHERE p.slug = split_part(a.external_id, ':', 1))
            """,
            [list(offering_ids)] * 3,
        )
        return voices, {row[0] for row in cursor.fetchall()}


def _replacements(settled: Mapping[int, Settled]) -> dict[int, int]:
    """{offering: offering} where a replacement named in words is one we know at the same host, by api id or by
    the feed's own row name."""
    named = {pk: due for pk, due in settled.items() if due.replacement_text and due.claim_id is not None}
    if not named:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH t AS (SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS t(offering_id, name, claim_id)),
            found AS (
                SELECT t.offering_id, r.id
                FROM t JOIN catalog_offering o ON o.id = t.offering_id
                JOIN catalog_offering r ON r.host_id = o.host_id AND r.api_id = t.name
                UNION
                SELECT t.offering_id, r.id
                FROM t JOIN catalog_offering o ON o.id = t.offering_id
                JOIN catalog_assertion c ON c.id = t.claim_id
                JOIN catalog_assertion a
                  ON a.source_id = c.source_id AND a.external_id = t.name AND a.topic = 'identity'
                JOIN catalog_offering r ON r.id = a.offering_id AND r.host_id = o.host_id
            )
            SELECT DISTINCT ON (f.offering_id) f.offering_id, f.id
            FROM found f JOIN catalog_offering o ON o.id = f.offering_id JOIN catalog_offering r ON r.id = f.id
            WHERE f.id <> f.offering_id
            ORDER BY f.offering_id, r.region_scope <> o.region_scope, r.service_tier <> o.service_tier, r.id
            """,
            [list(named), [due.replacement_text for due in named.values()], [due.claim_id for due in named.values()]],
        )
        return dict(cursor.fetchall())


# --- events -----------------------------------------------------------------------------------------------------


def _raise_events(
    source: Source,
    known: Mapping[tuple[str, str], Known],
    observation: Observation,
    offering_of: Mapping[str, int],
    at: datetime,
) -> list[ProviderEvent]:
    if not observation.facts:
        return []
    offerings = {offering_of[fact.external_id] for fact in observation.facts if fact.external_id in offering_of}
    lifecycle_voices, _ = _voices(offerings, LIFECYCLE)
    price_voices, _ = _voices(offerings, PRICE)
    listed_elsewhere = set(
        Assertion.objects.filter(
            topic=IDENTITY, offering__in=offerings, missing_since__isnull=True, withdrawn_at__isnull=True
        )
        .exclude(source=source)
        .exclude(source__slug__in=[MANUAL, BUILT_IN])
        .values_list("offering_id", flat=True)
    )
    claim_ids = {
        (claim.external_id, claim.topic): claim.id for claim in known.values()
    } | {
        (external_id, topic): pk
        for pk, external_id, topic in Assertion.objects.filter(
            source=source, external_id__in={fact.external_id for fact in observation.facts}
        ).values_list("pk", "external_id", "topic")
    }  # fmt: skip
    accepted: list[tuple[Fact, int, int]] = []
    for fact in observation.facts:
        offering_id = offering_of.get(fact.external_id)
        claim_id = claim_ids.get((fact.external_id, fact.topic))
        if offering_id is None or claim_id is None:
            continue
        if fact.topic == LIFECYCLE and _known_or_outranked(fact, source, lifecycle_voices.get(offering_id, [])):
            continue
        if fact.topic == PRICE and _spoken_over(source, price_voices.get(offering_id, [])):
            continue
        if fact.kind == "delisted" and offering_id in listed_elsewhere:
            continue
        accepted.append((fact, offering_id, claim_id))
    return _insert_events(source, accepted)


def _known_or_outranked(fact: Fact, source: Source, voices: Iterable[Voice]) -> bool:
    """True when another source said this before, or one that counts more says something else."""
    voices = list(voices)
    others = [voice for voice in voices if voice.source not in (source.slug, BUILT_IN)]
    days = {voice.value.get("retires_on") for voice in others}
    if fact.kind == "withdrawn":
        return any(days - {None})
    if fact.new in days:
        return True
    winner = strongest(voices)
    return winner is not None and winner.source not in (source.slug, BUILT_IN) and winner.trust_rank < source.trust_rank


def _spoken_over(source: Source, voices: Iterable[Voice]) -> bool:
    winner = strongest(voices)
    return winner is not None and winner.source not in (source.slug, BUILT_IN)


def event_key(source: str, fact: Fact) -> str:
    """One key per fact: seen again, or flapping back, the same fact has the same key. A price may truly return to
    an earlier value, and an alias to an earlier target; there the day belongs to the fact."""
    parts: list[Any] = [source, fact.external_id, fact.kind, fact.new]
    if fact.kind in {"moved_earlier", "moved_later", "withdrawn", "delisted"}:
        parts.append(fact.old)
    elif fact.kind in {"repriced", "alias_moved"}:
        parts += [fact.old, day_of(fact.detected_at).isoformat()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _insert_events(source: Source, accepted: Sequence[tuple[Fact, int, int]]) -> list[ProviderEvent]:
    """Insert the facts whose key is new, with their evidence; the caller holds the catalogue's lock."""
    by_key = {event_key(source.slug, fact): (fact, offering, claim) for fact, offering, claim in accepted}
    for key in ProviderEvent.objects.filter(key__in=by_key).values_list("key", flat=True):
        del by_key[key]
    if not by_key:
        return []
    events = ProviderEvent.objects.bulk_create(
        [
            ProviderEvent(
                key=key,
                kind=fact.kind,
                source=source,
                external_id=fact.external_id,
                offering_id=offering_id,
                old=fact.old,
                new=fact.new,
                effective_on=fact.effective_on,
                detected_at=fact.detected_at,
            )
            for key, (fact, offering_id, _) in by_key.items()
        ]
    )
    evidence = ProviderEvent.evidence.through
    evidence.objects.bulk_create(
        [
            evidence(providerevent_id=event.pk, assertion_id=claim_id)
            for event, (_, _, claim_id) in zip(events, by_key.values(), strict=True)
        ]
    )
    return events
