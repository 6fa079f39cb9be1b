"""Assessments of inherited risks by team editors, and acceptances by team owners. The role is
checked again after the application is locked.

The caller passes the version that was read: 0 if there was no assessment yet. Of two concurrent
users one succeeds; the other gets an error with the user and content of the first assessment.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pghistory.models
from django.apps import apps
from django.db import models, transaction

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.actions.locks import lock_teams_of, locked_dependency, refuse_without_role
from apps.inventory.governance.proposals import (
    RECORD_CHANGED,
    decision_context,
    is_confirmation_required,
    propose_decision,
    register_applier,
)
from apps.inventory.models import DecisionProposal, Dependency
from apps.risks.actions.counts import request_count
from apps.risks.errors import RiskChangeError
from apps.risks.levels import CRITICAL_SCORE
from apps.risks.models import Assessment, FoundationRisk, StaleCause, Treatment
from apps.risks.queries.levels import levels_on
from apps.risks.queries.reach import inheriting_dependencies
from apps.risks.staleness import lock_staleness

ASSESSMENT_FIELDS = frozenset(
    {
        "current_likelihood",
        "current_impact",
        "residual_likelihood",
        "residual_impact",
        "confidence",
        "treatment",
        "plan",
        "owner",
        "due_on",
    }
)
# an acceptance is temporary; a longer one would be a policy
MAX_ACCEPTANCE = timedelta(days=731)
PERMANENT_FIELDS = frozenset(
    {
        "id",
        "risk",
        "dependency",
        "version",
        "created_at",
        "updated_at",
        "inherent",
        "current",
        "residual",
    }
)


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """The saved assessments; `refused` gives the reason for each dependency that was left
    unchanged."""

    assessed: tuple[Assessment, ...]
    refused: Mapping[int, str]


@transaction.atomic
def assess_risk(
    *,
    risk: FoundationRisk,
    dependency: Dependency,
    facts: Mapping[str, Any],
    expected_version: int,
    by: User,
    at: datetime,
    reason: str = "",
) -> Assessment:
    """Assess the severity and treatment of the risk for a dependency. Facts that are not given are
    unchanged; a stale assessment becomes current.

    Accepting is a separate action.
    """
    locked_dependency(dependency, by=by)
    outcome = assess_many(
        risk=risk,
        expected_versions={dependency.pk: expected_version},
        facts=facts,
        by=by,
        at=at,
        reason=reason,
    )
    return _single_assessment(outcome, dependency)


@transaction.atomic
def assess_many(
    *,
    risk: FoundationRisk,
    expected_versions: Mapping[int, int],
    facts: Mapping[str, Any],
    by: User,
    at: datetime,
    reason: str = "",
) -> BulkOutcome:
    """Assess one risk for many dependencies with the same facts; `expected_versions` is
    {dependency: the version that was read, 0 for none}.

    The number of statements is fixed. Dependencies whose assessment changed, or that do not inherit
    the risk, are unchanged and reported.
    """
    cleaned = _check_fields(facts)
    if cleaned.get("treatment") == Treatment.ACCEPT:
        raise RiskChangeError(
            "An acceptance needs an approver, a reason and an expiry date. Use the accept action."
        )
    needs_second_person = is_confirmation_required(DecisionProposal.Kind.ACCEPTANCE)

    def decide(assessment: Assessment) -> str:
        for name, value in cleaned.items():
            setattr(assessment, name, value)
        if assessment.treatment == Treatment.ACCEPT and not assessment.accepts_on(day_of(at)):
            return "The acceptance expired. Renew it, or choose another treatment."
        # `inherent` is still the score for which the risk was accepted
        if (
            needs_second_person
            and assessment.treatment == Treatment.ACCEPT
            and is_critical(assessment)
            and assessment.inherent < CRITICAL_SCORE
        ):
            return (
                "The risk has become critical since it was accepted. Accept it again, or choose "
                "another treatment."
            )
        assessment.state = Assessment.State.ASSESSED
        assessment.not_applicable_reason = ""
        return ""

    return _change_assessments(risk, expected_versions, decide, by, at, reason or "risk assessed")


@transaction.atomic
def mark_not_applicable(
    *,
    risk: FoundationRisk,
    dependency: Dependency,
    reason: str,
    expected_version: int,
    by: User,
    at: datetime,
) -> Assessment:
    """Record that the risk is inherited but does not apply to this use, for `reason`."""
    locked_dependency(dependency, by=by)
    outcome = mark_many_not_applicable(
        risk=risk,
        expected_versions={dependency.pk: expected_version},
        reason=reason,
        by=by,
        at=at,
    )
    return _single_assessment(outcome, dependency)


@transaction.atomic
def mark_many_not_applicable(
    *,
    risk: FoundationRisk,
    expected_versions: Mapping[int, int],
    reason: str,
    by: User,
    at: datetime,
) -> BulkOutcome:
    """Record that the risk does not apply to any of these uses, for the same reason; like
    assess_many."""
    _require_text(reason, "Enter a reason why the risk does not apply.")
    return _change_assessments(risk, expected_versions, _set_not_applicable(reason), by, at, reason)


@transaction.atomic
def accept_risk(
    *,
    risk: FoundationRisk,
    dependency: Dependency,
    until: date,
    reason: str,
    expected_version: int,
    by: User,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    proposal: DecisionProposal | None = None,
) -> Assessment:
    """Accept the risk until `until` (exclusive), for a reason. On that day the assessment becomes
    stale. A critical risk can require a confirmed proposal (`submit_acceptance`)."""
    locked_dependency(dependency, by=by, role=TeamRole.OWNER)
    outcome = accept_many(
        risk=risk,
        expected_versions={dependency.pk: expected_version},
        until=until,
        reason=reason,
        by=by,
        at=at,
        facts=facts,
        proposal=proposal,
    )
    return _single_assessment(outcome, dependency)


@transaction.atomic
def accept_many(
    *,
    risk: FoundationRisk,
    expected_versions: Mapping[int, int],
    until: date,
    reason: str,
    by: User,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    proposal: DecisionProposal | None = None,
) -> BulkOutcome:
    """Accept the risk for all of these uses, until the same day and for the same reason; like
    assess_many.

    Where the risk is critical and the settings require a second person, only the use of the
    confirmed proposal is accepted.
    """
    _require_text(reason, "Enter a reason for the acceptance.")
    today = day_of(at)
    if until <= today:
        raise RiskChangeError(
            f"The acceptance would already have expired. Enter a date after {today}."
        )
    if until > today + MAX_ACCEPTANCE:
        raise RiskChangeError(
            f"An acceptance must expire by {today + MAX_ACCEPTANCE}. Enter an earlier date."
        )
    cleaned = _check_fields(facts)
    needs_second_person = is_confirmation_required(DecisionProposal.Kind.ACCEPTANCE)

    def decide(assessment: Assessment) -> str:
        if needs_second_person and is_critical(assessment):
            target = acceptance_target(risk.pk, assessment.dependency_id)
            if proposal is None or proposal.target != target:
                return (
                    "A second governance user must confirm the acceptance of a critical risk. "
                    "Accept it on its own page."
                )
        for name, value in cleaned.items():
            setattr(assessment, name, value)
        assessment.state = Assessment.State.ASSESSED
        assessment.not_applicable_reason = ""
        assessment.treatment = Treatment.ACCEPT
        assessment.accepted_by, assessment.accepted_at, assessment.accepted_until = by, at, until
        assessment.accept_reason = reason.strip()
        assessment.revoked_by = assessment.revoked_at = None
        assessment.revoke_reason = ""
        return ""

    return _change_assessments(
        risk, expected_versions, decide, by, at, reason, role=TeamRole.OWNER, proposal=proposal
    )


# --- acceptances that a second person confirms ----------------------------------------------------


@transaction.atomic
def submit_acceptance(
    *,
    risk: FoundationRisk,
    dependency: Dependency,
    until: date,
    reason: str,
    expected_version: int,
    by: User,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
) -> Assessment | DecisionProposal:
    """Accept the risk, or propose that if a second governance person must confirm it."""
    locked_dependency(dependency, by=by, role=TeamRole.OWNER)
    if not is_acceptance_proposed(risk, dependency):
        return accept_risk(
            risk=risk,
            dependency=dependency,
            until=until,
            reason=reason,
            expected_version=expected_version,
            by=by,
            at=at,
            facts=facts,
        )
    _require_text(reason, "Enter a reason for the acceptance.")
    return propose_decision(
        kind=DecisionProposal.Kind.ACCEPTANCE,
        target=acceptance_target(risk.pk, dependency.pk),
        target_name=f"{_risk_name(risk)} for {dependency.application.name}",
        dependency=dependency,
        before={"version": expected_version},
        after={
            "until": until.isoformat(),
            "facts": {name: _as_json(value) for name, value in _check_fields(facts).items()},
        },
        reason=reason,
        by=by,
        at=at,
    )


def is_acceptance_proposed(risk: FoundationRisk, dependency: Dependency) -> bool:
    """Return whether a second governance person must confirm an acceptance of the risk there."""
    if not is_confirmation_required(DecisionProposal.Kind.ACCEPTANCE):
        return False
    level = levels_on(risk=risk, dependency_ids=[dependency.pk])[dependency.pk]
    return level.score >= CRITICAL_SCORE


def acceptance_target(risk_id: int, dependency_id: int) -> str:
    """Return the target of proposals to accept the risk for the dependency."""
    return f"risk:{risk_id}/dependency-{dependency_id}"


def is_critical(assessment: Assessment) -> bool:
    """Return whether the risk is critical at the levels of the assessment."""
    score = assessment.inherent_likelihood * assessment.inherent_impact
    return bool(score >= CRITICAL_SCORE)


def _risk_name(risk: FoundationRisk) -> str:
    if risk.template is None:
        return risk.title
    return f"{risk.template.code}, {risk.title or risk.template.title}"


def _as_json(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case User():
            return value.pk
    return value


def _apply_acceptance(proposal: DecisionProposal, at: datetime) -> None:
    """Apply a confirmed proposal, in the name of its author."""
    risk = FoundationRisk.objects.select_related("template").filter(pk=proposal.target_id).first()
    dependency = proposal.dependency
    if risk is None or dependency is None:
        raise ConflictError(RECORD_CHANGED)
    facts = dict(proposal.after["facts"])
    if facts.get("owner") is not None:
        facts["owner"] = User.objects.get(pk=facts["owner"])
    if facts.get("due_on"):
        facts["due_on"] = date.fromisoformat(facts["due_on"])
    accept_risk(
        risk=risk,
        dependency=dependency,
        until=date.fromisoformat(proposal.after["until"]),
        reason=proposal.reason,
        expected_version=proposal.before["version"],
        by=proposal.proposed_by,
        at=at,
        facts=facts,
        proposal=proposal,
    )


register_applier(DecisionProposal.Kind.ACCEPTANCE, _apply_acceptance)


@transaction.atomic
def revoke_acceptance(
    *, assessment: Assessment, reason: str, expected_version: int, by: User, at: datetime
) -> Assessment:
    """Revoke the acceptance: the risk is open again and must be reassessed."""
    _require_text(reason, "Enter a reason for revoking the acceptance.")
    assessment = _lock_assessment(assessment, expected_version, by=by, role=TeamRole.OWNER)
    if not assessment.accepts_on(day_of(at)):
        raise RiskChangeError("No valid acceptance exists, so there is nothing to revoke.")
    assessment.revoked_by, assessment.revoked_at, assessment.revoke_reason = by, at, reason.strip()
    assessment.state = Assessment.State.STALE
    assessment.stale_since, assessment.stale_cause = at, StaleCause.ACCEPTANCE_REVOKED
    assessment.stale_reason = f"{by} revoked the acceptance: {reason.strip()}"
    assessment.version += 1
    with audit_context(user=by, reason=reason):
        assessment.save()
    request_count()
    return assessment


@transaction.atomic
def undo_assessment(
    *, assessment: Assessment, expected_version: int, by: User, reason: str = ""
) -> Assessment | None:
    """Undo the last assessment and restore the row before it. Return None if it was the first one:
    the risk is unassessed again.

    The history has both versions. An assessment that an event or a date made stale cannot be
    undone: assess it again.
    """
    assessment = _lock_assessment(assessment, expected_version, by=by)
    refuse_without_role(by, role_to_undo(assessment), assessment.dependency.application.team_id)
    if (
        assessment.state == Assessment.State.STALE
        and assessment.stale_cause != StaleCause.ACCEPTANCE_REVOKED
    ):
        raise RiskChangeError(
            "The registry marked this assessment stale, so it cannot be undone. "
            f"{assessment.stale_reason} Reassess the risk instead."
        )
    request_count()
    with audit_context(user=by, reason=reason or "last assessment undone"):
        if assessment.version == 1:
            assessment.delete()
            return None
        previous_entry = _previous_version(assessment)
        if previous_entry is None:
            raise RiskChangeError(
                "The previous value is not recorded, so this cannot be undone. Reassess the "
                "risk instead."
            )
        for field in Assessment._meta.concrete_fields:
            if field.name not in PERMANENT_FIELDS:
                setattr(assessment, field.attname, getattr(previous_entry, field.attname))
        assessment.version += 1
        assessment.save()
    return assessment


def role_to_undo(assessment: Assessment) -> TeamRole:
    """Return the role that `undo_assessment` needs: owners decide about acceptances, both the one
    that is undone and the one that is restored."""
    previous_entry: Any = _previous_version(assessment)
    return (
        TeamRole.OWNER
        if any(map(is_about_acceptance, filter(None, (assessment, previous_entry))))
        else TeamRole.EDITOR
    )


def is_about_acceptance(row: Any) -> bool:
    """Return whether an assessment, or an entry of its history, accepts the risk or revokes an
    acceptance."""
    return row.treatment == Treatment.ACCEPT or row.revoked_at is not None


def _previous_version(assessment: Assessment) -> pghistory.models.Event | None:
    """Return the history entry before the last decision, or None."""
    history: type[models.Model] = apps.get_model("risks", "AssessmentHistory")
    entries = history._default_manager.filter(
        pgh_obj_id=assessment.pk, version=assessment.version - 1
    )
    return entries.order_by("-pgh_id").first()  # type: ignore[return-value]


def _set_not_applicable(reason: str) -> Callable[[Assessment], str]:
    def decide(assessment: Assessment) -> str:
        assessment.state = Assessment.State.NOT_APPLICABLE
        assessment.not_applicable_reason = reason.strip()
        assessment.treatment = ""
        return ""

    return decide


def _change_assessments(
    risk: FoundationRisk,
    expected_versions: Mapping[int, int],
    decide: Callable[[Assessment], str],
    by: User,
    at: datetime,
    reason: str,
    *,
    role: TeamRole = TeamRole.EDITOR,
    proposal: DecisionProposal | None = None,
) -> BulkOutcome:
    """Apply `decide` to each assessment, a new one if none exists; `decide` returns a reason to
    reject it, or an empty text."""
    application_of = dict(
        Dependency.objects.filter(pk__in=expected_versions).values_list("pk", "application_id")
    )
    teams = lock_teams_of(application_of.values(), no_key=True)
    risk = FoundationRisk.objects.select_related("template").get(pk=risk.pk)
    lock_staleness()
    # concurrent assessments of the same dependencies wait here and then see this result
    dependency_rows = (
        Dependency.objects.select_for_update(no_key=True)
        .filter(pk__in=expected_versions)
        .order_by("pk")
    )
    dependencies = {dependency.pk: dependency for dependency in dependency_rows}
    forbidden_ids = {
        dependency.pk
        for dependency in dependencies.values()
        # one that moved to an application that is not locked here was merged in the meantime
        if dependency.application_id not in teams
        or not by.may(role, teams[dependency.application_id])
    }
    assessments = {
        assessment.dependency_id: assessment
        for assessment in Assessment.objects.select_for_update(of=("self",))
        .select_related("assessed_by")
        .filter(risk=risk, dependency__in=expected_versions)
    }
    inheriting = inheriting_dependencies(
        risk_id=risk.pk, dependency_ids=expected_versions, on=day_of(at)
    )
    levels = levels_on(risk=risk, dependency_ids=list(dependencies))
    rejections: dict[int, str] = {}
    new_assessments: list[Assessment] = []
    changed_assessments: list[Assessment] = []
    for pk, version in expected_versions.items():
        assessment = assessments.get(pk)
        if pk in forbidden_ids:
            rejections[pk] = (
                f"You need the {role.word} role on the owning team to assess this risk."
            )
        elif pk not in inheriting:
            rejections[pk] = (
                "This dependency does not inherit the risk today. Check its upstream dependencies."
            )
        elif (assessment.version if assessment else 0) != version:
            rejections[pk] = version_conflict(assessment)
        else:
            row = assessment or Assessment(risk=risk, dependency=dependencies[pk], version=0)
            row.inherent_likelihood, row.inherent_impact = (
                levels[pk].likelihood,
                levels[pk].impact,
            )
            rejection_reason = decide(row)
            if rejection_reason:
                rejections[pk] = rejection_reason
                continue
            row.stale_since = row.stale_event = None
            row.stale_cause = row.stale_reason = ""
            row.assessed_by, row.assessed_at = by, at
            row.version += 1
            row.updated_at = at
            row.clean_fields(exclude=_RELATIONS)
            (changed_assessments if assessment else new_assessments).append(row)
    with decision_context(by=by, reason=reason, proposal=proposal):
        Assessment.objects.bulk_create(new_assessments, batch_size=2000)
        if changed_assessments:
            Assessment.objects.bulk_update(changed_assessments, WRITTEN_FIELDS, batch_size=500)
    if new_assessments or changed_assessments:
        request_count()
    return BulkOutcome(assessed=(*new_assessments, *changed_assessments), refused=rejections)


_RELATIONS = {field.name for field in Assessment._meta.concrete_fields if field.is_relation}
# the fields that a change of many rows writes
WRITTEN_FIELDS = [
    field.name
    for field in Assessment._meta.concrete_fields
    if field.name not in (PERMANENT_FIELDS - {"version", "updated_at"}) | {"id"}
]


def _single_assessment(outcome: BulkOutcome, dependency: Dependency) -> Assessment:
    for sentence in outcome.refused.values():
        raise RiskChangeError(sentence)
    assessment = outcome.assessed[0]
    assessment.refresh_from_db()
    return assessment


def _lock_assessment(
    assessment: Assessment, expected_version: int, *, by: User, role: TeamRole = TeamRole.EDITOR
) -> Assessment:
    locked_dependency(assessment.dependency, by=by, role=role)
    rows: Iterable[Assessment] = (
        Assessment.objects.select_for_update(of=("self",))
        .select_related("assessed_by", "dependency__application")
        .filter(pk=assessment.pk)
    )
    row = next(iter(rows), None)
    if row is None or row.version != expected_version:
        raise RiskChangeError(version_conflict(row))
    return row


def version_conflict(assessment: Assessment | None) -> str:
    """Return the sentence for the second of two concurrent users."""
    if assessment is None:
        return "Another user undid this assessment. Reload it."
    if assessment.state == Assessment.State.STALE:
        return f"The assessment became stale: {assessment.stale_reason} Reload it, then decide."
    result = assessment.get_state_display().lower()
    if assessment.treatment:
        result += f", {assessment.get_treatment_display().lower()}"
    if assessment.residual_likelihood and assessment.residual_impact:
        result += f", residual {assessment.residual_likelihood} x {assessment.residual_impact}"
    return (
        f"{assessment.assessed_by} assessed this on {assessment.assessed_at:%Y-%m-%d at %H:%M} UTC "
        f"({result}). Reload the assessment, then decide."
    )


def _require_text(text: str, message: str) -> None:
    if not text.strip():
        raise RiskChangeError(message)


def _check_fields(facts: Mapping[str, Any] | None) -> dict[str, Any]:
    unknown_fields = sorted(set(facts or {}) - ASSESSMENT_FIELDS)
    if unknown_fields:
        raise TypeError(f"Unknown fields: {', '.join(unknown_fields)}")
    return dict(facts or {})
