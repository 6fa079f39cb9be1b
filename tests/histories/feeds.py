"""The six feeds as publishers: how each writes the state of a world down, and when it is looked at.

Nothing here says what is right or wrong; a renderer writes what it is shown. Field names, key
order, units and spelling of prices follow the payloads as served.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.histories.invented_models import Habits, Model, State

Wire = dict[str, Any]


@dataclass(slots=True)
class Shown:
    """One model as a payload is about to show it.

    `true_dates` and `true_prices` turn False where a fault makes the row say something else than
    the world. `wire` overrides fields of the finished row; None as a value takes the field out.
    `style` names another way to write the same.
    """

    model: Model
    state: State
    true_dates: bool = True
    true_prices: bool = True
    wire: Wire = field(default_factory=dict)
    style: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Feed:
    """`dates` and `prices`: what its rows speak of. `soft`: it marks days that are not firm.
    `schedules`: it gives the first day of a price. `only_ending`: it lists a model only once its
    end is spoken of. `lists_all`: it lists what can be called, so that a row that goes means a
    model that went; elsewhere people drop rows for reasons of their own."""

    slug: str
    render: Callable[[Sequence[Shown], Sequence[Wire], datetime], bytes]
    observed: Callable[[random.Random, datetime, int], Iterator[datetime]]
    providers: tuple[tuple[str, int], ...]
    habits: Habits
    dates: bool = False
    soft: bool = False
    prices: bool = False
    schedules: bool = False
    pointers: bool = False
    only_ending: bool = False
    lists_all: bool = False
    # the host's own list of what it serves
    lists_served: bool = False

    def lists(self, state: State) -> bool:
        if not state.listed:
            return False
        return (
            not self.only_ending
            or state.announced_on is not None
            or state.retires_on is not None
            or state.status != "active"
        )

    def external_id(self, state: State) -> str:
        if self.slug == "litellm":
            return litellm_name(state)
        return f"{state.provider}/{state.name}"


# --- when -----------------------------------------------------------------------------------------


def every(
    hours: float, *, at_hour: float = 5.25
) -> Callable[[random.Random, datetime, int], Iterator[datetime]]:
    """A look every so many hours, a little late each time as pollers are."""

    def observed(rng: random.Random, start: datetime, days: int) -> Iterator[datetime]:
        at, end = start + timedelta(hours=at_hour), start + timedelta(days=days)
        while at < end:
            yield at + timedelta(seconds=rng.randint(0, 240))
            at += timedelta(hours=hours)

    return observed


def daily_with_gaps(rng: random.Random, start: datetime, days: int) -> Iterator[datetime]:
    """Daily, but for two gaps of weeks and some missing days."""
    gaps = [(0.35 * days, 0.35 * days + 17), (0.7 * days, 0.7 * days + 24)]
    for day in range(days):
        if any(low <= day < high for low, high in gaps) or rng.random() < 0.06:
            continue
        yield start + timedelta(days=day, hours=5, minutes=rng.randint(30, 59))


def irregular(rng: random.Random, start: datetime, days: int) -> Iterator[datetime]:
    """Mostly daily, some days twice, some not at all."""
    for day in range(days):
        roll = rng.random()
        if roll < 0.15:
            continue
        yield start + timedelta(days=day, hours=3, minutes=rng.randint(0, 50))
        if roll > 0.9:
            yield start + timedelta(days=day, hours=19, minutes=rng.randint(0, 50))


# --- how each writes ------------------------------------------------------------------------------


def _finish(row: Wire, overrides: Mapping[str, Any]) -> Wire:
    for key, value in overrides.items():
        if value is None:
            row.pop(key, None)
        else:
            row[key] = NULL if value is NULL else value
    return {key: None if value is NULL else value for key, value in row.items()}


class _Null:
    """Stands for a JSON null in overrides, where None takes the field out."""


NULL = _Null()


def number(amount: Decimal) -> float | int:
    return int(amount) if amount == amount.to_integral() else float(amount)


def per_token(amount: Decimal) -> float:
    return float(amount / 1_000_000)


def _day(value: object) -> str:
    return str(value)


LITELLM_UNITS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}
_UNPREFIXED = frozenset({"openai", "anthropic", "bedrock", "cohere"})


def litellm_name(state: State) -> str:
    return state.name if state.provider in _UNPREFIXED else f"{state.provider}/{state.name}"


def litellm(rows: Sequence[Shown], debris: Sequence[Wire], at: datetime) -> bytes:
    document: Wire = {
        "sample_spec": {
            "deprecation_date": "date when the model becomes deprecated in the format YYYY-MM-DD",
            "input_cost_per_token": 0.0,
            "litellm_provider": "one of https://docs.litellm.ai/docs/providers",
            "mode": "one of: chat, embedding, completion",
            "output_cost_per_token": 0.0,
        }
    }
    for shown in rows:
        state = shown.state
        if state.points_to:
            document[litellm_name(state)] = _finish({"alias_of": state.points_to}, shown.wire)
            continue
        row: Wire = {}
        if state.retires_on:
            row["deprecation_date"] = _day(state.retires_on)
            row["deprecation_source"] = f"https://example.org/{state.provider}/deprecations"
        for unit, amount in state.prices_on(at.date()).items():
            if unit in LITELLM_UNITS:
                row[LITELLM_UNITS[unit]] = per_token(amount)
        row |= {
            "litellm_provider": state.provider,
            "max_input_tokens": 128000,
            "max_output_tokens": 16384,
            "mode": "chat",
        }
        row |= {"supports_function_calling": True, "supports_vision": bool(shown.model.number % 2)}
        document[litellm_name(state)] = _finish(row, shown.wire)
    for extra in debris:
        document[extra["name"]] = extra["row"]
    return json.dumps(document, indent=4).encode()


def deprecations_info(rows: Sequence[Shown], debris: Sequence[Wire], at: datetime) -> bytes:
    document = []
    for shown in rows:
        state = shown.state
        date_text = _day(state.retires_on) if state.retires_on else ""
        announced = _day(state.announced_on) if state.announced_on else ""
        if state.soft and state.retires_on:
            date_text = (
                f"Not sooner than {state.retires_on:%B} {state.retires_on.day}, "
                f"{state.retires_on.year}"
            )
            announced = announced or "N/A"
        if "long" in shown.style and state.retires_on and not state.soft:
            date_text = f"{state.retires_on:%B} {state.retires_on.day}, {state.retires_on.year}"
        if "regions" in shown.style and date_text:
            date_text += " (all regions)"
        elif "Regions" in shown.style and date_text:
            date_text += " (all Regions)"
        row = {
            "provider": state.provider,
            "model_id": state.name,
            "model_name": state.name,
            "announcement_date": announced,
            "shutdown_date": date_text,
            "replacement_model": NULL,
            "deprecation_context": f"{state.name} ends.",
            "url": f"https://example.org/deprecations#{shown.model.number}",
            "content_hash": f"{shown.model.number:016x}",
            "scraped_at": "2026-05-21T03:05:41.565854+00:00",
        }
        document.append(_finish(row, shown.wire))
    return json.dumps([*document, *debris], indent=2).encode()


def modeldeprecations(rows: Sequence[Shown], debris: Sequence[Wire], at: datetime) -> bytes:
    models = []
    for shown in rows:
        state = shown.state
        row: Wire = {
            "provider": state.provider,
            "model": state.name,
            "name": state.name.title(),
            "aliases": [],
            "description": "A model.",
            "released_on": _day(shown.model.released_on),
        }
        if state.announced_on:
            row["deprecated_on"] = _day(state.announced_on)
        if state.retires_on:
            row["earliest_shutdown_on" if state.soft else "shutdown_on"] = _day(state.retires_on)
        past = state.retires_on is not None and state.retires_on <= at.date()
        row["status"] = state.status
        row["replacements"] = []
        row["sources"] = [
            {"url": f"https://example.org/{state.provider}", "accessed": "2026-05-30"}
        ]
        row["last_verified"] = "2026-05-30"
        row["computed_status"] = "retired" if past else state.status
        models.append(_finish(row, shown.wire))
    models = [*models, *debris]
    models.sort(key=lambda row: f"{row.get('provider')}/{row.get('model')}")
    document = {
        "$schema": "https://modeldeprecations.dev/api/v1/schema.json",
        "generatedAt": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "asOf": _day(at.date()),
        "count": len(models),
        "models": models,
    }
    return (json.dumps(document, indent=2) + "\n").encode()


GENAI_UNITS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


def _mtok(prices: Mapping[str, Decimal]) -> Wire:
    return {
        GENAI_UNITS[unit]: number(amount) for unit, amount in prices.items() if unit in GENAI_UNITS
    }


def genai_prices(rows: Sequence[Shown], debris: Sequence[Wire], at: datetime) -> bytes:
    providers: dict[str, list[Wire]] = {}
    for shown in rows:
        state = shown.state
        prices: Any = _mtok(state.prices)
        if state.scheduled:
            on, new = state.scheduled
            prices = [
                {"prices": prices},
                {"constraint": {"start_date": _day(on)}, "prices": _mtok(new)},
            ]
        elif state.former is not None and state.priced_since is not None:
            constraint = {"start_date": _day(state.priced_since)}
            prices = [{"prices": _mtok(state.former)}, {"constraint": constraint, "prices": prices}]
        elif "tiers" in shown.style:
            prices = {unit: {"base": price, "tiers": []} for unit, price in prices.items()}
        row = {
            "id": state.name,
            "name": state.name.title(),
            "match": {"equals": state.name},
            "context_window": 128000,
            "prices": prices,
        }
        if state.status == "deprecated":
            row["deprecated"] = True
        providers.setdefault(state.provider, []).append(_finish(row, shown.wire))
    for extra in debris:
        providers.setdefault(extra["provider"], []).append(extra["row"])
    document = [
        {
            "id": provider,
            "name": provider.title(),
            "pricing_urls": [f"https://example.org/{provider}/pricing"],
            "api_pattern": rf"https://api\.{provider}\.com",
            "models": models,
        }
        for provider, models in providers.items()
    ]
    return json.dumps(document, separators=(",", ":")).encode()


OPENROUTER_UNITS = {
    "input": "prompt",
    "output": "completion",
    "cache_read": "input_cache_read",
    "cache_write": "input_cache_write",
}


def decimal_text(amount: Decimal) -> str:
    return format((amount / 1_000_000).normalize(), "f")


def openrouter(rows: Sequence[Shown], debris: Sequence[Wire], at: datetime) -> bytes:
    noise = random.Random(str(at))
    data = []
    for shown in rows:
        state = shown.state
        row_id = f"{state.provider}/{state.name}"
        pricing = {
            OPENROUTER_UNITS[unit]: decimal_text(amount)
            for unit, amount in state.prices_on(at.date()).items()
            if unit in OPENROUTER_UNITS
        }
        row: Wire = {"id": row_id, "canonical_slug": f"{row_id.split(':')[0]}-20260101"}
        if state.points_to:
            row["alias_target"] = {"name": state.points_to, "slug": state.points_to}
        row |= {
            "hugging_face_id": f"{state.provider}/{state.name}"
            if shown.model.open_weights
            else NULL,
            "name": state.name.title(),
            "created": 1770000000 + shown.model.number * 3600,
            "description": "A model.",
            "context_length": 128000,
            "architecture": {
                "modality": "text->text",
                "input_modalities": ["text"],
                "output_modalities": ["text"],
                "tokenizer": "Router" if state.points_to else "Other",
                "instruct_type": None,
            },
            "pricing": pricing,
            "top_provider": {
                "context_length": 128000,
                "max_completion_tokens": noise.choice((16384, 32768)),
                "is_moderated": False,
            },
            "per_request_limits": NULL,
            "supported_parameters": ["max_tokens", "temperature"],
            "default_parameters": {},
            "supported_voices": NULL,
            "knowledge_cutoff": NULL,
            "expiration_date": _day(state.retires_on) if state.retires_on else NULL,
            "links": {"details": f"/api/v1/models/{row_id}/endpoints"},
            "benchmarks": {
                "design_arena": [
                    {"arena": "models", "category": "svg", "elo": noise.randint(900, 1400)}
                ]
            },
        }
        data.append(_finish(row, shown.wire))
    data = sorted([*data, *debris], key=lambda row: -row.get("created", 0))
    document = {"data": data, "total_count": len(data), "links": {"next": None}}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


MODELS_DEV_UNITS = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
}


def models_dev(rows: Sequence[Shown], debris: Sequence[Wire], at: datetime) -> bytes:
    providers: dict[str, Wire] = {}
    for shown in rows:
        state = shown.state
        cost: Wire = {
            MODELS_DEV_UNITS[unit]: number(amount)
            for unit, amount in state.prices_on(at.date()).items()
            if unit in MODELS_DEV_UNITS
        }
        dear = {unit: number(Decimal(str(price)) * 2) for unit, price in cost.items()}
        if "over_200k" in shown.style:
            cost["context_over_200k"] = dear
        if "context_tiers" in shown.style:
            cost["tiers"] = [{**dear, "tier": {"type": "context", "size": 200000}}]
        row: Wire = {
            "id": state.name,
            "name": state.name.title(),
            "family": "atlas",
            "attachment": False,
            "reasoning": False,
            "tool_call": True,
            "temperature": True,
            "release_date": _day(shown.model.released_on),
            "last_updated": _day(shown.model.released_on),
            "modalities": {"input": ["text"], "output": ["text"]},
            "open_weights": shown.model.open_weights,
            "limit": {"context": 128000, "output": 16384},
        }
        if state.status == "deprecated":
            row["status"] = "deprecated"
        if cost:
            row["cost"] = cost
        provider = providers.setdefault(
            state.provider, {"id": state.provider, "env": [], "models": {}}
        )
        provider["models"][state.name] = _finish(row, shown.wire)
    for extra in debris:
        provider = providers.setdefault(
            extra["provider"], {"id": extra["provider"], "env": [], "models": {}}
        )
        provider["models"][extra["name"]] = extra["row"]
    for slug, provider in providers.items():
        provider |= {
            "npm": "@ai-sdk/openai-compatible",
            "name": slug.title(),
            "doc": f"https://example.org/{slug}",
        }
    order = list(providers)
    random.Random(str(at)).shuffle(order)
    return json.dumps({slug: providers[slug] for slug in order}, separators=(",", ":")).encode()


FEEDS: dict[str, Feed] = {
    feed.slug: feed
    for feed in (
        Feed(
            "openrouter",
            openrouter,
            every(6, at_hour=1.25),
            (
                ("openai", 28),
                ("anthropic", 14),
                ("google", 24),
                ("qwen", 26),
                ("mistralai", 18),
                ("z-ai", 12),
            ),
            Habits(
                days=75,
                lead_days=(1, 21),
                announced=22,
                silent=8,
                prices=30,
                floating=3,
                scheduled=0,
                promises=0,
            ),
            dates=True,
            prices=True,
            pointers=True,
            lists_all=True,
            lists_served=True,
        ),
        Feed(
            "deprecations-info",
            deprecations_info,
            irregular,
            (
                ("OpenAI", 33),
                ("Google", 26),
                ("AWS Bedrock", 28),
                ("Anthropic", 14),
                ("Cohere", 10),
            ),
            Habits(
                days=120,
                lead_days=(19, 160),
                announced=45,
                silent=0,
                prices=0,
                discounts=0,
                scheduled=0,
                floating=0,
                promises=6,
                already=30,
                notices_stay=True,
            ),
            dates=True,
            soft=True,
            only_ending=True,
        ),
        Feed(
            "modeldeprecations",
            modeldeprecations,
            every(24, at_hour=8.5),
            (("openai", 34), ("anthropic", 16), ("bedrock", 32), ("alibaba", 26), ("z-ai", 10)),
            Habits(
                days=120,
                lead_days=(30, 170),
                announced=36,
                silent=5,
                prices=0,
                discounts=0,
                scheduled=0,
                floating=0,
                promises=14,
            ),
            dates=True,
            soft=True,
        ),
        Feed(
            "genai-prices",
            genai_prices,
            every(24, at_hour=12.5),
            (("openai", 32), ("anthropic", 16), ("google", 24), ("groq", 24), ("mistral", 20)),
            Habits(
                days=110,
                announced=0,
                already=0,
                silent=6,
                prices=44,
                scheduled=8,
                floating=0,
                promises=0,
            ),
            prices=True,
            schedules=True,
        ),
        Feed(
            "litellm",
            litellm,
            daily_with_gaps,
            (("openai", 34), ("anthropic", 16), ("gemini", 26), ("bedrock", 32), ("mistral", 20)),
            Habits(
                days=150,
                lead_days=(60, 200),
                announced=34,
                silent=6,
                prices=36,
                scheduled=3,
                floating=0,
                promises=0,
            ),
            dates=True,
            prices=True,
            pointers=True,
            lists_all=True,
        ),
        Feed(
            "models-dev",
            models_dev,
            every(24, at_hour=23.4),
            (("openai", 32), ("anthropic", 16), ("google", 24), ("openrouter", 40), ("groq", 20)),
            Habits(
                days=110,
                announced=0,
                already=0,
                silent=9,
                prices=48,
                scheduled=3,
                floating=1,
                promises=0,
            ),
            prices=True,
        ),
    )
}
