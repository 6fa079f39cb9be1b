"""Two people at the same moment, on two connections of their own: one wins, the other is shown what
happened."""

import threading
import time

import pytest
from django.db import transaction

from apps.common.errors import ConflictError
from apps.inventory.actions.application_merge import merge_applications
from apps.inventory.actions.applications import change_application
from apps.inventory.actions.dependencies import declare_dependency, replace_offering
from apps.inventory.actions.undo import undo_change
from apps.inventory.models import Application, Dependency
from apps.inventory.queries import last_change_id
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_offering,
    make_team,
    make_user,
)
from tests.threads import call_at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_who_replace_one_dependency_one_wins_and_the_other_is_told_by_whom_and_by_what():
    used = make_dependency(make_application(), make_offering())
    people = [make_user("ann", role="governance"), make_user("bob", role="governance")]
    successors = [make_offering("choice-of-ann"), make_offering("choice-of-bob")]

    def replacing(person, successor):
        read = Dependency.objects.get(pk=used.pk)
        return lambda: replace_offering(dependency=read, successor=successor, on=TODAY, by=person)

    answers = call_at_once(*map(replacing, people, successors))

    [begun] = [answer for answer in answers if isinstance(answer, Dependency)]
    [refusal] = [answer for answer in answers if isinstance(answer, ConflictError)]
    winner = people[successors.index(begun.offering)].username
    assert str(refusal).startswith(f"{winner} changed it on ")
    assert f"replaced by choice-of-{winner} on " in str(refusal)
    assert [row.offering_id for row in Dependency.objects.filter(until=None)] == [begun.offering_id]


def test_of_two_who_declare_the_same_one_is_told_that_it_is_there():
    application, offering, by = make_application(), make_offering(), make_user(role="governance")

    answers = call_at_once(
        *[
            lambda: declare_dependency(
                application=application, offering=offering, since=TODAY, by=by
            )
        ]
        * 2
    )

    assert sorted(type(answer).__name__ for answer in answers) == [
        "ConflictError",
        "Dependency",
    ]
    assert Dependency.objects.count() == 1


def test_two_who_merge_each_into_the_other_end_with_one_application():
    first, second, by = make_application(), make_application(), make_user(role="governance")

    answers = call_at_once(
        lambda: merge_applications(survivor=first, duplicate=second, on=TODAY, by=by),
        lambda: merge_applications(survivor=second, duplicate=first, on=TODAY, by=by),
    )

    assert sorted(type(answer).__name__ for answer in answers) == [
        "Application",
        "ConflictError",
    ]
    assert Application.objects.filter(status="retired").count() == 1


def test_undoing_and_changing_at_once_never_lose_the_other_ones_change():
    by, application = make_user(role="governance"), make_application(purpose="before")
    change_application(application=application, facts={"purpose": "after"}, by=by)
    change = last_change_id(application)

    undone, changed = call_at_once(
        lambda: undo_change(change=change, by=by),
        lambda: change_application(application=application, facts={"geography": "EU"}, by=by),
    )

    application.refresh_from_db()
    assert isinstance(changed, Application)
    assert application.geography == "EU"
    assert application.purpose == ("after" if isinstance(undone, ConflictError) else "before")


def test_a_change_that_waited_while_the_application_moved_to_another_team_goes_through():
    by, application, there = make_user(role="governance"), make_application(), make_team()
    answers = []

    def change():
        answers.extend(
            call_at_once(
                lambda: change_application(
                    application=application, facts={"geography": "EU"}, by=by
                )
            )
        )

    waiting = threading.Thread(target=change)
    with transaction.atomic():
        change_application(application=application, facts={"team": there}, by=by)
        waiting.start()
        time.sleep(0.5)
    waiting.join(timeout=60)

    application.refresh_from_db()
    assert [type(answer) for answer in answers] == [Application]
    assert (application.team, application.geography) == (there, "EU")
