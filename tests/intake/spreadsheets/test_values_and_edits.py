"""Values chosen once for all rows, and rows corrected in the preview."""

from datetime import date
from decimal import Decimal

import pytest

from apps.common.errors import DomainError
from apps.common.time import now
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Import, ImportRow
from apps.intake.spreadsheets.columns.headers import codes_of_header, currency_of
from apps.intake.spreadsheets.columns.values import SheetConventions
from apps.intake.spreadsheets.import_steps import choose_values
from apps.intake.spreadsheets.row_edits import edit_row, edits_of, reasons_of
from apps.intake.spreadsheets.values.choice_guesses import guess_choices
from apps.intake.spreadsheets.values.distinct import CREATE
from apps.intake.spreadsheets.values.form_guesses import guess_amount, guess_day, guess_number
from apps.intake.spreadsheets.values.steps import distinct_models, named_records, value_groups
from apps.inventory.models import Application, ExchangeRate
from tests.builders import make_offering, make_user
from tests.intake.spreadsheets.claims_team import confirm, outcomes, preview, upload
from tests.intake.spreadsheets.sheet_files import as_csv

OPEN = SheetConventions()
HEADS = ["Application", "Team", "Criticality", "Users", "Host", "Model", "Next review"]


def value_of(import_, code, text):
    [group] = [group for group in value_groups(import_) if group.code == code]
    [value] = [value for value in group.values if value.text == text]
    return value


# --- guesses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "header", "meanings"),
    [
        ("criticality", "", {"Tier 1": 0, "Tier 2": 1, "Tier 3": 2, "Tier 4": 3}),
        ("criticality", "Impact level (1-5)", {"1": None, "3": None, "5": None}),
        ("criticality", "Tier", {"1": 0, "2": 1, "3": 2}),
        ("criticality", "", {"3 - High": 1, "2 - Medium": 2, "1 - Low": 3, "4": 0}),
        ("criticality", "", {"high": 1, "med": 2, "low": 3, "sehr hoch": 0, "Élevée": 1}),
        ("criticality", "", {"I": 0, "II": 1, "III": 2}),
        (
            "data_classification",
            "",
            {"C3 - Confidential": "confidential", "C4 - Strictly conf.": "secret", "C1": "public"},
        ),
        ("status", "", {"Live (EU only)": "production", "dev": "proposed", "UAT": "pilot"}),
        ("status", "", {"not in production": None, "prod/test": None}),
        ("ai_act_class", "", {"high-risk (Annex III)": "high", "Not high risk": None}),
    ],
)
def test_choices_are_guessed_by_word_or_by_order(code, header, meanings):
    guesses = guess_choices(f"application.{code}", meanings, header)

    assert {text: guess.value for text, guess in guesses.items()} == meanings


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("03/2025", "2025-03-01"),
        ("Q1 2027", "2027-01-01"),
        ("Mär 25", "2025-03-01"),
        ("T2 2026", "2026-04-01"),
        ("3. Quartal 2025", "2025-07-01"),
        ("KW 12/2025", "2025-03-17"),
        ("enero 2025", "2025-01-01"),
        ("févr. 2025", "2025-02-01"),
        ("Q4 2025 (planned)", "2025-10-01"),
        ("03/04/2026", None),
        ("soon", None),
    ],
)
def test_days_of_periods_are_their_first_and_ambiguous_ones_stay_open(text, day):
    assert guess_day(text, OPEN).value == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("~ 8k", 8000),
        ("about 250", 250),
        ("10-20", 15),
        ("5-10k", 7500),
        ("ca. 1.200", 1200),
        ("450 users", 450),
        ("environ 300", 300),
        ("1000+", 1000),
        ("all staff", None),
    ],
)
def test_approximate_numbers(text, number):
    assert guess_number(text, OPEN, is_whole=True).value == number


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12.500", "12500"), ("€ 12,500", "12500"), ("12.500,-", "12500"), ("CHF 8'000", "8000.00")],
)
def test_amounts_have_at_most_two_decimals(text, amount):
    assert guess_amount(text, OPEN).value == amount


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Use case / System", "application.name"),
        ("LoB", "application.team"),
        ("Accountable", "application.business_owner"),
        ("Crit.", "application.criticality"),
        ("Model(s) used", "use.model"),
        ("Vendor / Platform", "use.host"),
        ("PII?", "application.personal_data"),
        ("Nbr users", "application.users_affected"),
        ("Anzahl Nutzer", "application.users_affected"),
        ("Modèle d'IA utilisé", "use.model"),
        ("Puesta en producción", "use.since"),
        ("Costo mensile (€)", "use.monthly_spend"),
        ("Persoonsgegevens (J/N)", "application.personal_data"),
        ("Kosten/Monat (EUR)", "use.monthly_spend"),
    ],
)
def test_headers_of_organisations(header, code):
    assert codes_of_header(header) == [code]


