"""Evidence: what was measured or filed, whether it is still valid, and what depends on it."""

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
        "run": ("Made on", ("-run_on", "-pk")),
        "expires": ("Counts until", ("expires_on", "-pk")),
        "recorded": ("Recorded", ("-recorded_at", "-pk")),
    }
)
MAX_CSV_ROWS = 10_000
MAX_ROWS = 50


def _filtered(request: HttpRequest) -> tuple[EvidenceFilter, Any]:
    user = signed_in_user(request)
    found = EvidenceFilter(request.GET, Evidence.objects.visible_to(user), request=request)
    rows = found.qs.select_related(
        "application", "version", "offering__host", "template", "recorded_by"
    )
    if ORDERS.chosen(request)[0] == "expires":
        rows = rows.filter(expires_on__isnull=False)
    return found, ORDERS.apply(request, _with_backing(rows, user))


def _with_backing(rows: Any, user: User) -> Any:
    """Adds `n_assessments` that `user` may see, and `n_risks`, which everybody may."""
    seen = Assessment.objects.visible_to(user).order_by().values("pk")
    links = AssessmentEvidence.objects.filter(evidence=OuterRef("pk"))
    if not user.can_read_all:
        links = links.filter(assessment__in=seen)
    of_risks = RiskEvidence.objects.filter(evidence=OuterRef("pk"))
    return rows.annotate(n_assessments=_counted(links), n_risks=_counted(of_risks))


def _counted(links: Any) -> Coalesce:
    return Coalesce(
        Subquery(links.order_by().values("evidence").annotate(n=Count("pk")).values("n")), 0
    )


