"""The bench answers every question on whatever is there, beside the same by hand, and leaves
nothing behind.
"""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.accounts.models import ApiToken, User
from apps.catalog.models import ChangedOffering, NodeKind
from apps.common.time import day_of, now
from apps.exposure.engine.concentration import measure_layer
from apps.exposure.engine.reach import count_reached, reached_applications, reached_by_team
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.states import count_states, node_failures
from apps.exposure.models import Basis, EngineState, Layer, NodeSnapshot, NodeSummary
from tools.benchmarks import statements
from tools.benchmarks.measurement import BenchmarkLine, Timing, time_runs
from tools.benchmarks.queries import choose_versions
from tools.seeding.seed import seed_portfolio

pytestmark = [pytest.mark.proof, pytest.mark.django_db]
TODAY = day_of(now())


@pytest.fixture
def portfolio():
    seed_portfolio(n_applications=80, seed=2, on=TODAY)


def by(sql, **params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


class TestByHand:
    """A yardstick that answers something else is none."""

    def test_counts_what_the_product_counts(self, portfolio):
        for version in choose_versions():
            [(n,)] = by(statements.COUNT, node=version.node_id)
            assert n == count_reached(version.node_id, NodeKind.VERSION)[0] == version.reach

    def test_groups_by_team_as_the_product_does(self, portfolio):
        node = choose_versions()[-1].node_id

        rows = by(statements.BY_TEAM, node=node)

        product = reached_by_team(node, NodeKind.VERSION)
        assert sorted(rows) == sorted((row.team_id, row.n, row.n_critical) for row in product)

    def test_both_plans_give_the_product_s_page(self, portfolio):
        node = choose_versions()[-1].node_id
        page = [
            (row.criticality, row.application_id)
            for row in reached_applications(node, NodeKind.VERSION)
        ]

        assert (
            by(statements.PAGE_BY_GATHERING, node=node)
            == by(statements.PAGE_BY_WALKING, node=node)
            == page
        )

    def test_finds_the_states_that_the_product_finds(self, portfolio):
        settings = engine_settings()
        for version in choose_versions():
            counted = count_states(node_failures([version.node_id], settings=settings))
            names = ("exposed", "cushioned", "portable", "partial")
            rows = by(statements.STATES_OF_ALL, node=version.node_id)
            found = [names[state] for _, state, _ in rows]
            assert {state: found.count(state) for state in set(found)} == {
                state: n for state, (n, _) in counted.items()
            }

    @pytest.mark.parametrize("layer", Layer)
    def test_weighs_what_the_product_weighs(self, portfolio, layer):
        rows = by(statements.layer_statement(layer.node_kind, "share"), kind=layer.node_kind.value)

        total = sum(float(mass) for _, mass in rows)
        assert total == pytest.approx(measure_layer(layer, Basis.COUNT).indices.total_weight)


def test_asks_everything_and_leaves_nothing_behind(portfolio, capsys):
    before = (
        list(NodeSummary.objects.order_by("pk").values_list()),
        EngineState.objects.values_list().get(),
    )

    call_command("bench", "--json", "--part", "reading", "--part", "changing")

    answer = json.loads(capsys.readouterr().out)
    questions_asked = [row["question"] for row in answer["questions"]]
    assert answer["applications"] == 80
    for word in (
        "blast radius",
        "states",
        "concentration",
        "single points",
        "policies",
        "loss",
        "cost",
        "scenario",
        "inherited risks",
        "refresh",
        "rebuild",
        "snapshot",
    ):
        assert any(word in question for question in questions_asked), word
    assert not User.objects.filter(username="bench").exists()
    assert not ApiToken.objects.exists()
    assert not NodeSnapshot.objects.exists()
    assert not ChangedOffering.objects.exists()
    assert before == (
        list(NodeSummary.objects.order_by("pk").values_list()),
        EngineState.objects.values_list().get(),
    )


def test_a_register_without_exposure_is_told_what_to_run():
    with pytest.raises(CommandError, match="is not calculated"):
        call_command("bench")


class TestTiming:
    def test_counts_statements_and_rows_of_one_run(self):
        def ask():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                cursor.execute("SELECT 2")
            return [1, 2, 3]

        timing = time_runs(ask, runs=4)

        assert (timing.statements, timing.rows) == (2, 3)
        assert timing.p50 <= timing.p95

    def test_is_compared_only_where_there_is_something_to_compare_with(self):
        timing = Timing(p50=6.0, p95=7.0, rows=None, statements=1)

        assert (BenchmarkLine("?", timing, 3.0).ratio, BenchmarkLine("?", timing).ratio) == (
            2.0,
            None,
        )
