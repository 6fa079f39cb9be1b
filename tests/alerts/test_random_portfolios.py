"""Sixty days in small organisations in which anything may happen, against a model that knows only
the rules."""

import os
from collections import defaultdict

import pytest

from apps.alerts.models import Alert, Delivery, Notice
from tests.alerts.random_portfolio import RandomPortfolio, Told
from tests.alerts.simulation import pass_day
from tests.builders import TODAY

pytestmark = [pytest.mark.proof, pytest.mark.django_db]
# more by hand: WORLDS=0:40
FIRST, END = map(int, os.environ.get("WORLDS", "0:2").split(":"))


def raised() -> list[Told]:
    """What the tables say was raised, and to whom word of it was owed."""
    to: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for alert_id, user_id, team_id in Notice.objects.filter(occasion="raised").values_list(
        "alert", "user", "team"
    ):
        to[alert_id].add(("person", user_id) if user_id is not None else ("team", team_id))
    return [
        Told(
            n=(alert.raised_at.date() - TODAY).days,
            kind=alert.kind,
            subject=(alert.subject_kind or "offering", alert.subject_id or alert.offering_id or 0),
            on=alert.due_on,
            milestone=alert.milestone,
            team=alert.team_id or 0,
            owner=alert.user_id,
            applications=frozenset(alert.application_ids),
            to=frozenset(to[alert.pk]),
        )
        for alert in Alert.objects.order_by("pk")
    ]


def assert_what_is_open_stands(world: RandomPortfolio) -> None:
    live = list(Alert.objects.live())
    late = [(alert.subject_id, alert.due_on) for alert in live if alert.kind == "runway_negative"]
    assert sorted(late, key=str) == sorted(world.model.late, key=str)
    milestones = [
        (alert.subject_id, alert.due_on, pk)
        for alert in live
        if alert.kind == "milestone"
        for pk in alert.application_ids
    ]
    ends = {pk: end[0] for pk, end in world.model.ends.items() if end is not None}
    assert all(ends.get(offering or 0) == on for offering, on, _ in milestones)
    used = {
        (use.offering, use.application) for use in world.model.uses.values() if use.until is None
    }
    standing = [row for row in milestones if (row[0], row[2]) in used]
    assert len(standing) == len(set(standing)), "each milestone takes the place of the one before"
    reviews = {pk: app.review_on for pk, app in world.model.apps.items() if app.in_scope}
    assert all(
        reviews.get(alert.subject_id or 0) == alert.due_on
        for alert in live
        if alert.kind == "review_due"
    )
    # that something is over is said to nobody who was not told of it
    told = Notice.objects.filter(delivery__state="sent").exclude(occasion="resolved")
    known = set(told.values_list("alert", "user", "team"))
    assert (
        set(Notice.objects.filter(occasion="resolved").values_list("alert", "user", "team"))
        <= known
    )


@pytest.mark.parametrize("seed", range(FIRST, END))
def test_everyone_is_told_exactly_what_the_rules_owe_them_on_its_day(seed: int) -> None:
    world = RandomPortfolio(seed)

    for n in range(60):
        world.live_a_day(n)
        pass_day(n)

    told, expected = raised(), world.model.told
    assert sorted(map(str, set(told) - set(expected))) == []
    assert sorted(map(str, set(expected) - set(told))) == []
    assert len(told) == len(set(told)) == len(expected)
    assert_what_is_open_stands(world)
    # everything owed was carried or has its reason, and a recipient has one digest a day
    assert not Notice.objects.owed().exists()
    assert set(Delivery.objects.values_list("state", flat=True)) <= {"sent", "skipped"}
    digests = Delivery.objects.filter(kind__in=["digest", "summary"], state="sent").values_list(
        "address", "created_at"
    )
    assert len(digests) == len(set(digests))
