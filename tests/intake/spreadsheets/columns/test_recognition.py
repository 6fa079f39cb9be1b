"""Columns by header and content, legends of scales, and rows that are no record, in the registers
of a university, a port, a brewery and a builder."""

import pytest

from apps.intake.spreadsheets.columns.headers import months_of
from apps.intake.spreadsheets.columns.legends import key_of, read_phrases
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.columns.recognition import guess_mapping
from apps.intake.spreadsheets.columns.rows import content_rows, read_rows
from apps.intake.spreadsheets.columns.values import SheetConventions
from apps.intake.spreadsheets.files.detection import open_book
from apps.intake.spreadsheets.values.choice_guesses import UNSTATED_SCALE, guess_choices
from apps.intake.spreadsheets.values.distinct import Certainty
from apps.intake.spreadsheets.values.guesses import guess_texts
from tests.intake.spreadsheets.sheet_files import as_csv, as_xlsx

UNIVERSITY = {
    "Register": [
        ["Saltmarsh University – register of AI tools"],
        ["Service", "", "Accountable", "", "Scale", "", "Money", ""],
        [
            "Name",
            "Faculty unit",
            "Academic",
            "IT",
            "Priority class",
            "Staff and students",
            "per year",
            "",
        ],
        [
            "Essay feedback",
            "Humanities",
            "Dr Ada Brook",
            "Tom Reeve",
            "A",
            "~ 4,000",
            "£24,000",
            "",
        ],
        ["Lab notebook", "Chemistry", "Dr Ian Flint", "Tom Reeve", "C", "120", "£1,200", ""],
        ["Timetable helper", "Registry", "Sue Marsh", "Joy Pike", "B", "900", "", ""],
        ["Total", "", "", "", "", "5,020", "£25,200", ""],
    ],
    "Key": [
        ["Priority class"],
        ["A", "low: nobody notices an outage"],
        ["B", "medium"],
        ["C", "critical: teaching stops"],
    ],
}
PORT = [
    ["Autorità portuale di Cala Verde"],
    ["Rilevanza: 1 = massima, 5 = minima"],
    [
        "Applicativo",
        "Referente",
        "Rilevanza",
        "Situazione",
        "Motore",
        "Dove gira",
        "Utenti interni",
    ],
    ["SEZIONE A – Merci e dogana"],
    ["Manifesti", "Rossi, Anna", 1, "in esercizio", "GPT-4o", "Azure", "circa 40"],
    ["Tariffe", "Bianchi, Ugo", 3, "in prova", "Claude Sonnet 4", "AWS Bedrock", 12],
    ["SEZIONE B – Personale"],
    ["Turni", "u.neri@calaverde.example", 5, "dismesso", "Mistral Large", "La Plateforme", 7],
    ["NB: mancano i rimorchiatori"],
]
BREWERY = [
    ["Was", "Abt.", "Ampel", "Sicht", "Läuft?", "Drunter", "Verantw.", "Mitarb.", "Produktiv ab"],
    ["Sudplan", "Brauerei", "rot", "intern", "live", "gpt-4o", "Uta Malz", "12", "01/25"],
    [
        "Etikettentext",
        "Vertrieb",
        "grün",
        "öffentlich",
        "PoC",
        "claude sonnet 4",
        "Jo Hopf",
        "3",
        "11/24",
    ],
    [
        "Bestellbot",
        "Vertrieb",
        "gelb",
        "vertraulich",
        "live",
        "llama 3.1",
        "Jo Hopf",
        "rd. 40",
        "06/26",
    ],
    ["Lagerfragen", "Logistik", "grün", "intern", "geplant", "gemini 2.5 pro", "Al Fass", "0", ""],
]
BUILDER_HEADS = [
    "Application",
    "Vendor risk",
    "Effort",
    "Last checked",
    "Contract end",
    "Budget 2026",
    "Headcount cost",
    "DORA relevant",
    "Next step",
    "Observations",
    "Cost centre",
]
BUILDER = [
    BUILDER_HEADS,
    *(
        [
            f"Tool {number}",
            ("high", "low", "medium")[number % 3],
            ("minimal", "high", "limited")[number % 3],
            f"2026-0{number}-11",
            f"2027-0{number}-01",
            f"{number}000 EUR",
            str(100 * number),
            ("yes", "no")[number % 2],
            ("live", "pilot", "planned")[number % 3]
            + " workshop with the site managers of the area",
            "Azure",
            f"K{number}10",
        ]
        for number in range(1, 8)
    ),
]


