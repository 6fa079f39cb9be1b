"""The quick reads of a portfolio say what the inventory says, for everybody and for a team."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import NodeKind, Provider
from apps.exposure.queries.portfolio import (
    common_stacks,
    dependent_counts,
    party_applications,
    party_reach,
    portfolio_figures,
    retiring_offerings,
    used_nodes,
)
from apps.inventory.models import Criticality
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.exposure.portfolio import bring_up_to_date
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


def in_days(days: int) -> date:
    return TODAY + timedelta(days)


@pytest.fixture
@kept_world
def two_teams():
    """Two teams on one developer at two hosts; something of every kind of end."""
    maker = make_provider("maker", roles=("developer", "host", "gateway"))
    cloud = make_provider("cloud")
    version = make_version("maker/one-1", foundation=make_foundation("maker/one", developer=maker))
    ours, theirs = make_team("Claims"), make_team("Legal")
    stays = make_offering("stays", host=cloud, version=version)
    again = make_offering("stays-eu", host=cloud, version=version)
    ended = make_offering(
        "ended", host=maker, version=version, retires_on=in_days(-3), date_kind="firm"
    )
    soon = make_offering(
        "soon", host=maker, version=version, retires_on=in_days(30), date_kind="firm"
    )
    later = make_offering(
        "later", host=maker, version=version, retires_on=in_days(180), date_kind="firm"
    )
    make_offering("far", host=maker, version=version, retires_on=in_days(181), date_kind="firm")
    promised = make_offering(
        "promised", host=maker, version=version, retires_on=in_days(9), date_kind="not_before"
    )
    redirected = make_offering(
        "redirected",
        host=maker,
        version=version,
        retires_on=in_days(9),
        date_kind="firm",
        end_behaviour="redirect",
        replacement=stays,
    )
    unknown = make_offering("unknown", host=cloud, resolved=False)

    def runs(name, offering, team, *more, criticality=Criticality.STANDARD, **fields):
        application = make_application(name, team=team, criticality=criticality)
        make_dependency(application, offering, **fields)
        for other in more:
            make_dependency(application, other)
        return application

    runs("Two regions", stays, ours, again, criticality=Criticality.CRITICAL)
    runs("Past", ended, ours)
    runs("Soon", soon, ours, criticality=Criticality.CRITICAL)
    runs("Later", later, theirs)
    runs("Promised", promised, theirs)
    runs("Redirected", redirected, theirs)
    runs("Unplaced", unknown, theirs, reached="gateway", via_party=maker)
    leaning = make_application("Leaning", team=theirs)
    make_dependency(leaning, soon, "judge")
    bring_up_to_date(TODAY)
    return {
        "office": make_user(role="governance"),
        "member": make_member(ours),
        "maker": maker,
        "cloud": cloud,
    }


def test_figures_count_each_application_once_by_what_answers_for_its_primaries(two_teams):
    with CaptureQueriesContext(
        connection,
    ) as statements:
        found = portfolio_figures(user=two_teams["office"], on=TODAY)

    assert (found.n_applications, found.n_critical, found.as_of) == (8, 2, TODAY)
    assert (found.n_ended, found.n_ending_30, found.n_ending_180, found.n_offerings_180) == (
        1,
        1,
        3,
        3,
    )
    assert found.n_unresolved == 1
    assert len(statements) == 1


def test_a_member_is_told_of_the_own_teams(two_teams):
    found = portfolio_figures(user=two_teams["member"], on=TODAY)

    assert (found.n_applications, found.n_critical, found.n_ended, found.n_ending_180) == (
        3,
        2,
        1,
        2,
    )
    assert found.n_unresolved == 0
    assert [
        (stack.n, stack.host) for stack in common_stacks(user=two_teams["member"], limit=9)
    ] == [
        (2, two_teams["maker"].name),
        (1, two_teams["cloud"].name),
    ]


def test_applications_registered_a_moment_ago_are_not_denied(db):
    make_application("First", criticality=Criticality.CRITICAL)

    found = portfolio_figures(user=make_user(role="governance"), on=TODAY)

    assert (found.n_applications, found.n_critical, found.as_of) == (1, 1, None)


def test_stacks_count_an_application_with_two_regions_once(two_teams):
    stacks = common_stacks(user=two_teams["office"], limit=9)

    assert [
        (stack.n, stack.n_critical, stack.host, stack.version, stack.ends_on) for stack in stacks
    ] == [
        (5, 1, two_teams["maker"].name, "maker/one-1", in_days(-3)),
        (1, 1, two_teams["cloud"].name, "maker/one-1", None),
        (1, 0, two_teams["cloud"].name, None, None),
    ]
    assert [stack.n for stack in common_stacks(user=two_teams["office"], limit=1)] == [5]


def test_endings_come_soonest_first_in_any_role_until_the_given_day(two_teams):
    with CaptureQueriesContext(connection) as statements:
        found = retiring_offerings(user=two_teams["office"], on=TODAY, within=180, limit=50)

    # the two of day 9 by how many stand there, then by their number
    assert [(row.offering.api_id, row.n, row.n_critical) for row in found] == [
        ("ended", 1, 0),
        ("promised", 1, 0),
        ("redirected", 1, 0),
        ("soon", 2, 1),
        ("later", 1, 0),
    ]
    assert len(statements) == 3
    assert [
        row.n
        for row in retiring_offerings(user=two_teams["member"], on=TODAY, within=180, limit=50)
    ] == [
        1,
        1,
    ]
    assert [
        row.offering.api_id
        for row in retiring_offerings(user=two_teams["office"], on=TODAY, within=180, limit=2)
    ] == [
        "ended",
        "promised",
    ]


def test_a_party_is_counted_in_all_its_parts(two_teams):
    office = two_teams["office"]

    reach = party_reach(provider=two_teams["maker"], user=office)

    assert (reach.n, reach.at_least, reach.n_critical) == (8, False, 2)
    assert reach.by_part == {NodeKind.DEVELOPER: 7, NodeKind.HOST: 6, NodeKind.GATEWAY: 1}
    found = party_applications(provider=two_teams["maker"], user=office, limit=3)
    assert [application.name for application in found] == ["Two regions", "Soon", "Past"]
    assert party_reach(provider=two_teams["maker"], user=two_teams["member"]).n == 3
    assert party_reach(provider=make_provider("nobody"), user=office).shown == "0"
    assert list(party_applications(provider=make_provider("nobody-2"), user=office, limit=3)) == []


def test_many_are_read_off_and_said_to_be_at_least(two_teams, monkeypatch):
    monkeypatch.setattr("apps.exposure.queries.portfolio.COUNT_LIMIT", 2)
    office = two_teams["office"]

    reach = party_reach(provider=two_teams["maker"], user=office)

    assert (reach.shown, reach.n_critical) == ("7+", 2)
    assert [
        found.name
        for found in party_applications(provider=two_teams["maker"], user=office, limit=2)
    ] == [
        "Two regions",
        "Soon",
    ]
    assert party_reach(provider=two_teams["cloud"], user=office).shown == "2"


def test_a_party_of_one_part_is_read_off_exactly(two_teams, django_assert_num_queries):
    with django_assert_num_queries(1):
        reach = party_reach(provider=two_teams["cloud"], user=two_teams["office"])

    assert (reach.n, reach.at_least, reach.n_critical) == (2, False, 1)
    assert reach.by_part == {NodeKind.HOST: 2}


@pytest.mark.parametrize("who", ["office", "member"])
def test_counts_per_node_agree_with_what_stands_there(two_teams, who):
    maker, cloud = two_teams["maker"], Provider.objects.get(slug="cloud")

    hosts = dependent_counts(kind=NodeKind.HOST, refs=[maker.pk, cloud.pk], user=two_teams[who])

    counts = {pk: (row.n, row.n_standing, row.n_critical) for pk, row in hosts.items()}
    expected = {
        "office": {maker.pk: (6, 5, 1), cloud.pk: (2, 2, 1)},
        "member": {maker.pk: (2, 2, 1), cloud.pk: (1, 1, 1)},
    }
    assert counts == expected[who]
    assert set(used_nodes(kind=NodeKind.HOST, user=two_teams[who])) == {maker.pk, cloud.pk}
    assert dependent_counts(kind=NodeKind.HOST, refs=[], user=two_teams[who]) == {}


def test_a_gateway_named_by_the_dependency_counts(two_teams):
    maker = two_teams["maker"]

    found = dependent_counts(kind=NodeKind.GATEWAY, refs=[maker.pk], user=two_teams["office"])

    assert [(row.n, row.n_standing) for row in found.values()] == [(1, 1)]
    assert used_nodes(kind=NodeKind.GATEWAY, user=two_teams["office"]) == [maker.pk]
    assert used_nodes(kind=NodeKind.GATEWAY, user=two_teams["member"]) == []
