"""States when one or several nodes fail: the one statement, its filters and its pages."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from apps.catalog.models import Node, NodeKind, Offering, Provider
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.states import (
    STATE_OF_CODE,
    NodeFailure,
    application_states,
    count_states,
    node_failures,
    path_states,
)
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import ExposureSettings, NodeSummary
from apps.exposure.threats import OUTAGE, THREAT_CODES, THREATS
from apps.inventory.models import Application
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_exit_test,
    make_foundation,
    make_offering,
    make_provider,
    make_team,
    make_version,
)
from tests.exposure.engine.by_hand import Rows
from tests.exposure.engine.random_changes import RandomChanges

pytestmark = pytest.mark.django_db


def asked(
    *nodes: tuple[NodeKind, Offering | Provider | int], threat: str | None = None
) -> list[NodeFailure]:
    ids = [Node.objects.get(kind=kind, ref=getattr(of, "pk", of)).pk for kind, of in nodes]
    return node_failures(ids, settings=engine_settings(), threat=threat)


def states(of: list[NodeFailure]) -> dict[int, str]:
    return {standing.application_id: standing.state for standing in application_states(of)}


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(3))
def test_random_nodes_under_random_threats_fail_together_as_by_hand(seed: int) -> None:
    world = RandomChanges(seed, n_applications=10)
    for _ in range(25):
        world.edit()
    rebuild(on=world.day)
    rows, chance = Rows(), random.Random(seed)
    nodes = list(Node.objects.order_by("pk").values_list("pk", flat=True))
    settings = engine_settings()
    seen = set()

    for _ in range(25):
        of = [
            question
            for node in chance.sample(nodes, k=chance.choice([1, 1, 2, 3, 8]))
            for question in node_failures(
                [node], settings=settings, threat=chance.choice([None, None, *THREATS])
            )
        ]
        if chance.random() < 0.2:
            of = [replace(question, need=5) for question in of]
        expected = rows.states(of)
        found = application_states(of)
        seen |= {standing.state for standing in found}

        assert {standing.application_id: standing.state for standing in found} == {
            pk: state for pk, (state, _) in expected.items()
        }
        paths = path_states(of)
        assert {pk: n for pk, (_, n) in expected.items()} == {
            pk: sum(path.application_id == pk for path in paths)
            for pk in {path.application_id for path in paths}
        }
        assert sum(n for n, _ in count_states(of).values()) == len(found)

    assert len(seen) > 1


def test_the_summary_of_every_node_is_what_asking_it_alone_says() -> None:
    world = RandomChanges(7, n_applications=10)
    rebuild(on=world.day)
    settings = engine_settings()
    for node in Node.objects.all():
        (question,) = node_failures([node.pk], settings=settings)
        summary = {
            STATE_OF_CODE[row.state]: (row.n, row.n_critical)
            for row in NodeSummary.objects.filter(
                node_id=node.pk, threat=THREAT_CODES[question.threat]
            )
        }
        assert summary == count_states([question])


def test_nothing_asked_is_nothing_found_and_unknown_nodes_are_left_out() -> None:
    make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)

    assert application_states([]) == []
    assert path_states([]) == []
    assert node_failures([10**12], settings=engine_settings()) == []


def test_a_slow_and_a_sudden_failure_at_once_ask_for_what_each_of_them_asks() -> None:
    """The outage forbids the tested way out that nobody uses yet; the retirement forbids what ends
    before the horizon; what is left has to outlast both."""
    host, other = make_provider("here"), make_provider("elsewhere")
    offering = make_offering(host=host)
    ending = make_offering(host=other, retires_on=TODAY + timedelta(30), date_kind="firm")
    application = make_application()
    primary = make_dependency(application, offering)
    make_dependency(application, ending, "fallback")
    tested = make_offering(host=other)
    make_exit_test(primary, tested)
    rebuild(on=TODAY)
    outage, retirement = (NodeKind.HOST, host), (NodeKind.VERSION, offering.version_id)

    assert states(asked(outage)) == {application.pk: "cushioned"}
    assert states(asked(retirement)) == {application.pk: "portable"}
    assert states(asked(outage, retirement)) == {application.pk: "exposed"}


def test_grade_5_asks_that_no_party_is_in_both_paths_not_even_a_gateway_or_a_common_parent() -> (
    None
):
    holding = make_provider("holding")
    gateway = make_provider("way", roles=("gateway",), parent=holding)
    first = make_offering(version=make_version(foundation=make_foundation("one/a")))
    second = make_offering(version=make_version(foundation=make_foundation("two/b")))
    ExposureSettings.objects.create(pk=1, required_grade={"retirement": {"*": 5}})
    alone, same_way, same_house = (make_application() for _ in range(3))
    make_dependency(alone, first, reached="gateway", via_party=gateway)
    make_dependency(alone, second, "fallback")
    make_dependency(same_way, first, reached="gateway", via_party=gateway)
    make_dependency(same_way, second, "fallback", reached="gateway", via_party=gateway)
    sister = make_provider("sister", parent=holding)
    make_dependency(same_house, first, reached="gateway", via_party=gateway)
    make_dependency(same_house, second, "fallback", reached="embedded", via_party=sister)
    rebuild(on=TODAY)

    found = states(asked((NodeKind.VERSION, first.version_id)))

    assert found == {alone.pk: "cushioned", same_way.pk: "exposed", same_house.pk: "exposed"}


def test_a_fallback_that_is_retired_already_does_not_help_in_an_outage() -> None:
    application = make_application()
    primary = make_dependency(application, make_offering())
    make_dependency(application, make_offering(lifecycle="retired"), "fallback")
    rebuild(on=TODAY)

    assert states(asked((NodeKind.HOST, primary.offering.host_id))) == {application.pk: "exposed"}


def test_a_path_that_is_struck_twice_needs_the_stricter_of_both() -> None:
    house = make_provider("house")
    gateway = make_provider("way", roles=("gateway",))
    first, sister = (
        make_provider(name, roles=("developer",), parent=house) for name in ("first", "sister")
    )
    offerings = [
        make_offering(
            version=make_version(foundation=make_foundation(f"{party.slug}/m", developer=party))
        )
        for party in (first, sister)
    ]
    application = make_application()
    make_dependency(application, offerings[0], reached="gateway", via_party=gateway)
    make_dependency(application, offerings[1], "fallback")
    rebuild(on=TODAY)

    assert states(asked((NodeKind.GATEWAY, gateway))) == {application.pk: "cushioned"}
    assert states(asked((NodeKind.DEVELOPER, first))) == {application.pk: "exposed"}
    assert states(asked((NodeKind.GATEWAY, gateway), (NodeKind.DEVELOPER, first))) == {
        application.pk: "exposed"
    }
    version = (NodeKind.VERSION, offerings[0].version_id)
    assert states(asked(version)) == {application.pk: "cushioned"}
    assert states(asked(version, (NodeKind.DEVELOPER, first))) == {application.pk: "exposed"}


def test_a_gateway_that_the_offering_and_the_dependency_both_name_strikes_the_path_once() -> None:
    gateway = make_provider("way", roles=("gateway",))
    application = make_application()
    make_dependency(
        application, make_offering(gateway=gateway), reached="gateway", via_party=gateway
    )
    make_dependency(application, make_offering())
    rebuild(on=TODAY)
    of = asked((NodeKind.GATEWAY, gateway))

    assert [(standing.state, standing.hit_share) for standing in application_states(of)] == [
        ("partial", 0.5)
    ]
    assert len(path_states(of)) == 1


def test_a_fallback_that_falls_with_another_of_the_nodes_rescues_nobody() -> None:
    first, second = make_offering(), make_offering()
    application = make_application()
    make_dependency(application, first)
    make_dependency(application, second, "fallback")
    rebuild(on=TODAY)

    assert states(asked((NodeKind.HOST, first.host_id))) == {application.pk: "cushioned"}
    assert states(asked((NodeKind.HOST, first.host_id), (NodeKind.HOST, second.host_id))) == {
        application.pk: "exposed"
    }


def test_pages_of_states_end_where_the_whole_ends() -> None:
    host = make_provider()
    for n in range(11):
        make_dependency(make_application(criticality=n % 3), make_offering(host=host))
    rebuild(on=TODAY)
    of = asked((NodeKind.HOST, host))
    whole = application_states(of)
    criticality = dict(Application.objects.values_list("pk", "criticality"))

    paged, after = [], None
    while page := application_states(of, after=after, limit=4):
        paged += page
        after = (criticality[page[-1].application_id], page[-1].application_id)

    assert paged == whole
    assert [
        (criticality[standing.application_id], standing.application_id) for standing in whole
    ] == sorted(
        (criticality[standing.application_id], standing.application_id) for standing in whole
    )


def test_teams_applications_and_states_restrict_what_is_found() -> None:
    host = make_provider()
    offering, elsewhere = make_offering(host=host), make_offering()
    ours, theirs = make_team(), make_team()
    first, second, third = (make_application(team=team) for team in (ours, ours, theirs))
    for application in (first, second, third):
        make_dependency(application, offering)
    make_dependency(second, elsewhere, "fallback")
    rebuild(on=TODAY)
    of = asked((NodeKind.HOST, host))

    def found(**only: object) -> set[int]:
        return {standing.application_id for standing in application_states(of, **only)}  # type: ignore[arg-type]

    assert found() == {first.pk, second.pk, third.pk}
    assert found(team_ids=[ours.pk]) == {first.pk, second.pk}
    assert found(team_ids=[]) == set()
    assert found(application_ids=[third.pk], team_ids=[ours.pk]) == set()
    assert found(application_ids=[]) == set()
    assert found(states=["cushioned"]) == {second.pk}
    assert found(states=[]) == set()
    assert count_states(of, team_ids=[theirs.pk]) == {"exposed": (1, 0)}
    assert {path.application_id for path in path_states(of, team_ids=[theirs.pk])} == {third.pk}


def test_the_named_rescue_is_the_first_of_the_best() -> None:
    application = make_application()
    primary = make_dependency(application, make_offering())
    second = make_dependency(application, make_offering(), "fallback", fallback_order=2)
    first = make_dependency(application, make_offering(), "fallback", fallback_order=1)
    rebuild(on=TODAY)
    of = asked((NodeKind.HOST, primary.offering.host_id))
    (untested,) = path_states(of)
    make_exit_test(primary, second.offering)
    rebuild(on=TODAY)
    (tested,) = path_states(of)

    assert untested.rescue is not None
    assert (untested.state, untested.rescue.dependency_id) == ("cushioned", first.pk)
    assert tested.rescue is not None
    assert (tested.state, tested.rescue.dependency_id) == ("portable", second.pk)


def test_three_hundred_dependencies_on_one_application_are_shares_of_one() -> None:
    application = make_application(monthly_spend=300)
    offerings = [make_offering() for _ in range(30)]
    for n in range(300):
        make_dependency(
            application, offerings[n % 30], traffic_share="3" if n == 0 else None if n % 3 else "0"
        )
    rebuild(on=TODAY)
    paths = path_states(asked(*((NodeKind.HOST, offering.host_id) for offering in offerings)))
    (standing,) = application_states(
        asked(*((NodeKind.HOST, offering.host_id) for offering in offerings))
    )

    assert [path.share for path in paths] == [1.0]
    assert standing.hit_share == 1


def test_shares_above_one_are_scaled_and_zero_shares_stand_by() -> None:
    application = make_application()
    for share in ("2", "1", "0"):
        make_dependency(application, make_offering(), traffic_share=share)
    rebuild(on=TODAY)
    hosts = [
        (NodeKind.HOST, dependency.offering.host_id)
        for dependency in application.dependencies.order_by("pk")
    ]

    assert sorted(path.share for path in path_states(asked(*hosts))) == pytest.approx(
        [1 / 3, 2 / 3]
    )
    (partial,) = application_states(asked(hosts[0]))
    assert (partial.state, partial.hit_share) == ("partial", pytest.approx(2 / 3))
    assert application_states(asked(hosts[2])) == []


def test_the_first_and_the_last_day_that_a_date_can_say_are_days_like_others() -> None:
    application = make_application()
    fallback = make_offering(retires_on="9999-12-31", date_kind="firm")
    primary = make_dependency(application, make_offering(), since="0001-01-01", until="9999-12-31")
    make_dependency(application, fallback, "fallback", since="0001-01-01")
    make_exit_test(primary, fallback, tested_on="0001-01-01")
    rebuild(on=TODAY)

    assert states(asked((NodeKind.HOST, primary.offering.host_id), threat=OUTAGE)) == {
        application.pk: "cushioned"
    }
