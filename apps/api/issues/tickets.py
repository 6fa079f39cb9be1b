"""Tickets of issues and migration tasks, and the connections to ticket systems, whose secrets are
only written."""

from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.record_views import RecordViewSet, record_schema
from apps.api.framework.views import ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.common.errors import DomainError
from apps.common.time import now
from apps.exposure.models import CampaignTask
from apps.issues.models import Issue, Ticket, TicketConnection, TicketEvent
from apps.issues.tickets.connection_record import TicketConnectionRecord
from apps.issues.tickets.connection_test import check_connection
from apps.issues.tickets.credentials import (
    MAX_SECRET_LENGTH,
    delete_secrets,
    set_secrets,
)
from apps.issues.tickets.filters import TicketConnectionFilter, TicketFilter
from apps.issues.tickets.requests import (
    MAX_SUMMARY_LENGTH,
    TASK_RELATIONS,
    TicketDraft,
    TicketRequest,
    draft_for_issue,
    draft_for_task,
    refresh_ticket,
    remove_ticket,
    request_issue_ticket,
    request_task_ticket,
)
from apps.issues.tickets.sentences import event_sentence


class TicketConnectionSerializer(serializers.ModelSerializer[TicketConnection]):
    team = serializers.CharField(
        source="team.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the team; null: all teams.",
    )
    secrets_set_at = serializers.DateTimeField(
        source="credential.set_at",
        read_only=True,
        allow_null=True,
        help_text="Time at which secrets were entered; null if there are none.",
    )

    class Meta:
        model = TicketConnection
        fields = [
            "id",
            "kind",
            "name",
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
            "enabled",
            "secrets_set_at",
            "status",
            "problem",
            "checked_at",
            "polled_at",
            "notified_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class SetTicketSecretsSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=MAX_SECRET_LENGTH,
        help_text="API token of the account, or personal access token. Left out: the stored one "
        "stays.",
    )
    webhook_secret = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=MAX_SECRET_LENGTH,
        help_text="Secret of the webhook in Jira. Left out: the stored one stays.",
    )


class ConnectionTestSerializer(serializers.Serializer[Any]):
    sentence = serializers.CharField(help_text="Sentence about what works.")
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="Sentences about limits."
    )


class TicketSerializer(serializers.ModelSerializer[Ticket]):
    connection = serializers.IntegerField(source="connection_id", read_only=True)
    issue = serializers.IntegerField(source="issue_id", read_only=True, allow_null=True)
    task = serializers.IntegerField(
        source="task_id", read_only=True, allow_null=True, help_text="Migration task."
    )
    # text, since an address that is missing is an empty one
    assignee_address = serializers.CharField(
        read_only=True, help_text="Email address of the assignee; empty if there is none."
    )
    requested_by = serializers.CharField(source="requested_by.username", read_only=True)

    class Meta:
        model = Ticket
        fields = [
            "id",
            "connection",
            "issue",
            "task",
            "state",
            "key",
            "summary",
            "due_on",
            "assignee_address",
            "status",
            "progress",
            "status_by",
            "status_at",
            "assignee",
            "seen_at",
            "problem",
            "note",
            "mark",
            "requested_by",
            "requested_at",
            "created_at",
        ]
        read_only_fields = fields


class RequestTicketSerializer(serializers.Serializer[Any]):
    connection = serializers.IntegerField(help_text="ID of the ticket connection.")
    issue = serializers.IntegerField(
        required=False, help_text="ID of the issue; either this or `task`."
    )
    task = serializers.IntegerField(required=False, help_text="ID of the migration task.")
    summary = serializers.CharField(
        required=False,
        max_length=MAX_SUMMARY_LENGTH,
        help_text="Title. Left out, as the other fields: as the form of the page proposes it.",
    )
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    due_on = serializers.DateField(required=False, allow_null=True)
    assignee_address = serializers.EmailField(required=False, allow_blank=True)
    field_values = serializers.DictField(
        child=serializers.CharField(max_length=500),
        required=False,
        default=dict,
        help_text="Further fields that Jira requires, by their ID.",
    )


class TicketEventSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=TicketEvent.Kind.choices)
    author = serializers.CharField(allow_blank=True, help_text="Name as Jira gives it.")
    sentence = serializers.CharField()
    text = serializers.CharField(allow_blank=True, help_text="Comment in Jira.")


