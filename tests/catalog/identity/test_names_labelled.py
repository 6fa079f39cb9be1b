"""The reader of names against names that were labelled by hand."""

import time

import pytest

from apps.catalog.identity.names.places import OWN
from tests.catalog.name_labels import labelled_names, reader, score


def test_hardly_any_answer_is_wrong_and_most_readings_have_the_right_kind() -> None:
    result = score(labelled_names())

    assert result.precision >= 0.99, result.wrong
    assert result.right_kind >= 0.90, result.other_kind


@pytest.mark.parametrize("kind", ["version", "foundation", "family", "product", "unknown"])
def test_no_kind_of_name_is_left_behind(kind: str) -> None:
    rows = [row for row in labelled_names() if row["expected"]["kind"] == kind]

    result = score(rows)

    assert result.right_kind >= 0.85, result.other_kind


def test_the_host_is_the_labelled_one() -> None:
    other = []
    rows = [row for row in labelled_names() if row["expected"]["kind"] != "several"]

    for row in rows:
        host = reader().read_name(row["text"], row["host_column"]).host
        if host not in (row["host"], *row.get("also_host", ())):
            other.append((row["text"], host))

    assert len(other) <= len(rows) // 50, other
    assert any(row["host"] == OWN for row in rows)


def test_a_cell_that_is_not_filled_in_yet_stays_open() -> None:
    rows = [row for row in labelled_names() if row.get("reads_as")]

    other = [
        row["text"]
        for row in rows
        if (reading := reader().read_name(row["text"], row["host_column"])).kind == "not_a_model"
        and reading.not_stated != (row["reads_as"] == "not stated")
    ]

    assert other == []


def test_ten_thousand_names_take_less_than_ten_seconds() -> None:
    names = [row["text"] for row in labelled_names()]
    distinct = [f"{names[number % len(names)]} (app {number})" for number in range(2_000)]
    reader().read_name(names[0])
    started = time.process_time()

    for name in distinct:
        reader().read_name(name, "Azure OpenAI")

    assert time.process_time() - started < 2.0
