"""Risks of foundations, versions, offerings and providers, which dependencies inherit. Changed by
governance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.models import NodeKind
from apps.common.text import pluralize
from apps.common.time import day_of, now
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
from apps.web.lists.columns import Column, FileColumn, format_day, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.risks import presenters
from apps.web.views.risks.forms import CreateRiskForm, ReasonForm, RiskForm, possible_owners
from apps.web.views.risks.history import AssessmentEntry
from apps.web.views.risks.register import register_row
from apps.web.wording import day, number

MAX_ROWS = 12
GOVERNANCE_ONLY = "You need the governance role to change the risks of foundations."


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


@dataclass(frozen=True, slots=True)
class FoundationRiskRow:
    """Foundation risk with the assessments of the dependencies that inherit it."""

    risk: FoundationRisk
    reach: RiskReach

    @property
    def name(self) -> str:
        return _name_risk(self.risk)

    @property
    def level(self) -> Level:
        return _inherent_level(self.risk)


def _name_risk(risk: FoundationRisk) -> str:
    """Return the title of the risk, or that of its template."""
    return risk.title or (risk.template.title if risk.template else "")


def _inherent_level(risk: FoundationRisk) -> Level:
    return Level(risk.likelihood, risk.impact)


def _describe_end(row: FoundationRiskRow) -> str:
    """Return why dependencies do not inherit the risk; empty if they do."""
    risk, today = row.risk, day_of(now())
    if risk.closed_at:
        return f"closed {day(day_of(risk.closed_at), today=today)}"
    if risk.dismissed_at:
        return f"dismissed {day(day_of(risk.dismissed_at), today=today)}"
    return "" if risk.inherits else "not inherited"


def _describe_undecided(row: FoundationRiskRow) -> str:
    counts = ((row.reach.n_unassessed, "unassessed"), (row.reach.n_stale, "stale"))
    return ", ".join(f"{number(n)} {state}" for n, state in counts if n)


def _name_owner(row: FoundationRiskRow) -> str:
    if row.risk.owner:
        return str(row.risk.owner)
    is_open = row.risk.closed_at is None and row.risk.dismissed_at is None
    return SafeString('<span class="unowned">Unassigned</span>') if is_open else ""


class FoundationRiskList(ListPage[FoundationRisk, FoundationRiskRow]):
    """Foundation risks by the filters of the URL, most severe first; without `open`, only open
    ones."""

    namespace = "foundation-risks"
    title = "Foundation risks"
    nouns = ("foundation risk", "foundation risks")
    counts = "Risks of catalogue records, and active dependencies that inherit them"
    filterset_class = FoundationRiskFilter
    columns = (
        Column[FoundationRiskRow](
            "risk",
            "Risk",
            lambda row: f"{row.risk.template.code} {row.name}" if row.risk.template else row.name,
            note=lambda row: (
                f"by rule: {row.risk.get_rule_display().lower()}" if row.risk.rule else ""
            ),
            url=lambda row: reverse("foundation-risks:detail", args=[row.risk.pk]),
        ),
        Column[FoundationRiskRow](
            "node",
            "Attached to",
            attrgetter("risk.node_name"),
            note=lambda row: row.risk.node.get_kind_display(),
        ),
        Column[FoundationRiskRow](
            "inherent",
            "Inherent",
            lambda row: presenters.describe_severity(row.level),
            css=lambda row: f"sev sev-{row.level.severity}",
            note=_describe_end,
            order=("-inherent", "-id"),
        ),
        Column[FoundationRiskRow](
            "inherited_by",
            "Inherited by",
            attrgetter("reach.n_inherited"),
            format=format_number,
            note=_describe_undecided,
            url=lambda row: f"{reverse('inherited-risks:list')}?risk={row.risk.pk}",
            is_numeric=True,
        ),
        Column[FoundationRiskRow](
            "opened",
            "Raised",
            attrgetter("risk.opened_at"),
            format=lambda value: format_day(day_of(value)),
            order=("-opened_at", "-pk"),
        ),
        Column[FoundationRiskRow](
            "review",
            "Review and owner",
            attrgetter("risk.review_on"),
            format=format_day,
            note=_name_owner,
            order=("review_on", "-pk"),
            requires="review_on",
            is_in_files=False,
        ),
    )
    file_columns = (
        FileColumn[FoundationRiskRow]("Risk ID", attrgetter("risk.pk")),
        FileColumn[FoundationRiskRow](
            "Template", lambda row: row.risk.template.code if row.risk.template else ""
        ),
        FileColumn[FoundationRiskRow](
            "Type of record", lambda row: row.risk.node.get_kind_display()
        ),
        FileColumn[FoundationRiskRow]("Inherent likelihood", attrgetter("risk.likelihood")),
        FileColumn[FoundationRiskRow]("Inherent impact", attrgetter("risk.impact")),
        FileColumn[FoundationRiskRow]("Inherent score", attrgetter("risk.inherent")),
        FileColumn[FoundationRiskRow]("Confidence", lambda row: row.risk.get_confidence_display()),
        FileColumn[FoundationRiskRow](
            "Is inherited", lambda row: "yes" if row.risk.inherits else "no"
        ),
        FileColumn[FoundationRiskRow]("Unassessed", attrgetter("reach.n_unassessed")),
        FileColumn[FoundationRiskRow]("Stale", attrgetter("reach.n_stale")),
        FileColumn[FoundationRiskRow]("Assessed", attrgetter("reach.n_assessed")),
        FileColumn[FoundationRiskRow]("Owner", lambda row: str(row.risk.owner or "")),
        FileColumn[FoundationRiskRow]("Review on", attrgetter("risk.review_on")),
        FileColumn[FoundationRiskRow](
            "Rule", lambda row: row.risk.get_rule_display() if row.risk.rule else ""
        ),
        FileColumn[FoundationRiskRow]("Facts", attrgetter("risk.facts")),
        FileColumn[FoundationRiskRow]("Source", attrgetter("risk.source_url")),
        FileColumn[FoundationRiskRow]("Closed", attrgetter("risk.closed_at")),
        FileColumn[FoundationRiskRow]("Dismissed", attrgetter("risk.dismissed_at")),
    )
    controls = (
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
            "min_inherent", "At least", choices=((17, "Very high"), (11, "High"), (7, "Moderate"))
        ),
    )
    default_filters = {"open": "true"}
    default_order = ("inherent", ())

    def get_queryset(self) -> "QuerySet[FoundationRisk]":
        return FoundationRisk.objects.visible_to(self.user).select_related(
            "template", "node", "owner"
        )

    def narrow(self, queryset: "QuerySet[FoundationRisk]") -> "QuerySet[FoundationRisk]":
        return with_node_names(queryset)

    @cached_property
    def is_stored(self) -> bool:
        """Whether the assessments are those of the last count."""
        return count_basis(self.user).stored

    def build_rows(self, records: Sequence[FoundationRisk]) -> Sequence[FoundationRiskRow]:
        reach = reach_of(
            self.user, self.today, [risk.pk for risk in records], is_stored=self.is_stored
        )
        return [FoundationRiskRow(risk, reach.get(risk.pk, RiskReach())) for risk in records]

    def describe_all(self) -> Headline:
        n = self.listing.n_found
        inherit = pluralize(n, "Its dependencies inherit it.", "Their dependencies inherit them.")
        return Headline(f"{self.count_records()} {pluralize(n, 'is', 'are')} open. {inherit}")

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Add risk", reverse("foundation-risks:create")),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No foundation risks yet.",
            "Built-in rules raise risks from catalogue data for models in use. Governance users "
            "add further risks from templates, on a model or provider.",
            *(("Add risk", reverse("foundation-risks:create")) if self.user.is_governance else ()),
        )


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
    template, name = risk.template, _name_risk(risk)
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
    for position, row in enumerate(rows[:40]):
        before = rows[position + 1] if position + 1 < len(rows) else None
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

    def make_form() -> CreateRiskForm:
        code = request.GET.get("template", "")
        return CreateRiskForm(
            request.POST if request.method == "POST" else None,
            people=_list_possible_owners(),
            initial={
                "node_kind": request.GET.get("node_kind", ""),
                "node": request.GET.get("node") or request.GET.get("node_ref", ""),
                "template": RiskTemplate.objects.filter(code=code).first(),
            },
        )

    def create(form: CreateRiskForm) -> FoundationRisk:
        cleaned = form.cleaned_data
        kind = NodeKind[cleaned["node_kind"].upper()]
        return foundation_risks.raise_risk(
            node=ensure_node(kind=kind, ref=cleaned["thing"].pk),
            template=cleaned["template"],
            facts=form.risk_facts,
            by=user,
            at=at,
        )

    def render(form: CreateRiskForm) -> HttpResponse:
        return render_page(
            request,
            "risks/raise.html",
            title="New foundation risk",
            crumbs=(
                ("Inherited risks", reverse("inherited-risks:list")),
                ("Foundation risks", reverse("foundation-risks:list")),
            ),
            as_of=at,
            sentence=Headline(
                "Record a risk once, on a model or provider. All dependencies on it inherit the "
                "risk."
            ),
            form=form if user.is_governance else None,
            templates=RiskTemplate.objects.order_by("code"),
        )

    return action_view(
        request,
        form=make_form,
        action=create,
        done="The risk was added. All dependencies on it inherit the risk from now on.",
        back=lambda risk: _link_risk(risk.pk),
        page=render,
    )


def _link_risk(pk: int) -> str:
    return reverse("foundation-risks:detail", args=[pk])


@require_POST
def edit_risk(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a foundation risk. The row is locked and compared with what the page showed."""
    user = governance_user(request, GOVERNANCE_ONLY)

    def make_form() -> RiskForm:
        risk = _get_risk(request, pk, lock=True)
        return RiskForm(request.POST, people=_list_possible_owners(risk), row=risk)

    def change(form: RiskForm) -> None:
        facts = {
            name: value
            for name, value in form.risk_facts.items()
            if not (name in ("likelihood", "impact") and not value)
        }
        foundation_risks.change_risk(risk=form.instance, facts=facts, by=user, at=now())

    return action_view(
        request,
        form=make_form,
        action=change,
        done="The risk was changed. Other levels make assessments based on the old levels stale.",
        back=_link_risk(pk),
        page=lambda form: _render_detail(request, form.instance, form=form),
    )


