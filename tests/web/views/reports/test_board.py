"""The board summary: what is retired apart from what retires, and the commentary of a quarter."""

from datetime import timedelta

import pytest

from apps.common.errors import ForbiddenError
from apps.common.time import day_of, now
from apps.reports.board_commentary import commentary_versions, quarter_of, write_commentary
from apps.reports.models import BoardCommentary
from tests.builders import make_user
from tests.http import text_of, visible_text

BOARD = "/reports/board/"
COMMENTARY = "/reports/board/commentary/"


@pytest.fixture
def quarter():
    return quarter_of(day_of(now()))


def test_the_commentary_of_the_quarter_is_shown_with_name_and_day(world, as_user):
    client = as_user(world.governance)

    answer = client.post(COMMENTARY, {"text": "Anthropic grew because of two new assistants."})

    assert answer["Location"] == BOARD
    page = visible_text(client.get(BOARD))
    today = day_of(now())
    assert "Anthropic grew because of two new assistants." in page
    assert f"{world.governance}, {today.day} {today:%b} {today.year}" in page
    assert "Edit commentary" in page


def test_every_version_of_a_commentary_is_kept(world, as_user, quarter):
    client = as_user(world.governance)
    client.post(COMMENTARY, {"text": "First words."})
    form = client.get(COMMENTARY).context["form"]
    client.post(COMMENTARY, {"text": "Better words.", "seen": form["seen"].value()})
    write_commentary(quarter=quarter, text="", by=world.governance, at=now())

    page = visible_text(client.get(COMMENTARY))

    assert "First words." in page
    assert "Better words." in page
    assert "Removed" in page
    assert [v.text for v in commentary_versions(user=world.governance)][1:] == [
        "Better words.",
        "First words.",
    ]


def test_a_commentary_that_was_changed_meanwhile_is_not_overwritten(world, as_user, quarter):
    client = as_user(world.governance)
    write_commentary(quarter=quarter, text="First words.", by=world.governance, at=now())
    form = client.get(COMMENTARY).context["form"]
    other = make_user(role="governance")
    write_commentary(quarter=quarter, text="Words of another.", by=other, at=now())

    answer = client.post(COMMENTARY, {"text": "My words.", "seen": form["seen"].value()})

    assert answer.status_code == 422
    assert BoardCommentary.objects.get().text == "Words of another."


def test_only_governance_writes_a_commentary(world, as_user, quarter):
    with pytest.raises(ForbiddenError):
        write_commentary(quarter=quarter, text="Mine", by=world.viewer, at=now())

    assert as_user(world.viewer).get(COMMENTARY).status_code == 403
    assert "Write commentary" not in text_of(as_user(make_user(role="auditor")).get(BOARD))


def test_a_commentary_is_about_the_organisation(world, as_user, quarter):
    write_commentary(quarter=quarter, text="Of the organisation", by=world.governance, at=now())

    assert "Of the organisation" in text_of(as_user(make_user(role="auditor")).get(BOARD))
    assert "Of the organisation" not in text_of(as_user(world.viewer).get(BOARD))


def test_the_commentary_of_the_last_quarter_stays_with_its_name(world, as_user, quarter):
    before = quarter_of(quarter - timedelta(days=1))
    write_commentary(quarter=before, text="Of then", by=world.governance, at=now())

    page = visible_text(as_user(world.governance).get(BOARD))

    assert f"Commentary, {BoardCommentary(quarter=before).quarter_name}" in page
    assert "Write commentary" in page


def test_the_board_costs_at_most_thirty_statements(
    world, as_user, django_assert_max_num_queries, quarter
):
    write_commentary(quarter=quarter, text="Words", by=world.governance, at=now())
    client = as_user(world.governance)

    with django_assert_max_num_queries(30):
        client.get(BOARD)
