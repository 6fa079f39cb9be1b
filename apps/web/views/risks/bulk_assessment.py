"""Bulk assessment of inherited risks: selection, exclusions with reasons, and undo."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from apps.inventory.models import Application, DecisionProposal
from apps.risks import errors
from apps.risks.actions import assessments, undo
from apps.risks.actions import evidence as actions_evidence
from apps.risks.filters import InheritedRiskFilter
from apps.risks.levels import CRITICAL_SCORE
from apps.risks.models import Assessment, Evidence, FoundationRisk
from apps.risks.queries.conditions import UNDECIDED, InheritedRiskQuery
from apps.risks.queries.inherited import InheritedRisk, inherited_pairs
from apps.web.pages.action_view import Confirmation, action_view, add_errors
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks import presenters
from apps.web.views.risks.forms import BulkForm, possible_owners
from apps.web.views.risks.register import matching_risks
from apps.web.views.undo import return_path
from apps.web.wording import day, join_names, number

MAX_SELECTED = 500
MAX_EVIDENCE = 200
MAX_NAMED = 5
MAX_EXCEPTIONS = 50
_SECRET = Application.DataClass.SECRET


@dataclass
class SelectedRisks:
    """Selected rows that `user` may assess, the version of each, and the excluded rows with reasons
    (`left`)."""

    rows: list[InheritedRisk] = field(default_factory=list)
    versions: dict[tuple[int, int], int] = field(default_factory=dict)
    left: list[tuple[str, str]] = field(default_factory=list)
    is_cut: bool = False
    group: InheritedRiskQuery | None = None
    """The filters of the group that one decision covers; None for rows that were selected."""

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
    """Return the selected rows. With `all`: every row that matches the filters of `query`; with
    `group`: the undecided rows of a group of the register. Both up to MAX_SELECTED."""
    selection = SelectedRisks()
    if request.POST.get("group"):
        selection.group = _requested_query(request, **QueryDict(request.POST["group"]).dict())
    if not request.POST.get("save") and (selection.group or request.POST.get("all")):
        query = (
            replace(selection.group, state=UNDECIDED)
            if selection.group
            else _requested_query(request)
        )
        rows = list(matching_risks(user, query, today, limit=MAX_SELECTED + 1))
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
                "No longer inherited, or not visible to you.",
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


def _requested_query(request: HttpRequest, **filters: Any) -> InheritedRiskQuery:
    """Return the filters of the list that the form comes from, with `filters` in addition."""
    values = QueryDict(request.POST.get("query", "")).copy()
    values.update(filters)
    filterset = InheritedRiskFilter(values, FoundationRisk.objects.none())
    filterset.is_valid()
    return filterset.narrowed


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
        return "Another user assessed this risk after you opened the list. Check it first."
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
        rows_by_team.setdefault(row.team_name, []).append(row)
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
        title="Bulk assessment",
        crumbs=(("Inherited risks", reverse("inherited-risks:list")),),
        counts="Selected risks that you can assess",
        as_of=at,
        status=422 if is_saving else 200,
        sentence=_build_headline(selection),
        chosen=selection,
        rows=_preview_rows(selection, is_saving=is_saving),
        exceptions=_kept_exceptions(selection, user, today),
        group=request.POST.get("group", ""),
        query=request.POST.get("query", ""),
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
        return Headline("", "You can assess none of the selected risks", ".")
    n_applications = len({row.application for row in selection.rows})
    template = pluralize(
        selection.n,
        "One decision for {n} risk of {applications}.",
        "One decision for {n} risks of {applications}.",
    ).format(
        n=number(selection.n),
        applications=pluralize(
            n_applications,
            f"{number(n_applications)} application",
            f"{number(n_applications)} applications",
        ),
    )
    return Headline(template)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """Selected risk; `difference` is how its application or level differs from most of the
    group."""

    risk: InheritedRisk
    pick: str
    is_selected: bool
    state: str
    difference: str


def _preview_rows(selection: SelectedRisks, *, is_saving: bool) -> list[PreviewRow]:
    """Return the rows of the preview, differing ones first. Those of a group are not selected, so
    that a user includes them on purpose."""
    differences = describe_row_differences(selection.rows) if selection.group else {}
    rows = [
        PreviewRow(
            row,
            f"{row.risk_id}-{row.dependency_id}-"
            f"{selection.versions[row.risk_id, row.dependency_id]}",
            is_saving or row.key not in differences,
            presenters.STATES[row.state],
            differences.get(row.key, ""),
        )
        for row in selection.rows
    ]
    return sorted(rows, key=lambda row: not row.difference)


def describe_row_differences(rows: Sequence[InheritedRisk]) -> dict[str, str]:
    """Return {key: how the row differs from most rows}: criticality, data classification, level
    after adaptations."""
    if not rows:
        return {}
    is_critical = _most_frequent([row.criticality == 0 for row in rows])
    is_secret = _most_frequent([row.data_classification == _SECRET for row in rows])
    level = _most_frequent([row.adjusted for row in rows])
    differences = {}
    for row in rows:
        reasons = []
        if (row.criticality == 0) != is_critical:
            reasons.append("critical application" if row.criticality == 0 else "lower criticality")
        if (row.data_classification == _SECRET) != is_secret:
            reasons.append(
                "strictly confidential data"
                if row.data_classification == _SECRET
                else "data of a lower classification"
            )
        if row.adjusted != level:
            reasons.append(
                f"level {row.adjusted.likelihood} × {row.adjusted.impact} after adaptations"
            )
        if reasons:
            differences[row.key] = ", ".join(reasons).capitalize()
    return differences


def _most_frequent[T](values: Sequence[T]) -> T:
    return Counter(values).most_common(1)[0][0]


@dataclass(frozen=True, slots=True)
class KeptException:
    """Inherited risk of a group with a decision of its own, which the group's decision keeps."""

    risk: InheritedRisk
    decision: str


def _kept_exceptions(selection: SelectedRisks, user: User, today: date) -> list[KeptException]:
    """Return the first MAX_EXCEPTIONS decisions that a decision for the group does not change; at
    most four statements."""
    if selection.group is None:
        return []
    exceptions = []
    for state in ("assessed", "not_applicable"):
        query = replace(selection.group, state=state)
        for row in matching_risks(user, query, today, limit=MAX_EXCEPTIONS):
            decision = (
                f"Accepted until {day(row.accepted_until, today=today)}"
                if row.accepted_until
                else presenters.STATES[row.state]
            )
            exceptions.append(KeptException(row, decision))
    # acceptances and other exceptions before plain assessments
    exceptions.sort(key=lambda one: one.decision == presenters.STATES["assessed"])
    return exceptions[:MAX_EXCEPTIONS]


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
    except (errors.RiskChangeError, ValidationError) as error:
        add_errors(form, error)
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

    def confirm(outcome: undo.AssessmentUndo) -> Confirmation:
        n = outcome.n_taken_back
        message = pluralize(
            n,
            f"Undone: {number(n)} risk has its previous assessment.",
            f"Undone: {number(n)} risks have their previous assessment.",
        )
        reasons = list(dict.fromkeys(outcome.refused.values()))
        return Confirmation(message if n else "", refusals=reasons[:MAX_NAMED])

    return action_view(
        request,
        action=lambda _form: undo.undo_assessments(change=change, by=user),
        done=confirm,
        back=return_path(request, reverse("inherited-risks:list")),
    )