def test_a_sentence_is_no_header_and_a_header_states_a_currency():
    assert codes_of_header("Name or ID of a team on which you have the editor role.") == []
    assert [currency_of(text) for text in ("Cost (EUR)", "Coût (k€)", "Cost")] == ["EUR", "EUR", ""]


# --- choices --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_choice_applies_to_all_rows_and_is_remembered_for_the_next_file(claims):
    rows = [
        HEADS,
        ["One", "Claims", "urgent", "", "", "", ""],
        ["Two", "Claims", "urgent", "", "", "", ""],
    ]
    read = preview(rows, claims.by)
    urgent = value_of(read, "application.criticality", "urgent")
    assert (urgent.n_rows, urgent.is_open) == (2, True)

    chosen = choose_values(import_=read, values={urgent.pk: 0}, models={}, by=claims.by, at=now())

    confirm(chosen)
    assert set(Application.objects.values_list("criticality", flat=True)) == {0}
    later = upload(as_csv([*rows, ["Three", "Claims", "URGENT", "", "", "", ""]]), claims.by)
    assert later.mapping["values"] == {"application.criticality": {"urgent": 0}}
    with pytest.raises(InvalidStateError):
        choose_values(import_=chosen, values={}, models={}, by=claims.by, at=now())


@pytest.mark.django_db
def test_a_choice_that_the_field_does_not_have_is_refused(claims):
    read = preview([HEADS, ["One", "Claims", "urgent", "", "", "", ""]], claims.by)
    urgent = value_of(read, "application.criticality", "urgent")

    with pytest.raises(DomainError, match="is not a value of Criticality"):
        choose_values(import_=read, values={urgent.pk: 9}, models={}, by=claims.by, at=now())
    with pytest.raises(DomainError, match="no longer part of this import"):
        choose_values(import_=read, values={urgent.pk + 99: 0}, models={}, by=claims.by, at=now())


@pytest.mark.django_db
def test_the_model_id_of_a_name_is_chosen_once(claims):
    other = make_offering("gpt-4o-eu", host=claims.gpt.host, version=claims.gpt.version)
    rows = [HEADS, *([f"App {n}", "Claims", "", "", "OpenAI", "GPT-4o", ""] for n in range(3))]
    read = preview(rows, claims.by)
    [model] = distinct_models(read, only_open=True)
    assert {option.offering for option in model.options} == {claims.gpt.pk, other.pk}

    chosen = choose_values(
        import_=read, values={}, models={model.pk: other.pk}, by=claims.by, at=now()
    )

    assert distinct_models(chosen, only_open=True) == []
    confirm(chosen)
    assert {
        use.offering for app in Application.objects.all() for use in app.dependencies.all()
    } == {other}


@pytest.mark.django_db
def test_an_editor_cannot_create_teams_and_governance_can(claims):
    rows = [HEADS, ["One", "Legal", "", "", "", "", ""]]

    by_editor = preview(rows, claims.by)
    by_governance = preview(rows, make_user("gov", role="governance"))

    assert outcomes(by_editor) == ["refused"]
    assert named_records(by_editor).teams[0].reason.startswith("No team 'Legal' found.")
    assert outcomes(by_governance) == ["added"]
    assert named_records(by_governance).teams[0].reason == ""
    [row] = by_governance.values.filter(code="application.team")
    assert row.guess == CREATE


@pytest.mark.django_db
def test_an_amount_waits_for_a_rate_and_is_converted_by_the_one_of_its_day(claims):
    rows = [["Application", "Team", "Application cost (EUR)"], ["One", "Claims", "1.000,00"]]

    without = preview(rows, claims.by)
    ExchangeRate.objects.create(currency="EUR", usd="1.25", on=date(2026, 1, 2), source="ECB")
    ExchangeRate.objects.create(currency="EUR", usd="9", on=date(2999, 1, 2), source="later")
    converted = preview(rows, claims.by)

    [reason] = reasons_of(ImportRow.objects.get(import_record=without))
    assert reason.sentence.startswith("The amount 1000 EUR is not recorded: no exchange rate")
    facts = ImportRow.objects.get(import_record=converted).application
    assert Decimal(facts["monthly_spend"]) == 1250


