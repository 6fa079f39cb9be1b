"""New tickets: of an issue, of a migration task, and of the tasks of a migration with a preview."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.exposure.models import Campaign, CampaignTask
from apps.issues.models import Issue, Ticket, TicketConnection
from apps.issues.responses import require_respondent
from apps.issues.tickets.jira.client import JiraField
from apps.issues.tickets.jira.fields import fields_to_enter
from apps.issues.tickets.requests import (
    MAX_SUMMARY_LENGTH,
    TASK_RELATIONS,
    BulkTickets,
    PlannedTicket,
    TicketDraft,
    TicketRequest,
    draft_for_issue,
    draft_for_task,
    plan_task_tickets,
    refresh_ticket,
    remove_ticket,
    request_issue_ticket,
    request_task_ticket,
    request_task_tickets,
    ticket_connections,
)
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.tickets.list import subject_page
from apps.web.wording import count_of

_PREFIX = "field_"
# (path of the page above, name)
type Crumbs = tuple[tuple[str, str], ...]


def _value_field(field: JiraField) -> forms.Field:
    """Return the form field of a field that Jira requires."""
    errors = {"required": f"Enter a value for {field.name}: Jira requires it."}
    label, help_text = field.name, f"Required by Jira ({field.id})."
    if field.values and field.type != "array":
        choices = [("", "–"), *((value, value) for value in field.values)]
        return forms.ChoiceField(
            label=label, help_text=help_text, choices=choices, error_messages=errors
        )
    if field.type == "array":
        help_text += " Separate several values by commas."
    elif field.type == "user":
        help_text += " Enter an email address."
    widget = forms.Textarea(attrs={"rows": 3}) if field.is_long else forms.TextInput()
    return forms.CharField(
        label=label, help_text=help_text, max_length=500, widget=widget, error_messages=errors
    )


class _ValuesForm(forms.Form):
    """Form with the fields that Jira requires of new tickets of a connection."""

    def __init__(self, *args: Any, connection: TicketConnection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in fields_to_enter(connection):
            self.fields[f"{_PREFIX}{field.id}"] = _value_field(field)

    @property
    def values(self) -> dict[str, str]:
        """Return the entered values by the ID of their field in Jira."""
        return {
            name.removeprefix(_PREFIX): str(value)
            for name, value in self.cleaned_data.items()
            if name.startswith(_PREFIX)
        }


class TicketForm(_ValuesForm):
    summary = forms.CharField(
        label="Title",
        max_length=MAX_SUMMARY_LENGTH,
        error_messages={"required": "Enter a title."},
    )
    description = forms.CharField(
        label="Description",
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Everyone who can view the project in Jira can read it.",
    )
    due_on = DayField(label="Due date", required=False)
    assignee_address = forms.EmailField(
        label="Assign to",
        required=False,
        help_text="Email address in Jira. If Jira does not find it, the ticket is unassigned.",
    )


class SelectionForm(_ValuesForm):
    """The tasks of a migration that get a ticket."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        picks = self.data.getlist("pick")  # type: ignore[attr-defined]
        cleaned["task_ids"] = [int(pk) for pk in picks if pk.isdecimal() and len(pk) < 19]
        if not cleaned["task_ids"]:
            self.add_error(None, "Select at least one task.")
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
def create_for_issue(request: HttpRequest, pk: int) -> HttpResponse:
    """Request a ticket for an issue."""
    user = signed_in_user(request)
    issue = get_object_or_404(
        Issue.objects.visible_to(user).select_related("cause", "application", "team", "owner"),
        pk=pk,
    )
    require_respondent(user, issue)
    return _create(
        request,
        user,
        team=issue.team_id,
        draft=draft_for_issue(issue, at=now()),
        action=lambda ticket: request_issue_ticket(issue=issue, request=ticket, by=user, at=now()),
        back=reverse("issues:detail", args=[pk]),
        crumbs=(("Work", reverse("issues:list")),),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def create_for_task(request: HttpRequest, pk: int) -> HttpResponse:
    """Request a ticket for a migration task."""
    user = signed_in_user(request)
    tasks = CampaignTask.objects.visible_to(user).select_related(*TASK_RELATIONS)
    task = get_object_or_404(tasks, pk=pk)
    team = task.dependency.application.team
    if not user.may(TeamRole.EDITOR, team):
        raise PermissionDenied(f"You need the editor role on {team} to create tickets.")
    return _create(
        request,
        user,
        team=team,
        draft=draft_for_task(task),
        action=lambda ticket: request_task_ticket(task=task, request=ticket, by=user, at=now()),
        back=reverse("campaign-tasks:detail", args=[pk]),
        crumbs=(
            ("Migrations", reverse("campaigns:list")),
            (task.campaign.title, reverse("campaigns:detail", args=[task.campaign_id])),
        ),
    )


def _create(
    request: HttpRequest,
    user: User,
    *,
    team: Team | int | None,
    draft: TicketDraft,
    action: Callable[[TicketRequest], Ticket],
    back: str,
    crumbs: Crumbs,
) -> HttpResponse:
    connections = ticket_connections(user, team)
    connection = _selected(request, connections)
    if connection is None:
        if request.method == "POST":
            raise Http404
        return _page_without_connection(request, user, back, crumbs)
    initial = {
        "summary": draft.summary,
        "description": draft.description,
        "due_on": draft.due_on,
        "assignee_address": draft.assignee_address,
    }

    def request_ticket(form: TicketForm) -> Ticket:
        facts = {name: form.cleaned_data[name] for name in initial}
        return action(TicketRequest(connection=connection, field_values=form.values, **facts))

    return action_view(
        request,
        form=lambda: TicketForm(request.POST or None, connection=connection, initial=initial),
        action=request_ticket,
        done="The ticket was requested. It is created in Jira within a minute.",
        back=back,
        page=lambda form: render_page(
            request,
            "tickets/create.html",
            title="New ticket",
            crumbs=crumbs,
            sentence=Headline(f"{draft.summary}."),
            form=form,
            connection=connection,
            connections=connections,
            back=back,
        ),
    )


def _selected(
    request: HttpRequest, connections: Sequence[TicketConnection]
) -> TicketConnection | None:
    """Return the connection of the URL or form, by default the first one."""
    text = request.POST.get("connection") or request.GET.get("connection", "")
    for connection in connections:
        if text in {"", str(connection.pk)}:
            return connection
    return None


def _page_without_connection(
    request: HttpRequest, user: User, back: str, crumbs: Crumbs
) -> HttpResponse:
    return render_page(
        request,
        "tickets/no-connection.html",
        title="New ticket",
        crumbs=crumbs,
        sentence=Headline("No ticket system is connected for this team."),
        can_connect=user.is_governance,
        back=back,
    )


# --- tasks of a migration -------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def create_for_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """Show which tasks of a migration get which ticket, and request the tickets of the selected
    ones. Each task has a savepoint of its own, so that a refusal concerns one task only."""
    user = signed_in_user(request)
    campaign = get_object_or_404(Campaign.objects.visible_to(user), pk=pk)
    if not may_create_for(campaign, user):
        raise PermissionDenied("You need the editor role on a team of the tasks to create tickets.")
    back = reverse("campaigns:detail", args=[pk])
    crumbs = (("Migrations", reverse("campaigns:list")), (campaign.title, back))
    # a connection of one team serves the tasks of that team; the preview says it of each
    connections = list(
        TicketConnection.objects.visible_to(user).filter(enabled=True).order_by("name")
    )
    connection = _selected(request, connections)
    if connection is None:
        if request.method == "POST":
            raise Http404
        return _page_without_connection(request, user, back, crumbs)
    here = f"{reverse('tickets:create-for-campaign', args=[pk])}?connection={connection.pk}"

    def page(form: SelectionForm) -> HttpResponse:
        plans = plan_task_tickets(campaign=campaign, connection=connection, by=user)
        return render_page(
            request,
            "tickets/create-many.html",
            title="Create tickets",
            crumbs=crumbs,
            counts="Unfinished tasks of this migration that you can view",
            sentence=_describe_plans(plans, connection),
            form=form,
            plans=plans,
            n_possible=sum(not plan.reason for plan in plans),
            connection=connection,
            connections=connections,
            back=back,
        )

    def request_all(data: Mapping[str, Any], values: Mapping[str, str]) -> Confirmation:
        outcome = request_task_tickets(
            campaign=campaign,
            connection=connection,
            by=user,
            at=now(),
            task_ids=data["task_ids"],
            field_values=values,
        )
        return _confirm(outcome)

    return action_view(
        request,
        form=lambda: SelectionForm(request.POST or None, connection=connection),
        action=lambda form: request_all(form.cleaned_data, form.values),
        done=lambda confirmation: confirmation,
        back=here,
        page=page,
    )


def may_create_for(campaign: Campaign, user: User) -> bool:
    """Return whether the user may create tickets of at least one task of the campaign."""
    roles = user.team_roles()
    teams = [team for team, rank in roles.items() if rank >= TeamRole.EDITOR.rank]
    tasks = CampaignTask.objects.filter(campaign=campaign)
    return user.is_governance or (
        bool(teams) and tasks.filter(dependency__application__team__in=teams).exists()
    )


def _describe_plans(plans: Sequence[PlannedTicket], connection: TicketConnection) -> Headline:
    n = sum(not plan.reason for plan in plans)
    n_others = len(plans) - n
    start = f"{count_of(n, 'task gets a ticket', 'tasks get a ticket').capitalize()}"
    rest = f" {count_of(n_others, 'task', 'tasks').capitalize()} cannot." if n_others else ""
    return Headline(f"{start} in {connection.project}.{rest}")


def _confirm(outcome: BulkTickets) -> Confirmation:
    n = len(outcome.requested)
    message = f"{count_of(n, 'ticket was', 'tickets were').capitalize()} requested."
    return Confirmation(
        message,
        refusals=[
            f"{task.dependency.application.name}: {reason}"
            for task, reason in outcome.rejected[:20]
        ],
        is_refusal=n == 0,
    )


# --- one ticket -----------------------------------------------------------------------------------


def _ticket(request: HttpRequest, pk: int) -> tuple[User, Ticket]:
    user = signed_in_user(request)
    tickets = Ticket.objects.visible_to(user).select_related(
        "issue__team",
        "issue__cause",
        "issue__application",
        "task__dependency__application__team",
    )
    return user, get_object_or_404(tickets, pk=pk)


@require_POST
def refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a ticket again."""
    user, ticket = _ticket(request, pk)
    return action_view(
        request,
        action=lambda _form: refresh_ticket(ticket=ticket, by=user, at=now()),
        done="The ticket is read again within a minute.",
        back=subject_page(ticket),
    )


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the link to a ticket, which stays in Jira."""
    user, ticket = _ticket(request, pk)
    return action_view(
        request,
        action=lambda _form: remove_ticket(ticket=ticket, by=user),
        done="The ticket is no longer linked. It stays in Jira as it is.",
        back=subject_page(ticket),
    )
