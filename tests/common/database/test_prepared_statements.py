"""Statements put together once: the same rows, one statement each, seen by whoever counts; long
lists as arrays."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Team
from apps.api.framework.statement_cache import cached_statement, visibility_key
from apps.common.database.prepared_statements import PreparedStatement, row_comparison
from apps.common.time import now
from apps.intake.models import Import
from apps.inventory.models import Application, Dependency
from tests.builders import make_application, make_member, make_team, make_user

pytestmark = pytest.mark.django_db


def plans():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%accounts_team%'"
        )
        return cursor.fetchone()[0]


def test_a_statement_gives_the_rows_of_its_query_and_is_planned_once():
    for name in ("A", "B", "C"):
        make_team(name)
    rows = (
        Team.objects.filter(row_comparison(Team, ("id",), ">")).order_by("id").values("name", "id")
    )
    statement = PreparedStatement(rows)
    first = Team.objects.order_by("pk")[0].pk
    before = plans()

    with CaptureQueriesContext(connection) as queries:
        found = [statement.rows(first), statement.rows(first + 1), statement.rows(0)]

    assert statement.names == ["name", "id"]
    assert [[name for name, _ in rows] for rows in found] == [["B", "C"], ["C"], ["A", "B", "C"]]
    assert (len(queries), plans() - before) == (3, 1)


def test_json_comes_as_values_and_an_impossible_query_asks_nothing():
    Import.objects.create(
        digest="0" * 64, n_bytes=1, received_at=now(), counts={"rows": ["x", 1.5, None]}
    )

    [[counts]] = PreparedStatement(Import.objects.values("counts")).rows()

    assert counts == {"rows": ["x", 1.5, None]}
    with CaptureQueriesContext(connection) as queries:
        assert PreparedStatement(Application.objects.none().values("id")).rows() == []
    assert len(queries) == 0


def test_without_preparing_the_rows_are_the_same(settings):
    settings.DATABASE_PREPARE = False
    team = make_team("A")
    before = plans()

    assert PreparedStatement(Team.objects.values("id")).rows() == [(team.pk,)]
    assert plans() == before


def test_a_long_list_of_ids_is_one_array_and_finds_the_same():
    teams = [make_team() for _ in range(25)]
    mine = make_application(team=teams[7])
    ids = [team.pk for team in teams]

    with CaptureQueriesContext(connection) as queries:
        assert list(Application.objects.filter(team__in=[*ids, None, ids[0]])) == [mine]
        assert list(Application.objects.exclude(team__in=ids)) == []
        assert Team.objects.filter(pk__in=set(ids)).count() == 25
        assert list(Dependency.objects.filter(application__team__in=ids)) == []

    assert all("= ANY(" in query["sql"] for query in queries)
    assert Team.objects.filter(pk__in=ids[:3]).count() == 3


def test_very_many_ids_are_not_estimated_where_each_call_is_planned():
    team = make_team()
    mine = make_application(team=team)
    ids = [team.pk, *range(team.pk + 1, team.pk + 600)]
    asked = (
        (Application.objects.filter(team__in=ids), [(mine.pk,)]),
        (Application.objects.exclude(team__in=ids), []),
        # an unknown value is neither among the IDs nor not among them
        (Application.objects.filter(merged_into_id__in=ids), []),
        (Team.objects.exclude(parent__in=ids), [(team.pk,)]),
    )

    for queryset, expected in asked:
        for plans_once, is_estimated in ((True, True), (False, False)):
            statement = PreparedStatement(queryset.values("id"), plans_once=plans_once)
            with CaptureQueriesContext(connection) as queries:
                assert statement.rows() == expected
            assert ("CASE WHEN" not in queries[0]["sql"]) is is_estimated


def test_a_kept_statement_is_that_of_one_callers_rights():
    team, other = make_team(), make_team()
    member = make_member(team)
    before = visibility_key(member)

    assert visibility_key(make_user(role="auditor")) != visibility_key(make_user(role="auditor"))
    make_member(other, user=member)
    member.forget_team_roles()
    assert visibility_key(member) != before
    assert (
        cached_statement(("a", before), lambda: "one")
        == cached_statement(("a", before), lambda: "two")
        == "one"
    )
