"""Approvals: list, creation, and the page of one approval with its violations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import Truncator
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.governance.approvals import (
    APPROVAL_RELATIONS,
    TARGET_COLUMNS,
    block_target,
    decisions_in_force,
    expiring_decisions,
    revoke_decision,
    submit_decision,
    submit_replacement,
)
from apps.inventory.governance.filters import ApprovalFilter
from apps.inventory.governance.proposals import is_confirmation_required, second_people
from apps.inventory.governance.term_conditions import describe_conditions
from apps.inventory.governance.violations import approval_violations
from apps.inventory.models import Application, Approval, Criticality, DecisionProposal
from apps.web.lists.columns import Column, FileColumn, describe_distance, format_day
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.proposals import present_open_proposal
from apps.web.views.governance.approval_forms import DecisionForm, RevokeForm
from apps.web.views.governance.approval_targets import (
    SelectedTarget,
    load_target,
    requested_target,
    search_targets,
)
from apps.web.views.governance.candidate_search import read_search_text
from apps.web.views.governance.proposals import confirm_proposed
from apps.web.wording import count_of, join_names, long_day

SOON_DAYS = 30
MAX_VIOLATIONS = 25
STATE_WORDS = {
    "standing": "valid",
    "coming": "valid later",
    "lapsed": "expired",
    "revoked": "revoked",
}


def describe_approval_scope(approval: Approval) -> str:
    """Describe the scope of a restricted approval in one clause; empty for the others."""
    limits = []
    if approval.criticalities:
        levels = [str(Criticality(level).label).lower() for level in sorted(approval.criticalities)]
        limits.append(f"{join_names(levels)} applications")
    if approval.data_classes:
        classes = [
            str(Application.DataClass(value).label).lower() for value in approval.data_classes
        ]
        limits.append(f"data that is {join_names(classes)}")
    if approval.regions:
        limits.append(f"in {join_names(approval.regions, max_names=8)}")
    if conditions := describe_conditions(approval):
        terms = f"with {join_names(conditions, max_names=8)}"
        if approval.terms_data_classes:
            classes = [
                str(Application.DataClass(value).label).lower()
                for value in approval.terms_data_classes
            ]
            terms = f"{terms} for data that is {join_names(classes)}"
        limits.append(terms)
    return f"only {', '.join(limits)}" if limits else ""


def describe_approval_state(approval: Approval, today: date) -> str:
    """Return "standing", "coming", "lapsed" or "revoked"."""
    if approval.revoked_at is not None:
        return "revoked"
    if approval.expires_on is not None and approval.expires_on <= today:
        return "lapsed"
    return "coming" if approval.decided_on > today else "standing"


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """Approval with what the list shows of it; `state` as `describe_approval_state` returns it."""

    approval: Approval
    target: SelectedTarget
    scope: str
    state: str

    @property
    def scope_text(self) -> str:
        if self.scope:
            return self.scope
        is_blocked = self.approval.decision == Approval.Decision.BLOCKED
        return "no use" if is_blocked else "every use"


class ApprovalList(ListPage[Approval, ApprovalRow]):
    """Approvals by the filters of the URL. Without a `standing` parameter only the valid ones; an
    empty one includes revoked and expired approvals."""

    namespace = "approvals"
    title = "Approvals"
    nouns = ("approval", "approvals")
    counts = "Decisions of the organisation"
    filterset_class = ApprovalFilter
    columns = (
        Column[ApprovalRow](
            "target",
            "Approval of",
            attrgetter("target.name"),
            note=lambda row: f"{row.target.word} {row.target.note}".strip(),
            url=lambda row: reverse("approvals:detail", args=[row.approval.pk]),
        ),
        Column[ApprovalRow](
            "decision",
            "Status",
            lambda row: row.approval.get_decision_display(),
            order=("decision", "expires_on", "pk"),
            template="choosing/decision-cell.html",
        ),
        Column[ApprovalRow]("scope", "Scope", attrgetter("scope_text")),
        Column[ApprovalRow](
            "reason",
            "Reason",
            attrgetter("approval.reason"),
            format=lambda text: Truncator(text).words(16),
        ),
        Column[ApprovalRow](
            "decided",
            "Decided",
            attrgetter("approval.decided_on"),
            format=format_day,
            note=lambda row: f"by {row.approval.approver}",
            order=("-decided_on", "-pk"),
        ),
        # earliest date first; a block without one comes last
        Column[ApprovalRow](
            "until",
            "Expires",
            attrgetter("approval.expires_on"),
            format=lambda value: format_day(value) if value else "when revoked",
            note=lambda row: describe_distance(row.approval.expires_on),
            order=("expires_on", "pk"),
        ),
    )
    file_columns = (
        FileColumn[ApprovalRow]("Type", attrgetter("target.kind")),
        FileColumn[ApprovalRow]("Host", attrgetter("target.note")),
        FileColumn[ApprovalRow]("State", lambda row: STATE_WORDS[row.state]),
        FileColumn[ApprovalRow]("Data classes", lambda row: ", ".join(row.approval.data_classes)),
        FileColumn[ApprovalRow]("Regions", lambda row: ", ".join(row.approval.regions)),
        FileColumn[ApprovalRow](
            "Criticalities",
            lambda row: ", ".join(
                Criticality(level).name.lower() for level in row.approval.criticalities
            ),
        ),
        FileColumn[ApprovalRow](
            "Inputs must not be used for training",
            lambda row: "yes" if row.approval.requires_no_training else "",
        ),
        FileColumn[ApprovalRow](
            "Maximum retention in days", attrgetter("approval.max_retention_days")
        ),
        FileColumn[ApprovalRow](
            "Zero retention required",
            lambda row: "yes" if row.approval.requires_zero_retention else "",
        ),
        FileColumn[ApprovalRow](
            "Data residency in", lambda row: ", ".join(row.approval.residencies)
        ),
        FileColumn[ApprovalRow](
            "Data terms apply to data classes",
            lambda row: ", ".join(row.approval.terms_data_classes),
        ),
        FileColumn[ApprovalRow]("Decided by", attrgetter("approval.approver")),
        FileColumn[ApprovalRow]("Revoked at", attrgetter("approval.revoked_at")),
        FileColumn[ApprovalRow]("Revoked by", attrgetter("approval.revoked_by")),
        FileColumn[ApprovalRow]("Reason of the revocation", attrgetter("approval.revoked_reason")),
    )
    controls = (
        FilterControl("decision", "Status", choices=Approval.Decision.choices),
        FilterControl(
            "standing", "Valid", choices=(("true", "Today"), ("false", "Expired or revoked"))
        ),
        FilterControl("expires_before", "Expires before", "date"),
    )
    default_filters = {"standing": "true"}
    default_order = ("until", ())
    template = "choosing/approvals.html"

    def get_queryset(self) -> "QuerySet[Approval]":
        return Approval.objects.visible_to(self.user).select_related(*APPROVAL_RELATIONS)

    def build_rows(self, records: Sequence[Approval]) -> Sequence[ApprovalRow]:
        return [
            ApprovalRow(
                approval,
                load_target(approval.target),
                describe_approval_scope(approval),
                describe_approval_state(approval, self.today),
            )
            for approval in records
        ]

    def get_lead(self) -> Headline:
        """Return the approvals that match, or the one that expires next."""
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("No approvals yet: every model may be used.")
        total = f"{self.count_records()} {pluralize(self.listing.n_found, 'is', 'are')} valid"
        expiring = list(expiring_decisions(on=self.today, within_days=SOON_DAYS)[:6])
        if not expiring:
            return Headline(f"{total}; none expires within {SOON_DAYS} days.")
        earliest = expiring[0]
        assert earliest.expires_on is not None
        return Headline(
            f"{total}; ",
            f"that of {load_target(earliest.target).name} expires on "
            f"{long_day(earliest.expires_on)}",
            "." if len(expiring) == 1 else f", and {len(expiring) - 1} more soon after.",
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Add approval", reverse("approvals:create"), is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No approvals yet.",
            "An approval says whether a provider, foundation, version or offering may be used, "
            "for which purpose and until when. Dependencies outside it become violations; no "
            "application is stopped.",
            *(("Add approval", reverse("approvals:create")) if self.user.is_governance else ()),
        )


@require_http_methods(["GET", "HEAD", "POST"])
def new_approval(request: HttpRequest) -> HttpResponse:
    """Create an approval: first search the target, then decide."""
    user = governance_user(request, "You need the governance role to change approvals.")
    at = now()
    target = requested_target(request.GET, user=user)
    if target is None:
        return _render_new_approval(request, None, DecisionForm(), user)
    return action_view(
        request,
        form=lambda: DecisionForm(request.POST or None),
        action=lambda form: submit_decision(target=target, at=at, by=user, **form.cleaned_data),
        done=lambda outcome: (
            confirm_proposed(at=at)
            if isinstance(outcome, DecisionProposal)
            else "The approval was saved. Its violations are listed below; no application was "
            "stopped."
        ),
        back=lambda outcome: (
            request.get_full_path()
            if isinstance(outcome, DecisionProposal)
            else reverse("approvals:detail", args=[outcome.pk])
        ),
        page=lambda form: _render_new_approval(request, target, form, user),
    )


def _render_new_approval(
    request: HttpRequest, target: Any, form: DecisionForm, user: User
) -> HttpResponse:
    """Render the form for the target, or without one the search for it."""
    search_text = read_search_text(request)
    return render_page(
        request,
        "choosing/approval-new.html",
        title="New approval",
        crumbs=(("Approvals", reverse("approvals:list")),),
        sentence=_build_new_headline(target),
        target=load_target(target) if target is not None else None,
        standing=_find_current_decision(target, day_of(now())) if target is not None else None,
        form=form,
        **_second_person_context(target, user, back=request.get_full_path()),
        words=search_text,
        hits=search_targets(search_text, user=user) if target is None else [],
    )


def _second_person_context(target: Any, user: User, *, back: str) -> dict[str, Any]:
    """Return what a page shows of blocks that a second governance person confirms."""
    kind = DecisionProposal.Kind.BLOCK
    if target is None or not user.can_read_all:
        return {}
    needs_second_person = is_confirmation_required(kind)
    return {
        "proposal": present_open_proposal(kind, block_target(target), user, back=back),
        "needs_second_person": needs_second_person,
        "has_second_person": needs_second_person and second_people(user).exists(),
    }


def _find_current_decision(target: Any, today: date) -> Approval | None:
    return decisions_in_force(on=today).filter(**{TARGET_COLUMNS[type(target)]: target}).first()


def _build_new_headline(target: Any) -> Headline:
    if target is None:
        return Headline("Search for the record that the approval is about.")
    return Headline(f"Approve, restrict or block {load_target(target).name}.")


def _get_approval(request: HttpRequest, pk: int) -> Approval:
    return get_object_or_404(
        Approval.objects.visible_to(request.user).select_related(*APPROVAL_RELATIONS), pk=pk
    )


@require_safe
def approval_detail(request: HttpRequest, pk: int) -> HttpResponse:
    approval = _get_approval(request, pk)
    return _render_approval(
        request, approval, DecisionForm(initial=DecisionForm.of(approval)), RevokeForm()
    )


@require_POST
def replace_approval(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace an approval by another one on the same target. The previous one is kept."""
    user = governance_user(request, "You need the governance role to change approvals.")
    approval, at = _get_approval(request, pk), now()
    return action_view(
        request,
        form=lambda: DecisionForm(request.POST),
        action=lambda form: submit_replacement(
            approval=approval, at=at, by=user, **form.cleaned_data
        ),
        done=lambda outcome: (
            confirm_proposed(at=at)
            if isinstance(outcome, DecisionProposal)
            else "The new approval applies from today. The previous one is listed below."
        ),
        back=lambda outcome: reverse(
            "approvals:detail", args=[pk if isinstance(outcome, DecisionProposal) else outcome.pk]
        ),
        page=lambda form: _render_approval(request, approval, form, RevokeForm()),
        # another user changed the approval first: the page shows the current one
        refused=reverse("approvals:detail", args=[pk]),
    )


