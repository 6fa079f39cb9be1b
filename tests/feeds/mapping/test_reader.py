"""What a document says by a mapping: the same claims as an adapter makes, under the same guards."""

import gzip
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import FeedRow, ParsedFeed, PriceLine
from apps.feeds.mapping import paths
from apps.feeds.mapping.definition import InvalidMappingError, read_mapping
from apps.feeds.mapping.reader import MAX_ROWS, parse_body, read_document
from apps.feeds.parsers import (
    InvalidPayloadError,
    deprecations_info,
    modeldeprecations,
    models_dev,
    openrouter,
)
from apps.feeds.parsers.payload import load_json
from tests.feeds.mapping import mappings

PLAIN: dict[str, Any] = {
    "rows": "models[*]",
    "external_id": "provider + '/' + model",
    "host": "provider",
    "api_id": "model",
    "retires_on": "ends",
    "not_before": "not_before",
    "announced_on": "announced",
    "successor": "next",
    "status": "state",
    "statuses": {"sunset": "deprecated", "beta": "preview", "n/a": "ignore"},
    "prices": [{"unit": "input", "path": "usd.in"}, {"unit": "output", "path": "usd.out"}],
}
# every name stands once, so that no path finds nothing
FULL = {
    "provider": "Acme",
    "model": "full",
    "ends": None,
    "not_before": None,
    "announced": None,
    "next": None,
    "state": None,
    "usd": {"in": None, "out": None},
}


def read_rows(*rows: Any, **changes: Any) -> ParsedFeed:
    document = {
        "models": [
            FULL,
            *({"provider": "Acme", "model": f"m{n}"} | row for n, row in enumerate(rows)),
        ]
    }
    return parse_body(json.dumps(document).encode(), mapping=read_mapping(PLAIN | changes))


def only(*, changes: dict[str, Any] | None = None, **row: Any) -> FeedRow:
    parsed = read_rows(row, **(changes or {}))
    assert parsed.rejects == ()
    return parsed.rows[1]


def reason(*, changes: dict[str, Any] | None = None, **row: Any) -> str:
    (reject,) = read_rows(row, **(changes or {})).rejects
    return reject.reason


# --- lifecycle ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "claim"),
    [
        ({"ends": "2027-03-01"}, (date(2027, 3, 1), "firm")),
        ({"ends": "March 1st, 2027"}, (date(2027, 3, 1), "firm")),
        ({"ends": "Not sooner than 2027-03-01"}, (date(2027, 3, 1), "not_before")),
        ({"not_before": "2027-03-01"}, (date(2027, 3, 1), "not_before")),
        ({"ends": "2027-03-01", "not_before": "2027-01-01"}, (date(2027, 3, 1), "firm")),
        ({"ends": "N/A"}, (None, "")),
        ({}, (None, "")),
    ],
)
def test_a_day_is_read_as_every_adapter_reads_days(
    row: dict[str, Any], claim: tuple[Any, str]
) -> None:
    lifecycle = only(**row).lifecycle
    assert lifecycle is not None
    assert (lifecycle.retires_on, lifecycle.date_kind) == claim


def test_a_day_with_regions_is_about_the_offering_there() -> None:
    assert only(ends="Mar 1, 2027 (us-west-2)").region == "us-west-2"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"ends": "2098-12-31"}, "is a placeholder"),
        ({"ends": 1798761600}, "is not text"),
        ({"ends": ["2027-01-01"]}, "is not text"),
        ({"ends": True}, "is not text"),
        ({"ends": "2027-02-30"}, "does not exist"),
        ({"ends": "2027-01-01", "announced": "2027-06-01"}, "is before its announcement on"),
        ({"ends": "2027-01-01", "announced": "2027-01-01"}, "equals its announcement date"),
        ({"ends": "2027-01-01", "not_before": "2027-06-01"}, "Only one of them can be true"),
        ({"state": "moribund"}, "is not part of the mapping. Add its meaning to the mapping."),
        ({"state": {"is": "active"}}, "is a list or a map"),
        ({"announced": "soon"}, "Announcement: "),
    ],
)
def test_a_lifecycle_that_cannot_be_believed_is_set_aside(row: dict[str, Any], says: str) -> None:
    assert says in reason(**row)


def test_far_days_mean_none_where_the_mapping_says_so() -> None:
    lifecycle = only(changes={"far_days_are_none": True}, ends="9999-01-01").lifecycle
    assert lifecycle is not None
    assert lifecycle.retires_on is None


def test_words_mean_what_the_table_says_and_the_four_mean_themselves() -> None:
    words = ("Sunset", "beta", "N/A", "ACTIVE", "retired", "")
    parsed = read_rows(*({"state": word} for word in words))
    said = [row.lifecycle.status for row in parsed.rows[1:] if row.lifecycle]
    assert said == ["deprecated", "preview", "", "active", "retired", ""]


