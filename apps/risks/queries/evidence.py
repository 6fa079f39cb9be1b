"""Evidence where it matters: what was measured about a dependency, an application, a risk."""

from datetime import date
from typing import Any

from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from apps.catalog.models import Footing, Node, NodeKind, Via
from apps.inventory.models import Application, Dependency
from apps.risks.models import Evidence, FoundationRisk
from apps.risks.models.evidence import EvidenceQuerySet

State = Evidence.State


def with_state(evidence: EvidenceQuerySet, *, on: date) -> EvidenceQuerySet:
    """Adds `state_on` (passed, failing, expired, on_file: as Evidence.state) and `latest`: 1 for
    the newest result of a kind of test on a subject. Newest first, with what was tested."""
    return (
        evidence.annotate(
            state_on=models.Case(
                models.When(passed=False, then=models.Value(State.FAILING.value)),
                models.When(expires_on__lte=on, then=models.Value(State.EXPIRED.value)),
                models.When(passed=True, then=models.Value(State.PASSED.value)),
                default=models.Value(State.ON_FILE.value),
                output_field=models.CharField(),
            ),
            latest=Window(
                RowNumber(),
                partition_by=[
                    F(name)
                    for name in (
                        "application",
                        "version",
                        "offering",
                        "template",
                        "kind",
                        "tool",
                        "dataset",
                        "metric",
                    )
                ],
                order_by=[F("run_on").desc(), F("id").desc()],
            ),
        )
        .select_related("application", "version", "offering__host", "template", "recorded_by")
        .order_by("-run_on", "-pk")
    )


def evidence_for_application(*, application: Application, user: Any, on: date) -> EvidenceQuerySet:
    """About the application itself, and about the versions and offerings it calls on that day."""
    used = Dependency.objects.filter(
        Q(until__isnull=True) | Q(until__gt=on), application=application, since__lte=on
    )
    offerings = used.order_by().values("offering_id")
    about = Q(application=application) | Q(application__isnull=True) & (
        Q(offering__in=offerings) | Q(version__in=_versions(offering__in=offerings))
    )
    return with_state(Evidence.objects.visible_to(user).filter(about), on=on)


def evidence_for_dependency(*, dependency: Dependency, user: Any, on: date) -> EvidenceQuerySet:
    """Return evidence about the application on this offering, or on all it calls; and about the
    offering or its version itself."""
    versions = _versions(offering=dependency.offering_id)
    on_offering = (Q(offering__isnull=True) | Q(offering=dependency.offering_id)) & (
        Q(version__isnull=True) | Q(version__in=versions)
    )
    about = (Q(application=dependency.application_id) | Q(application__isnull=True)) & on_offering
    return with_state(Evidence.objects.visible_to(user).filter(about), on=on)


def evidence_for_risk(*, risk: FoundationRisk, user: Any, on: date) -> EvidenceQuerySet:
    """Attached to the risk or to assessments of it, or about the version or offering it is on."""
    node: Node = risk.node
    about = Q(risk_links__risk=risk) | Q(assessment_links__assessment__risk=risk)
    if node.kind == NodeKind.OFFERING:
        about |= Q(offering=node.ref, application__isnull=True)
    if node.kind == NodeKind.VERSION:
        about |= Q(version=node.ref, application__isnull=True)
    ids = Evidence.objects.visible_to(user).filter(about).order_by().values("pk")
    return with_state(Evidence.objects.filter(pk__in=ids), on=on)


def _versions(**of: Any) -> Any:
    """The versions that answer for these offerings today, as a subquery."""
    footings = Footing.objects.filter(node__kind=NodeKind.VERSION, via=Via.DIRECT, **of)
    return footings.order_by().values("node__ref")
