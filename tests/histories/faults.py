"""What goes wrong between the world and the payload, kind by kind, each switched on for a span of
time.

A fault changes what one observation shows and says of each row whether it still tells the truth
(`true_dates`, `true_prices`). Rows that it takes away are named in `hidden`: they are gone from the
payload, not from the world.
"""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from tests.histories.feeds import Feed, Shown, Wire
from tests.histories.invented_models import Model, Prices


@dataclass(slots=True)
class View:
    """One observation in the making."""

    feed: Feed
    at: datetime
    rows: list[Shown]
    hidden: set[int] = field(default_factory=set)
    debris: list[Wire] = field(default_factory=list)
    status: int = 200
    edit: Callable[[bytes], bytes] | None = None
    # the whole payload looks other than before: removals and changes in it prove nothing
    doubted: bool = False

    def drop(self, gone: Callable[[Shown], bool]) -> None:
        self.hidden |= {shown.model.number for shown in self.rows if gone(shown)}
        self.rows = [shown for shown in self.rows if shown.model.number not in self.hidden]


@dataclass(frozen=True, slots=True)
class Fault:
    """In force for start <= at < end. A frozen one shows the world of `start` as long as it
    lasts."""

    start: datetime
    end: datetime
    apply: Callable[[View], None]
    frozen: bool = False

    def holds(self, at: datetime) -> bool:
        return self.start <= at < self.end


type Chosen = Iterable[Model]


def _numbers(models: Chosen) -> frozenset[int]:
    return frozenset(model.number for model in models)


def _on_rows(
    start: datetime, end: datetime, models: Chosen, change: Callable[[Shown], None]
) -> Fault:
    numbers = _numbers(models)

    def apply(view: View) -> None:
        for shown in view.rows:
            if shown.model.number in numbers:
                change(shown)

    return Fault(start, end, apply)


# --- rows -----------------------------------------------------------------------------------------


def vanish(models: Chosen, start: datetime, end: datetime) -> Fault:
    """Single rows are missing."""
    numbers = _numbers(models)
    return Fault(start, end, lambda view: view.drop(lambda shown: shown.model.number in numbers))


def vanish_provider(provider: str, start: datetime, end: datetime, *, spare: Chosen = ()) -> Fault:
    """A whole provider is missing, but for the rows to spare."""
    spared = _numbers(spare)
    return Fault(
        start,
        end,
        lambda view: view.drop(
            lambda shown: shown.state.provider == provider and shown.model.number not in spared
        ),
    )


def vanish_variant(suffix: str, start: datetime, end: datetime) -> Fault:
    """Every row of one variant is missing (`:batch`)."""
    return Fault(
        start, end, lambda view: view.drop(lambda shown: shown.state.name.endswith(suffix))
    )


# --- dates ----------------------------------------------------------------------------------------


def _date_field(feed: str) -> str:
    return {
        "litellm": "deprecation_date",
        "openrouter": "expiration_date",
        "deprecations-info": "shutdown_date",
        "modeldeprecations": "shutdown_on",
    }[feed]


def wrong_dates(models: Chosen, start: datetime, end: datetime, *, shift_days: int = 365) -> Fault:
    """Every date of these rows is shifted."""

    def change(shown: Shown) -> None:
        if shown.state.retires_on is not None:
            shown.state = replace(
                shown.state, retires_on=shown.state.retires_on + timedelta(days=shift_days)
            )
            shown.true_dates = False

    return _on_rows(start, end, models, change)


def clear_dates(models: Chosen, start: datetime, end: datetime) -> Fault:
    """Dates are gone for a while, the rows stay."""

    def change(shown: Shown) -> None:
        if shown.state.retires_on is not None:
            shown.state = replace(shown.state, retires_on=None, soft=False)
            shown.true_dates = False

    return _on_rows(start, end, models, change)


def placeholder(models: Chosen, value: str, start: datetime, end: datetime) -> Fault:
    """A text that means "none" where a date stands or could stand."""
    numbers = _numbers(models)

    def apply(view: View) -> None:
        for shown in view.rows:
            if shown.model.number in numbers:
                shown.wire[_date_field(view.feed.slug)] = value
                shown.true_dates = shown.state.retires_on is None
                shown.state = replace(shown.state, retires_on=None)

    return Fault(start, end, apply)