def mapping_of(rows, **kwargs) -> BookMapping:
    content = as_xlsx(rows, **kwargs) if isinstance(rows, dict) else as_csv(rows)
    return guess_mapping(open_book(content, "list.csv"))


def columns_of(sheet):
    return {sheet.heads[place]: code for place, code in sheet.columns.items()}


def guesses_of(sheet, code, texts):
    head = next(sheet.heads[place] for place, each in sheet.columns.items() if each == code)
    guesses = guess_choices(code, texts, head, sheet.legends.get(code))
    return {text: guess.value for text, guess in guesses.items()}


# --- registers ------------------------------------------------------------------------------------


def test_headers_of_two_lines_and_a_legend_on_another_worksheet_are_read():
    def hide(book):
        book["Register"].row_dimensions[5].hidden = True
        book["Register"].column_dimensions["D"].hidden = True

    content = as_xlsx(UNIVERSITY, change=hide)
    book = open_book(content, "register.xlsx")
    mapping = guess_mapping(book)
    register, key = mapping.sheets

    assert register.head_row == 3
    assert columns_of(register) == {
        "Service Name": "application.name",
        "Service Faculty unit": "application.team",
        "Accountable Academic": "application.business_owner",
        "Accountable IT": "application.technical_owner",
        "Scale Priority class": "application.criticality",
        "Staff and students": "application.users_affected",
        "Money per year": "application.monthly_spend",
    }
    assert guesses_of(register, "application.criticality", ["A", "B", "C"]) == {
        "A": 3,
        "B": 2,
        "C": 0,
    }
    assert (register.n_hidden_rows, register.hidden_columns) == (1, (3,))
    assert not key.read
    rows = list(read_rows(book, mapping))
    assert [row.application["name"] for row in rows] == [
        "Essay feedback",
        "Lab notebook",
        "Timetable helper",
    ]


def test_titles_between_the_rows_name_the_teams_and_notes_are_no_applications():
    book = open_book(as_csv(PORT), "porto.csv")
    mapping = guess_mapping(book)
    [sheet] = mapping.sheets

    assert columns_of(sheet) == {
        "Applicativo": "application.name",
        "Referente": "application.business_owner",
        "Rilevanza": "application.criticality",
        "Situazione": "application.status",
        "Motore": "use.model",
        "Dove gira": "use.host",
        "Utenti interni": "application.users_affected",
        "Title above the rows": "application.team",
    }
    assert guesses_of(sheet, "application.criticality", ["1", "3", "5"]) == {"1": 0, "3": 2, "5": 3}
    not_read: list[tuple[int, int, str]] = []
    rows = list(content_rows(book, mapping, not_read=not_read))
    assert [number for _, number, _ in not_read] == [4, 7, 9]
    assert [(cells[0], cells[7]) for _, _, _, cells in rows] == [
        ("Manifesti", "Merci e dogana"),
        ("Tariffe", "Merci e dogana"),
        ("Turni", "Personale"),
    ]


def test_columns_are_recognised_by_their_content_where_headers_are_short_forms():
    [sheet] = mapping_of(BREWERY).sheets

    assert columns_of(sheet) == {
        "Was": "application.name",
        "Abt.": "application.team",
        "Sicht": "application.data_classification",
        "Läuft?": "application.status",
        "Drunter": "use.model",
        "Verantw.": "application.business_owner",
        "Mitarb.": "application.users_affected",
        "Produktiv ab": "use.since",
    }
    assert {sheet.heads[place] for place in sheet.by_content} >= {"Sicht", "Läuft?", "Drunter"}
    # the colours of a traffic light are never guessed
    assert "Ampel" in sheet.ignored


