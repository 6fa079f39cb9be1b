"""LiteLLM's price map: who a row is about, what it costs, when it ends, and what is set aside."""

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import (
    FIRM,
    PRICE_UNITS,
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    PriceLine,
)
from apps.feeds.parsers import ADAPTERS, InvalidPayloadError, litellm_prices
from apps.feeds.parsers.litellm import parse, split_name

CHAT = {
    "litellm_provider": "openai",
    "mode": "chat",
    "input_cost_per_token": 2.5e-06,
    "output_cost_per_token": 1e-05,
}


def read(rows: dict[str, Any]) -> ParsedFeed:
    return parse(json.dumps(rows).encode())


def only(raw: dict[str, Any], name: str = "gpt-4o") -> FeedRow:
    """The one row of a payload that holds just this."""
    (row,) = read({name: raw}).rows
    return row


def prices(raw: dict[str, Any]) -> dict[tuple[str, int], Decimal]:
    row = only({"litellm_provider": "openai", "mode": "chat", **raw})
    return {(line.unit, line.above_tokens): line.amount for line in row.prices or ()}


# --- who a row is about ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "provider", "host", "api_id", "region", "tier"),
    [
        ("gpt-4o", "openai", "openai", "gpt-4o", "", ""),
        ("openai/sora-2", "openai", "openai", "sora-2", "", ""),
        ("ft:gpt-4o-2024-08-06", "openai", "openai", "ft:gpt-4o-2024-08-06", "", ""),
        ("davinci-002", "text-completion-openai", "openai", "davinci-002", "", ""),
        (
            "low/1024-x-1024/gpt-image-1.5",
            "openai",
            "openai",
            "gpt-image-1.5",
            "",
            "low/1024-x-1024",
        ),
        ("1024-x-1024/dall-e-2", "openai", "openai", "dall-e-2", "", "1024-x-1024"),
        ("azure/gpt-4o", "azure", "azure", "gpt-4o", "", ""),
        ("azure/eu/gpt-4o-2024-08-06", "azure", "azure", "gpt-4o-2024-08-06", "eu", ""),
        ("azure/us-gov/o3-mini", "azure", "azure", "o3-mini", "us-gov", ""),
        (
            "azure/global-standard/gpt-4o-mini",
            "azure",
            "azure",
            "gpt-4o-mini",
            "",
            "global-standard",
        ),
        ("azure/global/gpt-5.1", "azure", "azure", "gpt-5.1", "global", ""),
        ("azure/hd/1024-x-1792/dall-e-3", "azure", "azure", "dall-e-3", "", "hd/1024-x-1792"),
        ("azure/speech/azure-tts", "azure", "azure", "azure-tts", "", ""),
        ("azure_ai/global/grok-3", "azure_ai", "azure", "grok-3", "global", ""),
        ("azure/gpt-35-turbo-instruct", "azure_text", "azure", "gpt-35-turbo-instruct", "", ""),
        ("anthropic.claude-v2:1", "bedrock", "amazon-bedrock", "anthropic.claude-v2:1", "", ""),
        (
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
            "bedrock_converse",
            "amazon-bedrock",
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
            "",
            "",
        ),
        (
            "bedrock/us-east-1/anthropic.claude-v1",
            "bedrock",
            "amazon-bedrock",
            "anthropic.claude-v1",
            "us-east-1",
            "",
        ),
        (
            "bedrock/us-gov-west-1/1-month-commitment/anthropic.claude-v1",
            "bedrock",
            "amazon-bedrock",
            "anthropic.claude-v1",
            "us-gov-west-1",
            "1-month-commitment",
        ),
        (
            "bedrock/*/6-month-commitment/cohere.command-text-v14",
            "bedrock",
            "amazon-bedrock",
            "cohere.command-text-v14",
            "",
            "6-month-commitment",
        ),
        (
            "bedrock/invoke/anthropic.claude-v2:1",
            "bedrock",
            "amazon-bedrock",
            "anthropic.claude-v2:1",
            "",
            "",
        ),
        (
            "1024-x-1024/50-steps/bedrock/amazon.nova-canvas-v1:0",
            "bedrock",
            "amazon-bedrock",
            "amazon.nova-canvas-v1:0",
            "",
            "1024-x-1024/50-steps",
        ),
        (
            "bedrock_mantle/us-gov-west-1/xai.grok-4.3",
            "bedrock_mantle",
            "amazon-bedrock",
            "xai.grok-4.3",
            "us-gov-west-1",
            "mantle",
        ),
        (
            "bedrock/claude_platform/claude-opus-5",
            "bedrock",
            "amazon-bedrock",
            "claude-opus-5",
            "",
            "claude-platform",
        ),
        (
            "vertex_ai/claude-3-5-haiku@20241022",
            "vertex_ai-anthropic_models",
            "google-vertex",
            "claude-3-5-haiku@20241022",
            "",
            "",
        ),
        (
            "vertex_ai/meta/llama3-8b-instruct-maas",
            "vertex_ai-llama_models",
            "google-vertex",
            "meta/llama3-8b-instruct-maas",
            "",
            "",
        ),
        (
            "gemini-2.5-flash",
            "vertex_ai-language-models",
            "google-vertex",
            "gemini-2.5-flash",
            "",
            "",
        ),
        ("gemini/gemini-2.5-flash", "gemini", "google", "gemini-2.5-flash", "", ""),
        (
            "fireworks_ai/accounts/fireworks/models/x",
            "fireworks_ai",
            "fireworks",
            "accounts/fireworks/models/x",
            "",
            "",
        ),
        (
            "fireworks_ai/thenlper/gte-base",
            "fireworks_ai-embedding-models",
            "fireworks",
            "thenlper/gte-base",
            "",
            "",
        ),
        ("together_ai/openai/gpt-oss-20b", "together_ai", "together", "openai/gpt-oss-20b", "", ""),
        ("openrouter/openrouter/auto", "openrouter", "openrouter", "openrouter/auto", "", ""),
        ("perplexity/perplexity/sonar", "perplexity", "perplexity", "perplexity/sonar", "", ""),
        ("amazon-nova/nova-lite-v1", "amazon_nova", "amazon-nova", "nova-lite-v1", "", ""),
        ("fal_ai/fal-ai/flux/dev", "fal_ai", "fal", "fal-ai/flux/dev", "", ""),
        ("aiml/flux/dev", "aiml", "aiml", "flux/dev", "", ""),
        ("cloudflare/@cf/qwen/qwen2.5", "cloudflare", "cloudflare", "@cf/qwen/qwen2.5", "", ""),
        ("ollama/gpt-oss:20b-cloud", "ollama", "ollama", "gpt-oss:20b-cloud", "", ""),
        ("deepgram/streaming/nova-3", "deepgram", "deepgram", "nova-3", "", "streaming"),
        ("nowhere_ai/model-1", "nowhere_ai", "nowhere-ai", "model-1", "", ""),
    ],
)
def test_a_row_name_is_taken_apart(
    name: str, provider: str, host: str, api_id: str, region: str, tier: str
) -> None:
    row = only({**CHAT, "litellm_provider": provider}, name)

    assert (row.external_id, row.group) == (name, provider)
    assert (row.host, row.api_id, row.region, row.tier) == (host, api_id, region, tier)


