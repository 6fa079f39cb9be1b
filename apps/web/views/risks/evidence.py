"""Evidence: results and documents, their validity, and the assessments that depend on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.risks.actions import evidence as actions_evidence
from apps.risks.filters import EvidenceFilter
from apps.risks.models import Assessment, AssessmentEvidence, Evidence, FoundationRisk, RiskEvidence
from apps.risks.queries.node_names import with_node_names
from apps.web.lists.columns import Column, FileColumn, format_day, format_moment
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import can_import, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks.forms import EvidenceForm
from apps.web.wording import bounded_number, number

MAX_ROWS = 50
MAX_COUNTED_EVIDENCE = 1_000
# marks of the states
MARKS: dict[str, str] = {
    Evidence.State.FAILING: "open",
    Evidence.State.EXPIRED: "stale",
    Evidence.State.PASSED: "done",
    Evidence.State.ON_FILE: "part",
}


def _annotate_backing(rows: "QuerySet[Evidence]", user: User) -> "QuerySet[Evidence]":
    """Annotate `n_assessments`, those that `user` may view, and `n_risks`, which all users may
    view."""
    visible_assessments = Assessment.objects.visible_to(user).order_by().values("pk")
    links = AssessmentEvidence.objects.filter(evidence=OuterRef("pk"))
    if not user.can_read_all:
        links = links.filter(assessment__in=visible_assessments)
    risk_links = RiskEvidence.objects.filter(evidence=OuterRef("pk"))
    return rows.annotate(n_assessments=_count_links(links), n_risks=_count_links(risk_links))


def _count_links(links: Any) -> Coalesce:
    return Coalesce(
        Subquery(links.order_by().values("evidence").annotate(n=Count("pk")).values("n")), 0
    )


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    evidence: Evidence
    state: Evidence.State


def _describe_tool(row: EvidenceRow) -> str:
    evidence = row.evidence
    tool = evidence.tool or evidence.get_evaluator_display()
    return f"{tool}, tests {evidence.template.code}" if evidence.template else tool


def _list_subjects(row: EvidenceRow) -> list[str]:
    """Return what the evidence is about: the application, the version, the offering."""
    evidence, offering = row.evidence, row.evidence.offering
    names = [
        evidence.application.name if evidence.application else "",
        evidence.version.identifier if evidence.version else "",
        f"{offering.api_id} · {offering.host.name}" if offering else "",
    ]
    return [name for name in names if name]


def _link_application(row: EvidenceRow) -> str:
    application = row.evidence.application
    return reverse("applications:detail", args=[application.slug]) if application else ""


def _trim_zeros(value: Decimal | None) -> Decimal | None:
    """Return a measured value without the zeros of its column, and without an exponent."""
    return None if value is None else Decimal(f"{value.normalize():f}")


def _describe_result(row: EvidenceRow) -> str:
    value = _trim_zeros(row.evidence.value)
    return " ".join(filter(None, (row.evidence.metric, "" if value is None else str(value))))


def _describe_measurement(row: EvidenceRow) -> str:
    """Return the threshold, the number of cases and the dataset of a result."""
    evidence = row.evidence
    texts = [evidence.dataset]
    if evidence.threshold is not None:
        limit = "at least" if evidence.higher_is_better else "at most"
        texts.append(f"{limit} {_trim_zeros(evidence.threshold)}")
    if evidence.n:
        texts.append(f"n = {number(evidence.n)}")
    return ", ".join(filter(None, texts))


def _describe_backing(row: EvidenceRow) -> str:
    """Return how many assessments and risks depend on the evidence; empty for none."""
    n = row.evidence.n_assessments + row.evidence.n_risks  # type: ignore[attr-defined]
    return pluralize(n, "for 1 assessment", f"for {number(n)} assessments") if n else ""


class EvidenceList(ListPage[Evidence, EvidenceRow]):
    """Evidence by the filters of the URL, latest tests first."""

    namespace = "evidence"
    title = "Evidence"
    nouns = ("piece of evidence", "pieces of evidence")
    counts = "Evidence about models and your applications"
    filterset_class = EvidenceFilter
    columns = (
        Column[EvidenceRow](
            "evidence",
            "Evidence",
            lambda row: row.evidence.get_kind_display(),
            note=_describe_tool,
            url=lambda row: reverse("evidence:detail", args=[row.evidence.pk]),
        ),
        Column[EvidenceRow](
            "about",
            "About",
            lambda row: next(iter(_list_subjects(row)), ""),
            note=lambda row: ", ".join(_list_subjects(row)[1:]),
            url=_link_application,
            css=lambda row: "" if row.evidence.application else "id",
            is_in_files=False,
        ),
        Column[EvidenceRow](
            "result", "Result", _describe_result, note=_describe_measurement, is_in_files=False
        ),
        Column[EvidenceRow](
            "state",
            "State",
            attrgetter("state.label"),
            css=lambda row: f"state {MARKS[row.state]}",
            note=_describe_backing,
        ),
        Column[EvidenceRow](
            "run",
            "Tested on",
            attrgetter("evidence.run_on"),
            format=format_day,
            order=("-run_on", "-pk"),
        ),
        Column[EvidenceRow](
            "expires",
            "Valid until",
            attrgetter("evidence.expires_on"),
            format=format_day,
            css=lambda row: "bad" if row.state == Evidence.State.EXPIRED else "",
            order=("expires_on", "-pk"),
            requires="expires_on",
        ),
    )
    file_columns = (
        FileColumn[EvidenceRow]("Evidence ID", attrgetter("evidence.pk")),
        FileColumn[EvidenceRow]("Tool", attrgetter("evidence.tool")),
        FileColumn[EvidenceRow]("Evaluator", lambda row: row.evidence.get_evaluator_display()),
        FileColumn[EvidenceRow](
            "Application",
            lambda row: row.evidence.application.name if row.evidence.application else "",
        ),
        FileColumn[EvidenceRow](
            "Application ID",
            lambda row: row.evidence.application.slug if row.evidence.application else "",
        ),
        FileColumn[EvidenceRow](
            "Version", lambda row: row.evidence.version.identifier if row.evidence.version else ""
        ),
        FileColumn[EvidenceRow](
            "Model ID", lambda row: row.evidence.offering.api_id if row.evidence.offering else ""
        ),
        FileColumn[EvidenceRow](
            "Host", lambda row: row.evidence.offering.host.name if row.evidence.offering else ""
        ),
        FileColumn[EvidenceRow](
            "Tested risk", lambda row: row.evidence.template.code if row.evidence.template else ""
        ),
        FileColumn[EvidenceRow]("Dataset", attrgetter("evidence.dataset")),
        FileColumn[EvidenceRow]("Metric", attrgetter("evidence.metric")),
        FileColumn[EvidenceRow]("Value", lambda row: _trim_zeros(row.evidence.value)),
        FileColumn[EvidenceRow]("Threshold", lambda row: _trim_zeros(row.evidence.threshold)),
        FileColumn[EvidenceRow]("Cases", attrgetter("evidence.n")),
        FileColumn[EvidenceRow]("SHA-256", attrgetter("evidence.digest")),
        FileColumn[EvidenceRow]("Link", attrgetter("evidence.link")),
        FileColumn[EvidenceRow]("Note", attrgetter("evidence.note")),
        FileColumn[EvidenceRow]("Recorded by", lambda row: str(row.evidence.recorded_by or "")),
        Column[EvidenceRow](
            "recorded",
            "Recorded",
            attrgetter("evidence.recorded_at"),
            format=format_moment,
            order=("-recorded_at", "-pk"),
        ),
        FileColumn[EvidenceRow]("Assessments", attrgetter("evidence.n_assessments")),
        FileColumn[EvidenceRow]("Risks", attrgetter("evidence.n_risks")),
    )
    controls = (
        FilterControl("kind", "Kind", choices=Evidence.Kind.choices),
        FilterControl("tool", "Tool", "search"),
        FilterControl("run", "Run", "search"),
        FilterControl("passed", "Passed", choices=BOOLEANS),
        FilterControl("failing_or_expired", "Failing or expired", choices=BOOLEANS),
        FilterControl("template", "Tested risk (code)", "search"),
    )
    default_order = ("run", ())

    def get_queryset(self) -> "QuerySet[Evidence]":
        return Evidence.objects.visible_to(self.user).select_related(
            "application", "version", "offering__host", "template", "recorded_by"
        )

    def narrow(self, queryset: "QuerySet[Evidence]") -> "QuerySet[Evidence]":
        return _annotate_backing(queryset, self.user)

    def build_rows(self, records: Sequence[Evidence]) -> Sequence[EvidenceRow]:
        return [EvidenceRow(evidence, evidence.state(self.today)) for evidence in records]

    def describe_all(self) -> Headline:
        """Return the number of pieces, and those in doubt."""
        total = f"{self.count_records()} {pluralize(self.listing.n_found, 'is', 'are')} recorded"
        visible = Evidence.objects.visible_to(self.user)
        n_doubtful = visible.failing_or_expired_on(self.today)[: MAX_COUNTED_EVIDENCE + 1].count()
        if not n_doubtful:
            return Headline(f"{total}; none is failing or expired.")
        count = bounded_number(n_doubtful, MAX_COUNTED_EVIDENCE)
        verb = pluralize(n_doubtful, "is", "are")
        return Headline(f"{total}; ", f"{count} {verb} failing or expired", ".")

    def get_basis(self) -> str:
        return (
            "Results of tests on your own workloads, papers of providers, incidents. Expired and "
            "failed evidence makes its assessments stale."
        )

    def get_actions(self) -> Sequence[PageAction]:
        compare = PageAction("Compare results", reverse("evidence:compare"))
        if not can_import(self.user):
            return (compare,)
        return (
            compare,
            PageAction("Upload results", reverse("evidence:upload")),
            PageAction("Add evidence", reverse("evidence:create")),
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No evidence yet.",
            "Evidence is an evaluation on your own workload (promptfoo, inspect_ai, garak), a "
            "provider's card, a contract or an incident. Add evidence and attach it to an "
            "assessment. Pipelines can send it through the API.",
            *(("Add evidence", reverse("evidence:create")) if can_import(self.user) else ()),
        )


@require_safe
def evidence_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a piece of evidence with the risks and assessments that it supports."""
    user, at = signed_in_user(request), now()
    evidence = get_object_or_404(
        Evidence.objects.visible_to(user)
        .select_related(
            "application__team", "version__foundation", "offering__host", "template", "recorded_by"
        )
        .annotate(n_items=F("items__n")),
        pk=pk,
    )
    state = evidence.state(day_of(at))
    return render_page(
        request,
        "risks/one-evidence.html",
        title=f"{evidence.get_kind_display()}, {evidence.run_on}",
        crumbs=(("Risks", reverse("inherited-risks:list")), ("Evidence", reverse("evidence:list"))),
        counts="Assessments with this evidence that you can view",
        as_of=at,
        sentence=_build_evidence_headline(evidence, state),
        evidence=evidence,
        n_items=evidence.n_items,  # type: ignore[attr-defined]
        state=state,
        assessments=list(
            Assessment.objects.visible_to(user)
            .filter(evidence=evidence)
            .select_related("risk__template", "dependency__application")[:MAX_ROWS]
        ),
        risks=list(
            with_node_names(
                FoundationRisk.objects.filter(evidence=evidence).select_related("template")
            )[:MAX_ROWS]
        ),
    )


