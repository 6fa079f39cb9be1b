"""Facts of offerings for comparisons and selections: price, limits, capabilities, regions, data
terms, retirement and outages. The same columns describe one offering, and all offerings of a
foundation.

A capability belongs to the offering: where the offerings of a foundation differ, the fact says
how many have which value.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from apps.catalog.capabilities.fields import (
    CAPABILITY,
    CAPABILITY_FIELDS,
    DATA_TERM_FIELDS,
    DATA_TERMS,
    LIMIT,
    SET,
    StatedField,
)
from apps.catalog.capabilities.phrases import format_value
from apps.catalog.capabilities.values import UNKNOWN, SettledValue
from apps.catalog.models import DateKind, Offering, OfferingRegion, Price, SettledClaims
from apps.catalog.providers.outages import DEFAULT_THRESHOLD
from apps.common.time import start_of
from apps.exposure.diligence.scorecard_facts import (
    REGISTRY,
    ScorecardFact,
    inapplicable_fact,
    unknown_fact,
)
from apps.feeds.outage_records import OutageRecord

PRICE_LABELS: Mapping[str, str] = {
    "input": "Input price",
    "output": "Output price",
    "cache_read": "Cached input price",
}
# keys of contract facts on the same scorecard are the names of terms
TERM_PREFIX = "data_"
MAX_NAMED = 6
# values of one field that a fact names
MAX_VALUES = 4


@dataclass(frozen=True, slots=True)
class OfferingFacts:
    """What is known of one offering on a day; `prices` are those for the smallest request."""

    offering: Offering
    prices: Mapping[str, Price]
    capabilities: Mapping[str, SettledValue]
    terms: Mapping[str, SettledValue]
    regions: tuple[str, ...]


def load_offering_facts(offerings: Iterable[Offering], *, on: date) -> dict[int, OfferingFacts]:
    """Return {offering ID: facts}, in three statements; offerings come with their host."""
    rows = {row.pk: row for row in offerings}
    prices: dict[int, dict[str, Price]] = defaultdict(dict)
    for price in (
        Price.objects.at(start_of(on))
        .filter(offering__in=list(rows), above_tokens=0, unit__in=list(PRICE_LABELS))
        .select_related("claim__source")
    ):
        prices[price.offering_id][price.unit] = price
    settled: dict[str, dict[int, dict[str, SettledValue]]] = {CAPABILITY: {}, DATA_TERMS: {}}
    for offering_id, topic, values in SettledClaims.objects.filter(
        offering__in=list(rows), topic__in=list(settled)
    ).values_list("offering_id", "topic", "values"):
        settled[topic][offering_id] = {
            field: SettledValue(**fact) for field, fact in values.items()
        }
    capabilities, terms = settled[CAPABILITY], settled[DATA_TERMS]
    regions: dict[int, list[str]] = defaultdict(list)
    for offering_id, name in (
        OfferingRegion.objects.filter(offering__in=list(rows))
        .order_by("region__name")
        .values_list("offering_id", "region__name")
    ):
        regions[offering_id].append(name)
    return {
        pk: OfferingFacts(
            row,
            prices.get(pk, {}),
            capabilities.get(pk, {}),
            terms.get(pk, {}),
            tuple(regions.get(pk, ())) or ((row.region_scope,) if row.region_scope else ()),
        )
        for pk, row in rows.items()
    }


def serving_offerings(foundation_ids: Collection[int], *, on: date) -> dict[int, list[Offering]]:
    """Return {foundation ID: its model IDs that are not retired on the day}; one statement."""
    by_foundation: dict[int, list[Offering]] = defaultdict(list)
    rows = (
        Offering.objects.model_ids()
        .filter(version__foundation__in=foundation_ids, not_a_model=False)
        .exclude(lifecycle="retired")
        .exclude(date_kind=DateKind.FIRM, retires_on__lte=on)
        .select_related("host", "version")
        .order_by("host__name", "api_id", "pk")
    )
    for row in rows:
        assert row.version is not None
        by_foundation[row.version.foundation_id].append(row)
    return by_foundation


def offering_facts(
    rows: Sequence[OfferingFacts], *, on: date, with_open_weights: bool
) -> Iterable[ScorecardFact]:
    """Yield the facts of one offering, or of all offerings of a foundation, always with the same
    keys in the same order. Open weights are left out where the foundation states them."""
    for unit, label in PRICE_LABELS.items():
        yield _price_fact(unit, label, rows, on)
    for key, field in CAPABILITY_FIELDS.items():
        if key != "open_weights" or with_open_weights:
            yield _stated_fact(key, field, rows, lambda row: row.capabilities)
    yield _regions_fact(rows, on)
    for key, field in DATA_TERM_FIELDS.items():
        yield _stated_fact(key, field, rows, lambda row: row.terms, prefix=TERM_PREFIX)
    yield _retirement_fact(rows)


def outage_fact(name: str, record: OutageRecord | None) -> ScorecardFact:
    """Return the counted outages of a host per year, above the default threshold."""
    label = "Outages per year"
    counts = record.count(DEFAULT_THRESHOLD) if record is not None else None
    if record is None or counts is None or counts.per_year is None:
        return unknown_fact(
            "outages", label, f"No status source of {name} has a full month with impacts."
        )
    return ScorecardFact(
        "outages",
        label,
        round(counts.per_year, 1),
        unit="per year",
        detail=f"{counts.n} in {len(counts.months)} months on {name}",
        source=record.source.name,
        source_url=record.source.url,
        as_of=record.observed_until.date(),
    )


def _price_fact(unit: str, label: str, rows: Sequence[OfferingFacts], on: date) -> ScorecardFact:
    key = f"price_{unit}"
    # a price of zero is unknown: sources write it where they have none
    priced = [
        (row, row.prices[unit]) for row in rows if unit in row.prices and row.prices[unit].amount
    ]
    if not rows:
        return inapplicable_fact(key, label, "No offering is served today.")
    if not priced:
        return unknown_fact(key, label, "No source states it.")
    currencies = sorted({price.currency for _, price in priced})
    currency = "USD" if "USD" in currencies else currencies[0]
    priced = [(row, price) for row, price in priced if price.currency == currency]
    row, lowest = min(priced, key=lambda entry: entry[1].amount)
    highest = max(price.amount for _, price in priced)
    details = []
    if len(rows) > 1:
        details.append(f"on {row.offering.host.name}")
        if highest != lowest.amount:
            details.append(f"up to {_amount(highest)} on other offerings")
        if len(priced) < len(rows):
            details.append(f"stated for {len(priced)} of {len(rows)} offerings")
    claim = lowest.claim
    return ScorecardFact(
        key,
        label,
        float(lowest.amount),
        unit=f"{currency} per million tokens",
        detail=", ".join(details),
        source=claim.source.name if claim is not None else REGISTRY,
        source_url=claim.source_url if claim is not None else "",
        as_of=lowest.valid.lower.date() if lowest.valid.lower is not None else on,
    )


def _amount(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _stated_fact(
    key: str,
    field: StatedField,
    rows: Sequence[OfferingFacts],
    read: Callable[[OfferingFacts], Mapping[str, SettledValue]],
    *,
    prefix: str = "",
) -> ScorecardFact:
    fact_key = f"{prefix}{key}"
    if not rows:
        return inapplicable_fact(fact_key, field.label, "No offering is served today.")
    values = [read(row).get(key, UNKNOWN) for row in rows]
    known = [value for value in values if value.value is not None]
    if not known:
        contradicted = any(value.contradicted for value in values)
        return unknown_fact(
            fact_key,
            field.label,
            "Sources contradict each other." if contradicted else "No source states it.",
        )
    groups = Counter(format_value(key, value.value) for value in known)
    details = []
    if len(groups) > 1:
        details.append("differs by offering")
    if len(known) < len(rows):
        details.append(f"stated for {len(known)} of {len(rows)} offerings")
    is_limit = field.form == LIMIT
    latest = max(known, key=lambda value: value.at)
    sources = sorted({value.source for value in known if value.source})
    return ScorecardFact(
        fact_key,
        field.label,
        _joint_value(field, known, groups),
        unit=field.unit if is_limit and len(groups) == 1 else "",
        detail=", ".join(details),
        source=sources[0] + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")
        if sources
        else REGISTRY,
        as_of=_day(latest.at),
    )


def _joint_value(
    field: StatedField, known: Sequence[SettledValue], groups: Mapping[str, int]
) -> Any:
    """Return the value that all known offerings have, or how many have which."""
    if len(groups) == 1:
        return known[0].value
    if field.form == LIMIT:
        numbers = [value.value for value in known]
        return f"{min(numbers):,} to {max(numbers):,} {field.unit}"
    if field.form == SET:
        shared = set.intersection(*(set(value.value) for value in known))
        every = sorted({name for value in known for name in value.value} - shared)
        return [*sorted(shared), *(f"{name} on some" for name in every)]
    named = sorted(groups.items(), key=lambda item: (-item[1], item[0]))[:MAX_VALUES]
    return ", ".join(f"{text} on {n}" for text, n in named)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _regions_fact(rows: Sequence[OfferingFacts], on: date) -> ScorecardFact:
    names = sorted({name for row in rows for name in row.regions})
    if not names:
        return unknown_fact("regions", "Regions", "No region is recorded.")
    n_silent = sum(not row.regions for row in rows)
    return ScorecardFact(
        "regions",
        "Regions",
        [*names[:MAX_NAMED], *([f"{len(names) - MAX_NAMED} more"] if names[MAX_NAMED:] else [])],
        detail=f"not recorded for {n_silent} of {len(rows)} offerings" if n_silent else "",
        source=REGISTRY,
        as_of=on,
    )


def _retirement_fact(rows: Sequence[OfferingFacts]) -> ScorecardFact:
    label = "Retirement"
    dated = [row.offering for row in rows if row.offering.retires_on is not None]
    if not rows:
        return inapplicable_fact("retirement", label, "No offering is served today.")
    if not dated:
        return unknown_fact("retirement", label, "No retirement date is known.")
    first = min(dated, key=lambda row: (row.retires_on or date.max, row.pk))
    details = []
    if first.date_kind == DateKind.NOT_BEFORE:
        details.append("no earlier than this day")
    if len(rows) > 1:
        details.append(f"{first.api_id} on {first.host.name}")
        details.append(f"{len(dated)} of {len(rows)} offerings have a date")
    return ScorecardFact(
        "retirement",
        label,
        first.retires_on.isoformat() if first.retires_on else "",
        detail=", ".join(details),
        source=REGISTRY,
        as_of=first.announced_on,
    )
