"""The language in which a mapping says where something lies."""

import json
from typing import Any

import pytest

from apps.feeds.mapping.document_outline import outline_document, propose_mapping
from apps.feeds.mapping.path_diagnosis import explain_missing
from apps.feeds.mapping.paths import (
    MISSING,
    InvalidPathError,
    RowContext,
    read_expression,
    read_path,
    rows_at,
)

DOCUMENT: dict[str, Any] = {
    "made": "2026-11-01",
    "hosts": {
        "acme": {
            "site": "https://acme.example",
            "models": {"big-1": {"ends": "2027-01-01"}, "small.1": {"ends": None}},
        },
        "beta": {
            "site": "https://beta.example",
            "models": {"fast-2": {"end date": "2027-02-02", "to": [{"id": "x"}]}},
        },
    },
}


def row(n: int) -> RowContext:
    return list(rows_at(DOCUMENT, read_path("hosts.*.models.*", of_rows=True)))[n]


@pytest.mark.parametrize(
    ("text", "n", "value"),
    [
        ("ends", 0, "2027-01-01"),
        ("ends", 1, None),
        ("ends", 2, MISSING),
        ("ends | ['end date']", 2, "2027-02-02"),
        ('ends | ["end date"]', 1, None),
        ("@key", 1, "small.1"),
        ("@key1", 1, "acme"),
        ("@key2", 1, "small.1"),
        ("@1.site", 2, "https://beta.example"),
        ("@key1 + '/' + @key", 0, "acme/big-1"),
        ("'acme' + '/' + nowhere", 0, MISSING),
        ("nowhere + 'x' | \"it's\"", 0, "it's"),
        ("to[*].id", 2, "x"),
        ("to[0].id", 2, "x"),
        ("to[1].id", 2, MISSING),
        ("to[id=x].id", 2, "x"),
        ("to[id='y'].id", 2, MISSING),
        ("to.*.id", 2, MISSING),
        ("@3.site", 0, MISSING),
    ],
)
def test_a_path_leads_to_what_lies_there(text: str, n: int, value: object) -> None:
    assert read_expression(text).value(row(n)) == value


@pytest.mark.parametrize(
    "text", ["a.b[*].c | 'x' + d", "@1.site", '["a b"].c', "list[kind=x].id", "*.models.*"]
)
def test_what_is_read_is_written_the_same(text: str) -> None:
    assert str(read_expression(str(read_expression(text)))) == str(read_expression(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a..b",
        ".a",
        "a.",
        "a +",
        "| a",
        "a b",
        "a 'b'",
        "'a' b",
        "'a",
        "a[",
        "a[x]",
        "a[-1]",
        "a[1:2]",
        "@",
        "@x",
        "@0",
        "a.@key",
        "a\x00b",
        "a.(b)",
        "a[*",
        "a]b",
        "x" * 301,
        ".".join("abcdefghijklm"),
        "'a''b'",
        "a.'b'",
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(text: str) -> None:
    if text in {"a.(b)", "a.'b'"}:
        # round brackets are letters of a name like any other; a quoted name is one
        assert read_path(text).steps
        return
    with pytest.raises(InvalidPathError, match=r"\.$|\*$"):
        read_expression(text)


def test_rows_need_a_path_that_leads_to_many() -> None:
    with pytest.raises(
        InvalidPathError,
        match="finds one value",
    ):
        read_path("data", of_rows=True)
    with pytest.raises(InvalidPathError, match="a single path"):
        read_path("a | b", of_rows=True)
    with pytest.raises(
        InvalidPathError,
        match="' starts at the document, which has no outer element",
    ):
        read_path("@1.rows[*]", of_rows=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("data[*]", "The path 'data[*]' finds nothing. Available keys: 'hosts', 'made'."),
        (
            "hosts[*]",
            "The path 'hosts[*]' finds nothing. Available keys at 'hosts': 'acme', 'beta'. Use * "
            "instead of [*] for a map.",
        ),
        (
            "hosts.*.modles.*",
            "The path 'hosts.*.modles.*' finds nothing. Available keys at 'hosts.*': 'models', "
            "'site'.",
        ),
        (
            "made.*",
            "The path 'made.*' finds nothing: the value at 'made' is a text, which has no parts.",
        ),
    ],
)
def test_a_path_that_finds_nothing_says_which_part_and_what_lies_there(
    text: str, sentence: str
) -> None:
    assert explain_missing(read_path(text, of_rows=True), [RowContext(DOCUMENT)]) == sentence


def test_the_outline_finds_the_rows_and_proposes_a_mapping() -> None:
    body = [
        {
            "provider": "Acme",
            "model_id": f"m-{n}",
            "shutdown_date": "2027-01-01",
            "sources": [{"url": "https://a.example"}],
        }
        for n in range(5)
    ]

    found = outline_document(json.loads(json.dumps({"data": {"rows": body}})))

    assert found.rows == "data.rows[*]"
    assert {part.path: part.n for part in found.parts}["sources[*].url"] == 5
    assert propose_mapping(found) == {
        "rows": "data.rows[*]",
        "host": "provider",
        "api_id": "model_id",
        "retires_on": "shutdown_date",
        "external_id": "provider + '/' + model_id",
        "source_url": "sources[*].url",
    }


def test_the_outline_bears_documents_of_any_shape() -> None:
    odd = {
        "a": [{"b": [1], "c": {"d": 1}}, {"b": {"x": {}}, "c": []}, 3, None],
        "": {'q"q': [[], [{}]]},
        "z": 7,
    }
    found = outline_document(odd)
    assert [rows.path for rows in found.lists][:1] == ["a[*]"]
    shapes: tuple[Any, ...] = (
        None,
        3,
        "x",
        [],
        {},
        [[]],
        [None],
        {"a": {}},
        [{}],
        {"a": {"b": None}},
    )
    for document in shapes:
        assert propose_mapping(outline_document(document)).keys() <= {"rows"}
    for text in ('["it\'s"]', "'say \"x\"'", "[a=b][0]"):
        assert str(read_expression(str(read_expression(text)))) == str(read_expression(text))
