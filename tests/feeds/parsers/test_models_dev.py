"""models.dev: thousands of resold models, doors of one company, flags without dates."""

import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import PRICE_UNITS, FeedRow, LifecycleClaim, ParsedFeed
from apps.catalog.claims.values import price_value
from apps.feeds.parsers import InvalidPayloadError, models_dev
from apps.feeds.parsers.models_dev import endpoint_of, parse

MODEL = {
    "id": "gpt-0",
    "name": "GPT-0",
    "family": "gpt",
    "release_date": "2026-01",
    "last_updated": "2026-01-15",
    "modalities": {"input": ["text", "image"], "output": ["text"]},
    "open_weights": False,
    "limit": {"context": 400_000, "output": 128_000},
    "cost": {"input": 2, "output": 10, "cache_read": 0.2},
}


def provider(models: Any, **changes: Any) -> dict[str, Any]:
    return {"id": "x", "name": "X", "doc": "https://example.org/docs", "models": models, **changes}


def read(document: dict[str, Any]) -> ParsedFeed:
    return parse(json.dumps(document).encode())


def only(provider_id: str = "openai", model_id: str = "gpt-0", **changes: Any) -> FeedRow:
    (row,) = read({provider_id: provider({model_id: {**MODEL, **changes}})}).rows
    return row


def value(cost: object, **changes: Any) -> dict[str, Any]:
    prices = only(cost=cost, **changes).prices
    assert prices is not None
    return price_value(prices)


# --- which offering -------------------------------------------------------------------------------


def test_a_model_becomes_a_row() -> None:
    row = only()

    assert (row.external_id, row.group, row.host, row.api_id) == (
        "openai/gpt-0",
        "openai",
        "openai",
        "gpt-0",
    )
    assert (row.region, row.tier, row.name, row.category) == ("", "", "GPT-0", "chat")
    assert row.lifecycle == LifecycleClaim()
    assert row.prices is not None
    assert price_value(row.prices) == {"input": "2", "output": "10", "cache_read": "0.2"}
    assert row.source_url == "https://example.org/docs"
    assert row.excerpt == {"cost": {"input": "2", "output": "10", "cache_read": "0.2"}}


def test_the_key_names_the_model_whatever_the_row_says() -> None:
    row = only(provider_id="openrouter", model_id="openai/gpt-0", id="something-else")

    assert (row.external_id, row.host, row.api_id) == (
        "openrouter/openai/gpt-0",
        "openrouter",
        "openai/gpt-0",
    )


@pytest.mark.parametrize(
    ("provider_id", "host", "region", "tier"),
    [
        ("openai", "openai", "", ""),
        ("fireworks-ai", "fireworks", "", ""),
        ("alibaba", "alibaba", "", ""),
        ("alibaba-cn", "alibaba", "cn", ""),
        ("alibaba-coding-plan", "alibaba", "", "coding-plan"),
        ("alibaba-coding-plan-cn", "alibaba", "cn", "coding-plan"),
        ("alibaba-token-plan-cn", "alibaba", "cn", "token-plan"),
        ("minimax-cn-coding-plan", "minimax", "cn", "coding-plan"),
        ("xiaomi-token-plan-ams", "xiaomi", "ams", "token-plan"),
        ("zai", "zai", "", ""),
        ("zai-coding-plan", "zai", "", "coding-plan"),
        ("zhipuai", "zai", "", "bigmodel"),
        ("zhipuai-coding-plan", "zai", "", "bigmodel/coding-plan"),
        ("kimi-for-coding", "moonshotai", "", "kimi-for-coding"),
        ("azure-cognitive-services", "azure", "", "cognitive-services"),
        ("google-vertex-anthropic", "google-vertex", "", "anthropic"),
        ("perplexity-agent", "perplexity", "", ""),
        ("opencode-go", "opencode-go", "", ""),
        ("nowhere-coding-plan", "nowhere-coding-plan", "", ""),
    ],
)
def test_a_door_of_a_company_is_told_apart_from_its_main_one(
    provider_id: str, host: str, region: str, tier: str
) -> None:
    row = only(provider_id=provider_id)

    assert (row.host, row.region, row.tier, row.group) == (host, region, tier, provider_id)
    assert endpoint_of(provider_id) == (region, tier)


def test_a_host_we_do_not_know_has_the_name_the_feed_gives_it() -> None:
    document = {
        "nowhere-ai": provider({"m": MODEL}, name="Nowhere AI"),
        "groq": provider({"m": MODEL}, name="GROQ!"),
    }

    assert read(document).host_names == {"nowhere-ai": "Nowhere AI", "groq": "Groq"}


