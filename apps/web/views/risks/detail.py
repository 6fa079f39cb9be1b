"""Page of an inherited risk: inheritance path, severity, history and assessment forms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.history.context import current_change_id
from apps.common.time import day_of, now
from apps.exposure.campaigns.planned_retirements import migration_plan_of
from apps.exposure.models import CampaignTask
from apps.inventory.actions.locks import locked_dependency
from apps.inventory.governance.proposals import second_people
from apps.inventory.models import Adaptation, DecisionProposal, Dependency
from apps.risks.actions import assessments
from apps.risks.actions import evidence as actions_evidence
from apps.risks.levels import PROMPT_ADAPTATIONS, Level
from apps.risks.models import (
    Assessment,
    Evidence,
    FoundationRisk,
    Predicate,
    RuleName,
    TemplateMapping,
)
from apps.risks.queries.evidence import evidence_for_dependency, with_state
from apps.risks.queries.inherited import InheritedRisk, inherited_risk
from apps.risks.queries.levels import IN_THE_WEIGHTS
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.flash_messages import flash_error
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.proposals import present_open_proposal
from apps.web.views.governance.proposals import confirm_proposed
from apps.web.views.risks import presenters
from apps.web.views.risks.forms import (
    AcceptForm,
    AssessForm,
    AttachForm,
    NotApplicableForm,
    RevokeForm,
    possible_owners,
)
from apps.web.views.risks.history import assessment_history
from apps.web.views.risks.inheritance_path import inheritance_path
from apps.web.wording import long_day

_ASSESSED_FIELDS = (
    "current_likelihood",
    "current_impact",
    "residual_likelihood",
    "residual_impact",
    "confidence",
    "treatment",
    "plan",
    "owner",
    "due_on",
)


@dataclass
class InheritedRiskSubject:
    """Risk and dependency of the page. `row` is None if the dependency no longer inherits the
    risk."""

    risk: FoundationRisk
    dependency: Dependency
    row: InheritedRisk | None
    assessment: Assessment | None
    plan: CampaignTask | None = None
    """The migration task that closes the risk of a retirement for this dependency."""

    @property
    def team_id(self) -> int:
        return self.dependency.application.team_id

    @property
    def address(self) -> str:
        return reverse("inherited-risks:detail", args=[self.risk.pk, self.dependency.pk])


def load_subject(
    user: User, risk_id: int, dependency_id: int, *, today: date, lock: bool = False
) -> InheritedRiskSubject:
    """Load the subject of the page; five statements. 404 if `user` may not view it, or the
    dependency never inherited the risk."""
    dependency = (
        Dependency.objects.visible_to(user)
        .select_related("application__team", "offering__host", "via_party")
        .filter(pk=dependency_id)
        .first()
    )
    risk = (
        FoundationRisk.objects.select_related("template", "node", "owner")
        .filter(pk=risk_id)
        .first()
    )
    if dependency is None or risk is None:
        raise Http404
    if lock:
        locked_dependency(dependency, by=user)
    row = inherited_risk(user=user, risk_id=risk_id, dependency_id=dependency_id, on=today)
    rows = Assessment.objects.filter(risk=risk_id, dependency=dependency_id)
    assessment = rows.select_related(
        "owner", "assessed_by", "accepted_by", "revoked_by", "stale_event"
    ).first()
    is_plannable = (
        risk.template is not None
        and risk.template.applies_when == Predicate.UNPLANNED_RETIREMENT
        and risk.rule != RuleName.SHORT_NOTICE
    )
    plan = migration_plan_of(dependency) if row is None and is_plannable else None
    if row is None and assessment is None and plan is None:
        raise Http404
    return InheritedRiskSubject(risk, dependency, row, assessment, plan)


@require_safe
def inherited_risk_detail(request: HttpRequest, risk: int, dependency: int) -> HttpResponse:
    user, at = signed_in_user(request), now()
    return _render_detail(request, load_subject(user, risk, dependency, today=day_of(at)), at=at)


def _build_forms(
    subject: InheritedRiskSubject, user: User, today: date, bound: dict[str, forms.Form]
) -> dict[str, forms.Form]:
    """Return the forms that `user` may submit; those in `bound` keep their input and errors."""
    forms_by_name: dict[str, forms.Form] = {}
    if subject.row is None or not user.may(TeamRole.EDITOR, subject.team_id):
        return forms_by_name
    for name in ("assess", "not-applicable", "accept", "revoke", "evidence"):
        form = bound.get(name) or _build_form(name, subject, user, today)
        if form is not None:
            forms_by_name[name.replace("-", "_")] = form
    return forms_by_name


def _build_form(
    name: str, subject: InheritedRiskSubject, user: User, today: date, data: Any = None
) -> forms.Form | None:
    """Return the form of this name; None if the state of the assessment or the roles of the user do
    not allow it."""
    row = subject.assessment
    version = {"version": row.version if row else 0}
    in_force = row is not None and row.accepts_on(today)
    match name:
        case "assess":
            initial = (
                {field: getattr(row, field) for field in _ASSESSED_FIELDS}
                if row
                else _suggest_initial(subject)
            )
            people = possible_owners([subject.team_id], also=[row.owner_id if row else None])
            return AssessForm(data, people=people, row=row, initial={**initial, **version})
        case "not-applicable":
            return NotApplicableForm(data, row=row, initial=version)
        case "accept" if user.may(TeamRole.OWNER, subject.team_id):
            return AcceptForm(data, row=row, today=today, initial=version)
        case "revoke" if in_force and user.may(TeamRole.OWNER, subject.team_id):
            return RevokeForm(data, row=row, initial=version)
        case "evidence" if row is not None:
            return AttachForm(data, evidence=_find_attachable_evidence(subject, user, today))
    return None


def _suggest_initial(subject: InheritedRiskSubject) -> dict[str, Any]:
    """Return the initial values of a first assessment: the level after adaptations."""
    if subject.row is None:
        return {}
    level = subject.row.adjusted
    return {
        "current_likelihood": level.likelihood,
        "current_impact": level.impact,
        "confidence": subject.row.confidence,
    }


def _find_attachable_evidence(subject: InheritedRiskSubject, user: User, today: date) -> Any:
    return evidence_for_dependency(dependency=subject.dependency, user=user, on=today)


def _render_detail(
    request: HttpRequest,
    subject: InheritedRiskSubject,
    *,
    at: datetime,
    bound: dict[str, forms.Form] | None = None,
) -> HttpResponse:
    """Render the page of an inherited risk; `bound` are forms with errors."""
    user, today = signed_in_user(request), day_of(at)
    risk, row, assessment = subject.risk, subject.row, subject.assessment
    template = risk.template
    evidence = (
        list(with_state(Evidence.objects.filter(backed_assessments=assessment), on=today))
        if assessment
        else []
    )
    name = risk.title or (template.title if template else "")
    needs_second_person = assessments.is_acceptance_proposed(risk, subject.dependency)
    return render_page(
        request,
        "risks/inherited.html",
        title=f"{template.code} {name}" if template else name,
        crumbs=(
            ("Inherited risks", reverse("inherited-risks:list")),
            (subject.dependency.application.name, _application_risks_url(subject)),
        ),
        counts="One foundation risk on one dependency",
        as_of=at,
        status=422 if bound else 200,
        sentence=_build_headline(subject, name),
        risk=risk,
        kind=template,
        name=name,
        row=row,
        plan=subject.plan,
        dependency=subject.dependency,
        application=subject.dependency.application,
        assessment=assessment,
        accepts=assessment is not None and assessment.accepts_on(today),
        state=presenters.STATES[row.state] if row else "",
        mark=presenters.MARKS[row.state] if row else "",
        is_late=bool(assessment and assessment.due_on and assessment.due_on < today),
        chain=inheritance_path(row, subject.dependency) if row else [],
        scores=_build_score_rows(subject) if row else [],
        steps=_build_step_rows(row) if row else [],
        capped=row is not None and _is_capped(row),
        built=[Adaptation.Kind(kind).label for kind in row.adaptations] if row else [],
        evidence=evidence,
        history=assessment_history(assessment) if assessment else [],
        mappings=list(
            TemplateMapping.objects.filter(template=template)
            .select_related("entry__taxonomy")
            .order_by("entry__taxonomy__name", "entry__code")
        )
        if template
        else [],
        forms=_build_forms(subject, user, today, bound or {}),
        proposal=present_open_proposal(
            DecisionProposal.Kind.ACCEPTANCE,
            assessments.acceptance_target(risk.pk, subject.dependency.pk),
            user,
            back=subject.address,
        ),
        needs_second_person=needs_second_person,
        has_second_person=needs_second_person and second_people(user).exists(),
        opened=next(iter(bound), "") if bound else "",
        may_add=user.may(TeamRole.EDITOR, subject.team_id),
    )


def _application_risks_url(subject: InheritedRiskSubject) -> str:
    return f"{reverse('inherited-risks:list')}?application={subject.dependency.application.slug}"


def _build_headline(subject: InheritedRiskSubject, name: str) -> Headline:
    row = subject.row
    application = subject.dependency.application.name
    if row is None and subject.plan is not None:
        return Headline(
            f"Closed for {application}: the migration “{subject.plan.campaign.title}” covers this "
            "dependency. The risk reopens if its task becomes obsolete or the migration closes "
            "without a sign-off."
        )
    if row is None:
        return Headline(
            f"{application} no longer inherits “{name}”. Its assessment stays recorded."
        )
    return presenters.inherited_risk_headline(
        name,
        application,
        row.node_name,
        row.state,
        stale=row.stale_reason,
        until=row.accepted_until,
    )


@dataclass(frozen=True, slots=True)
class ScoreRow:
    name: str
    level: Level | None
    words: str
    severity: str
    why: str


def _build_score_rows(subject: InheritedRiskSubject) -> list[ScoreRow]:
    """Return the levels of the risk in order: inherent, adjusted, current and residual, with what
    each is based on."""
    row, assessment = subject.row, subject.assessment
    assert row is not None
    levels = [
        ("Inherent, on the foundation", row.inherent, "level on the foundation"),
        ("Inherent, here", row.adjusted, "after adaptations of this dependency"),
        (
            "Current",
            row.current,
            "with current controls" if row.current else "not recorded",
        ),
        (
            "Residual",
            row.residual,
            "after the planned treatment" if row.residual else "not recorded",
        ),
    ]
    if assessment is not None:
        assessed_level = Level(assessment.inherent_likelihood, assessment.inherent_impact)
        if assessed_level != row.adjusted:
            levels.insert(
                2, ("Inherent, when it was assessed", assessed_level, "changed since then")
            )
    return [
        ScoreRow(
            name,
            level,
            presenters.describe_level(level),
            presenters.describe_severity(level),
            explanation,
        )
        for name, level, explanation in levels
    ]


@dataclass(frozen=True, slots=True)
class PathStepRow:
    adaptation: str
    likelihood: str
    impact: str
    why: str


def _build_step_rows(row: InheritedRisk) -> list[PathStepRow]:
    return [
        PathStepRow(
            Adaptation.Kind(step.adaptation).label,
            presenters.describe_steps(step.likelihood),
            presenters.describe_steps(step.impact),
            step.why,
        )
        for step in row.steps
    ]


def _is_capped(row: InheritedRisk) -> bool:
    """Return whether the adaptations lowered the level only partly, because prompts and examples
    cannot change what is in the weights."""
    if row.layer not in IN_THE_WEIGHTS or not PROMPT_ADAPTATIONS.issuperset(row.adaptations):
        return False
    return (
        sum(step.likelihood for step in row.steps) < -1
        or sum(step.impact for step in row.steps) < 0
    )


# --- decisions ------------------------------------------------------------------------------------


@require_POST
@transaction.atomic
def decide_inherited_risk(
    request: HttpRequest, risk: int, dependency: int, action: str
) -> HttpResponse:
    """Assess, accept, mark as not applicable, revoke or add evidence; errors are shown with the
    input."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    subject = load_subject(user, risk, dependency, today=today, lock=True)
    _require_role(
        user, subject, TeamRole.OWNER if action in ("accept", "revoke") else TeamRole.EDITOR
    )
    form = _build_form(action, subject, user, today, data=request.POST)
    if form is None:
        flash_error(request, "This action is no longer possible. Reload the page.")
        return redirect(subject.address)

    def done(outcome: str | DecisionProposal) -> Confirmation:
        if isinstance(outcome, DecisionProposal):
            return Confirmation(confirm_proposed(at=at))
        if action == "evidence":
            return Confirmation(outcome)
        return Confirmation(
            outcome, undo=reverse("inherited-risks:undo", args=[current_change_id()])
        )

    return action_view(
        request,
        form=lambda: form,
        action=lambda form: _ACTIONS[action](subject, form.cleaned_data, user, at),
        done=done,
        back=subject.address,
        page=lambda form: _render_detail(request, subject, at=at, bound={action: form}),
    )


