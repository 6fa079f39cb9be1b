"""What the engine sends to the database: nothing to do writes nothing, and no statement per
application."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Node, NodeKind
from apps.exposure.engine.concentration import contributions, measure_layer
from apps.exposure.engine.minimal_cut_sets import minimal_cut_sets
from apps.exposure.engine.operations import Remove, Replace
from apps.exposure.engine.reach import reached_applications, reached_by_team
from apps.exposure.engine.scenarios import run_operations
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.single_points import single_points
from apps.exposure.engine.states import application_states, node_failures, path_states
from apps.exposure.engine.table_refresh import RefreshResult, rebuild, refresh
from apps.exposure.models import Basis, Layer
from apps.inventory.models import Application, Dependency
from tests.builders import TODAY, make_offering, make_provider, make_team
from tests.exposure.engine.tables import TABLES, versions_of_rows

pytestmark = pytest.mark.django_db


def statements(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        work()
    return [query["sql"] for query in captured.captured_queries]


@pytest.fixture
def grow() -> Callable[[int], None]:
    """Makes this many applications more, each with a primary and a fallback on two of three
    offerings."""
    host = make_provider()
    offerings = [make_offering(host=host) for _ in range(3)]
    team = make_team()

    def more(n: int) -> None:
        known = Application.objects.count()
        applications = Application.objects.bulk_create(
            Application(name=f"A{number}", slug=f"a{number}", team=team, criticality=number % 4)
            for number in range(known, known + n)
        )
        Dependency.objects.bulk_create(
            Dependency(
                application=application,
                offering=offerings[(application.pk + later) % 3],
                role=role,
                since=TODAY,
            )
            for application in applications
            for later, role in enumerate(("primary", "fallback"))
        )

    return more


def test_with_nothing_touched_a_refresh_only_reads(grow: Callable[[int], None]) -> None:
    grow(10)
    rebuild(on=TODAY)

    sent = statements(lambda: refresh(on=TODAY))

    assert [
        sql
        for sql in sent
        if not sql.lstrip().upper().startswith(("SELECT", "SAVEPOINT", "RELEASE"))
    ] == []
    assert len([sql for sql in sent if sql.lstrip().upper().startswith("SELECT")]) == 5


def test_a_day_on_which_nothing_turns_rewrites_no_derived_row(grow: Callable[[int], None]) -> None:
    grow(10)
    rebuild(on=TODAY)
    before = versions_of_rows(TABLES)

    done = refresh(on=TODAY + timedelta(1))

    assert done == RefreshResult(0, rebuilt=False, node_ids=frozenset())
    assert versions_of_rows(TABLES) == before


def test_what_is_not_concerned_is_not_rewritten(grow: Callable[[int], None]) -> None:
    grow(10)
    rebuild(on=TODAY)
    application = Application.objects.all()[:1].get()
    tables = (
        "exposure_path",
        "exposure_activedependency",
        "exposure_candidate",
        "exposure_scopedapplication",
    )
    before = {table: {row[:2] for row in rows} for table, rows in versions_of_rows(tables).items()}

    Application.objects.filter(pk=application.pk).update(users_affected=5)
    refresh(on=TODAY)

    after = {table: {row[:2] for row in rows} for table, rows in versions_of_rows(tables).items()}
    assert {table: len(before[table] - after[table]) for table in tables} == {
        "exposure_path": 1,
        "exposure_activedependency": 2,
        "exposure_candidate": 1,
        "exposure_scopedapplication": 1,
    }


@pytest.mark.proof
def test_two_thousand_applications_take_the_statements_of_ten(grow: Callable[[int], None]) -> None:
    def questions_of_all() -> dict[str, int]:
        settings = engine_settings()
        node = Node.objects.filter(
            kind=NodeKind.HOST, ref=Dependency.objects.all()[0].offering.host_id
        ).get()
        asked = node_failures([node.pk], settings=settings)
        old, new = (
            Dependency.objects.order_by("offering")
            .values_list("offering", flat=True)
            .distinct()[:2]
        )
        five = list(Application.objects.order_by("pk").values_list("pk", flat=True)[:5])

        def refresh_five() -> None:
            Application.objects.filter(pk__in=five).update(criticality=0)
            assert refresh(on=TODAY).n_applications == 5

        works: dict[str, Callable[[], object]] = {
            "refresh": refresh_five,
            "states": lambda: application_states(asked, limit=50),
            "paths": lambda: path_states(asked, application_ids=five),
            "layer": lambda: measure_layer(Layer.HOST, Basis.USERS),
            "contributions": lambda: contributions(Layer.HOST, Basis.COUNT, limit=10),
            "single points": lambda: single_points(limit=50),
            "reach": lambda: reached_applications(node.pk, NodeKind.HOST, limit=50),
            "teams": lambda: reached_by_team(node.pk, NodeKind.HOST),
            "cuts": lambda: minimal_cut_sets(settings),
            "scenario": lambda: run_operations(
                [Remove((node.pk,)), Replace(old, new)], settings=settings
            ),
        }
        return {name: len(statements(work)) for name, work in works.items()}

    grow(10)
    rebuild(on=TODAY)
    with_ten = questions_of_all()
    grow(1990)
    rebuild(on=TODAY)

    with_all = questions_of_all()
    # of many changed applications nothing is copied
    assert with_all["scenario"] <= with_ten["scenario"]
    assert with_all == {**with_ten, "scenario": with_all["scenario"]}
    assert {name: n for name, n in with_ten.items() if name not in {"refresh", "scenario"}} == {
        "states": 1,
        "paths": 1,
        "layer": 2,
        "contributions": 3,
        "single points": 1,
        "reach": 2,
        "teams": 1,
        "cuts": 5,
    }
    assert with_ten["refresh"] < 60
    assert with_ten["scenario"] < 80


def test_when_much_is_touched_at_once_everything_is_built_anew(grow: Callable[[int], None]) -> None:
    grow(1010)
    rebuild(on=TODAY)
    Application.objects.update(users_affected=1)
    done = refresh(on=TODAY)
    Application.objects.filter(pk__lte=Application.objects.order_by("pk")[:1].get().pk).update(
        users_affected=2
    )

    assert done == RefreshResult(1010, rebuilt=True, node_ids=None)
    assert refresh(on=TODAY).n_applications == 1
