"""Approvals that would apply to a proposed use case if it used an offering.

The same approvals decide as for a dependency (`violations.py`). What they are restricted to is
compared with the answers, since there is no application yet."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from apps.catalog.capabilities.fields import DATA_TERMS
from apps.catalog.capabilities.settled_values import settled_values
from apps.common.database.statements import compose_statement
from apps.inventory.governance.approval_sql import DECIDING_APPROVALS, JUDGED_USES
from apps.inventory.governance.approvals import APPROVAL_RELATIONS
from apps.inventory.governance.term_conditions import (
    conditions_of,
    describe_conditions,
    unmet_conditions,
)
from apps.inventory.models import Application, Approval, Criticality, ProposedUseCase

_APPLYING = compose_statement(
    """
WITH used(id, application_id, offering_id, via_party_id) AS NOT MATERIALIZED (
    SELECT o, NULL::bigint, o, NULL::bigint FROM unnest(%(offerings)s::bigint[]) AS u(o)
),
{deciding}, {judged}
SELECT dependency_id, approval_id FROM counting ORDER BY 1, 2
""",
    deciding=DECIDING_APPROVALS,
    judged=JUDGED_USES,
)


@dataclass(frozen=True, slots=True)
class ApplyingApproval:
    """An approval and what it says about the use: `permits` is None if that depends on unknown
    answers, or on the criticality, which no answer states."""

    approval: Approval
    permits: bool | None
    sentence: str


def applying_approvals(
    use_case: ProposedUseCase, offering_ids: Sequence[int], *, on: date
) -> dict[int, list[ApplyingApproval]]:
    """Return {offering: the approvals that would apply}; three statements."""
    if not offering_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_APPLYING, {"offerings": list(offering_ids), "on": on})
        pairs = cursor.fetchall()
    approvals = Approval.objects.select_related(*APPROVAL_RELATIONS).in_bulk(
        {approval for _, approval in pairs}
    )
    terms = settled_values(offering_ids, DATA_TERMS)
    applying: dict[int, list[ApplyingApproval]] = {pk: [] for pk in offering_ids}
    for offering, pk in pairs:
        if pk in approvals:
            values = {field: value.value for field, value in terms.get(offering, {}).items()}
            applying[offering].append(_judge(use_case, approvals[pk], values))
    return applying


def _judge(
    use_case: ProposedUseCase, approval: Approval, terms: Mapping[str, Any]
) -> ApplyingApproval:
    target = approval.target
    if approval.decision == Approval.Decision.BLOCKED:
        return ApplyingApproval(approval, False, f"{target} is blocked: {approval.reason}")
    if approval.decision == Approval.Decision.APPROVED:
        return ApplyingApproval(approval, True, f"{target} is approved.")
    limits, results = [], []
    if approval.data_classes:
        labels = [Application.DataClass(value).label.lower() for value in approval.data_classes]
        limits.append(f"data classified as {', '.join(labels)}")
        answer = use_case.data_classification
        results.append(answer in approval.data_classes if answer else None)
    if approval.regions:
        noun = "the region" if len(approval.regions) == 1 else "the regions"
        limits.append(f"{noun} {', '.join(approval.regions)}")
        results.append(_is_inside(use_case.geography, approval.regions))
    if approval.criticalities:
        levels = [Criticality(level).label.lower() for level in sorted(approval.criticalities)]
        limits.append(f"{', '.join(levels)} applications")
        results.append(None)
    if conditions := describe_conditions(approval):
        limits.append(f"these data terms: {', '.join(conditions)}")
        results.append(_meets_terms(use_case, approval, terms))
    permits = False if False in results else None if None in results else True
    return ApplyingApproval(
        approval, permits, f"{target} is restricted to {' and to '.join(limits)}."
    )


def _meets_terms(
    use_case: ProposedUseCase, approval: Approval, terms: Mapping[str, Any]
) -> bool | None:
    """Return whether the data terms meet the conditions; None if a term or the data class that
    decides is unknown."""
    answer = use_case.data_classification
    if answer and approval.terms_data_classes and answer not in approval.terms_data_classes:
        return True
    unmet = unmet_conditions(approval.target, conditions_of(approval), terms)
    if not unmet:
        return True
    is_certain = bool(answer) or not approval.terms_data_classes
    return False if is_certain and any(is_known for _, is_known in unmet) else None


def _is_inside(geography: str, regions: Sequence[str]) -> bool | None:
    """Return whether all regions of the answer are allowed; None if the answer is unknown."""
    if not geography.strip():
        return None
    allowed = {region.strip().lower() for region in regions}
    given = {part.strip() for part in re.split("[,;/]", geography.lower())} - {""}
    return given <= allowed