def _require_role(user: User, subject: InheritedRiskSubject, role: TeamRole) -> None:
    if not user.may(role, subject.team_id):
        name = "owner" if role == TeamRole.OWNER else "editor"
        raise PermissionDenied(
            f"You need the {name} role on {subject.dependency.application.team.name}, "
            "or the governance role, to do this."
        )


def _expected_version(subject: InheritedRiskSubject) -> int:
    # the form rejects input if another user changed the assessment meanwhile
    return subject.assessment.version if subject.assessment else 0


def _assess(subject: InheritedRiskSubject, cleaned: dict[str, Any], by: User, at: datetime) -> str:
    assessments.assess_risk(
        risk=subject.risk,
        dependency=subject.dependency,
        facts=cleaned,
        expected_version=_expected_version(subject),
        by=by,
        at=at,
    )
    return "The risk was assessed."


def _accept(
    subject: InheritedRiskSubject, cleaned: dict[str, Any], by: User, at: datetime
) -> str | DecisionProposal:
    outcome = assessments.submit_acceptance(
        risk=subject.risk,
        dependency=subject.dependency,
        until=cleaned["until"],
        reason=cleaned["because"],
        expected_version=_expected_version(subject),
        by=by,
        at=at,
    )
    if isinstance(outcome, DecisionProposal):
        return outcome
    return f"Accepted until {long_day(cleaned['until'])}."


