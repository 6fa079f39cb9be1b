"""Concentration at past month ends: computed from dates and history, measured once a snapshot of
that day exists, and stored once."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta

import pgtrigger
import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Footing, Node, NodeKind
from apps.common.time import day_of, now, start_of
from apps.exposure.models import Layer, MonthlyConcentration
from apps.exposure.queries.concentration import layer_table
from apps.exposure.queries.concentration_history import concentration_history, quarter_before
from apps.exposure.snapshots.daily import take_snapshot
from apps.exposure.snapshots.monthly import (
    compute_node_counts,
    past_month_ends,
    store_snapshot_month,
    update_months,
)
from apps.exposure.threats import DEFAULT_THREAT, TIES
from apps.inventory.models import Application, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.exposure.portfolio import bring_up_to_date, node_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ApplicationHistory = apps.get_model("inventory", "ApplicationHistory")


@pytest.fixture
def today():
    return day_of(now())


def record_earlier(application: Application, at: datetime) -> None:
    """Let what the history has of an application be of an earlier moment."""
    with pgtrigger.ignore():
        ApplicationHistory.objects.filter(pgh_obj_id=application.pk).update(pgh_created_at=at)


def count_by_hand(day: date) -> dict[int | None, tuple[int, int]]:
    """Count applications by node at the end of a day, one by one."""
    reached_through = {1: NodeKind.GATEWAY, 2: NodeKind.VENDOR}
    counts: dict[int | None, list[int]] = defaultdict(lambda: [0, 0])
    for application in Application.objects.all():
        versions = list(
            ApplicationHistory.objects.filter(pgh_obj_id=application.pk).order_by("pgh_id")
        )
        recorded = [v for v in versions if v.pgh_created_at < start_of(day + DAY)]
        version = recorded[-1] if recorded else versions[0]
        live = [
            d
            for d in Dependency.objects.filter(application=application)
            if d.since <= day and (d.until is None or d.until > day)
        ]
        in_scope = version.status in Application.IN_SCOPE
        if not recorded:
            ended = version.status == "retired" and any(d.until for d in live)
            in_scope = bool(live) and (in_scope or ended)
        if not in_scope:
            continue
        primaries = [d for d in live if d.role == "primary"]
        given = sum(float(d.traffic_share or 0) for d in primaries)
        n_open = sum(d.traffic_share is None for d in primaries)
        nodes: set[int | None] = {None}
        for d in primaries:
            is_used = (
                d.traffic_share > 0
                if d.traffic_share is not None and (given or n_open)
                else given < 1
            )
            if not is_used:
                continue
            for footing in Footing.objects.filter(offering=d.offering).select_related("node"):
                kind = NodeKind(footing.node.kind)
                if kind.name in Layer.__members__ and footing.via in TIES[DEFAULT_THREAT[kind]]:
                    nodes.add(footing.node_id)
            way = {"gateway": 1, "embedded": 2}.get(d.reached)
            if way:
                nodes.add(Node.objects.get(kind=reached_through[way], ref=d.via_party_id).pk)
        for node in nodes:
            counts[node][0] += 1
            counts[node][1] += version.criticality == 0
    return {node: (n, n_critical) for node, (n, n_critical) in counts.items()}


@pytest.mark.parametrize("seed", range(6))
def test_months_are_those_of_a_count_one_by_one(seed, today):
    dice = random.Random(seed)
    gateway = make_provider("gate", roles=("gateway",))
    vendor = make_provider("vendor", roles=("vendor",))
    hosts = [make_provider(f"host-{n}") for n in range(3)]
    versions = [make_version() for _ in range(4)]
    offerings = [
        make_offering(host=dice.choice(hosts), version=dice.choice(versions)) for _ in range(8)
    ]
    offerings.append(make_offering(resolved=False))
    team = make_team()
    for _ in range(25):
        application = make_application(
            team=team,
            criticality=dice.randrange(4),
            status=dice.choice(["production", "production", "pilot", "proposed", "retired"]),
        )
        if dice.random() < 0.5:
            record_earlier(application, now() - timedelta(days=dice.randrange(1, 400)))
        if dice.random() < 0.4:
            application.criticality = dice.randrange(4)
            application.status = dice.choice(["production", "retired"])
            application.save()
        for _ in range(dice.randrange(4)):
            since = today - timedelta(days=dice.randrange(0, 500))
            until = since + timedelta(days=dice.randrange(1, 400)) if dice.random() < 0.5 else None
            reached, party = dice.choice(
                [("direct", None), ("direct", None), ("gateway", gateway), ("embedded", vendor)]
            )
            make_dependency(
                application,
                dice.choice(offerings),
                dice.choice(["primary", "primary", "fallback"]),
                since=since,
                until=until,
                traffic_share=dice.choice([None, None, "0", "0.5", "1"]),
                reached=reached,
                via_party=party,
            )
    bring_up_to_date(today)

    for day in past_month_ends(today)[::3]:
        assert {node: (n, c) for node, n, c in compute_node_counts(day)} == count_by_hand(day)


def test_the_values_of_today_are_those_of_the_pages_and_of_the_snapshot(today):
    host = make_provider("here")
    offering = make_offering(host=host)
    make_dependency(make_application(criticality=0), offering)
    make_dependency(make_application(), make_offering())
    take_snapshot(on=today)

    computed = {node: (n, c) for node, n, c in compute_node_counts(today)}
    store_snapshot_month(on=today, at=now())

    measured = {
        row.node_id: (row.n, row.n_critical)
        for row in MonthlyConcentration.objects.filter(day=today)
    }
    assert computed == measured
    (row, _) = layer_table(layer=Layer.HOST, user=make_user(role="governance")).rows
    assert computed[row.node_id] == (row.n_applications, row.n_critical) == (1, 1)
    assert computed[None] == (2, 1)


def test_the_line_exists_on_the_first_day(today):
    offering = make_offering()
    months = past_month_ends(today)
    make_dependency(make_application(criticality=0), offering, since=months[0])
    make_dependency(
        make_application(criticality=0), make_offering(), since=months[0], until=months[8]
    )

    n = update_months(on=today, at=now())

    node = node_of(offering).pk
    history = concentration_history([node], user=make_user(role="governance"), on=today)[node]
    assert n == 12
    assert [month.day for month in history] == months
    assert [float(month.critical_share) for month in history] == [0.5] * 8 + [1.0] * 4
    assert quarter_before(history, on=today) == history[9]


def test_months_before_the_first_application_are_left_out(today):
    offering = make_offering()
    months = past_month_ends(today)
    make_dependency(make_application(criticality=0), offering, since=months[9])
    update_months(on=today, at=now())

    node = node_of(offering).pk
    history = concentration_history([node], user=make_user(role="governance"), on=today)[node]

    assert [month.day for month in history] == months[9:]


def test_users_without_an_organisation_role_have_no_stored_history(today):
    offering = make_offering()
    make_dependency(make_application(criticality=0), offering)
    update_months(on=today, at=now())

    assert concentration_history([node_of(offering).pk], user=make_user(), on=today) == {}


def test_a_second_run_writes_nothing(today):
    make_dependency(make_application(criticality=0), make_offering())
    update_months(on=today, at=now())

    with CaptureQueriesContext(connection) as queries:
        n = update_months(on=today, at=now())

    assert n == 0
    assert not [q for q in queries if q["sql"].startswith(("INSERT", "DELETE", "UPDATE"))]


def test_a_change_of_the_inventory_is_computed_into_the_past_an_hour_later(today):
    offering = make_offering()
    dependency = make_dependency(make_application(criticality=0), offering, since=today)
    update_months(on=today, at=now() - timedelta(minutes=30))
    make_dependency(make_application(criticality=0), make_offering())
    Dependency.objects.filter(pk=dependency.pk).update(since=today - timedelta(days=800))
    MonthlyConcentration.objects.filter(node_id=None, n=0).update(n=1)

    at_once = update_months(on=today, at=now())
    later = update_months(on=today, at=now() + timedelta(hours=2))

    assert (at_once, later) == (0, 12)
    assert MonthlyConcentration.objects.filter(node_id=node_of(offering).pk).count() == 12


def test_an_import_into_an_empty_register_does_not_wait(today):
    update_months(on=today, at=now() - timedelta(minutes=1))
    make_dependency(make_application(criticality=0), make_offering())

    assert update_months(on=today, at=now()) == 12


def test_a_month_with_a_snapshot_is_never_computed_again(today):
    month_end = past_month_ends(today)[-1]
    make_dependency(make_application(criticality=0), make_offering(), since=month_end)
    bring_up_to_date(month_end)
    take_snapshot(on=month_end)
    make_dependency(make_application(criticality=0), make_offering())

    update_months(on=today, at=now() + timedelta(hours=3))

    total = MonthlyConcentration.objects.get(day=month_end, node_id=None)
    assert (total.origin, total.n) == ("snapshot", 1)
    assert MonthlyConcentration.objects.filter(node_id=None).count() == 12
