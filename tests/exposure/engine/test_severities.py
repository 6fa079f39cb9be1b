"""Classes of equal loss: applications that are computed once lose what each of them loses."""

from collections import Counter, defaultdict

import pytest

from apps.catalog.models import Node, NodeKind
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.engine.severities import severity_classes
from apps.exposure.engine.states import node_failures, path_states
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import ScopedApplication
from apps.exposure.threats import DEFAULT_THREAT
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_exit_test,
    make_offering,
)
from tests.exposure.engine.random_changes import RandomChanges

pytestmark = pytest.mark.django_db

type Classes = dict[tuple[int, str], Counter[tuple[int, float]]]


def classes_of(settings: EngineSettings) -> Classes:
    found: Classes = {}
    for key, rows in severity_classes(set(DEFAULT_THREAT.items()), settings=settings).items():
        found[key] = Counter({(criticality, round(x, 6)): n for criticality, x, n in rows})
        assert len(found[key]) == len(rows)
    return found


def classes_one_by_one(settings: EngineSettings) -> Classes:
    """Each node alone: the states of its paths, added up by application."""
    criticality = dict(ScopedApplication.objects.values_list("application_id", "criticality"))
    found: Classes = {}
    for pk, kind in Node.objects.values_list("pk", "kind"):
        lost: dict[int, float] = defaultdict(float)
        for path in path_states(node_failures([pk], settings=settings)):
            lost[path.application_id] += path.share * float(settings.factor[path.state])
        if lost := {application: x for application, x in lost.items() if x > 0}:
            found[pk, DEFAULT_THREAT[NodeKind(kind)]] = Counter(
                (criticality[application], round(x, 6)) for application, x in lost.items()
            )
    return found


def test_equal_applications_form_one_class_and_others_do_not() -> None:
    offerings = [make_offering() for _ in range(3)]
    for n in range(8):
        application = make_application(f"application {n}")
        primary = make_dependency(application, offerings[0])
        # two without an alternative, two with an untried one, two with a tested one, and two with
        # another alternative
        if n >= 2:
            make_dependency(application, offerings[2 if n >= 6 else 1], role="fallback")
        if n in {4, 5}:
            make_exit_test(primary, offerings[1])
    rebuild(on=TODAY)
    settings = engine_settings()

    found = classes_of(settings)

    assert found == classes_one_by_one(settings)
    node = Node.objects.get(kind=NodeKind.OFFERING, ref=offerings[0].pk).pk
    (criticality,) = set(ScopedApplication.objects.values_list("criticality", flat=True))
    assert found[node, DEFAULT_THREAT[NodeKind.OFFERING]] == Counter(
        {
            (criticality, float(settings.factor[state])): n
            for state, n in (("exposed", 2), ("cushioned", 4), ("portable", 2))
        }
    )


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(3))
def test_classes_of_a_random_portfolio_are_those_of_each_node_alone(seed: int) -> None:
    world = RandomChanges(seed, n_applications=20, n_offerings=6)
    for _ in range(30):
        world.edit()
    rebuild(on=world.day)
    settings = engine_settings()

    assert classes_of(settings) == classes_one_by_one(settings)
