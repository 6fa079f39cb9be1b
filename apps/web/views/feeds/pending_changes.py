"""Pending changes of one source: view, accept, reject, undo a rejection."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.catalog.claims.pending_changes import PendingChange, pending_changes, rejected_changes
from apps.catalog.models import Source
from apps.common.time import day_of, now
from apps.feeds.actions import accept_pending_changes, reject_pending_changes, undo_rejections
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.list_page import csv_response, url_with_query
from apps.web.pages.page import render_page
from apps.web.views.feeds import presenters
from apps.web.views.feeds.pending_groups import PendingGroup, fingerprint, group_pending_changes
from apps.web.views.feeds.queries import (
    deciders,
    last_decision,
    last_suspect_runs,
    pending_reach,
    source_or_404,
)
from apps.web.wording import count_of

ALL_PROVIDERS = "*"
# rows shown per provider on the page of all providers; the page of one provider shows all
MAX_ROWS = 25


class PendingDecisionForm(forms.Form):
    """Form of a decision; `seen` is the fingerprint of the changes that the user viewed, empty if
    the page sent none."""

    action = forms.ChoiceField(
        choices=[("accept", "Accept"), ("refuse", "Reject"), ("lift", "Undo")]
    )
    group = forms.CharField(required=False, initial=ALL_PROVIDERS, max_length=100, strip=False)
    seen = forms.CharField(required=False, max_length=20)
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Shown in the history: what you checked, and the source.",
        error_messages={"required": "Enter a reason. Users are notified of the change by email."},
    )

    def __init__(self, *args: Any, action: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # accepted changes are sent to users by email; rejected ones affect no user
        self.fields["reason"].required = (self.data.get("action") or action) == "accept"


@dataclass(frozen=True, slots=True)
class DecisionQuestion:
    """Confirmation page of a decision: the changes, their effect and the form."""

    action: str
    group: str
    name: str
    changes: tuple[PendingChange, ...]
    form: PendingDecisionForm
    effect: str

    @property
    def seen(self) -> str:
        return fingerprint(self.changes)

    @property
    def what(self) -> str:
        """Return the subject of the question: `38 changes of Azure`."""
        return f"{count_of(len(self.changes), 'change')} of {self.name}"


@require_http_methods(["GET", "HEAD", "POST"])
def pending_change_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the preview; POST decides."""
    source = source_or_404(request, slug)
    if request.method != "POST":
        return _render_pending_changes(request, source)
    user = governance_user(
        request, "You need the governance role to accept or reject changes on hold."
    )
    form = PendingDecisionForm(request.POST)
    if not form.is_valid():
        action = str(form.data.get("action", ""))
        if action in {"accept", "refuse"} and not pending_changes(source):
            return _render_pending_changes(
                request, source, problem=_explain_nothing_pending(source, action, user), status=409
            )
        problem = (
            "Nothing was decided. Choose accept, refuse or undo." if "action" in form.errors else ""
        )
        return _render_pending_changes(request, source, form=form, problem=problem, status=422)
    cleaned = form.cleaned_data
    groups = _parse_groups(cleaned["group"])
    candidates = (
        rejected_changes(source) if cleaned["action"] == "lift" else pending_changes(source)
    )
    changes = [
        change for change in candidates if groups is None or change.assertion.group in groups
    ]
    if not changes:
        return _render_pending_changes(
            request,
            source,
            problem=_explain_nothing_pending(source, cleaned["action"], user),
            status=409,
        )
    if cleaned["seen"] and cleaned["seen"] != fingerprint(changes):
        problem = (
            "What waits has changed since you looked, so nothing was decided. "
            "Look again at what waits now."
        )
        return _render_pending_changes(request, source, problem=problem, status=409)
    return _apply_decision(request, source, user, cleaned, groups, presenters.names_of(changes))


def _parse_groups(group: str) -> list[str] | None:
    return None if group == ALL_PROVIDERS else [group]


def _apply_decision(
    request: HttpRequest,
    source: Source,
    user: User,
    cleaned: dict[str, Any],
    groups: Collection[str] | None,
    name: str,
) -> HttpResponse:
    """Accept or reject the changes on hold, those of `groups` or all if None, and redirect with the
    result."""
    on_hold_url = reverse("feeds:on-hold", args=[source.slug])
    if cleaned["action"] == "accept":
        events = accept_pending_changes(
            source=source, by=user, reason=cleaned["reason"], groups=groups
        )
        events_text = (
            f"{count_of(len(events), 'event')} {'was' if len(events) == 1 else 'were'} raised"
        )
        messages.success(
            request, f"What {source.name} says of {name} is believed now; {events_text}."
        )
        return redirect(on_hold_url)
    if cleaned["action"] == "refuse":
        reject_pending_changes(
            source=source,
            by=user,
            reason=cleaned["reason"] or "rejected without a reason",
            groups=groups,
        )
        return redirect(url_with_query(on_hold_url, undo=cleaned["group"]))
    n = undo_rejections(
        source=source, by=user, reason=cleaned["reason"] or "rejection undone", groups=groups
    )
    undone_text = (
        f"{count_of(n, 'refusal').capitalize()} of {name} {'is' if n == 1 else 'are'} taken back"
    )
    messages.success(
        request,
        f"{undone_text}: rows that are gone wait again, values are judged anew at the next poll.",
    )
    return redirect(on_hold_url)


