"""Bulk assessment of inherited risks: selection, exclusions with reasons, and undo."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.history.context import current_change_id
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.governance.proposals import is_confirmation_required
from apps.inventory.models import DecisionProposal
from apps.risks import errors
from apps.risks.actions import assessments, undo
from apps.risks.actions import evidence as actions_evidence
from apps.risks.filters import InheritedRiskFilter
from apps.risks.levels import CRITICAL_SCORE
from apps.risks.models import Assessment, Evidence, FoundationRisk
from apps.risks.queries.inherited import InheritedRisk, inherited_pairs
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks import presenters
from apps.web.views.risks.forms import BulkForm, possible_owners
from apps.web.views.risks.register import matching_risks
from apps.web.views.undo import return_path
from apps.web.wording import join_names, number

MAX_SELECTED = 500
MAX_EVIDENCE = 200
MAX_NAMED = 5


@dataclass
class SelectedRisks:
    """Selected rows that `user` may assess, the version of each, and the excluded rows with reasons
    (`left`)."""

    rows: list[InheritedRisk] = field(default_factory=list)
    versions: dict[tuple[int, int], int] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)
    is_cut: bool = False

    @property
    def picks(self) -> list[str]:
        return [
            f"{risk}-{dependency}-{version}"
            for (risk, dependency), version in self.versions.items()
        ]

    @property
    def n(self) -> int:
        return len(self.rows)


def read_selection(request: HttpRequest, user: User, today: date) -> SelectedRisks:
    """Return the selected rows, or with `all` every row that matches the filters of `query`, up to
    MAX_SELECTED."""
    selection = SelectedRisks()
    if request.POST.get("all"):
        filterset = InheritedRiskFilter(
            QueryDict(request.POST.get("query", "")), FoundationRisk.objects.none()
        )
        filterset.is_valid()
        rows = list(matching_risks(user, filterset.narrowed, today, limit=MAX_SELECTED + 1))
        selection.is_cut = len(rows) > MAX_SELECTED
        rows = rows[:MAX_SELECTED]
        versions = {(row.risk_id, row.dependency_id): row.assessment_version for row in rows}
    else:
        versions = dict(
            filter(
                None,
                (_parse_pick(pick) for pick in request.POST.getlist("pick")[: MAX_SELECTED + 1]),
            )
        )
        selection.is_cut = len(versions) > MAX_SELECTED
        versions = dict(list(versions.items())[:MAX_SELECTED])
        rows = inherited_pairs(user=user, on=today, pairs=list(versions)) if versions else []
    rows_by_key = {(row.risk_id, row.dependency_id): row for row in rows}
    n_gone = len(versions.keys() - rows_by_key.keys())
    if n_gone:
        selection.left.append(
            (
                pluralize(n_gone, f"{number(n_gone)} row", f"{number(n_gone)} rows"),
                "It is no longer inherited, or not yours to see.",
            )
        )
    for key, row in rows_by_key.items():
        reason = _explain_exclusion(row, versions[key], user)
        if reason:
            selection.left.append((_describe_row(row), reason))
        else:
            selection.rows.append(row)
            selection.versions[key] = versions[key]
    return selection


def _parse_pick(pick: str) -> tuple[tuple[int, int], int] | None:
    """Parse `risk-dependency-version` to ((risk, dependency), version); None if malformed."""
    components = pick.split("-")
    if len(components) != 3 or not all(
        component.isdecimal() and len(component) < 18 for component in components
    ):
        return None
    risk, dependency, version = map(int, components)
    return (risk, dependency), version


def _explain_exclusion(row: InheritedRisk, expected_version: int, user: User) -> str:
    if not user.may(TeamRole.EDITOR, row.team_id):
        return "You need the editor role on its team to assess it."
    if row.assessment_version != expected_version:
        return "Somebody has decided about it since you opened the list. Look at it first."
    return ""


def _describe_row(row: InheritedRisk) -> str:
    return f"{row.template or row.title} · {row.application_name}"


@dataclass(frozen=True, slots=True)
class AssessmentScope:
    """Team with its selected risks and their applications."""

    team: str
    n: int
    applications: str


def assessment_scope(rows: Sequence[InheritedRisk]) -> list[AssessmentScope]:
    rows_by_team: dict[str, list[InheritedRisk]] = {}
    for row in rows:
        rows_by_team.setdefault(row.team, []).append(row)
    return [
        AssessmentScope(
            team,
            len(team_rows),
            join_names(sorted({row.application_name for row in team_rows}), max_names=6),
        )
        for team, team_rows in sorted(rows_by_team.items(), key=lambda pair: -len(pair[1]))
    ]


@require_POST
def bulk_assess(request: HttpRequest) -> HttpResponse:
    """Show the form with a preview. With `save`, assess every selected row that the user may
    assess."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    selection = read_selection(request, user, today)
    back_url = return_path(request, reverse("inherited-risks:list"))
    if not selection.rows and not selection.left:
        flash_error(request, "Select the risks to assess.")
        return redirect(back_url)
    is_saving = bool(request.POST.get("save"))
    teams = {row.team_id for row in selection.rows}
    form = BulkForm(
        request.POST if is_saving else None,
        people=possible_owners(teams or [0]),
        evidence=_find_evidence(selection, user),
        today=today,
        may_accept=any(user.may(TeamRole.OWNER, team) for team in teams),
    )
    if is_saving and selection.rows and form.is_valid():
        outcome = _save_assessments(form, selection, user, at)
        if outcome is not None:
            _flash_outcome(request, outcome, selection)
            return redirect(back_url)
    return render_page(
        request,
        "risks/assess.html",
        title="Assess together",
        crumbs=(("Inherited risks", reverse("inherited-risks:list")),),
        counts="What is picked and may be assessed by you",
        as_of=at,
        status=422 if is_saving else 200,
        sentence=_build_headline(selection),
        chosen=selection,
        concerned=assessment_scope(selection.rows),
        form=form,
        back=back_url,
        most=MAX_SELECTED,
        states=presenters.STATES,
        leaves_out_critical="until" in form.fields
        and is_confirmation_required(DecisionProposal.Kind.ACCEPTANCE)
        and any(row.adjusted.score >= CRITICAL_SCORE for row in selection.rows),
    )


