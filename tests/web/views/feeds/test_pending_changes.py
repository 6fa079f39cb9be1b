"""What guards hold back: the banner, the preview, and what people decide about it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Assertion, Offering, ProviderEvent
from apps.common.time import now
from apps.feeds.models import FeedRun, PollState
from apps.feeds.polls.pipeline import poll_source
from tests.builders import make_application, make_dependency, make_source
from tests.http import csv_rows, outline_of, text_of, workbook_of
from tests.web.held_feed import AFTER, BEFORE, HELD_PAGE, YEAR, price_map


@pytest.fixture
def poll_map(world, tmp_path):
    """Poll a map as observed so many hours ago."""

    def polled(hours_ago, **days):
        body = tmp_path / "map.json"
        body.write_text(price_map(**days))
        at = now() - timedelta(hours=hours_ago)
        return poll_source(world.source, at=at, url=body.as_uri(), trigger="test").run

    return polled


@pytest.fixture
def suspect(world, poll_map):
    """The run whose changes wait: an application stands on a row that is gone, another team's on a
    date that moved."""
    poll_map(30, **BEFORE)
    make_dependency(
        world.triage, Offering.objects.get(host__slug="acme", api_id="model-0"), "fallback"
    )
    make_dependency(
        world.foreign, Offering.objects.get(host__slug="zenith", api_id="star-0"), "fallback"
    )
    run = poll_map(1, **AFTER)
    assert run.status == "suspect"
    return run


def test_the_feeds_page_says_what_was_lost_and_asks_for_a_decision(world, suspect, as_user):
    page = text_of(as_user(world.governance).get("/feeds/"))

    assert (
        "LiteLLM price map lost 6 of 20 rows</em> in one run, so 6 old rows stay for now." in page
    )
    assert "Changes on hold for your decision." in page
    assert "6 removals and 6 dates are on hold" in page
    assert "6 of 12 are of" in page
    assert f'href="{HELD_PAGE}">View 12 changes</a>' in page
    assert "Accept" in page


@pytest.mark.proof
def test_others_see_that_governance_is_asked_and_get_no_buttons(world, suspect, as_user):
    client = as_user(world.viewer)

    page, preview = text_of(client.get("/feeds/")), text_of(client.get(HELD_PAGE))

    assert "Changes on hold for governance." in page
    assert "decide=accept" not in page + preview
    assert "Governance decides: maren." in preview
    assert "<textarea" not in text_of(client.get(HELD_PAGE + "?decide=accept"))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/feeds/litellm/", "6 removals and 6 dates are on hold"),
        ("/feeds/runs/{}/", "6 of 10 rows disappeared together"),
    ],
)
def test_source_and_run_lead_to_what_waits(path, words, world, suspect, as_user):
    page = text_of(as_user(world.governance).get(path.format(suspect.pk)))

    assert f'href="{HELD_PAGE}"' in page
    assert words in page


def test_the_preview_names_each_change_and_counts_the_readers_applications(world, suspect, as_user):
    mine = text_of(as_user(world.viewer).get(HELD_PAGE))
    all_of_them = text_of(as_user(world.governance).get(HELD_PAGE))

    assert "12 changes of LiteLLM price map</em> are on hold: 6 removals and 6 dates." in mine
    assert f"its date, 15 Jan {YEAR}, would be removed" in mine
    assert f"<del>1 Mar {YEAR}</del> → <ins>1 Jun {YEAR}</ins>" in mine
    assert f"<del>1 Mar {YEAR}</del> → <ins>no date</ins>" in mine
    assert (
        "1 of your applications depends on 1 of them: 1 retirement date you depend on would be "
        "removed." in mine
    )
    assert "2 of your applications depend on 2 of them" in all_of_them
    assert (
        "1 retirement date you depend on would be removed and 1 retirement date would move"
        in all_of_them
    )
    assert mine.count('<td class="num" data-l="your applications"><b>1</b></td>') == 1
    assert all_of_them.count('<td class="num" data-l="your applications"><b>1</b></td>') == 2


def test_the_preview_shows_the_raw_row_and_what_the_feed_has_now(world, suspect, as_user):
    page = text_of(as_user(world.viewer).get(HELD_PAGE))

    assert "deprecation_date" in page
    assert "The row was removed." in page
    assert f"{YEAR}-06-01" in page


def test_accepting_asks_first_and_needs_a_reason(world, suspect, as_user):
    client = as_user(world.governance)

    question = text_of(client.get(HELD_PAGE + "?decide=accept&group=acme"))
    refused = client.post(HELD_PAGE, {"action": "accept", "group": "acme", "reason": "  "})

    assert "Accept 6 changes of acme?" in question
    assert "This cannot be undone" in question
    assert refused.status_code == 422
    assert "Users are notified of the change by email" in text_of(refused)
    assert Assertion.objects.filter(held=True, topic="identity").count() == 6


def test_what_is_accepted_of_one_provider_takes_effect_and_the_rest_waits(world, suspect, as_user):
    client = as_user(world.governance)

    answer = client.post(
        HELD_PAGE, {"action": "accept", "group": "acme", "reason": "Acme says so too"}, follow=True
    )

    assert "accepted. 6 events were raised." in text_of(answer)
    assert set(
        ProviderEvent.objects.filter(source=world.source).values_list("kind", flat=True)
    ) >= {"delisted"}
    assert Assertion.objects.filter(held=True).count() == 6
    assert PollState.objects.get(source=world.source).suspect is True
    assert "6 changes of LiteLLM price map" in text_of(client.get(HELD_PAGE))


def test_a_refusal_keeps_the_old_rows_and_can_be_undone(world, suspect, as_user):
    client = as_user(world.governance)

    refused = client.post(
        HELD_PAGE, {"action": "refuse", "group": "*", "reason": "Their page changed"}, follow=True
    )
    healthy = PollState.objects.get(source=world.source).suspect
    undone = client.post(HELD_PAGE, {"action": "lift", "group": "*"}, follow=True)

    assert "Rejected: 12 changes of" in text_of(refused)
    assert "Undo" in text_of(refused)
    assert "No changes of LiteLLM price map are on hold." in text_of(refused)
    assert "Rejected: 12 changes" in text_of(refused)
    assert healthy is False
    assert "12 rejections of" in text_of(undone)
    assert Assertion.objects.filter(held=True, topic="identity").count() == 6
    assert PollState.objects.get(source=world.source).suspect is True
    assert not Assertion.objects.filter(refused__isnull=False).exists()


def test_a_refusal_is_listed_on_the_page_of_the_source(world, suspect, as_user):
    client = as_user(world.governance)
    client.post(HELD_PAGE, {"action": "refuse", "group": "acme", "reason": "x"})

    page = text_of(client.get("/feeds/litellm/"))

    assert "6 changes were rejected and the feed still reports them" in page
    assert f'href="{HELD_PAGE}#refused"' in page


def test_who_comes_late_is_told_who_decided_and_why(world, suspect, as_user):
    client = as_user(world.governance)
    client.post(HELD_PAGE, {"action": "refuse", "group": "*", "reason": "Their page changed"})

    late = client.post(HELD_PAGE, {"action": "accept", "group": "*", "reason": "Looks right"})

    assert late.status_code == 409
    assert (
        "These changes are no longer on hold, so nothing was decided. You decided just now: Their "
        "page changed." in text_of(late)
    )
    assert not ProviderEvent.objects.filter(kind="delisted").exists()


def test_a_decision_about_something_else_than_was_seen_is_not_taken(
    world, suspect, as_user, poll_map
):
    client = as_user(world.governance)
    page = client.get(HELD_PAGE + "?decide=accept&group=acme").content.decode()
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    poll_map(0, **{**AFTER, "acme": {**AFTER["acme"], "model-0": f"{YEAR}-01-15"}})

    answer = client.post(
        HELD_PAGE, {"action": "accept", "group": "acme", "reason": "x", "seen": seen}
    )

    assert len(seen) == 20
    assert answer.status_code == 409
    assert "The changes on hold are others than you saw, so nothing was decided." in text_of(answer)
    assert not ProviderEvent.objects.filter(kind="delisted").exists()


def test_a_decision_about_what_was_seen_is_taken(world, suspect, as_user):
    client = as_user(world.governance)
    page = client.get(HELD_PAGE + "?decide=refuse&group=acme").content.decode()
    seen = page.partition('name="seen" value="')[2].partition('"')[0]

    answer = client.post(HELD_PAGE, {"action": "refuse", "group": "acme", "seen": seen})

    assert answer.status_code == 302
    assert Assertion.objects.filter(refused__isnull=False).count() == 6


@pytest.mark.parametrize("action", ["accept", "refuse", "lift"])
def test_only_governance_decides(action, world, suspect, as_user):
    answer = as_user(world.editor).post(HELD_PAGE, {"action": action, "group": "*", "reason": "x"})

    assert answer.status_code == 403
    assert "You need the governance role to accept or reject changes on hold." in text_of(answer)
    assert Assertion.objects.filter(held=True).count() == 12


def test_the_csv_holds_what_waits_and_what_was_refused(world, suspect, as_user):
    client = as_user(world.governance)
    client.post(HELD_PAGE, {"action": "refuse", "group": "zenith", "reason": "x"})

    rows = csv_rows(client.get("/feeds/litellm/held.csv"))
    sheet = workbook_of(client.get("/feeds/litellm/held.xlsx")).active

    assert sorted(row["State"] for row in rows) == ["on hold"] * 6 + ["rejected"] * 6
    (removed,) = (row for row in rows if row["Row"] == "acme/model-0")
    names = ("State", "Provider", "Model ID", "Type", "Old value", "New value")
    assert [removed[name] for name in names] == [
        "on hold",
        "acme",
        "model-0",
        "removal",
        f"{YEAR}-01-15",
        "",
    ]
    assert sheet.max_row == 13


def test_a_source_of_which_nothing_is_held_says_so(world, as_user):
    page = text_of(as_user(world.governance).get(HELD_PAGE))

    assert "No changes of LiteLLM price map are on hold." in page
    assert "No changes are on hold." in page


def test_a_source_that_nobody_knows_is_not_found(world, as_user):
    client = as_user(world.governance)

    assert client.get("/feeds/nothing/held/").status_code == 404
    assert client.get("/feeds/nothing/held.csv").status_code == 404


@pytest.mark.parametrize(
    "path", [HELD_PAGE, HELD_PAGE + "?decide=accept", HELD_PAGE + "?undo=*", "/feeds/"]
)
def test_the_pages_need_no_inline_style_and_label_every_field(path, world, suspect, as_user):
    client = as_user(world.governance)
    if "undo" in path:
        client.post(HELD_PAGE, {"action": "refuse", "group": "*", "reason": "x"})

    found = outline_of(client.get(path))

    assert (found.styled, found.inline) == ([], [])
    assert [
        field for field in found.fields if not field[2] and field[0] not in found.labelled
    ] == []
    assert sorted(found.ids) == sorted(set(found.ids))


# no two sources disagree here, so nobody is asked who stands on what they disagree about: that
# would be one more
@pytest.mark.parametrize(("path", "n"), [(HELD_PAGE, 10), ("/feeds/", 15)])
def test_a_page_costs_the_same_however_much_is_held(
    path, n, world, suspect, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    for offering in Offering.objects.filter(host__slug__in=["acme", "zenith"]):
        make_dependency(make_application(team=world.team), offering)

    with django_assert_num_queries(n):
        client.get(path)


def test_a_removal_whose_own_day_has_come_is_no_loss(world, poll_map, as_user):
    past = (now() - timedelta(days=40)).date().isoformat()
    rows = {f"model-{n}": f"{YEAR}-01-15" for n in range(10)}
    poll_map(30, acme={**rows, "old": past})
    poll_map(1, acme={name: day for name, day in rows.items() if name > "model-5"})

    page = text_of(as_user(world.governance).get(HELD_PAGE))

    assert "acme/old" not in page
    assert "delisted" in page


def test_a_run_whose_changes_are_decided_says_that_nothing_waits(world, suspect, as_user):
    client = as_user(world.governance)
    client.post(HELD_PAGE, {"action": "refuse", "group": "*", "reason": "x"})

    page = text_of(client.get(f"/feeds/runs/{suspect.pk}/"))

    assert "no changes of this feed are on hold now" in page
    assert FeedRun.objects.get(pk=suspect.pk).status == "suspect"


def test_counting_whom_it_reaches_is_one_statement(world, suspect, as_user):
    client = as_user(world.governance)

    with CaptureQueriesContext(connection) as queries:
        client.get(HELD_PAGE)

    assert sum("GROUPING SETS" in query["sql"] for query in queries) == 1


def test_a_decision_that_says_too_little_where_nothing_waits_is_told_so(world, as_user):
    make_source("litellm")
    client = as_user(world.governance)

    late = client.post(HELD_PAGE, {"action": "accept", "group": "*", "reason": ""})
    odd = client.post(HELD_PAGE, {"action": "bogus"})

    assert (late.status_code, odd.status_code) == (409, 422)
    assert "These changes are no longer on hold" in text_of(late)
    assert "Select accept, reject or undo." in text_of(odd)
