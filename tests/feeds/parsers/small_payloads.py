"""Small payloads of all six feeds, written by code as their publishers write them.

    feed = SMALL["litellm"]
    feed.body(Line(0), Line(1, ends="2026-12-01"), Line(2, usd="2.5"))

A `Line` is what a row says in words all feeds share; a feed leaves out what it has no field for.
Every row is one of acme's; `feed.key(n)` is its external id.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

type Wire = dict[str, Any]

PROVIDER = "acme"


@dataclass(frozen=True, slots=True)
class Line:
    """One row. `usd` is what a million tokens of input cost (output costs five times that);
    `begins` is a later price with its first day. `wire` overrides fields of the finished row."""

    n: int
    ends: str = ""
    soft: bool = False
    usd: str = "3"
    begins: tuple[str, str] | None = None
    wire: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SmallFeed:
    """`dated`: its rows can give a firm day, in the field `day`. `priced`: they give prices;
    `schedules`: also with a first day. `absence_is_news`: a row that leaves means a model that is
    no longer served."""

    slug: str
    row: Callable[[Line, int], Wire]
    whole: Callable[[Sequence[Wire], int], Any]
    dated: bool = False
    priced: bool = False
    schedules: bool = False
    absence_is_news: bool = False
    day: str = ""

    def key(self, n: int) -> str:
        return f"{PROVIDER}/{name(n)}"

    def document(self, *lines: Line, noise: int = 0) -> Any:
        """The decoded payload. Another `noise` changes all that means nothing, and nothing else."""
        return self.whole([{**self.row(line, noise), **line.wire} for line in lines], noise)

    def body(self, *lines: Line, noise: int = 0) -> bytes:
        return json.dumps(self.document(*lines, noise=noise)).encode()


def name(n: int) -> str:
    return f"model-{n}"


def lines(n: int, **fields: Any) -> list[Line]:
    return [Line(i, **fields) for i in range(n)]


def changed(given: Iterable[Line], *others: Line) -> list[Line]:
    """`given`, with these lines in place of those of the same number."""
    by_number = {line.n: line for line in others}
    return [by_number.get(line.n, line) for line in given]


def without(given: Iterable[Line], *numbers: int) -> list[Line]:
    return [line for line in given if line.n not in numbers]


def _number(usd: str, factor: int = 1, *, million: int = 1) -> float:
    return float(Decimal(usd) * factor / million)


# --- LiteLLM --------------------------------------------------------------------------------------


def _litellm_row(line: Line, noise: int) -> Wire:
    row: Wire = {
        "_key": f"{PROVIDER}/{name(line.n)}",
        "litellm_provider": PROVIDER,
        "mode": "chat",
        "input_cost_per_token": _number(line.usd, million=1_000_000),
        "output_cost_per_token": _number(line.usd, 5, million=1_000_000),
        "max_input_tokens": 128_000,
        "supports_vision": True,
        "metadata": {"notes": f"As of run {noise}."},
    }
    return row | ({"deprecation_date": line.ends} if line.ends else {})


def _litellm(rows: Sequence[Wire], noise: int) -> Wire:
    spec: Wire = {"mode": "one of chat", "deprecation_date": "date in the format YYYY-MM-DD"}
    ordered = [*rows[noise % len(rows) :], *rows[: noise % len(rows)]] if rows else []
    return {"sample_spec": spec} | {
        row["_key"]: {k: v for k, v in row.items() if k != "_key"} for row in ordered
    }


# --- deprecations.info ----------------------------------------------------------------------------


def _deprecations_info_row(line: Line, noise: int) -> Wire:
    ends = f"Not sooner than {line.ends}" if line.soft and line.ends else line.ends
    return {
        "provider": PROVIDER,
        "model_id": name(line.n),
        "model_name": name(line.n),
        "announcement_date": "2026-01-10",
        "shutdown_date": ends,
        "replacement_model": None,
        "deprecation_context": f"It ends. {noise}",
        "url": "https://example.org/deprecations",
        "content_hash": f"{noise:016x}",
        "scraped_at": f"2026-05-21T03:{noise % 60:02}:41.565854+00:00",
    }


def _deprecations_info(rows: Sequence[Wire], noise: int) -> list[Wire]:
    return [*rows] if noise % 2 == 0 else [*reversed(rows)]


# --- modeldeprecations.dev ------------------------------------------------------------------------


def _modeldeprecations_row(line: Line, noise: int) -> Wire:
    row: Wire = {
        "provider": PROVIDER,
        "model": name(line.n),
        "name": name(line.n),
        "aliases": [],
        "description": f"A model. {noise}",
        "released_on": "2024-03-01",
        "status": "active",
        "replacements": [],
        "sources": [{"url": "https://example.org/acme", "accessed": "2026-05-30"}],
        "last_verified": "2026-05-30",
        "computed_status": "retired" if noise % 2 else "active",
    }
    return row | (
        {("earliest_shutdown_on" if line.soft else "shutdown_on"): line.ends} if line.ends else {}
    )


def _modeldeprecations(rows: Sequence[Wire], noise: int) -> Wire:
    day = f"2026-08-{noise % 28 + 1:02}"
    return {
        "generatedAt": f"{day}T05:00:00.000Z",
        "asOf": day,
        "count": len(rows),
        "models": [*rows],
    }


# --- OpenRouter -----------------------------------------------------------------------------------


def _openrouter_row(line: Line, noise: int) -> Wire:
    return {
        "id": f"{PROVIDER}/{name(line.n)}",
        "name": f"Acme: {name(line.n)}",
        "created": 1_770_000_000 + line.n,
        "architecture": {"output_modalities": ["text"]},
        "pricing": {"prompt": _tokens(line.usd), "completion": _tokens(line.usd, 5)},
        "expiration_date": line.ends or None,
        "top_provider": {"max_completion_tokens": 16_384, "is_moderated": bool(noise % 2)},
        "benchmarks": {"design_arena": [{"arena": "models", "elo": 900 + noise}]},
    }


def _tokens(usd: str, factor: int = 1) -> str:
    return format(Decimal(usd) * factor / 1_000_000, "f")


def _openrouter(rows: Sequence[Wire], noise: int) -> Wire:
    return {"data": [*reversed(rows)], "total_count": len(rows) + noise, "links": {"next": None}}


# --- genai-prices ---------------------------------------------------------------------------------


def _genai_prices_row(line: Line, noise: int) -> Wire:
    prices: Any = _mtok(line.usd)
    if line.begins:
        day, usd = line.begins
        prices = [{"prices": prices}, {"constraint": {"start_date": day}, "prices": _mtok(usd)}]
    return {
        "id": name(line.n),
        "match": {"equals": name(line.n)},
        "context_window": 128_000,
        "description": f"A model. {noise}",
        "prices": prices,
    }


def _mtok(usd: str) -> Wire:
    return {"input_mtok": _number(usd), "output_mtok": _number(usd, 5)}


def _genai_prices(rows: Sequence[Wire], noise: int) -> list[Wire]:
    ordered = [*rows] if noise % 2 == 0 else [*reversed(rows)]
    return [
        {
            "id": PROVIDER,
            "name": f"Acme {noise}",
            "pricing_urls": ["https://example.org/acme"],
            "models": ordered,
        }
    ]


# --- models.dev -----------------------------------------------------------------------------------


def _models_dev_row(line: Line, noise: int) -> Wire:
    return {
        "id": name(line.n),
        "name": name(line.n),
        "family": f"family-{noise}",
        "release_date": "2025-03-01",
        "last_updated": f"2026-08-{noise % 28 + 1:02}",
        "modalities": {"input": ["text"], "output": ["text"]},
        "limit": {"context": 128_000},
        "cost": {"input": _number(line.usd), "output": _number(line.usd, 5)},
    }


def _models_dev(rows: Sequence[Wire], noise: int) -> Wire:
    ordered = [*rows] if noise % 2 == 0 else [*reversed(rows)]
    models = {row["id"]: row for row in ordered}
    return {
        PROVIDER: {
            "id": PROVIDER,
            "name": "Acme",
            "doc": f"https://example.org/{noise}",
            "models": models,
        }
    }


SMALL: dict[str, SmallFeed] = {
    feed.slug: feed
    for feed in (
        SmallFeed(
            "litellm",
            _litellm_row,
            _litellm,
            dated=True,
            priced=True,
            absence_is_news=True,
            day="deprecation_date",
        ),
        SmallFeed(
            "deprecations-info",
            _deprecations_info_row,
            _deprecations_info,
            dated=True,
            day="shutdown_date",
        ),
        SmallFeed(
            "modeldeprecations",
            _modeldeprecations_row,
            _modeldeprecations,
            dated=True,
            day="shutdown_on",
        ),
        SmallFeed(
            "openrouter",
            _openrouter_row,
            _openrouter,
            dated=True,
            priced=True,
            absence_is_news=True,
            day="expiration_date",
        ),
        SmallFeed("genai-prices", _genai_prices_row, _genai_prices, priced=True, schedules=True),
        SmallFeed("models-dev", _models_dev_row, _models_dev, priced=True),
    )
}
SLUGS = tuple(SMALL)
DATED = tuple(slug for slug, feed in SMALL.items() if feed.dated)
PRICED = tuple(slug for slug, feed in SMALL.items() if feed.priced)


def priced_at(slug: str, line: Line, amount: Any) -> Line:
    """`line` with `amount` for its price of input as it stands in the payload, however odd."""
    said = str(amount) if slug == "openrouter" else amount
    wires: dict[str, Wire] = {
        "litellm": {"input_cost_per_token": said},
        "openrouter": {"pricing": {"prompt": said, "completion": "0.000015"}},
        "genai-prices": {"prices": {"input_mtok": said, "output_mtok": 15}},
        "models-dev": {"cost": {"input": said, "output": 15}},
    }
    return replace(line, wire=wires[slug])
