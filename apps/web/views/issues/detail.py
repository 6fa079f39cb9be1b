"""Page of one issue: the fact, its dates and dependencies, the timeline, and the responses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.errors import DomainError
from apps.common.time import day_of, now
from apps.inventory.models import Application, Dependency
from apps.issues import responses
from apps.issues.models import Activity, Issue
from apps.issues.sentences import activity_sentence, activity_user_names
from apps.issues.undo import undo_response
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.issues.forms import (
    AcceptForm,
    CommentForm,
    OwnerForm,
    ReasonForm,
    SnoozeForm,
)
from apps.web.views.issues.list import SNOOZE_CHOICES
from apps.web.views.issues.presenters import RELATIONS, present_issues

MAX_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    at: datetime
    sentence: str
    text: str


@require_safe
def issue_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _issue_page(request, _visible_issue(signed_in_user(request), pk))


def _visible_issue(user: User, pk: int) -> Issue:
    return get_object_or_404(
        Issue.objects.visible_to(user).select_related(*RELATIONS, "task__campaign", "accepted_by"),
        pk=pk,
    )


def _issue_page(
    request: HttpRequest, issue: Issue, *, invalid_form: forms.Form | None = None, error: str = ""
) -> HttpResponse:
    user, at = signed_in_user(request), now()
    today = day_of(at)
    (row,) = present_issues([issue], today=today)
    form_classes: dict[str, Callable[[], forms.Form]] = {
        "accept": AcceptForm,
        "resolve": ReasonForm,
        "comment": CommentForm,
        "assign": lambda: OwnerForm(issue=issue, initial={"owner": issue.owner_id}),
    }
    can_respond = responses.can_respond(user, issue)
    return render_page(
        request,
        "issues/detail.html",
        title=row.title,
        crumbs=(("Issues", reverse("issues:list")),),
        as_of=at,
        status=422 if invalid_form is not None or error else 200,
        sentence=Headline(f"{row.title}."),
        issue=issue,
        row=row,
        error=error,
        can_respond=can_respond,
        can_accept=can_respond and responses.can_accept(user, issue),
        forms={name: make() for name, make in form_classes.items()},
        invalid_form=invalid_form,
        snooze_choices=SNOOZE_CHOICES,
        dependencies=_dependencies(issue, user),
        applications=_applications(issue, user),
        offerings=_offerings(issue),
        timeline=_timeline(issue),
        siblings=Issue.objects.visible_to(user)
        .unresolved()
        .filter(cause=issue.cause_id)
        .exclude(pk=issue.pk)
        .select_related("application", "owner")[:20],
    )


def _dependencies(issue: Issue, user: User) -> list[Dependency]:
    """Return the dependencies that the fact is about and that the user can view."""
    values = issue.details.get("dependencies") or [issue.details.get("dependency")]
    ids = [value["dependency"] if isinstance(value, dict) else value for value in values if value]
    dependencies = Dependency.objects.visible_to(user).filter(pk__in=ids)
    return list(dependencies.select_related("application", "offering__host").order_by("pk"))


def _applications(issue: Issue, user: User) -> list[Application]:
    """Return the applications that an issue of the organisation concerns."""
    ids = issue.details.get("applications") or []
    return list(Application.objects.visible_to(user).filter(pk__in=ids).order_by("criticality"))


def _offerings(issue: Issue) -> list[Offering]:
    """Return the model IDs that the cause concerns, first retirement first."""
    offerings = Offering.objects.filter(pk__in=issue.cause.cause_offerings.values("offering"))
    return list(offerings.select_related("host").order_by("retires_on", "host__name", "api_id"))


def _timeline(issue: Issue) -> list[TimelineEntry]:
    entries = list(issue.activity.select_related("user").order_by("-at", "-pk")[:MAX_ENTRIES])
    names = activity_user_names(entries)
    return [
        TimelineEntry(
            entry.at,
            activity_sentence(entry, names),
            entry.text if entry.kind != Activity.Kind.UNDONE else "",
        )
        for entry in entries
    ]


# --- responses ------------------------------------------------------------------------------------


@require_POST
def respond_to_issue(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Apply one response and return to the issue; an invalid one shows the page with the reason."""
    user, at = signed_in_user(request), now()
    issue = _visible_issue(user, pk)
    form = _response_form(action, request, issue, at)
    if form is not None and not form.is_valid():
        return _issue_page(request, issue, invalid_form=form)
    data: dict[str, Any] = form.cleaned_data if form is not None else {}
    try:
        sentence = _apply(action, issue, data, user, at)
    except DomainError as error:
        return _issue_page(request, issue, error=str(error))
    can_be_undone = action not in {"comment", "undo"}
    undo = reverse("issues:respond", args=[pk, "undo"]) if can_be_undone else None
    flash_success(request, sentence, undo=undo)
    return redirect("issues:detail", pk=pk)


def _response_form(
    action: str, request: HttpRequest, issue: Issue, at: datetime
) -> forms.Form | None:
    match action:
        case "snooze":
            return SnoozeForm(request.POST, today=day_of(at))
        case "accept":
            return AcceptForm(request.POST)
        case "resolve":
            return ReasonForm(request.POST)
        case "comment":
            return CommentForm(request.POST)
        case "assign":
            return OwnerForm(request.POST, issue=issue)
        case "acknowledge" | "revoke" | "reopen" | "undo":
            return None
    raise Http404


def _apply(action: str, issue: Issue, data: dict[str, Any], by: User, at: datetime) -> str:
    """Apply the response; return the confirmation."""
    match action:
        case "acknowledge":
            responses.acknowledge_issue(issue=issue, by=by, at=at)
            return "Issue acknowledged."
        case "snooze":
            responses.snooze_issue(issue=issue, until=data["until"], by=by, at=at)
            return "Issue snoozed."
        case "accept":
            responses.accept_issue(
                issue=issue, until=data["until"], reason=data["reason"], by=by, at=at
            )
            return "Gap accepted."
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
            responses.assign_issue(issue=issue, to=data["owner"], by=by, at=at)
            return f"Issue assigned to {data['owner']}." if data["owner"] else "Assignment removed."
        case "comment":
            responses.comment_on_issue(issue=issue, text=data["text"], by=by, at=at)
            return "Comment added."
    undo_response(issue=issue, by=by, at=at)
    return "Response undone."
