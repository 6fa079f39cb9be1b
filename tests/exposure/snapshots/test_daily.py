"""The daily snapshot: once a day, never changed, thinned after thirteen months, worked out again
from the history."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common.time import day_of, now
from apps.exposure.models import Basis, ConcentrationSnapshot, Layer, NodeSnapshot, NodeSummary
from apps.exposure.snapshots.daily import (
    PastDayError,
    create_partitions_ahead,
    drop_old_snapshots,
    recompute_snapshot,
    take_snapshot,
    thin_snapshots,
)
from apps.exposure.snapshots.trends import concentration_trend, node_trend
from apps.exposure.threats import OUTAGE
from apps.inventory.models import Application, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_team,
)
from tests.exposure.portfolio import node_of
from tests.kept_worlds import kept_world
from tests.processes import holding

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def today():
    """The day of this test, which is not always that of the first one."""
    return day_of(now())


@pytest.fixture
@kept_world
def here():
    """An offering with two applications, one of them critical, and one elsewhere."""
    host = make_provider("here")
    here, there = make_offering("a", host=host), make_offering("b", host=make_provider("there"))
    team = make_team()
    make_dependency(make_application("First", team=team, criticality=0, users_affected=7), here)
    make_dependency(make_application("Second", team=team, monthly_spend="20"), here)
    make_dependency(make_application("Third", team=team), there)
    return here


def test_holds_every_summed_node_and_every_layer_by_every_weight(here, today):
    n_rows = take_snapshot(on=today)

    columns = ("node_id", "threat", "state", "n", "n_critical", "points", "users", "spend")
    taken = set(NodeSnapshot.objects.filter(day=today).values_list(*columns))
    assert taken == set(NodeSummary.objects.values_list(*columns))
    assert ConcentrationSnapshot.objects.filter(day=today).count() == len(Layer) * len(Basis)
    assert n_rows == len(taken) + len(Layer) * len(Basis)


def test_a_second_one_on_the_same_day_writes_nothing_even_after_a_change(here, today):
    take_snapshot(on=today)
    before = (
        list(NodeSnapshot.objects.values_list()),
        list(ConcentrationSnapshot.objects.values_list()),
    )
    make_dependency(make_application("Late"), make_offering("c", host=here.host))

    with CaptureQueriesContext(connection) as queries:
        n_rows = take_snapshot(on=today)

    assert n_rows == 0
    assert not [
        query
        for query in queries
        if query["sql"].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))
    ]
    assert before == (
        list(NodeSnapshot.objects.values_list()),
        list(ConcentrationSnapshot.objects.values_list()),
    )


def test_costs_the_same_statements_for_more_applications(here):
    # four days of one month: the first snapshot of a month also makes its partition
    first = date(2031, 3, 10)
    take_snapshot(on=first)
    with CaptureQueriesContext(connection) as few:
        take_snapshot(on=first + DAY)
    for _ in range(30):
        make_dependency(make_application(), make_offering(host=here.host))
    take_snapshot(on=first + 2 * DAY)

    with CaptureQueriesContext(connection) as many:
        take_snapshot(on=first + 3 * DAY)

    assert len(many) == len(few)


def test_a_day_that_the_tables_have_left_behind_is_refused_with_a_way_out(here, today):
    take_snapshot(on=today)

    with pytest.raises(PastDayError, match="can be recalculated"):
        take_snapshot(on=today - DAY)


def test_days_of_two_months_lie_in_two_partitions(here):
    last, first = date(2031, 1, 31), date(2031, 2, 1)

    take_snapshot(on=last)
    take_snapshot(on=first)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'exposure_nodesnapshot'::regclass AND inhrelid::regclass::text "
            "LIKE '%2031%' ORDER BY 1"
        )
        assert [name for (name,) in cursor.fetchall()] == [
            "exposure_nodesnapshot_2031_01",
            "exposure_nodesnapshot_2031_02",
        ]
    assert set(NodeSnapshot.objects.values_list("day", flat=True)) == {last, first}


def partitions_like(name):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent ="
            " 'exposure_nodesnapshot'::regclass AND inhrelid::regclass::text LIKE %s ORDER BY 1",
            [name],
        )
        return [name for (name,) in cursor.fetchall()]


def test_the_partitions_of_this_month_and_the_next_are_created_ahead_once():
    for _ in range(2):
        create_partitions_ahead(on=date(2031, 12, 31))

    assert partitions_like("%nodesnapshot_203%") == [
        "exposure_nodesnapshot_2031_12",
        "exposure_nodesnapshot_2032_01",
    ]


def test_a_months_first_day_waits_for_no_backup(here):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
    with holding(
        "LOCK TABLE exposure_nodesnapshot, exposure_nodesummary, exposure_path IN ACCESS SHARE MODE"
    ):
        take_snapshot(on=date(2031, 3, 1))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_index WHERE indrelid = "
            "'exposure_nodesnapshot_2031_03'::regclass"
        )
        assert cursor.fetchone() == (1,)
    assert NodeSnapshot.objects.filter(day=date(2031, 3, 1)).exists()


_ROW = {
    "node_id": 1,
    "threat": 0,
    "state": 0,
    "n": 1,
    "n_critical": 0,
    "points": 1,
    "users": 0,
    "spend": 0,
}


class TestThinning:
    def test_keeps_thirteen_months_of_days_and_month_ends_before(self):
        days = [
            date(2024, 9, 30),
            date(2024, 10, 2),
            date(2024, 10, 30),
            date(2024, 11, 1),
            date(2025, 12, 1),
        ]
        for day in days:
            take_snapshot(on=day)

        n_days = thin_snapshots(on=date(2025, 12, 15))

        kept = sorted(set(ConcentrationSnapshot.objects.values_list("day", flat=True)))
        assert (n_days, kept) == (
            1,
            [date(2024, 9, 30), date(2024, 10, 30), date(2024, 11, 1), date(2025, 12, 1)],
        )

    def test_takes_nodes_with_their_days(self, here):
        for day in (date(2026, 1, 10), date(2026, 1, 31)):
            take_snapshot(on=day)

        thin_snapshots(on=date(2027, 6, 1))

        assert set(NodeSnapshot.objects.values_list("day", flat=True)) == {date(2026, 1, 31)}

    def test_replaces_the_months_partition_and_takes_missed_days_in_it_later(self, here):
        for day in (date(2026, 1, 10), date(2026, 1, 31)):
            take_snapshot(on=day)

        with CaptureQueriesContext(connection) as queries:
            thin_snapshots(on=date(2027, 6, 1))
        NodeSnapshot.objects.create(**_ROW | {"day": date(2026, 1, 20)})

        assert not [q for q in queries if q["sql"].startswith("DELETE FROM exposure_nodesnapshot")]
        assert partitions_like("%2026_01%") == ["exposure_nodesnapshot_2026_01"]
        assert set(NodeSnapshot.objects.values_list("day", flat=True)) == {
            date(2026, 1, 20),
            date(2026, 1, 31),
        }

    @pytest.mark.proof
    @pytest.mark.django_db(transaction=True)
    def test_a_month_that_is_read_for_long_is_left_to_the_next_run(self):
        for day in (date(2024, 1, 10), date(2024, 1, 31)):
            take_snapshot(on=day)

        with holding("LOCK TABLE exposure_nodesnapshot IN ACCESS SHARE MODE"):
            assert thin_snapshots(on=date(2026, 6, 1)) == 0
        assert thin_snapshots(on=date(2026, 6, 1)) == 1
        # partitions outlive the test
        drop_old_snapshots(on=date(2026, 6, 1), keep_days=1)

    def test_a_second_time_deletes_nothing(self):
        for day in (date(2024, 1, 10), date(2024, 1, 31)):
            take_snapshot(on=day)
        thin_snapshots(on=date(2026, 6, 1))

        assert thin_snapshots(on=date(2026, 6, 1)) == 0


class TestDropping:
    def test_months_beyond_the_limit_go_as_whole_partitions_with_their_indices(self, here):
        days = (date(2026, 1, 31), date(2026, 2, 28), date(2026, 6, 30))
        for day in days:
            take_snapshot(on=day)

        assert drop_old_snapshots(on=date(2026, 6, 30), keep_days=0) == 0
        assert drop_old_snapshots(on=date(2026, 6, 30), keep_days=130) == 1

        for model in (NodeSnapshot, ConcentrationSnapshot):
            assert set(model.objects.values_list("day", flat=True)) == set(days[1:])
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('exposure_nodesnapshot_2026_01')")
            assert cursor.fetchone() == (None,)


class TestRecomputing:
    def test_finds_no_difference_while_nothing_was_written_since(self, here, today):
        take_snapshot(on=today)

        assert recompute_snapshot(on=today).differences == ()

    def test_of_a_day_before_anything_was_recorded_is_empty_and_leaves_today_alone(
        self, here, today
    ):
        take_snapshot(on=today)
        summary = set(NodeSummary.objects.values_list("node_id", "state", "n"))

        found = recompute_snapshot(on=today - DAY)

        assert found.n_written == len(Layer) * len(Basis)
        assert not NodeSnapshot.objects.filter(day=today - DAY).exists()
        assert set(NodeSummary.objects.values_list("node_id", "state", "n")) == summary

    def test_names_the_nodes_that_stood_otherwise_and_changes_nothing(self, here, today):
        take_snapshot(on=today)
        node = node_of(here).pk
        make_dependency(make_application("Late", criticality=0), make_offering("c", host=here.host))

        found = recompute_snapshot(on=today)

        [row] = [row for row in found.differences if row.node_id == node]
        assert (row.taken, row.recomputed, found.n_written) == ((2, 1), (3, 2), 0)
        assert NodeSnapshot.objects.get(day=today, node_id=node).n == 2

    def test_writes_a_missed_day(self, here, today):
        take_snapshot(on=today + DAY)

        found = recompute_snapshot(on=today)

        assert found.n_written > len(Layer) * len(Basis)
        assert NodeSnapshot.objects.get(day=today, node_id=node_of(here).pk).n == 2

    def test_leaves_out_what_was_deleted(self, here, today):
        take_snapshot(on=today)
        Dependency.objects.filter(application__name="Second").delete()
        Application.objects.filter(name="Second").delete()

        found = recompute_snapshot(on=today)

        [row] = [row for row in found.differences if row.node_id == node_of(here).pk]
        assert row.recomputed == (1, 1)

    def test_gives_the_real_tables_back(self, here, today):
        take_snapshot(on=today)
        recompute_snapshot(on=today)

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
            )
            assert cursor.fetchone()[0] == 0
        assert Application.objects.count() == 3


class TestTrends:
    def test_of_a_layer_run_from_a_day_to_a_day(self, here, today):
        for days in range(4):
            take_snapshot(on=today + days * DAY)

        points = concentration_trend(
            Layer.HOST, Basis.COUNT, since=today + DAY, until=today + 3 * DAY
        )

        assert [point.day for point in points] == [today + DAY, today + 2 * DAY]
        assert points[0].hhi == pytest.approx(5 / 9)
        assert points[0].n_applications == 3

    def test_of_a_node_are_zero_before_anything_stood_there(self, here, today):
        node = node_of(here).pk
        Dependency.objects.update(since=today + DAY)
        take_snapshot(on=today)
        take_snapshot(on=today + DAY)

        points = node_trend(node, threat=OUTAGE, since=today)

        assert [
            (point.exposed, point.n_critical, point.users, point.spend) for point in points
        ] == [
            (0, 0, 0, 0),
            (2, 1, 7, 20),
        ]