def test_a_prefix_alone_is_an_id() -> None:
    assert split_name("high", "openai") == ("high", "", "")
    assert split_name("azure", "azure") == ("azure", "", "")
    assert split_name("azure/eu", "azure") == ("eu", "", "")


def test_an_unknown_host_comes_with_its_name() -> None:
    assert read({"nowhere_ai/model-1": {**CHAT, "litellm_provider": "nowhere_ai"}}).host_names == {
        "nowhere-ai": "nowhere_ai"
    }


def test_a_pointing_row_makes_no_claim_and_takes_its_targets_provider() -> None:
    parsed = read({"gpt-latest": {"alias_of": "gpt-4o"}, "gpt-4o": CHAT})

    alias = parsed.rows[0]
    assert (alias.host, alias.api_id, alias.group, alias.alias_of) == (
        "openai",
        "gpt-latest",
        "openai",
        "gpt-4o",
    )
    assert (alias.lifecycle, alias.prices) == (None, None)


def test_documentation_tools_and_price_brackets_are_ignored() -> None:
    parsed = read(
        {
            "sample_spec": {
                "litellm_provider": "one of https://…",
                "deprecation_date": "date when …",
            },
            "fallback_generalizations": {"rules": []},
            "together-ai-41.1b-80b": CHAT,
            "fireworks-ai-moe-up-to-56b": CHAT,
            "fireworks-ai-default": CHAT,
            "tavily/search": {"litellm_provider": "tavily", "mode": "search"},
            "bedrock/guardrails": {"litellm_provider": "bedrock", "mode": "guardrail"},
            "openai/container": CHAT,
            "gpt-4o": CHAT,
        }
    )

    assert [row.external_id for row in parsed.rows] == ["gpt-4o"]
    assert (parsed.ignored, parsed.rejects) == (8, ())


