"""Tickets: issues and migration tasks as tickets of another system, and the connections to it."""

import re
import secrets
import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from apps.accounts.models import Team
from apps.accounts.queries import teams_and_above
from apps.accounts.roles import TeamRole
from apps.common.credentials import declare_sealed_column
from apps.common.database.fields import LimitedTextField, TextMapField
from apps.common.history.context import track_history
from apps.exposure.models import CampaignTask
from apps.issues.models.issues import Issue

_PROJECT = RegexValidator(
    r"^[A-Za-z][A-Za-z0-9_]{0,59}\Z",
    "Enter the key of the project as it begins the keys of its tickets, such as MODELS.",
)
_FIELD_VALUE = RegexValidator(
    r"^[A-Za-z][A-Za-z0-9_]{0,59} ?= ?\S.{0,199}\Z",
    "Enter one field per line as ID = value, such as customfield_10010 = Platform.",
)
# a path may follow the host; no query, no name and password
_BASE_URL = RegexValidator(
    re.compile(r"^https?://[A-Za-z0-9.\-\[\]:]{1,150}(/[A-Za-z0-9._/-]{0,60})?\Z"),
    "Enter the address as https://host, with the path at which Jira begins, if it has one.",
)
MARK_PREFIX = "registry-"


class TicketProgress(models.TextChoices):
    """State of a ticket in the words of the registry."""

    TO_DO = "to_do", "To do"
    IN_PROGRESS = "in_progress", "In progress"
    DONE = "done", "Done"


class ConnectionQuerySet(models.QuerySet["TicketConnection"]):
    def visible_to(self, user: Any) -> "ConnectionQuerySet":
        """Select all connections for organisation roles. For editors, select those of the
        organisation, and those of their teams and of teams above."""
        if not user.is_authenticated or not user.is_active or user.is_contact:
            return self.none()
        if user.can_read_all:
            return self
        roles = user.team_roles()
        teams = [team for team, rank in roles.items() if rank >= TeamRole.EDITOR.rank]
        if not teams:
            return self.none()
        return self.filter(Q(team=None) | Q(team__in=teams_and_above(teams)))


