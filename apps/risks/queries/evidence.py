"""Evidence for the pages of a dependency, an application and a risk."""

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
    """Annotate evidence with `state_on` (passed, failing, expired, on_file: like Evidence.state)
    and `latest`, which is 1 for the newest result of a kind of test on a subject.

    Newest first, with the tested records.
    """
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
    """Return evidence about the application itself, and about the versions and offerings that it
    calls on that day."""
    dependencies = Dependency.objects.filter(
        Q(until__isnull=True) | Q(until__gt=on), application=application, since__lte=on
    )
    offerings = dependencies.order_by().values("offering_id")
    condition = Q(application=application) | Q(application__isnull=True) & (
        Q(offering__in=offerings) | Q(version__in=_served_versions(offering__in=offerings))
    )
    return with_state(Evidence.objects.visible_to(user).filter(condition), on=on)


def evidence_for_dependency(*, dependency: Dependency, user: Any, on: date) -> EvidenceQuerySet:
    """Return evidence about the application on this offering, or on all its models; and about the
    offering or its version itself."""
    versions = _served_versions(offering=dependency.offering_id)
    offering_condition = (Q(offering__isnull=True) | Q(offering=dependency.offering_id)) & (
        Q(version__isnull=True) | Q(version__in=versions)
    )
    condition = (
        Q(application=dependency.application_id) | Q(application__isnull=True)
    ) & offering_condition
    return with_state(Evidence.objects.visible_to(user).filter(condition), on=on)


def evidence_for_risk(*, risk: FoundationRisk, user: Any, on: date) -> EvidenceQuerySet:
    """Return evidence that is attached to the risk or to its assessments, or is about its version
    or offering."""
    node: Node = risk.node
    condition = Q(risk_links__risk=risk) | Q(assessment_links__assessment__risk=risk)
    if node.kind == NodeKind.OFFERING:
        condition |= Q(offering=node.ref, application__isnull=True)
    if node.kind == NodeKind.VERSION:
        condition |= Q(version=node.ref, application__isnull=True)
    ids = Evidence.objects.visible_to(user).filter(condition).order_by().values("pk")
    return with_state(Evidence.objects.filter(pk__in=ids), on=on)


def _served_versions(**of: Any) -> Any:
    """Return the versions that these offerings serve today, as a subquery."""
    footings = Footing.objects.filter(node__kind=NodeKind.VERSION, via=Via.DIRECT, **of)
    return footings.order_by().values("node__ref")
