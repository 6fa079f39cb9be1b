"""genai-prices: what a request costs, in each shape the feed has, and the same list inside the
package."""

import gzip
import importlib.metadata
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices.data import providers

from apps.catalog.claims.feed_rows import (
    PRICE_UNITS,
    FeedRow,
    LifecycleClaim,
    ParsedFeed,
    PriceLine,
)
from apps.catalog.claims.values import price_in_force, price_value
from apps.feeds.parsers import InvalidPayloadError
from apps.feeds.parsers.genai_prices import exact_ids, parse
from apps.feeds.parsers.genai_tariffs import _FIELDS
from apps.feeds.polls.package import package_body, package_version
from tests.feeds.faulty_rows import spoilt

MODEL: dict[str, Any] = {
    "id": "gpt-0",
    "name": "GPT Zero",
    "match": {"or": [{"equals": "gpt-0"}, {"starts_with": "gpt-0-"}, {"equals": "gpt-0-latest"}]},
    "context_window": 128000,
    "prices": {"input_mtok": 2.5, "output_mtok": 10},
}
NIGHT = {"input_mtok": 0.135, "cache_read_mtok": 0.035, "output_mtok": 0.55}
DAY = {"input_mtok": 0.27, "cache_read_mtok": 0.07, "output_mtok": 1.1}
BY_DAY = {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}


def provider(*models: object, **changes: Any) -> dict[str, Any]:
    return {
        "id": "openai",
        "name": "OpenAI",
        "pricing_urls": ["https://example.org/pricing", "https://example.org/other"],
        "api_pattern": "https://api\\.openai\\.com",
        "models": list(models),
    } | changes


def read(*providers: object) -> ParsedFeed:
    return parse(json.dumps(providers).encode())


def only(model: dict[str, Any], **changes: Any) -> FeedRow:
    (row,) = read(provider(model, **changes)).rows
    return row


def prices(published: object, variants: object = None) -> dict[str, str]:
    """{price key: amount} of a model with these prices."""
    row = only(
        MODEL
        | {"prices": published}
        | ({"price_variants": variants} if variants is not None else {})
    )
    assert row.prices is not None
    return price_value(row.prices)


# --- who a row is about ---------------------------------------------------------------------------


def test_a_model_becomes_a_row() -> None:
    row = only(MODEL)

    assert row.external_id == "openai/gpt-0"
    assert (row.host, row.group, row.api_id, row.tier, row.name) == (
        "openai",
        "openai",
        "gpt-0",
        "",
        "GPT Zero",
    )
    assert row.prices == (PriceLine("input", Decimal("2.5")), PriceLine("output", Decimal(10)))
    assert row.source_url == "https://example.org/pricing"
    assert row.excerpt == {
        "match": ["gpt-0", "gpt-0-latest"],
        "prices": {"input_mtok": "2.5", "output_mtok": "10"},
    }


@pytest.mark.parametrize(
    ("provider_id", "model_id", "host", "tier"),
    [
        ("aws", "anthropic.claude-v2", "amazon-bedrock", ""),
        ("x-ai", "grok-0", "xai", ""),
        ("google", "gemini-2.5-pro", "google", ""),
        ("google", "claude-opus-4-6", "google-vertex", ""),
        ("zai", "glm-4.6", "zai", ""),
        ("zhipuai", "glm-4.6", "zai", "bigmodel"),
        ("openai-decisions", "gpt-6-luna", "openai", "decisions"),
        ("huggingface_novita", "meta-llama/Llama-3.1-8B-Instruct", "huggingface", "novita"),
        ("huggingface_fireworks-ai", "openai/gpt-oss-120b", "huggingface", "fireworks-ai"),
        ("openrouter", "openai/gpt-4o", "openrouter", ""),
        ("nowhere-labs", "m-1", "nowhere-labs", ""),
    ],
)
def test_each_door_of_a_host_is_an_offering_of_its_own(
    provider_id: str, model_id: str, host: str, tier: str
) -> None:
    row = only(MODEL | {"id": model_id}, id=provider_id)

    assert (row.external_id, row.group) == (f"{provider_id}/{model_id}", provider_id)
    assert (row.host, row.api_id, row.tier) == (host, model_id, tier)


def test_an_unknown_host_is_called_what_the_feed_calls_it() -> None:
    parsed = read(provider(MODEL, id="nowhere", name="Nowhere Labs"), provider(MODEL))

    assert parsed.host_names == {"nowhere": "Nowhere Labs", "openai": "OpenAI"}


