"""Risks of foundations, versions, offerings and providers, which dependencies inherit. Changed by
governance."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.models import NodeKind
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.risks import errors as risks_errors
from apps.risks.actions import foundation_risks
from apps.risks.actions.foundation_risks import ensure_node
from apps.risks.filters import NODE_KINDS, FoundationRiskFilter
from apps.risks.levels import Level
from apps.risks.models import (
    FoundationRisk,
    Layer,
    RiskCount,
    RiskTemplate,
    RuleName,
    TemplateMapping,
)
from apps.risks.queries.conditions import InheritedRiskQuery
from apps.risks.queries.counts import count_basis
from apps.risks.queries.evidence import evidence_for_risk
from apps.risks.queries.inherited import inherited_risks
from apps.risks.queries.node_names import with_node_names
from apps.risks.queries.reach import RiskReach, reach_per_risk
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks import presenters
from apps.web.views.risks.forms import CreateRiskForm, ReasonForm, RiskForm, possible_owners
from apps.web.views.risks.history import AssessmentEntry
from apps.web.views.risks.register import register_row

ORDERS = Sorting(
    {
        "inherent": ("Inherent", ("-inherent", "-id")),
        "opened": ("Raised", ("-opened_at", "-pk")),
        "review": ("Review", ("review_on", "-pk")),
    }
)
MAX_ROWS = 12
GOVERNANCE_ONLY = "You need the governance role to change the risks of foundations."


def _filter_risks(request: HttpRequest) -> tuple[FoundationRiskFilter, Any]:
    """Return the filter set and its risks. Without an `open` parameter, only open ones."""
    query = request.GET.copy()
    if "open" not in request.GET:
        query["open"] = "true"
    filterset = FoundationRiskFilter(
        query, FoundationRisk.objects.visible_to(request.user), request=request
    )
    risks = with_node_names(filterset.qs.select_related("template", "node", "owner"))
    if ORDERS.chosen(request)[0] == "review":
        risks = risks.filter(review_on__isnull=False)
    return filterset, ORDERS.apply(request, risks)


def reach_of(
    user: User, today: date, risk_ids: Sequence[int], *, is_stored: bool
) -> dict[int, RiskReach]:
    """Return {risk ID: reach}, from the last count if `is_stored`; two statements at most."""
    if not risk_ids:
        return {}
    if not is_stored:
        return reach_per_risk(user=user, on=today, risk_ids=risk_ids)
    return {
        row.risk_id: RiskReach(
            row.n_inherited,
            row.n_assessed,
            row.n_stale,
            row.n_not_applicable,
            row.n_accepted,
            row.n_critical,
            row.n_critical_decided,
            row.n_secret,
            row.n_critical_secret,
        )
        for row in RiskCount.objects.filter(risk__in=risk_ids)
    }


@require_safe
def foundation_risk_list(request: HttpRequest) -> HttpResponse:
    """Show the foundation risks, by the filters of the URL."""
    user, at = signed_in_user(request), now()
    filterset, queryset = _filter_risks(request)
    listing: PaginatedList[FoundationRisk] = PaginatedList(request, queryset)
    reach = reach_of(
        user, day_of(at), [risk.pk for risk in listing.rows], is_stored=count_basis(user).stored
    )
    return render_page(
        request,
        "risks/foundations.html",
        fragment="listing",
        title="Foundation risks",
        counts="Risks of catalogue records, and active dependencies that inherit them",
        as_of=at,
        sentence=_build_list_headline(listing, request),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("q", "Risk contains", "search"),
                FilterControl("open", "Open", choices=BOOLEANS),
                FilterControl("layer", "Layer", choices=Layer.choices),
                FilterControl(
                    "node_kind",
                    "Attached to",
                    choices=[(kind, label.capitalize()) for kind, label in NODE_KINDS],
                ),
                FilterControl("rule", "Raised by rule", choices=RuleName.choices),
                FilterControl(
                    "min_inherent",
                    "At least",
                    choices=((17, "Very high"), (11, "High"), (7, "Moderate")),
                ),
            ],
            default_values={"open": "true"},
        ),
        listing=listing,
        rows=[
            (
                risk,
                reach.get(risk.pk, RiskReach()),
                presenters.describe_severity(_inherent_level(risk)),
                _inherent_level(risk).severity,
            )
            for risk in listing.rows
        ],
        columns=ORDERS.columns(request),
    )


def _inherent_level(risk: FoundationRisk) -> Level:
    return Level(risk.likelihood, risk.impact)


def _build_list_headline(listing: PaginatedList[FoundationRisk], request: HttpRequest) -> Headline:
    n = listing.n_found
    is_open = request.GET.get("open", "true") == "true"
    if is_open:
        template = pluralize(
            n,
            "1 foundation risk is open. Its dependencies inherit it.",
            "{n} foundation risks are open. Their dependencies inherit them.",
        )
    else:
        template = pluralize(n, "1 foundation risk.", "{n} foundation risks.")
    if listing.is_filtered:
        template = pluralize(
            n,
            "1 foundation risk matches these filters.",
            "{n} foundation risks match these filters.",
        )
    return Headline(template.format(n=listing.count))


HEADS = [
    "risk",
    "template",
    "title",
    "node kind",
    "node",
    "likelihood",
    "impact",
    "inherent",
    "confidence",
    "inherited",
    "owner",
    "rule",
    "facts",
    "source",
    "raised",
    "closed",
    "dismissed",
    "inherited by",
    "unassessed",
    "stale",
    "assessed",
]
MAX_CSV_ROWS = 10_000


@require_safe
def foundation_risk_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all foundation risks that match these filters."""
    user, today = signed_in_user(request), day_of(now())
    rows = list(_filter_risks(request)[1][:MAX_CSV_ROWS])
    reach = reach_of(user, today, [risk.pk for risk in rows], is_stored=count_basis(user).stored)

    def cells(risk: Any) -> list[Any]:
        risk_reach = reach.get(risk.pk, RiskReach())
        return [
            risk.pk,
            risk.template.code if risk.template else "",
            risk.title or (risk.template.title if risk.template else ""),
            risk.node.get_kind_display(),
            risk.node_name,
            risk.likelihood,
            risk.impact,
            risk.inherent,
            risk.confidence,
            risk.inherits,
            risk.owner or "",
            risk.rule,
            risk.facts,
            risk.source_url,
            risk.opened_at,
            risk.closed_at or "",
            risk.dismissed_at or "",
            risk_reach.n_inherited,
            risk_reach.n_unassessed,
            risk_reach.n_stale,
            risk_reach.n_assessed,
        ]

    return csv_response("foundation-risks", HEADS, rows, cells)


