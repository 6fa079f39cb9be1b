"""The stored form of a page mapping: what is wrong with it, and its normal form."""

from typing import Any

import pytest

from apps.feeds.mapping.definition import InvalidMappingError
from apps.feeds.pages.definition import (
    ANNOUNCEMENT_PLACES,
    COLUMNS,
    PageMapping,
    normalise_page_mapping,
    read_page_mapping,
)
from apps.feeds.pages.globs import matches
from apps.feeds.pages.headers import COMMON, normalise_header, resolve_columns

FULL: dict[str, Any] = {
    "tables": [
        {
            "heading": "*past*",
            "headers": ["Model"],
            "exclude": ["Default*"],
            "header_row": ["Model", "Ends"],
            "kind": "fine_tune",
            "stage": "retired",
        }
    ],
    "columns": {"id": ["Model"], "retires": ["Ends", "*end date"]},
    "dates": {
        "order": "day_first",
        "none": ["never"],
        "not_before": ["from"],
        "future_is_earliest": True,
    },
    "ids": {"accept": ["m-*"], "drop": ["m-0"]},
    "kinds": {"endpoint": ["/v1/*"]},
    "stages": {"Past": "retired"},
    "announced_from": ["sentence"],
    "dates_from_sentences": True,
    "absence": "nothing",
}


def test_every_part_of_a_mapping_is_read() -> None:
    mapping = read_page_mapping(FULL)
    assert mapping.tables[0].header_row == ("Model", "Ends")
    assert mapping.columns["retires"] == ("Ends", "*end date")
    assert (mapping.dates.order, mapping.dates.none) == ("day_first", ("never",))
    assert (mapping.accept, mapping.drop) == (("m-*",), ("m-0",))
    assert (mapping.kinds, mapping.stages) == ({"endpoint": ("/v1/*",)}, {"Past": "retired"})
    assert mapping.announced_from == ("sentence",)
    assert (mapping.dates_from_sentences, mapping.absence) == (True, "nothing")


def test_an_empty_mapping_reads_every_table() -> None:
    assert read_page_mapping({}) == PageMapping()
    assert read_page_mapping({}).announced_from == ANNOUNCEMENT_PLACES
    assert read_page_mapping({"announced_from": []}).announced_from == ()


@pytest.mark.parametrize(
    ("definition", "field", "words"),
    [
        ([], "mapping", "JSON object"),
        ({"rows": "x"}, "rows", "not a valid part"),
        ({"tables": {}}, "tables", "a list of at most"),
        ({"tables": [{"regex": "x"}]}, "tables", "Table 1: use only"),
        ({"tables": [{"heading": 1}]}, "tables", "heading"),
        ({"tables": [{"headers": "x"}]}, "tables", "headers"),
        ({"tables": [{"kind": "robot"}]}, "tables", "kind of a row"),
        ({"tables": [{"stage": "gone"}]}, "tables", "not a stage"),
        ({"tables": [{}] * 41}, "tables", "at most 40"),
        ({"columns": []}, "columns", "object"),
        ({"columns": {"colour": ["x"]}}, "columns", "not a column"),
        ({"columns": {"id": "Model"}}, "columns", "a list"),
        ({"columns": {"id": ["*a*b*c*d*"]}}, "columns", "stars"),
        ({"dates": []}, "dates", "object"),
        ({"dates": {"order": "y"}}, "dates", "month_first"),
        ({"dates": {"none": 1}}, "dates", "none"),
        ({"dates": {"future_is_earliest": 1}}, "dates", "true or false"),
        ({"ids": []}, "ids", "accept and drop"),
        ({"ids": {"accept": 1}}, "ids", "accept"),
        ({"kinds": []}, "kinds", "object"),
        ({"kinds": {"robot": []}}, "kinds", "kind of a row"),
        ({"kinds": {"model": "x"}}, "kinds", "model"),
        ({"stages": []}, "stages", "object"),
        ({"stages": {"Past": "gone"}}, "stages", "not a stage"),
        ({"announced_from": ["table"]}, "announced_from", "heading, sentence"),
        ({"dates_from_sentences": "yes"}, "dates_from_sentences", "true or false"),
        ({"absence": "x"}, "absence", "one of"),
    ],
)
def test_a_fault_is_named_with_its_field(definition: object, field: str, words: str) -> None:
    with pytest.raises(InvalidMappingError) as caught:
        read_page_mapping(definition)
    assert words in caught.value.errors[field]


def test_equal_mappings_have_equal_stored_forms() -> None:
    empty = {"tables": [], "columns": {"id": []}, "dates": {"order": ""}, "absence": ""}
    assert normalise_page_mapping(empty) == {}
    assert normalise_page_mapping({**FULL, "stages": {}}) == {
        name: value for name, value in FULL.items() if name != "stages"
    }
    # no announcement from the text is a setting, not an empty one
    assert normalise_page_mapping({"announced_from": []}) == {"announced_from": []}


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("model", "Model", True),
        ("model", "Models", False),
        ("*model*", "old models", True),
        ("a*c", "abc", True),
        ("a*c", "ac", True),
        ("ab*ba", "aba", False),
        ("*a*b*", "ba", False),
        ("", "", True),
        ("*", "x", True),
    ],
)
def test_patterns_with_stars(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_every_column_with_usual_headers_is_a_column_of_mappings() -> None:
    assert set(COMMON) <= set(COLUMNS)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["**Model**", "Retirement date (UTC)¹"], {"id": 0, "retires": 1}),
        (["Model name", "Model ID", "EOL"], {"name": 0, "id": 1, "retires": 2}),
        (
            ["Deprecated model", "Deprecated model price", "Shut down on", "Use instead"],
            {"id": 0, "price": 1, "retires": 2, "replacement": 3},
        ),
        (["Model", "Deprecated", "Retired"], {"id": 0, "announced": 1, "retires": 2}),
        (
            ["Model provider", "Model", "Regions", "End-of-life"],
            {"lab": 0, "id": 1, "regions": 2, "retires": 3},
        ),
        (["Model being retired", "Recommended replacement"], {"id": 0, "replacement": 1}),
        (["Recommended replacement model ID", "Price"], {"replacement": 0, "price": 1}),
    ],
)
def test_headers_name_columns_by_synonym(header: list[str], columns: dict[str, int]) -> None:
    assert resolve_columns([text.replace("¹", "") for text in header], {}) == columns


def test_headers_of_a_mapping_replace_the_usual_ones() -> None:
    header = ["Thing", "Gone on", "Model"]
    columns = {"id": ("Thing",), "retires": ("gone on",), "name": ("-",)}
    assert resolve_columns(header, columns) == {"id": 0, "retires": 1}
    ignored = resolve_columns(["Model", "Retired"], {"ignored": ("Retired",)})
    assert ignored == {"id": 0}
    assert normalise_header(" `API` **Model** Name (new):") == "api model name"