@require_POST
def revoke_approval(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke an approval."""
    user = governance_user(request, "You need the governance role to revoke an approval.")
    approval = _get_approval(request, pk)
    detail_url = reverse("approvals:detail", args=[pk])
    return action_view(
        request,
        form=lambda: RevokeForm(request.POST),
        action=lambda form: revoke_decision(
            approval=approval, at=now(), by=user, reason=form.cleaned_data["reason"]
        ),
        done="The approval was revoked. It stays recorded with your reason; broader approvals "
        "apply again.",
        back=detail_url,
        page=lambda form: _render_approval(
            request, approval, DecisionForm(initial=DecisionForm.of(approval)), form
        ),
        refused=detail_url,
    )


def _render_approval(
    request: HttpRequest, approval: Approval, form: DecisionForm, revoke_form: RevokeForm
) -> HttpResponse:
    """Render the page of an approval with the uses that violate it, and the forms to replace and
    revoke it."""
    at = now()
    today = day_of(at)
    state = describe_approval_state(approval, today)
    target = load_target(approval.target)
    violations = (
        approval_violations(user=request.user, on=today, approval=approval.pk, limit=MAX_VIOLATIONS)
        if state == "standing" and approval.decision != Approval.Decision.APPROVED
        else None
    )
    column = TARGET_COLUMNS[type(approval.target)]
    other_approvals = (
        Approval.objects.visible_to(request.user)
        .filter(**{column: approval.target})
        .exclude(pk=approval.pk)
        .select_related(*APPROVAL_RELATIONS)
        .order_by("-decided_on", "-pk")[:20]
    )
    return render_page(
        request,
        "choosing/approval.html",
        title=f"Approval of {target.name}",
        crumbs=(("Approvals", reverse("approvals:list")), (target.name, target.url)),
        counts="Your active dependencies, in any role",
        as_of=at,
        approval=approval,
        target=target,
        scope=describe_approval_scope(approval),
        state=state,
        sentence=_build_approval_headline(
            approval, target.name, state, violations.n_total if violations else 0
        ),
        found=violations,
        others=[
            (row, describe_approval_scope(row), describe_approval_state(row, today))
            for row in other_approvals
        ],
        may_decide=signed_in_user(request).is_governance
        and state in {"standing", "lapsed", "coming"},
        form=form,
        revoke_form=revoke_form,
        **_second_person_context(
            approval.target,
            signed_in_user(request),
            back=reverse("approvals:detail", args=[approval.pk]),
        ),
    )


def _build_approval_headline(
    approval: Approval, name: str, state: str, n_violations: int
) -> Headline:
    """Return the headline of an approval: its state, and the number of violations."""
    decision = approval.get_decision_display().lower()
    if state == "revoked":
        assert approval.revoked_at is not None
        day = long_day(day_of(approval.revoked_at))
        return Headline(
            f"{name} was {decision}; {approval.revoked_by} revoked the approval on {day}."
        )
    until_day = long_day(approval.expires_on) if approval.expires_on else ""
    if state == "lapsed":
        return Headline(
            f"{name} was {decision} ",
            f"until {until_day}",
            ". No later approval exists.",
        )
    status = (
        "{name} is {word} until {day}" if until_day else "{name} is {word} until revoked"
    ).format(name=name, word=decision, day=until_day)
    if approval.decision == Approval.Decision.APPROVED:
        return Headline(f"{status}.")
    if not n_violations:
        return Headline(f"{status}; none of your dependencies violates it.")
    violations = count_of(n_violations, "dependency", "dependencies")
    verb = "violates it" if n_violations == 1 else "violate it"
    return Headline(f"{status}; ", f"{violations} {verb}", ".")