def test_a_feed_that_has_lost_its_dates_takes_none_back() -> None:
    """The field is called otherwise now: no row says that it has no date."""
    document = {
        "models": [{"provider": "Acme", "model": f"m{n}", "end": "2027-01-01"} for n in range(3)]
    }
    mapping = read_mapping(PLAIN | {"not_before": "", "prices": []})

    reading = read_document(document, mapping)

    assert reading.parsed is not None
    assert [row.lifecycle for row in reading.parsed.rows] == [None] * 3
    assert (
        reading.unfound["retires_on"]
        == "The path 'ends' finds nothing. Available keys: 'end', 'model', 'provider'."
    )
    assert {reject.external_id for reject in reading.parsed.rejects} >= {"mapping: retires_on"}


# --- prices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "published", "amount"),
    [
        ("million", 2.5, "2.5"),
        ("million", "2.50", "2.5"),
        ("thousand", 0.0025, "2.5"),
        ("one", "0.0000025", "2.5"),
        ("one", 2.5e-06, "2.5"),
    ],
)
def test_prices_are_kept_per_million_whatever_they_are_published_per(
    per: str, published: Any, amount: str
) -> None:
    prices = [{"unit": "input", "path": "usd.in", "per": per}]
    assert only(changes={"prices": prices}, usd={"in": published}).prices == (
        PriceLine("input", Decimal(amount)),
    )


def test_what_is_no_token_is_counted_as_such() -> None:
    prices = [{"unit": "image", "path": "usd.in", "per": "one"}]
    assert only(changes={"prices": prices}, usd={"in": 0.04}).prices == (
        PriceLine("image", Decimal(40_000)),
    )


def test_another_currency_is_named_and_has_wider_bounds() -> None:
    row = only(changes={"currency": "'JPY'"}, usd={"in": 1500, "out": 6000})
    assert row.prices == (
        PriceLine("input", Decimal(1500), currency="JPY"),
        PriceLine("output", Decimal(6000), currency="JPY"),
    )


def test_sizes_of_request_lie_in_a_list_or_stand_in_the_mapping() -> None:
    prices = [
        {"unit": "input", "path": "usd.in"},
        {"unit": "input", "path": "usd.long", "above": 200000},
        {"unit": "output", "each": "tiers[*]", "path": "price", "above": "size"},
    ]
    row = {
        "usd": {"in": 1, "long": 2},
        "tiers": [{"price": 3, "size": 128000}, {"price": 4}, {"size": 5}],
    }
    assert only(changes={"prices": prices}, **row).prices == (
        PriceLine("input", Decimal(1)),
        PriceLine("input", Decimal(2), 200000),
        PriceLine("output", Decimal(3), 128000),
    )


@pytest.mark.parametrize(
    ("usd", "says"),
    [
        ({"in": 25_000}, ", so its unit is probably wrong. The prices of the row are not used."),
        (
            {"in": 0.00000025},
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        ({"in": -2}, "is negative"),
        ({"in": "cheap"}, ", which is not a number. The prices of the row are not used."),
        ({"in": True}, ", which is not a number. The prices of the row are not used."),
        ({"in": [1]}, ", which is not a number. The prices of the row are not used."),
        ({"in": float("nan")}, "is NaN"),
        ({"in": float("inf")}, "is Infinity"),
        ({"in": "1e999"}, ", so its unit is probably wrong. The prices of the row are not used."),
    ],
)
def test_prices_that_cannot_be_believed_are_set_aside_and_the_date_stays(
    usd: Any, says: str
) -> None:
    parsed = read_rows({"usd": usd, "ends": "2027-01-01"})
    assert says in parsed.rejects[0].reason
    row = parsed.rows[1]
    assert row.prices is None
    assert row.lifecycle is not None
    assert row.lifecycle.retires_on == date(2027, 1, 1)


def test_zero_is_free_only_where_the_mapping_says_so() -> None:
    free = {"usd": {"in": 0, "out": 0}}
    assert only(**free).prices == ()
    assert only(changes={"zero": "free"}, **free).prices == (
        PriceLine("input", Decimal(0)),
        PriceLine("output", Decimal(0)),
    )
    assert only(changes={"zero": "free"}, usd={"in": 0, "out": 1}).prices == (
        PriceLine("output", Decimal(1)),
    )
    assert only(changes={"no_price": ["-1"]}, usd={"in": "-1.0", "out": 1}).prices == (
        PriceLine("output", Decimal(1)),
    )


# --- rows and documents ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"provider": None}, "No value was found at"),
        ({"model": ""}, "No value was found at"),
        ({"model": ["a", "b"]}, "No value was found at"),
        ({"model": "x" * 301}, "longer than 300"),
        ({"model": "a\u0000b"}, "unprintable"),
        ({"provider": "---"}, "contains no letters or digits."),
    ],
)
def test_a_row_without_a_usable_key_is_set_aside_under_its_place(
    row: dict[str, Any], says: str
) -> None:
    (reject,) = read_rows(row).rejects
    assert says in reject.reason


