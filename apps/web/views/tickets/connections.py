"""Connections to ticket systems, for governance: the list, one connection with its test, secrets
and webhook, and its settings."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Team, User
from apps.common.errors import DomainError
from apps.common.time import now
from apps.issues.models import Ticket, TicketConnection, TicketCredential
from apps.issues.tickets.connection_record import CONNECTION_FIELDS, TicketConnectionRecord
from apps.issues.tickets.connection_test import check_connection
from apps.issues.tickets.credentials import (
    MAX_SECRET_LENGTH,
    MIN_WEBHOOK_SECRET_LENGTH,
    TOKEN,
    WEBHOOK_SECRET,
    delete_secrets,
    set_secrets,
)
from apps.issues.tickets.jira.fields import fields_to_enter, stated_fields
from apps.web.lists.columns import Column, FileColumn, format_ago, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.pages.record_form import RecordForm, record_form
from apps.web.wording import ago, number

RECORD = TicketConnectionRecord()
GOVERNANCE_ONLY = "You need the governance or administrator role to view ticket connections."
_FACTS = (
    "base_url",
    "account",
    "team",
    "project",
    "issue_type",
    "field_values",
    "new_means",
    "indeterminate_means",
    "done_means",
    "done_transition",
    "poll_minutes",
)


def _connection(request: HttpRequest, pk: int) -> tuple[User, TicketConnection]:
    user = governance_user(request, GOVERNANCE_ONLY)
    connections = TicketConnection.objects.visible_to(user).select_related("team")
    return user, get_object_or_404(connections, pk=pk)


def _is_late(connection: TicketConnection) -> bool:
    return connection.status == TicketConnection.Status.FAILED


class TicketConnectionList(ListPage[TicketConnection, TicketConnection]):
    """Ticket connections by name."""

    namespace = "ticket-connections"
    title = "Ticket connections"
    nouns = ("ticket connection", "ticket connections")
    counts = "Projects in which issues and migration tasks become tickets"
    columns = (
        Column[TicketConnection](
            "name",
            "Connection",
            attrgetter("name"),
            note=lambda row: row.get_kind_display(),
            url=lambda row: reverse("ticket-connections:detail", args=[row.pk]),
            order=("name", "pk"),
        ),
        Column[TicketConnection]("project", "Project", attrgetter("project")),
        Column[TicketConnection](
            "status",
            "Status",
            lambda row: row.get_status_display() if row.enabled else "Disabled",
            css=lambda row: "late" if _is_late(row) else "",
        ),
        Column[TicketConnection]("polled", "Last poll", attrgetter("polled_at"), format=format_ago),
        Column[TicketConnection](
            "tickets",
            "Tickets",
            attrgetter("n_tickets"),
            format=format_number,
            is_numeric=True,
        ),
        Column[TicketConnection](
            "team", "Team", lambda row: row.team.name if row.team else "All teams"
        ),
    )
    file_columns = (
        FileColumn[TicketConnection]("Address", attrgetter("base_url")),
        FileColumn[TicketConnection]("Problem", attrgetter("problem")),
    )
    default_order = ("name", ())

    def check_access(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied(GOVERNANCE_ONLY)

    def get_queryset(self) -> "QuerySet[TicketConnection]":
        return (
            TicketConnection.objects.visible_to(self.user)
            .select_related("team")
            .annotate(n_tickets=Count("tickets"))
        )

    def describe_all(self) -> Headline:
        n_failed = sum(map(_is_late, self.rows))
        if n_failed:
            return Headline(f"{self.count_records()}; ", f"{number(n_failed)} failed", ".")
        return Headline(f"{self.count_records()}.")

    def get_basis(self) -> str:
        return (
            "Editors create tickets on the pages of issues and migration tasks. Status and "
            "comments come back by webhook and by poll."
        )

    def get_actions(self) -> Sequence[PageAction]:
        url = reverse("ticket-connections:create")
        return (PageAction("Add connection", url, is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No ticket connections yet.",
            "Connect a project of Jira. Issues and migration tasks then become tickets there, and "
            "their status and comments come back.",
            "Add connection",
            reverse("ticket-connections:create"),
        )


# --- one connection -------------------------------------------------------------------------------


class SecretsForm(forms.Form):
    """The secrets. Their values are never shown again, not even those that were just sent."""

    token = forms.CharField(
        label="Token",
        required=False,
        max_length=MAX_SECRET_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        help_text="Jira Cloud: API token of the account. Jira Data Center: personal access token. "
        "Empty: the stored one stays.",
    )
    webhook_secret = forms.CharField(
        label="Webhook secret",
        required=False,
        max_length=MAX_SECRET_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        help_text=f"The secret of the webhook in Jira, at least {MIN_WEBHOOK_SECRET_LENGTH} "
        "characters. Empty: the stored one stays.",
    )


@require_safe
def connection_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a connection with its state, fields, secrets and webhook."""
    _, connection = _connection(request, pk)
    return _render(request, connection)