def shutdown_is_announcement(models: Chosen, start: datetime, end: datetime) -> Fault:
    """The scraper writes the day of announcement for the day of the end."""

    def change(shown: Shown) -> None:
        if shown.state.announced_on:
            shown.wire["shutdown_date"] = str(shown.state.announced_on)
            shown.state = replace(shown.state, retires_on=None)
            shown.true_dates = False

    return _on_rows(start, end, models, change)


def written(style: str, models: Chosen, start: datetime, end: datetime) -> Fault:
    """The same facts in another form; see `Shown.style`."""

    def change(shown: Shown) -> None:
        shown.style |= {style}

    return _on_rows(start, end, models, change)


def status_by_calendar(models: Chosen, start: datetime, end: datetime) -> Fault:
    """`computed_status` says something else than the dates."""

    def change(shown: Shown) -> None:
        shown.wire["computed_status"] = "retired"

    return _on_rows(start, end, models, change)


# --- prices ---------------------------------------------------------------------------------------


def _repriced(shown: Shown, prices: Prices) -> None:
    shown.state = replace(
        shown.state, prices=prices, scheduled=None, former=None, priced_since=None
    )
    shown.true_prices = False


def wrong_prices(models: Chosen, factor: float | str, start: datetime, end: datetime) -> Fault:
    """Prices are multiplied: a flap, or with a large factor an error of units."""
    by = Decimal(str(factor))

    def change(shown: Shown) -> None:
        _repriced(shown, {unit: amount * by for unit, amount in shown.state.prices.items()})

    return _on_rows(start, end, models, change)


def no_price(models: Chosen, start: datetime, end: datetime, *, zero: bool = False) -> Fault:
    """Prices are absent (`{}` where the feed writes that), or 0."""

    def change(shown: Shown) -> None:
        _repriced(shown, {unit: Decimal(0) for unit in shown.state.prices} if zero else {})

    return _on_rows(start, end, models, change)


def raw_price(models: Chosen, fields: Wire, start: datetime, end: datetime) -> Fault:
    """Anything at all in the price's place: NaN, negatives, text."""

    def change(shown: Shown) -> None:
        shown.wire |= fields
        shown.true_prices = False

    return _on_rows(start, end, models, change)


# --- noise and debris -----------------------------------------------------------------------------


def field_noise(start: datetime, end: datetime) -> Fault:
    """Fields that say nothing change at every look."""

    def apply(view: View) -> None:
        rng = random.Random(str(view.at))
        for shown in view.rows:
            if view.feed.slug == "deprecations-info":
                shown.wire |= {
                    "scraped_at": f"{view.at.isoformat()}",
                    "content_hash": f"{rng.getrandbits(64):016x}",
                }
            elif view.feed.slug == "litellm":
                shown.wire["max_input_tokens"] = rng.choice((128000, 200000))
            elif view.feed.slug == "models-dev":
                shown.wire["last_updated"] = str(
                    (view.at - timedelta(days=rng.randint(0, 300))).date()
                )
            elif view.feed.slug == "modeldeprecations":
                shown.wire["last_verified"] = str(view.at.date())
            elif view.feed.slug == "genai-prices":
                shown.wire["match"] = {
                    "or": [{"equals": shown.state.name}, {"equals": str(rng.random())}]
                }

    return Fault(start, end, apply)


def debris(rows: Sequence[Wire], start: datetime, end: datetime) -> Fault:
    """Rows that are about no model."""
    return Fault(start, end, lambda view: view.debris.extend(rows))