# --- page of one risk -----------------------------------------------------------------------------


def _get_risk(request: HttpRequest, pk: int, *, lock: bool = False) -> FoundationRisk:
    risks = with_node_names(FoundationRisk.objects.visible_to(request.user))
    if lock:
        risks = risks.select_for_update(of=("self",))
    risk: FoundationRisk = get_object_or_404(
        risks.select_related("template", "node", "owner", "dismissed_by"), pk=pk
    )
    return risk


@require_safe
def foundation_risk_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _render_detail(request, _get_risk(request, pk))


def _render_detail(
    request: HttpRequest,
    risk: FoundationRisk,
    *,
    form: RiskForm | None = None,
    end_form: forms.Form | None = None,
) -> HttpResponse:
    """Render the page of a foundation risk with the applications that inherit it; `form` and
    `end_form` are shown with their errors."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    template = risk.template
    name = risk.title or (template.title if template else "")
    is_open = risk.closed_at is None and risk.dismissed_at is None
    basis = count_basis(user)
    reach = reach_of(user, today, [risk.pk], is_stored=basis.stored).get(risk.pk, RiskReach())
    # opened or reopened after the last count
    is_new = basis.stored and (basis.counted_at is None or risk.changed_at > basis.counted_at)
    inheriting_rows = (
        inherited_risks(
            user=user, on=today, query=InheritedRiskQuery(risk=risk.pk), size=MAX_ROWS
        ).rows
        if is_open
        else []
    )
    node = presenters.node_of_risk(risk.node.get_kind_display(), risk.node.ref)
    node_name = risk.node_name or ""  # type: ignore[attr-defined]
    is_governance = user.is_governance
    return render_page(
        request,
        "risks/foundation.html",
        title=f"{template.code} {name}" if template else name,
        crumbs=(
            ("Inherited risks", reverse("inherited-risks:list")),
            ("Foundation risks", reverse("foundation-risks:list")),
        ),
        counts="Active dependencies that inherit the risk",
        as_of=at,
        status=422 if (form or end_form) else 200,
        sentence=presenters.foundation_risk_headline(
            name,
            node_name,
            reach,
            open_=is_open and risk.inherits,
            is_counted=not is_new or reach.n_inherited > 0,
        )
        if not (is_open and not risk.inherits)
        else Headline(f"{name} is attached to {node_name}. Dependencies do not inherit it."),
        risk=risk,
        kind=template,
        name=name,
        node_name=node_name,
        node_kind=risk.node.get_kind_display(),
        node_url=presenters.page_of_node(risk.node.get_kind_display(), node) if node else "",
        is_open=is_open,
        level=_inherent_level(risk),
        level_words=presenters.describe_level(_inherent_level(risk)),
        severity=presenters.describe_severity(_inherent_level(risk)),
        reach=reach,
        covered=(reach.n_inherited - reach.n_unassessed) / reach.n_inherited
        if reach.n_inherited
        else None,
        counted_at=basis.counted_at,
        rows=[register_row(row, user, today) for row in inheriting_rows],
        evidence=list(evidence_for_risk(risk=risk, user=user, on=today)[:MAX_ROWS]),
        history=_list_changes(risk),
        mappings=list(
            TemplateMapping.objects.filter(template=template).select_related("entry__taxonomy")
        )
        if template
        else [],
        form=(form or RiskForm(people=_list_possible_owners(risk), row=risk))
        if is_governance and is_open
        else None,
        ending=(end_form or ReasonForm()) if is_governance else None,
    )


def _list_possible_owners(risk: FoundationRisk | None = None) -> list[User]:
    return possible_owners([0], also=[risk.owner_id if risk else None])


_TRACKED_FIELDS = (
    "likelihood",
    "impact",
    "confidence",
    "inherits",
    "facts",
    "title",
    "description",
    "review_on",
    "closed_reason",
    "dismissed_reason",
)


def _list_changes(risk: FoundationRisk) -> list[AssessmentEntry]:
    """Return the history of the risk, newest first; one statement."""
    rows = list(risk.history.select_related("pgh_context").order_by("-pgh_id")[:41])  # type: ignore[attr-defined]
    entries = []
    for number, row in enumerate(rows[:40]):
        before = rows[number + 1] if number + 1 < len(rows) else None
        metadata = row.pgh_context.metadata if row.pgh_context else {}
        changes = [
            (
                name.replace("_", " ").capitalize(),
                _format_value(getattr(before, name, "")),
                _format_value(getattr(row, name)),
            )
            for name in _TRACKED_FIELDS
            if before is not None and getattr(before, name) != getattr(row, name)
        ]
        action = "raised" if row.pgh_label == "insert" else "changed"
        entries.append(
            AssessmentEntry(
                row.pgh_created_at,
                metadata.get("actor") or "unknown",
                metadata.get("reason", ""),
                action,
                changes,
            )
        )
    return entries


def _format_value(value: Any) -> str:
    return "" if value is None else str(value)


# --- changes --------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def create_risk(request: HttpRequest) -> HttpResponse:
    """Create a risk on any node, from a template or with an own title; `?node_kind=&node=` and
    `?template=` prefill the form."""
    user, at = signed_in_user(request), now()
    if request.method == "POST":
        governance_user(request, GOVERNANCE_ONLY)
    people = _list_possible_owners()
    form = CreateRiskForm(
        request.POST if request.method == "POST" else None,
        people=people,
        initial={
            "node_kind": request.GET.get("node_kind", ""),
            "node": request.GET.get("node") or request.GET.get("node_ref", ""),
            "template": RiskTemplate.objects.filter(code=request.GET.get("template", "")).first(),
        },
    )
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            with transaction.atomic():
                risk = foundation_risks.raise_risk(
                    node=ensure_node(
                        kind=NodeKind[cleaned["node_kind"].upper()], ref=cleaned["thing"].pk
                    ),
                    template=cleaned["template"],
                    facts=form.risk_facts,
                    by=user,
                    at=at,
                )
        except risks_errors.RiskChangeError as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            _add_errors(form, error)
        else:
            flash_success(
                request, "The risk was added. All dependencies on it inherit the risk from now on."
            )
            return redirect("foundation-risks:detail", pk=risk.pk)
    return render_page(
        request,
        "risks/raise.html",
        title="New foundation risk",
        crumbs=(
            ("Inherited risks", reverse("inherited-risks:list")),
            ("Foundation risks", reverse("foundation-risks:list")),
        ),
        as_of=at,
        status=422 if request.method == "POST" else 200,
        sentence=Headline(
            "Record a risk once, on a model or provider. All dependencies on it inherit the risk."
        ),
        form=form if user.is_governance else None,
        templates=RiskTemplate.objects.order_by("code"),
    )


def _add_errors(form: forms.BaseForm, error: ValidationError) -> None:
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)


@require_POST
@transaction.atomic
def edit_risk(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a foundation risk."""
    user = governance_user(request, GOVERNANCE_ONLY)
    risk = _get_risk(request, pk, lock=True)
    form = RiskForm(request.POST, people=_list_possible_owners(risk), row=risk)
    if form.is_valid():
        facts = {
            name: value
            for name, value in form.risk_facts.items()
            if not (name in ("likelihood", "impact") and not value)
        }
        try:
            with transaction.atomic():
                foundation_risks.change_risk(risk=risk, facts=facts, by=user, at=now())
        except risks_errors.RiskChangeError as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as error:
            _add_errors(form, error)
        else:
            flash_success(
                request,
                "The risk was changed. Other levels make assessments based on the old levels "
                "stale.",
            )
            return redirect("foundation-risks:detail", pk=pk)
    return _render_detail(request, risk, form=form)