@track_history(
    exclude=(
        "updated_at",
        "jira_account",
        "issue_type_id",
        "create_fields",
        "status",
        "problem",
        "checked_at",
        "polled_at",
        "notified_at",
        "wait_until",
    )
)
class TicketConnection(models.Model):
    """Project of a ticket system in which the registry creates tickets. Its secrets are in
    `TicketCredential`."""

    class Kind(models.TextChoices):
        CLOUD = "cloud", "Jira Cloud"
        DATA_CENTER = "data_center", "Jira Data Center"

    class Status(models.TextChoices):
        UNTESTED = "untested", "Not tested"
        WORKS = "works", "Works"
        FAILED = "failed", "Failed"

    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=120, unique=True)
    base_url = models.CharField(
        max_length=220,
        validators=[_BASE_URL],
        help_text="Address of Jira, such as https://example.atlassian.net.",
    )
    account = models.EmailField(
        blank=True, help_text="Jira Cloud: email address of the account to which the token belongs."
    )
    team = models.ForeignKey(
        Team,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only tickets of this team and of teams below it. Empty: of all teams.",
    )
    project = models.CharField(
        max_length=60, validators=[_PROJECT], help_text="Key of the project, such as MODELS."
    )
    issue_type = models.CharField(
        max_length=80, default="Task", help_text="Name of the issue type of new tickets."
    )
    field_values = ArrayField(
        models.CharField(max_length=265, validators=[_FIELD_VALUE]),
        default=list,
        blank=True,
        size=40,
        help_text="Values that every new ticket gets, one per line as ID = value.",
    )
    new_means = models.CharField(
        max_length=11, choices=TicketProgress, default=TicketProgress.TO_DO
    )
    indeterminate_means = models.CharField(
        max_length=11, choices=TicketProgress, default=TicketProgress.IN_PROGRESS
    )
    done_means = models.CharField(
        max_length=11, choices=TicketProgress, default=TicketProgress.DONE
    )
    done_transition = models.CharField(
        max_length=80,
        blank=True,
        help_text="Name of the transition or status to which a ticket moves when its issue is "
        "resolved. Empty: the ticket only gets a comment.",
    )
    poll_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(5), MaxValueValidator(1440)],
        help_text="Minutes between two polls, 5 to 1,440. A webhook is faster.",
    )
    enabled = models.BooleanField(
        default=False, help_text="Creates and reads tickets. Needs credentials."
    )
    webhook_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    jira_account = models.CharField(
        max_length=255, blank=True, help_text="ID of the account in Jira: its changes are ours."
    )
    issue_type_id = models.CharField(max_length=40, blank=True)
    create_fields = models.JSONField(
        default=list, help_text="Fields of new tickets, as Jira stated them at the last test."
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.UNTESTED)
    problem = LimitedTextField(max_length=2_000, blank=True)
    checked_at = models.DateTimeField(null=True, help_text="Last test.")
    polled_at = models.DateTimeField(null=True, help_text="Start of the last complete poll.")
    notified_at = models.DateTimeField(null=True, help_text="Last valid call of the webhook.")
    wait_until = models.DateTimeField(
        null=True, help_text="Jira asked to make no calls until then."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def purpose(self) -> str:
        """Purpose of its secrets; sealed for one connection, they open for no other."""
        return f"ticket connection {self.pk}"

    @property
    def is_cloud(self) -> bool:
        return self.kind == self.Kind.CLOUD

    def progress_of(self, category: str) -> str:
        """Return what a status category of Jira means here; empty for an unknown one."""
        return {
            "new": self.new_means,
            "indeterminate": self.indeterminate_means,
            "done": self.done_means,
        }.get(category, "")


class TicketCredentialQuerySet(models.QuerySet["TicketCredential"]):
    def visible_to(self, user: Any) -> "TicketCredentialQuerySet":
        is_allowed = user.is_authenticated and user.is_active and user.is_governance
        return self if is_allowed else self.none()


@track_history(exclude=("sealed",))
class TicketCredential(models.Model):
    """Encrypted secrets of a connection. The history has the time and user of each change, and
    never the text."""

    connection = models.OneToOneField(
        TicketConnection, on_delete=models.CASCADE, related_name="credential"
    )
    sealed = models.TextField(help_text="Encrypted; never shown, exported or logged.")
    names = ArrayField(
        models.CharField(max_length=40), default=list, help_text="Names of the entered secrets."
    )
    set_at = models.DateTimeField()

    objects = TicketCredentialQuerySet.as_manager()

    def __str__(self) -> str:
        return f"secrets of connection {self.connection_id}"

    def __repr__(self) -> str:
        return f"<TicketCredential of connection {self.connection_id}>"


declare_sealed_column("issues.TicketCredential", "sealed", owner="connection__name")


def new_mark() -> str:
    """Return a mark that no other ticket has: the label by which a ticket is found again."""
    return f"{MARK_PREFIX}{secrets.token_hex(10)}"


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: Any) -> "TicketQuerySet":
        """Select the tickets of issues and tasks that the user can view."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(
            Q(issue__in=Issue.objects.visible_to(user))
            | Q(task__in=CampaignTask.objects.visible_to(user))
        )

    def workable(self, at: datetime) -> "TicketQuerySet":
        """Select tickets with due work that no worker has claimed."""
        return self.filter(
            Q(claimed_until=None) | Q(claimed_until__lte=at),
            Q(connection__wait_until=None) | Q(connection__wait_until__lte=at),
            due_at__lte=at,
            connection__enabled=True,
        )


@track_history(
    exclude=(
        "due_at",
        "claimed_until",
        "claim_number",
        "attempts",
        "sent_at",
        "seen_at",
        "changed_at",
        "status",
        "status_category",
        "progress",
        "status_by",
        "status_at",
        "assignee",
        "summary_seen",
        "jira_updated_at",
        "told",
        "n_told",
        "problem",
        "note",
    )
)
class Ticket(models.Model):
    """Ticket of an issue or of a migration task. What it says was entered by a user; what Jira
    answered is in the columns that the history leaves out."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to be created"
        LINKED = "linked", "Linked"
        REFUSED = "refused", "Not created"
        MISSING = "missing", "Deleted or not readable"

    connection = models.ForeignKey(
        TicketConnection, on_delete=models.PROTECT, related_name="tickets"
    )
    issue = models.ForeignKey(
        Issue, on_delete=models.CASCADE, null=True, blank=True, related_name="tickets"
    )
    task = models.ForeignKey(
        CampaignTask, on_delete=models.CASCADE, null=True, blank=True, related_name="tickets"
    )
    mark = models.CharField(
        max_length=40, unique=True, default=new_mark, help_text="Label of the ticket in Jira."
    )
    summary = models.CharField(max_length=255, help_text="Title of the ticket.")
    description = LimitedTextField(max_length=20_000, blank=True)
    due_on = models.DateField(null=True, blank=True)
    assignee_address = models.EmailField(
        blank=True, help_text="Email address of the person to whom the ticket is assigned."
    )
    field_values = TextMapField(
        default=dict, blank=True, help_text="Further fields by their ID: {ID: value}."
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    problem = LimitedTextField(
        max_length=2_000, blank=True, help_text="Why the last step failed, as a sentence."
    )
    note = LimitedTextField(
        max_length=2_000,
        blank=True,
        help_text="Difference between the request and the ticket in Jira.",
    )
    # what Jira answered
    jira_id = models.CharField(max_length=40, blank=True, help_text="ID; it stays when it moves.")
    key = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=120, blank=True, help_text="Status as Jira names it.")
    status_category = models.CharField(max_length=20, blank=True)
    progress = models.CharField(max_length=11, choices=TicketProgress, blank=True)
    status_by = models.CharField(max_length=255, blank=True)
    status_at = models.DateTimeField(null=True, help_text="Change of the status in Jira.")
    assignee = models.CharField(max_length=255, blank=True)
    summary_seen = models.CharField(max_length=255, blank=True, help_text="Title in Jira.")
    jira_updated_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="Last time it was read.")
    # work that is due
    told = models.CharField(
        max_length=10, blank=True, help_text="State of the issue that the ticket was last told."
    )
    n_told = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Number of messages written to the ticket."
    )
    changed_at = models.DateTimeField(null=True, help_text="Last notice that it changed in Jira.")
    due_at = models.DateTimeField(null=True, help_text="Next work on it; null: none.")
    claimed_until = models.DateTimeField(null=True)
    claim_number = models.PositiveIntegerField(default=0, db_default=0)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(
        null=True, help_text="A request to create it was sent, and its answer is not stored."
    )

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["connection", "issue"],
                name="ticket_once_per_issue",
                condition=Q(issue__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["connection", "task"],
                name="ticket_once_per_task",
                condition=Q(task__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["connection", "jira_id"],
                name="ticket_once_in_jira",
                condition=~Q(jira_id=""),
            ),
            models.CheckConstraint(
                name="ticket_has_one_subject",
                condition=Q(issue__isnull=False, task__isnull=True)
                | Q(issue__isnull=True, task__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="ticket_due", condition=Q(due_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.key or f"ticket {self.pk}"

    @property
    def url(self) -> str:
        """Address of the ticket for a browser; empty until it is created."""
        return f"{self.connection.base_url.rstrip('/')}/browse/{self.key}" if self.key else ""


class TicketEventQuerySet(models.QuerySet["TicketEvent"]):
    def visible_to(self, user: Any) -> "TicketEventQuerySet":
        if user.is_authenticated and user.is_active and user.can_read_all:
            return self
        return self.filter(ticket__in=Ticket.objects.visible_to(user))


class TicketEvent(models.Model):
    """Entry in the activity of a ticket: what came back from Jira, and what the registry wrote
    there. Not in the history: it repeats Jira, and is no decision."""

    class Kind(models.TextChoices):
        CREATED = "ticket_created", "Ticket created"
        FOUND = "ticket_found", "Ticket found again"
        STATUS = "ticket_status", "Status of the ticket changed"
        COMMENT = "ticket_comment", "Comment in the ticket"
        ASSIGNEE = "ticket_assignee", "Assignee of the ticket changed"
        MOVED = "ticket_moved", "Ticket moved"
        MISSING = "ticket_missing", "Ticket deleted or not readable"
        TOLD = "ticket_told", "Written to the ticket"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=16, choices=Kind)
    at = models.DateTimeField()
    author = models.CharField(max_length=255, blank=True, help_text="Name as Jira gives it.")
    is_ours = models.BooleanField(default=False, help_text="The account of the registry did it.")
    old = models.CharField(max_length=255, blank=True)
    new = models.CharField(max_length=255, blank=True)
    text = LimitedTextField(max_length=10_000, blank=True)
    external_id = models.CharField(
        max_length=60, blank=True, help_text="ID of the comment or change in Jira."
    )

    objects = TicketEventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["ticket", "external_id"],
                name="ticket_event_once",
                condition=~Q(external_id=""),
            ),
        ]
        indexes = [models.Index(fields=["ticket", "-at"], name="ticket_event_by_ticket")]

    def __str__(self) -> str:
        return f"{self.kind} of ticket {self.ticket_id}"
