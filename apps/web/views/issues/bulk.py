"""Bulk responses to the selected issues of the list: a preview, the response and its undo."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.common.errors import DomainError
from apps.common.text import format_date, pluralize
from apps.common.time import day_of, now
from apps.issues.bulk_responses import (
    BulkOutcome,
    name_bulk_response,
    preview_responses,
    respond_to_issues,
    undo_bulk_response,
)
from apps.issues.models import CauseOffering, Issue
from apps.issues.owners import CONFIRMATION_FIELD
from apps.issues.responses import IssueResponse, ResponseRequest
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.issues.forms import SnoozeForm
from apps.web.views.issues.groups import MIGRATED_KINDS
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues
from apps.web.views.undo import return_path

MIGRATE = "migrate"
# value of the owner that ends an assignment
FOLLOW_APPLICATION = "application"
_VERBS = {
    IssueResponse.ACKNOWLEDGE: ("Acknowledge", "acknowledged"),
    IssueResponse.ASSIGN: ("Assign", "assigned"),
    IssueResponse.SNOOZE: ("Snooze", "snoozed"),
}


@dataclass(frozen=True, slots=True)
class RejectedRow:
    row: IssueRow
    reason: str


@require_POST
def bulk_respond(request: HttpRequest) -> HttpResponse:
    """Acknowledge, assign or snooze the selected issues. More than one are shown before, with the
    reason of each that rejects it. The URL of an undo names the act."""
    user, at = signed_in_user(request), now()
    back = return_path(request, reverse("issues:list"))
    data = request.POST if "action" in request.POST else request.GET

    def respond(form: forms.Form) -> tuple[Confirmation, str | HttpResponse]:
        """Return the confirmation and where it leads."""
        if data.get("action") == "undo":
            return _undo(data, user, at), back
        ids = [int(pk) for pk in data.getlist("issue") if pk.isdecimal() and len(pk) < 18]
        response = _read_request(data, user, at, ids)
        if response is None:
            return Confirmation(""), _migration_url(ids, user)
        if len(set(ids)) > 1 and "confirmed" not in data:
            return Confirmation(""), _preview_page(request, ids, response, data, back)
        act = uuid4()
        outcome = respond_to_issues(issue_ids=ids, request=name_bulk_response(response, act))
        return _confirm(outcome, response, act), back

    return action_view(
        request,
        action=respond,
        done=lambda result: result[0],
        back=lambda result: result[1],
        refused=back,
    )


def _read_request(
    data: QueryDict, user: User, at: datetime, ids: Sequence[int]
) -> ResponseRequest | None:
    """Return the response, or None for the start of a migration. Raises DomainError."""
    action = data.get("action", "")
    if action not in {MIGRATE, *_VERBS}:
        raise DomainError("Select a response: acknowledge, assign, snooze or start a migration.")
    if not ids:
        raise DomainError("Select at least one issue.")
    if action == MIGRATE:
        return None
    fields: dict[str, Any] = {"is_confirmed": CONFIRMATION_FIELD in data}
    if action == IssueResponse.SNOOZE:
        form = SnoozeForm(data, today=day_of(at))
        if not form.is_valid():
            raise DomainError("Select for how long the issues are snoozed.")
        fields["until"] = form.cleaned_data["until"]
    if action == IssueResponse.ASSIGN and data.get("owner") != FOLLOW_APPLICATION:
        # who can own which issue is checked for each
        text = data.get("owner", "")
        pk = int(text) if text.isdecimal() and len(text) < 18 else 0
        fields["to"] = User.objects.people().filter(pk=pk).first()
        if fields["to"] is None:
            raise DomainError("Select a person from the list.")
    return ResponseRequest(response=IssueResponse(action), by=user, at=at, **fields)


def _migration_url(ids: Sequence[int], user: User) -> str:
    """Return the page that starts the migration of the one cause of the issues, or the page of its
    migration. Raises DomainError."""
    issues = list(
        Issue.objects.visible_to(user).filter(pk__in=ids[:500]).select_related("cause", "task")
    )
    causes = {issue.cause_id for issue in issues if issue.cause.kind in MIGRATED_KINDS}
    if len(causes) != 1 or len({issue.cause_id for issue in issues}) != 1:
        raise DomainError("A migration has one cause. Select issues of one retirement.")
    task = next((issue.task for issue in issues if issue.task is not None), None)
    if task is not None:
        return reverse("campaigns:detail", args=[task.campaign_id])
    offering = CauseOffering.objects.filter(cause__in=causes).order_by("offering").first()
    if offering is None:
        raise DomainError("This cause has no model ID from which to migrate.")
    return f"{reverse('campaigns:create')}?{urlencode({'offering': offering.offering_id})}"


# --- preview --------------------------------------------------------------------------------------


def _preview_page(
    request: HttpRequest,
    ids: Sequence[int],
    response: ResponseRequest,
    data: QueryDict,
    back: str,
) -> HttpResponse:
    user = signed_in_user(request)
    outcome = preview_responses(issue_ids=ids, request=response)
    issues = Issue.objects.visible_to(user).filter(pk__in=ids).select_related(*RELATIONS)
    rows = {
        row.issue.pk: row
        for row in present_issues(issues.order_by("act_by", "pk"), today=day_of(response.at))
    }
    unchanged = set(outcome.unchanged)
    changed = [pk for pk in rows if pk in set(outcome.updated) - unchanged]
    rejected = {entry.issue_id: entry.reason for entry in outcome.rejected}
    verb = _VERBS[response.response][0]
    object_ = pluralize(len(changed), "1 issue", f"{len(changed)} issues")
    return render_page(
        request,
        "issues/bulk.html",
        title=f"{verb} issues",
        crumbs=(("Work", back),),
        counts="The selected issues",
        as_of=response.at,
        sentence=_preview_headline(outcome, response),
        effect=_describe_effect(response),
        button=f"{verb} {object_}",
        back=back,
        changed=[rows[pk] for pk in changed],
        unchanged=[row for pk, row in rows.items() if pk in unchanged],
        rejected=[RejectedRow(row, rejected[pk]) for pk, row in rows.items() if pk in rejected],
        n_missing=sum(pk not in rows for pk in rejected),
        needs_confirmation=any(entry.needs_confirmation for entry in outcome.rejected),
        confirmation_field=CONFIRMATION_FIELD,
        fields=[
            (name, value)
            for name in ("action", "days", "owner")
            for value in data.getlist(name)[:1]
        ],
        ids=[*changed, *(entry.issue_id for entry in outcome.rejected if entry.needs_confirmation)],
    )


def _preview_headline(outcome: BulkOutcome, response: ResponseRequest) -> Headline:
    done = _VERBS[response.response][1]
    n, n_rejected = outcome.n_changed, len(outcome.rejected)
    start = pluralize(n, f"1 issue will be {done}.", f"{n} issues will be {done}.")
    if not n_rejected:
        return Headline(start)
    rest = pluralize(n_rejected, "1 issue cannot be.", f"{n_rejected} issues cannot be.")
    return Headline(f"{start} ", rest)


def _describe_effect(response: ResponseRequest) -> str:
    match response.response:
        case IssueResponse.SNOOZE if response.until is not None:
            return (
                f"The issues are hidden from this list until {format_date(response.until)}. Their "
                "dates stay."
            )
        case IssueResponse.ASSIGN if response.to is not None:
            return f"{response.to} becomes the owner and is notified."
        case IssueResponse.ASSIGN:
            return "The owner follows the application again."
    return "The issues stay unresolved. Alerts about them are not escalated further."


# --- response and undo ----------------------------------------------------------------------------


def _confirm(outcome: BulkOutcome, response: ResponseRequest, act: UUID) -> Confirmation:
    done = _VERBS[response.response][1]
    n = outcome.n_changed
    message, undo = "", None
    if n:
        query = urlencode({"action": "undo", "act": act.hex})
        undo = f"{reverse('issues:bulk-respond')}?{query}"
        message = pluralize(n, f"1 issue {done}.", f"{n} issues {done}.")
    elif outcome.unchanged:
        message = "The issues had this response already. Nothing was changed."
    return Confirmation(message, undo, refusals=_list_reasons(outcome))


def _undo(data: QueryDict, user: User, at: datetime) -> Confirmation:
    try:
        act = UUID(data.get("act", ""))
    except ValueError:
        raise DomainError("This response can no longer be undone here. Open the issue.") from None
    outcome = undo_bulk_response(act=act, by=user, at=at)
    n = len(outcome.updated)
    if not n and not outcome.rejected:
        return Confirmation("There is nothing to undo.", is_refusal=True)
    message = pluralize(n, "1 response undone.", f"{n} responses undone.") if n else ""
    return Confirmation(message, refusals=_list_reasons(outcome))


def _list_reasons(outcome: BulkOutcome) -> list[str]:
    return list(dict.fromkeys(entry.reason for entry in outcome.rejected))