@dataclass(frozen=True, slots=True)
class _Ending:
    """Action that ends a risk, or resumes it; `undo` is the action that undoes it."""

    action: Callable[..., object]
    message: str
    needs_reason: bool = False
    undo: str = ""


_ENDINGS = {
    "close": _Ending(
        foundation_risks.close_risk,
        "The risk was closed. No dependency inherits it any more.",
        needs_reason=True,
        undo="reopen",
    ),
    "dismiss": _Ending(
        foundation_risks.dismiss_risk,
        "The risk was dismissed until its facts change.",
        needs_reason=True,
        undo="reinstate",
    ),
    "reopen": _Ending(foundation_risks.reopen_risk, "The risk was reopened."),
    "reinstate": _Ending(foundation_risks.reinstate_risk, "The risk was reinstated."),
}


@require_POST
def end_risk(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Close, reopen, dismiss or reinstate a risk."""
    user = governance_user(request, GOVERNANCE_ONLY)
    risk, ending = _get_risk(request, pk), _ENDINGS[action]

    def end(form: forms.Form) -> None:
        arguments: dict[str, Any] = {"risk": risk, "by": user}
        if ending.needs_reason:
            arguments["reason"] = form.cleaned_data["because"]
        if action != "reinstate":
            arguments["at"] = now()
        ending.action(**arguments)

    undo = reverse("foundation-risks:action", args=[pk, ending.undo]) if ending.undo else None
    return action_view(
        request,
        form=lambda: (ReasonForm if ending.needs_reason else forms.Form)(request.POST),
        action=end,
        done=lambda _none: Confirmation(ending.message, undo),
        back=_link_risk(pk),
        page=lambda form: _render_detail(request, risk, end_form=form),
        # the risk was ended or resumed meanwhile: the page shows it as it is now
        refused=_link_risk(pk),
    )
