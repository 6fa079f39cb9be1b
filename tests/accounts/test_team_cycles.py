"""Trees that people arrange stay trees, also where two changes come at the same moment."""

import threading

import pgtrigger
import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from apps.accounts.actions import add_team, change_team
from apps.accounts.models import Team
from apps.catalog.models import Provider
from apps.inventory.models import Contract
from tests.builders import make_provider, make_team, make_user
from tests.processes import blocked_sessions, database_url, wait_until


def put_below(statement: str, parameters: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.django_db(transaction=True)
def test_of_two_teams_put_below_each_other_at_the_same_moment_one_is_refused(monkeypatch):
    by, first, second = make_user(role="admin"), make_team("First"), make_team("Second")
    both_read, results = threading.Barrier(2), []

    def put(team, parent):
        try:
            team, parent = Team.objects.get(pk=team.pk), Team.objects.get(pk=parent.pk)
            both_read.wait(timeout=20)
            change_team(team=team, facts={"parent": parent}, by=by)
            results.append("written")
        except ValidationError as refused:
            results.append(refused.messages[0])
        finally:
            connection.close()

    threads = [
        threading.Thread(target=put, args=pair) for pair in ((first, second), (second, first))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(results) == [
        "This would place the team below itself. Choose another parent.",
        "written",
    ]
    assert Team.objects.filter(parent__isnull=True).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("accounts_team", "parent_id"),
        ("catalog_provider", "parent_id"),
        ("inventory_contract", "overarching_id"),
    ],
)
def test_the_database_refuses_a_circle_that_two_transactions_close_together(table, column):
    if table == "accounts_team":
        rows = [make_team().pk, make_team().pk]
    elif table == "catalog_provider":
        rows = [make_provider("one").pk, make_provider("two").pk]
    else:
        rows = [Contract.objects.create(party=make_provider(), ref=ref).pk for ref in "ab"]
    statement, results = f"UPDATE {table} SET {column} = %s WHERE id = %s", []

    def put():
        try:
            put_below(statement, [rows[0], rows[1]])
            results.append("written")
        except IntegrityError as refused:
            results.append(str(refused).partition("\n")[0])
        finally:
            connection.close()

    waiting = threading.Thread(target=put)
    with psycopg.connect(database_url()) as other:
        other.execute(statement, [rows[1], rows[0]])
        waiting.start()
        wait_until(lambda: bool(blocked_sessions()), "the second change to wait for the first")
        other.commit()
    waiting.join(timeout=30)

    assert results[0].startswith("This would ")


@pytest.mark.django_db
def test_a_circle_through_several_rows_is_refused_and_a_move_within_the_tree_is_not():
    top, middle, bottom = make_team(), make_team(), make_team()
    Team.objects.filter(pk=middle.pk).update(parent=top)
    Team.objects.filter(pk=bottom.pk).update(parent=middle)

    with pytest.raises(IntegrityError), transaction.atomic():
        Team.objects.filter(pk=top.pk).update(parent=bottom)
    Team.objects.filter(pk=bottom.pk).update(parent=top)

    assert Team.objects.get(pk=bottom.pk).parent == top


@pytest.mark.django_db
def test_a_circle_that_is_there_already_does_not_keep_a_change_from_ending():
    first, second, below = make_team(), make_team(), make_team()
    with pgtrigger.ignore("accounts.Team:team_no_circle"):
        Team.objects.filter(pk=first.pk).update(parent=second)
        Team.objects.filter(pk=second.pk).update(parent=first)
    Team.objects.filter(pk=below.pk).update(parent=first)
    one, other = Provider.objects.create(slug="a", name="A", roles=["host"]), make_provider("b")
    one.parent, other.parent = other, one

    team = Team.objects.get(pk=below.pk)
    team.clean()
    Provider(slug="c", name="C", roles=["host"], parent=one).clean()


@pytest.mark.django_db
def test_a_team_of_the_same_name_beside_another_is_refused_and_below_another_team_is_not():
    by, division = make_user(role="admin"), make_team("Division")
    first = add_team(facts={"name": "Payments"}, by=by)

    with pytest.raises(
        ValidationError, match=r"A top-level team named Payments already exists \(payments\)"
    ):
        add_team(facts={"name": "payments "}, by=by)

    second = add_team(facts={"name": "Payments", "parent": division}, by=by)
    assert (first.slug, second.slug) == ("payments", "payments-2")
    with pytest.raises(ValidationError, match="Choose another name"):
        change_team(team=second, facts={"parent": None}, by=by)
