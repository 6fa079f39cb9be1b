"""Inherited risk page: why it applies, its severity here, its assessments, and assessing it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.history.context import current_change_id
from apps.common.time import day_of, now
from apps.inventory.actions.locks import locked_dependency
from apps.inventory.models import Adaptation, Dependency
from apps.risks import errors as risks_errors
from apps.risks.actions import assessments
from apps.risks.actions import evidence as actions_evidence
from apps.risks.levels import PROMPT_ADAPTATIONS, Level
from apps.risks.models import Assessment, Evidence, FoundationRisk, TemplateMapping
from apps.risks.queries.evidence import evidence_for_dependency, with_state
from apps.risks.queries.inherited import InheritedRisk, inherited_risk
from apps.risks.queries.levels import IN_THE_WEIGHTS
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
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

_FACTS = (
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
    """Subject of the page. `row` is None if the dependency no longer inherits the risk."""

    risk: FoundationRisk
    dependency: Dependency
    row: InheritedRisk | None
    assessment: Assessment | None

    @property
    def team_id(self) -> int:
        return self.dependency.application.team_id

    @property
    def address(self) -> str:
        return reverse("inherited-risks:detail", args=[self.risk.pk, self.dependency.pk])


def load_subject(
    user: User, risk: int, dependency: int, *, today: date, lock: bool = False
) -> InheritedRiskSubject:
    """Five statements. 404 where `user` may not see it, or it neither is nor ever was anything."""
    found = (
        Dependency.objects.visible_to(user)
        .select_related("application__team", "offering__host", "via_party")
        .filter(pk=dependency)
        .first()
    )
    of = FoundationRisk.objects.select_related("template", "node", "owner").filter(pk=risk).first()
    if found is None or of is None:
        raise Http404
    if lock:
        locked_dependency(found, by=user)
    row = inherited_risk(user=user, risk_id=risk, dependency_id=dependency, on=today)
    rows = Assessment.objects.filter(risk=risk, dependency=dependency)
    assessment = rows.select_related(
        "owner", "assessed_by", "accepted_by", "revoked_by", "stale_event"
    ).first()
    if row is None and assessment is None:
        raise Http404
    return InheritedRiskSubject(of, found, row, assessment)


@require_safe
def inherited_risk_detail(request: HttpRequest, risk: int, dependency: int) -> HttpResponse:
    user, at = signed_in_user(request), now()
    return _page(request, load_subject(user, risk, dependency, today=day_of(at)), at=at)


def _forms(
    subject: InheritedRiskSubject, user: User, today: date, bound: dict[str, forms.Form]
) -> dict[str, forms.Form]:
    """The forms that `user` may fill in; those of a refused answer as they were sent."""
    offered: dict[str, forms.Form] = {}
    if subject.row is None or not user.may(TeamRole.EDITOR, subject.team_id):
        return offered
    for name in ("assess", "not-applicable", "accept", "revoke", "evidence"):
        form = bound.get(name) or _form(name, subject, user, today)
        if form is not None:
            offered[name.replace("-", "_")] = form
    return offered


def _form(
    name: str, subject: InheritedRiskSubject, user: User, today: date, data: Any = None
) -> forms.Form | None:
    row = subject.assessment
    version = {"version": row.version if row else 0}
    in_force = row is not None and row.accepts_on(today)
    match name:
        case "assess":
            said = {field: getattr(row, field) for field in _FACTS} if row else _suggested(subject)
            people = possible_owners([subject.team_id], also=[row.owner_id if row else None])
            return AssessForm(data, people=people, row=row, initial={**said, **version})
        case "not-applicable":
            return NotApplicableForm(data, row=row, initial=version)
        case "accept" if user.may(TeamRole.OWNER, subject.team_id):
            return AcceptForm(data, row=row, today=today, initial=version)
        case "revoke" if in_force and user.may(TeamRole.OWNER, subject.team_id):
            return RevokeForm(data, row=row, initial=version)
        case "evidence" if row is not None:
            return AttachForm(data, evidence=_attachable(subject, user, today))
    return None


def _suggested(subject: InheritedRiskSubject) -> dict[str, Any]:
    """What an empty form begins with: the level after the adaptations is where today's controls
    start."""
    if subject.row is None:
        return {}
    level = subject.row.adjusted
    return {
        "current_likelihood": level.likelihood,
        "current_impact": level.impact,
        "confidence": subject.row.confidence,
    }


def _attachable(subject: InheritedRiskSubject, user: User, today: date) -> Any:
    return evidence_for_dependency(dependency=subject.dependency, user=user, on=today)


def _page(
    request: HttpRequest,
    subject: InheritedRiskSubject,
    *,
    at: datetime,
    bound: dict[str, forms.Form] | None = None,
) -> HttpResponse:
    user, today = signed_in_user(request), day_of(at)
    risk, row, assessment = subject.risk, subject.row, subject.assessment
    template = risk.template
    evidence = (
        list(with_state(Evidence.objects.filter(backed_assessments=assessment), on=today))
        if assessment
        else []
    )
    name = risk.title or (template.title if template else "")
    return render_page(
        request,
        "risks/inherited.html",
        title=f"{template.code} {name}" if template else name,
        crumbs=(
            ("Risks", reverse("inherited-risks:list")),
            (subject.dependency.application.name, _of_application(subject)),
        ),
        counts="One foundation risk on one dependency",
        as_of=at,
        status=422 if bound else 200,
        sentence=_sentence(subject, name),
        risk=risk,
        kind=template,
        name=name,
        row=row,
        dependency=subject.dependency,
        application=subject.dependency.application,
        assessment=assessment,
        accepts=assessment is not None and assessment.accepts_on(today),
        state=presenters.STATES[row.state] if row else "",
        mark=presenters.MARKS[row.state] if row else "",
        is_late=bool(assessment and assessment.due_on and assessment.due_on < today),
        chain=inheritance_path(row, subject.dependency) if row else [],
        scores=_scores(subject) if row else [],
        steps=_steps(row) if row else [],
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
        forms=_forms(subject, user, today, bound or {}),
        opened=next(iter(bound), "") if bound else "",
        may_add=user.may(TeamRole.EDITOR, subject.team_id),
    )


def _of_application(subject: InheritedRiskSubject) -> str:
    return f"{reverse('inherited-risks:list')}?application={subject.dependency.application.slug}"


def _sentence(subject: InheritedRiskSubject, name: str) -> Headline:
    row = subject.row
    application = subject.dependency.application.name
    if row is None:
        return Headline(
            f"{application} no longer inherits “{name}”: what was decided stays on record."
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


def _scores(subject: InheritedRiskSubject) -> list[ScoreRow]:
    row, assessment = subject.row, subject.assessment
    assert row is not None
    levels = [
        ("Inherent, on the foundation", row.inherent, "what the risk is rated where it lies"),
        ("Inherent, here", row.adjusted, "after what was built on this dependency"),
        (
            "Current",
            row.current,
            "with the controls of today" if row.current else "nobody has said",
        ),
        (
            "Residual",
            row.residual,
            "after the planned treatment" if row.residual else "nobody has said",
        ),
    ]
    if assessment is not None:
        then = Level(assessment.inherent_likelihood, assessment.inherent_impact)
        if then != row.adjusted:
            levels.insert(2, ("Inherent, when it was assessed", then, "it has moved since"))
    return [
        ScoreRow(
            name, level, presenters.describe_level(level), presenters.describe_severity(level), why
        )
        for name, level, why in levels
    ]


@dataclass(frozen=True, slots=True)
class PathStepRow:
    adaptation: str
    likelihood: str
    impact: str
    why: str


def _steps(row: InheritedRisk) -> list[PathStepRow]:
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
    """Prompts and examples would have lowered it further than words can."""
    if row.layer not in IN_THE_WEIGHTS or not PROMPT_ADAPTATIONS.issuperset(row.adaptations):
        return False
    return (
        sum(step.likelihood for step in row.steps) < -1
        or sum(step.impact for step in row.steps) < 0
    )


# --- deciding -------------------------------------------------------------------------------------


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
    _require(user, subject, TeamRole.OWNER if action in ("accept", "revoke") else TeamRole.EDITOR)
    form = _form(action, subject, user, today, data=request.POST)
    if form is None:
        flash_error(request, "This action is no longer possible. Reload the page.")
        return redirect(subject.address)
    if form.is_valid():
        try:
            with transaction.atomic():
                said = _DECIDE[action](subject, form.cleaned_data, user, at)
        except risks_errors.RiskChangeError as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            _add(form, error)
        else:
            undo = (
                None
                if action == "evidence"
                else reverse("inherited-risks:undo", args=[current_change_id()])
            )
            flash_success(request, said, undo=undo)
            return redirect(subject.address)
    return _page(request, subject, at=at, bound={action: form})


def _require(user: User, subject: InheritedRiskSubject, role: TeamRole) -> None:
    if not user.may(role, subject.team_id):
        name = "owner" if role == TeamRole.OWNER else "editor"
        raise PermissionDenied(
            f"You need the {name} role on {subject.dependency.application.team.name}, "
            "or the governance role, to do this."
        )


def _add(form: forms.Form, error: ValidationError) -> None:
    """The action's complaints at their fields, or above the form."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)