@pytest.mark.parametrize(
    ("model_id", "modalities", "category"),
    [
        ("gpt-0", {"input": ["text"], "output": ["text"]}, "chat"),
        ("text-embedding-3", {"input": ["text"], "output": ["text"]}, "embedding"),
        ("rerank-v4", {"input": ["text"], "output": ["text"]}, "rerank"),
        ("whisper", {"input": ["audio"], "output": ["text"]}, "audio_transcription"),
        ("flux", {"input": ["text"], "output": ["image"]}, "image_generation"),
        ("sora", {"input": ["text"], "output": ["video"]}, "video_generation"),
        ("tts", {"input": ["text"], "output": ["audio"]}, "audio_speech"),
        ("omni", {"input": ["text"], "output": ["text", "audio"]}, ""),
        ("odd", {"output": "text"}, ""),
        ("odd", None, ""),
    ],
)
def test_the_category_is_what_goes_in_and_comes_out(
    model_id: str, modalities: object, category: str
) -> None:
    assert only(model_id=model_id, modalities=modalities).category == category


@pytest.mark.parametrize("doc", ["javascript:alert(1)", None, 5, ""])
def test_only_a_web_address_becomes_a_link(doc: object) -> None:
    (row,) = read({"openai": provider({"gpt-0": MODEL}, doc=doc)}).rows

    assert row.source_url == ""


def test_the_order_of_providers_and_models_says_nothing() -> None:
    one, two = {**MODEL, "status": "beta"}, {**MODEL, "cost": None}

    first = read({"openai": provider({"a": one, "b": two}), "groq": provider({"c": one})})
    second = read({"groq": provider({"c": one}), "openai": provider({"b": two, "a": one})})

    assert set(map(repr, first.rows)) == set(map(repr, second.rows))