def _build_headline(selection: SelectedRisks) -> Headline:
    """Return the headline: the number of selected risks and applications."""
    if not selection.rows:
        return Headline("", "None of what was picked can be assessed by you", ".")
    n_applications = len({row.application for row in selection.rows})
    template = pluralize(
        selection.n,
        "One decision about {n} risk of {applications}.",
        "One decision about {n} risks of {applications}.",
    ).format(
        n=number(selection.n),
        applications=pluralize(
            n_applications,
            f"{number(n_applications)} application",
            f"{number(n_applications)} applications",
        ),
    )
    return Headline(template)


def _find_evidence(selection: SelectedRisks, user: User) -> Any:
    """Return the newest MAX_EVIDENCE evidence that is general or about the selected
    applications."""
    slugs = {row.application for row in selection.rows}
    visible = Evidence.objects.visible_to(user).select_related("application", "version", "offering")
    relevant_evidence = visible.filter(application__isnull=True) | visible.filter(
        application__slug__in=slugs
    )
    newest_pks = relevant_evidence.order_by("-run_on", "-pk").values_list("pk", flat=True)[
        :MAX_EVIDENCE
    ]
    return visible.filter(pk__in=list(newest_pks))


@dataclass
class BulkOutcome:
    n: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def _save_assessments(
    form: BulkForm, selection: SelectedRisks, user: User, at: datetime
) -> BulkOutcome | None:
    """Assess the selection, one call per risk. Return None if the form has errors."""
    versions_by_risk: dict[int, dict[int, int]] = {}
    for (risk_id, dependency_id), version in selection.versions.items():
        versions_by_risk.setdefault(risk_id, {})[dependency_id] = version
    names = {(row.risk_id, row.dependency_id): _describe_row(row) for row in selection.rows}
    total = BulkOutcome()
    if form.cleaned_data["decision"] == BulkForm.ACCEPT:
        for row in selection.rows:
            if not user.may(TeamRole.OWNER, row.team_id):
                versions_by_risk[row.risk_id].pop(row.dependency_id)
                total.refused.append(
                    (_describe_row(row), "You need the owner role on its team to accept it.")
                )
    try:
        with transaction.atomic():
            for foundation_risk in FoundationRisk.objects.in_bulk(
                [pk for pk, versions in versions_by_risk.items() if versions]
            ).values():
                outcome = _apply_decision(
                    form, foundation_risk, versions_by_risk[foundation_risk.pk], user, at
                )
                total.n += len(outcome.assessed)
                total.refused += [
                    (names[foundation_risk.pk, pk], reason)
                    for pk, reason in outcome.refused.items()
                ]
                total.refused += _attach_evidence(form, outcome.assessed, names, user)
    except ValidationError as error:
        form.add_error(None, "; ".join(error.messages))
        return None
    except errors.RiskChangeError as refusal:
        form.add_error(None, str(refusal))
        return None
    return total


