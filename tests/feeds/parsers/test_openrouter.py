"""OpenRouter: prices in strings, prices by the hour, variants, aliases, and dates that mean
none."""

import gzip
import json
import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import FIRM, PRICE_UNITS, FeedRow, LifecycleClaim, ParsedFeed
from apps.catalog.claims.values import price_value
from apps.feeds.parsers import InvalidPayloadError, openrouter
from apps.feeds.parsers.openrouter import parse

MODEL = {
    "id": "openai/gpt-0",
    "canonical_slug": "openai/gpt-0-20260101",
    "hugging_face_id": "",
    "name": "OpenAI: GPT-0",
    "created": 1_767_225_600,
    "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
    "pricing": {"prompt": "0.000002", "completion": "0.00001"},
    "expiration_date": None,
}


def body_of(*models: Any, **envelope: Any) -> bytes:
    return json.dumps({"data": list(models), **envelope}).encode()


def read(*models: Any) -> ParsedFeed:
    return parse(body_of(*models))


def only(**changes: Any) -> FeedRow:
    (row,) = read({**MODEL, **changes}).rows
    return row


def value(pricing: dict[str, Any], name: str = "openai/gpt-0") -> dict[str, Any]:
    """The canonical price of a row with this `pricing`: what is stored and compared from poll to
    poll."""
    prices = only(id=name, pricing=pricing).prices
    assert prices is not None
    return price_value(prices)


# --- which offering -------------------------------------------------------------------------------


def test_a_model_becomes_a_row() -> None:
    row = only()

    assert (row.external_id, row.group, row.host, row.api_id) == (
        "openai/gpt-0",
        "openai",
        "openrouter",
        "openai/gpt-0",
    )
    assert (row.region, row.tier, row.name, row.category) == ("", "", "GPT-0", "chat")
    assert row.lifecycle == LifecycleClaim()
    assert row.prices is not None
    assert price_value(row.prices) == {"input": "2", "output": "10"}
    assert (row.alias_of, row.price_is_offer) == ("", False)
    assert row.source_url == "https://openrouter.ai/openai/gpt-0"
    assert row.excerpt["pricing"] == MODEL["pricing"]
    assert read(MODEL).host_names == {"openrouter": "OpenRouter"}


@pytest.mark.parametrize(
    ("name", "group", "page"),
    [
        ("qwen/qwen3.7-flash", "qwen", "qwen/qwen3.7-flash"),
        ("openai/gpt-0:batch", ":batch", "openai/gpt-0"),
        ("z-ai/glm-5.2:free", ":free", "z-ai/glm-5.2"),
        ("anthropic/claude-3.7-sonnet:thinking", ":thinking", "anthropic/claude-3.7-sonnet"),
        ("~openai/gpt-latest", "~", "~openai/gpt-latest"),
        ("~openai/gpt-latest:batch", "~", "~openai/gpt-latest"),
        ("openrouter/auto", "openrouter", "openrouter/auto"),
    ],
)
def test_what_fails_together_is_one_group(name: str, group: str, page: str) -> None:
    row = only(id=name)

    assert (row.external_id, row.api_id, row.group) == (name, name, group)
    assert row.source_url == f"https://openrouter.ai/{page}"


def test_an_alias_points_to_its_target_and_keeps_its_own_topics() -> None:
    target = {"name": "OpenAI: GPT-0", "slug": "openai/gpt-0"}

    row = only(id="~openai/gpt-latest", alias_target=target, expiration_date="2027-01-01")

    assert row.alias_of == "openai/gpt-0"
    assert row.prices
    assert row.lifecycle == LifecycleClaim(retires_on=date(2027, 1, 1), date_kind=FIRM)


@pytest.mark.parametrize(
    "target", ["openai/gpt-0", {}, {"slug": None}, {"slug": "~openai/gpt-latest"}, {"slug": ["x"]}]
)
def test_an_alias_of_nothing_keeps_the_row_and_says_so(target: object) -> None:
    parsed = read({**MODEL, "id": "~openai/gpt-latest", "alias_target": target})

    assert parsed.rows[0].alias_of == ""
    assert [rejected.external_id for rejected in parsed.rejects] == ["~openai/gpt-latest"]
    assert ", which is not a row of this feed." in parsed.rejects[0].reason