# --- corrected rows -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_all_reasons_of_a_row_are_listed_and_a_corrected_row_comes_in(claims):
    rows = [
        HEADS,
        ["One", "Nobody's", "urgent", "lots", "openai", "gpt-4o-2024-11-20", "03/04/2027"],
        ["Two", "Claims", "high", "5", "", "", "2027-04-01"],
    ]
    read = preview(rows, claims.by)
    row = ImportRow.objects.get(import_record=read, position=1)
    assert [(reason.column, reason.refuses) for reason in reasons_of(row)] == [
        ("Team", True),
        ("Criticality", False),
        ("Users", False),
        ("Next review", False),
    ]

    edited = edit_row(
        import_=read,
        position=1,
        cells={1: "Claims", 2: "Tier 2", 3: "~ 40", 6: "2027-04-03"},
        by=claims.by,
        at=now(),
    )

    assert (edited.outcome, edited.reasons, edited.reason) == ("added", [], "")
    assert edited.application["users_affected"] == 40
    assert edited.plan["use"]["offering"] == claims.gpt.pk
    read.refresh_from_db()
    assert read.counts["rows"] == {"added": 2}
    assert read.counts["applications"] == {"added": 2}
    assert [(edit.header, edit.old, edit.new) for edit in edits_of(read, position=1)] == [
        ("Team", "Nobody's", "Claims"),
        ("Criticality", "urgent", "Tier 2"),
        ("Users", "lots", "~ 40"),
        ("Next review", "03/04/2027", "2027-04-03"),
    ]
    again = choose_values(import_=read, values={}, models={}, by=claims.by, at=now())
    assert outcomes(again) == ["added", "added"]
    confirm(again)
    one = Application.objects.get(name="One")
    assert (one.criticality, one.users_affected, one.next_review_on) == (1, 40, date(2027, 4, 3))


@pytest.mark.django_db
def test_a_corrected_cell_is_read_by_the_header_of_its_column(claims):
    heads = ["Application", "Team", "Live in production", "Criticality", "Users"]
    rows = [[name, "Claims", live, "high", "5"] for name, live in (("A", "no"), ("B", "yes"))]
    read = preview([heads, *rows], claims.by)

    edited = edit_row(import_=read, position=1, cells={2: "ja"}, by=claims.by, at=now())

    assert (edited.application["status"], edited.reasons) == ("production", [])


@pytest.mark.django_db
def test_a_corrected_team_goes_before_the_title_above_the_rows(claims):
    heads = ["Application", "Criticality", "Users", "Host", "Model"]
    rows = [
        heads,
        ["Legal", "", "", "", ""],
        ["One", "high", "5", "openai", "gpt-4o-2024-11-20"],
        ["Sales", "", "", "", ""],
        ["Two", "low", "6", "openai", "gpt-4o-2024-11-20"],
    ]
    by = make_user("gov", role="governance")
    read = preview(rows, by)
    assert ImportRow.objects.get(import_record=read, position=1).application["team"] == "Legal"

    edit_row(import_=read, position=1, cells={len(heads): "Claims"}, by=by, at=now())

    again = choose_values(import_=read, values={}, models={}, by=by, at=now())
    teams = ImportRow.objects.filter(import_record=again).order_by("position")
    assert [row.application["team"] for row in teams] == ["Claims", "Sales"]


@pytest.mark.django_db
def test_rows_are_corrected_by_the_uploader_before_the_confirmation_only(claims):
    read = preview([HEADS, ["One", "Claims", "", "", "", "", ""]], claims.by)
    with pytest.raises(IntakePermissionError):
        edit_row(
            import_=read, position=1, cells={0: "X"}, by=make_user(role="governance"), at=now()
        )
    with pytest.raises(DomainError, match="no such column"):
        edit_row(import_=read, position=1, cells={99: "X"}, by=claims.by, at=now())
    confirm(read)

    with pytest.raises(InvalidStateError, match="only before the import is confirmed"):
        edit_row(
            import_=Import.objects.get(pk=read.pk),
            position=1,
            cells={0: "X"},
            by=claims.by,
            at=now(),
        )
