"""Price history of offerings: the same lines for the chart, its table and its CSV."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.claims.reconciliation import BUILT_IN
from apps.catalog.claims.values import split_price_key
from apps.catalog.models import Assertion, Offering, Price
from apps.catalog.models.claims import Topic
from apps.common.time import day_of
from apps.web.drawings.base.picture import ResponsivePicture, responsive_picture
from apps.web.drawings.base.scales import Unit, price
from apps.web.drawings.charts.price_steps import Series, draw_price_steps

MAX_DRAWN_LINES = 8
CURRENCY = "USD"
# the units that are shown first
_FIRST_UNITS = ("output", "input")


@dataclass(frozen=True, slots=True)
class PriceStep:
    """List price from `since` on, per million of the unit; None if it is unknown from that day.
    `announced` steps are a source's value for a later day."""

    since: date
    amount: Decimal | None
    announced: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Line of the price history: offerings of one host that always had the same price. `until` is
    the day on which they end."""

    host: str
    offerings: tuple[Offering, ...]
    steps: tuple[PriceStep, ...]
    until: date | None

    @property
    def label(self) -> str:
        """Return the label in a chart in which the host has several lines; otherwise its name is
        enough."""
        if len(self.offerings) == 1:
            return f"{self.host}, {self.offerings[0].api_id}"
        return f"{self.host}, {len(self.offerings)} ids"

    @property
    def ids(self) -> str:
        return ", ".join(offering.api_id for offering in self.offerings)


def priced_units(offerings: Sequence[Offering]) -> list[str]:
    """Return units in which any of them has a price, output and input first: one statement."""
    units = set(
        Price.objects.filter(
            offering__in=[row.pk for row in offerings], above_tokens=0, currency=CURRENCY
        )
        .order_by()
        .values_list("unit", flat=True)
        .distinct()
    )
    order = [*_FIRST_UNITS, *(unit for unit in PRICE_UNITS if unit not in _FIRST_UNITS)]
    return [unit for unit in order if unit in units]


def price_histories(offerings: Sequence[Offering], *, unit: str, today: date) -> list[PriceHistory]:
    """Return lines of list prices for the smallest size of request, in the order of the offerings:
    two statements.

    Offerings come with `host` loaded. Those of one host that always cost the same are one line."""
    by_offering: dict[int, list[PriceStep]] = defaultdict(list)
    open_until: dict[int, date | None] = {}
    ids = [row.pk for row in offerings]
    for row in (
        Price.objects.filter(offering__in=ids, unit=unit, above_tokens=0, currency=CURRENCY)
        .select_related("claim__source")
        .order_by("offering", "valid")
    ):
        since = day_of(row.valid.lower) if row.valid.lower else date(2000, 1, 1)
        previous_end = open_until.get(row.offering_id)
        if previous_end is not None and previous_end < since:
            by_offering[row.offering_id].append(PriceStep(previous_end, None))
        source = row.claim.source.name if row.claim else ""
        by_offering[row.offering_id].append(PriceStep(since, row.amount, since > today, source))
        open_until[row.offering_id] = day_of(row.valid.upper) if row.valid.upper else None
    for pk, ended_on in open_until.items():
        if ended_on is not None and ended_on <= today:
            by_offering[pk].append(PriceStep(ended_on, None))
    for pk, step in _announced_steps(ids, unit=unit, today=today):
        if by_offering.get(pk):
            by_offering[pk].append(step)
    return _merge_equal_histories(offerings, by_offering)


def _announced_steps(ids: Iterable[int], *, unit: str, today: date) -> list[tuple[int, PriceStep]]:
    """Return (offering, step) of the future days that any source names, the most trusted source
    first."""
    steps: dict[tuple[int, date], tuple[int, PriceStep]] = {}
    for claim in (
        Assertion.objects.standing()
        .filter(offering__in=list(ids), topic=Topic.PRICE)
        .exclude(source__slug=BUILT_IN)
        .select_related("source")
        .order_by("source__trust_rank", "pk")
    ):
        if claim.offering_id is None or not isinstance(claim.value, dict):
            continue
        if claim.value.get("currency", CURRENCY) != CURRENCY:
            continue
        for key, amount in claim.value.items():
            if "@" not in key:
                continue
            of_unit, above, starts_on = split_price_key(key)
            if of_unit == unit and not above and starts_on is not None and starts_on > today:
                step = PriceStep(
                    starts_on, Decimal(str(amount)), announced=True, source=claim.source.name
                )
                steps.setdefault((claim.offering_id, starts_on), (claim.offering_id, step))
    return [steps[key] for key in sorted(steps)]


def _merge_equal_histories(
    offerings: Sequence[Offering], by_offering: dict[int, list[PriceStep]]
) -> list[PriceHistory]:
    """Return a history for each group of offerings of one host with the same prices and retirement
    date."""
    offerings_by_history: dict[tuple[Any, ...], list[Offering]] = defaultdict(list)
    for offering in offerings:
        steps = by_offering.get(offering.pk)
        if steps:
            key = (
                offering.host_id,
                _retirement_date(offering),
                tuple((step.since, step.amount) for step in steps),
            )
            offerings_by_history[key].append(offering)
    return [
        PriceHistory(
            equal_offerings[0].host.name,
            tuple(equal_offerings),
            tuple(by_offering[equal_offerings[0].pk]),
            ends_on,
        )
        for (_host, ends_on, _steps), equal_offerings in offerings_by_history.items()
    ]


def _retirement_date(offering: Offering) -> date | None:
    """Return the announced date; None for a 'not before'."""
    return offering.retires_on if offering.date_kind == "firm" else None


def price_picture(
    lines: Sequence[PriceHistory], *, unit: str, today: date, width: float
) -> ResponsivePicture | None:
    """Draw the first MAX_DRAWN_LINES of the lines; None if no price is known."""
    n_lines = Counter(line.host for line in lines[:MAX_DRAWN_LINES])
    axis_text = f"USD per million {str(PRICE_UNITS.get(unit, unit)).lower()}"
    return responsive_picture(
        draw_price_steps,
        [
            Series(
                line.label if n_lines[line.host] > 1 else line.host,
                tuple(
                    (step.since, None if step.amount is None else float(step.amount))
                    for step in line.steps
                ),
                until=line.until,
            )
            for line in lines[:MAX_DRAWN_LINES]
        ],
        unit=Unit(axis_text, price, price),
        today=today,
        width=width,
    )


HEADS = ("host", "model IDs", "unit", "from", "price", "currency", "kind", "source", "ends")


def csv_lines(lines: Iterable[PriceHistory], unit: str) -> list[list[Any]]:
    """Return one row per step, for a file under HEADS."""
    return [
        [
            line.host,
            line.ids,
            unit,
            step.since,
            "" if step.amount is None else f"{step.amount.normalize():f}",
            CURRENCY,
            "announced" if step.announced else "unknown" if step.amount is None else "list",
            step.source,
            line.until,
        ]
        for line in lines
        for step in line.steps
    ]
