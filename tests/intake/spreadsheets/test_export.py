"""What is exported imports as it is: every row of it unchanged, whatever letters it holds."""

import csv
import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Team
from apps.common.time import day_of, now
from apps.intake.models import ImportRow
from apps.intake.spreadsheets.export import (
    application_headers,
    application_rows,
    csv_lines,
    dependency_headers,
    dependency_rows,
    inventory_workbook,
    template_workbook,
)
from apps.intake.spreadsheets.rejected_rows import rejected_rows_csv, sheets_with_rejected_rows
from apps.inventory.models import Application
from tests.builders import (
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_team,
)
from tests.intake.spreadsheets.claims_team import confirm, outcomes, preview, reasons

pytestmark = pytest.mark.django_db

NASTY = (
    '=HYPERLINK("http://evil","x")',
    "+1",
    "-1",
    "@cmd",
    "'=quoted",
    "''",
    "'plain",
    'say "hi"; now, please',
    "two\nlines",
    "tab\there",
    "Überprüfung – ½ 日本語 😀",
    "n/a",
    "?",
    "(none)",
    " spaced ",
    "_x0041_",
    "<b>&amp;",
    "1.234",
    "2026-01-02",
    "TRUE",
    "\x7f",
    " '=x",
    "\u200b'=x",
    "\u200b=x",
    "\u202eright to left",
    "a" * 300,
)


def exported(kind, user=None):
    applications = Application.objects.all()
    if kind == "xlsx":
        with inventory_workbook(applications, teams=Team.objects.all(), on=day_of(now())) as file:
            return file.read()
    if kind == "applications.csv":
        return "".join(csv_lines(application_headers(), application_rows(applications))).encode()
    return "".join(
        csv_lines(dependency_headers(), dependency_rows(applications, on=day_of(now())))
    ).encode()


@pytest.mark.parametrize("kind", ["xlsx", "applications.csv", "uses.csv"])
def test_an_export_imports_as_all_unchanged(claims, kind):
    for number, text in enumerate(NASTY):
        application = make_application(
            text[:200],
            team=claims.team,
            purpose=text,
            business_owner=text[:200],
            geography=text[:100],
            criticality=number % 4,
            status=("production", "proposed", "retired")[number % 3],
            external_refs={text[:20]: text, "n": "1", "list": '["a"]'}
            if number % 2
            else {"cmdb": "APM-1"},
            personal_data=(None, True, False)[number % 3],
            users_affected=number * 1234,
            monthly_spend=Decimal("1234.56") * number,
            next_review_on=date(2027, 3, 4),
        )
        make_dependency(
            application,
            claims.gpt,
            tags=[text[:20].strip() or "x", "b"],
            monthly_input_tokens=9_007_199_254_740_993 + number,
            traffic_share=(Decimal("0.333333333333333"), Decimal("1.234"), None)[number % 3],
            until=date(2030, 1, 1) if number % 2 else None,
            monthly_spend=Decimal("1.20"),
        )
    host, litellm = make_provider("azure"), make_provider("litellm")
    plain = make_application("Plain", team=claims.team)
    for api_id in ("@cf/meta/llama", "Model with spaces; and marks", "=odd", "deployment/one"):
        make_dependency(plain, make_offering(api_id, host=host, resolved=False), "judge")
    for region in ("", "eu", "us"):
        make_dependency(
            plain, make_offering("o9", host=host, region_scope=region, service_tier="batch"), "tool"
        )
    for role, order in (("fallback", 1), ("fallback", 2)):
        via = litellm if order == 2 else None
        make_dependency(
            plain,
            claims.gpt,
            role,
            fallback_order=order,
            via_party=via,
            reached="gateway" if via else "direct",
            origin="observed",
            binding="alias",
        )
    make_dependency(plain, claims.embedding, "embedding", until=date(2025, 6, 1))

    read = preview(exported(kind), claims.by, kind)

    assert reasons(read) == []
    assert set(outcomes(read)) == {"unchanged"}
    n_applications, n_uses = len(NASTY) + 1, len(NASTY) + 4 + 3 + 2
    expected = {
        "xlsx": n_applications + n_uses,
        "applications.csv": n_applications,
        "uses.csv": n_uses,
    }
    assert len(outcomes(read)) == expected[kind]
    for text in (
        exported("applications.csv").decode("utf-8-sig").splitlines() if kind != "xlsx" else ()
    ):
        for cell in next(csv.reader([text])):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.proof
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(
        st.characters(blacklist_characters="\x00", blacklist_categories=("Cs",)),
        min_size=1,
        max_size=60,
    )
)
def test_any_text_comes_back_from_both_formats(claims, text):
    Application.objects.all().delete()
    make_application(
        "Bot", team=claims.team, purpose=text, business_owner=text, external_refs={text: text}
    )

    for kind in ("xlsx", "applications.csv"):
        read = preview(exported(kind), claims.by, kind)
        plans = list(
            ImportRow.objects.filter(import_record=read).values_list(
                "plan__application__changes", flat=True
            )
        )
        assert [*outcomes(read), reasons(read), plans] == ["unchanged", [], [{}]]


