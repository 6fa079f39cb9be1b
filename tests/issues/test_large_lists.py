"""Lists of issues of a large organisation: they are read in their order, a part at a time, and
counted up to a limit."""

from datetime import timedelta

import pytest
from django.db import connection

from apps.accounts.models import Delegation
from apps.issues import queries, urgent_causes
from apps.issues.models import Issue, Urgency
from apps.issues.queries import bounded_counts, first_groups, first_in_each
from tests.builders import TODAY, make_application, make_issue, make_user


@pytest.fixture
def causes(world):
    """Three causes; the first one has most of the issues and the most urgent ones."""
    Issue.objects.all().delete()
    made = []
    for place, n in enumerate((5, 2, 1)):
        issues: list[Issue] = []
        for number in range(n):
            application = make_application(f"Use {place} {number}", team=world.team)
            act_by = TODAY + timedelta(days=10 * place + number)
            cause = {"cause": issues[0].cause} if issues else {}
            issues.append(make_issue(application, act_by=act_by, due_on=act_by, **cause))
        made.append(issues[0].cause)
    return made


def in_order():
    return Issue.objects.order_by("act_by", "criticality", "pk")


class TestGroups:
    def test_come_in_the_order_of_their_first_issues(self, causes):
        keys, is_cut = first_groups(in_order(), column="cause_id", limit=10)

        assert (keys, is_cut) == ([cause.pk for cause in causes], False)

    def test_are_cut_to_the_limit(self, causes):
        keys, is_cut = first_groups(in_order(), column="cause_id", limit=2)

        assert (keys, is_cut) == ([cause.pk for cause in causes[:2]], True)

    def test_of_which_one_has_most_issues_are_found_behind_it(self, causes, monkeypatch):
        monkeypatch.setattr(queries, "_BATCH_SIZES", (2, 2, 2))

        keys, is_cut = first_groups(in_order(), column="cause_id", limit=10)

        assert (keys, is_cut) == ([cause.pk for cause in causes], False)

    def test_are_not_looked_for_without_end(self, causes, monkeypatch):
        monkeypatch.setattr(queries, "_BATCH_SIZES", (2, 2))

        assert first_groups(in_order(), column="cause_id", limit=10) == (
            [causes[0].pk, causes[1].pk],
            True,
        )

    def test_without_a_value_are_one_group(self, causes, monkeypatch):
        monkeypatch.setattr(queries, "_BATCH_SIZES", (2, 20))
        owner = make_user("owner")
        last = in_order().last()
        assert last is not None
        Issue.objects.filter(pk=last.pk).update(owner=owner)

        keys, _ = first_groups(in_order(), column="owner_id", limit=10)

        assert keys == [None, owner.pk]

    def test_load_the_first_issues_of_each(self, causes, django_assert_num_queries):
        selections = [in_order().filter(cause=cause) for cause in causes]

        with django_assert_num_queries(2):
            rows = first_in_each(selections, n=2, relations=("cause",))

        assert [row.cause_id for row in rows] == [
            causes[0].pk,
            causes[0].pk,
            causes[1].pk,
            causes[1].pk,
            causes[2].pk,
        ]


def test_counts_stop_at_their_limit(causes, django_assert_num_queries):
    selections = {
        "large": Issue.objects.filter(cause=causes[0]),
        "small": Issue.objects.filter(cause=causes[1]),
        "cut": in_order()[:1],
        "none": Issue.objects.none(),
    }

    with django_assert_num_queries(1):
        counts = bounded_counts(selections, limit=3)

    assert counts == {"large": 3, "small": 2, "cut": 1, "none": 0}


def test_the_most_urgent_causes_are_found_behind_one_with_most_issues(causes, monkeypatch):
    monkeypatch.setattr(urgent_causes, "_BATCH", 2)
    Issue.objects.all().update(act_by=TODAY)

    found = urgent_causes.urgent_causes(
        Issue.objects.all(), today=TODAY, limit=3, relations=("cause",)
    )

    assert [(cause.lead.cause_id, cause.n_issues) for cause in found] == [
        (causes[0].pk, 5),
        (causes[1].pk, 2),
        (causes[2].pk, 1),
    ]


@pytest.mark.parametrize("batch", [2, 200])
def test_causes_that_are_not_due_come_in_the_order_of_their_urgency(causes, monkeypatch, batch):
    monkeypatch.setattr(urgent_causes, "_BATCH", batch)
    for days, cause in ((200, causes[0]), (10, causes[1]), (70, causes[2])):
        Issue.objects.filter(cause=cause).update(act_by=TODAY + timedelta(days=days))

    found = urgent_causes.urgent_causes(
        Issue.objects.all(), today=TODAY, limit=3, relations=("cause",)
    )

    assert [cause.lead.cause_id for cause in found] == [
        causes[1].pk,
        causes[2].pk,
        causes[0].pk,
    ]


@pytest.mark.parametrize("urgency", Urgency)
def test_an_urgency_selects_the_same_issues_with_its_horizon(world, urgency):
    issues = [
        make_issue(
            make_application(f"Use {days} {criticality}", team=world.team, criticality=criticality),
            act_by=TODAY + timedelta(days=days),
        )
        for days in (-5, 0, 1, 30, 31, 60, 61, 90, 91, 180, 181)
        for criticality in (0, 3)
    ]
    own = Issue.objects.filter(pk__in=[issue.pk for issue in issues])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM issues_issue WHERE id = ANY (%s)"
            " AND issue_urgency(act_by, criticality, state, %s) = %s",
            [[issue.pk for issue in issues], TODAY, urgency.value],
        )
        expected = {pk for (pk,) in cursor.fetchall()}

    assert {issue.pk for issue in own.of_urgency([urgency], TODAY)} == expected


def test_own_issues_and_those_of_an_absent_person_are_found_by_one_list(world):
    deputy, absent = make_user("deputy"), make_user("absent")
    Delegation.objects.create(
        person=absent,
        deputy=deputy,
        since=TODAY - timedelta(days=1),
        until=TODAY + timedelta(days=5),
    )
    own = make_issue(world.application, owner=deputy)
    theirs = make_issue(world.application, owner=absent)

    found = Issue.objects.assigned_to(deputy, on=TODAY)

    assert set(found) == {own, theirs}
    # either of two conditions would make the database read all issues
    assert " OR " not in str(found.query)