@pytest.mark.parametrize(
    ("hugging_face_id", "is_offer"),
    [("Qwen/Qwen3-8B", True), ("", False), (None, False), (5, False)],
)
def test_the_price_of_open_weights_is_an_offer_of_the_moment(
    hugging_face_id: object, *, is_offer: bool
) -> None:
    assert only(hugging_face_id=hugging_face_id).price_is_offer is is_offer


@pytest.mark.parametrize(
    ("outputs", "category"),
    [
        (["text"], "chat"),
        (["text", "audio"], "chat"),
        (["image", "text"], "image_generation"),
        (["embeddings"], "embedding"),
        (["video"], "video_generation"),
        (["smell"], ""),
        ([], ""),
        (None, ""),
        ([["text"]], ""),
    ],
)
def test_the_category_is_what_comes_out_first(outputs: object, category: str) -> None:
    assert only(architecture={"output_modalities": outputs}).category == category


# --- when it ends ---------------------------------------------------------------------------------


def test_an_expiry_is_firm() -> None:
    row = only(expiration_date="2026-12-31")

    assert row.lifecycle == LifecycleClaim(retires_on=date(2026, 12, 31), date_kind=FIRM)
    assert row.excerpt["expiration_date"] == "2026-12-31"


@pytest.mark.parametrize(
    "never", [None, "", "2098-12-31", "9999-01-01", "2090-01-01", "2100-06-30", "9999-99-99"]
)
def test_a_placeholder_means_no_date_and_is_nothing_to_report(never: str | None) -> None:
    parsed = read({**MODEL, "expiration_date": never})

    assert parsed.rows[0].lifecycle == LifecycleClaim()
    assert parsed.rejects == ()


@pytest.mark.parametrize(
    "said", ["soon", "2026-02-30", "12/31/2026", "2026-12-31T00:00:00Z", 20261231, ["2026-12-31"]]
)
def test_a_date_that_cannot_be_read_drops_the_date_and_not_the_prices(said: object) -> None:
    parsed = read({**MODEL, "expiration_date": said})

    (row,) = parsed.rows
    assert row.lifecycle is None
    assert row.prices
    assert [rejected.external_id for rejected in parsed.rejects] == ["openai/gpt-0"]


def test_without_the_field_in_any_row_the_feed_says_nothing_about_ends() -> None:
    undated = {key: said for key, said in MODEL.items() if key != "expiration_date"}

    assert read(undated).rows[0].lifecycle is None
    assert [row.lifecycle for row in read(undated, {**MODEL, "id": "a/b"}).rows] == [
        LifecycleClaim(),
        LifecycleClaim(),
    ]


# --- prices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "published", "unit", "amount"),
    [
        ("input_cache_read", "0.000000003625", "cache_read", "0.003625"),
        ("input_cache_write", "0.00000012500000000000002", "cache_write", "0.125"),
        ("input_cache_write_1h", "0.00001", "cache_write_1h", "10"),
        ("internal_reasoning", "0.00001", "reasoning", "10"),
        ("audio", "0.000032", "input_audio", "32"),
        ("audio_output", "6.4e-5", "output_audio", "64"),
        ("input_audio_cache", "0.0000003", "cache_read_audio", "0.3"),
        ("web_search", "0.01", "web_search", "10000"),
    ],
)
def test_each_field_has_its_unit(field: str, published: str, unit: str, amount: str) -> None:
    assert value({"prompt": "0.000001", "completion": "0.000001", field: published}) == {
        "input": "1",
        "output": "1",
        unit: amount,
    }


def test_every_unit_is_a_word_of_the_catalogue() -> None:
    units = {unit for unit, _ in openrouter._UNITS.values()}

    assert units | {f"{unit}_off_peak" for unit in openrouter._OFF_PEAK} <= set(PRICE_UNITS)


def test_images_are_left_out_for_nobody_says_what_is_counted() -> None:
    assert value(
        {"prompt": "0.000001", "completion": "0.000002", "image": "0.04", "image_output": "0.00003"}
    ) == {
        "input": "1",
        "output": "2",
    }


@pytest.mark.parametrize("name", ["z-ai/glm-5.2:free", "stealth/ox-alpha", "openrouter/free"])
def test_zero_for_both_sides_is_free(name: str) -> None:
    pricing = {
        "prompt": "0",
        "completion": "0",
        "input_cache_read": "0",
        "web_search": "0",
        "image": "0",
    }

    assert value(pricing, name) == {"input": "0", "output": "0"}