@require_safe
def evidence_list(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    found, queryset = _filtered(request)
    listing: PaginatedList[Evidence] = PaginatedList(request, queryset)
    today = day_of(at)
    return render_page(
        request,
        "risks/evidence.html",
        fragment="listing",
        title="Evidence",
        crumbs=(("Risks", reverse("inherited-risks:list")),),
        counts="Evidence about models, and about applications of yours",
        as_of=at,
        sentence=_sentence(listing, user, today),
        filters=build_filter_controls(
            request,
            found,
            [
                FilterControl("kind", "Kind", choices=Evidence.Kind.choices),
                FilterControl("tool", "Tool", "search"),
                FilterControl("run", "Run", "search"),
                FilterControl("passed", "Passed", choices=BOOLEANS),
                FilterControl("failing_or_expired", "Failing or expired", choices=BOOLEANS),
                FilterControl("template", "Tests the risk (code)", "search"),
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


def _sentence(listing: PaginatedList[Evidence], user: User, today: date) -> Headline:
    n = listing.n_found
    if n == 0:
        return Headline(
            "No evidence matches." if listing.is_filtered else "No evidence is on record yet."
        )
    start = pluralize(
        n, "One piece of evidence is on record", f"{listing.count} pieces of evidence are on record"
    )
    if listing.is_filtered:
        start = pluralize(
            n,
            "One piece of evidence matches the filters",
            f"{listing.count} pieces of evidence match the filters",
        )
        return Headline(f"{start}.")
    doubtful = Evidence.objects.visible_to(user).failing_or_expired_on(today)[:1001].count()
    if doubtful == 0:
        return Headline(f"{start}; none fails or has expired.")
    return Headline(
        f"{start}; ",
        pluralize(doubtful, "{n} fails or has expired", "{n} fail or have expired").format(
            n="1,000+" if doubtful > 1000 else doubtful
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
    "tests risk",
    "dataset",
    "metric",
    "value",
    "threshold",
    "cases",
    "state",
    "made on",
    "counts until",
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

    return csv_response("evidence", HEADS, _filtered(request)[1][:MAX_CSV_ROWS], cells)


@require_safe
def evidence_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = signed_in_user(request), now()
    found = get_object_or_404(
        Evidence.objects.visible_to(user).select_related(
            "application__team", "version__foundation", "offering__host", "template", "recorded_by"
        ),
        pk=pk,
    )
    state = found.state(day_of(at))
    return render_page(
        request,
        "risks/one-evidence.html",
        title=f"{found.get_kind_display()}, {found.run_on}",
        crumbs=(("Risks", reverse("inherited-risks:list")), ("Evidence", reverse("evidence:list"))),
        counts="What rests on this evidence, as far as you may see",
        as_of=at,
        sentence=_one_sentence(found, state),
        evidence=found,
        state=state,
        assessments=list(
            Assessment.objects.visible_to(user)
            .filter(evidence=found)
            .select_related("risk__template", "dependency__application")[:MAX_ROWS]
        ),
        risks=list(
            with_node_names(
                FoundationRisk.objects.filter(evidence=found).select_related("template")
            )[:MAX_ROWS]
        ),
    )


def _one_sentence(found: Evidence, state: Evidence.State) -> Headline:
    start = f"{found.get_kind_display()}"
    if found.metric:
        start = f"{start} of “{found.metric}”"
    match state:
        case Evidence.State.FAILING:
            return Headline(f"{start} ", "fails", ".")
        case Evidence.State.EXPIRED:
            return Headline(f"{start} ", "has expired", ": it backs nothing until it is repeated.")
        case Evidence.State.PASSED:
            return Headline(f"{start} passed.")
    return Headline(f"{start} is on file.")


@require_http_methods(["GET", "HEAD", "POST"])
def add_evidence(request: HttpRequest) -> HttpResponse:
    """Record a result or a document; `?application=`, `?version=` and so on fill it in,
    `?risk=&dependency=` attaches."""
    user, at = signed_in_user(request), now()
    if not _may_add(user):
        raise PermissionDenied(
            "You need the editor role on a team, or the governance role, to record evidence."
        )
    posted = request.method == "POST"
    names = ("application", "version", "offering", "kind", "tool")
    form = EvidenceForm(
        request.POST if posted else None,
        user=user,
        initial={name: request.GET[name] for name in names if request.GET.get(name)},
    )
    backs = _backed(request, user)
    if posted and form.is_valid():
        _require(form.cleaned_data, user)
        try:
            with transaction.atomic():
                found = actions_evidence.record_evidence(
                    kind=form.cleaned_data["kind"],
                    run_on=form.cleaned_data["run_on"],
                    facts=form.facts,
                    by=user,
                    at=at,
                )
                if backs is not None:
                    actions_evidence.attach_evidence(evidence=found, assessment=backs, by=user)
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
                if backs
                else "The evidence was recorded.",
            )
            if backs is not None:
                return redirect(
                    "inherited-risks:detail", risk=backs.risk_id, dependency=backs.dependency_id
                )
            return redirect("evidence:detail", pk=found.pk)
    return render_page(
        request,
        "risks/add-evidence.html",
        title="Add evidence",
        crumbs=(("Risks", reverse("inherited-risks:list")), ("Evidence", reverse("evidence:list"))),
        as_of=at,
        status=422 if posted else 200,
        sentence=Headline(
            "Say what was tested, with what, how it came out, and until when that counts."
        ),
        form=form,
        backs=backs,
    )


def _backed(request: HttpRequest, user: User) -> Assessment | None:
    """The assessment that the new evidence is to back, if `user` may edit it."""
    risk, dependency = request.GET.get("risk", ""), request.GET.get("dependency", "")
    if not (
        risk.isdecimal() and dependency.isdecimal() and len(risk) < 18 and len(dependency) < 18
    ):
        return None
    found = (
        Assessment.objects.visible_to(user)
        .select_related("dependency__application__team", "risk__template")
        .filter(risk=int(risk), dependency=int(dependency))
        .first()
    )
    return (
        found if found and user.may(TeamRole.EDITOR, found.dependency.application.team_id) else None
    )


def _require(said: dict[str, Any], user: User) -> None:
    application = said.get("application") or None
    if application is not None:
        if not user.may(TeamRole.EDITOR, application.team_id):
            raise PermissionDenied("You need the editor role on the owning team to do this.")
    elif not user.is_governance:
        raise PermissionDenied(
            "Evidence about a version or offering applies to all teams. Contact a governance "
            "user, or enter your application."
        )