def test_a_model_under_two_providers_is_two_rows() -> None:
    parsed = read(provider(MODEL), provider(MODEL, id="azure"))

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-0", "azure/gpt-0"]


def test_the_flag_deprecated_can_be_set_and_taken_back() -> None:
    assert only(MODEL | {"deprecated": True}).lifecycle == LifecycleClaim(status="deprecated")
    assert only(MODEL).lifecycle == LifecycleClaim()
    assert only(MODEL | {"deprecated": None}).lifecycle == LifecycleClaim()


@pytest.mark.parametrize(
    ("rule", "ids"),
    [
        ({"equals": "a"}, ["a"]),
        (
            {"or": [{"equals": "a"}, {"or": [{"equals": "b"}]}, {"equals": "a"}, {"regex": "^c"}]},
            ["a", "b"],
        ),
        ({"and": [{"contains": "a"}, {"equals": "b"}]}, []),
        ({"or": {"equals": "a"}}, []),
        ({"equals": "a\x00"}, []),
        (None, []),
        ("a", []),
    ],
)
def test_only_ids_that_are_named_in_full_are_kept(rule: object, ids: list[str]) -> None:
    assert exact_ids(rule) == ids


# --- what a request costs -------------------------------------------------------------------------


def test_every_field_has_a_word_of_the_catalogue() -> None:
    assert {unit for unit, _ in _FIELDS.values()} <= PRICE_UNITS.keys()


def test_fields_of_every_kind_become_amounts_per_million() -> None:
    published = {
        "cache_write_mtok": 3.125,
        "cache_write_1h_mtok": 6,
        "cache_read_mtok": 0.0028,
        "output_reasoning_mtok": 3,
        "cache_audio_read_mtok": 0.4,
        "cache_image_read_mtok": 0.5,
        "input_video_mtok": 12,
        "output_video_mtok": 17.5,
        "output_image_mtok": 30,
        "requests_kcount": 12,
        "web_searches_kcount": 10,
        "input_document_kpages": 2,
        "input_mchars": 15,
    }

    assert prices(published) == {
        "cache_write": "3.125",
        "cache_write_1h": "6",
        "cache_read": "0.0028",
        "reasoning": "3",
        "cache_read_audio": "0.4",
        "cache_read_image": "0.5",
        "input_video": "12",
        "output_video": "17.5",
        "output_image": "30",
        "request": "12000",
        "web_search": "10000",
        "page": "2000",
        "character": "15",
    }


def test_an_hour_of_sound_is_paid_by_the_second_once() -> None:
    assert prices({"audio_hours": 0.36, "input_audio_hours": 0.72}) == {"second": "100"}
    assert prices({"input_audio_hours": 0.111}) == {"second": "30.83333333"}


def test_the_plain_price_of_cache_writes_goes_before_that_of_five_minutes() -> None:
    assert prices({"cache_write_5m_mtok": 1, "cache_write_mtok": 2}) == {"cache_write": "2"}
    assert prices({"cache_write_5m_mtok": 1}) == {"cache_write": "1"}


@pytest.mark.parametrize(
    "nothing", [{}, None, [], {"input_mtok": None}, {"input_mtok": 0, "output_mtok": 0}]
)
def test_no_known_price_is_no_line_and_no_fault(nothing: object) -> None:
    assert prices(nothing) == {}


def test_an_unknown_field_is_passed_over() -> None:
    assert prices(
        {"input_mtok": 1, "input_smell_mtok": {"odd": []}, "output_citation_mtok": 2}
    ) == {"input": "1"}


def test_tiers_hold_above_a_size_of_request() -> None:
    tiered = {"base": 5, "tiers": [{"start": 400000, "price": 20}, {"start": 200000, "price": 10}]}

    assert prices({"input_mtok": tiered, "output_mtok": 25}) == {
        "input": "5",
        "input>200000": "10",
        "input>400000": "20",
        "output": "25",
    }


def test_a_dated_price_stands_beside_the_one_before() -> None:
    published = [
        {"prices": {"input_mtok": 2, "output_mtok": 10}},
        {
            "constraint": {"start_date": "2026-09-01"},
            "prices": {"input_mtok": 3, "output_mtok": 10},
        },
    ]

    value = prices(published)

    assert value == {"input": "2", "input@2026-09-01": "3", "output": "10"}
    assert price_in_force(value, date(2026, 8, 31)) == {"input": "2", "output": "10"}
    assert price_in_force(value, date(2026, 9, 1)) == {"input": "3", "output": "10"}