# --- what it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "unit", "above"),
    [
        ("input_cost_per_token", "input", 0),
        ("output_cost_per_token_batches", "output_batch", 0),
        ("input_cost_per_token_above_272k_tokens_priority", "input_priority", 272_000),
        ("output_cost_per_token_flex", "output_flex", 0),
        ("cache_read_input_token_cost_above_200k_tokens", "cache_read", 200_000),
        ("cache_read_input_token_cost_priority", "cache_read_priority", 0),
        ("cache_read_input_token_cost_flex", "cache_read_flex", 0),
        ("cache_read_input_token_cost_above_272k_tokens_batches", "cache_read_batch", 272_000),
        ("cache_creation_input_token_cost_flex", "cache_write_flex", 0),
        ("cache_read_input_audio_token_cost", "cache_read_audio", 0),
        ("input_cost_per_video_token", "input_video", 0),
        ("cache_creation_input_token_cost", "cache_write", 0),
        ("cache_creation_input_token_cost_above_1hr", "cache_write_1h", 0),
        ("cache_creation_input_token_cost_above_1hr_above_200k_tokens", "cache_write_1h", 200_000),
        ("output_cost_per_reasoning_token", "reasoning", 0),
        ("input_cost_per_audio_token", "input_audio", 0),
        ("output_cost_per_image_token", "output_image", 0),
    ],
)
def test_a_price_per_token_becomes_usd_per_million(field: str, unit: str, above: int) -> None:
    assert prices({field: 1.5e-06}) == {(unit, above): Decimal("1.5")}


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ("output_cost_per_image", "image"),
        ("input_cost_per_image", "image"),
        ("input_cost_per_second", "second"),
        ("input_cost_per_character", "character"),
        ("ocr_cost_per_page", "page"),
        ("input_cost_per_query", "query"),
        ("input_cost_per_request", "request"),
        ("input_cost_per_pixel", "pixel"),
        ("search_context_cost_per_query", "web_search"),
        ("google_maps_grounding_cost_per_query", "map_search"),
        ("code_interpreter_cost_per_session", "code_session"),
    ],
)
def test_other_units_are_per_million_too(field: str, unit: str) -> None:
    assert prices({field: 0.04}) == {(unit, 0): Decimal(40_000)}


def test_web_searches_are_priced_by_the_size_of_their_context() -> None:
    sizes = {
        "search_context_size_low": 0.03,
        "search_context_size_medium": 0.035,
        "search_context_size_high": 0.05,
    }

    assert prices({"search_context_cost_per_query": sizes}) == {
        ("web_search", 0): Decimal(35_000),
        ("web_search_low", 0): Decimal(30_000),
        ("web_search_high", 0): Decimal(50_000),
    }


def test_sizes_of_one_price_are_one_unit() -> None:
    sizes = {f"search_context_size_{size}": 0.01 for size in ("low", "medium", "high")}

    assert prices({"search_context_cost_per_query": sizes}) == {("web_search", 0): Decimal(10_000)}


def test_a_video_model_is_paid_by_the_second_of_film() -> None:
    row = only(
        {"litellm_provider": "openai", "mode": "video_generation", "output_cost_per_second": 0.1},
        "sora-2",
    )

    assert row.prices == (PriceLine("video_second", Decimal(100_000)),)


