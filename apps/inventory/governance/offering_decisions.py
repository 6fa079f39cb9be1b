"""Decisions on offerings in themselves, without an application: what a gateway that serves many can
ask."""

from collections.abc import Collection
from datetime import date

from django.db import connection

from apps.common.database.statements import compose_statement
from apps.inventory.governance.approval_sql import DECIDING_APPROVALS
from apps.inventory.models import Approval

_DECISIONS = compose_statement(
    """
    WITH used(id, application_id, offering_id, via_party_id) AS NOT MATERIALIZED (
        SELECT o, NULL::bigint, o, NULL::bigint FROM unnest(%(offerings)s::bigint[]) o
    ), {deciding}
    SELECT d.offering_id, p.decision
    FROM deciding d JOIN inventory_approval p ON p.id = d.approval_id
    WHERE d.offering_id = ANY (%(offerings)s)
    """,
    deciding=DECIDING_APPROVALS,
)
_STRICTEST_FIRST = (
    Approval.Decision.BLOCKED,
    Approval.Decision.RESTRICTED,
    Approval.Decision.APPROVED,
)


def decisions_on_offerings(
    offering_ids: Collection[int], *, on: date
) -> dict[int, Approval.Decision]:
    """Return {offering: the strictest decision that applies to it} by the rule of
    governance/violations.py; offerings without one are left out. One statement."""
    if not offering_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_DECISIONS, {"offerings": list(offering_ids), "on": on})
        rows = cursor.fetchall()
    strictest: dict[int, Approval.Decision] = {}
    for offering_id, decision in rows:
        decisions = [Approval.Decision(decision)]
        if offering_id in strictest:
            decisions.append(strictest[offering_id])
        strictest[offering_id] = min(decisions, key=_STRICTEST_FIRST.index)
    return strictest
