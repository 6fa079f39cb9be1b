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
# so many rows of a provider are shown beside the others; its own page shows all of them
MAX_ROWS = 25


class PendingDecisionForm(forms.Form):
    """Form of a decision; `seen` is the fingerprint of what the user viewed, empty if the page sent
    none."""

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
        # what is accepted becomes news in people's mail; what is refused is only kept waiting
        self.fields["reason"].required = (self.data.get("action") or action) == "accept"


@dataclass(frozen=True, slots=True)
class DecisionQuestion:
    """Confirmation before a decision: what is about to be decided, and the form for it."""

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
        """`38 changes of Azure`."""
        return f"{count_of(len(self.changes), 'change')} of {self.name}"


@require_http_methods(["GET", "HEAD", "POST"])
def pending_change_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the preview; POST decides."""
    source = source_or_404(request, slug)
    if request.method != "POST":
        return _preview(request, source)
    user = governance_user(
        request, "You need the governance role to accept or reject changes on hold."
    )
    form = PendingDecisionForm(request.POST)
    if not form.is_valid():
        action = str(form.data.get("action", ""))
        if action in {"accept", "refuse"} and not pending_changes(source):
            return _preview(
                request, source, problem=_nothing_left(source, action, user), status=409
            )
        problem = (
            "Nothing was decided. Choose accept, refuse or undo." if "action" in form.errors else ""
        )
        return _preview(request, source, form=form, problem=problem, status=422)
    said = form.cleaned_data
    scope = _scope(said["group"])
    there = rejected_changes(source) if said["action"] == "lift" else pending_changes(source)
    chosen = [change for change in there if scope is None or change.assertion.group in scope]
    if not chosen:
        return _preview(
            request, source, problem=_nothing_left(source, said["action"], user), status=409
        )
    if said["seen"] and said["seen"] != fingerprint(chosen):
        problem = (
            "What waits has changed since you looked, so nothing was decided. "
            "Look again at what waits now."
        )
        return _preview(request, source, problem=problem, status=409)
    return _decide(request, source, user, said, scope, presenters.names_of(chosen))


def _scope(group: str) -> list[str] | None:
    return None if group == ALL_PROVIDERS else [group]


def _decide(
    request: HttpRequest,
    source: Source,
    user: User,
    said: dict[str, Any],
    scope: Collection[str] | None,
    name: str,
) -> HttpResponse:
    page_of_held = reverse("feeds:on-hold", args=[source.slug])
    if said["action"] == "accept":
        events = accept_pending_changes(source=source, by=user, reason=said["reason"], groups=scope)
        raised = f"{count_of(len(events), 'event')} {'was' if len(events) == 1 else 'were'} raised"
        messages.success(request, f"What {source.name} says of {name} is believed now; {raised}.")
        return redirect(page_of_held)
    if said["action"] == "refuse":
        reject_pending_changes(
            source=source,
            by=user,
            reason=said["reason"] or "rejected without a reason",
            groups=scope,
        )
        return redirect(url_with_query(page_of_held, undo=said["group"]))
    n = undo_rejections(
        source=source, by=user, reason=said["reason"] or "rejection undone", groups=scope
    )
    taken_back = (
        f"{count_of(n, 'refusal').capitalize()} of {name} {'is' if n == 1 else 'are'} taken back"
    )
    messages.success(
        request,
        f"{taken_back}: rows that are gone wait again, values are judged anew at the next poll.",
    )
    return redirect(page_of_held)


def _nothing_left(source: Source, action: str, user: User) -> str:
    if action == "lift":
        return (
            "No refusal stands any more: the feed went back, or somebody took it back. "
            "Nothing was changed."
        )
    what = "Nothing of this waits any more, so nothing was decided. "
    decided = last_decision(source)
    if decided is None:
        return (
            what
            + "The feed went back, or somebody decided meanwhile: compare with the latest runs."
        )
    who = "You decided" if decided.user_id == user.pk else f"{decided.name} decided"
    why = f": {decided.reason.rstrip('.')}" if decided.reason else ""
    return f"{what}{who} {decided.ago}{why}. Compare with what stands below."


def _preview(
    request: HttpRequest,
    source: Source,
    *,
    form: PendingDecisionForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    user, at = signed_in_user(request), now()
    today = day_of(at)
    waiting, refused = pending_changes(source), rejected_changes(source)
    reach = pending_reach(waiting, user=user, on=today)
    groups = group_pending_changes(waiting, reach=reach, today=today)
    found = presenters.count_changes(waiting, reach=reach.by_claim, today=today)
    only = request.GET.get("group") if "decide" not in request.GET else None
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
        sentence=presenters.pending_headline(source.name, found),
        tally=found,
        effect=found.yours(reach.by_source.get(source.pk, 0)),
        groups=[group for group in groups if only in {None, group.key}],
        only=only,
        shown=None if only is not None else MAX_ROWS,
        refused=group_pending_changes(refused, reach=reach, today=today),
        n_refused=len(refused),
        question=_question(request, groups, form, problem),
        undo=_undo(request, refused) if user.is_governance else None,
        problem=problem,
        run=last_suspect_runs([source.pk]).get(source.pk) if waiting else None,
        deciders=[] if user.is_governance else deciders(),
    )


def _question(
    request: HttpRequest, groups: list[PendingGroup], form: PendingDecisionForm | None, problem: str
) -> DecisionQuestion | None:
    """The decision that the address, or a form that lacks something, asks about; None where nothing
    of it waits."""
    if problem or not getattr(request.user, "is_governance", False):
        return None
    asked = form.data if form is not None else request.GET
    action = asked.get("action" if form is not None else "decide", "")
    if action not in {"accept", "refuse"}:
        return None
    group = asked.get("group", ALL_PROVIDERS)
    chosen = [found for found in groups if group in {ALL_PROVIDERS, found.key}]
    if not chosen:
        return None
    changes = tuple(row.change for found in chosen for row in found.rows)
    effects = [found.effect for found in chosen if found.n_applications] or [chosen[0].effect]
    return DecisionQuestion(
        action,
        group,
        presenters.names_of(changes),
        changes,
        form or PendingDecisionForm(action=action),
        " ".join(effects),
    )


def _undo(request: HttpRequest, refused: list[PendingChange]) -> DecisionQuestion | None:
    """What has just been refused, so that it can be taken back at once."""
    group = request.GET.get("undo")
    if group is None:
        return None
    changes = tuple(
        change for change in refused if group in {ALL_PROVIDERS, change.assertion.group}
    )
    return (
        DecisionQuestion(
            "lift", group, presenters.names_of(changes), changes, PendingDecisionForm(), ""
        )
        if changes
        else None
    )


@require_safe
def pending_change_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send what is pending and what was rejected."""
    source = source_or_404(request, slug)
    today = day_of(now())
    waiting, refused = pending_changes(source), rejected_changes(source)
    reach = pending_reach([*waiting, *refused], user=request.user, on=today)
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
            _cell(change.old),
            _cell(change.new),
            change.since,
            reach.by_claim.get(claim.pk, 0),
            "row is gone" if change.what == "removal" else _cell(change.new),
            claim.source_url,
        ]

    return csv_response(f"held-{source.slug}", heads, [*waiting, *refused], cells)


def _cell(value: Any) -> str:
    """A day as it is, prices as `input 3; output 15`, nothing for None."""
    if isinstance(value, dict):
        return "; ".join(f"{unit} {amount}" for unit, amount in value.items())
    return "" if value is None else str(value)