def test_any_other_zero_is_no_price() -> None:
    assert value({"prompt": "0.00000002", "completion": "0", "input_cache_read": "0"}) == {
        "input": "0.02"
    }


def test_the_price_of_the_model_routed_to_is_no_price() -> None:
    assert value({"prompt": "-1", "completion": "-1"}, "openrouter/auto") == {}
    assert value({"prompt": "-1", "completion": "0.000001"}, "openrouter/auto") == {"output": "1"}


def test_sizes_of_request_have_their_own_prices() -> None:
    tiers = [
        {
            "min_prompt_tokens": 32000,
            "prompt": "0.0000001",
            "completion": "0.0000004",
            "input_cache_read": "0",
        },
        {"min_prompt_tokens": 256000, "prompt": "0.0000002", "completion": "0.0000008"},
    ]

    assert value({"prompt": "0.00000003", "completion": "0.00000013", "overrides": tiers}) == {
        "input": "0.03",
        "output": "0.13",
        "input>32000": "0.1",
        "output>32000": "0.4",
        "input>256000": "0.2",
        "output>256000": "0.8",
    }


@pytest.mark.parametrize(
    ("pricing", "says"),
    [
        ({"prompt": "free", "completion": "0.1"}, "not a number"),
        ({"prompt": "NaN"}, "not a number"),
        ({"prompt": "Infinity"}, "not a number"),
        ({"prompt": ""}, "not a number"),
        ({"prompt": " 0.000001"}, "not a number"),
        ({"prompt": "1_0"}, "not a number"),
        ({"prompt": ["0.1"]}, "not a number"),
        ({"prompt": True}, "not a number"),
        ({"prompt": "-0.000001"}, "negative"),
        ({"prompt": "-2"}, "negative"),
        ({"prompt": "2.5"}, ", so its unit is probably wrong. The prices of the row are not used."),
        (
            {"prompt": "1e-13"},
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (
            {"prompt": "1e999"},
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        ({"prompt": "0.000001", "overrides": "cheap"}, "overrides cannot be read"),
        ({"prompt": "0.000001", "overrides": ["cheap"]}, "overrides cannot be read"),
        (
            {"prompt": "0.000001", "overrides": [{"min_prompt_tokens": "many", "prompt": "0.1"}]},
            "not a number of tokens",
        ),
        (
            {"prompt": "0.000001", "overrides": [{"min_prompt_tokens": 1000, "prompt": "x"}]},
            "above 1000 tokens is 'x'",
        ),
        (
            {"prompt": "0.000001", "overrides": [{"utc_start": 0, "utc_end": 100, "prompt": "x"}]},
            "of some hours is 'x'",
        ),
        (
            {
                "prompt": "0.000001",
                "overrides": [
                    {"min_prompt_tokens": 1000, "prompt": "0.000002"},
                    {"min_prompt_tokens": 1000, "prompt": "0.000003"},
                ],
            },
            "two prices of input",
        ),
        (None, "no price list"),
        ("0.1", "no price list"),
    ],
)
def test_a_price_that_cannot_be_believed_drops_the_prices_and_not_the_date(
    pricing: object, says: str
) -> None:
    parsed = read({**MODEL, "pricing": pricing, "expiration_date": "2027-01-01"})

    (row,) = parsed.rows
    assert row.prices is None
    assert row.lifecycle == LifecycleClaim(retires_on=date(2027, 1, 1), date_kind=FIRM)
    (rejected,) = parsed.rejects
    assert rejected.external_id == "openai/gpt-0"
    assert says in rejected.reason


# --- prices by the hour: the row's own price is that of the moment of the poll --------------------

DEAR = {"prompt": "0.00000132", "completion": "0.00000396", "input_cache_read": "0.00000004"}
CHEAP = {"prompt": "0.00000066", "completion": "0.00000198", "input_cache_read": "0.00000002"}
PEAK = [{"utc_start": 100, "utc_end": 400, **DEAR}, {"utc_start": 600, "utc_end": 1000, **DEAR}]
NIGHT = [{"utc_start": 400, "utc_end": 600, **CHEAP}, {"utc_start": 1000, "utc_end": 100, **CHEAP}]
BOTH = {
    "input": "1.32",
    "output": "3.96",
    "cache_read": "0.04",
    "input_off_peak": "0.66",
    "output_off_peak": "1.98",
    "cache_read_off_peak": "0.02",
}
DEAR_ONLY = {"input": "1.32", "output": "3.96", "cache_read": "0.04"}
CHEAP_ONLY = {"input": "0.66", "output": "1.98", "cache_read": "0.02"}


@pytest.mark.parametrize(
    ("overrides", "reads"),
    [
        pytest.param([*PEAK, *NIGHT], BOTH, id="the whole day is listed"),
        pytest.param([*NIGHT, *PEAK], BOTH, id="in another order"),
        pytest.param([PEAK[0], NIGHT[1]], BOTH, id="one window of each, with gaps between"),
        pytest.param(NIGHT, CHEAP_ONLY, id="only the cheap hours are listed"),
        pytest.param(NIGHT[1:], CHEAP_ONLY, id="one window, round midnight"),
        pytest.param(PEAK, DEAR_ONLY, id="only the dear hours are listed"),
        pytest.param(PEAK[:1], DEAR_ONLY, id="one window of the day"),
    ],
)
def test_a_schedule_reads_the_same_at_every_hour(
    overrides: list[dict[str, Any]], reads: dict[str, str]
) -> None:
    by_day, by_night = (
        value({**DEAR, "overrides": overrides}),
        value({**CHEAP, "overrides": overrides}),
    )

    assert by_day == by_night == reads


def test_a_price_that_no_hour_changes_is_the_row_s_own() -> None:
    overrides = [{"utc_start": 1000, "utc_end": 100, "prompt": "0.00000066"}]

    assert value({**CHEAP, "overrides": overrides}) == CHEAP_ONLY
    assert value({**CHEAP, "prompt": "0.00000132", "overrides": overrides}) == CHEAP_ONLY


def test_hours_and_sizes_of_request_stand_side_by_side() -> None:
    size = {"min_prompt_tokens": 128000, "prompt": "0.000002"}
    by_size_and_hour = {
        "min_prompt_tokens": 256000,
        "utc_start": 0,
        "utc_end": 800,
        "prompt": "0.000003",
    }

    read_at = [
        value({**moment, "overrides": [*PEAK, *NIGHT, size, by_size_and_hour]})
        for moment in (DEAR, CHEAP)
    ]

    assert read_at[0] == read_at[1] == {**BOTH, "input>128000": "2", "input>256000": "3"}


def test_a_unit_without_a_word_for_off_peak_has_the_dearest_of_the_day() -> None:
    overrides = [
        {"utc_start": 0, "utc_end": 800, "audio": "0.000004"},
        {"utc_start": 800, "utc_end": 0, "audio": "0.000002"},
    ]

    assert value({"prompt": "0.000001", "audio": "0.000002", "overrides": overrides}) == {
        "input": "1",
        "input_audio": "4",
    }


def test_free_hours_and_unknown_conditions_are_no_prices() -> None:
    overrides = [
        {"utc_start": 0, "utc_end": 800, "prompt": "0"},
        {"weekdays": [6, 7], "prompt": "0.0000001"},
        {"min_prompt_tokens": 1000, "weekdays": [6, 7], "prompt": "0.0000001"},
        {},
    ]

    assert value({"prompt": "0.000001", "overrides": overrides}) == {"input": "1"}


# --- what is set aside ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    ["text", None, 5, [], {}, {**MODEL, "id": 7}, {**MODEL, "id": ""}, {**MODEL, "id": "a\x00"}],
)
def test_a_row_without_an_id_is_set_aside_under_its_place(raw: object) -> None:
    parsed = read(MODEL, raw)

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-0"]
    assert [rejected.external_id for rejected in parsed.rejects] == ["row 1"]


def test_a_row_that_stands_twice_with_different_content_is_set_aside() -> None:
    parsed = read(MODEL, {**MODEL, "expiration_date": "2027-01-01"}, {**MODEL, "id": "a/b"})

    assert [row.external_id for row in parsed.rows] == ["a/b"]
    assert "2 times" in parsed.rejects[0].reason


def test_a_row_that_stands_twice_alike_but_for_noise_is_one_row() -> None:
    parsed = read(MODEL, {**MODEL, "benchmarks": {"elo": 1200}})

    assert (len(parsed.rows), parsed.rejects) == (1, ())


def test_a_field_that_stands_twice_sets_the_row_aside() -> None:
    body = (
        b'{"data": [{"id": "a/b", "pricing": {"prompt": "0.000001", "prompt": "0.000002"}}, '
        b'        {"id": "c/d", "pricing": {}, '
        b'"expiration_date": "2027-01-01", "expiration_date": "2027-02-01"}]}'
    )

    parsed = parse(body)

    assert [(row.external_id, row.prices) for row in parsed.rows] == [("a/b", None)]
    assert [rejected.external_id for rejected in parsed.rejects] == ["c/d", "a/b"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty body"),
        (b"<!doctype html><html></html>", "web page"),
        (b'{"data": []}', "must be one JSON object"),
        (b'{"data": {}}', "must be one JSON object"),
        (b"[]", "must be one JSON object"),
        (b"null", "must be one JSON object"),
        (
            b'{"error": {"message": "No auth credentials found", "code": 401}}',
            "an error: No auth credentials found",
        ),
        (b'{"error": "down"}', "must be one JSON object"),
        (b'{"data": [{}, 1]}', "The feed contains no readable row."),
        (b'{"data": [{"id": "a/b"', "is incomplete"),
        ('{"data": [{"id": "caf\u00e9"}]}'.encode("latin-1"), "not UTF-8"),
        (body_of(MODEL, links={"next": "/api/v1/models?page=2"}), "split into pages"),
    ],
)
def test_a_body_that_is_no_whole_list_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidPayloadError, match=says):
        parse(body)