@require_POST
def end_risk(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Close, reopen, dismiss or reinstate a risk."""
    user = governance_user(request, GOVERNANCE_ONLY)
    risk, at = _get_risk(request, pk), now()
    form = ReasonForm(request.POST)
    if action in ("close", "dismiss") and not form.is_valid():
        return _render_detail(request, risk, end_form=form)
    because = form.cleaned_data["because"] if form.is_valid() else ""
    undo_action = ""
    try:
        match action:
            case "close":
                foundation_risks.close_risk(risk=risk, reason=because, by=user, at=at)
                message, undo_action = (
                    "The risk was closed. No dependency inherits it any more.",
                    "reopen",
                )
            case "dismiss":
                foundation_risks.dismiss_risk(risk=risk, reason=because, by=user, at=at)
                message, undo_action = "The risk was dismissed until its facts change.", "reinstate"
            case "reopen":
                foundation_risks.reopen_risk(risk=risk, by=user, at=at)
                message = "The risk was reopened."
            case _:
                foundation_risks.reinstate_risk(risk=risk, by=user)
                message = "The risk was reinstated."
    except risks_errors.RiskChangeError as refusal:
        flash_error(request, str(refusal))
    else:
        flash_success(
            request,
            message,
            undo=reverse("foundation-risks:action", args=[pk, undo_action])
            if undo_action
            else None,
        )
    return redirect("foundation-risks:detail", pk=pk)
