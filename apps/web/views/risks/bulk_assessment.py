"""Bulk assessment of inherited risks: what it affects, what is left alone and why, and its undo."""

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
from apps.risks import errors
from apps.risks.actions import assessments, undo
from apps.risks.actions import evidence as actions_evidence
from apps.risks.filters import InheritedRiskFilter
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
    """Selection: rows that `user` may assess with the version that was read, and what is left alone
    and why."""

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
    chosen = SelectedRisks()
    if request.POST.get("all"):
        asked = InheritedRiskFilter(
            QueryDict(request.POST.get("query", "")), FoundationRisk.objects.none()
        )
        asked.is_valid()
        rows = list(matching_risks(user, asked.narrowed, today, most=MAX_SELECTED + 1))
        chosen.is_cut = len(rows) > MAX_SELECTED
        rows = rows[:MAX_SELECTED]
        read = {(row.risk_id, row.dependency_id): row.assessment_version for row in rows}
    else:
        read = dict(
            filter(None, (_read(pick) for pick in request.POST.getlist("pick")[: MAX_SELECTED + 1]))
        )
        chosen.is_cut = len(read) > MAX_SELECTED
        read = dict(list(read.items())[:MAX_SELECTED])
        rows = inherited_pairs(user=user, on=today, pairs=list(read)) if read else []
    found = {(row.risk_id, row.dependency_id): row for row in rows}
    n_gone = len(read.keys() - found.keys())
    if n_gone:
        chosen.left.append(
            (
                pluralize(n_gone, f"{number(n_gone)} row", f"{number(n_gone)} rows"),
                "It is no longer inherited, or not yours to see.",
            )
        )
    for pair, row in found.items():
        why_not = _why_not(row, read[pair], user)
        if why_not:
            chosen.left.append((_named(row), why_not))
        else:
            chosen.rows.append(row)
            chosen.versions[pair] = read[pair]
    return chosen


def _read(pick: str) -> tuple[tuple[int, int], int] | None:
    """`risk-dependency-version`."""
    parts = pick.split("-")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 18 for part in parts):
        return None
    risk, dependency, version = map(int, parts)
    return (risk, dependency), version


def _why_not(row: InheritedRisk, read: int, user: User) -> str:
    if not user.may(TeamRole.EDITOR, row.team_id):
        return "You need the editor role on its team to assess it."
    if row.assessment_version != read:
        return "Somebody has decided about it since you opened the list. Look at it first."
    return ""


def _named(row: InheritedRisk) -> str:
    return f"{row.template or row.title} · {row.application_name}"


@dataclass(frozen=True, slots=True)
class AssessmentScope:
    """Team whose risks are assessed."""

    team: str
    n: int
    applications: str


def assessment_scope(rows: Sequence[InheritedRisk]) -> list[AssessmentScope]:
    teams: dict[str, list[InheritedRisk]] = {}
    for row in rows:
        teams.setdefault(row.team, []).append(row)
    return [
        AssessmentScope(
            team, len(some), join_names(sorted({row.application_name for row in some}), max_names=6)
        )
        for team, some in sorted(teams.items(), key=lambda pair: -len(pair[1]))
    ]


