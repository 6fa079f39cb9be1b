"""Small worlds of risks: each builder makes one valid row and names what matters."""

from itertools import count
from typing import Any

from apps.catalog.models import Node, NodeKind
from apps.inventory.models import Adaptation, Dependency
from apps.risks.models import Assessment, Evidence, FoundationRisk, Modifier, RiskTemplate
from tests.builders import NOW, TODAY, make_user

_n = count(1)


def node(kind: NodeKind, thing: Any) -> Node:
    return Node.objects.get_or_create(kind=kind, ref=thing.pk)[0]


def make_template(code: str = "", **fields: Any) -> RiskTemplate:
    code = code or f"OWN-{next(_n)}"
    fields.setdefault("title", f"Risk {code}")
    fields.setdefault("layer", "weights")
    return RiskTemplate.objects.create(code=code, **fields)


def make_modifier(template: RiskTemplate, adaptation: str, likelihood: int = 0, impact: int = 0) -> Modifier:
    return Modifier.objects.create(
        template=template, adaptation=adaptation, likelihood=likelihood, impact=impact, why=f"{adaptation} does that"
    )


def make_risk(
    on: Node, template: RiskTemplate | None = None, *, likelihood: int = 4, impact: int = 4, **fields: Any
) -> FoundationRisk:
    fields.setdefault("title", "" if template else f"Own risk {next(_n)}")
    fields.setdefault("opened_at", NOW)
    fields.setdefault("changed_at", fields["opened_at"])
    return FoundationRisk.objects.create(node=on, template=template, likelihood=likelihood, impact=impact, **fields)


def make_assessment(risk: FoundationRisk, dependency: Dependency, **fields: Any) -> Assessment:
    fields.setdefault("assessed_by", make_user())
    fields.setdefault("assessed_at", NOW)
    fields.setdefault("inherent_likelihood", risk.likelihood)
    fields.setdefault("inherent_impact", risk.impact)
    return Assessment.objects.create(risk=risk, dependency=dependency, **fields)


def make_adaptation(dependency: Dependency, kind: str) -> Adaptation:
    return Adaptation.objects.create(dependency=dependency, kind=kind)


def make_evidence(**fields: Any) -> Evidence:
    fields.setdefault("kind", "own_evaluation")
    fields.setdefault("run_on", TODAY)
    fields.setdefault("recorded_at", NOW)
    return Evidence.objects.create(**fields)
