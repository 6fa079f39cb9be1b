"""Page of one issue: the fact, its dates and dependencies, the timeline, and the responses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.alerts.issues.timeline import issue_notifications
from apps.catalog.models import Offering
from apps.common.text import format_date
from apps.common.time import day_of, now
from apps.inventory.models import Application, DecisionProposal, Dependency
from apps.issues import responses
from apps.issues.consequences import list_consequences
from apps.issues.models import Activity, CauseKind, Issue, IssueQuerySet
from apps.issues.owners import find_owner
from apps.issues.sentences import activity_sentence, activity_user_names
from apps.issues.undo import undo_response
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.proposals import ProposalCard, present_proposal
from apps.web.views.issues.forms import (
    AcceptForm,
    CommentForm,
    OwnerForm,
    ResolveForm,
    SnoozeForm,
)
from apps.web.views.issues.presenters import RELATIONS, IssueRow, present_issues, record_link
from apps.web.views.tickets.cards import issue_tickets, ticket_entries
from apps.web.views.undo import return_path

MAX_ENTRIES = 200
MAX_SIBLINGS = 20
MAX_APPLICATIONS = 100
# responses with a form, in the order of the page
_FORM_ACTIONS = ("assign", "snooze", "accept", "resolve", "comment")
_PLAIN_ACTIONS = ("acknowledge", "revoke", "reopen", "undo")


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One entry; `is_said`: a person wrote it or responded."""

    at: datetime
    sentence: str
    text: str
    is_said: bool = False


@require_safe
def issue_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the page of the issue; the list requests its panel."""
    issue = _visible_issue(signed_in_user(request), pk)
    if getattr(request, "htmx", False):
        response = render(request, "issues/panel.html", {"panel": issue_context(request, issue)})
        response["Vary"] = "HX-Request, Cookie"
        return response
    return _issue_page(request, issue)


def visible_issue(user: User, pk: int) -> Issue | None:
    """Return the issue with what its page shows, or None if the user cannot view it."""
    return _visible_issues(user).filter(pk=pk).first()


def _visible_issue(user: User, pk: int) -> Issue:
    return get_object_or_404(_visible_issues(user), pk=pk)


def _visible_issues(user: User) -> IssueQuerySet:
    return Issue.objects.visible_to(user).select_related(
        *RELATIONS, "acknowledged_by", "accepted_by", "resolved_by"
    )


def _issue_page(
    request: HttpRequest,
    issue: Issue,
    *,
    invalid: Mapping[str, forms.Form] | None = None,
    error: str = "",
) -> HttpResponse:
    """Return the page. `invalid` is the form with invalid input, by its action; `error` why a
    response was rejected."""
    context = issue_context(request, issue, invalid=invalid)
    row: IssueRow = context["row"]
    return render_page(
        request,
        "issues/detail.html",
        title=row.title,
        crumbs=(("Work", reverse("issues:list")),),
        counts="One issue",
        as_of=context.pop("as_of"),
        sentence=Headline(f"{row.title}."),
        error=error,
        proposal=_proposal(issue, signed_in_user(request)),
        applications=_applications(issue, signed_in_user(request)),
        offerings=_offerings(issue),
        **context,
        **_siblings(issue, signed_in_user(request)),
    )


def issue_context(
    request: HttpRequest, issue: Issue, *, invalid: Mapping[str, forms.Form] | None = None
) -> dict[str, Any]:
    """Return what the page of the issue and its panel beside the list have in common."""
    user, at = signed_in_user(request), now()
    (row,) = present_issues([issue], today=day_of(at))
    can_respond = responses.can_respond(user, issue)
    is_followed = bool(responses.state_owner(issue))
    dependencies = _dependencies(issue, user)
    return {
        "as_of": at,
        "issue": issue,
        "row": row,
        "can_respond": can_respond,
        "can_comment": responses.can_comment(user, issue),
        # what has a record of its own is accepted and resolved there
        "can_resolve": can_respond and not is_followed,
        "can_accept": can_respond and not is_followed and responses.can_accept(user, issue),
        "is_accepted": issue.state == Issue.State.ACCEPTED,
        "is_effort_unknown": issue.cause.kind == CauseKind.RETIREMENT
        and issue.details.get("effort_days") is None,
        "forms": {action: _response_form(action, None, issue, at, user) for action in _FORM_ACTIONS}
        | dict(invalid or {}),
        "record": record_link(issue, row.subject, user),
        "dependencies": dependencies,
        "consequences": list_consequences(issue, dependencies),
        "timeline": _timeline(issue, user),
        "tickets": issue_tickets(issue, user, can_respond=can_respond),
    }


def _siblings(issue: Issue, user: User) -> dict[str, Any]:
    """Return other unresolved issues of the cause that the user can view."""
    siblings = (
        Issue.objects.visible_to(user)
        .unresolved()
        .filter(cause=issue.cause_id)
        .exclude(pk=issue.pk)
        .select_related("application", "owner")
        .order_by("act_by", "pk")
    )
    return {"siblings": siblings[:MAX_SIBLINGS], "n_siblings": siblings.count()}


def _dependencies(issue: Issue, user: User) -> list[Dependency]:
    """Return the dependencies that the fact is about and that the user can view."""
    values = issue.details.get("dependencies") or [issue.details.get("dependency")]
    ids = [value["dependency"] if isinstance(value, dict) else value for value in values if value]
    dependencies = Dependency.objects.visible_to(user).filter(pk__in=ids)
    return list(dependencies.select_related("application", "offering__host").order_by("pk"))


def _proposal(issue: Issue, user: User) -> ProposalCard | None:
    """Return the open proposal that the issue asks to decide."""
    if issue.cause.kind != CauseKind.TOLERANCE_CHANGE:
        return None
    proposals = DecisionProposal.objects.visible_to(user).open().select_related("proposed_by")
    proposal = proposals.filter(pk=issue.details.get("proposal")).first()
    if proposal is None:
        return None
    return present_proposal(proposal, user, back=reverse("issues:detail", args=[issue.pk]))


def _applications(issue: Issue, user: User) -> list[Application]:
    """Return the applications that an issue of the organisation concerns."""
    ids = issue.details.get("applications") or []
    visible = Application.objects.visible_to(user).filter(pk__in=ids)
    return list(visible.order_by("criticality", "name")[:MAX_APPLICATIONS])


def _offerings(issue: Issue) -> list[Offering]:
    """Return the model IDs that the cause concerns, first retirement first."""
    offerings = Offering.objects.filter(pk__in=issue.cause.cause_offerings.values("offering"))
    return list(offerings.select_related("host").order_by("retires_on", "host__name", "api_id"))


def _timeline(issue: Issue, user: User) -> list[TimelineEntry]:
    """Return the activity, the notifications that the user can view, and what came back from the
    tickets, latest first."""
    entries = list(issue.activity.select_related("user").order_by("-at", "-pk")[:MAX_ENTRIES])
    names = activity_user_names(entries)
    activity = [
        TimelineEntry(
            entry.at,
            activity_sentence(entry, names),
            entry.text if entry.kind != Activity.Kind.UNDONE else "",
            entry.user_id is not None,
        )
        for entry in entries
    ]
    notifications = [
        TimelineEntry(entry.at, entry.sentence, "")
        for entry in issue_notifications(issue.pk, user=user)
    ]
    tickets = [
        TimelineEntry(entry.at, entry.sentence, entry.text, entry.is_said)
        for entry in ticket_entries(issue=issue)
    ]
    timeline = sorted(
        [*activity, *notifications, *tickets], key=lambda entry: entry.at, reverse=True
    )
    return timeline[:MAX_ENTRIES]


# --- responses ------------------------------------------------------------------------------------


@require_POST
def respond_to_issue(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Apply one response and return to the issue; an invalid one shows the page with the reason and
    the input."""
    user, at = signed_in_user(request), now()
    issue = _visible_issue(user, pk)
    if action not in {*_FORM_ACTIONS, *_PLAIN_ACTIONS}:
        raise Http404
    # before the input is checked, whose errors are for those who can respond
    if action == "comment":
        responses.require_commentator(user, issue)
    else:
        responses.require_respondent(user, issue)
    has_form = action in _FORM_ACTIONS
    can_be_undone = action not in {"comment", "undo"}
    undo = reverse("issues:respond", args=[pk, "undo"]) if can_be_undone else None
    return action_view(
        request,
        form=lambda: (
            _response_form(action, request.POST, issue, at, user) if has_form else forms.Form({})
        ),
        action=lambda form: _apply(action, issue, form.cleaned_data, user, at),
        done=lambda sentence: Confirmation(sentence, undo),
        back=return_path(request, reverse("issues:detail", args=[pk])),
        page=lambda form: _issue_page(
            request,
            issue,
            invalid={action: form} if has_form else {},
            error=" ".join(map(str, form.non_field_errors())),
        ),
    )


