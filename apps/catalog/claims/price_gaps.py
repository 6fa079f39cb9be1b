"""Offerings with different prices in different sources. Only a list: a quarter of all shared prices
differ at any time (outdated rows, discounts, peak and off-peak), so a difference raises no
event."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.catalog.claims.reconciliation import BUILT_IN
from apps.catalog.claims.values import price_in_force
from apps.catalog.models import Assertion, Offering, Source

UNITS = ("input", "output")
# Amounts whose ratio is below this are one price, rounded differently.
PRICE_TOLERANCE = Decimal("1.01")


@dataclass(frozen=True, slots=True)
class PriceSide:
    """The prices of one source; `speaker` as in disagreements.DisagreementSide. `amounts` is {unit:
    amount per million} in force."""

    speaker: str
    name: str
    claim: Assertion
    currency: str
    amounts: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class PriceGap:
    """One offering and all source values of its input and output price, strongest source first.
    `accepted` is the side that applies, None if none does."""

    offering: Offering
    sides: tuple[PriceSide, ...]
    accepted: PriceSide | None

    @property
    def factor(self) -> Decimal:
        """The highest amount divided by the lowest, for the unit in which they differ most."""
        amounts: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
        for side in self.sides:
            for unit, amount in side.amounts.items():
                if amount:
                    amounts[unit, side.currency].append(amount)
        return max(
            (max(unit_amounts) / min(unit_amounts) for unit_amounts in amounts.values()),
            default=Decimal(1),
        )

    @property
    def lines(self) -> list[tuple[PriceSide, frozenset[str]]]:
        """Each side with the units for which its amount differs from the accepted one."""
        return [(side, self._differing_units(side)) for side in self.sides]

    def _differing_units(self, side: PriceSide) -> frozenset[str]:
        accepted_side = self.accepted
        if accepted_side is None or accepted_side.currency != side.currency:
            return frozenset()
        return frozenset(
            unit
            for unit, amount in side.amounts.items()
            if accepted_side.amounts.get(unit)
            and max(amount, accepted_side.amounts[unit])
            > PRICE_TOLERANCE * min(amount, accepted_side.amounts[unit])
        )


@dataclass(frozen=True, slots=True)
class PriceGaps:
    """The offerings whose sources have different prices on `on`, among `offering_ids` or all; with
    `source` only those for which it has a price. Largest difference first. The database counts and
    pages them."""

    on: date
    offering_ids: Collection[int] | None = None
    source: str = ""

    def count(self, *, limit: int) -> int:
        """Return the number of offerings, at most `limit`; one statement."""
        return len(self.ids(limit=limit))

    def page(self, *, limit: int, offset: int = 0) -> list[PriceGap]:
        """Return a page in five statements. Offerings have their host loaded, claims their
        source."""
        ids = self.ids(limit=limit, offset=offset)
        if not ids:
            return []
        offerings = Offering.objects.select_related("host").in_bulk(ids)
        names = dict(Source.objects.order_by().values_list("slug", "name"))
        sides: dict[int, list[PriceSide]] = defaultdict(list)
        claims = Assertion.objects.select_related("source").filter(
            pk__in=self._strongest_claim_ids(ids)
        )
        for claim in claims.order_by("source__trust_rank", "source__name", "external_id"):
            assert claim.offering_id is not None
            sides[claim.offering_id].append(self._build_side(claim, names))
        return [
            self._build_gap(offerings[pk], tuple(side for side in sides[pk] if side.amounts))
            for pk in ids
        ]

    def _build_gap(self, offering: Offering, sides: tuple[PriceSide, ...]) -> PriceGap:
        return PriceGap(
            offering, sides, next((x for x in sides if x.claim.pk == offering.price_claim_id), None)
        )

    def _build_side(self, claim: Assertion, names: dict[str, str]) -> PriceSide:
        slug = claim.source.slug
        speaker = claim.external_id.partition(":")[0] if slug == BUILT_IN else slug
        current_prices = price_in_force(claim.value, self.on)
        return PriceSide(
            speaker=speaker,
            name=names.get(speaker, speaker),
            claim=claim,
            currency=claim.value.get("currency", "USD"),
            amounts={
                unit: Decimal(current_prices[unit]) for unit in UNITS if unit in current_prices
            },
        )

    def ids(self, *, limit: int | None = None, offset: int = 0) -> list[int]:
        """Return the IDs of the offerings on the page; one statement."""
        parameters = {
            "among": None if self.offering_ids is None else list(self.offering_ids),
            "units": list(UNITS),
            "today": self.on.isoformat(),
            "tolerance": PRICE_TOLERANCE,
            "source": self.source,
            "limit": limit,
            "offset": offset,
        }
        return [row[0] for row in _fetch_rows(_CLAIMED_PRICES + _GAPS, parameters)]

    def _strongest_claim_ids(self, ids: Collection[int]) -> list[int]:
        return [
            row[0]
            for row in _fetch_rows(f"{_CLAIMED_PRICES} SELECT id FROM spoken", {"among": list(ids)})
        ]


def _fetch_rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


# The strongest active price claim of each source about each offering; which sources count is as in
# reconciliation.standing_claims.
_CLAIMED_PRICES = """
WITH polled AS (SELECT slug FROM catalog_source s WHERE s.slug NOT IN ('manual', 'built-in')
    AND EXISTS (SELECT 1 FROM catalog_assertion a WHERE a.source_id = s.id)),
