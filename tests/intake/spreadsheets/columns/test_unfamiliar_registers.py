"""Registers with headers that no word recognises: an insurer in Spain, a bank in Switzerland, an
airline and a carrier in the United States."""

import pytest

from apps.catalog.identity.names.phrases import clean, fold
from apps.catalog.identity.names.places import read_host_cell
from apps.catalog.models import Provider
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.columns.recognition import guess_mapping
from apps.intake.spreadsheets.columns.scan import scan_book
from apps.intake.spreadsheets.columns.values import SheetConventions
from apps.intake.spreadsheets.files.detection import open_book
from apps.intake.spreadsheets.values.distinct import Certainty, DistinctValue
from apps.intake.spreadsheets.values.guesses import guess_texts, guess_values
from apps.inventory.models import Dependency
from tests.builders import make_offering, make_provider, make_user
from tests.intake.spreadsheets.claims_team import confirm, preview
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


# --- columns by content ---------------------------------------------------------------------------

INSURER = [
    ["Aseguradora Valdepeñas – inventario de IA"],
    [
        "N.º",
        "Solución",
        "Div.",
        "Interlocutor",
        "Situación",
        "Grado",
        "Motor",
        "Dónde corre",
        "Alta",
        "Público",
        "Datos pers.",
    ],
    [
        *(1, "Peritaje rápido", "Autos", "Inés Robledo", "en marcha", "alta", "GPT-4o"),
        *("Azure OpenAI", "03/04/2025", "1,2 M clientes", "sí"),
    ],
    [
        *(2, "Lector de partes", "Autos", "Hugo Ferrer", "en obras", "media", "Claude Sonnet 4"),
        *("AWS Bedrock", "25/04/2025", "5.000 aprox.", "s"),
    ],
    [
        *(3, "Buscador legal", "Salud", "Inés Robledo", "parado", "baja", "Mistral Large"),
        *("servidores propios", "07/06/2024", "184k", "n"),
    ],
    [
        *(4, "Bot de siniestros", "Salud", "Marta Sanz", "en marcha", "alta", "GPT-4o mini"),
        *("Azure OpenAI", "01/02/2026", "900", "no"),
    ],
    ["Subtotal – Salud", "", "", "", "", "", "", "", "", "184.900", ""],
]
BANK = [
    ["Lfd.", "Lösung", "Lvl", "Klassifikation", "Schutzbedarf", "LLM", "Betrieb", "Nutzende"],
    [1, "Kreditbrief", 2, "vertraulich", "hoch", "gpt-4o", "Azure CH", "rd. 40"],
    [2, "Sitzungsnotizen", 1, "intern", "normal", "claude sonnet 4", "Bedrock", "120"],
    [3, "Belegleser", 3, "intern", "normal", "llama 3.3 70b", "eigenes RZ", "7"],
    [4, "Hotline", 2, "öffentlich", "normal", "mistral large", "La Plateforme", "55"],
]
AIRLINE_HEADS = [
    *("Use case", "Wing", "Who to call", "State of play", "Handling", "Colour", "Brains"),
    *("Where it runs", "Launched", "Heads"),
]
AIRLINE = [
    ["Colour: red = business critical, amber = important, green = best effort"],
    AIRLINE_HEADS,
    [
        *("Rebooking helper", "Hubs", "Jo Larkin", "In service", "Restricted", "Red", "GPT-4o"),
        *("Azure", "03/02/2025", "1,200"),
    ],
    ["— Ground & Cargo —"],
    [
        *("Baggage tracer", "Hubs", "Amy Poole", "In service (limited)", "Company", "Amber"),
        *("Claude Sonnet 4", "Bedrock", "21/05/2024", "80"),
    ],
    [
        *("Crew roster notes", "Flight", "jo@pearair.example", "On the roadmap"),
        *("Highly restricted", "Red", "Gemini 2.5 Pro", "Vertex", "", "3.5k"),
    ],
    [
        *("Fleet manual search", "Flight", "Tim Roe", "Grounded", "Open", "Green"),
        *("Llama 3.3 70B", "our own GPUs", "06/07/2023", "45"),
    ],
    ["Subtotal – Flight", "", "", "", "", "", "", "", "", "1,325"],
]
CARRIER = [
    ["System Name", "Div.", "POC", "Launch", "Rating", "LLM", "CSP", "Seats", "Monthly $"],
    ["Claims triage", "Auto", "Dana Whit", "4/5/25", "P1", "GPT-4o", "Azure", "~1,500", "$1,200"],
    ["Form filler", "Auto", "Lee Park", "4/25/25", "P3", "Claude 3.5 Sonnet", "AWS", "60", "$900"],
    ["Policy Q&A", "Home", "Dana Whit", "11/2/24", "P2", "Gemini 2.0 Flash", "GCP", "340", "$75"],
    ["Adjuster notes", "Home", "Kim Ode", "1/30/24", "P2", "GPT-4o mini", "Azure", "22", "$40"],
    ["Sub-total", "", "", "", "", "", "", "1,922", "$2,215"],
]


def test_plain_values_under_spanish_headers_are_recognised():
    assert columns_of(INSURER) == {
        "Solución": "application.name",
        "Div.": "application.team",
        "Interlocutor": "application.business_owner",
        "Situación": "application.status",
        "Grado": "application.criticality",
        "Motor": "use.model",
        "Dónde corre": "use.host",
        "Alta": "use.since",
        "Público": "application.users_affected",
        "Datos pers.": "application.personal_data",
    }


