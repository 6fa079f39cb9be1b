"""JSON bodies are capped before they are parsed, and read whatever wrote them."""

import pytest

from apps.intake.documents.records import UnreadableError
from apps.intake.readers.json_text import MAX_CONTAINERS, load_json, trim_value


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[" * 65 + b"]" * 65, "nested more than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested more than 64"),
        (b"[" * 5_000_000, "more than"),
        (b"[" + b"[]," * MAX_CONTAINERS + b"[]]", "more than"),
        (b"[" + b"1," * 6_000_001 + b"1]", "more than"),
        (b'{"a":"\xff"}', "not UTF-8: byte 7"),
        (b"\xff\xfe{", "UTF-16"),
        (b"[1,\n2,", "not JSON: .* line 2"),
        (b"[NaN,", "not JSON"),
        (
            rb'["\ud800", NaN]',
            "The document is not JSON: it contains a number or a text that is too large",
        ),
        (
            b"[" + b"9" * 5_000 + b", NaN]",
            "The document is not JSON: it contains a number or a text that is too large",
        ),
        (b"  \n", "empty"),
        (b"", "empty"),
    ],
    ids=lambda value: value[:12].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_what_cannot_be_read_says_why(body, says):
    with pytest.raises(UnreadableError, match=says):
        load_json(body)


def test_brackets_in_texts_do_not_count():
    text = "[" * 500 + '\\"{' * 500

    assert load_json(f'{{"a": "{text}", "b": [1]}}'.encode())["b"] == [1]


def test_what_is_as_deep_as_allowed_is_read():
    assert load_json(b"[" * 64 + b"]" * 64)


def test_texts_that_never_end_are_looked_through_once():
    # looked at again from every quote it would be hours
    for body in (b'"' + b'\\"' * 5_000_000 + b"[" * 100, b'"\\' * 1_000_000 + b"[" * 100):
        with pytest.raises(UnreadableError):
            load_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + b'{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 1, "b": NaN, "c": -Infinity}',
    ],
    ids=["byte order mark", "UTF-16", "NaN"],
)
def test_what_tools_write_beside_the_standard_is_read(body):
    assert load_json(body)["a"] == 1


def test_numbers_that_are_none_are_null():
    assert load_json(b'{"value": NaN}') == {"value": None}


def test_what_is_kept_is_clean_and_bounded():
    kept = trim_value(
        {
            "a": "x\x00\u202ey  z\n" + "l" * 5_000,
            "b": ["", None, {}],
            "c": list(range(90)),
            "d": {"e": {}},
        }
    )

    assert kept["a"].startswith("xy z l")
    assert len(kept["a"]) == 1_000
    assert kept["c"] == list(range(25))
    assert kept.keys() == {"a", "c"}