def test_a_cut_written_over_the_price_or_added_as_history_is_the_same_cut() -> None:
    overwritten = prices({"input_mtok": 0.2, "output_mtok": 1.2})
    as_history = prices(
        [
            {"prices": {"input_mtok": 1, "output_mtok": 6}},
            {
                "constraint": {"start_date": "2026-07-30"},
                "prices": {"input_mtok": 0.2, "output_mtok": 1.2},
            },
        ]
    )

    assert price_in_force(as_history, date(2026, 7, 30)) == price_in_force(
        overwritten, date(2026, 7, 30)
    )
    assert price_in_force(as_history, date(2026, 7, 29)) == {"input": "1", "output": "6"}


def test_the_last_entry_that_holds_counts_whatever_its_date() -> None:
    published = [
        {"prices": {"input_mtok": 1}},
        {"constraint": {"start_date": "2026-09-01"}, "prices": {"input_mtok": 2}},
        {"constraint": {"start_date": "2026-06-01"}, "prices": {"input_mtok": 3}},
    ]

    assert prices(published) == {"input": "1", "input@2026-06-01": "3"}


def test_where_no_entry_holds_yet_the_first_one_counts() -> None:
    published = [{"constraint": {"start_date": "2026-09-01"}, "prices": {"input_mtok": 2}}]

    assert prices(published) == {"input": "2"}


def test_a_tier_that_ends_costs_the_flat_price_from_then_on() -> None:
    published = [
        {"prices": {"input_mtok": {"base": 5, "tiers": [{"start": 200000, "price": 10}]}}},
        {"constraint": {"start_date": "2026-03-13"}, "prices": {"input_mtok": 5}},
    ]

    value = prices(published)

    assert price_in_force(value, date(2026, 3, 12)) == {"input": "5", "input>200000": "10"}
    assert price_in_force(value, date(2026, 3, 13)) == {"input": "5", "input>200000": "5"}


@pytest.mark.parametrize(
    "published",
    [
        [{"prices": NIGHT}, {"constraint": BY_DAY, "prices": DAY}],
        [
            {"prices": DAY},
            {"constraint": {"start_time": "16:30:00Z", "end_time": "00:30:00Z"}, "prices": NIGHT},
        ],
        [
            {"constraint": None, "prices": NIGHT},
            {"constraint": {"start_time": "00:30", "end_time": "16:30"}, "prices": DAY},
        ],
    ],
)
def test_hours_of_the_day_give_the_dearest_and_the_cheapest_at_any_time(published: object) -> None:
    assert prices(published) == {
        "cache_read": "0.07",
        "cache_read_off_peak": "0.035",
        "input": "0.27",
        "input_off_peak": "0.135",
        "output": "1.1",
        "output_off_peak": "0.55",
    }


def test_hours_and_days_together_change_what_each_hour_costs() -> None:
    published = [
        {"prices": {"input_mtok": 0.4}},
        {"constraint": {"start_date": "2026-08-17"}, "prices": {"input_mtok": 0.6}},
        {
            "constraint": {"start_time": "01:00:00Z", "end_time": "04:00:00Z"},
            "prices": {"input_mtok": 1.2},
        },
        {
            "constraint": {"start_time": "06:00:00Z", "end_time": "10:00:00Z"},
            "prices": {"input_mtok": 1.2},
        },
    ]

    value = prices(published)

    assert price_in_force(value, date(2026, 8, 16)) == {"input": "1.2", "input_off_peak": "0.4"}
    assert price_in_force(value, date(2026, 8, 17)) == {"input": "1.2", "input_off_peak": "0.6"}


def test_hours_that_end_on_a_day_leave_one_price() -> None:
    published = [
        {"prices": {"input_mtok": 1}},
        {"constraint": BY_DAY, "prices": {"input_mtok": 2}},
        {"constraint": {"start_date": "2026-10-01"}, "prices": {"input_mtok": 1.5}},
    ]

    value = prices(published)

    assert price_in_force(value, date(2026, 9, 30)) == {"input": "2", "input_off_peak": "1"}
    assert price_in_force(value, date(2026, 10, 1)) == {"input": "1.5", "input_off_peak": "1.5"}