@require_POST
def bulk_assess(request: HttpRequest) -> HttpResponse:
    """Show the form with its preview; with `save`, apply it to every row that the user may
    assess."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    chosen = read_selection(request, user, today)
    back = return_path(request, reverse("inherited-risks:list"))
    if not chosen.rows and not chosen.left:
        flash_error(request, "Select the risks to assess.")
        return redirect(back)
    saving = bool(request.POST.get("save"))
    teams = {row.team_id for row in chosen.rows}
    form = BulkForm(
        request.POST if saving else None,
        people=possible_owners(teams or [0]),
        evidence=_evidence_for(chosen, user),
        today=today,
        may_accept=any(user.may(TeamRole.OWNER, team) for team in teams),
    )
    if saving and chosen.rows and form.is_valid():
        done = _save(form, chosen, user, at)
        if done is not None:
            _tell(request, done, chosen)
            return redirect(back)
    return render_page(
        request,
        "risks/assess.html",
        title="Assess together",
        crumbs=(("Risks", reverse("inherited-risks:list")),),
        counts="What is picked and may be assessed by you",
        as_of=at,
        status=422 if saving else 200,
        sentence=_sentence(chosen),
        chosen=chosen,
        concerned=assessment_scope(chosen.rows),
        form=form,
        back=back,
        most=MAX_SELECTED,
        states=presenters.STATES,
    )


def _sentence(chosen: SelectedRisks) -> Headline:
    if not chosen.rows:
        return Headline("", "None of what was picked can be assessed by you", ".")
    applications = len({row.application for row in chosen.rows})
    start = pluralize(
        chosen.n,
        "One decision about {n} risk of {applications}.",
        "One decision about {n} risks of {applications}.",
    ).format(
        n=number(chosen.n),
        applications=pluralize(
            applications,
            f"{number(applications)} application",
            f"{number(applications)} applications",
        ),
    )
    return Headline(start)


def _evidence_for(chosen: SelectedRisks, user: User) -> Any:
    """General evidence and that of the applications concerned, the newest."""
    slugs = {row.application for row in chosen.rows}
    visible = Evidence.objects.visible_to(user).select_related("application", "version", "offering")
    about = visible.filter(application__isnull=True) | visible.filter(application__slug__in=slugs)
    newest = about.order_by("-run_on", "-pk").values_list("pk", flat=True)[:MAX_EVIDENCE]
    return visible.filter(pk__in=list(newest))


@dataclass
class BulkOutcome:
    n: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def _save(form: BulkForm, chosen: SelectedRisks, user: User, at: datetime) -> BulkOutcome | None:
    """One call a risk; None where the form says what is wrong."""
    by_risk: dict[int, dict[int, int]] = {}
    for (risk, dependency), version in chosen.versions.items():
        by_risk.setdefault(risk, {})[dependency] = version
    names = {(row.risk_id, row.dependency_id): _named(row) for row in chosen.rows}
    done = BulkOutcome()
    if form.cleaned_data["decision"] == BulkForm.ACCEPT:
        for row in chosen.rows:
            if not user.may(TeamRole.OWNER, row.team_id):
                by_risk[row.risk_id].pop(row.dependency_id)
                done.refused.append(
                    (_named(row), "You need the owner role on its team to accept it.")
                )
    try:
        with transaction.atomic():
            for found in FoundationRisk.objects.in_bulk(
                [pk for pk, versions in by_risk.items() if versions]
            ).values():
                outcome = _decide(form, found, by_risk[found.pk], user, at)
                done.n += len(outcome.assessed)
                done.refused += [(names[found.pk, pk], why) for pk, why in outcome.refused.items()]
                done.refused += _attach(form, outcome.assessed, names, user)
    except ValidationError as error:
        form.add_error(None, "; ".join(error.messages))
        return None
    except errors.RiskChangeError as refusal:
        form.add_error(None, str(refusal))
        return None
    return done


def _decide(
    form: BulkForm, risk: FoundationRisk, versions: dict[int, int], user: User, at: datetime
) -> assessments.BulkOutcome:
    if form.cleaned_data["decision"] == BulkForm.NOT_APPLICABLE:
        return assessments.mark_many_not_applicable(
            risk=risk, expected_versions=versions, reason=form.cleaned_data["plan"], by=user, at=at
        )
    if form.cleaned_data["decision"] == BulkForm.ACCEPT:
        # its treatment is the acceptance
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


def _attach(
    form: BulkForm, assessed: Sequence[Assessment], names: dict[tuple[int, int], str], user: User
) -> list[tuple[str, str]]:
    evidence = form.cleaned_data.get("evidence")
    if evidence is None:
        return []
    left = []
    about = Assessment.objects.select_related("dependency").filter(
        pk__in=[row.pk for row in assessed]
    )
    for row in about:
        try:
            actions_evidence.attach_evidence(evidence=evidence, assessment=row, by=user)
        except errors.RiskChangeError as refusal:
            left.append((names[row.risk_id, row.dependency_id], str(refusal)))
    return left


def _tell(request: HttpRequest, done: BulkOutcome, chosen: SelectedRisks) -> None:
    if done.n:
        sentence = pluralize(
            done.n, f"{number(done.n)} risk assessed.", f"{number(done.n)} risks assessed."
        )
        flash_success(
            request, sentence, undo=reverse("inherited-risks:undo", args=[current_change_id()])
        )
    left = [*chosen.left, *done.refused]
    for name, why in left[:MAX_NAMED]:
        flash_error(request, f"{name}: {why}")
    if len(left) > MAX_NAMED:
        flash_error(request, f"{number(len(left) - MAX_NAMED)} more were not changed.")


@require_POST
def undo_bulk_assessment(request: HttpRequest, change: UUID) -> HttpResponse:
    """Undo what one change decided, unless another user has changed it since."""
    user = signed_in_user(request)
    teams = undo.teams_decided_in(change=change)
    if not (user.can_read_all or set(teams) & set(user.team_roles())) or not teams:
        raise Http404
    if not all(user.may(role, team) for team, role in teams.items()):
        raise PermissionDenied(
            "You can undo this assessment only if you can assess all of these risks."
        )
    try:
        undone = undo.undo_assessments(change=change, by=user)
    except errors.RiskChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect(return_path(request, reverse("inherited-risks:list")))
    n = undone.n_taken_back
    if n:
        flash_success(
            request,
            pluralize(
                n,
                f"Undone: {number(n)} risk has its previous assessment.",
                f"Undone: {number(n)} risks have their previous assessment.",
            ),
        )
    for why in list(dict.fromkeys(undone.refused.values()))[:MAX_NAMED]:
        flash_error(request, why)
    return redirect(return_path(request, reverse("inherited-risks:list")))
