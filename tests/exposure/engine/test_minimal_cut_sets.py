"""The smallest sets that stop a part of the critical applications, against asking every set."""

import itertools
from fractions import Fraction

import pytest

from apps.catalog.models import Node, NodeKind
from apps.exposure.engine.minimal_cut_sets import MinimalCutSets, minimal_cut_sets
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.states import application_states, node_failures
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import ExposureSettings, ScopedApplication
from apps.inventory.models import Application, Dependency
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_exit_test,
    make_foundation,
    make_offering,
    make_provider,
    make_version,
)
from tests.exposure.engine.random_changes import RandomChanges

pytestmark = pytest.mark.django_db


def by_asking_every_set(settings: EngineSettings) -> MinimalCutSets:
    critical = set(ScopedApplication.objects.filter(criticality=0).values_list("pk", flat=True))
    kinds = [kind.value for kind in settings.cut_kinds]
    nodes = list(Node.objects.filter(kind__in=kinds).order_by("pk").values_list("pk", flat=True))

    def share(of: tuple[int, ...]) -> Fraction:
        stopped = application_states(
            node_failures(of, settings=settings),
            application_ids=critical,
            states=["exposed", "cushioned"],
        )
        return Fraction(len(stopped), len(critical))

    alone = {node: share((node,)) for node in nodes}
    pairs = [
        (*pair, share(pair))
        for pair in itertools.combinations(nodes, 2)
        if all(alone[node] < settings.cut_threshold for node in pair)
    ]
    return MinimalCutSets(
        len(critical),
        settings.cut_threshold,
        tuple((node, alone[node]) for node in nodes if alone[node] >= settings.cut_threshold),
        tuple(pair for pair in pairs if pair[2] >= settings.cut_threshold),
    )


@pytest.mark.parametrize("seed", range(3))
def test_cuts_are_those_that_asking_every_set_finds(seed: int) -> None:
    world = RandomChanges(seed, n_applications=9)
    Application.objects.filter(pk__in=Application.objects.values("pk")[:7]).update(criticality=0)
    for _ in range(8):
        world.move_to_party()
    ExposureSettings.objects.update_or_create(pk=1, defaults={"cut_threshold": "0.4"})
    rebuild(on=world.day)
    settings = engine_settings()

    found, expected = minimal_cut_sets(settings), by_asking_every_set(settings)

    assert found == expected
    assert found.singles or found.pairs


def test_the_threshold_itself_is_reached() -> None:
    hosts = [make_provider(), make_provider()]
    for host in hosts:
        make_dependency(make_application(criticality=0), make_offering(host=host))
    rebuild(on=TODAY)
    settings = engine_settings()

    singles = {
        node for node, share in minimal_cut_sets(settings).singles if share == Fraction(1, 2)
    }

    assert {Node.objects.get(kind=NodeKind.HOST, ref=host.pk).pk for host in hosts} <= singles


def test_a_pair_that_reaches_just_the_threshold_is_a_cut() -> None:
    hosts = [make_provider() for _ in range(4)]
    for host in hosts:
        make_dependency(make_application(criticality=0), make_offering(host=host))
    ExposureSettings.objects.create(pk=1, cut_kinds=["host"])
    rebuild(on=TODAY)

    found = minimal_cut_sets(engine_settings())

    assert found.singles == ()
    assert [share for *_, share in found.pairs] == [Fraction(1, 2)] * 6


def test_a_way_out_that_was_tested_for_one_primary_does_not_save_the_other() -> None:
    foundation = make_foundation()
    application, another = make_application(criticality=0), make_application()
    offerings = [make_offering(version=make_version(foundation=foundation)) for _ in range(2)]
    first, _ = (make_dependency(application, offering) for offering in offerings)
    # another application has tested it for the second offering, so the pair is graded
    elsewhere = make_dependency(another, offerings[1])
    target = make_offering()
    for tested in (first, elsewhere):
        make_exit_test(tested, target)
    ExposureSettings.objects.create(pk=1, cut_kinds=["foundation"])
    rebuild(on=TODAY)
    settings = engine_settings()

    assert [share for _, share in minimal_cut_sets(settings).singles] == [1]
    assert minimal_cut_sets(settings) == by_asking_every_set(settings)


def test_a_gateway_in_both_paths_keeps_a_fallback_from_being_wholly_independent() -> None:
    gateway = make_provider(roles=("gateway",))
    application = make_application(criticality=0)
    through = {"reached": "gateway", "via_party": gateway}
    first, second = (
        make_offering(version=make_version(foundation=make_foundation(f"{by}/m")))
        for by in ("one", "two")
    )
    primary = make_dependency(application, first, **through)
    fallback = make_dependency(application, second, "fallback", **through)
    make_exit_test(primary, fallback.offering)
    ExposureSettings.objects.create(
        pk=1, cut_kinds=["host"], required_grade={"outage": {"host": 5}}
    )
    rebuild(on=TODAY)
    settings = engine_settings()
    assert len(minimal_cut_sets(settings).singles) == 1

    Dependency.objects.filter(pk=fallback.pk).update(reached="direct", via_party=None)
    rebuild(on=TODAY)

    assert minimal_cut_sets(settings).singles == ()
    assert minimal_cut_sets(settings) == by_asking_every_set(settings)


def test_nothing_critical_or_no_kind_to_ask_about_is_no_cut() -> None:
    make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)
    nothing = minimal_cut_sets(engine_settings())
    make_dependency(make_application(criticality=0), make_offering())
    ExposureSettings.objects.create(pk=1, cut_kinds=[])
    rebuild(on=TODAY)
    no_kinds = minimal_cut_sets(engine_settings())

    assert (nothing.n_target, nothing.singles, nothing.pairs) == (0, (), ())
    assert (no_kinds.n_target, no_kinds.singles, no_kinds.pairs) == (1, (), ())
