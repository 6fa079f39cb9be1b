"""Risks on foundations: added, changed, closed and dismissed by users. The caller has checked
`by.is_governance`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models, transaction

from apps.accounts.models import User
from apps.catalog.models import Foundation, Node, NodeKind, Offering, Provider, Region, Version
from apps.common.history.context import audit_context
from apps.risks.actions.counts import request_count
from apps.risks.errors import RiskChangeError
from apps.risks.models import FoundationRisk, RiskTemplate

# the fields that users can edit; node, template and lifecycle follow from actions
RISK_FIELDS = frozenset(
    {
        "title",
        "description",
        "likelihood",
        "impact",
        "confidence",
        "owner",
        "inherits",
        "facts",
        "source_url",
        "review_on",
    }
)
_MODEL_OF_KIND: dict[NodeKind, type[models.Model]] = {
    NodeKind.OFFERING: Offering,
    NodeKind.VERSION: Version,
    NodeKind.FOUNDATION: Foundation,
    NodeKind.REGION: Region,
}


def ensure_node(*, kind: NodeKind, ref: int) -> Node:
    """Return the node of that kind, created if it does not exist yet. Raises RiskChangeError if its
    subject is not recorded."""
    model = _MODEL_OF_KIND.get(kind, Provider)
    if not model._default_manager.filter(pk=ref).exists():
        raise RiskChangeError(f"No {kind.label} has the ID {ref}. Check the ID in the catalogue.")
    node, _ = Node.objects.get_or_create(kind=kind, ref=ref)
    return node


@transaction.atomic
def raise_risk(
    *,
    node: Node,
    template: RiskTemplate | None,
    by: User,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    reason: str = "",
) -> FoundationRisk:
    """Attach a template, or an own risk with a title, to one node. Levels that are not given are
    the template's defaults."""
    cleaned = _check_fields(facts)
    if template is not None:
        cleaned = {
            "likelihood": template.usual_likelihood,
            "impact": template.usual_impact,
            "inherits": template.inherits_by_default,
            **cleaned,
        }
    risk = FoundationRisk(template=template, node=node, opened_at=at, changed_at=at, **cleaned)
    if template is not None:
        # of two users who add the same risk concurrently, the second waits here and then finds the
        # first one's
        RiskTemplate.objects.select_for_update().get(pk=template.pk)
        _refuse_duplicate(risk)
    risk.full_clean()
    with audit_context(user=by, reason=reason or "risk added"):
        risk.save(force_insert=True)
    request_count()
    return risk


@transaction.atomic
def change_risk(
    *, risk: FoundationRisk, facts: Mapping[str, Any], by: User, at: datetime, reason: str = ""
) -> FoundationRisk:
    """Set the given facts. Changed levels make the assessments of this risk stale at the next
    refresh."""
    risk = _lock_risk(risk)
    changed_names = [
        name for name, value in _check_fields(facts).items() if getattr(risk, name) != value
    ]
    if not changed_names:
        return risk
    if risk.rule and {"facts", "source_url", "title"} & set(changed_names):
        raise RiskChangeError(
            "A rule sets the facts of this risk. Change its levels, or dismiss it and add "
            "your own risk."
        )
    for name in changed_names:
        setattr(risk, name, facts[name])
    if {"likelihood", "impact"} & set(changed_names):
        risk.changed_at = at
    risk.full_clean(exclude=["node", "template"], validate_unique=False)
    with audit_context(user=by, reason=reason or "risk changed"):
        risk.save(update_fields=[*changed_names, "changed_at", "updated_at"])
    request_count()
    return risk


@transaction.atomic
def close_risk(*, risk: FoundationRisk, reason: str, by: User, at: datetime) -> FoundationRisk:
    """Close the risk: dependencies no longer inherit it. Assessments stay recorded."""
    risk = _lock_risk(risk)
    if risk.closed_at is not None:
        return risk
    if risk.rule:
        raise RiskChangeError("A rule keeps this risk open. Dismiss it with a reason instead.")
    _require_text(reason, "Enter a reason for closing the risk.")
    risk.closed_at, risk.closed_reason = at, reason.strip()
    with audit_context(user=by, reason=reason):
        risk.save(update_fields=["closed_at", "closed_reason", "updated_at"])
    request_count()
    return risk


@transaction.atomic
def reopen_risk(
    *, risk: FoundationRisk, by: User, at: datetime, reason: str = ""
) -> FoundationRisk:
    """Reopen a closed risk. Its assessments are valid again, or stale if the risk has changed
    since."""
    risk = _lock_risk(risk)
    if risk.closed_at is None:
        return risk
    if risk.rule:
        raise RiskChangeError(
            "A rule closed this risk because its conditions no longer hold. The rule reopens "
            "it when they do."
        )
    _refuse_duplicate(risk)
    risk.closed_at, risk.closed_reason, risk.changed_at = None, "", at
    with audit_context(user=by, reason=reason or "risk reopened"):
        risk.save(update_fields=["closed_at", "closed_reason", "changed_at", "updated_at"])
    request_count()
    return risk


@transaction.atomic
def dismiss_risk(*, risk: FoundationRisk, reason: str, by: User, at: datetime) -> FoundationRisk:
    """Dismiss a risk that a rule raised and that is not relevant here. It stays dismissed until its
    facts change materially."""
    risk = _lock_risk(risk)
    if not risk.rule:
        raise RiskChangeError("A user added this risk. Close it instead.")
    if risk.closed_at is not None:
        raise RiskChangeError("This risk is already closed because its conditions no longer hold.")
    if risk.dismissed_at is not None:
        return risk
    _require_text(reason, "Enter a reason for dismissing the risk.")
    risk.dismissed_at, risk.dismissed_by, risk.dismissed_reason = at, by, reason.strip()
    with audit_context(user=by, reason=reason):
        risk.save(update_fields=["dismissed_at", "dismissed_by", "dismissed_reason", "updated_at"])
    request_count()
    return risk


@transaction.atomic
def reinstate_risk(*, risk: FoundationRisk, by: User, reason: str = "") -> FoundationRisk:
    """Undo a dismissal."""
    risk = _lock_risk(risk)
    if risk.dismissed_at is None:
        return risk
    risk.dismissed_at, risk.dismissed_by, risk.dismissed_reason = None, None, ""
    with audit_context(user=by, reason=reason or "dismissal undone"):
        risk.save(update_fields=["dismissed_at", "dismissed_by", "dismissed_reason", "updated_at"])
    request_count()
    return risk


def _lock_risk(risk: FoundationRisk) -> FoundationRisk:
    return FoundationRisk.objects.select_for_update().get(pk=risk.pk)


def _require_text(text: str, message: str) -> None:
    if not text.strip():
        raise RiskChangeError(message)


def _refuse_duplicate(risk: FoundationRisk) -> None:
    open_risks = FoundationRisk.objects.filter(
        template=risk.template_id, node=risk.node_id, closed_at__isnull=True
    )
    duplicate = open_risks.exclude(pk=risk.pk).first() if risk.template_id else None
    if duplicate is not None:
        raise RiskChangeError(
            f"This risk is already recorded on this node (risk {duplicate.pk}) but was dismissed. "
            "Reinstate it instead."
            if duplicate.dismissed_at
            else f"This risk is already recorded on this node (risk {duplicate.pk}). "
            "Change it instead."
        )


def _check_fields(facts: Mapping[str, Any] | None) -> dict[str, Any]:
    unknown_fields = sorted(set(facts or {}) - RISK_FIELDS)
    if unknown_fields:
        raise TypeError(f"Unknown fields: {', '.join(unknown_fields)}")
    return dict(facts or {})