named AS (
    -- the speaker of a claim of the built-in catalogue is the feed it was taken from
    SELECT a.id, a.offering_id, a.value, a.changed_at,
           CASE WHEN s.slug = 'built-in' THEN split_part(a.external_id, ':', 1)
               ELSE s.slug END AS speaker
    FROM catalog_assertion a
    JOIN catalog_source s ON s.id = a.source_id
    LEFT JOIN catalog_assertion i
      ON i.source_id = a.source_id AND i.external_id = a.external_id AND i.topic = 'identity'
    WHERE a.topic = 'price' AND a.withdrawn_at IS NULL AND i.withdrawn_at IS NULL
        AND a.value <> '{}'
      AND a.offering_id IS NOT NULL
      AND (%(among)s::bigint[] IS NULL OR a.offering_id = ANY (%(among)s::bigint[]))
      -- the built-in catalogue replaces a feed until that feed has been polled
      AND NOT (s.slug = 'built-in' AND split_part(a.external_id, ':', 1) IN (SELECT slug
      FROM polled))
),
spoken AS (
    -- of several rows of one speaker about an offering the one that changed last
    SELECT DISTINCT ON (offering_id, speaker) id, offering_id, speaker, value
    FROM named ORDER BY offering_id, speaker, changed_at DESC, id
)
"""

_GAPS = """,
in_force AS (
    -- keys are unit, or unit@first day in ISO format: the latest day that has come applies
    SELECT DISTINCT ON (offering_id, speaker, unit)
           offering_id, speaker, split_part(line.key, '@', 1) AS unit,
           line.amount::numeric AS amount,
           coalesce(value ->> 'currency', 'USD') AS currency
    FROM spoken CROSS JOIN LATERAL jsonb_each_text(value) AS line(key, amount)
    WHERE split_part(line.key, '@', 1) = ANY (%(units)s) AND split_part(line.key, '@',
        2) <= %(today)s
    ORDER BY offering_id, speaker, unit, split_part(line.key, '@', 2) DESC
),
gaps AS (
    -- zero is free or unknown, and no price to measure another by
    SELECT offering_id, max(amount) / min(amount) AS factor FROM in_force WHERE amount > 0
    GROUP BY offering_id, unit, currency
    HAVING count(*) > 1 AND max(amount) > %(tolerance)s * min(amount)
)
SELECT offering_id FROM gaps
WHERE %(source)s = '' OR EXISTS (
    SELECT 1 FROM in_force f WHERE f.offering_id = gaps.offering_id AND f.speaker = %(source)s)
GROUP BY offering_id ORDER BY max(factor) DESC, offering_id LIMIT %(limit)s OFFSET %(offset)s
"""
