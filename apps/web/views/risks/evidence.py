"""Evidence: results and documents, their validity, and the assessments that depend on them."""

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.risks import errors as risks_errors
from apps.risks.actions import evidence as actions_evidence
from apps.risks.filters import EvidenceFilter
from apps.risks.models import Assessment, AssessmentEvidence, Evidence, FoundationRisk, RiskEvidence
from apps.risks.queries.node_names import with_node_names
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks.forms import EvidenceForm

ORDERS = Sorting(
    {
        "run": ("Tested on", ("-run_on", "-pk")),
        "expires": ("Valid until", ("expires_on", "-pk")),
        "recorded": ("Recorded", ("-recorded_at", "-pk")),
    }
)
MAX_CSV_ROWS = 10_000
MAX_ROWS = 50


def _filter_evidence(request: HttpRequest) -> tuple[EvidenceFilter, Any]:
    user = signed_in_user(request)
    filterset = EvidenceFilter(request.GET, Evidence.objects.visible_to(user), request=request)
    rows = filterset.qs.select_related(
        "application", "version", "offering__host", "template", "recorded_by"
    )
    if ORDERS.chosen(request)[0] == "expires":
        rows = rows.filter(expires_on__isnull=False)
    return filterset, ORDERS.apply(request, _annotate_backing(rows, user))


def _annotate_backing(rows: Any, user: User) -> Any:
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


@require_safe
def evidence_list(request: HttpRequest) -> HttpResponse:
    """Show the evidence, by the filters of the URL."""
    user, at = signed_in_user(request), now()
    filterset, queryset = _filter_evidence(request)
    listing: PaginatedList[Evidence] = PaginatedList(request, queryset)
    today = day_of(at)
    return render_page(
        request,
        "risks/evidence.html",
        fragment="listing",
        title="Evidence",
        counts="Evidence about models and your applications",
        as_of=at,
        sentence=_build_list_headline(listing, user, today),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("kind", "Kind", choices=Evidence.Kind.choices),
                FilterControl("tool", "Tool", "search"),
                FilterControl("run", "Run", "search"),
                FilterControl("passed", "Passed", choices=BOOLEANS),
                FilterControl("failing_or_expired", "Failing or expired", choices=BOOLEANS),
                FilterControl("template", "Tested risk (code)", "search"),
            ],
        ),
        listing=listing,
        rows=[(row, row.state(today)) for row in listing.rows],
        columns=ORDERS.columns(request),
        may_add=_may_add(user),
    )


def _may_add(user: User) -> bool:
    return user.is_governance or any(
        rank >= TeamRole.EDITOR.rank for rank in user.team_roles().values()
    )


def _build_list_headline(listing: PaginatedList[Evidence], user: User, today: date) -> Headline:
    """Return the headline: the number of pieces, and those in doubt."""
    n = listing.n_found
    if n == 0:
        return Headline(
            "No evidence matches these filters." if listing.is_filtered else "No evidence yet."
        )
    total = pluralize(
        n, "1 piece of evidence is recorded", f"{listing.count} pieces of evidence are recorded"
    )
    if listing.is_filtered:
        total = pluralize(
            n,
            "1 piece of evidence matches these filters",
            f"{listing.count} pieces of evidence match these filters",
        )
        return Headline(f"{total}.")
    n_doubtful = Evidence.objects.visible_to(user).failing_or_expired_on(today)[:1001].count()
    if n_doubtful == 0:
        return Headline(f"{total}; none is failing or expired.")
    return Headline(
        f"{total}; ",
        pluralize(n_doubtful, "{n} is failing or expired", "{n} are failing or expired").format(
            n="1,000+" if n_doubtful > 1000 else n_doubtful
        ),
        ".",
    )


HEADS = [
    "evidence",
    "kind",
    "tool",
    "evaluator",
    "application",
    "version",
    "offering",
    "tested risk",
    "dataset",
    "metric",
    "value",
    "threshold",
    "cases",
    "state",
    "tested on",
    "valid until",
    "sha256",
    "link",
    "note",
    "recorded by",
    "recorded",
    "assessments",
    "risks",
]


@require_safe
def evidence_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all evidence that matches the filters."""
    today = day_of(now())

    def cells(row: Any) -> list[Any]:
        return [
            row.pk,
            row.get_kind_display(),
            row.tool,
            row.get_evaluator_display(),
            row.application.slug if row.application else "",
            row.version.identifier if row.version else "",
            row.offering.api_id if row.offering else "",
            row.template.code if row.template else "",
            row.dataset,
            row.metric,
            "" if row.value is None else row.value.normalize(),
            "" if row.threshold is None else row.threshold.normalize(),
            row.n or "",
            row.state(today).label,
            row.run_on,
            row.expires_on or "",
            row.digest,
            row.link,
            row.note,
            row.recorded_by or "",
            row.recorded_at,
            row.n_assessments,
            row.n_risks,
        ]

    return csv_response("evidence", HEADS, _filter_evidence(request)[1][:MAX_CSV_ROWS], cells)


@require_safe
def evidence_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a piece of evidence with the risks and assessments that it supports."""
    user, at = signed_in_user(request), now()
    evidence = get_object_or_404(
        Evidence.objects.visible_to(user).select_related(
            "application__team", "version__foundation", "offering__host", "template", "recorded_by"
        ),
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
    if not _may_add(user):
        raise PermissionDenied(
            "You need the editor role on a team, or the governance role, to record evidence."
        )
    is_post = request.method == "POST"
    names = ("application", "version", "offering", "kind", "tool")
    form = EvidenceForm(
        request.POST if is_post else None,
        user=user,
        initial={name: request.GET[name] for name in names if request.GET.get(name)},
    )
    backed_assessment = _find_assessment(request, user)
    if is_post and form.is_valid():
        _require_role(form.cleaned_data, user)
        try:
            with transaction.atomic():
                evidence = actions_evidence.record_evidence(
                    kind=form.cleaned_data["kind"],
                    run_on=form.cleaned_data["run_on"],
                    facts=form.facts,
                    by=user,
                    at=at,
                )
                if backed_assessment is not None:
                    actions_evidence.attach_evidence(
                        evidence=evidence, assessment=backed_assessment, by=user
                    )
        except risks_errors.RiskChangeError as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            for name, errors in (
                error.error_dict.items() if hasattr(error, "error_dict") else [(None, error)]
            ):
                form.add_error(name if name in form.fields else None, errors)
        else:
            flash_success(
                request,
                "The evidence was recorded and attached."
                if backed_assessment
                else "The evidence was recorded.",
            )
            if backed_assessment is not None:
                return redirect(
                    "inherited-risks:detail",
                    risk=backed_assessment.risk_id,
                    dependency=backed_assessment.dependency_id,
                )
            return redirect("evidence:detail", pk=evidence.pk)
    return render_page(
        request,
        "risks/add-evidence.html",
        title="Add evidence",
        crumbs=(
            ("Inherited risks", reverse("inherited-risks:list")),
            ("Evidence", reverse("evidence:list")),
        ),
        as_of=at,
        status=422 if is_post else 200,
        sentence=Headline("Enter the tested model, the tool, the result and its validity."),
        form=form,
        backs=backed_assessment,
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