@pytest.mark.parametrize(
    "field",
    [
        "cache_read_input_audio_token_cost_priority",
        "cache_creation_input_token_cost_above_12hr",
        "input_cost_per_token_ultrafast",
        "input_dbu_cost_per_token",
        "output_cost_per_second_1080p",
        "annotation_cost_per_page",
        "input_cost_per_token_batches_flex",
    ],
)
def test_a_price_without_a_word_of_ours_is_left_out(field: str) -> None:
    read_prices = litellm_prices.read_prices({field: 1e-06})

    assert (read_prices.lines, read_prices.unmapped) == ((), (field,))


def test_every_unit_that_can_come_out_is_a_word_of_the_catalogue() -> None:
    bases = {**litellm_prices._TOKEN_BASES, **litellm_prices._OTHER_BASES}
    suffixes = ("", "_batches", "_priority", "_flex", "_above_1hr", "_above_128k_tokens")

    meanings = [
        litellm_prices.field_meaning(base + suffix) for base in bases for suffix in suffixes
    ]

    assert {known.unit for known in meanings if known} <= set(PRICE_UNITS)


def test_tiers_given_as_ranges_become_sizes_of_request() -> None:
    tiers = [
        {"range": [0, 256000.0], "input_cost_per_token": 5e-08, "output_cost_per_token": 4e-07},
        {
            "range": [256000.0, 1000000.0],
            "input_cost_per_token": 2.5e-07,
            "output_cost_per_token": 2e-06,
        },
    ]

    assert prices({"tiered_pricing": tiers}) == {
        ("input", 0): Decimal("0.05"),
        ("output", 0): Decimal("0.4"),
        ("input", 256_000): Decimal("0.25"),
        ("output", 256_000): Decimal(2),
    }


def test_floating_point_leaves_no_noise() -> None:
    body = (
        b'{"m": {"litellm_provider": "databricks", "mode": "chat", '
        b'"input_cost_per_token": 0.0000029999900000000002}}'
    )

    (row,) = parse(body).rows

    assert row.prices == (PriceLine("input", Decimal("2.99999")),)


def test_zero_is_not_taken_for_a_price() -> None:
    assert prices({"input_cost_per_token": 0, "output_cost_per_token": 0.0}) == {}
    assert prices({"input_cost_per_token": 1e-07, "output_cost_per_token": 0.0}) == {
        ("input", 0): Decimal("0.1")
    }
    assert prices({"input_cost_per_second": 0.0001, "output_cost_per_second": 0.0}) == {
        ("second", 0): Decimal(100)
    }
    assert prices({"input_cost_per_pixel": 1.9e-08, "output_cost_per_pixel": 0.0}) == {
        ("pixel", 0): Decimal("0.019")
    }


def test_a_row_without_any_price_has_the_topic_and_no_line() -> None:
    assert only({"litellm_provider": "openai", "mode": "chat"}).prices == ()


@pytest.mark.parametrize(
    ("literal", "says"),
    [
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "Infinity"),
        ("-0.000001", "negative"),
        ('"0.000001"', "not a number"),
        ("true", "not a number"),
        ("[1]", "not a number"),
        ("0.002", ", so its unit is probably wrong. The prices of the row are not used."),
        ("1e400", ", so its unit is probably wrong. The prices of the row are not used."),
        ("1e999999", ", so its unit is probably wrong. The prices of the row are not used."),
        ("1.3e-10", ", so its unit is probably wrong. The prices of the row are not used."),
    ],
)
def test_a_price_that_cannot_be_believed_drops_the_prices_and_not_the_date(
    literal: str, says: str
) -> None:
    body = (
        '{"m": {"litellm_provider": "openai", "deprecation_date": "2027-01-01", '
        '"output_cost_per_token": 1e-06, '
        f'"input_cost_per_token": {literal}}}}}'
    )

    parsed = parse(body.encode())

    (row,) = parsed.rows
    assert row.prices is None
    assert row.lifecycle == LifecycleClaim(retires_on=date(2027, 1, 1), date_kind=FIRM)
    (rejected,) = parsed.rejects
    assert rejected.external_id == "m"
    assert says in rejected.reason


def test_a_thousand_dollars_per_million_is_the_most_that_is_believed() -> None:
    assert prices({"input_cost_per_token": 0.001}) == {("input", 0): Decimal(1000)}
    assert only({**CHAT, "input_cost_per_token": 0.0010001}).prices is None