def _render(
    request: HttpRequest, connection: TicketConnection, *, form: forms.Form | None = None
) -> HttpResponse:
    at = now()
    credential = TicketCredential.objects.filter(connection=connection).defer("sealed").first()
    names = credential.names if credential is not None else []
    counts = Ticket.objects.filter(connection=connection).aggregate(
        n=Count("pk"),
        n_waiting=Count("pk", filter=Q(state=Ticket.State.WAITING)),
        n_refused=Count("pk", filter=Q(state=Ticket.State.REFUSED)),
        n_missing=Count("pk", filter=Q(state=Ticket.State.MISSING)),
    )
    return render_page(
        request,
        "tickets/connection.html",
        title=connection.name,
        crumbs=(("Ticket connections", reverse("ticket-connections:list")),),
        as_of=at,
        sentence=_headline(connection, has_token=TOKEN in names, at=at),
        connection=connection,
        has_token=TOKEN in names,
        has_webhook_secret=WEBHOOK_SECRET in names,
        credential=credential,
        form=form or SecretsForm(),
        facts=[
            (
                CONNECTION_FIELDS.label(name),
                CONNECTION_FIELDS.display(name, getattr(connection, name)) or "–",
            )
            for name in _FACTS
        ],
        required=[row for row in stated_fields(connection).values() if row.is_required],
        to_enter={field.id for field in fields_to_enter(connection)},
        webhook_url=settings.PUBLIC_URL
        + reverse("integrations:jira", args=[connection.webhook_id]),
        tickets_url=url_with_query(reverse("tickets:list"), connection=str(connection.pk)),
        **counts,
    )


def _headline(connection: TicketConnection, *, has_token: bool, at: datetime) -> Headline:
    if not has_token:
        return Headline("No token yet: no ticket is created. ", "Enter it below", ".")
    if connection.status == TicketConnection.Status.FAILED:
        return Headline("The connection does not work. ", connection.problem, "")
    if connection.status == TicketConnection.Status.UNTESTED:
        return Headline("The token is stored. ", "Test the connection", ".")
    polled = f", last poll {ago(connection.polled_at, at=at)}" if connection.polled_at else ""
    if not connection.enabled:
        return Headline("The connection works and is disabled: no ticket is created.")
    return Headline(f"The connection works{polled}.")


# --- settings -------------------------------------------------------------------------------------


def _settings_form(*, creating: bool) -> type[RecordForm]:
    form_class = record_form(
        RECORD, creating=creating, querysets={"team": Team.objects.order_by("name")}
    )
    left_out = dict.fromkeys(("enabled",) if creating else ())
    return type("TicketConnectionForm", (form_class,), left_out)