def test_columns_of_something_else_are_ignored():
    [sheet] = mapping_of(BUILDER).sheets

    assert columns_of(sheet) == {"Application": "application.name"}


def test_a_list_of_models_beside_the_register_is_not_read_as_applications():
    register, models = mapping_of(
        {
            "Register": [
                ["Application", "Team", "Status", "Model"],
                ["Ticket bot", "IT", "live", "GPT-4o"],
            ],
            "Models": [
                ["Model", "Vendor", "Status", "Owner"],
                ["GPT-4o", "OpenAI", "live", "Ann"],
            ],
        }
    ).sheets

    assert register.read
    assert not models.read
    assert not [code for code in models.columns.values() if code.startswith("application.")]


# --- legends --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("legend", "meanings"),
    [
        ("1 = highest, 4 = lowest", {"1": 0, "2": 1, "3": 2, "4": 3}),
        ("von 1 (gering) bis 4 (sehr hoch)", {"1": 3, "2": 2, "3": 1, "4": 0}),
        ("Criticité : 1 = faible, 2 = modérée, 3 = forte, 4 = vitale", {"1": 3, "3": 1, "4": 0}),
        ("4 = highest", {"1": 3, "4": 0}),
        ("1: crítico; 2: importante; 3: normal", {"1": 0, "2": 1, "3": 2}),
        ("red = business critical, amber = important, green = low", {"red": 0, "green": 3}),
        ("A = unkritisch, B = wichtig, C = kritisch", {"A": 3, "B": 1, "C": 0}),
        ("Stufe 1 = geschäftskritisch … Stufe 4 = unterstützend", {"Stufe 2": 1, "1": 0}),
        ("", {"1": None, "2": None, "A": None, "rot": None}),
        ("version 1 of 2026, 4 pages", {"1": None, "4": None}),
    ],
)
def test_a_scale_runs_as_its_legend_says_and_is_asked_without_one(legend, meanings):
    guesses = guess_choices(
        "application.criticality", meanings, "Kritikalität", read_phrases(legend)
    )

    assert {text: guess.value for text, guess in guesses.items()} == meanings


def test_a_bare_digit_without_a_legend_says_why_it_is_asked():
    guess = guess_choices("application.criticality", ["2"], "Criticality")["2"]

    assert (guess.certainty, guess.why) == (Certainty.NONE, UNSTATED_SCALE)


@pytest.mark.parametrize(
    ("text", "key"),
    [("Tier 2", "2"), ("P1", "1"), ("Klasse B", "2"), ("IV", "4"), ("Rouge", "red"), ("n. b.", "")],
)
def test_a_class_has_the_key_of_its_legend(text, key):
    assert key_of(text) == key


# --- forms ----------------------------------------------------------------------------------------


def test_month_and_short_year_are_read_if_the_whole_column_has_that_form():
    months = guess_texts("use.since", ["01/25", "11/24"], SheetConventions())
    days = guess_texts("use.since", ["01/25", "31/12"], SheetConventions())

    assert [guess.value for guess in months.values()] == ["2025-01-01", "2024-11-01"]
    assert [guess.value for guess in days.values()] == [None, None]


@pytest.mark.parametrize(
    ("header", "n"),
    [
        ("Kosten p.a.", 12),
        ("Coût annuel (€)", 12),
        ("Cost / year", 12),
        ("Jahreskosten EUR", 12),
        ("costo annuo", 12),
        ("Kosten/Monat EUR", 1),
        ("EUR p/mnd", 1),
        ("Coût mensuel", 1),
    ],
)
def test_costs_of_a_year_are_known_by_their_header(header, n):
    assert months_of(header) == n