@pytest.mark.parametrize(
    "tiers",
    [
        "cheap",
        [1],
        [{}],
        [{"range": []}],
        [{"range": ["0"]}],
        [{"range": [-1]}],
        [{"range": [True]}],
        {"range": "x"},
    ],
)
def test_tiers_that_cannot_be_read_drop_the_prices(tiers: object) -> None:
    assert only({**CHAT, "tiered_pricing": tiers}).prices is None


# --- when it ends ---------------------------------------------------------------------------------


def test_a_date_is_firm_and_comes_with_successor_and_source() -> None:
    row = only(
        {
            **CHAT,
            "deprecation_date": "2027-01-31",
            "successor_model": "gpt-6",
            "deprecation_source": "https://example.org/deprecations",
            "source": "https://example.org/prices",
        }
    )

    assert row.lifecycle == LifecycleClaim(
        retires_on=date(2027, 1, 31), date_kind=FIRM, successor="gpt-6"
    )
    assert row.source_url == "https://example.org/deprecations"
    assert row.excerpt["deprecation_date"] == "2027-01-31"
    assert row.excerpt["input_cost_per_token"] == "0.0000025"


def test_a_row_without_a_date_says_that_it_has_none() -> None:
    assert only(CHAT).lifecycle == LifecycleClaim()


@pytest.mark.parametrize(
    "value", ["9999-12-31", "2090-01-01", "2026-02-30", "soon", "", 20270101, True, ["2027-01-01"]]
)
def test_a_date_that_cannot_be_believed_drops_the_date_and_not_the_prices(value: object) -> None:
    parsed = read({"gpt-4o": {**CHAT, "deprecation_date": value}})

    (row,) = parsed.rows
    assert row.prices == (PriceLine("input", Decimal("2.5")), PriceLine("output", Decimal(10)))
    if value == "":
        assert (row.lifecycle, parsed.rejects) == (LifecycleClaim(), ())
    else:
        assert row.lifecycle is None
        assert [rejected.external_id for rejected in parsed.rejects] == ["gpt-4o"]


@pytest.mark.parametrize(
    "value", ["javascript:alert(1)", "see page", 5, "https://a b", "https://x/" + "y" * 2000]
)
def test_only_a_web_address_becomes_a_link(value: object) -> None:
    assert only({**CHAT, "source": value}).source_url == ""


# --- what is set aside ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("a", [1], "not an object"),
        ("a", "text", "not an object"),
        ("a", None, "not an object"),
        ("a", {"mode": "chat"}, "The row does not state its provider."),
        ("a", {"litellm_provider": 5}, "The row does not state its provider."),
        ("a", {"litellm_provider": "…"}, "The row does not state its provider."),
        ("a", {"alias_of": "a"}, ", which is not a row of this feed."),
        ("a", {"alias_of": ["b"]}, ", which is not a row of this feed."),
        (
            "openai/",
            CHAT,
            "The name of the row has no model ID after its prefixes, or an ID that is too long.",
        ),
        (
            "x" * 401,
            CHAT,
            "The name of the row is empty, too long or contains unprintable characters.",
        ),
        ("", CHAT, "The name of the row is empty, too long or contains unprintable characters."),
        ("a\x00b", CHAT, "unprintable"),
        ("a\ud800", CHAT, "unprintable"),
    ],
)
def test_a_row_that_is_none_is_set_aside_with_its_reason(name: str, raw: object, says: str) -> None:
    parsed = read({name: raw, "gpt-4o": CHAT})

    assert [row.external_id for row in parsed.rows] == ["gpt-4o"]
    (rejected,) = parsed.rejects
    assert says in rejected.reason
    assert "\x00" not in rejected.external_id + rejected.excerpt
    (rejected.external_id + rejected.excerpt).encode()


def test_a_row_that_stands_twice_with_different_content_is_set_aside() -> None:
    body = (
        b'{"a": {"litellm_provider": "openai"}, "b": {"litellm_provider": "groq"}, '
        b'"a": {"litellm_provider": "xai"}}'
    )

    parsed = parse(body)

    assert [row.external_id for row in parsed.rows] == ["b"]
    assert "twice with different content" in parsed.rejects[0].reason