def _explain_nothing_pending(source: Source, action: str, user: User) -> str:
    if action == "lift":
        return (
            "No refusal stands any more: the feed went back, or somebody took it back. "
            "Nothing was changed."
        )
    lead = "Nothing of this waits any more, so nothing was decided. "
    decision = last_decision(source)
    if decision is None:
        return (
            lead
            + "The feed went back, or somebody decided meanwhile: compare with the latest runs."
        )
    decider = "You decided" if decision.user_id == user.pk else f"{decision.name} decided"
    reason_text = f": {decision.reason.rstrip('.')}" if decision.reason else ""
    return f"{lead}{decider} {decision.ago}{reason_text}. Compare with what stands below."


def _render_pending_changes(
    request: HttpRequest,
    source: Source,
    *,
    form: PendingDecisionForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the changes on hold by provider, with the applications that they would affect."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    changes_on_hold, rejections = pending_changes(source), rejected_changes(source)
    reach = pending_reach(changes_on_hold, user=user, on=today)
    groups = group_pending_changes(changes_on_hold, reach=reach, today=today)
    tally = presenters.count_changes(changes_on_hold, reach=reach.by_claim, today=today)
    selected_key = request.GET.get("group") if "decide" not in request.GET else None
    return render_page(
        request,
        "feeds/held.html",
        title=f"Held, {source.name}",
        crumbs=(
            ("Feeds", reverse("feeds:list")),
            (source.name, reverse("feeds:detail", args=[source.slug])),
        ),
        counts="Live applications of yours that the events would reach",
        as_of=at,
        status=status,
        source=source,
        sentence=presenters.pending_headline(source.name, tally),
        tally=tally,
        effect=tally.yours(reach.by_source.get(source.pk, 0)),
        groups=[group for group in groups if selected_key in {None, group.key}],
        only=selected_key,
        shown=None if selected_key is not None else MAX_ROWS,
        refused=group_pending_changes(rejections, reach=reach, today=today),
        n_refused=len(rejections),
        question=_build_question(request, groups, form, problem),
        undo=_build_undo_question(request, rejections) if user.is_governance else None,
        problem=problem,
        run=last_suspect_runs([source.pk]).get(source.pk) if changes_on_hold else None,
        deciders=[] if user.is_governance else deciders(),
    )


def _build_question(
    request: HttpRequest, groups: list[PendingGroup], form: PendingDecisionForm | None, problem: str
) -> DecisionQuestion | None:
    """Build the confirmation that the URL or the invalid form requests; None if no such change is
    pending."""
    if problem or not getattr(request.user, "is_governance", False):
        return None
    parameters = form.data if form is not None else request.GET
    action = parameters.get("action" if form is not None else "decide", "")
    if action not in {"accept", "refuse"}:
        return None
    group_key = parameters.get("group", ALL_PROVIDERS)
    selected_groups = [group for group in groups if group_key in {ALL_PROVIDERS, group.key}]
    if not selected_groups:
        return None
    changes = tuple(row.change for group in selected_groups for row in group.rows)
    effects = [group.effect for group in selected_groups if group.n_applications] or [
        selected_groups[0].effect
    ]
    return DecisionQuestion(
        action,
        group_key,
        presenters.names_of(changes),
        changes,
        form or PendingDecisionForm(action=action),
        " ".join(effects),
    )


def _build_undo_question(
    request: HttpRequest, rejections: list[PendingChange]
) -> DecisionQuestion | None:
    """Build the undo form of the rejection that the URL names; None if there is none."""
    group_key = request.GET.get("undo")
    if group_key is None:
        return None
    changes = tuple(
        change for change in rejections if group_key in {ALL_PROVIDERS, change.assertion.group}
    )
    return (
        DecisionQuestion(
            "lift", group_key, presenters.names_of(changes), changes, PendingDecisionForm(), ""
        )
        if changes
        else None
    )


@require_safe
def pending_change_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send the pending and the rejected changes, a row each."""
    source = source_or_404(request, slug)
    today = day_of(now())
    changes_on_hold, rejections = pending_changes(source), rejected_changes(source)
    reach = pending_reach([*changes_on_hold, *rejections], user=request.user, on=today)
    heads = [
        "state",
        "provider",
        "row",
        "host",
        "api id",
        "what",
        "old",
        "new",
        "since",
        "applications of yours",
        "says now",
        "source",
    ]

    def cells(change: PendingChange) -> list[Any]:
        claim, offering = change.assertion, change.offering
        return [
            "refused" if change.refused else "waits",
            claim.group,
            claim.external_id,
            offering.host.name if offering else "",
            offering.api_id if offering else "",
            change.what,
            _format_value(change.old),
            _format_value(change.new),
            change.since,
            reach.by_claim.get(claim.pk, 0),
            "row is gone" if change.what == "removal" else _format_value(change.new),
            claim.source_url,
        ]

    return csv_response(f"held-{source.slug}", heads, [*changes_on_hold, *rejections], cells)


def _format_value(value: Any) -> str:
    """Format a date or prices as text: `input 3; output 15`; empty for None."""
    if isinstance(value, dict):
        return "; ".join(f"{unit} {amount}" for unit, amount in value.items())
    return "" if value is None else str(value)