def test_variants_are_prices_for_a_kind_of_processing() -> None:
    tiered = {"base": 8, "tiers": [{"start": 1, "price": 9}]}
    variants = [
        {
            "when": {"processing": "batch"},
            "prices": {"input_mtok": 1, "output_mtok": 5, "cache_read_mtok": 0.1},
        },
        {
            "when": {"service_tier": "flex"},
            "prices": {"input_mtok": 2},
            "constraint": {"start_date": "2027-01-01"},
        },
        {
            "when": {"service_tier": "flex"},
            "prices": {"input_mtok": 1},
            "constraint": {"start_date": "2026-10-15"},
        },
        {"when": {"service_tier": "priority"}, "prices": {"output_mtok": tiered}},
        {"when": {"service_tier": "default"}, "prices": {}},
        {"when": {"speed": "fast"}, "prices": {"input_mtok": 9}},
        {"when": {"processing": "batch", "speed": "fast"}, "prices": {"input_mtok": 9}},
    ]

    assert prices({"input_mtok": 2}, variants) == {
        "input": "2",
        "input_batch": "1",
        "input_flex@2026-10-15": "1",
        "input_flex@2027-01-01": "2",
        "output_batch": "5",
        "cache_read_batch": "0.1",
        "output_priority": "8",
        "output_priority>1": "9",
    }


@pytest.mark.parametrize(
    ("published", "says"),
    [
        ({"input_mtok": "2.5"}, "not a number"),
        ({"input_mtok": True}, "not a number"),
        ({"input_mtok": -1}, "negative"),
        (
            {"input_mtok": 2500000},
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (
            {"input_mtok": 0.0000025},
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        ({"audio_hours": "1"}, "not a number"),
        ({"input_mtok": {"tiers": []}}, "tiers"),
        ({"input_mtok": {"base": 1, "tiers": [{"start": 0, "price": 2}]}}, "tiers"),
        ({"input_mtok": {"base": 1, "tiers": [{"start": 1.5, "price": 2}]}}, "tiers"),
        (
            {
                "input_mtok": {
                    "base": 1,
                    "tiers": [{"start": 9, "price": 2}, {"start": 9, "price": 3}],
                }
            },
            "tiers",
        ),
        ({"input_mtok": {"base": 1, "tiers": [{"start": 9}]}}, "not a number"),
        ([{"prices": {"input_mtok": 1}}, "text"], "entry of the prices"),
        ([{"constraint": {"end_date": "2026-01-01"}, "prices": {}}], "condition"),
        ([{"constraint": {"start_date": "soon"}, "prices": {}}], "condition"),
        ([{"constraint": {"start_date": "9999-12-31"}, "prices": {}}], "condition"),
        (
            [{"constraint": {"start_time": "00:30:00Z"}, "prices": {}}],
            "A price for a time of day has no start or end. The prices of the row are not used.",
        ),
        (
            [
                {
                    "constraint": {"start_time": "00:30:00+02:00", "end_time": "01:00:00Z"},
                    "prices": {},
                }
            ],
            "condition",
        ),
        ([{"constraint": "always", "prices": {}}], "condition"),
        ("free", "not an object"),
    ],
)
def test_prices_that_cannot_be_believed_are_set_aside_and_the_row_stays(
    published: object, says: str
) -> None:
    parsed = read(provider(MODEL | {"prices": published, "deprecated": True}))

    (row,) = parsed.rows
    assert (row.external_id, row.prices, row.lifecycle) == (
        "openai/gpt-0",
        None,
        LifecycleClaim(status="deprecated"),
    )
    (rejected,) = parsed.rejects
    assert rejected.external_id == "openai/gpt-0"
    assert says in rejected.reason


# --- older shapes ---------------------------------------------------------------------------------


def test_the_first_version_in_its_old_spelling_is_read_too() -> None:
    old = {
        "id": "gpt-0",
        "name": None,
        "matches": {"equals": "gpt-0"},
        "max_tokens": 4096,
        "deprecated": None,
        "prices": {"input_mtok": 2.5, "output_mtok": None, "requests_kcount": None},
    }

    row = only(old, pricing_urls=None, model_match=None)

    assert row.prices == (PriceLine("input", Decimal("2.5")),)
    assert row.excerpt["match"] == ["gpt-0"]
    assert (row.name, row.source_url) == ("", "")


# --- what is set aside ----------------------------------------------------------------------------


def test_a_row_that_stands_twice_is_one_row_if_it_says_the_same() -> None:
    assert len(read(provider(MODEL, MODEL)).rows) == 1


def test_a_row_that_stands_twice_differently_is_set_aside() -> None:
    parsed = read(provider(MODEL, MODEL | {"prices": {"input_mtok": 3}}, MODEL | {"id": "gpt-9"}))

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-9"]
    assert "2 times" in parsed.rejects[0].reason


def test_elements_that_are_no_providers_or_models_are_set_aside_under_their_place() -> None:
    parsed = read(
        provider(MODEL, None, {"name": "x"}, MODEL | {"id": "x" * 301}),
        "text",
        provider(id=""),
        provider(id="…"),
    )

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-0"]
    assert [rejected.external_id[:20] for rejected in parsed.rejects] == [
        "openai: row 1",
        "openai: row 2",
        "openai/" + "x" * 13,
        "provider 1",
        "provider 2",
        "provider 3",
    ]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "genai-prices must be a JSON array with one object per provider. Check the URL."),
        (b"{}", "genai-prices must be a JSON array with one object per provider. Check the URL."),
        (b"null", "genai-prices must be a JSON array with one object per provider. Check the URL."),
        (b"[1, 2]", "The feed contains no readable row."),
        (b'[{"id": "openai", "models": []}]', "The feed contains no readable row."),
        (b'[{"provider": "OpenAI", "model_id": "gpt-4"}]', "The feed contains no readable row."),
        (b"<html></html>", "web page"),
        (b"404: Not Found", "not JSON"),
        (b'[{"id": "openai"', "is incomplete"),
        (b"", "empty"),
    ],
)
def test_a_body_that_is_no_price_list_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidPayloadError, match=says):
        parse(body)


