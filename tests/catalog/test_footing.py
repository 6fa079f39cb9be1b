"""Footing is what the catalogue says, whichever way the catalogue came to say it."""

import random
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.catalog.footing import footing_differences, refresh_footing
from apps.catalog.models import Derivation, Footing, NodeKind, Offering, Provider, Region, Via
from tests.builders import (
    make_derivation,
    make_foundation,
    make_offering,
    make_provider,
    make_version,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 24)


def standing(offering: Offering) -> dict[tuple[str, int], tuple[str, int]]:
    """{(node kind, ref): (via, depth)}"""
    rows = Footing.objects.filter(offering=offering).select_related("node")
    return {
        (NodeKind(row.node.kind).label, row.node.ref): (Via(row.via).label, row.depth)
        for row in rows
    }


def test_an_offering_stands_on_itself_its_version_foundation_developer_and_host() -> None:
    offering = make_offering("sonnet", version=make_version("anthropic/sonnet-1"))

    found = standing(offering)

    version = offering.version
    assert version is not None
    assert found == {
        ("offering", offering.pk): ("direct", 0),
        ("version", version.pk): ("direct", 0),
        ("foundation", version.foundation_id): ("direct", 0),
        ("developer", version.foundation.developer_id): ("direct", 0),
        ("host", offering.host_id): ("direct", 0),
    }


def test_an_unresolved_offering_stands_on_itself_and_its_host_only() -> None:
    offering = make_offering("deployment-7", resolved=False)

    assert {kind for kind, _ in standing(offering)} == {"offering", "host"}


def test_corporate_parents_lie_below_their_subsidiaries() -> None:
    group = make_provider("group")
    offering = make_offering(host=make_provider("daughter", parent=group))

    assert standing(offering)["host", group.pk] == ("direct", 1)


def test_weights_pass_through_fine_tunes_and_only_behaviour_through_a_distillation() -> None:
    base, tuned, student = (make_version(f"maker/{name}") for name in ("base", "tuned", "student"))
    make_derivation(tuned, base)
    make_derivation(student, tuned, kind="distillation")
    offering = make_offering(version=student)

    found = standing(offering)

    assert found["version", tuned.pk] == ("behaviour", 1)
    assert found["version", base.pk] == ("behaviour", 2)
    assert standing(make_offering(version=tuned))["version", base.pk] == ("weights", 1)


def test_the_next_generation_is_no_ancestor() -> None:
    old, new = make_version("maker/one"), make_version("maker/two")
    make_derivation(new, old, kind="next_generation")

    assert ("version", old.pk) not in standing(make_offering(version=new))


def test_the_strongest_tie_to_a_node_wins() -> None:
    foundation = make_foundation("maker/line")
    base, tuned = (
        make_version("maker/a", foundation=foundation),
        make_version("maker/b", foundation=foundation),
    )
    make_derivation(tuned, base)

    assert standing(make_offering(version=tuned))["foundation", foundation.pk] == ("direct", 0)


def test_one_region_is_direct_and_several_are_one_of() -> None:
    host = make_provider("cloud")
    regions = [Region.objects.create(host=host, name=name) for name in ("eu", "us")]
    single, several = make_offering("single", host=host), make_offering("several", host=host)
    single.regions.set(regions[:1])
    several.regions.set(regions)
    refresh_footing([single.pk, several.pk])

    assert standing(single)["region", regions[0].pk] == ("direct", 0)
    assert {standing(several)["region", region.pk] for region in regions} == {("one_of", 0)}


def test_a_retired_offering_that_redirects_stands_where_its_replacement_stands() -> None:
    new = make_offering("new")
    old = make_offering(
        "old",
        replacement=new,
        end_behaviour="redirect",
        retires_on=date(2026, 11, 24),
        date_kind="firm",
    )

    refresh_footing([old.pk], today=date(2026, 11, 23))
    before = standing(old)
    refresh_footing([old.pk], today=TODAY)

    assert new.version is not None
    assert ("version", new.version.pk) not in before
    assert ("version", new.version.pk) in standing(old)
    assert ("offering", old.pk) in standing(old)


