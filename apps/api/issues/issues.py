"""Issues, their activity and the responses to them."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.alerts.issues.timeline import (
    NotificationEntry,
    NotificationEntryKind,
    issue_notifications,
)
from apps.api.framework.file_responses import FileRows
from apps.api.framework.row_reader import ComputedField, EnumNameField
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.risks.base import UserField
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import day_of, now
from apps.inventory.models import Criticality
from apps.issues import responses, undo
from apps.issues.bulk_responses import MAX_BULK_RESPONSES, respond_to_issues
from apps.issues.filters import IssueFilter
from apps.issues.models import (
    Activity,
    CauseKind,
    Issue,
    IssueResolution,
    TicketEvent,
    Urgency,
)
from apps.issues.owners import find_owner
from apps.issues.sentences import activity_sentence, activity_user_names
from apps.issues.tickets.sentences import event_sentence
from apps.issues.urgency import issue_urgency


class IssueSerializer(serializers.ModelSerializer[Issue]):
    kind = serializers.ChoiceField(source="cause.kind", choices=CauseKind.choices, read_only=True)
    subject = serializers.CharField(
        source="cause.subject",
        read_only=True,
        help_text="Record that the cause is about, as type and ID, for example `version:12`.",
    )
    application = serializers.CharField(
        source="application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application; null if the issue is about the organisation.",
    )
    criticality = EnumNameField(Criticality, read_only=True, allow_null=True)
    team = serializers.CharField(source="team.slug", read_only=True, allow_null=True)
    owner = serializers.CharField(
        source="owner.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the person who must act; null while unassigned.",
    )
    urgency = serializers.SerializerMethodField(help_text="Urgency on the day of the request.")
    acknowledged_by = serializers.CharField(
        source="acknowledged_by.username", read_only=True, allow_null=True
    )
    accepted_by = serializers.CharField(
        source="accepted_by.username", read_only=True, allow_null=True
    )
    resolved_by = serializers.CharField(
        source="resolved_by.username",
        read_only=True,
        allow_null=True,
        help_text="Username; null if the issue was resolved because its cause ended.",
    )
    resolution = serializers.ChoiceField(
        choices=IssueResolution.choices, read_only=True, allow_blank=True
    )
    details = serializers.DictField(
        read_only=True, help_text="Facts for the application, such as dependencies and effort."
    )

    class Meta:
        model = Issue
        fields = [
            "id",
            "cause",
            "kind",
            "subject",
            "application",
            "criticality",
            "team",
            "owner",
            "state",
            "urgency",
            "due_on",
            "is_earliest",
            "start_by",
            "finish_by",
            "task",
            "details",
            "opened_at",
            "acknowledged_by",
            "acknowledged_at",
            "snoozed_until",
            "accepted_until",
            "accepted_by",
            "accepted_reason",
            "resolved_at",
            "resolved_by",
            "resolution",
            "resolution_reason",
        ]
        read_only_fields = fields

    def get_urgency(self, issue: Issue) -> Urgency:
        return issue_urgency(
            act_by=issue.act_by,
            criticality=issue.criticality,
            state=issue.state,
            today=day_of(now()),
        )


class AcknowledgeIssueSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class SnoozeIssueSerializer(serializers.Serializer[Any]):
    until = serializers.DateField(
        help_text="Date on which the issue returns to the inbox, within 90 days."
    )


class AcceptIssueSerializer(serializers.Serializer[Any]):
    until = serializers.DateField(help_text="Expires on (not valid from this date).")
    reason = serializers.CharField(max_length=500, help_text="Reason for the acceptance.")


_CONFIRM_HELP = (
    "True: assign to a contact who does not own the application, or whose address is new. The "
    "contact then receives email about the issue, and can see and respond to it by a link."
)


class AssignIssueSerializer(serializers.Serializer[Any]):
    owner = serializers.CharField(
        allow_null=True,
        max_length=320,
        help_text="Username or email address of a user who can view the issue, or of a contact; "
        "null lets the owner follow the application.",
    )
    confirm_contact = serializers.BooleanField(
        required=False, default=False, help_text=_CONFIRM_HELP
    )


class ResolveIssueSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, help_text="Reason for the resolution.")


class CommentSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=4000)
    mentions = serializers.ListField(
        child=UserField(), required=False, default=list, help_text="Usernames to mention."
    )


class IssueActivitySerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(
        choices=[
            *Activity.Kind.choices,
            *NotificationEntryKind.choices,
            *TicketEvent.Kind.choices,
        ]
    )
    user = serializers.CharField(allow_null=True, help_text="Username; null for the registry.")
    sentence = serializers.CharField()
    text = serializers.CharField(allow_blank=True, help_text="Comment or reason of the user.")


class BulkRespondToIssuesSerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        allow_empty=False,
        max_length=MAX_BULK_RESPONSES,
    )
    action = serializers.ChoiceField(
        choices=[
            (response.value, response.label)
            for response in responses.IssueResponse
            if response != responses.IssueResponse.COMMENT
        ]
    )
    until = serializers.DateField(required=False, help_text="For `snooze` and `accept`.")
    owner = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=320,
        help_text="For `assign`: username or email address.",
    )
    confirm_contact = serializers.BooleanField(
        required=False, default=False, help_text=_CONFIRM_HELP
    )
    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="For `accept` and `resolve`."
    )


class RejectedIssueSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="issue_id")
    detail = serializers.CharField(source="reason")


class BulkRespondToIssuesResultSerializer(serializers.Serializer[Any]):
    updated = serializers.ListField(child=serializers.IntegerField())
    rejected = RejectedIssueSerializer(many=True)


def _row_urgency(act_by: Any, criticality: int | None, state: str) -> Urgency:
    return issue_urgency(act_by=act_by, criticality=criticality, state=state, today=day_of(now()))


class IssueViewSet(ReadViewSet[Issue]):
    """Issues of the caller's teams, and issues of the organisation that the caller owns. Governance
    users, editors of the team and the owner can respond."""

    model = Issue
    serializer_class = IssueSerializer
    filterset_class = IssueFilter
    orders = {
        "urgency": Keyset(("act_by", "id")),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }
    application_path = "application"
    files = {"activity": FileRows(IssueActivitySerializer)}
    computed = {
        "urgency": ComputedField(("act_by", "criticality", "state"), _row_urgency),
    }

    @extend_schema(request=AcknowledgeIssueSerializer, responses=IssueSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Acknowledge an issue. Repeating the request changes nothing: the first user is kept."""
        issue = self._respondable()
        reason = self.validated(AcknowledgeIssueSerializer)["reason"]
        return self.answer(
            responses.acknowledge_issue(issue=issue, by=self.user, at=now(), reason=reason)
        )

    @extend_schema(request=SnoozeIssueSerializer, responses=IssueSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Hide an issue from the inbox until a date."""
        issue = self._respondable()
        until = self.validated(SnoozeIssueSerializer)["until"]
        return self.answer(responses.snooze_issue(issue=issue, until=until, by=self.user, at=now()))

    @extend_schema(request=AcceptIssueSerializer, responses=IssueSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """Accept the gap until a date. Requires the owner role on the team, or governance."""
        issue = self._respondable()
        body = self.validated(AcceptIssueSerializer)
        return self.answer(
            responses.accept_issue(
                issue=issue, until=body["until"], reason=body["reason"], by=self.user, at=now()
            )
        )

    @extend_schema(request=AcknowledgeIssueSerializer, responses=IssueSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Revoke the acceptance of the gap."""
        issue = self._respondable()
        reason = self.validated(AcknowledgeIssueSerializer)["reason"]
        return self.answer(
            responses.revoke_acceptance(issue=issue, by=self.user, at=now(), reason=reason)
        )

    @extend_schema(request=AssignIssueSerializer, responses=IssueSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Assign an issue to a user who can view it, or to a contact. A contact who does not own
        the application needs `confirm_contact`, and a caller with the editor role on the team."""
        issue = self._respondable()
        body = self.validated(AssignIssueSerializer)
        is_confirmed = body["confirm_contact"]
        owner = body["owner"]
        with transaction.atomic():
            assigned = responses.assign_issue(
                issue=issue,
                to=None
                if owner is None
                else find_owner(owner, [issue], by=self.user, is_confirmed=is_confirmed),
                by=self.user,
                at=now(),
                is_confirmed=is_confirmed,
            )
        return self.answer(assigned)

    @extend_schema(request=ResolveIssueSerializer, responses=IssueSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Resolve an issue, with a reason. It opens again only if its fact changes."""
        issue = self._respondable()
        reason = self.validated(ResolveIssueSerializer)["reason"]
        return self.answer(
            responses.resolve_issue(issue=issue, by=self.user, at=now(), reason=reason)
        )

    @extend_schema(request=AcknowledgeIssueSerializer, responses=IssueSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Open an issue again after any response."""
        issue = self._respondable()
        reason = self.validated(AcknowledgeIssueSerializer)["reason"]
        return self.answer(
            responses.reopen_issue(issue=issue, by=self.user, at=now(), reason=reason)
        )

    @extend_schema(request=None, responses=IssueSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Undo your last response; 409 if another user responded later."""
        issue = self._respondable()
        return self.answer(undo.undo_response(issue=issue, by=self.user, at=now()))

    @extend_schema(request=CommentSerializer, responses={201: IssueActivitySerializer})
    @action(detail=True, methods=["post"])
    def comment(self, request: Request, pk: str) -> Response:
        """Comment on an issue. Members of the team, its owner and governance can comment."""
        issue = self.subject("team")
        responses.require_commentator(self.user, issue)
        body = self.validated(CommentSerializer)
        comment = responses.comment_on_issue(
            issue=issue, text=body["text"], mentions=body["mentions"], by=self.user, at=now()
        )
        return Response(_activity_rows([comment])[0], status=status.HTTP_201_CREATED)

    @extend_schema(responses=IssueActivitySerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def activity(self, request: Request, pk: str) -> Response:
        """Activity of an issue, with its notifications and escalations, and with what came back
        from its tickets, latest first."""
        issue = self.subject()
        entries = issue.activity.select_related("user").order_by("-at", "-pk")
        rows = [
            *_activity_rows(list(entries)),
            *_notification_rows(issue_notifications(issue.pk, user=self.user)),
            *_ticket_rows(issue),
        ]
        return Response(sorted(rows, key=lambda row: row["at"], reverse=True))

    @extend_schema(
        request=BulkRespondToIssuesSerializer,
        responses=BulkRespondToIssuesResultSerializer,
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="bulk-respond", picks_fields=False)
    def bulk_respond(self, request: Request) -> Response:
        """Give many issues the same response. Issues that cannot be updated are listed in
        `rejected`."""
        body = self.validated(BulkRespondToIssuesSerializer)
        owner, is_confirmed = body.get("owner"), body["confirm_contact"]
        issues = self.get_queryset().filter(pk__in=body["ids"])
        with transaction.atomic():
            outcome = respond_to_issues(
                issue_ids=body["ids"],
                request=responses.ResponseRequest(
                    response=body["action"],
                    by=self.user,
                    at=now(),
                    until=body.get("until"),
                    to=None
                    if owner is None
                    else find_owner(owner, issues, by=self.user, is_confirmed=is_confirmed),
                    is_confirmed=is_confirmed,
                    reason=body.get("reason", ""),
                ),
            )
        return Response(BulkRespondToIssuesResultSerializer(outcome).data)

    def _respondable(self) -> Issue:
        """Return the issue if the caller can respond to it.

        The permission is checked before the body, so that an error in the body reveals nothing.
        """
        issue = self.subject("team", "cause", "application")
        responses.require_respondent(self.user, issue)
        return issue


def _activity_rows(entries: list[Activity]) -> list[dict[str, Any]]:
    names = activity_user_names(entries)
    return [
        {
            "at": entry.at,
            "kind": entry.kind,
            "user": entry.user.username if entry.user else None,
            "sentence": activity_sentence(entry, names),
            "text": entry.text,
        }
        for entry in entries
    ]


def _ticket_rows(issue: Issue) -> list[dict[str, Any]]:
    events = TicketEvent.objects.filter(ticket__issue=issue).select_related("ticket")
    return [
        {
            "at": event.at,
            "kind": event.kind,
            "user": None,
            "sentence": event_sentence(event, event.ticket.key),
            "text": event.text if event.kind == TicketEvent.Kind.COMMENT else "",
        }
        for event in events
    ]


def _notification_rows(entries: list[NotificationEntry]) -> list[dict[str, Any]]:
    return [
        {
            "at": entry.at,
            "kind": entry.kind,
            "user": None,
            "sentence": entry.sentence,
            "text": "",
        }
        for entry in entries
    ]