def _apply_decision(
    form: BulkForm, risk: FoundationRisk, versions: dict[int, int], user: User, at: datetime
) -> assessments.BulkOutcome:
    """Apply the decision to the selected dependencies at the expected versions: not applicable,
    accepted or assessed."""
    if form.cleaned_data["decision"] == BulkForm.NOT_APPLICABLE:
        return assessments.mark_many_not_applicable(
            risk=risk, expected_versions=versions, reason=form.cleaned_data["plan"], by=user, at=at
        )
    if form.cleaned_data["decision"] == BulkForm.ACCEPT:
        # an acceptance sets the treatment itself
        facts = {name: value for name, value in form.facts.items() if name != "treatment"}
        return assessments.accept_many(
            risk=risk,
            expected_versions=versions,
            until=form.cleaned_data["until"],
            reason=form.cleaned_data["because"],
            by=user,
            at=at,
            facts=facts,
        )
    return assessments.assess_many(
        risk=risk, expected_versions=versions, facts=form.facts, by=user, at=at
    )


def _attach_evidence(
    form: BulkForm, assessed: Sequence[Assessment], names: dict[tuple[int, int], str], user: User
) -> list[tuple[str, str]]:
    """Attach the evidence of the form to the assessments; return (name, reason) of those that
    failed."""
    evidence = form.cleaned_data.get("evidence")
    if evidence is None:
        return []
    failures = []
    assessment_rows = Assessment.objects.select_related("dependency").filter(
        pk__in=[row.pk for row in assessed]
    )
    for row in assessment_rows:
        try:
            actions_evidence.attach_evidence(evidence=evidence, assessment=row, by=user)
        except errors.RiskChangeError as refusal:
            failures.append((names[row.risk_id, row.dependency_id], str(refusal)))
    return failures


def _flash_outcome(request: HttpRequest, outcome: BulkOutcome, selection: SelectedRisks) -> None:
    if outcome.n:
        sentence = pluralize(
            outcome.n, f"{number(outcome.n)} risk assessed.", f"{number(outcome.n)} risks assessed."
        )
        flash_success(
            request, sentence, undo=reverse("inherited-risks:undo", args=[current_change_id()])
        )
    skipped_rows = [*selection.left, *outcome.refused]
    for name, reason in skipped_rows[:MAX_NAMED]:
        flash_error(request, f"{name}: {reason}")
    if len(skipped_rows) > MAX_NAMED:
        flash_error(request, f"{number(len(skipped_rows) - MAX_NAMED)} more were not changed.")


@require_POST
def undo_bulk_assessment(request: HttpRequest, change: UUID) -> HttpResponse:
    """Undo the assessments of one change, except those that another user has changed since."""
    user = signed_in_user(request)
    teams = undo.teams_decided_in(change=change)
    if not (user.can_read_all or set(teams) & set(user.team_roles())) or not teams:
        raise Http404
    if not all(user.may(role, team) for team, role in teams.items()):
        raise PermissionDenied(
            "You can undo this assessment only if you can assess all of these risks."
        )
    try:
        outcome = undo.undo_assessments(change=change, by=user)
    except errors.RiskChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect(return_path(request, reverse("inherited-risks:list")))
    n_undone = outcome.n_taken_back
    if n_undone:
        flash_success(
            request,
            pluralize(
                n_undone,
                f"Undone: {number(n_undone)} risk has its previous assessment.",
                f"Undone: {number(n_undone)} risks have their previous assessment.",
            ),
        )
    for reason in list(dict.fromkeys(outcome.refused.values()))[:MAX_NAMED]:
        flash_error(request, reason)
    return redirect(return_path(request, reverse("inherited-risks:list")))
