"""The check of kept tables: silent while they are true, and it finds a row that is missing or wrong
in any of them."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.common.models import PeriodicJob
from apps.common.time import day_of, now
from apps.exposure import consistency
from apps.exposure.actions.minimal_cut_sets import store_minimal_cut_sets
from apps.exposure.consistency import CUT_TASK, check_exposure
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import EngineState, Path
from apps.exposure.snapshots.historical_tables import engine_tables
from apps.inventory.models import Dependency
from apps.inventory.read_models import refresh_stale_applications
from apps.risks.actions.counts import count_inherited_risk
from apps.risks.models import FoundationRisk
from apps.risks.queries.inherited import inherited_risks
from tests.builders import (
    make_application,
    make_assessment,
    make_dependency,
    make_offering,
    make_user,
)
from tools.seeding.seed import seed_portfolio

TABLES = [
    "catalog_footing",
    *engine_tables(),
    "exposure_minimalcutset",
    "inventory_cachedfinding",
    "inventory_cachedrunway",
    "risks_dependencycount",
    "risks_riskcount",
    "risks_teamcount",
    "risks_levelcount",
]


@pytest.fixture
def today():
    return day_of(now())


@pytest.fixture
def kept(db, today):
    """A small synthetic portfolio of which every table is kept, as the jobs leave it."""
    keep_all(today)


def keep_all(today):
    seed_portfolio(n_applications=60, seed=3, on=today)
    row = inherited_risks(user=make_user(role="auditor"), on=today, size=1).rows[0]
    make_assessment(
        FoundationRisk.objects.get(pk=row.risk_id),
        Dependency.objects.get(pk=row.dependency_id),
        current_likelihood=3,
        current_impact=4,
    )
    refresh(on=today)
    refresh_stale_applications(on=today)
    store_minimal_cut_sets(on=today)
    count_inherited_risk(now())
    # the least that is later: the next refresh is later still
    after = EngineState.objects.get().refreshed_at + timedelta(microseconds=1)
    PeriodicJob.objects.update_or_create(
        name=CUT_TASK, defaults={"started_at": after, "succeeded_at": after}
    )


def execute(statement, *, table):
    """Run it without the table's triggers, as a fault would come: they keep the footing whole."""
    with connection.cursor() as cursor:
        # what the fixture wrote is looked at now, and not at the end
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        n_rows = cursor.rowcount
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return n_rows


def test_nothing_differs_while_every_table_is_as_the_jobs_leave_it(kept, today):
    check = check_exposure(on=today, limit=3)

    assert check.not_compared == {}
    assert {name: table for name, table in check.tables.items() if table.n_differences} == {}
    assert sorted(check.tables) == sorted(TABLES)
    assert all(table.n_kept for name, table in check.tables.items()), check.tables


@pytest.mark.proof
@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_missing_is_found_in_each_table(table, kept, today):
    assert (
        execute(f"DELETE FROM {table} WHERE ctid = (SELECT ctid FROM {table} LIMIT 1)", table=table)
        == 1
    )

    check = check_exposure(on=today, limit=3)

    assert check.tables[table].n_only_rebuilt == 1
    assert len(check.tables[table].only_rebuilt) == 1


@pytest.mark.proof
@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("catalog_footing", "depth = depth + 9"),
        ("exposure_scopedapplication", "points = points + 1"),
        ("exposure_activedependency", "team_id = team_id + 1"),
        ("exposure_path", "share = share / 2"),
        ("exposure_candidate", "tested = NOT tested"),
        ("exposure_candidategrade", "grade = 6 - grade"),
        ("exposure_pairgrade", "grade = 5 - grade"),
        ("exposure_enginefooting", "depth = depth + 9"),
        ("exposure_partyfooting", "depth = depth + 9"),
        ("exposure_nodesummary", "n_critical = n_critical + 1"),
        ("exposure_nodereach", "n = n + 1"),
        ("exposure_minimalcutset", "share = share / 2"),
        ("inventory_cachedfinding", "rank = rank + 1"),
        ("inventory_cachedrunway", "days_left = days_left + 1"),
        ("risks_dependencycount", "n_critical = n_critical + 1"),
        ("risks_riskcount", "n_inherited = n_inherited + 1"),
        ("risks_teamcount", "n_stale = n_stale + 1"),
        ("risks_levelcount", "n = n + 1"),
    ],
)
def test_a_row_that_is_wrong_is_found_in_each_table(table, change, kept, today):
    assert (
        execute(
            f"UPDATE {table} SET {change} WHERE ctid = (SELECT ctid FROM {table} LIMIT 1)",
            table=table,
        )
        == 1
    )

    found = check_exposure(on=today, limit=3).tables[table]

    assert (found.n_only_kept, found.n_only_rebuilt) == (1, 1)
    assert found.only_kept != found.only_rebuilt