def test_whatever_a_part_becomes_the_list_is_read_or_refused() -> None:
    entries = [
        {
            "prices": {
                "input_mtok": {"base": 1, "tiers": [{"start": 9, "price": 2}]},
                "audio_hours": 3,
            }
        },
        {"constraint": BY_DAY | {"start_date": "2026-01-01"}, "prices": DAY},
    ]
    variants = [
        {"when": {"processing": "batch"}, "constraint": {"start_date": "2026-01-01"}, "prices": DAY}
    ]
    whole = [
        provider(MODEL | {"prices": entries, "price_variants": variants}),
        provider(MODEL, id="azure"),
    ]
    n_read = 0

    for body in spoilt(whole):
        try:
            parsed = parse(json.dumps(body).encode())
        except InvalidPayloadError:
            continue
        n_read += 1
        for row in parsed.rows:
            assert row.host
            assert "\\u0000" not in json.dumps(row.excerpt)
            assert all(line.amount > 0 and line.unit in PRICE_UNITS for line in row.prices or ())

    assert n_read > 500


# --- the package ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packaged() -> ParsedFeed:
    return parse(package_body())


def test_the_package_is_read_whole_without_network(packaged: ParsedFeed) -> None:
    assert packaged.rejects == ()
    assert len(packaged.rows) > 1000
    assert sum(1 for row in packaged.rows if row.prices) > 0.8 * len(packaged.rows)
    assert len({(row.host, row.api_id, row.tier) for row in packaged.rows}) == len(packaged.rows)
    for row in packaged.rows:
        json.dumps(row.excerpt)


def test_the_package_gives_the_same_bytes_each_time_and_says_its_version() -> None:
    assert package_body() == package_body()
    assert package_version() == importlib.metadata.version("genai-prices")


def test_the_package_is_written_in_the_shape_of_the_feed() -> None:
    document = json.loads(package_body())
    models = [model for each in document for model in each["models"]]

    assert {key for each in document for key in each} <= {
        "id",
        "name",
        "pricing_urls",
        "api_pattern",
        "models",
    }
    assert {key for model in models for key in model} <= {
        "id",
        "name",
        "match",
        "context_window",
        "prices",
        "price_variants",
        "deprecated",
    }
    constraints = {
        key
        for model in models
        for entries in (model["prices"], model.get("price_variants"))
        if isinstance(entries, list)
        for entry in entries
        for key in entry.get("constraint", {})
    }
    assert constraints <= {"start_date", "start_time", "end_time"}