def _version(subject: InheritedRiskSubject) -> int:
    # the form has made sure that nobody has changed what it showed
    return subject.assessment.version if subject.assessment else 0


def _assess(subject: InheritedRiskSubject, said: dict[str, Any], by: User, at: datetime) -> str:
    assessments.assess_risk(
        risk=subject.risk,
        dependency=subject.dependency,
        facts=said,
        expected_version=_version(subject),
        by=by,
        at=at,
    )
    return "Assessed."


def _accept(subject: InheritedRiskSubject, said: dict[str, Any], by: User, at: datetime) -> str:
    assessments.accept_risk(
        risk=subject.risk,
        dependency=subject.dependency,
        until=said["until"],
        reason=said["because"],
        expected_version=_version(subject),
        by=by,
        at=at,
    )
    return f"Accepted until {long_day(said['until'])}."


def _not_applicable(
    subject: InheritedRiskSubject, said: dict[str, Any], by: User, at: datetime
) -> str:
    assessments.mark_not_applicable(
        risk=subject.risk,
        dependency=subject.dependency,
        reason=said["because"],
        expected_version=_version(subject),
        by=by,
        at=at,
    )
    return "Marked as not applicable."


def _revoke(subject: InheritedRiskSubject, said: dict[str, Any], by: User, at: datetime) -> str:
    assert subject.assessment is not None
    assessments.revoke_acceptance(
        assessment=subject.assessment,
        reason=said["because"],
        expected_version=_version(subject),
        by=by,
        at=at,
    )
    return "The acceptance was revoked. Reassess the risk."


def _attach(subject: InheritedRiskSubject, said: dict[str, Any], by: User, at: datetime) -> str:
    assert subject.assessment is not None
    actions_evidence.attach_evidence(
        evidence=said["evidence"], assessment=subject.assessment, by=by
    )
    return "Attached."


_DECIDE = {
    "assess": _assess,
    "accept": _accept,
    "not-applicable": _not_applicable,
    "revoke": _revoke,
    "evidence": _attach,
}