def test_a_row_that_stands_twice_alike_is_one_row() -> None:
    body = b'{"a": {"litellm_provider": "openai"}, "a": {"litellm_provider": "openai"}}'

    assert len(parse(body).rows) == 1


def test_a_doubled_field_drops_only_what_it_says() -> None:
    body = (
        b'{"a": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, '
        b'"input_cost_per_token": 2e-06},'
        b' "b": {"litellm_provider": "openai", "deprecation_date": "2027-01-01", '
        b'"deprecation_date": "2027-02-01"}}'
    )

    first, second = parse(body).rows

    assert (first.prices, first.lifecycle) == (None, LifecycleClaim())
    assert (second.prices, second.lifecycle) == ((), None)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty body"),
        (b"  \n", "empty body"),
        (b"<!DOCTYPE html><html></html>", "web page instead of JSON"),
        (b"<?xml version='1.0'?><rss/>", "XML instead of JSON"),
        (b"{}", "one JSON object"),
        (b"[]", "one JSON object"),
        (b"null", "one JSON object"),
        (b"5", "one JSON object"),
        (b'{"message": "Not Found"}', "The feed contains no readable row."),
        (b'{"sample_spec": {}}', "The feed contains no readable row."),
        (b'{"a": {"litellm_provider": "ope', "is incomplete"),
        (b'{"a": {"litellm_provider": "openai"}', "is incomplete"),
        (b"{'a': 1}", "is not JSON"),
        ('{"caf\u00e9": 1}'.encode("latin-1"), "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a":' + b"[" * 200_000, "nested too deeply|is incomplete"),
        (b'{"a": ' + b"9" * 5000 + b"}", "nested too deeply"),
    ],
)
def test_a_body_that_is_no_price_map_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidPayloadError, match=says):
        parse(body)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert len(parse(b"\xef\xbb\xbf" + json.dumps({"gpt-4o": CHAT}).encode()).rows) == 1


# --- recorded payloads ----------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    ("moment", "rows", "dated", "unit_faults"),
    [
        ("2025-11-15T000000Z", 1703, 73, 17),
        ("2026-08-16T054922Z", 3001, 334, 22),
        ("2026-08-21T055305Z", 3070, 553, 22),
        ("2026-11-24T000000Z", 4829, 924, 6),
    ],
)
def test_recorded_price_maps_are_read_whole(
    shared: Path, moment: str, rows: int, dated: int, unit_faults: int
) -> None:
    packed = shared / "feeds" / "litellm" / moment / "model_prices_and_context_window.json.gz"

    parsed = ADAPTERS["litellm"].parse(gzip.decompress(packed.read_bytes()))

    assert len(parsed.rows) == rows
    assert len({row.external_id for row in parsed.rows}) == rows
    assert sum(1 for row in parsed.rows if row.lifecycle and row.lifecycle.retires_on) == dated
    assert [
        rejected
        for rejected in parsed.rejects
        if ", so its unit is probably wrong. The prices of the row are not used."
        not in rejected.reason
    ] == []
    assert len(parsed.rejects) == unit_faults
    for row in parsed.rows:
        assert row.api_id
        assert row.host
        assert all(
            line.amount > 0 and line.amount == round(line.amount, 8) for line in row.prices or ()
        )
        json.dumps(row.excerpt)


def test_the_cheap_hours_are_prices_of_their_own() -> None:
    row = {
        "litellm_provider": "acme",
        "input_cost_per_token": 3e-07,
        "output_cost_per_token": 1.2e-06,
        "off_peak_pricing": {
            "input_cost_per_token": 1.5e-07,
            "output_cost_per_token": 6e-07,
            "windows": [{"hours_utc": "00:00-00:00", "weekdays": [6, 7]}],
        },
    }

    (parsed,) = parse(json.dumps({"acme/night": row}).encode()).rows

    assert {line.unit: str(line.amount) for line in parsed.prices or ()} == {
        "input": "0.3",
        "input_off_peak": "0.15",
        "output": "1.2",
        "output_off_peak": "0.6",
    }
