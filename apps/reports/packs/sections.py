"""Sections of a pack: one function per file, with its column headers and its rows, read while they
are written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from apps.alerts.models import Alert, Delivery, Notice
from apps.alerts.models.outcomes import delivery_sentence, resolution_sentence, skip_sentence
from apps.catalog.models import ProviderEvent
from apps.exposure.models import ExposureFlag, FlagEvent
from apps.inventory.models import (
    Adaptation,
    Approval,
    Contract,
    ExitPlan,
    ExitTest,
    Selection,
    SelectionCandidate,
)
from apps.reports.packs.scope import PackScope
from apps.risks.models import Assessment, Evidence

FETCH_BATCH_SIZE = 2000

type Rows = Iterator[list[Any]]


@dataclass(frozen=True, slots=True)
class PackSection:
    """A CSV file of the pack. `what` describes its rows for the manifest and the README."""

    name: str
    title: Any
    description: Any
    heads: tuple[str, ...]
    rows: Callable[[PackScope], Rows]


def _stream_rows[M: Model](rows: QuerySet[M], *columns: str) -> Rows:
    """Stream the rows in a fixed order, fetched in batches."""
    for row in rows.order_by("pk").values_list(*columns).iterator(chunk_size=FETCH_BATCH_SIZE):
        yield list(row)


def _plain_rows(
    heads: dict[str, str], rows: Callable[[PackScope], QuerySet[Any]]
) -> Callable[[PackScope], Rows]:
    return lambda scope: _stream_rows(rows(scope), *heads.values())


_APPLICATION = {
    "application": "slug",
    "name": "name",
    "team": "team__slug",
    "status": "status",
    "criticality": "criticality",
    "criticality reason": "criticality_reason",
    "criticality assessed on": "criticality_assessed_on",
    "purpose": "purpose",
    "business owner": "named_business_owner",
    "technical owner": "named_technical_owner",
    "business function": "business_function",
    "function identifier": "function_ref",
    "licensed activity": "licensed_activity",
    "AI Act class": "ai_act_class",
    "AI Act role": "ai_act_role",
    "data classification": "data_classification",
    "personal data": "personal_data",
    "geography": "geography",
    "autonomy": "autonomy",
    "users affected": "users_affected",
    "RTO hours": "rto_hours",
    "RPO hours": "rpo_hours",
    "monthly spend USD": "monthly_spend",
    "next review on": "next_review_on",
    "created at": "created_at",
}
_STACK = {
    "application": "application__slug",
    "dependency": "pk",
    "role": "role",
    "fallback order": "fallback_order",
    "traffic share": "traffic_share",
    "api id": "offering__api_id",
    "host": "offering__host__slug",
    "region": "offering__region_scope",
    "tier": "offering__service_tier",
    "lifecycle": "offering__lifecycle",
    "retires on": "offering__retires_on",
    "date kind": "offering__date_kind",
    "version": "offering__version__identifier",
    "foundation": "offering__version__foundation__line",
    "developer": "offering__version__foundation__developer__slug",
    "reached": "reached",
    "via": "via_party__slug",
    "binding": "binding",
    "since": "since",
    "until": "until",
    "known": "origin",
    "last observed on": "last_observed_on",
    "monthly spend USD": "monthly_spend",
}
_OF_DEPENDENCY = {"application": "dependency__application__slug", "dependency": "dependency_id"}
_ADAPTATION = {
    **_OF_DEPENDENCY,
    "kind": "kind",
    "name": "name",
    "artefact": "artefact_ref",
    "moves": "moves",
    "invested days": "invested_days",
    "invested cost USD": "invested_cost",
    "note": "note",
    "recorded at": "created_at",
}
_PLAN = {
    **_OF_DEPENDENCY,
    "target": "target__api_id",
    "target host": "target__host__slug",
    "substitutability": "substitutability",
    "reason": "reason",
    "reintegration": "reintegration",
    "reliance": "reliance",
    "alternatives identified": "alternatives_identified",
    "alternatives": "alternatives",
    "blockers": "blockers",
    "estimated days": "estimated_days",
    "estimated cost USD": "estimated_cost",
    "next test on": "next_test_on",
    "note": "note",
}
_TEST = {
    **_OF_DEPENDENCY,
    "target": "target__api_id",
    "target host": "target__host__slug",
    "tested version": "tested_version__identifier",
    "tested on": "tested_on",
    "result": "result",
    "effort days": "effort_days",
    "cost USD": "cost",
    "quality change": "quality_delta",
    "metric": "quality_metric",
    "expires on": "expires_on",
    "evidence": "evidence_ref",
    "recorded by": "recorded_by__username",
    "recorded at": "created_at",
    "note": "note",
}
_ASSESSMENT = {
    **_OF_DEPENDENCY,
    "risk": "risk_id",
    "template": "risk__template__code",
    "own title": "risk__title",
    "state": "state",
    "not applicable because": "not_applicable_reason",
    "inherent likelihood": "inherent_likelihood",
    "inherent impact": "inherent_impact",
    "current likelihood": "current_likelihood",
    "current impact": "current_impact",
    "residual likelihood": "residual_likelihood",
    "residual impact": "residual_impact",
    "confidence": "confidence",
    "treatment": "treatment",
    "plan": "plan",
    "owner": "owner__username",
    "due on": "due_on",
    "accepted by": "accepted_by__username",
    "accepted at": "accepted_at",
    "accepted until": "accepted_until",
    "accepted because": "accept_reason",
    "revoked by": "revoked_by__username",
    "revoked at": "revoked_at",
    "revoked because": "revoke_reason",
    "stale since": "stale_since",
    "stale because": "stale_reason",
    "assessed by": "assessed_by__username",
    "assessed at": "assessed_at",
}
_EVIDENCE = {
    "evidence": "pk",
    "application": "application__slug",
    "kind": "kind",
    "tool": "tool",
    "evaluator": "evaluator",
    "version": "version__identifier",
    "offering": "offering__api_id",
    "host": "offering__host__slug",
    "risk": "template__code",
    "dataset": "dataset",
    "metric": "metric",
    "value": "value",
    "threshold": "threshold",
    "passed": "passed",
    "cases": "n",
    "run on": "run_on",
    "expires on": "expires_on",
    "SHA-256": "digest",
    "link": "link",
    "recorded by": "recorded_by__username",
    "recorded at": "recorded_at",
    "note": "note",
}
_CONTRACT = {
    "party": "party__slug",
    "reference": "ref",
    "name": "name",
    "kind": "kind",
    "overarching": "overarching__ref",
    "service type": "ict_service_type",
    "starts on": "starts_on",
    "ends on": "ends_on",
    "currency": "currency",
    "annual cost": "annual_cost",
    "our notice days": "notice_days_ours",
    "their notice days": "notice_days_theirs",
    "deprecation notice days": "deprecation_notice_days",
    "governing law": "governing_law",
    "exit clause": "exit_clause",
    "termination assistance": "termination_assistance",
    "audit right": "audit_right",
    "last audit on": "last_audit_on",
    "training use": "training_use",
    "terms": "terms_url",
    "terms SHA-256": "terms_digest",
    "terms read on": "terms_read_on",
}


def _dependency_rows[M: Model](model: type[M], scope: PackScope) -> QuerySet[M]:
    return model._default_manager.filter(
        dependency__in=scope.all_dependencies.order_by().values("pk")
    )


def _select_evidence(scope: PackScope) -> QuerySet[Evidence]:
    """Return evidence about the applications, and about the versions and offerings they called."""
    dependencies = scope.all_dependencies.order_by()
    return Evidence.objects.visible_to(scope.user).filter(
        Q(application__in=scope.applications.order_by().values("pk"))
        | Q(application__isnull=True, offering__in=dependencies.values("offering"))
        | Q(application__isnull=True, version__in=dependencies.values("offering__version"))
    )


def _select_contracts(scope: PackScope) -> QuerySet[Contract]:
    contracts = Contract.objects.visible_to(scope.user)
    if scope.provider is not None:
        contracts = contracts.filter(party=scope.provider)
    if scope.application is not None:
        dependencies = scope.all_dependencies.order_by()
        contracts = contracts.filter(
            Q(party__in=dependencies.values("offering__host"))
            | Q(party__in=dependencies.values("via_party"))
        )
    return contracts


def _select_flags(scope: PackScope) -> QuerySet[ExposureFlag]:
    """Return the flags that were active at some time of the period."""
    flags = ExposureFlag.objects.visible_to(scope.user).filter(
        Q(resolved_at__isnull=True) | Q(resolved_at__gte=scope.begins_at),
        opened_at__lt=scope.ends_at,
    )
    if scope.application is not None:
        flags = flags.filter(application_ids__contains=[scope.application.pk])
    if scope.provider is not None:
        flags = flags.filter(node__in=scope.nodes)
    return flags


def _flag_rows(scope: PackScope) -> Rows:
    """Yield the exposure flags of the pack, with the names of the affected applications in its
    scope."""
    columns = (
        "pk",
        "policy__name",
        "node__kind",
        "node__ref",
        "state",
        "value",
        "limit",
        "n_applications",
        "opened_at",
        "resolved_at",
        "acknowledged_by__username",
        "accepted_by__username",
        "accepted_until",
        "accepted_reason",
        "application_ids",
    )
    for *row, application_ids in _stream_rows(_select_flags(scope), *columns):
        yield [*row, ", ".join(scope.names_of(application_ids))]


def _flag_event_rows(scope: PackScope) -> Rows:
    flag_events = FlagEvent.objects.filter(
        scope.during("at"), flag__in=_select_flags(scope).order_by().values("pk")
    )
    return _stream_rows(
        flag_events,
        "flag_id",
        "flag__policy__name",
        "kind",
        "at",
        "value",
        "by__username",
        "reason",
    )


def events_of(scope: PackScope) -> QuerySet[ProviderEvent]:
    """Select events accepted in the period, about the models that the applications used, or about
    those that the provider develops or serves."""
    events = ProviderEvent.objects.visible_to(scope.user).filter(scope.during("detected_at"))
    if scope.provider is not None:
        return events.filter(
            Q(offering__host=scope.provider)
            | Q(offering__version__foundation__developer=scope.provider)
            | Q(provider=scope.provider)
        )
    return events.filter(offering__in=scope.all_dependencies.order_by().values("offering"))


def _select_alerts(scope: PackScope) -> QuerySet[Alert]:
    alerts = Alert.objects.visible_to(scope.user).filter(scope.during("raised_at"))
    if scope.application is not None:
        return alerts.filter(application_ids__contains=[scope.application.pk])
    if scope.provider is not None:
        about = Q(offering__host=scope.provider) | Q(
            offering__version__foundation__developer=scope.provider
        )
        return alerts.filter(about | Q(flag__node__in=scope.nodes))
    return alerts


def _alert_rows(scope: PackScope) -> Rows:
    """Yield the alerts of the pack, with the names of the affected applications in its scope."""
    columns = (
        "pk",
        "kind",
        "severity",
        "subject_kind",
        "event_id",
        "flag_id",
        "offering__api_id",
        "due_on",
        "milestone",
        "team__slug",
        "user__username",
        "state",
        "raised_at",
        "acknowledged_by__username",
        "acknowledged_at",
        "assigned_to__username",
        "snoozed_until",
        "resolved_at",
        "resolved_by__username",
        "resolution",
        "resolution_text",
        "application_ids",
    )
    for *row, resolution, text, application_ids in _stream_rows(_select_alerts(scope), *columns):
        sentence = resolution_sentence(resolution, text)
        yield [*row, sentence, ", ".join(scope.names_of(application_ids))]


def _alert_recipients(scope: PackScope) -> Rows:
    """List the recipients of each alert that the reader can view, but only the messages that they
    can read themselves."""
    readable = Delivery.objects.visible_to(scope.user).filter(pk=OuterRef("delivery"))
    notices = (
        Notice.objects.visible_to(scope.user)
        .filter(alert__in=_select_alerts(scope).order_by().values("pk"))
        .annotate(readable=Exists(readable))
    )
    columns = (
        "alert_id",
        "alert__kind",
        "occasion",
        "why",
        "user__username",
        "team__slug",
        "webhook__name",
        "owed_at",
        "skip_reason",
        "skip_details",
        "delivery__kind",
        "delivery__state",
        "delivery__sent_at",
        "delivery__address",
        "delivery__subject",
        "delivery__skip_reason",
        "delivery__reason",
        "delivery__message_id",
        "readable",
    )
    for *row, may_read in _stream_rows(notices, *columns):
        (
            *leading_cells,
            reason,
            details,
            kind,
            state,
            sent_at,
            address,
            subject,
            unsent,
            failure,
            key,
        ) = row
        cells = [*leading_cells, skip_sentence(reason, details), kind, state, sent_at]
        readable_part = [address, subject, delivery_sentence(unsent, failure), key]
        yield [*cells, *(readable_part if may_read else [None] * 4)]


def _approval_rows(scope: PackScope) -> Rows:
    """List the approvals in force at some time of the period, on what the pack is about."""
    approvals = Approval.objects.visible_to(scope.user).filter(
        Q(expires_on__isnull=True) | Q(expires_on__gt=scope.since), decided_on__lt=scope.until
    )
    if scope.provider is not None:
        approvals = approvals.filter(
            Q(provider=scope.provider)
            | Q(foundation__developer=scope.provider)
            | Q(version__foundation__developer=scope.provider)
            | Q(offering__host=scope.provider)
        )
    if scope.application is not None:
        dependencies = scope.all_dependencies.order_by()
        approvals = approvals.filter(
            Q(offering__in=dependencies.values("offering"))
            | Q(version__in=dependencies.values("offering__version"))
            | Q(foundation__in=dependencies.values("offering__version__foundation"))
            | Q(provider__in=dependencies.values("offering__version__foundation__developer"))
            | Q(provider__in=dependencies.values("offering__host"))
        )
    return _stream_rows(
        approvals,
        "pk",
        "provider__slug",
        "foundation__line",
        "version__identifier",
        "offering__api_id",
        "offering__host__slug",
        "decision",
        "data_classes",
        "regions",
        "criticalities",
        "requires_no_training",
        "max_retention_days",
        "requires_zero_retention",
        "residencies",
        "terms_data_classes",
        "reason",
        "approver__username",
        "decided_on",
        "expires_on",
        "revoked_at",
        "revoked_by__username",
        "revoked_reason",
    )


def _selection_rows(scope: PackScope) -> Rows:
    """Return the candidates of decided or withdrawn selection records of the scope."""
    candidates = SelectionCandidate.objects.filter(
        selection__in=Selection.objects.visible_to(scope.user).order_by().values("pk")
    ).exclude(selection__state=Selection.State.DRAFT)
    if scope.provider is not None:
        candidates = candidates.filter(foundation__developer=scope.provider)
    if scope.application is not None:
        candidates = candidates.filter(
            foundation__in=scope.all_dependencies.order_by().values("offering__version__foundation")
        )
    return _stream_rows(
        candidates,
        "selection_id",
        "selection__title",
        "selection__state",
        "selection__decision",
        "selection__reason",
        "selection__decided_by__username",
        "selection__decided_on",
        "selection__review_on",
        "foundation__line",
        "offering__api_id",
        "chosen",
        "scores",
        "note",
    )


SECTIONS: tuple[PackSection, ...] = (
    PackSection(
        "applications",
        "Applications",
        "The applications as they stand.",
        tuple(_APPLICATION),
        _plain_rows(_APPLICATION, lambda scope: scope.applications.with_owner_names()),
    ),
    PackSection(
        "stacks",
        "Stacks",
        "What the applications called in the period, down to the developer.",
        tuple(_STACK),
        _plain_rows(_STACK, lambda scope: scope.dependencies),
    ),
    PackSection(
        "adaptations",
        "Adaptations",
        "What was built on it.",
        tuple(_ADAPTATION),
        _plain_rows(_ADAPTATION, lambda scope: _dependency_rows(Adaptation, scope)),
    ),
    PackSection(
        "exit-plans",
        "Exit plans",
        "How one would leave each dependency.",
        tuple(_PLAN),
        _plain_rows(_PLAN, lambda scope: _dependency_rows(ExitPlan, scope)),
    ),
    PackSection(
        "exit-tests",
        "Exit tests",
        "Every test of leaving, whenever made.",
        tuple(_TEST),
        _plain_rows(_TEST, lambda scope: _dependency_rows(ExitTest, scope)),
    ),
    PackSection(
        "assessments",
        "Assessments and acceptances",
        "Inherited risks that somebody acted on, as they stand.",
        tuple(_ASSESSMENT),
        _plain_rows(
            _ASSESSMENT,
            lambda scope: Assessment.objects.visible_to(scope.user).filter(
                dependency__in=scope.all_dependencies.order_by().values("pk")
            ),
        ),
    ),
    PackSection(
        "evaluations",
        "Evaluations and evidence",
        "What was measured or filed, with the digest of its file.",
        tuple(_EVIDENCE),
        _plain_rows(_EVIDENCE, _select_evidence),
    ),
    PackSection(
        "contracts",
        "Contracts",
        "Contracts on file; read by the offices only.",
        tuple(_CONTRACT),
        _plain_rows(_CONTRACT, _select_contracts),
    ),
    PackSection(
        "flags",
        "Flags",
        "Correlated exposures that were open in the period; read by the offices only.",
        (
            "flag",
            "policy",
            "node kind",
            "node",
            "state",
            "value",
            "limit",
            "applications",
            "opened at",
            "resolved at",
            "acknowledged by",
            "accepted by",
            "accepted until",
            "accepted because",
            "named",
        ),
        _flag_rows,
    ),
    PackSection(
        "flag-life",
        "Life of the flags",
        "What happened to each flag, by whom and why.",
        ("flag", "policy", "turn", "at", "value", "by", "reason"),
        _flag_event_rows,
    ),
    PackSection(
        "alerts",
        "Alerts",
        "Alerts raised in the period and what people made of them.",
        (
            "alert",
            "kind",
            "severity",
            "subject",
            "event",
            "flag",
            "offering",
            "due on",
            "milestone",
            "team",
            "person",
            "state",
            "raised at",
            "acknowledged by",
            "acknowledged at",
            "assigned to",
            "snoozed until",
            "resolved at",
            "resolved by",
            "resolved because",
            "applications",
        ),
        _alert_rows,
    ),
    PackSection(
        "told",
        "Who was told",
        "One row for each recipient who was owed word of an alert.",
        (
            "alert",
            "kind",
            "occasion",
            "because",
            "person",
            "team",
            "webhook",
            "owed at",
            "not sent because",
            "message",
            "state",
            "sent at",
            "address",
            "subject",
            "failure",
            "message id",
        ),
        _alert_recipients,
    ),
    PackSection(
        "approvals",
        "Approvals",
        "Decisions of the organisation that held in the period.",
        (
            "approval",
            "provider",
            "foundation",
            "version",
            "offering",
            "host",
            "decision",
            "data classes",
            "regions",
            "criticalities",
            "reason",
            "approver",
            "decided on",
            "expires on",
            "revoked at",
            "revoked by",
            "revoked because",
        ),
        _approval_rows,
    ),
    PackSection(
        "selections",
        "Selections",
        "Platform bets written down, one row for each candidate.",
        (
            "selection",
            "title",
            "state",
            "decision",
            "reason",
            "decided by",
            "decided on",
            "review on",
            "foundation",
            "offering",
            "chosen",
            "scores",
            "note",
        ),
        _selection_rows,
    ),
)