def test_rows_that_are_no_objects_or_stand_twice_are_set_aside() -> None:
    twice = {"model": "same", "ends": "2027-01-01"}
    parsed = read_rows(twice, twice, {"model": "other"}, {"model": "other", "ends": "2027-01-01"})
    assert [row.external_id for row in parsed.rows] == ["Acme/full", "Acme/same"]
    assert [reject.external_id for reject in parsed.rejects] == ["Acme/other"]

    odd = json.dumps({"models": [FULL, None, 3, "x", [], [FULL]]}).encode()
    assert len(parse_body(odd, mapping=read_mapping(PLAIN)).rejects) == 5


def test_hosts_are_known_by_any_of_their_names_and_renamed_ones_by_the_table() -> None:
    parsed = read_rows(
        {"provider": "AWS Bedrock"}, {"provider": "old-name"}, hosts={"Old-Name": "openai"}
    )
    assert [row.host for row in parsed.rows] == ["acme", "amazon-bedrock", "openai"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"data": []}, "The path 'models[*]' finds nothing. Available keys: 'data'."),
        ({"models": []}, "the value at 'models' is an empty list"),
        ({"models": {"a": {}}}, "Available keys at 'models': 'a'. Use * instead of [*] for a map."),
        ([], "the value is an empty list"),
        (7, "the value is a number"),
        (None, "the value is null"),
        (
            {"models": [{"provider": "Acme", "name": "x"}]},
            "The path 'model' finds nothing. Available keys: 'name', 'provider'.",
        ),
        ({"models": [{"provider": "", "model": "x"}]}, "The feed contains no readable row."),
        ({"models": [FULL], "more": "https://x"}, "one page of several"),
        ({"models": [FULL], "n": 2}, "states 2 rows but contains 1"),
    ],
)
def test_a_document_from_which_nothing_follows_is_refused_with_what_lies_there(
    document: Any, says: str
) -> None:
    mapping = read_mapping(PLAIN | {"next": "more", "count": "n"})
    with pytest.raises(InvalidPayloadError) as refused:
        parse_body(json.dumps(document).encode(), mapping=mapping)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"<rss/>",
        b"\xff\xfe",
        b'{"models": [',
        b"[" * 200_000,
        b'{"models": ' * 50_000,
        b'{"models": 1e99999999999999999999}',
        b'{"models": ' + b"9" * 6000 + b"}",
    ],
)
def test_a_body_that_is_no_json_or_has_no_end_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidPayloadError):
        parse_body(body, mapping=read_mapping(PLAIN))


def test_ten_thousand_rows_are_read_and_more_than_there_can_be_are_not() -> None:
    many = {"models": [FULL | {"model": f"m-{n}", "ends": "2027-01-01"} for n in range(10_000)]}
    parsed = read_document(many, read_mapping(PLAIN)).parsed
    assert parsed is not None
    assert len(parsed.rows) == 10_000

    too_many = {"models": [0] * (MAX_ROWS + 1)}
    assert "more than 100,000 rows" in read_document(too_many, read_mapping(PLAIN)).refusal


def test_hostile_texts_stay_texts() -> None:
    row = only(next="<script>x</script>\u202e" + "a" * 999, usd={"in": 1})
    assert row.lifecycle is not None
    assert len(row.lifecycle.successor) == 300
    assert all(len(str(text)) <= 300 for text in row.excerpt.values())
    assert read_rows({"u": "javascript:alert(1)"}, source_url="u").rows[1].source_url == ""


# --- the mapping itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rows": ""}, "rows"),
        ({"rows": "models"}, "rows"),
        ({"host": None}, "host"),
        ({"api_id": 7}, "api_id"),
        ({"retires_on": "a..b"}, "retires_on"),
        ({"statuses": {"x": "gone"}}, "statuses"),
        ({"statuses": ["x"]}, "statuses"),
        ({"hosts": {"x" * 101: "y"}}, "hosts"),
        ({"prices": [{"unit": "tokens", "path": "a"}]}, "prices"),
        ({"prices": [{"unit": "input", "path": "a", "per": "kilo"}]}, "prices"),
        ({"prices": [{"unit": "input", "path": ""}]}, "prices"),
        ({"prices": [{"unit": "input", "path": "a", "above": -1}]}, "prices"),
        ({"prices": [{"unit": "input", "path": "a", "above": True}]}, "prices"),
        ({"prices": [{"unit": "input", "path": "a", "factor": 3}]}, "prices"),
        ({"prices": {"input": "a"}}, "prices"),
        ({"prices": [None] * 41}, "prices"),
        ({"zero": "nothing"}, "zero"),
        ({"absence": "maybe"}, "absence"),
        ({"far_days_are_none": "yes"}, "far_days_are_none"),
        ({"skip": "a"}, "skip"),
        ({"eval": "1"}, "eval"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_the_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidMappingError) as bad:
        read_mapping(PLAIN | changes)
    assert list(bad.value.errors) == [field]