@pytest.mark.parametrize("links", [{"next": None}, {}, None, "x"])
def test_a_list_without_a_next_page_is_whole(links: object) -> None:
    assert len(parse(body_of(MODEL, total_count=421, links=links)).rows) == 1


def test_damage_never_ends_in_anything_but_rows_rejects_or_a_refusal() -> None:
    chance = random.Random(1)
    whole = body_of(
        {**MODEL, "pricing": {**CHEAP, "overrides": [*PEAK, {"min_prompt_tokens": 9, **DEAR}]}},
        MODEL,
    )
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
        assert all(line.amount >= 0 for row in parsed.rows for line in row.prices or ())


# --- recorded payloads ----------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    ("moment", "rows", "priced", "free", "dated", "aliases"),
    [
        ("2026-05-15T150032Z", 364, 361, 29, 11, 0),
        ("2026-07-30T141211Z", 367, 362, 17, 4, 10),
        ("2026-07-31T194018Z", 336, 331, 17, 3, 10),
        ("2026-08-22T183539Z", 421, 416, 22, 8, 12),
    ],
)
def test_recorded_lists_are_read_whole(
    shared: Path, moment: str, rows: int, priced: int, free: int, dated: int, aliases: int
) -> None:
    packed = shared / "feeds" / "openrouter" / moment / "models.json.gz"

    parsed = parse(gzip.decompress(packed.read_bytes()))

    assert (len(parsed.rows), parsed.rejects) == (rows, ())
    assert len({row.external_id for row in parsed.rows}) == rows
    assert sum(1 for row in parsed.rows if row.prices) == priced
    assert (
        sum(1 for row in parsed.rows if any(line.amount == 0 for line in row.prices or ())) == free
    )
    assert sum(1 for row in parsed.rows if row.lifecycle and row.lifecycle.retires_on) == dated
    assert sum(1 for row in parsed.rows if row.alias_of) == aliases
    by_id = {row.external_id: row for row in parsed.rows}
    dearest = max(
        line.amount for row in parsed.rows for line in row.prices or () if line.unit != "web_search"
    )
    assert dearest == 600
    assert by_id["openrouter/auto"].prices == ()
    assert all(
        line.amount == round(line.amount, 8) for row in parsed.rows for line in row.prices or ()
    )


@pytest.mark.shared
def test_a_cut_of_four_fifths_is_seen_with_its_tiers(shared: Path) -> None:
    seen = []
    for moment in ("2026-07-30T141211Z", "2026-07-31T194018Z"):
        packed = shared / "feeds" / "openrouter" / moment / "models.json.gz"
        by_id = {row.external_id: row for row in parse(gzip.decompress(packed.read_bytes())).rows}
        prices = by_id["openai/gpt-5.6-luna"].prices
        assert prices is not None
        seen.append({line.unit: line.amount for line in prices if not line.above_tokens})

    before, after = seen
    assert before["input"] == Decimal("0.5")
    assert after["input"] == before["input"] / 5
    assert after["output"] == before["output"] / 5
