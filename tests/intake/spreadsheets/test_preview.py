"""What a sheet would do: every row added, changed, unchanged, or refused with what to do about
it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.intake.models import ImportRow
from apps.inventory.models import Application, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_team,
)
from tests.intake.spreadsheets.claims_team import confirm, outcomes, preview, reasons
from tests.intake.spreadsheets.sheet_files import HEADS, as_xlsx

pytestmark = pytest.mark.django_db


def test_every_row_is_told_and_nothing_is_written(claims):
    known = make_application("Known", team=claims.team, criticality=2)
    used = make_dependency(known, claims.gpt, monthly_requests=10)
    rows = [
        ["Application", "Team", "Criticality", "Host", "Model", "Role", "Requests a month"],
        ["Brand new", "Claims", "high", "openai", "gpt-4o-2024-11-20", "primary", ""],
        ["KNOWN ", "", "critical", "OpenAI", "gpt-4o-2024-11-20", "primary", "25"],
        ["Known", "", "", "openai", "text-embedding-3-large", "", ""],
        ["Known", "", "", "", "", "", ""],
        ["Other", "Claims", "3", "openai", "gpt-4o-2024-11-20", "primary", ""],
    ]

    read = preview(rows, claims.by, strict=True)

    assert outcomes(read) == ["added", "changed", "added", "unchanged", "refused"]
    assert read.counts["rows"] == {"added": 2, "changed": 1, "unchanged": 1, "refused": 1}
    assert read.counts["applications"] == {"added": 1, "changed": 1}
    assert read.counts["uses"] == {"added": 2, "changed": 1}
    changed = ImportRow.objects.get(import_record=read, outcome="changed")
    assert changed.number == 3
    assert changed.plan["application"]["changes"] == {"criticality": [2, 0]}
    assert changed.plan["use"]["id"] == used.pk
    assert changed.plan["use"]["changes"] == {"monthly_requests": [10, 25]}
    embedding = ImportRow.objects.get(import_record=read, position=3)
    assert embedding.plan["use"]["role"] == "embedding"
    assert embedding.note == "The role was read as embedding."
    assert reasons(read) == [
        ("Criticality", "'3' is not a valid value. Use one of: critical, important, standard, low.")
    ]
    assert Application.objects.count() == 1
    assert Dependency.objects.count() == 1


def test_two_sheets_of_one_workbook_are_read_applications_first(claims):
    content = as_xlsx(
        {
            "Uses": [
                ["Application id", "Host", "Model", "Since"],
                ["bot", "azure", "gpt-4o-2024-11-20", date(2026, 1, 1)],
            ],
            "Notes": [["Kept by risk"], ["Ask Anja"]],
            "Apps": [
                ["Application id", "Application name", "Team", "Users"],
                ["bot", "Bot", "Claims", 1200],
            ],
        }
    )

    read = preview(content, claims.by, "inventory.xlsx")

    assert outcomes(read) == ["added", "added"]
    assert [sheet["read"] for sheet in read.mapping["sheets"]] == [True, False, True]
    first, second = ImportRow.objects.filter(import_record=read).order_by("position")
    assert first.application == {
        "slug": "bot",
        "name": "Bot",
        "team": "Claims",
        "users_affected": 1200,
    }
    assert second.plan["application"]["key"] == 1
    assert second.plan["use"]["since"] == "2026-01-01"


def test_the_heads_are_found_below_titles_and_unknown_columns_are_named(claims):
    rows = [
        ["AI inventory (confidential)"],
        ["Stand: 24.11.2026"],
        [],
        ["Anwendung", "Abteilung", "Modell", "Anbieter", "Monthly cost (EUR)", "Favourite colour"],
        ["Bot", "Claims", "gpt-4o-2024-11-20", "openai", "1.234,50", "blue"],
    ]

    read = preview(rows, claims.by)

    [sheet] = read.mapping["sheets"]
    assert sheet["head_row"] == 4
    assert set(sheet["columns"].values()) == {
        "application.name",
        "application.team",
        "use.model",
        "use.host",
        "use.monthly_spend",
    }
    assert outcomes(read) == ["added"]


# --- which model ----------------------------------------------------------------------------------


def plan_of(claims, host, model, **more):
    heads = ["Application", "Team", "Host", "Model", *more]
    rows = [heads, ["Bot", "Claims", host, model, *more.values()]]
    read = preview(rows, claims.by, strict=True)
    row = ImportRow.objects.get(import_record=read)
    return row.plan["use"] if row.outcome != "refused" else row.reason


def test_a_model_is_named_exactly_or_found_by_the_resolver_with_how_sure_and_why(claims):
    exact = plan_of(claims, "OpenAI", "gpt-4o-2024-11-20")
    loose = plan_of(claims, "openai", "GPT-4o (2024-11-20)")

    assert (exact["offering"], exact["confidence"], exact["why"]) == (
        claims.gpt.pk,
        1.0,
        "this ID on this host",
    )
    assert loose["offering"] == claims.gpt.pk
    assert loose["why"] == (
        "The name is that of openai/gpt-4o-2024-11-20, the only release with this date."
    )
    assert 0 < loose["confidence"] <= 1


def test_what_nobody_knows_becomes_a_name_at_that_host(claims):
    plan = plan_of(claims, "openai", "our-own-finetune-7")

    assert (plan["offering"], plan["new"], plan["resolved"]) == (None, None, False)
    assert (plan["named"]["host"], plan["named"]["text"]) == ("openai", "our-own-finetune-7")
    assert (plan["named"]["kind"], plan["named"]["versions"]) == ("name", [])
    assert not Offering.objects.filter(api_id="our-own-finetune-7").exists()


def test_without_a_host_the_only_one_is_taken_and_of_several_none(claims):
    assert plan_of(claims, "", "text-embedding-3-large")["host"] == "openai"
    several = plan_of(claims, "", "gpt-4o-2024-11-20")
    assert (several["host"], several["named"]["versions"]) == (
        "host-not-stated",
        ["openai/gpt-4o-2024-11-20"],
    )
    assert plan_of(claims, "", "nobody-knows-this")["named"] == {
        "host": "host-not-stated",
        "text": "nobody-knows-this",
        "kind": "name",
        "label": "",
        "region": "",
        "tier": "",
        "versions": [],
        "foundations": [],
    }


def test_unknown_providers_are_refused_by_a_strict_import_and_left_out_of_others(claims):
    rows = [["Application", "Team", "Host", "Model"], ["Bot", "Claims", "Some Cloud", "gpt-4o"]]

    assert plan_of(claims, "Some Cloud", "gpt-4o").startswith(
        "'Some Cloud' is not a known provider."
    )
    row = ImportRow.objects.get(import_record=preview(rows, claims.by))
    assert (row.outcome, row.plan["use"]["host"]) == ("added", "host-not-stated")
    assert [(reason["column"], reason["refuses"]) for reason in row.reasons] == [("Host", False)]


@pytest.mark.parametrize("mark", ["; ", " / ", " + "])
def test_two_models_in_one_cell_are_two_dependencies(claims, mark):
    heads = ["Application", "Team", "Host", "Model", "Requests a month", "Spend a month (USD)"]
    cell = f"gpt-4o-2024-11-20{mark}text-embedding-3-large"

    read = preview([heads, ["Bot", "Claims", "openai", cell, "900", "40"]], claims.by)

    row = ImportRow.objects.get(import_record=read)
    uses = [row.plan["use"], *row.plan["further"]]
    assert [(use["offering"], use["role"]) for use in uses] == [
        (claims.gpt.pk, "primary"),
        (claims.embedding.pk, "embedding"),
    ]
    assert row.plan["application"]["changes"]["monthly_spend"] == [None, "40.00"]
    assert [reason["column"] for reason in row.reasons] == ["Requests a month"]
    assert read.counts["uses"] == {"added": 2}


def test_a_model_that_a_cell_names_twice_is_one_dependency_with_the_numbers_of_the_row(claims):
    heads = ["Application", "Team", "Host", "Model", "Requests a month"]
    cell = "gpt-4o-2024-11-20; gpt-4o-2024-11-20"

    read = preview([heads, ["Bot", "Claims", "openai", cell, "900"]], claims.by)

    plan = ImportRow.objects.get(import_record=read).plan
    assert (plan["use"]["offering"], plan["use"]["changes"]["monthly_requests"]) == (
        claims.gpt.pk,
        [None, 900],
    )
    assert "further" not in plan


def test_regional_offerings_are_told_apart_by_region(claims):
    host = make_provider("azure")
    for region in ("eu", "us"):
        make_offering("o9", host=host, region_scope=region)

    assert plan_of(claims, "azure", "o9")["named"]["text"] == "o9"
    assert (
        plan_of(claims, "azure", "o9", Region="eu")["offering"]
        == Offering.objects.get(region_scope="eu").pk
    )


# --- which use ------------------------------------------------------------------------------------


def test_a_gateway_on_the_way_makes_another_use_and_a_vendor_has_to_be_said(claims):
    vendor = make_provider("acme", roles=("reseller",), name="Acme Suite")
    heads = ["Application", "Team", "Host", "Model", "Role", "Via", "Reached"]
    rows = [
        heads,
        ["Bot", "Claims", "openai", "gpt-4o-2024-11-20", "primary", "", ""],
        ["Bot", "Claims", "openai", "gpt-4o-2024-11-20", "primary", "LiteLLM", ""],
        ["Bot", "Claims", "openai", "gpt-4o-2024-11-20", "primary", "Acme Suite", ""],
        ["Bot", "Claims", "openai", "gpt-4o-2024-11-20", "primary", "Acme Suite", "embedded"],
        ["Bot", "Claims", "openai", "gpt-4o-2024-11-20", "judge", "", "gateway"],
        ["Bot", "Claims", "openai", "gpt-4o-2024-11-20", "tool", "Nobody", ""],
    ]

    read = preview(rows, claims.by, strict=True)

    assert outcomes(read) == ["added", "added", "refused", "added", "refused", "refused"]
    plans = [
        row.plan["use"] for row in ImportRow.objects.filter(import_record=read, outcome="added")
    ]
    assert [plan["changes"]["reached"][1] for plan in plans] == ["direct", "gateway", "embedded"]
    assert plans[2]["via"] == vendor.pk
    assert [column for column, _ in reasons(read)] == ["Reached", "Via", "Via"]


def test_the_day_a_use_began_may_be_corrected_and_its_end_moves_only_to_an_earlier_day(claims):
    end = day_of(now()) + timedelta(40)
    earlier, later = end - timedelta(30), end + timedelta(60)
    known = make_application("Known", team=claims.team)
    make_dependency(known, claims.gpt, since=date(2025, 1, 1), until=end)
    heads = ["Application", "Host", "Model", "Since", "Until"]

    def told(since, until):
        read = preview(
            [heads, ["Known", "openai", "gpt-4o-2024-11-20", str(since), str(until)]],
            claims.by,
            strict=True,
        )
        row = ImportRow.objects.get(import_record=read)
        return row.reason or row.plan["use"]["changes"]

    assert told("", "") == told("2025-01-01", end) == {}
    assert told("", earlier) == {"until": [str(end), str(earlier)]}
    assert told("2025-03-01", "") == {"since": ["2025-01-01", "2025-03-01"]}
    assert told(later, "").startswith(f"The recorded dependency ended on {end}")
    assert told("", later).startswith(f"The recorded dependency ends on {end}.")
    assert told("2023-01-01", "2024-01-01")["reached"] == [None, "direct"]


def test_rows_of_one_sheet_do_not_contradict_each_other(claims):
    heads = ["Application", "Team", "Business owner", "Host", "Model", "Requests a month"]
    rows = [
        heads,
        ["Bot", "Claims", "Anja", "openai", "gpt-4o-2024-11-20", "10"],
        ["bot", "", "Anja", "openai", "gpt-4o-2024-11-20", "10"],
        ["Bot", "", "Ben", "openai", "text-embedding-3-large", ""],
        ["Bot", "", "", "openai", "gpt-4o-2024-11-20", "11"],
        ["Bot", "", "", "azure", "gpt-4o-2024-11-20", ""],
    ]

    read = preview(rows, claims.by, strict=True)

    assert outcomes(read) == ["added", "unchanged", "refused", "refused", "added"]
    assert ImportRow.objects.get(import_record=read, position=2).note == "Repeats row 2."
    assert [reason for _, reason in reasons(read)] == [
        "Row 2 has a different Business owner for the same application. Make the two rows equal, "
        "or leave this cell empty.",
        "Row 2 has different values for the same dependency. Keep one of the two rows.",
    ]
    assert read.counts["applications"] == {"added": 1}


def test_a_refused_row_adds_no_application_and_a_later_one_may(claims):
    heads = ["Application", "Team", "Host", "Model"]
    rows = [
        heads,
        ["Bot", "Claims", "nowhere", "gpt-4o"],
        ["Bot", "Claims", "openai", "gpt-4o-2024-11-20"],
    ]

    read = preview(rows, claims.by, strict=True)

    assert outcomes(read) == ["refused", "added"]
    assert ImportRow.objects.get(import_record=read, position=2).plan["application"]["do"] == "add"


# --- who may --------------------------------------------------------------------------------------


def test_names_under_a_team_one_cannot_see_do_not_show(claims):
    make_application("Secret bot", team=make_team("Secret"))
    rows = [
        ["Application", "Team"],
        ["Secret bot", "Claims"],
        ["Plain bot", "Secret"],
        ["Third", "No such team"],
    ]

    read = preview(rows, claims.by)

    assert outcomes(read) == ["added", "refused", "refused"]
    assert [reason for _, reason in reasons(read)] == [
        f"No team '{name}' found. Enter the name or ID of one of your teams."
        for name in ("Secret", "No such team")
    ]


def test_a_taken_id_of_another_team_looks_like_a_free_one(claims):
    hidden = make_application("Hidden", team=make_team("Secret"))

    read = preview(
        [["Application id", "Application name", "Team"], [hidden.slug, "Mine", "Claims"]], claims.by
    )

    assert outcomes(read) == ["added"]


def test_what_one_may_only_read_may_be_in_the_sheet_but_not_changed_by_it(claims):
    readable = make_team("Readable")
    make_member(readable, TeamRole.VIEWER, claims.by)
    make_application("Theirs", team=readable, geography="EU")
    make_application("Mine", team=claims.team)
    rows = [
        ["Application", "Team", "Geography"],
        ["Theirs", "Readable", "EU"],
        ["Theirs", "", "US"],
        ["Mine", "Readable", ""],
    ]

    read = preview(rows, claims.by, strict=True)

    assert outcomes(read) == ["unchanged", "refused", "refused"]
    assert "Row 2 has a different Geography" in reasons(read)[0][1]
    assert reasons(read)[1][1] == "You need the editor role on Readable to change its applications."


def test_applications_of_one_name_are_told_apart_by_team_or_asked_about(claims):
    other = make_team("Other")
    make_member(other, TeamRole.EDITOR, claims.by)
    mine, theirs = make_application("Bot", team=claims.team), make_application("Bot", team=other)
    rows = [["Application", "Team", "Geography"], ["Bot", "Other", "EU"], ["Bot", "", "EU"]]

    read = preview(rows, claims.by)

    assert outcomes(read) == ["changed", "refused"]
    assert (
        ImportRow.objects.get(import_record=read, outcome="changed").plan["application"]["id"]
        == theirs.pk
    )
    assert reasons(read)[0][1] == (
        f"Several applications are called 'Bot': {mine.slug}, {theirs.slug}. Enter the ID."
    )


def test_an_id_of_another_register_does_not_double_what_is_here(claims):
    known = make_application("Bot", team=claims.team)

    read = preview([["App id", "App name", "Team"], ["APM-1", "Bot", "Claims"]], claims.by)

    assert reasons(read) == [
        (
            "App id",
            f"'Bot' is recorded as {known.slug}, not as 'APM-1'. Enter that ID, or leave the ID "
            "empty.",
        )
    ]


def test_retiring_and_reviving_go_their_own_ways(claims):
    make_application("Live", team=claims.team)
    gone = make_application("Gone", team=claims.team, status="retired")
    rows = [
        ["Application", "Team", "Status", "Host", "Model"],
        ["Live", "", "decommissioned", "", ""],
        ["New", "Claims", "retired", "", ""],
        ["Gone", "", "", "openai", "gpt-4o-2024-11-20"],
        ["Gone", "", "retired", "", ""],
    ]

    read = preview(rows, claims.by, strict=True)

    assert outcomes(read) == ["refused", "refused", "refused", "unchanged"]
    assert "Retire it on its page, which also ends its dependencies" in reasons(read)[0][1]
    assert gone.status == "retired"


def test_amounts_are_read_as_the_columns_need_them(claims):
    heads = [
        "Application",
        "Team",
        "Application spend a month (USD)",
        "Next review",
        "Personal data",
        "External references",
    ]
    read = preview(
        [heads, ["Bot", "Claims", "$ 1,250.50", "24.12.2026", "ja", "cmdb=APM-1; jira=R-2"]],
        claims.by,
    )

    facts = ImportRow.objects.get(import_record=read).application

    assert Decimal(facts["monthly_spend"]) == Decimal("1250.50")
    assert (facts["next_review_on"], facts["personal_data"]) == ("2026-12-24", True)
    assert facts["external_refs"] == {"cmdb": "APM-1", "jira": "R-2"}


def test_a_new_application_needs_a_team_from_its_row_or_for_the_whole_sheet(claims):
    rows = [
        HEADS,
        ["bot", "Bot", "", "high", "openai", "gpt-4o-2024-11-20", "primary", "2026-01-01"],
    ]

    without, chosen = preview(rows, claims.by), preview(rows, claims.by, team=claims.team.slug)

    assert "Enter the team, or select one for the whole file" in reasons(without)[0][1]
    assert outcomes(chosen) == ["added"]


def test_nothing_in_a_cell_means_keep_and_a_word_empties(claims):
    make_application("Bot", team=claims.team, purpose="talks", geography="EU")
    read = preview(
        [["Application", "Purpose", "Geography", "Name"], ["Bot", "", "(none)", "(none)"]],
        claims.by,
    )
    assert (
        "Leave the cell empty to keep the recorded value" in reasons(read)[0][1]
        if reasons(read)
        else True
    )

    read = preview([["Application", "Purpose", "Geography"], ["Bot", "", "(none)"]], claims.by)

    assert ImportRow.objects.get(import_record=read).plan["application"]["changes"] == {
        "geography": ["EU", ""]
    }


def test_a_default_is_never_silent_where_the_file_does_not_state_the_fact(claims):
    read = preview(
        [
            ["Application", "Team", "Status", "Criticality", "Host", "Model"],
            ["Paused bot", "Claims", "paused", "high", "openai", "gpt-4o-2024-11-20"],
            ["Bare bot", "Claims", "live", "", "openai", "gpt-4o-2024-11-20"],
            ["Full bot", "Claims", "pilot", "low", "openai", "gpt-4o-2024-11-20"],
        ],
        claims.by,
    )

    rows = list(ImportRow.objects.filter(import_record=read).order_by("position"))
    assert [[reason["sentence"] for reason in row.reasons] for row in rows] == [
        [
            "'paused' is not a valid value. Use one of: proposed, pilot, production, retired. "
            'The status is not stated: "Production" is taken.'
        ],
        ['The criticality is not stated: "Standard" is taken.'],
        [],
    ]
    assert read.counts["not_stated"] == {"status": 1, "criticality": 1}


def test_two_teams_can_have_an_application_of_the_same_name(claims):
    make_member(make_team("Sales"), TeamRole.EDITOR, claims.by)
    read = preview(
        [
            ["Application", "Team", "Business owner", "Host", "Model"],
            ["Chatbot", "Claims", "Ada", "openai", "gpt-4o-2024-11-20"],
            ["Chatbot", "Sales", "Bob", "openai", "gpt-4o-2024-11-20"],
            ["Chatbot", "Sales", "Bob", "openai", "text-embedding-3-large"],
        ],
        claims.by,
    )

    done = confirm(read)

    teams = Application.objects.filter(name="Chatbot").values_list("team__name", flat=True)
    assert sorted(teams) == ["Claims", "Sales"]
    assert done.counts["applications"] == {"added": 2}


@pytest.mark.parametrize("head", ["Purpose", "Why that critical"])
def test_a_text_longer_than_its_field_is_named_before_the_import_and_not_stored(claims, head):
    rows = [["Application", "Team", head], ["Chatbot", "Claims", "a" * 20_001]]
    strict = preview(rows, claims.by, strict=True)
    [(_, reason)] = reasons(strict)

    done = confirm(preview(rows, claims.by, "again.csv"))

    assert "The text has 20001 characters" in reason
    assert done.counts["applications"] == {"added": 1}
    [application] = Application.objects.filter(name="Chatbot")
    assert (application.purpose, application.criticality_reason) == ("", "")