def test_a_swiss_register_has_its_data_classes_in_the_column_that_fits():
    assert columns_of(BANK) == {
        "Lösung": "application.name",
        "Klassifikation": "application.data_classification",
        "LLM": "use.model",
        "Betrieb": "use.host",
        "Nutzende": "application.users_affected",
    }


def test_a_header_keeps_its_column_if_no_other_column_fits():
    rows = [[cell for place, cell in enumerate(row) if place != 3] for row in BANK]

    assert columns_of(rows)["Schutzbedarf"] == "application.data_classification"


def test_the_register_of_an_airline_is_read_with_the_legend_of_its_colours():
    assert columns_of(AIRLINE) == {
        "Use case": "application.name",
        "Wing": "application.team",
        "Who to call": "application.business_owner",
        "State of play": "application.status",
        "Handling": "application.data_classification",
        "Colour": "application.criticality",
        "Brains": "use.model",
        "Where it runs": "use.host",
        "Launched": "use.since",
        "Heads": "application.users_affected",
    }
    colours = values_of(AIRLINE, "application.criticality")
    assert {text: value.value for text, value in colours.items()} == {
        "Red": 0,
        "Amber": 1,
        "Green": 3,
    }


def test_the_register_of_a_carrier_in_the_united_states_is_read():
    assert columns_of(CARRIER) == {
        "System Name": "application.name",
        "Div.": "application.team",
        "POC": "application.business_owner",
        "Launch": "use.since",
        "Rating": "application.criticality",
        "LLM": "use.model",
        "CSP": "use.host",
        "Seats": "application.users_affected",
        "Monthly $": "use.monthly_spend",
    }


@pytest.mark.parametrize("head", ["Region", "Vendor", "Category", "Language", "Wave", "ID"])
def test_repeated_texts_of_something_else_are_no_teams(head):
    rows = [["Application", head, "Status", "Owner", "Model"]]
    rows += [
        [f"Tool {n}", ("North", "South")[n % 2], "live", "Ann Lee", "GPT-4o"] for n in range(8)
    ]

    assert columns_of(rows).get(head) != "application.team"


# --- values ---------------------------------------------------------------------------------------


def test_interrupted_applications_are_asked_about():
    status = values_of(AIRLINE, "application.status")

    assert {text: value.value for text, value in status.items()} == {
        "In service": "production",
        "In service (limited)": "production",
        "On the roadmap": "proposed",
        "Grounded": None,
    }
    assert status["In service (limited)"].guess.certainty is Certainty.LIKELY
    assert status["Grounded"].guess.why.startswith("Interrupted.")


@pytest.mark.parametrize(
    ("classes", "restricted"),
    [
        (["Open", "Company", "Restricted", "Highly restricted"], "confidential"),
        (["Open", "Company", "Restricted"], "secret"),
        (["Company", "Confidential", "Restricted", "Highly restricted"], "secret"),
    ],
)
def test_of_two_highest_classes_the_lower_one_takes_its_place_on_the_scale(classes, restricted):
    guesses = guess_texts("application.data_classification", classes, SheetConventions())

    assert guesses["Restricted"].value == restricted


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,2 M clientes", 1_200_000),
        ("5.000 aprox.", 5_000),
        ("184k", 184_000),
        ("2 millones", 2_000_000),
        ("300 or so", 300),
        ("~ 40 pax", 40),
    ],
)
def test_numbers_with_words_around_them(text, number):
    guesses = guess_texts("application.users_affected", [text], SheetConventions("dmy", ","))

    assert guesses[text].value == number


# --- rows that are no record ----------------------------------------------------------------------


def test_titles_in_dashes_and_subtotals_are_no_applications():
    def not_read(rows):
        book = open_book(as_csv(rows), "list.csv")
        return [row[1:] for row in scan_book(book, guess_mapping(book), keeps_files=False)[2]]

    assert not_read(AIRLINE) == [
        (4, "— Ground & Cargo —"),
        (8, "Subtotal – Flight; 1,325"),
    ]
    assert not_read(INSURER) == [(7, "Subtotal – Salud; 184.900")]
    assert not_read(CARRIER) == [(6, "Sub-total; 1,922; $2,215")]


@pytest.mark.parametrize("name", ["Total Rewards helper", "Summary bot", "Sous-chef", "Sum-up"])
def test_an_application_with_a_name_like_a_sum_is_read(name):
    rows = [["Application", "Team", "Status", "Model"], [name, "HR", "live", "GPT-4o"]]
    book = open_book(as_csv(rows), "list.csv")

    assert scan_book(book, guess_mapping(book), keeps_files=False)[2] == []


# --- import ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("cell", ["3", "B", "€ 1,200", "ja"])
def test_a_host_cell_without_a_name_is_a_host_that_is_not_stated(cell):
    governance = make_user("gov", role="governance")
    make_offering("gpt-4o", host=make_provider("openai"))
    before = set(Provider.objects.values_list("slug", flat=True))

    done = confirm(
        preview(
            as_csv(
                [
                    ["Application", "Team", "Model", "Platform"],
                    ["Claims reader", "Claims", "Claude Sonnet 4", cell],
                ]
            ),
            governance,
        )
    )

    assert done.state == "applied"
    assert Dependency.objects.get().offering.host.slug == "host-not-stated"
    assert set(Provider.objects.values_list("slug", flat=True)) - before <= {"host-not-stated"}
