"""The single ways in which kept tables could drift away from a full build, each by its smallest
example."""

from datetime import date, timedelta

import pytest

from apps.catalog.footing import refresh_footing
from apps.catalog.models import Node, NodeKind, Offering, Provider
from apps.exposure.engine.table_refresh import RefreshResult, rebuild, refresh
from apps.exposure.models import Candidate, NodeReach, NodeSummary, PairGrade, Path
from apps.inventory.models import Application, Dependency
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_derivation,
    make_exit_test,
    make_offering,
    make_provider,
    make_version,
)
from tests.exposure.engine.tables import contents, differences, rebuilt

pytestmark = pytest.mark.django_db


def refreshed_like_rebuilt(on: date = TODAY) -> RefreshResult:
    done = refresh(on=on)
    assert not done.rebuilt
    assert differences(contents(), rebuilt(on)) == []
    return done


def node(kind: NodeKind, ref: int) -> int:
    return Node.objects.get(kind=kind, ref=ref).pk


def test_an_offering_that_answers_with_another_version_takes_its_applications_along() -> None:
    offering, other = make_offering(), make_version()
    before = offering.version
    assert before is not None
    make_dependency(make_application(), offering)
    rebuild(on=TODAY)

    Offering.objects.filter(pk=offering.pk).update(version=other)
    refresh_footing([offering.pk], today=TODAY)
    done = refreshed_like_rebuilt()

    assert not NodeSummary.objects.filter(node_id=node(NodeKind.VERSION, before.pk)).exists()
    assert NodeSummary.objects.get(node_id=node(NodeKind.VERSION, other.pk)).n == 1
    assert NodeReach.objects.get(node_id=node(NodeKind.VERSION, other.pk)).n == 1
    assert {node(NodeKind.VERSION, before.pk), node(NodeKind.VERSION, other.pk)} <= set(
        done.node_ids or ()
    )


def test_a_new_ancestor_carries_what_stood_on_its_child_already() -> None:
    offering, ancestor = make_offering(), make_version()
    make_dependency(make_application(), offering)
    rebuild(on=TODAY)

    make_derivation(offering.version, ancestor)
    refresh_footing(today=TODAY)
    refreshed_like_rebuilt()

    assert NodeSummary.objects.get(node_id=node(NodeKind.VERSION, ancestor.pk)).n == 1


def test_the_last_dependency_that_leaves_a_gateway_leaves_nothing_there() -> None:
    gateway = make_provider(roles=("gateway",))
    dependency = make_dependency(
        make_application(), make_offering(), reached="gateway", via_party=gateway
    )
    rebuild(on=TODAY)

    Dependency.objects.filter(pk=dependency.pk).update(reached="direct", via_party=None)
    refreshed_like_rebuilt()

    assert not NodeSummary.objects.filter(node_id=node(NodeKind.GATEWAY, gateway.pk)).exists()
    assert not NodeReach.objects.filter(node_id=node(NodeKind.GATEWAY, gateway.pk)).exists()


def test_a_grade_that_nobody_asked_about_meanwhile_is_not_taken_for_true() -> None:
    """The fallback's offering changes its version while nobody uses it, and is then taken up
    again."""
    version = make_version()
    offering, other = make_offering(version=version), make_offering()
    application = make_application()
    make_dependency(application, offering)
    fallback = make_dependency(application, other, "fallback")
    rebuild(on=TODAY)
    Dependency.objects.filter(pk=fallback.pk).update(until=TODAY)
    refreshed_like_rebuilt()

    Offering.objects.filter(pk=other.pk).update(version=version)
    refresh_footing([other.pk], today=TODAY)
    refresh(on=TODAY)
    Dependency.objects.filter(pk=fallback.pk).update(until=None)
    refreshed_like_rebuilt()

    assert PairGrade.objects.get(primary_id=offering.pk, candidate_id=other.pk).grade == 1