@extend_schema_view(**record_schema(TicketConnectionRecord, TicketConnectionSerializer))
class TicketConnectionViewSet(RecordViewSet[TicketConnection]):
    """Connections to projects of Jira. Editors see those that they can use; the governance role
    changes them."""

    model = TicketConnection
    record = TicketConnectionRecord()
    serializer_class = TicketConnectionSerializer
    filterset_class = TicketConnectionFilter

    @extend_schema(request=SetTicketSecretsSerializer, responses=TicketConnectionSerializer)
    @action(detail=True, methods=["post"], url_path="secrets")
    def set_secrets(self, request: Request, pk: str) -> Response:
        """Store secrets, encrypted. They are never returned."""
        connection = self.governed()
        data = self.validated(SetTicketSecretsSerializer)
        set_secrets(connection=connection, values=data, by=self.user, at=now())
        return self.answer(connection)

    @extend_schema(request=None, responses=TicketConnectionSerializer)
    @action(detail=True, methods=["post"], url_path="delete-secrets")
    def delete_secrets(self, request: Request, pk: str) -> Response:
        """Delete the secrets and disable the connection."""
        connection = self.governed()
        delete_secrets(connection=connection, by=self.user)
        return self.answer(connection)

    @extend_schema(request=None, responses=ConnectionTestSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Read account, project, issue type and fields from Jira."""
        result = check_connection(self.governed(), at=now())
        return Response(ConnectionTestSerializer(result).data)


class TicketViewSet(ReadViewSet[Ticket]):
    """Tickets of the issues and migration tasks that the caller can view. Editors of the team
    request and remove them."""

    model = Ticket
    serializer_class = TicketSerializer
    filterset_class = TicketFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}

    @extend_schema(request=RequestTicketSerializer, responses={201: TicketSerializer})
    def create(self, request: Request) -> Response:
        """Request a ticket of an issue or of a migration task; a worker creates it within a
        minute. 409 if there is one in this system already."""
        body = self.validated(RequestTicketSerializer)
        if ("issue" in body) == ("task" in body):
            raise DomainError("Send either `issue` or `task`.", field="issue")
        connections = TicketConnection.objects.visible_to(self.user).filter(enabled=True)
        connection = connections.filter(pk=body["connection"]).first()
        if connection is None:
            raise DomainError(
                "There is no enabled connection with this ID that you can use.", field="connection"
            )
        at = now()
        if "issue" in body:
            issues = Issue.objects.visible_to(self.user).select_related(
                "cause", "application", "team", "owner"
            )
            issue = get_object_or_404(issues, pk=body["issue"])
            made = _request(connection, draft_for_issue(issue, at=at), body)
            ticket = request_issue_ticket(issue=issue, request=made, by=self.user, at=at)
        else:
            tasks = CampaignTask.objects.visible_to(self.user).select_related(*TASK_RELATIONS)
            task = get_object_or_404(tasks, pk=body["task"])
            made = _request(connection, draft_for_task(task), body)
            ticket = request_task_ticket(task=task, request=made, by=self.user, at=at)
        return self.answer(ticket, status.HTTP_201_CREATED)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove the link to a ticket, which stays in Jira."""
        remove_ticket(ticket=self._editable(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=TicketSerializer)
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, pk: str) -> Response:
        """Read a ticket again within a minute, or try its creation again now."""
        return self.answer(refresh_ticket(ticket=self._editable(), by=self.user, at=now()))

    @extend_schema(responses=TicketEventSerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def events(self, request: Request, pk: str) -> Response:
        """Activity of a ticket, latest first: status, assignee and comments from Jira, and what the
        registry wrote there."""
        ticket = self.subject()
        rows = [
            {
                "at": event.at,
                "kind": event.kind,
                "author": event.author,
                "sentence": event_sentence(event, ticket.key),
                "text": event.text if event.kind == TicketEvent.Kind.COMMENT else "",
            }
            for event in ticket.events.order_by("-at", "-pk")
        ]
        return Response(TicketEventSerializer(rows, many=True).data)

    def _editable(self) -> Ticket:
        ticket: Ticket = self.subject(
            "connection",
            "issue__cause",
            "issue__team",
            "issue__application",
            "task__dependency__application__team",
        )
        return ticket


def _request(
    connection: TicketConnection, draft: TicketDraft, body: Mapping[str, Any]
) -> TicketRequest:
    """Return the request, with what the body leaves out as the draft has it."""
    names = ("summary", "description", "due_on", "assignee_address")
    facts = {name: body.get(name, getattr(draft, name)) for name in names}
    return TicketRequest(connection=connection, field_values=body["field_values"], **facts)