@require_http_methods(["GET", "HEAD", "POST"])
def create_connection(request: HttpRequest) -> HttpResponse:
    """Add a connection; its secrets are entered on its page."""
    user = governance_user(request, GOVERNANCE_ONLY)
    form_class = _settings_form(creating=True)
    return action_view(
        request,
        form=lambda: form_class(request.POST or None),
        action=lambda form: RECORD.create(
            facts=form.facts, by=user, reason=form.cleaned_data["reason"]
        ),
        done=lambda write: Confirmation(
            "Ticket connection added. Enter its token.", _undo_url(write.change)
        ),
        back=lambda write: reverse("ticket-connections:detail", args=[write.row.pk]),
        page=lambda form: _render_form(request, form, title="New ticket connection"),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the settings of a connection. The row is locked and compared with what the page
    showed."""
    user, connection = _connection(request, pk)
    form_class = _settings_form(creating=False)

    def make_form() -> RecordForm:
        if request.method != "POST":
            return form_class(row=connection)
        locked = TicketConnection.objects.select_for_update().get(pk=pk)
        return form_class(request.POST, row=locked)

    def done(change: UUID | None) -> Confirmation:
        if change is None:
            return Confirmation("No value differs from the recorded one. Nothing was changed.")
        return Confirmation("Ticket connection changed. Test it again.", _undo_url(change))

    return action_view(
        request,
        form=make_form,
        action=lambda form: RECORD.change(
            row=connection, facts=form.facts, by=user, reason=form.cleaned_data["reason"]
        ),
        done=done,
        back=reverse("ticket-connections:detail", args=[pk]),
        page=lambda form: _render_form(
            request, form, title="Change ticket connection", connection=connection
        ),
    )


def _undo_url(change: UUID) -> str:
    return reverse("records:undo", args=["ticket-connections", change])


def _render_form(
    request: HttpRequest,
    form: RecordForm,
    *,
    title: str,
    connection: TicketConnection | None = None,
) -> HttpResponse:
    back = reverse("ticket-connections:list")
    crumbs: Any = (("Ticket connections", back),)
    if connection is not None:
        back = reverse("ticket-connections:detail", args=[connection.pk])
        crumbs = (*crumbs, (connection.name, back))
    return render_page(
        request,
        "tickets/connection-form.html",
        title=title,
        crumbs=crumbs,
        sentence=Headline(
            f"{connection}." if connection is not None else "The token is entered in the next step."
        ),
        form=form,
        connection=connection,
        back=back,
    )


# --- actions --------------------------------------------------------------------------------------


@require_POST
def change_secrets(request: HttpRequest, pk: int) -> HttpResponse:
    """Store the entered secrets in place of the former ones."""
    user, connection = _connection(request, pk)
    return action_view(
        request,
        form=lambda: SecretsForm(request.POST),
        action=lambda form: set_secrets(
            connection=connection, values=form.cleaned_data, by=user, at=now()
        ),
        done="The secrets were stored, encrypted. Test the connection.",
        back=reverse("ticket-connections:detail", args=[pk]),
        page=lambda form: _render(request, connection, form=form),
    )


@require_POST
def remove_secrets(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete the secrets and disable the connection."""
    user, connection = _connection(request, pk)
    return action_view(
        request,
        action=lambda _form: delete_secrets(connection=connection, by=user),
        done="The secrets were deleted, and the connection is disabled.",
        back=reverse("ticket-connections:detail", args=[pk]),
    )


@require_POST
def test_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Read project, issue type and fields, and say what was found. Outside of a transaction, which
    must not stay open while Jira answers."""
    _, connection = _connection(request, pk)
    try:
        result = check_connection(connection, at=now())
    except DomainError as error:
        flash_error(request, str(error))
    else:
        flash_success(request, result.sentence)
        for warning in result.warnings:
            flash_error(request, warning)
    return redirect("ticket-connections:detail", pk=pk)


@require_POST
def toggle_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Enable or disable a connection."""
    user, connection = _connection(request, pk)
    enabled = request.POST.get("enabled") == "true"
    return action_view(
        request,
        action=lambda _form: RECORD.change(
            row=connection,
            facts={"enabled": enabled},
            by=user,
            reason="ticket connection enabled" if enabled else "ticket connection disabled",
        ),
        done=lambda change: Confirmation(
            "Editors can now create tickets."
            if enabled
            else "No ticket is created or read any more. The linked ones stay linked.",
            _undo_url(change) if change else None,
        ),
        back=reverse("ticket-connections:detail", args=[pk]),
    )