def _response_form(action: str, data: Any, issue: Issue, at: datetime, user: User) -> forms.Form:
    """Return the form of a response. Ids of fields begin with the action, since the page has
    several forms."""
    auto_id = f"{action}-%s"
    match action:
        case "snooze":
            return SnoozeForm(data, today=day_of(at), auto_id=auto_id)
        case "accept":
            return AcceptForm(data, auto_id=auto_id)
        case "resolve":
            return ResolveForm(data, auto_id=auto_id)
        case "comment":
            return CommentForm(data, auto_id=auto_id)
    assigned_id = issue.owner_id if issue.assigned_by_id is not None else None
    return OwnerForm(data, issue=issue, user=user, auto_id=auto_id, initial={"owner": assigned_id})


def _apply(action: str, issue: Issue, data: dict[str, Any], by: User, at: datetime) -> str:
    """Apply the response; return the confirmation."""
    match action:
        case "acknowledge":
            responses.acknowledge_issue(issue=issue, by=by, at=at)
            return "Issue acknowledged."
        case "snooze":
            responses.snooze_issue(issue=issue, until=data["until"], by=by, at=at)
            return f"Issue snoozed until {format_date(data['until'])}."
        case "accept":
            responses.accept_issue(
                issue=issue, until=data["until"], reason=data["reason"], by=by, at=at
            )
            return f"Gap accepted until {format_date(data['until'])}."
        case "revoke":
            responses.revoke_acceptance(issue=issue, by=by, at=at)
            return "Acceptance revoked."
        case "resolve":
            responses.resolve_issue(issue=issue, by=by, at=at, reason=data["reason"])
            return "Issue resolved."
        case "reopen":
            responses.reopen_issue(issue=issue, by=by, at=at)
            return "Issue reopened."
        case "assign":
            owner = _assign(issue, data, by, at)
            return f"Issue assigned to {owner}." if owner is not None else "Assignment removed."
        case "comment":
            responses.comment_on_issue(issue=issue, text=data["text"], by=by, at=at)
            return "Comment added."
    undo_response(issue=issue, by=by, at=at)
    return "Response undone."


def _assign(issue: Issue, data: dict[str, Any], by: User, at: datetime) -> User | None:
    """Assign the issue to the selected person, or to the contact with the address."""
    is_confirmed = data["confirm_contact"]
    owner: User | None = data["owner"]
    if address := data.get("address"):
        owner = find_owner(address, [issue], by=by, is_confirmed=is_confirmed)
    responses.assign_issue(issue=issue, to=owner, by=by, at=at, is_confirmed=is_confirmed)
    return owner