# --- status ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("alpha", "preview"),
        ("beta", "preview"),
        ("deprecated", "deprecated"),
        ("Deprecated", "deprecated"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_flag_is_a_status_without_a_date(said: object, status: str) -> None:
    assert only(status=said).lifecycle == LifecycleClaim(status=status)


@pytest.mark.parametrize("said", ["sunset", 5, True, ["deprecated"], {"a": 1}])
def test_a_status_that_nobody_knows_drops_the_status_and_not_the_prices(said: object) -> None:
    parsed = read({"openai": provider({"gpt-0": {**MODEL, "status": said}})})

    (row,) = parsed.rows
    assert row.lifecycle is None
    assert row.prices
    assert [rejected.external_id for rejected in parsed.rejects] == ["openai/gpt-0"]


@pytest.mark.parametrize("released", ["2026-01", "2026-01-15", "soon", None, 5])
def test_the_day_of_release_is_nothing_we_read(released: object) -> None:
    parsed = read({"openai": provider({"gpt-0": {**MODEL, "release_date": released}})})

    assert (len(parsed.rows), parsed.rejects) == (1, ())


# --- prices ---------------------------------------------------------------------------------------


def test_each_field_has_its_unit() -> None:
    cost = {
        "input": 2.5,
        "output": 15,
        "reasoning": 16,
        "cache_read": 0.25,
        "cache_write": 3.125,
        "input_audio": 40,
        "output_audio": 80,
    }

    assert value(cost) == {
        "input": "2.5",
        "output": "15",
        "reasoning": "16",
        "cache_read": "0.25",
        "cache_write": "3.125",
        "input_audio": "40",
        "output_audio": "80",
    }


def test_every_unit_is_a_word_of_the_catalogue() -> None:
    levels = {f"{side}_{level}" for side in ("input", "output") for level in models_dev._LEVELS}

    assert set(models_dev._UNITS.values()) | levels <= set(PRICE_UNITS)


@pytest.mark.parametrize(
    "cost",
    [
        None,
        {},
        {"input": 0, "output": 0},
        {"input": 0, "output": 0.0, "cache_read": 0.1},
        {"input": None},
    ],
)
def test_nothing_or_zero_is_not_taken_for_a_price(cost: object) -> None:
    assert value(cost) == {}


def test_a_zero_beside_a_price_is_no_price() -> None:
    assert value({"input": 0.02, "output": 0, "cache_read": 0}) == {"input": "0.02"}


def test_sizes_of_request_win_over_the_legacy_copy() -> None:
    cost = {
        "input": 2,
        "output": 10,
        "tiers": [
            {
                "input": 4,
                "output": 15,
                "cache_read": 0,
                "tier": {"type": "context", "size": 272_000},
            }
        ],
        "context_over_200k": {"input": 4, "output": 15},
    }

    assert value(cost) == {"input": "2", "output": "10", "input>272000": "4", "output>272000": "15"}
    assert only(cost=cost).excerpt["cost"]["tiers"] == [
        {"input": "4", "output": "15", "cache_read": "0", "above": "272000"}
    ]


@pytest.mark.parametrize("tiers", [{}, {"tiers": None}, {"tiers": []}])
def test_the_legacy_copy_counts_where_it_stands_alone(tiers: dict[str, Any]) -> None:
    cost = {"input": 2, "output": 10, "context_over_200k": {"input": 4, "output": 15}, **tiers}

    assert value(cost) == {"input": "2", "output": "10", "input>200000": "4", "output>200000": "15"}


def test_a_tier_by_something_else_is_left_out() -> None:
    tiers = [{"input": 4, "tier": {"type": "weekday", "size": 6}}]

    assert value({"input": 2, "output": 10, "tiers": tiers}) == {"input": "2", "output": "10"}


def test_a_fast_mode_is_priority_where_the_call_asks_for_it() -> None:
    cost = {"input": 5, "output": 25}
    priority = {
        "provider": {"body": {"service_tier": "priority"}},
        "cost": {"input": 12.5, "output": 75, "cache_read": 1.25, "input_audio": 40},
    }
    fast = {"provider": {"body": {"speed": "fast"}}, "cost": {"input": 30, "output": 150}}

    assert value(cost, experimental={"modes": {"fast": priority}}) == {
        "input": "5",
        "output": "25",
        "input_priority": "12.5",
        "output_priority": "75",
        "cache_read_priority": "1.25",
    }
    assert value(cost, experimental={"modes": {"fast": fast}}) == {"input": "5", "output": "25"}
    assert value(None, experimental={"modes": {"fast": priority}}) == {}


@pytest.mark.parametrize(
    "odd", [True, [], {"modes": []}, {"modes": {"fast": 5}}, {"modes": {"fast": {"provider": 1}}}]
)
def test_what_is_experimental_may_take_any_shape(odd: object) -> None:
    assert value({"input": 5, "output": 25}, experimental=odd) == {"input": "5", "output": "25"}


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        (
            '{"input": 2250000, "output": 1}',
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (
            '{"input": 2e-07, "output": 1}',
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (
            '{"input": 1, "output": 1000.5}',
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        ('{"input": 1, "output": 1, "cache_read": -0.1}', "negative"),
        ('{"input": NaN, "output": 1}', "NaN"),
        ('{"input": Infinity, "output": 1}', "Infinity"),
        ('{"input": "2", "output": 1}', "not a number"),
        ('{"input": true, "output": 1}', "not a number"),
        ('{"input": [2], "output": 1}', "not a number"),
        ('{"input": 1, "input": 2}', "price input twice"),
        ('{"input": 1, "tiers": "cheap"}', "tiers cannot be read"),
        ('{"input": 1, "tiers": [{"input": 2}]}', "tiers cannot be read"),
        (
            '{"input": 1, "tiers": [{"input": 2, "tier": {"type": "context", "size": "200k"}}]}',
            "not a number of tokens",
        ),
        (
            '{"input": 1, "tiers": [{"input": 2, "tier": {"type": "context", "size": 0}}]}',
            "not a number of tokens",
        ),
        (
            '{"input": 1, "tiers": [{"input": -2, "tier": {"type": "context", "size": 9}}]}',
            "above 9 tokens is negative",
        ),
        ('{"input": 1, "context_over_200k": 2}', "above 200000 tokens cannot be read"),
        ('"free"', "prices cannot be read"),
        ("[1]", "prices cannot be read"),
    ],
)
def test_a_price_that_cannot_be_believed_drops_the_prices_and_not_the_flag(
    cost: str, says: str
) -> None:
    parsed = parse(
        f'{{"openai": {{"models": {{"m": {{"status": "deprecated", "cost": {cost}}}}}}}}}'.encode()
    )

    (row,) = parsed.rows
    assert row.prices is None
    assert row.lifecycle == LifecycleClaim(status="deprecated")
    (rejected,) = parsed.rejects
    assert rejected.external_id == "openai/m"
    assert says in rejected.reason


# --- what is set aside ----------------------------------------------------------------------------


@pytest.mark.parametrize("raw", ["text", None, 5, []])
def test_a_row_that_is_no_object_is_set_aside(raw: object) -> None:
    parsed = read({"openai": provider({"a": raw, "gpt-0": MODEL})})

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-0"]
    assert [rejected.external_id for rejected in parsed.rejects] == ["openai/a"]


@pytest.mark.parametrize("model_id", ["", " ", "a\x00b", "a\ud800", "x" * 301])
def test_an_id_that_cannot_be_stored_is_set_aside(model_id: str) -> None:
    parsed = read({"openai": provider({model_id: MODEL, "gpt-0": MODEL})})

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-0"]
    assert "is empty, too long" in parsed.rejects[0].reason


@pytest.mark.parametrize(
    ("provider_id", "entry", "says"),
    [
        ("a", "text", "no readable models"),
        ("a", {}, "no readable models"),
        ("a", {"models": []}, "no readable models"),
        ("", {"models": {"m": MODEL}}, "The ID of the provider"),
        ("…", {"models": {"m": MODEL}}, "The ID of the provider"),
        ("x" * 101, {"models": {"m": MODEL}}, "The ID of the provider"),
        ("openai/eu", {"models": {"m": MODEL}}, "slash"),
    ],
)
def test_a_provider_that_cannot_be_read_is_set_aside_whole(
    provider_id: str, entry: object, says: str
) -> None:
    parsed = read({provider_id: entry, "openai": provider({"gpt-0": MODEL})})

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-0"]
    assert says in parsed.rejects[0].reason


def test_what_stands_twice_differently_is_set_aside() -> None:
    body = (
        b'{"a": {"models": {"m": {}}}, "a": {"models": {"n": {}}}, '
        b'"b": {"models": {"m": {"name": "x"}, "m": {"name": "y"}, "n": {"name": "z"}}}, '
        b'"c": {"models": {"m": {"status": "beta", "status": "alpha", "cost": {"input": 1}, '
        b'"cost": {"input": 2}}}}}'
    )

    parsed = parse(body)

    assert [(row.external_id, row.lifecycle, row.prices) for row in parsed.rows] == [
        ("b/n", LifecycleClaim(), ()),
        ("c/m", None, None),
    ]
    assert [rejected.external_id for rejected in parsed.rejects] == ["a", "b/m", "c/m", "c/m"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty body"),
        (b"<html></html>", "web page"),
        (b"[]", "one JSON object"),
        (b"{}", "one JSON object"),
        (b"null", "one JSON object"),
        (b'{"error": "not found"}', "The feed contains no readable row."),
        (b'{"gpt-0": {"id": "gpt-0", "name": "GPT-0"}}', "The feed contains no readable row."),
        (b'{"openai": {"models": {}}}', "The feed contains no readable row."),
        (b'{"openai": {"models": {"a": {', "is incomplete"),
        ('{"caf\u00e9": {}}'.encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_body_that_holds_no_providers_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidPayloadError, match=says):
        parse(body)


def test_damage_never_ends_in_anything_but_rows_rejects_or_a_refusal() -> None:
    chance = random.Random(1)
    tiers = [{"input": 4, "output": 15, "tier": {"type": "context", "size": 272_000}}]
    mode = {
        "provider": {"body": {"service_tier": "priority"}},
        "cost": {"input": 12.5, "output": 75},
    }
    model = {
        **MODEL,
        "status": "beta",
        "cost": {"input": 2, "tiers": tiers},
        "experimental": {"modes": {"fast": mode}},
    }
    whole = json.dumps(
        {"openai": provider({"a": model, "b": MODEL}), "zhipuai": provider({"a": MODEL})}
    ).encode()
    for _ in range(3000):
        body = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):
            place = chance.randrange(len(body))
            body[place : place + chance.randrange(3)] = chance.choice(
                [
                    b"",
                    b"[",
                    b"{",
                    b'"',
                    b"-1",
                    b"null",
                    b"NaN",
                    b"9" * 30,
                    b"\xff",
                    b"\\u0000",
                    b"\\ud800",
                ]
            )
        try:
            parsed = parse(bytes(body))
        except InvalidPayloadError:
            continue
        json.dumps([row.excerpt for row in parsed.rows], ensure_ascii=False).encode()
        assert all(line.amount > 0 for row in parsed.rows for line in row.prices or ())


# --- recorded payloads ----------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "rows", "priced", "deprecated", "rejects"),
    [
        ("2025-09-15T214217Z/api.json", 672, 465, 0, 4),
        ("2026-06-30T232249Z/api.json.gz", 5272, 4459, 121, 0),
        ("2026-07-01T164028Z/api.json.gz", 5276, 4462, 121, 0),
    ],
)
def test_recorded_documents_are_read_whole(
    shared: Path, name: str, rows: int, priced: int, deprecated: int, rejects: int
) -> None:
    body = (shared / "feeds" / "models_dev" / name).read_bytes()

    parsed = parse(gzip.decompress(body) if name.endswith(".gz") else body)

    assert len(parsed.rows) == rows
    assert len({row.external_id for row in parsed.rows}) == rows
    assert sum(1 for row in parsed.rows if row.prices) == priced
    assert (
        sum(1 for row in parsed.rows if row.lifecycle and row.lifecycle.status == "deprecated")
        == deprecated
    )
    # Prices per image or per minute of sound that were taken for prices per million tokens.
    assert len(parsed.rejects) == rejects
    assert all(
        ", so its unit is probably wrong. The prices of the row are not used." in rejected.reason
        for rejected in parsed.rejects
    )
    offerings = Counter((row.host, row.api_id, row.region, row.tier) for row in parsed.rows)
    assert [offering for offering, times in offerings.items() if times > 1] == []