@pytest.mark.parametrize(
    "day", [date(2026, 3, 12), date(2026, 7, 30), date(2026, 11, 24), date(2027, 1, 1)]
)
def test_prices_of_the_package_are_those_it_computes_with(packaged: ParsedFeed, day: date) -> None:
    ours = in_force(packaged, day)
    moments = [datetime.combine(day, time(half // 2, half % 2 * 30), UTC) for half in range(48)]
    fields = {"input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cache_read"}
    n_compared = 0

    for each in providers:
        for model in each.models:
            at = moments if isinstance(model.prices, list) else moments[:1]
            by_hour = [model.get_prices(moment) for moment in at]
            for field, unit in fields.items():
                published = [
                    price for hour in by_hour if (price := getattr(hour, field, None)) is not None
                ]
                if not published:
                    continue
                amounts = [round(getattr(price, "base", price), 8) for price in published]
                value = ours[f"{each.id}/{model.id}"]
                assert Decimal(value[unit]) == max(amounts), (model.id, unit)
                assert Decimal(value.get(f"{unit}_off_peak", value[unit])) == min(amounts), (
                    model.id,
                    unit,
                )
                for tier in getattr(published[-1], "tiers", []):
                    assert Decimal(value[f"{unit}>{tier.start}"]) == tier.price, (model.id, unit)
                n_compared += 1

    assert n_compared > 4000


# --- recorded payloads ----------------------------------------------------------------------------


def recorded(shared: Path, moment: str, version: str) -> ParsedFeed:
    path = shared / "feeds" / "genai_prices" / moment / f"{version}_data.json"
    return parse(
        path.read_bytes()
        if path.exists()
        else gzip.decompress(path.with_suffix(".json.gz").read_bytes())
    )


def in_force(parsed: ParsedFeed, day: date) -> dict[str, dict[str, str]]:
    return {
        row.external_id: price_in_force(price_value(row.prices or ()), day) for row in parsed.rows
    }


@pytest.mark.shared
@pytest.mark.parametrize(
    ("moment", "version", "rows", "priced", "later", "flagged"),
    [
        ("2026-03-18T114421Z", "v1", 1173, 1027, 0, 3),
        ("2026-03-20T202949Z", "v1", 1178, 1042, 0, 3),
        ("2026-07-30T124506Z", "v2", 1447, 1290, 4, 8),
        ("2026-07-30T222157Z", "v2", 1447, 1290, 4, 8),
        ("2026-08-21T200224Z", "v1", 1442, 1285, 4, 8),
        ("2026-08-21T200224Z", "v2", 1466, 1309, 6, 8),
    ],
)
def test_recorded_lists_are_read_whole(
    shared: Path, moment: str, version: str, rows: int, priced: int, later: int, flagged: int
) -> None:
    parsed = recorded(shared, moment, version)

    today = date.fromisoformat(moment[:10])
    starts = [
        {line.starts_on for line in row.prices or () if line.starts_on} for row in parsed.rows
    ]
    assert (len(parsed.rows), parsed.rejects) == (rows, ())
    assert sum(1 for row in parsed.rows if row.prices) == priced
    assert sum(1 for days in starts if any(day > today for day in days)) == later
    assert (
        sum(1 for row in parsed.rows if row.lifecycle == LifecycleClaim(status="deprecated"))
        == flagged
    )
    assert len({(row.host, row.api_id, row.region, row.tier) for row in parsed.rows}) == rows


@pytest.mark.shared
def test_on_the_day_of_the_cut_two_models_cost_less_and_nothing_else_moves(shared: Path) -> None:
    day = date(2026, 7, 30)
    before = in_force(recorded(shared, "2026-07-30T124506Z", "v2"), day)
    after = in_force(recorded(shared, "2026-07-30T222157Z", "v2"), day)

    assert {key for key in before if before[key] != after[key]} == {
        "openai/gpt-5.6-luna",
        "openai/gpt-5.6-terra",
    }
    assert (before["openai/gpt-5.6-luna"]["input"], after["openai/gpt-5.6-luna"]["input"]) == (
        "1",
        "0.2",
    )


@pytest.mark.shared
def test_the_cut_rewritten_as_history_is_no_second_change(shared: Path) -> None:
    before = in_force(recorded(shared, "2026-07-30T222157Z", "v2"), date(2026, 7, 30))
    after = in_force(recorded(shared, "2026-08-21T200224Z", "v2"), date(2026, 8, 21))

    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"fireworks/gpt-oss-120b", "fireworks/gpt-oss-20b", "google/gemini-3.6-flash"}