def test_a_circle_of_redirects_leads_nowhere() -> None:
    fields = {"end_behaviour": "redirect", "retires_on": date(2026, 1, 1), "date_kind": "firm"}
    a, b = make_offering("a", **fields), make_offering("b", **fields)
    Offering.objects.filter(pk=a.pk).update(replacement=b)
    Offering.objects.filter(pk=b.pk).update(replacement=a)
    refresh_footing(today=TODAY)

    assert a.version is not None
    assert standing(a)["version", a.version.pk] == ("direct", 0)
    assert b.version is not None
    assert ("version", b.version.pk) not in standing(a)


def test_what_redirects_to_a_changed_offering_changes_with_it() -> None:
    new = make_offering("new")
    old = make_offering(
        "old",
        replacement=new,
        end_behaviour="redirect",
        retires_on=date(2026, 1, 1),
        date_kind="firm",
    )
    other = make_version("maker/other")
    Offering.objects.filter(pk=new.pk).update(version=other)

    refresh_footing([new.pk], today=TODAY)

    assert ("version", other.pk) in standing(old)


@pytest.mark.proof
def test_after_random_edits_the_footing_has_no_difference() -> None:
    dice = random.Random(7)
    providers = [make_provider(f"p{i}", roles=("developer", "host")) for i in range(6)]
    versions = [make_version(f"p{i % 6}/v{i}") for i in range(20)]
    offerings = [
        make_offering(f"o{i}", host=dice.choice(providers), version=dice.choice(versions))
        for i in range(30)
    ]
    for i in range(1, 20):
        make_derivation(
            versions[i], versions[dice.randrange(i)], kind=dice.choice(Derivation.Kind.values)
        )
    Provider.objects.filter(pk=providers[0].pk).update(parent=providers[1])
    for offering in offerings:
        Offering.objects.filter(pk=offering.pk).update(
            version=dice.choice([*versions, None]),
            gateway=dice.choice([*providers, None]),
            replacement=dice.choice([o for o in offerings if o.pk != offering.pk]),
            end_behaviour=dice.choice(["error", "redirect"]),
            lifecycle=dice.choice(["active", "retired"]),
        )

    refresh_footing()

    assert footing_differences() == []


def test_a_difference_is_named() -> None:
    offering = make_offering()
    Footing.objects.filter(offering=offering, node__kind=NodeKind.HOST).delete()

    (difference,) = footing_differences()

    assert (difference.offering_id, difference.kind, difference.stored) == (
        offering.pk,
        NodeKind.HOST,
        None,
    )
    assert difference.due == (0, 0)
    assert refresh_footing() == 1
    assert footing_differences() == []


@pytest.mark.proof
def test_refreshing_what_is_right_writes_nothing_and_costs_the_same_for_many() -> None:
    offerings = [make_offering() for _ in range(12)]
    with CaptureQueriesContext(connection) as one:
        assert refresh_footing([offerings[0].pk]) == 0
    with CaptureQueriesContext(connection) as many:
        assert refresh_footing([offering.pk for offering in offerings]) == 0

    assert len(one) == len(many)


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_an_offering_without_its_footing() -> None:
    version, host = make_version(), make_provider()

    with pytest.raises(IntegrityError, match="no complete footing"), transaction.atomic():
        Offering.objects.create(host=host, api_id="bare", version=version)


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_a_circle_of_descent() -> None:
    a, b = make_version("maker/a"), make_version("maker/b")
    make_derivation(a, b)

    with pytest.raises(IntegrityError, match="circle"):
        make_derivation(b, a, kind="merge")


def test_an_offering_that_a_test_makes_has_the_footing_that_a_refresh_would_give_it() -> None:
    group = make_provider("group")
    parent = make_version("maker/base-1", foundation=make_foundation("maker/base"))
    child = make_version("maker/tuned-1")
    make_derivation(child, parent, "distillation")
    old = make_offering("old", version=parent, host=make_provider("cloud", parent=group))
    make_offering("new", version=child, host=old.host, gateway=make_provider("gate", parent=group))
    make_offering("unknown", version=None, resolved=False)
    make_offering("moved", replacement=old, end_behaviour="redirect", lifecycle="retired")
    make_offering("named", kind="name", version=parent, host=old.host)
    # behind a name, which may be this one too
    make_offering("newest", version=parent, host=old.host)

    assert footing_differences() == []