def test_the_workbook_helps_to_fill_it_in(claims):
    make_application("Bot", team=claims.team)
    book = openpyxl.load_workbook(io.BytesIO(exported("xlsx")))

    sheet = book["Applications"]
    assert (sheet.freeze_panes, book.sheetnames, book["Lists"].sheet_state) == (
        "C2",
        ["Applications", "Uses", "How to", "Lists"],
        "hidden",
    )
    lists = {
        cells.split(":")[0]: rule.formula1
        for rule in sheet.data_validations.dataValidation
        for cells in str(rule.sqref).split()
    }
    assert lists["G2"] == '"critical,important,standard,low"'
    assert lists["C2"] == "Lists!$A$1:$A$1"
    assert book["Lists"]["A1"].value == claims.team.slug
    assert '"primary,fallback,judge,guardrail,embedding,reranker,tool"' in {
        rule.formula1 for rule in book["Uses"].data_validations.dataValidation
    }


def test_the_template_has_heads_and_no_rows_and_its_examples_are_never_imported(claims):
    with template_workbook(teams=Team.objects.all()) as file:
        content = file.read()

    read = preview(content, claims.by, "template.xlsx")

    assert outcomes(read) == []
    assert [sheet["read"] for sheet in read.mapping["sheets"]] == [True, True, False]
    assert (
        openpyxl.load_workbook(io.BytesIO(content))["How to"]["A1"].value == "How this file is read"
    )


def test_refused_rows_come_back_as_they_were_and_pass_once_they_are_put_right(claims):
    heads = ["Application", "Team", "Criticality", "Comment"]
    rows = [
        ["A title"],
        heads,
        ["Good", "Claims", "high", "x"],
        ["=Bad", "Claims", "3", "keep; this"],
        ["Worse", "No", "", ""],
    ]
    done = confirm(preview(rows, claims.by, strict=True))

    [(place, _, n_refused)] = sheets_with_rejected_rows(done)
    text = "".join(rejected_rows_csv(done, sheet=place))
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))

    assert n_refused == 2
    assert lines[0] == [*heads, "why"]
    assert lines[1][:4] == ["'=Bad", "Claims", "3", "keep; this"]
    assert lines[1][4] == (
        "row 4, Criticality: '3' is not a valid value. Use one of: critical, important, "
        "standard, low."
    )
    mended = text.replace(",3,", ",low,").replace("Worse,No", "Worse,Claims")
    again = confirm(preview(mended.encode(), claims.by))
    assert outcomes(again) == ["added", "added"]
    assert set(Application.objects.values_list("name", flat=True)) == {"Good", "=Bad", "Worse"}
    assert "why" in [head for sheet in again.mapping["sheets"] for head in sheet["heads"]]
    assert not ImportRow.objects.filter(import_record=again).exclude(reason="").exists()


def test_other_teams_are_not_among_the_lists(claims):
    make_team("Secret")
    with inventory_workbook(
        Application.objects.visible_to(claims.by),
        teams=Team.objects.visible_to(claims.by),
        on=day_of(now()),
    ) as file:
        book = openpyxl.load_workbook(file)
    assert [cell.value for cell in book["Lists"]["A"]] == [claims.team.slug]