def _mark_not_applicable(
    subject: InheritedRiskSubject, cleaned: dict[str, Any], by: User, at: datetime
) -> str:
    assessments.mark_not_applicable(
        risk=subject.risk,
        dependency=subject.dependency,
        reason=cleaned["because"],
        expected_version=_expected_version(subject),
        by=by,
        at=at,
    )
    return "Marked as not applicable."


def _revoke(subject: InheritedRiskSubject, cleaned: dict[str, Any], by: User, at: datetime) -> str:
    assert subject.assessment is not None
    assessments.revoke_acceptance(
        assessment=subject.assessment,
        reason=cleaned["because"],
        expected_version=_expected_version(subject),
        by=by,
        at=at,
    )
    return "The acceptance was revoked. Reassess the risk."


def _attach(subject: InheritedRiskSubject, cleaned: dict[str, Any], by: User, at: datetime) -> str:
    assert subject.assessment is not None
    actions_evidence.attach_evidence(
        evidence=cleaned["evidence"], assessment=subject.assessment, by=by
    )
    return "The evidence was attached."


type _Action = Callable[
    [InheritedRiskSubject, dict[str, Any], User, datetime], str | DecisionProposal
]
_ACTIONS: Mapping[str, _Action] = {
    "assess": _assess,
    "accept": _accept,
    "not-applicable": _mark_not_applicable,
    "revoke": _revoke,
    "evidence": _attach,
}