def _build_evidence_headline(evidence: Evidence, state: Evidence.State) -> Headline:
    subject = f"{evidence.get_kind_display()}"
    if evidence.metric:
        subject = f"{subject} of “{evidence.metric}”"
    match state:
        case Evidence.State.FAILING:
            return Headline(f"{subject} ", "fails", ".")
        case Evidence.State.EXPIRED:
            return Headline(f"{subject} ", "expired", ". Repeat the test and record the result.")
        case Evidence.State.PASSED:
            return Headline(f"{subject} passed.")
    return Headline(f"{subject} is recorded.")


@require_http_methods(["GET", "HEAD", "POST"])
def add_evidence(request: HttpRequest) -> HttpResponse:
    """Record a result or a document. Parameters such as `?application=` prefill the form;
    `?risk=&dependency=` attaches it to an assessment."""
    user, at = signed_in_user(request), now()
    if not can_import(user):
        raise PermissionDenied(
            "You need the editor role on a team, or the governance role, to record evidence."
        )
    names = ("application", "version", "offering", "kind", "tool")
    backed = _find_assessment(request, user)

    def record(form: EvidenceForm) -> Evidence:
        cleaned = form.cleaned_data
        _require_role(cleaned, user)
        evidence = actions_evidence.record_evidence(
            kind=cleaned["kind"], run_on=cleaned["run_on"], facts=form.facts, by=user, at=at
        )
        if backed is not None:
            actions_evidence.attach_evidence(evidence=evidence, assessment=backed, by=user)
        return evidence

    def back(evidence: Evidence) -> str:
        if backed is None:
            return reverse("evidence:detail", args=[evidence.pk])
        return reverse("inherited-risks:detail", args=[backed.risk_id, backed.dependency_id])

    return action_view(
        request,
        form=lambda: EvidenceForm(
            request.POST if request.method == "POST" else None,
            user=user,
            initial={name: request.GET[name] for name in names if request.GET.get(name)},
        ),
        action=record,
        done="The evidence was recorded and attached." if backed else "The evidence was recorded.",
        back=back,
        page=lambda form: render_page(
            request,
            "risks/add-evidence.html",
            title="Add evidence",
            crumbs=(
                ("Inherited risks", reverse("inherited-risks:list")),
                ("Evidence", reverse("evidence:list")),
            ),
            as_of=at,
            sentence=Headline("Enter the tested model, the tool, the result and its validity."),
            form=form,
            backs=backed,
        ),
    )


def _find_assessment(request: HttpRequest, user: User) -> Assessment | None:
    """Return the assessment to attach the evidence to, or None if `user` may not edit it."""
    risk, dependency = request.GET.get("risk", ""), request.GET.get("dependency", "")
    if not (
        risk.isdecimal() and dependency.isdecimal() and len(risk) < 18 and len(dependency) < 18
    ):
        return None
    assessment = (
        Assessment.objects.visible_to(user)
        .select_related("dependency__application__team", "risk__template")
        .filter(risk=int(risk), dependency=int(dependency))
        .first()
    )
    return (
        assessment
        if assessment and user.may(TeamRole.EDITOR, assessment.dependency.application.team_id)
        else None
    )


def _require_role(cleaned: dict[str, Any], user: User) -> None:
    application = cleaned.get("application") or None
    if application is not None:
        if not user.may(TeamRole.EDITOR, application.team_id):
            raise PermissionDenied("You need the editor role on the owning team to do this.")
    elif not user.is_governance:
        raise PermissionDenied(
            "Evidence about a version or offering applies to all teams. Contact a governance "
            "user, or enter your application."
        )