def usual_debris(feed: str) -> list[Wire]:
    """Rows about no model as this feed has been seen to carry them."""
    match feed:
        case "deprecations-info":
            return _scraped_debris()
        case "litellm":
            return [
                {"name": "1024-x-1024/50-steps/broken", "row": {"mode": "image_generation"}},
                {"name": "openai/odd", "row": "not an object"},
            ]
        case "openrouter":
            common: Wire = {"created": 1, "hugging_face_id": None, "expiration_date": None}
            million = {"prompt": "0.000001", "completion": "0.000001"}
            return [
                common
                | {
                    "id": "openrouter/auto",
                    "name": "Auto",
                    "pricing": {"prompt": "-1", "completion": "-1"},
                },
                common
                | {
                    "id": "stealth/secret",
                    "name": "Secret",
                    "pricing": {"prompt": "0", "completion": "0"},
                }
                | {"expiration_date": "2098-12-31"},
                common
                | {
                    "id": "",
                    "name": "Nameless",
                    "pricing": million,
                    "expiration_date": "2026-09-01",
                },
            ]
        case "modeldeprecations":
            row: Wire = {
                "provider": "openai",
                "model": "",
                "name": "",
                "aliases": [],
                "shutdown_on": "2026-12-01",
            }
            return [row | {"status": "deprecated", "computed_status": "deprecated"}]
        case "genai-prices":
            return [
                {
                    "provider": "openai",
                    "row": {"id": "", "match": {"equals": ""}, "prices": {"input_mtok": 1}},
                }
            ]
        case _:
            row = {"id": "", "name": "", "cost": {"input": 1, "output": 1}}
            return [{"provider": "openai", "name": "", "row": row}]


def _scraped_debris() -> list[Wire]:
    """A test row, joined ids, a service, unnamed models, the day of the announcement for that of
    the end, a section."""
    rows = (
        ("Test", "test-model", "", "2026-12-31"),
        ("Cohere", "command-amber, command-birch, summarize, classify", "2026-05-01", "2026-11-15"),
        ("OpenAI", "Assistants API", "2026-05-01", "2026-12-26"),
        ("Google", "<UNKNOWN>", "2026-05-01", "2026-12-01"),
        ("Google", "N/A", "2026-05-01", "2026-12-02"),
        ("OpenAI", "atlas-suspect-0314", "2026-09-26", "2026-09-26"),
    )
    section = {
        "provider": "AWS Bedrock",
        "title": "A section",
        "content": "text",
        "shutdown_date": "anthropic.claude-3-5-sonnet-20241022-v2:0",
    }
    return [
        *(
            {
                "provider": provider,
                "model_id": model_id,
                "model_name": "",
                "announcement_date": announced,
                "shutdown_date": shutdown,
                "replacement_model": None,
                "url": "",
                "content_hash": "0",
                "scraped_at": "",
            }
            for provider, model_id, announced, shutdown in rows
        ),
        section,
    ]


# --- whole bodies ---------------------------------------------------------------------------------


def frozen(start: datetime, end: datetime) -> Fault:
    """The feed answers, healthy to look at, and never changes."""
    return Fault(start, end, lambda view: None, frozen=True)


def not_modified(start: datetime, end: datetime) -> Fault:
    """304 while nothing changes."""

    def apply(view: View) -> None:
        view.status = 304

    return Fault(start, end, apply, frozen=True)


def status(code: int, start: datetime, end: datetime) -> Fault:
    def apply(view: View) -> None:
        view.status = code

    return Fault(start, end, apply)


