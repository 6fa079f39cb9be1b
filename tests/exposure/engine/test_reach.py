"""Who stands or leans on a node, by either plan."""

import pytest

from apps.catalog.models import Node, NodeKind
from apps.exposure.engine.reach import (
    ROLES,
    ReachedApplication,
    count_reached,
    reached_applications,
    reached_by_team,
    supporting_roles,
    unresolved_applications,
)
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import NodeReach
from tests.builders import TODAY, make_application, make_dependency, make_offering, make_provider
from tests.exposure.engine.by_hand import Rows, criticalities
from tests.exposure.engine.random_changes import RandomChanges

pytestmark = pytest.mark.django_db


def pages(node: Node, *, size: int) -> list[ReachedApplication]:
    found: list[ReachedApplication] = []
    after = None
    while page := reached_applications(node.pk, NodeKind(node.kind), after=after, limit=size):
        found += page
        after = (page[-1].criticality, page[-1].application_id)
    return found


def test_both_plans_give_the_same_pages_and_these_are_what_counting_by_hand_gives() -> None:
    world = RandomChanges(3, n_applications=12)
    for _ in range(15):
        world.edit()
    rebuild(on=world.day)
    rows = Rows()
    reach = dict(NodeReach.objects.values_list("node_id", "n"))
    for node in Node.objects.all():
        expected = rows.reached(node.pk)
        known = criticalities(expected)
        NodeReach.objects.filter(pk=node.pk).update(n=0)
        gathered = pages(node, size=2)
        NodeReach.objects.filter(pk=node.pk).update(n=10**6)
        walked = pages(node, size=2)

        assert gathered == walked == reached_applications(node.pk, NodeKind(node.kind), limit=1000)
        assert [(row.criticality, row.application_id) for row in walked] == sorted(
            (known[pk][0], pk) for pk in expected
        )
        assert {
            row.application_id: {ROLES.index(role) for role in row.roles} for row in walked
        } == expected
        assert reach.get(node.pk, 0) == len(expected)
        assert supporting_roles(node.pk, NodeKind(node.kind)) == {
            pk: [ROLES[code] for code in sorted(codes) if code]
            for pk, codes in expected.items()
            if codes - {0}
        }


def test_teams_add_up_to_the_whole() -> None:
    world = RandomChanges(4, n_applications=12)
    rebuild(on=world.day)
    for node in Node.objects.all():
        kind = NodeKind(node.kind)
        whole = count_reached(node.pk, kind)
        by_team = reached_by_team(node.pk, kind)

        assert (sum(team.n for team in by_team), sum(team.n_critical for team in by_team)) == whole
        for team in by_team:
            own = [team.team_id]
            assert count_reached(node.pk, kind, team_ids=own) == (team.n, team.n_critical)
            assert reached_by_team(node.pk, kind, team_ids=own) == [team]
            NodeReach.objects.filter(pk=node.pk).update(n=0)
            gathered = reached_applications(node.pk, kind, team_ids=own)
            NodeReach.objects.filter(pk=node.pk).update(n=10**6)

            assert len(gathered) == team.n
            assert reached_applications(node.pk, kind, team_ids=own) == gathered
        assert count_reached(node.pk, kind, team_ids=[]) == (0, 0)


def test_a_gateways_parent_is_reached_by_the_party_that_a_dependency_names() -> None:
    parent = make_provider("group")
    gateway = make_provider("way", roles=("gateway",), parent=parent)
    by_party, by_offering = make_application(), make_application()
    make_dependency(by_party, make_offering(), "judge", reached="gateway", via_party=gateway)
    make_dependency(by_offering, make_offering(gateway=gateway))
    rebuild(on=TODAY)

    for party in (gateway, parent):
        node = Node.objects.get(kind=NodeKind.GATEWAY, ref=party.pk)
        found = reached_applications(node.pk, NodeKind.GATEWAY)
        assert {row.application_id: row.roles for row in found} == {
            by_party.pk: ("judge",),
            by_offering.pk: ("primary",),
        }


def test_a_standby_primary_leans_as_a_fallback() -> None:
    application = make_application()
    standby = make_dependency(application, make_offering(), traffic_share="0")
    make_dependency(application, make_offering(), traffic_share="1")
    rebuild(on=TODAY)
    node = Node.objects.get(kind=NodeKind.HOST, ref=standby.offering.host_id)

    assert supporting_roles(node.pk, NodeKind.HOST) == {application.pk: ["fallback"]}


def test_an_unplaced_primary_may_stand_on_any_model_but_on_no_host() -> None:
    application = make_application()
    make_dependency(application, make_offering(resolved=False))
    make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)

    assert (
        unresolved_applications(NodeKind.VERSION)
        == unresolved_applications(NodeKind.DEVELOPER)
        == [application.pk]
    )
    assert unresolved_applications(NodeKind.FOUNDATION, team_ids=[application.team_id]) == [
        application.pk
    ]
    assert (
        unresolved_applications(NodeKind.FOUNDATION, team_ids=[])
        == unresolved_applications(NodeKind.HOST)
        == []
    )
