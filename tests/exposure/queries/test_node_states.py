"""What is kept about nodes and what is asked of them say the same."""

from datetime import timedelta

import pytest

from apps.accounts.models import Team
from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.states import count_states, node_failures
from apps.exposure.models import Basis, ScopedApplication
from apps.exposure.queries.concentration_flows import concentration_flows
from apps.exposure.queries.node_states import node_states
from apps.exposure.queries.portability import (
    GRADES,
    NO_FALLBACK,
    STATES,
    fallback_options,
    portability,
)
from apps.exposure.threats import DEFAULT_THREAT, ERROR, OUTAGE
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
from tests.exposure.portfolio import bring_up_to_date
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def three_applications():
    """Three critical applications: one can leave, one has an untested fallback, one has none."""
    version = make_version("alpha/one-1", foundation=make_foundation("alpha/one"))
    here, there = make_provider("here"), make_provider("there")
    primary = make_offering(host=here, version=version)
    other = make_offering(
        host=there, version=make_version("beta/two-1", foundation=make_foundation("beta/two"))
    )
    applications = [
        make_application(name, criticality=0) for name in ("Leaves", "Untested", "Stuck")
    ]
    uses = [make_dependency(application, primary) for application in applications]
    for application in applications[:2]:
        make_dependency(application, other, "fallback", fallback_order=1)
    make_exit_test(uses[0], other, tested_on=TODAY - timedelta(300), tested_version=other.version)
    bring_up_to_date(TODAY)
    return applications


@pytest.mark.parametrize("threat", [None, OUTAGE, ERROR])
@pytest.mark.parametrize("kind", [NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.VERSION])
def test_kept_asked_and_counted_one_by_one_agree(three_applications, kind, threat):
    settings, everybody = engine_settings(), list(Team.objects.values_list("pk", flat=True))
    threat = threat or DEFAULT_THREAT[kind]

    kept = node_states(kind=kind, threat=threat, settings=settings, team_ids=None)
    asked = node_states(kind=kind, threat=threat, settings=settings, team_ids=everybody)

    assert kept
    assert kept == asked
    for row in kept:
        assert row.counts == count_states(
            node_failures([row.node_id], settings=settings, threat=threat)
        )
    named = node_states(
        kind=kind,
        threat=threat,
        settings=settings,
        team_ids=None,
        node_ids=[kept[0].node_id],
        limit=1,
    )
    assert named == kept[:1]


def test_portability_counts_by_the_worst_primary_and_what_lapses(three_applications):
    settings = engine_settings()

    found = portability(settings=settings, team_ids=None, on=TODAY)

    assert (found.n, found.n_tested, found.n_outlasting, found.n_untested) == (3, 1, 1, 1)
    assert (found.tested[5], found.tested[NO_FALLBACK]) == (1, 2)
    # the test of 300 days ago counts for 65 days more
    assert found.n_lapsing == 1
    assert portability(settings=settings, team_ids=None, on=TODAY, within_days=30).n_lapsing == 0
    rows = fallback_options(settings=settings, team_ids=None)
    assert [(row.application_id, row.tested, row.declared) for row in rows] == [
        (three_applications[2].pk, NO_FALLBACK, NO_FALLBACK),
        (three_applications[1].pk, NO_FALLBACK, 5),
        (three_applications[0].pk, 5, 5),
    ]
    assert [
        row.application_id
        for row in fallback_options(settings=settings, team_ids=None, state="untested")
    ] == [three_applications[1].pk]
    for state in ("", *STATES):
        for grade in (None, *GRADES):
            selected = fallback_options(settings=settings, team_ids=None, state=state, grade=grade)
            assert found.count(state=state, grade=grade) == len(selected), (state, grade)
    assert portability(settings=settings, team_ids=[three_applications[0].team_id], on=TODAY).n == 1


def test_the_flow_carries_every_path_once(three_applications):
    found = concentration_flows(basis=Basis.COUNT, team_ids=None, by_team=True)

    assert (
        sum(row.weight for row in found)
        == ScopedApplication.objects.filter(n_paths__gt=0).count()
        == 3
    )
    assert {(row.developer, row.host) for row in found} == {("Alpha", "Here")}
    assert [row.weight for row in concentration_flows(basis=Basis.CRITICALITY, team_ids=None)] == [
        24
    ]
