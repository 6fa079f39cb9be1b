"""The calendar: what ends when, of what one may see, as a list, a picture and a file."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.alerts.calendar.queries import count_upcoming, upcoming_deadlines, upcoming_retirements
from apps.exposure.engine.table_refresh import refresh
from apps.web.views import calendar as module
from tests.builders import make_exit_test
from tests.http import file_lines, text_of


def rows(response):
    return file_lines(response)[1:]


@pytest.mark.proof
def test_it_says_what_comes_next_and_who_uses_it(world, as_user):
    page = text_of(as_user(world.viewer).get(reverse("calendar:list")))

    assert "One date in the next 180 days; next:" in page
    assert "claude-sonnet-4-5" in page
    assert "Claims triage" in page
    assert page.count('<svg class="draw') == 2


def test_what_one_may_not_see_is_not_in_it(world, as_user):
    page = text_of(as_user(world.outsider).get(reverse("calendar:list")))

    assert "Claims triage" not in page
    assert "No retirements or other dates in the next 180 days." in page
    assert "No upcoming dates." in page


@pytest.mark.proof
def test_days_and_kinds_narrow_list_and_file_alike(world, as_user):
    client = as_user(world.governance)
    make_exit_test(
        world.triage.dependencies.get(role="primary"),
        world.sonnet_bedrock,
        tested_on=world.today,
        expires_on=world.today + timedelta(60),
    )

    wide, near = (
        client.get(reverse("calendar:csv")),
        client.get(f"{reverse('calendar:csv')}?days=30"),
    )
    assert (len(rows(wide)), len(rows(near))) == (2, 1)

    found = {}
    for kind in client.get(reverse("calendar:list")).context["kinds"]:
        found[kind] = client.get(reverse("calendar:list"), {"kind": kind}).context["n"]
        assert found[kind] == len(rows(client.get(reverse("calendar:csv"), {"kind": kind})))
    assert sum(found.values()) == 2
    assert max(found.values()) == 1


def test_between_two_days_lies_what_the_whole_calendar_has_there(world):
    """Exit tests are found along their indexes there, and by sorting them all elsewhere."""
    dependency = world.triage.dependencies.get(role="primary")
    today = world.today
    for tested, expires in [
        (-350, None),
        (-400, None),
        (-10, 40),
        (-300, 40),
        (-20, 35),
        (-5, None),
        (-30, 500),
    ]:
        for other in dependency, world.triage.dependencies.exclude(pk=dependency.pk).first():
            if other is None or (
                (tested, expires) in {(-5, None), (-30, 500)} and other.pk != dependency.pk
            ):
                continue
            make_exit_test(
                other,
                world.sonnet_bedrock,
                tested_on=today + timedelta(tested),
                expires_on=None if expires is None else today + timedelta(expires),
            )
    of = {"on": today, "team_ids": None, "user_id": world.governance.pk}
    everything = upcoming_deadlines(**of)

    assert any(row.kind == "exit_test_expiring" for row in everything)
    for first, last in [(0, 30), (0, 45), (0, 400), (0, 600), (-92, 600)]:
        begin, end = today + timedelta(first), today + timedelta(last)
        asked = upcoming_deadlines(**of, first=begin, last=end)
        assert asked == [row for row in everything if begin <= row.on <= end]
        n_ends = len(upcoming_retirements(on=today, team_ids=None, first=begin, last=end))
        assert count_upcoming(**of, first=begin, last=end) == len(asked) + n_ends


def test_when_an_end_moves_the_picture_and_the_sentence_move(world, as_user):
    client = as_user(world.governance)
    before = client.get(reverse("calendar:list")).context
    world.sonnet.retires_on += timedelta(50)
    world.sonnet.save()
    refresh(on=world.today)
    after = client.get(reverse("calendar:list")).context

    assert after["wide"].lines[0].x_to > before["wide"].lines[0].x_to
    assert str(after["sentence"]) != str(before["sentence"])


def test_it_costs_the_same_however_much_ends(world, as_user, django_assert_num_queries):
    client = as_user(world.governance)
    client.get(reverse("calendar:list"))
    with django_assert_num_queries(14):
        client.get(reverse("calendar:list"))


@pytest.mark.proof
def test_a_long_calendar_shows_the_nearest_days_and_counts_the_rest(
    world, as_user, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(module, "MAX_ROWS", 1)
    make_exit_test(
        world.triage.dependencies.get(role="primary"),
        world.sonnet_bedrock,
        tested_on=world.today,
        expires_on=world.today + timedelta(60),
    )

    client = as_user(world.viewer)
    client.get(reverse("calendar:list"))
    with django_assert_num_queries(16):
        page = text_of(client.get(reverse("calendar:list")))

    assert "Two dates in the next 180 days" in page
    assert "1 more date. Filter by period or kind, or download the CSV." in page
