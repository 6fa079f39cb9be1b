"""Lists: filters in the address, bounded counts, pinned costs, CSV of what is shown, states that
teach."""

from types import SimpleNamespace

import pytest
from django.test import RequestFactory

from apps.alerts.models import Alert, Notice
from apps.catalog.models import ProviderEvent
from apps.common.spreadsheet_cells import escape_formula
from apps.inventory.models import Application
from apps.web.lists import pagination
from apps.web.lists.pagination import PaginatedList, csv_response
from tests.builders import (
    make_application,
    make_dependency,
    make_event,
    make_offering,
    make_provider,
)
from tests.http import file_lines, text_of


@pytest.mark.proof
@pytest.mark.parametrize(
    ("path", "n"),
    [
        ("/applications/", 19),
        ("/foundations/", 12),
        ("/offerings/", 11),
        ("/providers/", 14),
        ("/events/", 9),
        ("/feeds/", 11),
        ("/alerts/", 13),
        ("/alerts/?state=", 13),
        ("/deliveries/", 9),
        ("/deliveries/not-carried/", 12),
        ("/identity/", 12),
    ],
)
def test_a_list_costs_the_same_however_long_it_is(
    path, n, world, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    for number in range(6):
        offering = make_offering(resolved=number % 2 == 0)
        make_dependency(make_application(team=world.team), offering)
        event = make_event(offering)
        alert = Alert.objects.create(
            key=f"more-{number}",
            kind="announced",
            severity=2,
            event=event,
            team=world.team,
            application_ids=[world.triage.pk],
            raised_at=world.alert.raised_at,
        )
        Notice.objects.create(alert=alert, team=world.team, why="team", owed_at=alert.raised_at)

    with django_assert_num_queries(n):
        client.get(path)


def test_filters_stand_in_the_address_and_narrow_page_and_csv_alike(world, as_user):
    client = as_user(world.governance)

    page = text_of(client.get("/applications/?team=" + world.team.slug + "&criticality=critical"))
    rows = file_lines(
        client.get("/applications.csv?team=" + world.team.slug + "&criticality=critical")
    )

    assert "1 application matches the filters." in page
    assert [row.split(",")[0] for row in rows] == ["Application", "Claims triage"]


def test_a_filter_without_a_control_shows_as_a_chip_that_can_be_dropped(world, as_user):
    page = text_of(
        as_user(world.governance).get(
            "/applications/?version=anthropic/claude-sonnet-4-5-20250929&q=triage"
        )
    )

    assert "Uses version: anthropic/claude-sonnet-4-5-20250929" in page
    assert 'href="?q=triage"' in page


def test_a_filter_that_cannot_be_read_says_so(world, as_user):
    page = text_of(as_user(world.governance).get("/events/?since=yesterday"))

    assert 'aria-invalid="true"' in page
    assert "Enter a valid date/time." in page


def test_htmx_gets_only_the_list(world, as_user):
    response = as_user(world.governance).get(
        "/applications/?q=triage", headers={"HX-Request": "true"}
    )

    assert "Claims triage" in text_of(response)
    assert "<html" not in text_of(response)
    assert "HX-Request" in response["Vary"]


def test_with_the_list_come_its_sentence_and_the_offer_to_keep_the_filter(world, as_user):
    client = as_user(world.governance)
    part = text_of(client.get("/applications/?q=triage", headers={"HX-Request": "true"}))
    whole = text_of(client.get("/applications/?q=triage"))

    assert (
        '<p class="sentence" id="sentence" hx-swap-oob="true">1 application matches the '
        "filters.</p>" in part
    )
    assert '<p class="sentence" id="sentence">1 application matches the filters.</p>' in whole
    assert part.count('id="saved-filters" hx-swap-oob="true"') == 1
    assert "Save this filter" in part
    # the search in the dialog of every page says nothing about the page
    assert "hx-swap-oob" not in text_of(
        client.get("/search/?q=triage", headers={"HX-Request": "true"})
    )


@pytest.mark.parametrize(
    "path", ["/alerts/", "/deliveries/", "/feeds/runs/", "/identity/", "/events/"]
)
def test_the_file_of_a_list_follows_the_filters_that_htmx_changes(path, world, as_user):
    """The link is part of what is swapped."""
    part = text_of(as_user(world.governance).get(path, headers={"HX-Request": "true"}))

    assert ".csv" in part


def test_what_applications_here_stand_on_is_found_first(world, as_user):
    make_offering(api_id="claude-aardvark", resolved=True)
    page = text_of(as_user(world.governance).get("/search/?q=claude"))
    offerings = page.partition("<h2>Offerings</h2>")[2]

    assert 0 < offerings.index(world.sonnet.api_id) < offerings.index("claude-aardvark")
    make_provider("aardvark", name="Aardvark")
    listed = text_of(as_user(world.governance).get("/providers/"))
    assert listed.index(">Anthropic<") < listed.index(">Aardvark<")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/applications/?q=zzz", "No records match these filters."),
        ("/offerings/?q=zzz", "No records match these filters."),
        ("/events/?kind=released", "No records match these filters."),
    ],
)
def test_filters_that_leave_nothing_say_so(path, words, world, as_user):
    assert words in text_of(as_user(world.governance).get(path))


