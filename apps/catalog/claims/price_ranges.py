"""Updates `Price` ranges to the claim that applies; past ranges are closed, never rewritten."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.claims.precedence import SourceClaim
from apps.catalog.claims.values import split_price_key
from apps.catalog.models import Offering, Price
from apps.common.database.bulk_writes import update_rows
from apps.common.time import start_of

type Line = tuple[str, int, str]  # unit, above_tokens, currency


def ranges_due(
    value: Mapping[str, str], at: datetime
) -> dict[Line, list[tuple[datetime, datetime | None, Decimal]]]:
    """Return {line: [(from, to, amount), ...]} from `at` on, with exclusive ends, None for open
    ones. Prices without a future start begin at `at`, later ones on their first day."""
    currency = value.get("currency", "USD")
    starts: dict[Line, list[tuple[datetime, Decimal]]] = defaultdict(list)
    for key, amount in value.items():
        if key == "currency":
            continue
        unit, above_tokens, day = split_price_key(key)
        if unit in PRICE_UNITS:
            starts[unit, above_tokens, currency].append(
                (max(at, start_of(day)) if day else at, Decimal(amount))
            )
    ranges: dict[Line, list[tuple[datetime, datetime | None, Decimal]]] = {}
    for line, line_starts in starts.items():
        latest = dict(
            sorted(line_starts, key=lambda pair: pair[0])
        )  # of several prices with the same start the last one applies
        moments = [*sorted(latest), None]
        ranges[line] = [
            (begin, moments[i + 1], latest[begin])
            for i, begin in enumerate(moments[:-1])
            if begin is not None
        ]
    return ranges


def ranges_of_claims(
    source_claims: Sequence[SourceClaim], at: datetime
) -> dict[Line, tuple[int, list[tuple[datetime, datetime | None, Decimal]]]]:
    """Return {line: (claim ID, ranges from `at` on)} of claims that apply together, the strongest
    first. A stronger claim decides on a unit and size in every currency."""
    ranges: dict[Line, tuple[int, list[tuple[datetime, datetime | None, Decimal]]]] = {}
    decided: set[tuple[str, int]] = set()
    for source_claim in source_claims:
        own = {
            line: line_ranges
            for line, line_ranges in ranges_due(source_claim.value, at).items()
            if line[:2] not in decided
        }
        decided |= {line[:2] for line in own}
        ranges |= {line: (source_claim.claim_id, due) for line, due in own.items()}
    return ranges


def update_price_ranges(source_claims: Mapping[int, Sequence[SourceClaim]], *, at: datetime) -> int:
    """Set the price ranges of these offerings from `at` to the values of the claims that apply,
    strongest first; return the number of rows written.

    A range with an unchanged amount stays, so that the price keeps its first day.
    """
    if not source_claims:
        return 0
    current_prices: dict[int, dict[Line, list[Price]]] = defaultdict(lambda: defaultdict(list))
    for price in Price.objects.filter(
        offering__in=source_claims, valid__endswith__isnull=True
    ) | Price.objects.filter(offering__in=source_claims, valid__endswith__gt=at):
        current_prices[price.offering_id][price.unit, price.above_tokens, price.currency].append(
            price
        )
    closed_ranges: dict[int, dict[str, DateTimeTZRange]] = {}
    removed_ids: list[int] = []
    new_prices: list[Price] = []
    for offering_id, offering_claims in source_claims.items():
        due_ranges = ranges_of_claims(offering_claims, at)
        for line in due_ranges.keys() | current_prices[offering_id].keys():
            existing_prices = sorted(
                current_prices[offering_id][line], key=lambda price: price.valid.lower
            )
            claim_id, target_ranges = due_ranges.get(line, (None, []))
            if [
                (price.amount, max(price.valid.lower, at), price.valid.upper)
                for price in existing_prices
            ] == [(amount, begin, end) for begin, end, amount in target_ranges]:
                continue
            for price in existing_prices:
                if price.valid.lower >= at:
                    removed_ids.append(price.pk)
                else:
                    closed_ranges[price.pk] = {
                        "valid": DateTimeTZRange(price.valid.lower, at, "[)")
                    }
            new_prices += [
                Price(
                    offering_id=offering_id,
                    unit=line[0],
                    above_tokens=line[1],
                    currency=line[2],
                    amount=amount,
                    valid=DateTimeTZRange(begin, end, "[)"),
                    claim_id=claim_id,
                )
                for begin, end, amount in target_ranges
            ]
    Price.objects.filter(pk__in=removed_ids).delete()
    update_rows(Price, closed_ranges)
    Price.objects.bulk_create(new_prices)
    claims = dict(Offering.objects.filter(pk__in=source_claims).values_list("pk", "price_claim_id"))
    update_rows(
        Offering,
        {
            pk: {"price_claim_id": offering_claims[0].claim_id}
            for pk, offering_claims in source_claims.items()
            if claims.get(pk) != offering_claims[0].claim_id
        },
    )
    return len(removed_ids) + len(closed_ranges) + len(new_prices)