def test_a_mapping_of_keys_alone_says_nothing() -> None:
    with pytest.raises(InvalidMappingError, match="at least one fact"):
        read_mapping({name: PLAIN[name] for name in ("rows", "external_id", "host", "api_id")})
    odds: tuple[object, ...] = (None, [], "x", 3)
    for odd in odds:
        with pytest.raises(InvalidMappingError):
            read_mapping(odd)


# --- real feeds, described by a mapping -----------------------------------------------------------


@pytest.mark.proof
@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "name", "stored", "adapter", "shared_rows", "equal_ends", "equal_prices"),
    [
        (
            "deprecations_info/2025-11-21T030602Z",
            "deprecations.json",
            mappings.DEPRECATIONS_INFO,
            deprecations_info.parse,
            149,
            149,
            149,
        ),
        (
            "modeldeprecations/2026-08-21T085655Z",
            "models.json",
            mappings.MODELDEPRECATIONS,
            modeldeprecations.parse,
            393,
            393,
            393,
        ),
        (
            "openrouter/2026-08-22T183539Z",
            "models.json",
            mappings.OPENROUTER,
            openrouter.parse,
            421,
            421,
            421,
        ),
        (
            "models_dev/2026-07-01T164028Z",
            "api.json",
            mappings.MODELS_DEV,
            models_dev.parse,
            5276,
            5276,
            5257,
        ),
    ],
)
def test_a_real_feed_reads_by_a_mapping_as_by_its_adapter(
    shared: Path,
    folder: str,
    name: str,
    stored: dict[str, Any],
    adapter: Callable[[bytes], ParsedFeed],
    shared_rows: int,
    equal_ends: int,
    equal_prices: int,
) -> None:
    """deprecations.info: its adapter also sets aside names of services; models.dev: its adapter
    also reads the second prices of "fast" modes. A mapping has no word for these."""
    body = next((shared / "feeds" / folder).glob(f"{name}*")).read_bytes()
    body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    own = {row.external_id: row for row in adapter(body).rows}
    reading = read_document(load_json(body), read_mapping(stored))
    assert reading.parsed is not None
    mapped = {row.external_id: row for row in reading.parsed.rows}

    both = own.keys() & mapped.keys()

    def ends(row: FeedRow) -> Any:
        said = row.lifecycle
        return said and (said.announced_on, said.retires_on, said.date_kind, said.status)

    assert own.keys() <= mapped.keys()
    assert len(both) == shared_rows
    assert all(
        (own[key].host, own[key].api_id) == (mapped[key].host, mapped[key].api_id) for key in both
    )
    assert sum(ends(own[key]) == ends(mapped[key]) for key in both) == equal_ends
    assert sum(own[key].prices == mapped[key].prices for key in both) == equal_prices


def test_a_row_that_nests_deeply_is_set_aside_and_the_others_go_on() -> None:
    for depth in (50, 3_000):
        deep = "[" * depth + "]" * depth
        body = json.dumps({"models": [FULL, {"provider": "Acme", "model": "m", "ends": "DEEP"}]})
        parsed = parse_body(body.replace('"DEEP"', deep).encode(), mapping=read_mapping(PLAIN))
        assert [row.external_id for row in parsed.rows] == ["Acme/full", "Acme/m"]
        assert [reject.external_id for reject in parsed.rejects] == ["Acme/m"]


def test_a_path_that_looks_through_the_document_again_for_each_row_is_refused(monkeypatch):
    monkeypatch.setattr(paths, "MAX_VISITED_VALUES", 100_000)
    rows = [{"provider": "Acme", "model": f"m{n}"} for n in range(400)]
    document = {"groups": [{"models": rows}]}
    settings = {
        "rows": "groups[*].models[*]",
        "external_id": "@1.models[*].nothing | model",
        "host": "provider",
        "api_id": "model",
        "retires_on": "ends",
    }

    reading = read_document(document, read_mapping(settings))

    assert reading.parsed is None
    assert (
        "'@1.models[*].nothing' visits more than 100,000 values of the document" in reading.refusal
    )


def test_rows_that_look_at_themselves_only_are_far_from_the_limit(monkeypatch):
    monkeypatch.setattr(paths, "MAX_VISITED_VALUES", 20_000)

    assert len(read_rows(*({} for _ in range(300))).rows) == 301
