"""How many stand on each node of a layer: for the organisation from the kept summary, for a team
from its own paths."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.exposure.models import Layer, Policy
from apps.exposure.queries.concentration import layer_table, visible_team_ids
from apps.inventory.models import Criticality
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_policy,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.exposure.portfolio import bring_up_to_date, user_of

pytestmark = pytest.mark.django_db


def table_of(layer, user=None):
    bring_up_to_date(TODAY)
    return layer_table(layer=layer, user=user or make_user(role="governance"))


def counts(table):
    return {row.slug: (row.n_applications, row.n_critical) for row in table.rows}


def test_counts_and_critical_shares_per_developer():
    ours = make_offering(version=make_version(foundation=make_foundation("alpha/one")))
    theirs = make_offering(version=make_version(foundation=make_foundation("beta/two")))
    for criticality in (Criticality.CRITICAL, Criticality.CRITICAL, Criticality.LOW):
        user_of(ours, criticality=criticality)
    user_of(theirs, criticality=Criticality.CRITICAL)

    table = table_of(Layer.DEVELOPER)

    assert (table.n_applications, table.n_critical, table.as_of) == (4, 3, TODAY)
    assert [
        (row.slug, row.n_applications, row.n_critical, row.critical_share, row.share)
        for row in table.rows
    ] == [
        ("alpha", 3, 2, Decimal("0.666667"), Decimal("0.750000")),
        ("beta", 1, 1, Decimal("0.333333"), Decimal("0.250000")),
    ]


def test_an_application_with_two_primaries_on_a_node_counts_once():
    host = make_provider("here")
    application = user_of(make_offering(host=host))
    make_dependency(application, make_offering(host=host))

    assert counts(table_of(Layer.HOST)) == {"here": (1, 0)}


@pytest.mark.parametrize(
    "role", ["fallback", "judge", "guardrail", "embedding", "reranker", "tool"]
)
def test_other_roles_do_not_stand(role):
    user_of(make_offering(), role)

    assert table_of(Layer.HOST).rows == []


def test_a_corporate_parent_carries_what_stands_on_its_daughters_and_comes_behind_them():
    parent = make_provider("alpha-holding", roles=("developer",))
    maker = make_provider("zeta", roles=("developer",), parent=parent)
    user_of(
        make_offering(version=make_version(foundation=make_foundation("zeta/one", developer=maker)))
    )

    assert [(row.slug, row.n_applications) for row in table_of(Layer.DEVELOPER).rows] == [
        ("zeta", 1),
        ("alpha-holding", 1),
    ]


def test_unresolved_offerings_have_a_host_and_no_developer():
    user_of(make_offering(host=make_provider("here"), resolved=False))

    assert counts(table_of(Layer.HOST)) == {"here": (1, 0)}
    assert table_of(Layer.DEVELOPER).rows == []


@pytest.mark.parametrize(
    ("reached", "layer"), [("gateway", Layer.GATEWAY), ("embedded", Layer.VENDOR)]
)
def test_a_party_in_between_is_a_layer_of_its_own(reached, layer):
    application = make_application()
    party = make_provider("between", roles=("gateway",))
    make_dependency(application, make_offering(), reached=reached, via_party=party)

    assert counts(table_of(layer)) == {"between": (1, 0)}
    assert counts(layer_table(layer=layer, user=make_member(application.team))) == {
        "between": (1, 0)
    }


def test_the_tolerated_line_itself_is_not_over_it():
    for _ in range(2):
        user_of(make_offering(host=make_provider(f"host-{_}")), criticality=Criticality.CRITICAL)
    Policy.objects.filter(slug="critical-on-one-host").update(tolerance="0.5")

    table = table_of(Layer.HOST)

    assert [(row.critical_share, row.tolerance, row.over) for row in table.rows] == [
        (Decimal("0.5"), Decimal("0.5"), False)
    ] * 2


def test_the_lowest_line_counts_and_one_that_is_off_or_asks_something_else_does_not():
    user_of(make_offering(host=make_provider("here")), criticality=Criticality.CRITICAL)
    make_policy("lower", tolerance="0.3")
    make_policy("off", tolerance="0.1", enabled=False)
    make_policy("exposed-only", tolerance="0.1", states=["exposed"])
    make_policy("another-threat", tolerance="0.1", threat="error")

    table = table_of(Layer.HOST)

    assert (table.tolerance, table.rows[0].over) == (Decimal("0.3"), True)


def test_a_member_gets_the_shares_of_the_own_teams_and_is_told_so():
    team, host = make_team(), make_provider("here")
    user_of(make_offering(host=host), team=team, criticality=Criticality.CRITICAL)
    user_of(make_offering(host=host), criticality=Criticality.CRITICAL)

    table = table_of(Layer.HOST, make_member(team))

    assert (table.whole_organisation, table.n_applications, table.rows[0].n_applications) == (
        False,
        1,
        1,
    )


def test_both_ways_of_counting_agree_where_a_team_owns_everything():
    team = make_team()
    base = make_version("maker/base")
    for n in range(4):
        application = user_of(
            make_offering(version=base if n % 2 else None), team=team, criticality=n % 2
        )
        make_dependency(application, make_offering(resolved=n != 3))
    member = make_member(team)

    for layer in Layer:
        whole, own = table_of(layer), layer_table(layer=layer, user=member)
        assert [(row.node_id, row.n_applications, row.n_critical) for row in whole.rows] == [
            (row.node_id, row.n_applications, row.n_critical) for row in own.rows
        ]


def test_somebody_without_a_team_gets_an_empty_answer():
    user_of(make_offering())

    table = table_of(Layer.HOST, make_user())

    assert (table.n_applications, table.rows, visible_team_ids(make_user())) == (0, [], [])


@pytest.mark.parametrize("layer", list(Layer))
def test_one_statement_whatever_the_portfolio(layer):
    for _ in range(3):
        user_of(make_offering())
    bring_up_to_date(TODAY)
    governance = make_user(role="governance")

    with CaptureQueriesContext(connection) as queries:
        layer_table(layer=layer, user=governance)

    assert len(queries) == 1