@pytest.mark.parametrize("role", ["judge", "fallback"])
def test_grades_behind_a_redirect_are_made_again_when_what_answers_changes(role: str) -> None:
    """Also that of a fallback that a failed test rules out: it is shown beside the others."""
    target = make_offering()
    old = make_offering(lifecycle="retired", end_behaviour="redirect", replacement=target)
    application, bystander = make_application(), make_application()
    primary = make_dependency(application, make_offering())
    make_dependency(application, old, role)
    make_exit_test(primary, old, result="failed")
    rebuild(on=TODAY)

    Offering.objects.filter(pk=target.pk).update(lifecycle="legacy")
    make_dependency(bystander, make_offering())
    refreshed_like_rebuilt()


def test_a_tested_way_out_behind_a_redirect_changes_with_what_answers() -> None:
    target = make_offering()
    old = make_offering(lifecycle="retired", end_behaviour="redirect", replacement=target)
    primary = make_dependency(make_application(), make_offering())
    make_exit_test(primary, old)
    rebuild(on=TODAY)

    Offering.objects.filter(pk=target.pk).update(lifecycle="deprecated")
    refreshed_like_rebuilt()

    assert not Candidate.objects.get().alive_at_horizon


def test_a_fallback_dies_on_its_firm_day_and_is_distrusted_from_the_horizon_on() -> None:
    end = TODAY + timedelta(200)
    fallback = make_offering(retires_on=end, date_kind="firm")
    application = make_application()
    make_dependency(application, make_offering())
    make_dependency(application, fallback, "fallback")
    rebuild(on=TODAY)
    seen = []
    for day in (TODAY + timedelta(n) for n in (19, 20, 199, 200)):
        refreshed_like_rebuilt(day)
        seen.append(Candidate.objects.values_list("alive", "alive_at_horizon").get())

    assert seen == [(True, True), (True, False), (True, False), (False, False)]


def test_a_redirect_moves_what_stands_on_it_on_the_day_the_footing_turns() -> None:
    day = TODAY + timedelta(3)
    successor = make_offering()
    offering = make_offering(
        retires_on=day,
        date_kind="firm",
        end_behaviour="redirect",
        replacement=successor,
        lifecycle="deprecated",
    )
    dependency = make_dependency(make_application(), offering)
    rebuild(on=TODAY)

    refresh_footing(today=day)
    refreshed_like_rebuilt(day)

    assert Path.objects.get(dependency_id=dependency.pk).effective_id == successor.pk


def test_exit_tests_begin_on_their_day_and_lapse_on_theirs() -> None:
    application = make_application()
    dependency = make_dependency(application, make_offering())
    make_exit_test(
        dependency, make_offering(), tested_on=TODAY + timedelta(2), expires_on=TODAY + timedelta(5)
    )
    rebuild(on=TODAY)
    seen = []
    for day in (TODAY + timedelta(n) for n in (1, 2, 4, 5)):
        refreshed_like_rebuilt(day)
        seen.append(list(Candidate.objects.values_list("tested", flat=True)))

    assert seen == [[], [True], [True], [False]]


def test_several_days_at_once_are_as_good_as_one_by_one() -> None:
    ended, begun = make_application(), make_application()
    make_dependency(ended, make_offering(), until=TODAY + timedelta(10))
    make_dependency(begun, make_offering(), since=TODAY + timedelta(10))
    rebuild(on=TODAY)

    assert refreshed_like_rebuilt(TODAY + timedelta(9)).n_applications == 0
    assert refreshed_like_rebuilt(TODAY + timedelta(10)).n_applications == 2
    assert [path.application_id for path in Path.objects.all()] == [begun.pk]


def test_an_application_that_is_deleted_or_leaves_the_scope_takes_its_rows_along() -> None:
    applications = [make_application() for _ in range(3)]
    offering = make_offering()
    for application in applications:
        make_dependency(application, offering)
    rebuild(on=TODAY)

    applications[0].delete()
    Application.objects.filter(pk=applications[1].pk).update(status="retired")
    refreshed_like_rebuilt()

    assert NodeReach.objects.get(node_id=node(NodeKind.OFFERING, offering.pk)).n == 1


def test_a_day_before_the_tables_and_a_new_parent_build_everything_anew() -> None:
    make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)

    earlier = refresh(on=TODAY - timedelta(1))
    Provider.objects.filter(pk=make_provider().pk).update(parent=make_provider())
    parented = refresh(on=TODAY)

    assert earlier.rebuilt
    assert parented.rebuilt