def body(kind: str, start: datetime, end: datetime) -> Fault:
    """html, truncated, empty (a list or object of nothing), nothing (no byte)."""

    def edit(whole: bytes) -> bytes:
        match kind:
            case "html":
                return b"<!DOCTYPE html><html><body>Sign in</body></html>"
            case "truncated":
                return whole[: len(whole) * 2 // 3]
            case "empty":
                opening = json.loads(whole)
                if isinstance(opening, dict) and "data" in opening:
                    return b'{"data":[]}'
                if isinstance(opening, dict) and "models" in opening:
                    return json.dumps(opening | {"models": [], "count": 0}).encode()
                return b"{}" if isinstance(opening, dict) else b"[]"
            case _:
                return b""

    def apply(view: View) -> None:
        view.edit = edit

    return Fault(start, end, apply)


def _garbled_dates(
    rng: random.Random,
    feed: Feed,
    by_provider: dict[str, list[Model]],
    start: datetime,
    end: datetime,
) -> Fault:
    """The dates of one provider, wrong for a run, where they are many enough to look like the fault
    they are."""
    crowds = []
    for models in by_provider.values():
        listed = [model for model in models if feed.lists(model.at(start))]
        dated = [model for model in listed if model.at(start).retires_on]
        if len(dated) >= 6 and len(dated) > 0.15 * len(listed):
            crowds.append(dated)
    return wrong_dates(rng.choice(crowds) if crowds else [], start, end)


# --- a season of all of them ----------------------------------------------------------------------


def usual_faults(
    feed: Feed, models: Sequence[Model], start: datetime, days: int, seed: int
) -> list[Fault]:
    """What a bad season of this feed brings, drawn from `seed`; spread so that most rows are
    touched by few."""
    rng = random.Random(seed)
    faults = [field_noise(start + timedelta(days=1), start + timedelta(days=days))]

    def span(hours: float, *, low: float = 2) -> tuple[datetime, datetime]:
        at = start + timedelta(days=rng.uniform(low, days - 10))
        return at, at + timedelta(hours=hours)

    plain = [model for model in models if not model.first.points_to and not model.floating]
    faults += [vanish(rng.sample(plain, 2), *span(hours)) for hours in (6, 6, 24, 24, 72, 72, 139)]
    providers = [name for name, _ in feed.providers]
    faults += [vanish_provider(rng.choice(providers), *span(hours)) for hours in (6, 50, 120)]
    # routers and unnamed models of OpenRouter are rows of their own, which stay
    debris_days = days if feed.slug == "openrouter" else 20
    faults += [
        debris(usual_debris(feed.slug), *span(24 * debris_days)),
        frozen(*span(60)),
        not_modified(*span(30)),
    ]
    faults += [body(kind, *span(7)) for kind in ("html", "truncated", "empty", "nothing")]
    faults += [status(code, *span(13)) for code in (500, 503, 404)]
    by_provider = {name: [m for m in plain if m.first.provider == name] for name in providers}
    if feed.dates:
        faults.append(_garbled_dates(rng, feed, by_provider, *span(30, low=0.5 * days)))
        faults.append(clear_dates(plain, *span(26)))
        undated = [
            m
            for m in plain
            if m.at(start + timedelta(days=days)).retires_on is None and m.first.retires_on is None
        ]
        undated = [
            m
            for m in undated
            if all(m.at(start + timedelta(days=d)).retires_on is None for d in range(0, days, 1))
        ]
        if undated and not feed.only_ending:
            for value in ("2098-12-31", "9999-01-01"):
                faults.append(
                    placeholder(rng.sample(undated, min(3, len(undated))), value, *span(24 * 15))
                )
    if feed.slug == "deprecations-info":
        faults += [written(style, plain, *span(24 * 6)) for style in ("long", "regions", "Regions")]
    if feed.slug == "models-dev":
        some = rng.sample(plain, 12)
        middle = start + timedelta(days=days / 2)
        faults += [written("over_200k", some, start, middle + timedelta(days=9))]
        faults += [written("context_tiers", some, middle, start + timedelta(days=days))]
    if feed.slug == "modeldeprecations":
        faults.append(status_by_calendar(rng.sample(plain, 3), *span(24 * 3)))
    if feed.prices:
        for hours in (6, 24, 30, 60):
            faults.append(
                wrong_prices(rng.sample(plain, 2), rng.choice((0.5, 0.8, 1.3, 2)), *span(hours))
            )
        # apart from one another: two errors of units at once could look like a price
        unlucky = rng.sample(plain, 8)
        for place, factor in enumerate(("1000000", "100000", "450", "0.000001")):
            pair = unlucky[2 * place : 2 * place + 2]
            faults.append(wrong_prices(pair, factor, *span(rng.choice((24, 24 * 25)))))
        faults += [
            no_price(rng.sample(plain, 2), *span(24 * 4)),
            no_price(rng.sample(plain, 2), *span(24 * 12), zero=True),
        ]
        crowd = by_provider[rng.choice(providers)]
        faults.append(wrong_prices(rng.sample(crowd, max(6, len(crowd) // 3)), 3, *span(28)))
    return faults
