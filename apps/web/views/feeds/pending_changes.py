"""Pending changes of one source: view, accept, reject, undo a rejection."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property

from apps.accounts.models import User
from apps.catalog.claims.pending_changes import PendingChange, pending_changes, rejected_changes
from apps.catalog.models import Source
from apps.common.text import pluralize
from apps.feeds.actions import accept_pending_changes, reject_pending_changes, undo_rejections
from apps.feeds.models import PollState
from apps.feeds.pages.definition import KIND as PAGE
from apps.feeds.sources.page_form import form_doubts
from apps.web.lists.columns import Column, FileColumn, format_day, format_number
from apps.web.lists.computed_rows import ComputedRows
from apps.web.lists.list_page import ListPage
from apps.web.lists.pagination import url_with_query
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import governance_user
from apps.web.views.feeds import presenters
from apps.web.views.feeds.pending_groups import (
    PendingGroup,
    PendingRow,
    build_pending_rows,
    fingerprint,
    group_pending_changes,
)
from apps.web.views.feeds.queries import (
    PendingReach,
    deciders,
    last_decision,
    last_suspect_runs,
    pending_reach,
    source_or_404,
)
from apps.web.wording import number, quantity_of

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
        return f"{quantity_of(len(self.changes), 'change')} of {self.name}"


class PendingChangeList(ListPage[Any, PendingRow]):
    """Changes of one source (`slug`) that are on hold, by provider, and those that were rejected;
    a POST decides."""

    namespace = "feeds"
    route = "on-hold"
    title = "Changes on hold"
    nouns = ("change", "changes")
    counts = "Your active applications that the events would affect"
    columns = (
        Column[PendingRow]("row", "Row", attrgetter("change.assertion.external_id")),
        Column[PendingRow](
            "host", "Host", lambda row: row.change.offering.host.name if row.change.offering else ""
        ),
        Column[PendingRow]("change", "Change", lambda row: str(row.consequence)),
        Column[PendingRow]("since", "Since", attrgetter("change.since"), format=format_day),
        Column[PendingRow](
            "applications",
            "Your applications",
            attrgetter("n_applications"),
            format=format_number,
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[PendingRow](
            "State", lambda row: "rejected" if row.change.refused else "on hold"
        ),
        FileColumn[PendingRow]("Provider", attrgetter("change.assertion.group")),
        FileColumn[PendingRow](
            "Model ID", lambda row: row.change.offering.api_id if row.change.offering else ""
        ),
        FileColumn[PendingRow]("Type", attrgetter("change.what")),
        FileColumn[PendingRow]("Old value", lambda row: _format_value(row.change.old)),
        FileColumn[PendingRow]("New value", lambda row: _format_value(row.change.new)),
        FileColumn[PendingRow](
            "Feed reports now",
            lambda row: (
                "row removed" if row.change.what == "removal" else _format_value(row.change.new)
            ),
        ),
        FileColumn[PendingRow]("Source URL", attrgetter("change.assertion.source_url")),
    )
    default_order = ("", ())
    template = "feeds/held.html"

    def check_access(self) -> None:
        self.source = source_or_404(self.request, self.kwargs["slug"])

    @cached_property
    def changes_on_hold(self) -> list[PendingChange]:
        return pending_changes(self.source)

    @cached_property
    def rejections(self) -> list[PendingChange]:
        return rejected_changes(self.source)

    @cached_property
    def form_doubts(self) -> list[str]:
        """Sentences about the form of a lifecycle page that is on hold."""
        if self.source.kind != PAGE:
            return []
        state = PollState.objects.filter(source=self.source).only("page_form").first()
        return form_doubts(state.page_form) if state is not None else []

    @cached_property
    def reach(self) -> PendingReach:
        """The applications that acceptance of the changes on hold would affect."""
        return pending_reach(self.changes_on_hold, user=self.user, on=self.today)

    @cached_property
    def groups(self) -> list[PendingGroup]:
        return group_pending_changes(self.changes_on_hold, reach=self.reach, today=self.today)

    @property
    def file_name(self) -> str:
        return f"{super().file_name}-{self.source.slug}"

    def get_crumbs(self) -> tuple[tuple[str, str], ...]:
        source_url = reverse("feeds:detail", args=[self.source.slug])
        return (("Feeds", reverse("feeds:list")), (self.source.name, source_url))

    def get_queryset(self) -> Any:
        return ComputedRows([*self.changes_on_hold, *self.rejections])

    def build_rows(self, records: Sequence[PendingChange]) -> Sequence[PendingRow]:
        reach = pending_reach(records, user=self.user, on=self.today)
        return build_pending_rows(records, reach, self.today)

    def submit(self, request: HttpRequest) -> HttpResponse:
        """Accept, reject, or undo a rejection, unless the changes are others than the user saw."""
        user = governance_user(
            request, "You need the governance role to accept or reject changes on hold."
        )
        form = PendingDecisionForm(request.POST)
        if not form.is_valid():
            action = str(form.data.get("action", ""))
            is_pending = self.changes_on_hold or self.form_doubts
            if action in {"accept", "refuse"} and not is_pending:
                problem = _explain_nothing_pending(self.source, action, user)
                return self.render(request, problem=problem, status=409)
            problem = (
                "Nothing was decided. Select accept, reject or undo."
                if "action" in form.errors
                else ""
            )
            return self.render(request, form=form, problem=problem, status=422)
        cleaned = form.cleaned_data
        groups = _parse_groups(cleaned["group"])
        if self.form_doubts and not self.changes_on_hold and cleaned["action"] != "lift":
            # a form on hold can change values without a change of a date or row
            return _apply_decision(request, self.source, user, cleaned, None, self.source.name)
        candidates = self.rejections if cleaned["action"] == "lift" else self.changes_on_hold
        changes = [
            change for change in candidates if groups is None or change.assertion.group in groups
        ]
        if not changes:
            problem = _explain_nothing_pending(self.source, cleaned["action"], user)
            return self.render(request, problem=problem, status=409)
        if cleaned["seen"] and cleaned["seen"] != fingerprint(changes):
            problem = (
                "The changes on hold are others than you saw, so nothing was decided. "
                "Check the list below."
            )
            return self.render(request, problem=problem, status=409)
        names = presenters.names_of(changes)
        return _apply_decision(request, self.source, user, cleaned, groups, names)

    def render(
        self,
        request: HttpRequest,
        *,
        status: int = 200,
        form: PendingDecisionForm | None = None,
        problem: str = "",
        **context: Any,
    ) -> HttpResponse:
        """Render the changes by provider, with the applications that they would affect."""
        reach, today = self.reach, self.today
        tally = presenters.count_changes(self.changes_on_hold, reach=reach.by_claim, today=today)
        selected_key = request.GET.get("group") if "decide" not in request.GET else None
        return super().render(
            request,
            status=status,
            source=self.source,
            sentence=presenters.pending_headline(self.source.name, tally)
            if self.changes_on_hold or not self.form_doubts
            else presenters.form_headline(self.source.name),
            tally=tally,
            effect=tally.yours(reach.by_source.get(self.source.pk, 0)),
            groups=[group for group in self.groups if selected_key in {None, group.key}],
            only=selected_key,
            shown=None if selected_key is not None else MAX_ROWS,
            refused=group_pending_changes(self.rejections, reach=reach, today=today),
            n_refused=len(self.rejections),
            form_doubts=self.form_doubts,
            form_decision=(form or PendingDecisionForm(action="accept"))
            if self.form_doubts and not self.changes_on_hold
            else None,
            is_page=self.source.kind == PAGE,
            question=_build_question(request, self.groups, form, problem),
            undo=_build_undo_question(request, self.rejections)
            if self.user.is_governance
            else None,
            problem=problem,
            run=last_suspect_runs([self.source.pk]).get(self.source.pk)
            if self.changes_on_hold
            else None,
            deciders=[] if self.user.is_governance else deciders(),
            **context,
        )


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
        events_text = pluralize(
            len(events), "1 event was raised", f"{number(len(events))} events were raised"
        )
        flash_success(request, f"Changes of {source.name} for {name} accepted. {events_text}.")
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
    undone_text = pluralize(
        n, f"1 rejection of {name} undone.", f"{number(n)} rejections of {name} undone."
    )
    flash_success(
        request,
        f"{undone_text} Removed rows are on hold again; values are checked at the next poll.",
    )
    return redirect(on_hold_url)


def _explain_nothing_pending(source: Source, action: str, user: User) -> str:
    if action == "lift":
        return (
            "No rejection is left: the feed reports the old values again, or another user undid "
            "the rejection. Nothing was changed."
        )
    lead = "These changes are no longer on hold, so nothing was decided. "
    decision = last_decision(source)
    if decision is None:
        return (
            lead + "The feed reports the old values again, or another user decided. "
            "Compare with the latest runs."
        )
    decider = "You decided" if decision.user_id == user.pk else f"{decision.name} decided"
    reason_text = f": {decision.reason.rstrip('.')}" if decision.reason else ""
    return f"{lead}{decider} {decision.ago}{reason_text}. Compare with the list below."


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


def _format_value(value: Any) -> str:
    """Format a date or prices as text: `input 3; output 15`; empty for None."""
    if isinstance(value, dict):
        return "; ".join(f"{unit} {amount}" for unit, amount in value.items())
    return "" if value is None else str(value)