def test_every_engine_table_has_a_planted_fault_above():
    assert set(TABLES) >= {"catalog_footing", *engine_tables()}


@pytest.mark.proof
def test_what_waits_is_worked_through_first_and_is_no_difference(kept, today):
    make_dependency(make_application("New"), make_offering("new"))

    check = check_exposure(on=today, limit=3)

    assert {name for name, table in check.tables.items() if table.n_differences} == set()
    # counted by a job of every minute, and found by one of every hour
    assert set(check.not_compared) == {
        "risks_riskcount",
        "risks_teamcount",
        "risks_levelcount",
        "exposure_minimalcutset",
    }


def test_it_changes_nothing_and_examples_are_as_many_as_asked(kept, today):
    execute("UPDATE exposure_path SET share = share / 2", table="exposure_path")
    before = list(Path.objects.order_by("pk").values_list("pk", "share"))

    check = check_exposure(on=today, limit=2)

    assert list(Path.objects.order_by("pk").values_list("pk", "share")) == before
    found = check.tables["exposure_path"]
    assert found.n_only_kept == len(before)
    assert len(found.only_kept) == 2


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_it_takes_no_lock_on_a_kept_table_that_a_reader_or_a_job_would_wait_for(today, monkeypatch):
    keep_all(today)
    locks = set()

    def look(*arguments):
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                   WHERE l.pid = pg_backend_pid() AND c.relkind = 'r'
                     AND c.relnamespace = 'public'::regnamespace AND c.relname = ANY (%s)""",
                [TABLES],
            )
            locks.update(cursor.fetchall())
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = "
                "'advisory'"
            )
            assert cursor.fetchone() == (0,)
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("repeatable read",)
        return real(*arguments)

    real = consistency._compare_cut_sets
    monkeypatch.setattr(consistency, "_compare_cut_sets", look)

    assert check_exposure(on=today, limit=1).n_differences == 0

    assert {mode for _, mode in locks} == {"AccessShareLock"}
    assert {table for table, _ in locks} >= set(engine_tables())


class TestCommand:
    def run(self, *arguments):
        out = StringIO()
        try:
            call_command("check_exposure", *arguments, stdout=out)
        except SystemExit as ended:
            return ended.code, json.loads(out.getvalue())
        return 0, json.loads(out.getvalue())

    def test_it_ends_with_0_where_all_is_the_same(self, kept):
        code, answer = self.run()

        assert (code, answer["differences"]) == (0, 0)
        assert answer["tables"]["exposure_path"]["only_kept"] == 0

    def test_it_ends_with_1_and_names_what_differs(self, kept):
        table = "exposure_nodereach"
        execute(f"DELETE FROM {table} WHERE ctid = (SELECT ctid FROM {table} LIMIT 1)", table=table)

        code, answer = self.run("--limit", "1")

        assert (code, answer["differences"]) == (1, 1)
        assert set(answer["tables"]["exposure_nodereach"]["rebuilt"][0]) == {
            "node_id",
            "n",
            "n_critical",
        }

    @pytest.mark.parametrize("limit", ["-1", "many"])
    def test_wrong_use_ends_with_2(self, db, limit):
        with pytest.raises(CommandError) as refused:
            call_command("check_exposure", f"--limit={limit}")
        # what the command line parses itself, it ends with 2 itself
        assert refused.value.returncode == (2 if limit == "-1" else 1)