def test_an_empty_list_teaches(world, as_user):
    Notice.objects.all().delete()
    Alert.objects.all().delete()
    ProviderEvent.evidence.through.objects.all().delete()
    ProviderEvent.objects.all().delete()

    assert "No applications yet." in text_of(as_user(world.outsider).get("/applications/"))
    assert "The first poll of a feed is its baseline" in text_of(
        as_user(world.outsider).get("/events/")
    )
    assert "No alert needs a response." in text_of(as_user(world.outsider).get("/alerts/"))


def test_a_sorted_column_says_how(world, as_user):
    page = text_of(as_user(world.governance).get("/applications/?sort=-name"))

    assert 'aria-sort="descending"' in page
    assert page.index("Mail drafter") < page.index("Claims triage")


def test_counting_and_leafing_stop_at_the_bound(db, monkeypatch):
    monkeypatch.setattr(pagination, "MAX_COUNTED_ROWS", 3)
    for _ in range(5):
        make_application()

    found = PaginatedList(
        RequestFactory().get("/?page=99"), Application.objects.order_by("pk"), size=2
    )

    assert (found.count, found.n_pages, found.number, found.is_cut) == ("3+", 2, 2, True)
    assert found.next == ""


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "9" * 30, "²"])
def test_a_page_number_that_is_none_is_the_first(page, db):
    found = PaginatedList(
        RequestFactory().get("/", {"page": page}), Application.objects.order_by("pk")
    )

    assert found.number == 1
    assert found.rows == []


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_a_cell_that_begins_like_a_formula_is_only_text(cell):
    assert escape_formula(cell) == "'" + cell


def test_numbers_stay_numbers_in_csv():
    answer = csv_response("x", ["n"], [SimpleNamespace(n=-5)], lambda row: [row.n])

    assert file_lines(answer) == ["n", "-5"]


def test_a_formula_in_a_name_reaches_the_file_as_text(world, as_user):
    world.triage.name = "=HYPERLINK(1)"
    world.triage.save()

    rows = file_lines(as_user(world.governance).get("/applications.csv"))

    assert any(row.startswith("'=HYPERLINK(1)") for row in rows)


def test_a_team_gets_only_its_own_rows_as_csv(world, as_user):
    rows = file_lines(as_user(world.viewer).get("/applications.csv"))

    assert sorted(row.split(",")[0] for row in rows[1:]) == ["Claims triage", "Mail drafter"]


def test_search_finds_what_the_reader_may_see(world, as_user):
    mine = text_of(as_user(world.viewer).get("/search/?q=claude"))
    clause = text_of(as_user(world.viewer).get("/search/?q=clause"))
    triage = text_of(as_user(world.viewer).get("/search/?q=triage", headers={"HX-Request": "true"}))

    assert "Claude Sonnet 4.5" in mine
    assert "anthropic.claude-sonnet-4-5" in mine
    assert "No results for “clause”." in clause
    assert "Claims triage" in triage
    assert "<html" not in triage


def test_search_bears_any_words(world, as_user):
    client = as_user(world.viewer)

    assert client.get("/search/", {"q": "%_'\"\\"}).status_code == 200
    assert client.get("/search/", {"q": "ab" * 200}).status_code == 200
    assert client.get("/search/", {"q": "a\x00b" * 200}).status_code == 400
    assert "Enter at least 2 letters." in text_of(client.get("/search/?q=a"))
