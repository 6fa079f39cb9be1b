"""Manual prices of an offering: one claim of the source `manual`, with the prices of users.

They outrank those of every feed for the same unit and request size. Prices of other units stay
those of the feeds. A changed price is an event, like that of a feed.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.accounts.models import User
from apps.catalog.claims.manual_values import manual_row, manual_source
from apps.catalog.claims.reconciliation import reconcile_offerings, standing_claims
from apps.catalog.claims.values import Value, format_decimal, next_start
from apps.catalog.ingestion.change_detection.records import PRICE, CatalogueFact
from apps.catalog.ingestion.events import insert_events
from apps.catalog.models import Assertion, Offering, Price, ProviderEvent
from apps.catalog.models.claims import Topic
from apps.common.time import day_of


def manual_price_claim(offering_id: int) -> Assertion | None:
    """Return the claim with the manual prices of an offering, also a withdrawn one; locked."""
    return (
        Assertion.objects.select_for_update(of=("self",))
        .filter(source=manual_source(), external_id=manual_row(offering_id), topic=Topic.PRICE)
        .first()
    )


def record_manual_prices(
    *,
    offering: Offering,
    value: Value,
    source_url: str,
    source_on: str,
    by: User | None,
    reason: str,
    at: datetime,
) -> tuple[Assertion, list[ProviderEvent]]:
    """Store the manual prices of an offering and raise the event of what they change.

    `value` is canonical (claims/values.py) and has all manual prices; without one, the prices of
    feeds apply again. The caller holds the catalogue's lock.
    """
    before = _amounts_at(offering.pk, at)
    columns: dict[str, Any] = {
        "offering": offering,
        "value": value,
        "source_url": source_url,
        "excerpt": {"source_on": source_on} if source_on else {},
        "changed_at": at,
        "withdrawn_at": at if not value else None,
        "next_start_on": next_start(value, day_of(at)),
        "asserted_by": by,
        "reason": reason,
    }
    assertion, _ = Assertion.objects.update_or_create(
        source=manual_source(),
        external_id=manual_row(offering.pk),
        topic=Topic.PRICE,
        defaults=columns,
        create_defaults={**columns, "first_seen": at},
    )
    reconcile_offerings([offering.pk], at=at)
    if not standing_claims([offering.pk], PRICE)[0]:
        _end_prices(offering.pk, at)
    old, new = _moves(before, _amounts_at(offering.pk, at))
    if not old:
        return assertion, []
    fact = CatalogueFact("repriced", manual_row(offering.pk), PRICE, old, new, day_of(at), at)
    return assertion, insert_events(manual_source(), [(fact, offering.pk, assertion.pk)])


def value_with_price(value: Mapping[str, str], key: str, amount: Any, currency: str) -> Value:
    """Return the claim `value` with one price set."""
    changed = {name: text for name, text in value.items() if name != "currency"}
    changed[key] = format_decimal(amount)
    return {**changed, "currency": currency} if currency != "USD" else changed


def value_without_price(value: Mapping[str, str], unit_key: str) -> Value:
    """Return the claim `value` without the prices of a `unit[>tokens]`, whenever they start."""
    changed = {
        name: text
        for name, text in value.items()
        if name != "currency" and name.partition("@")[0] != unit_key
    }
    return (
        {**changed, "currency": value["currency"]} if changed and "currency" in value else changed
    )


def unit_key(unit: str, above_tokens: int) -> str:
    return f"{unit}>{above_tokens}" if above_tokens else unit


def starting_key(unit: str, above_tokens: int, starts_on: date | None) -> str:
    key = unit_key(unit, above_tokens)
    return f"{key}@{starts_on.isoformat()}" if starts_on else key


def _amounts_at(offering_id: int, at: datetime) -> dict[tuple[str, str], str]:
    """Return {(unit[>tokens], currency): amount} in force."""
    return {
        (unit_key(unit, above_tokens), currency): format_decimal(amount)
        for unit, above_tokens, currency, amount in Price.objects.filter(
            offering=offering_id, valid__contains=at
        ).values_list("unit", "above_tokens", "currency", "amount")
    }


def _moves(
    before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return ({unit: old amount}, {unit: new amount}) of prices that changed in their currency. A
    price of zero is unknown, and no change."""
    keys = [
        key
        for key, amount in after.items()
        if key in before and before[key] != amount and "0" not in (before[key], amount)
    ]
    return {key[0]: before[key] for key in keys}, {key[0]: after[key] for key in keys}


def _end_prices(offering_id: int, at: datetime) -> None:
    """End the prices of an offering about whose prices no source says anything."""
    Offering.objects.filter(pk=offering_id).update(price_claim=None)
    prices = Price.objects.filter(offering=offering_id)
    prices.filter(valid__startswith__gte=at).delete()
    for price in prices.filter(valid__contains=at):
        price.valid = DateTimeTZRange(price.valid.lower, at, "[)")
        price.save(update_fields=["valid"])
