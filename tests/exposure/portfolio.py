"""Builders for flags: policies of one's own, critical applications on an offering, tables brought
up to date."""

from datetime import date, datetime
from typing import Any

from apps.catalog.footing import refresh_footing
from apps.catalog.models import Footing, Node, NodeKind, Offering
from apps.common.time import day_of
from apps.exposure.actions.flags import FlagChanges, evaluate_flags
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import Policy
from apps.inventory.models import Application
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_policy,
)


def only(**fields: Any) -> Policy:
    """A policy beside which no other is switched on."""
    Policy.objects.update(enabled=False)
    return make_policy(**fields)


def critical_on(offering: Offering, n: int = 1, **fields: Any) -> list[Application]:
    fields.setdefault("criticality", 0)
    applications = [make_application(**fields) for _ in range(n)]
    for application in applications:
        make_dependency(application, offering)
    return applications


def node_of(offering: Offering, kind: NodeKind = NodeKind.HOST) -> Node:
    return Footing.objects.get(offering=offering, node__kind=kind, depth=0).node


def evaluate(at: datetime = NOW) -> FlagChanges:
    """What the job does about flags at that moment."""
    refresh(on=day_of(at))
    return evaluate_flags(at=at)


def bring_up_to_date(on: date) -> None:
    # the builders note what an offering stands on as of the real day
    refresh_footing(today=on)
    refresh(on=on)


def user_of(offering, role="primary", **fields):
    application = make_application(**fields)
    make_dependency(application, offering, role)
    return application
