"""Registers with headers that no word recognises: an insurer in Spain, a bank in Switzerland, an
airline and a carrier in the United States."""

import pytest

from apps.catalog.identity.names.phrases import clean, fold
from apps.catalog.identity.names.places import read_host_cell
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.columns.recognition import guess_mapping
from apps.intake.spreadsheets.columns.scan import scan_book
from apps.intake.spreadsheets.files.detection import open_book
from apps.intake.spreadsheets.values.distinct import Certainty, DistinctValue
from apps.intake.spreadsheets.values.guesses import guess_values
from tests.intake.spreadsheets.sheet_files import as_csv


def mapping_of(rows) -> BookMapping:
    return guess_mapping(open_book(as_csv(rows), "list.csv"))


def columns_of(rows) -> dict[str, str]:
    [sheet] = mapping_of(rows).sheets
    return {sheet.heads[place]: code for place, code in sheet.columns.items()}


def values_of(rows, code) -> dict[str, DistinctValue]:
    book = open_book(as_csv(rows), "list.csv")
    mapping = guess_mapping(book)
    _, raw_values, _ = scan_book(book, mapping, keeps_files=False)
    return {value.text: value for value in guess_values(raw_values, mapping) if value.code == code}


# --- hosts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["1", "4.2", "2026-01-01", "01/25", "€ 1,200", "1'200.-", "B", "P1", "Lvl 3", "?"]
)
def test_a_number_a_date_or_an_amount_is_no_host(text):
    assert read_host_cell(fold(clean(text))).host is None


@pytest.mark.parametrize("text", ["intern", "eigenes Rechenzentrum", "servidores propios", "own"])
def test_own_machines_in_words_are_own_hosting(text):
    assert read_host_cell(fold(clean(text))).host == "own"


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "2", "3", "4"],
        ["CHF 1'200", "CHF 800", "CHF 90", "CHF 7"],
        ["03/2025", "04/2025", "06/2024", "07/2026"],
        ["A", "B", "C", "A"],
        ["intern", "intern", "intern", "intern"],
    ],
)
def test_columns_of_numbers_amounts_dates_and_letters_are_no_hosts(cells):
    models = ["GPT-4o", "Claude Sonnet 4", "Mistral Large", "Gemini 2.5 Pro"]
    rows = [["Lösung", "Team", "LLM", "Betrieb"]]
    rows += [
        [f"Helfer {word}", "IT", model, cell]
        for word, model, cell in zip(("Rot", "Blau", "Grau", "Gold"), models, cells, strict=True)
    ]

    assert "use.host" not in columns_of(rows).values()


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["03/02/2025", "21/05/2024"], {"03/02/2025": "2025-02-03"}),
        (["4/5/2025", "4/25/2025"], {"4/5/2025": "2025-04-05"}),
        (["4/5/25", "4/25/25"], {"4/5/25": "2025-04-05", "4/25/25": "2025-04-25"}),
        (["03/02/2025", "04/05/2024"], {"03/02/2025": None, "04/05/2024": None}),
        (["03/02/2025", "21/05/2024", "4/25/2025"], {"03/02/2025": None}),
    ],
)
def test_one_date_proves_the_order_of_its_column(cells, days):
    rows = [["Application", "Team", "Model", "Go-live"]]
    rows += [[f"Tool {n}", "IT", "GPT-4o", cell] for n, cell in enumerate(cells)]

    values = values_of(rows, "use.since")

    assert {text: value.value for text, value in values.items()} == days
    certainty = Certainty.LIKELY if None not in days.values() else Certainty.NONE
    assert {value.guess.certainty for value in values.values()} == {certainty}
