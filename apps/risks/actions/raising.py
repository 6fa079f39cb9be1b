"""Risks on foundations: raised, changed, closed and dismissed by people. The caller has checked
`by.is_governance`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models, transaction

from apps.accounts.models import User
from apps.catalog.models import Foundation, Node, NodeKind, Offering, Provider, Region, Version
from apps.common.history.context import audit_context
from apps.risks.actions.counting import request_count
from apps.risks.models import FoundationRisk, RiskTemplate
from apps.risks.refusals import RefusedRisk

# what people may say of a risk; node, template and life follow from actions
RISK_FACTS = frozenset(
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
_OF_KIND: dict[NodeKind, type[models.Model]] = {
    NodeKind.OFFERING: Offering,
    NodeKind.VERSION: Version,
    NodeKind.FOUNDATION: Foundation,
    NodeKind.REGION: Region,
}


def node_of(*, kind: NodeKind, ref: int) -> Node:
    """The node of that kind, made where nothing has stood on it yet. RefusedRisk where no such
    thing is on record."""
    model = _OF_KIND.get(kind, Provider)
    if not model._default_manager.filter(pk=ref).exists():
        raise RefusedRisk(
            f"There is no {kind.label} with the id {ref}. Look it up in the catalogue."
        )
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
    """Attach a template, or an own risk with a title, to one node. Levels not given are the
    template's usual ones."""
    said = _known(facts)
    if template is not None:
        said = {
            "likelihood": template.usual_likelihood,
            "impact": template.usual_impact,
            "inherits": template.inherits_by_default,
            **said,
        }
    risk = FoundationRisk(template=template, node=node, opened_at=at, changed_at=at, **said)
    if template is not None:
        # two who raise the same at once: the second waits here and then sees the first one's
        RiskTemplate.objects.select_for_update().get(pk=template.pk)
        _refuse_a_second(risk)
    risk.full_clean()
    with audit_context(user=by, reason=reason or "risk raised"):
        risk.save(force_insert=True)
    request_count()
    return risk


@transaction.atomic
def change_risk(
    *, risk: FoundationRisk, facts: Mapping[str, Any], by: User, at: datetime, reason: str = ""
) -> FoundationRisk:
    """Set the given facts. Other levels make the assessments that rest on the old ones stale at the
    next refresh."""
    risk = _locked(risk)
    changed = [name for name, value in _known(facts).items() if getattr(risk, name) != value]
    if not changed:
        return risk
    if risk.rule and {"facts", "source_url", "title"} & set(changed):
        raise RefusedRisk(
            "A built-in rule states these facts. Change the levels, or dismiss it and raise your "
            "own."
        )
    for name in changed:
        setattr(risk, name, facts[name])
    if {"likelihood", "impact"} & set(changed):
        risk.changed_at = at
    risk.full_clean(exclude=["node", "template"], validate_unique=False)
    with audit_context(user=by, reason=reason or "risk changed"):
        risk.save(update_fields=[*changed, "changed_at", "updated_at"])
    request_count()
    return risk


@transaction.atomic
def close_risk(*, risk: FoundationRisk, because: str, by: User, at: datetime) -> FoundationRisk:
    """It is over: nothing inherits it any longer. What was assessed stays on record."""
    risk = _locked(risk)
    if risk.closed_at is not None:
        return risk
    if risk.rule:
        raise RefusedRisk(
            "A built-in rule keeps this open while its facts hold. Dismiss it instead, with a "
            "reason."
        )
    _needs(because, "Say why it is over: the next reader has only your word.")
    risk.closed_at, risk.closed_reason = at, because.strip()
    with audit_context(user=by, reason=because):
        risk.save(update_fields=["closed_at", "closed_reason", "updated_at"])
    request_count()
    return risk


@transaction.atomic
def reopen_risk(
    *, risk: FoundationRisk, by: User, at: datetime, reason: str = ""
) -> FoundationRisk:
    """Undo a closing. Assessments are as they were, and stale where the risk has changed since."""
    risk = _locked(risk)
    if risk.closed_at is None:
        return risk
    if risk.rule:
        raise RefusedRisk(
            "A built-in rule closed this, since its facts are gone; it opens it again by itself."
        )
    _refuse_a_second(risk)
    risk.closed_at, risk.closed_reason, risk.changed_at = None, "", at
    with audit_context(user=by, reason=reason or "risk reopened"):
        risk.save(update_fields=["closed_at", "closed_reason", "changed_at", "updated_at"])
    request_count()
    return risk


@transaction.atomic
def dismiss_risk(*, risk: FoundationRisk, because: str, by: User, at: datetime) -> FoundationRisk:
    """What a rule raised does not matter here. It stays dismissed until its facts change
    materially."""
    risk = _locked(risk)
    if not risk.rule:
        raise RefusedRisk("A person raised this. Close it instead.")
    if risk.closed_at is not None:
        raise RefusedRisk("Its facts are gone and it is closed already.")
    if risk.dismissed_at is not None:
        return risk
    _needs(because, "Say why it does not matter: the next reader has only your word.")
    risk.dismissed_at, risk.dismissed_by, risk.dismissed_reason = at, by, because.strip()
    with audit_context(user=by, reason=because):
        risk.save(update_fields=["dismissed_at", "dismissed_by", "dismissed_reason", "updated_at"])
    request_count()
    return risk


@transaction.atomic
def reinstate_risk(*, risk: FoundationRisk, by: User, reason: str = "") -> FoundationRisk:
    """Undo a dismissal."""
    risk = _locked(risk)
    if risk.dismissed_at is None:
        return risk
    risk.dismissed_at, risk.dismissed_by, risk.dismissed_reason = None, None, ""
    with audit_context(user=by, reason=reason or "dismissal undone"):
        risk.save(update_fields=["dismissed_at", "dismissed_by", "dismissed_reason", "updated_at"])
    request_count()
    return risk


def _locked(risk: FoundationRisk) -> FoundationRisk:
    return FoundationRisk.objects.select_for_update().get(pk=risk.pk)


def _needs(words: str, otherwise: str) -> None:
    if not words.strip():
        raise RefusedRisk(otherwise)


def _refuse_a_second(risk: FoundationRisk) -> None:
    there = FoundationRisk.objects.filter(
        template=risk.template_id, node=risk.node_id, closed_at__isnull=True
    )
    other = there.exclude(pk=risk.pk).first() if risk.template_id else None
    if other is not None:
        who = "A built-in rule has raised it there" if other.rule else "It is on that node"
        dismissed = (
            ", and a person dismissed it; reinstate it"
            if other.dismissed_at
            else "; change that one"
        )
        raise RefusedRisk(f"{who} already (risk {other.pk}){dismissed} instead.")


def _known(facts: Mapping[str, Any] | None) -> dict[str, Any]:
    unknown = sorted(set(facts or {}) - RISK_FACTS)
    if unknown:
        raise TypeError(f"not facts that can be set here: {', '.join(unknown)}")
    return dict(facts or {})
