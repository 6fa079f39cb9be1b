"""Provider notices that arrive by email, the rules for their senders, and the state of the
mailbox."""

import re
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, Value, When

from apps.catalog.models import DateKind, Offering, RetirementAnnouncement
from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history

MAX_NOTICE_TEXT_LENGTH = 100_000
MAX_ALLOWED_SENDERS = 200
# of a domain; the protocol's limit
MAX_DOMAIN_LENGTH = 253
_DOMAIN = re.compile(r"(?=.{4})[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)+")
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
# what a server calls itself: a host name, or a single word on small installations
_SERVER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,252}")


class ReceivedNoticeQuerySet(models.QuerySet["ReceivedNotice"]):
    def visible_to(self, user: Any) -> "ReceivedNoticeQuerySet":
        """Those who may announce retirements see all received notices, other users none."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self if user.is_governance else self.none()

    def with_state(self) -> "ReceivedNoticeQuerySet":
        """Add `state`: a notice is used while an announcement made from it is not withdrawn."""
        return self.annotate(state=state_of_notices())

    def new(self) -> "ReceivedNoticeQuerySet":
        """Select the notices that wait for a decision."""
        return self.filter(~Exists(_open_announcements()), dismissed_at__isnull=True)


def _open_announcements() -> Any:
    return NoticeAnnouncement.objects.filter(
        notice=OuterRef("pk"), announcement__withdrawn_at__isnull=True
    ).order_by()


def state_of_notices() -> Case:
    """Return the expression of a notice's state."""
    return Case(
        When(dismissed_at__isnull=False, then=Value(ReceivedNotice.State.DISMISSED.value)),
        When(Exists(_open_announcements()), then=Value(ReceivedNotice.State.USED.value)),
        default=Value(ReceivedNotice.State.NEW.value),
        output_field=models.CharField(),
    )


# the text stays with the notice and ends with it
@track_history(exclude=("text",))
class ReceivedNotice(models.Model):
    """The draft of an announcement: a notice that an allowed sender forwarded by email, and what
    was recognised in it. It never changes the catalogue by itself.

    `model_names` are the model IDs and names that might retire, as the text writes them;
    `host_slugs` are the hosts that it names.
    """

    class State(models.TextChoices):
        NEW = "new", "New"
        USED = "used", "Used"
        DISMISSED = "dismissed", "Dismissed"

    message_id = models.CharField(max_length=300, unique=True)
    sender = models.CharField(max_length=254)
    sender_name = models.CharField(max_length=200, blank=True)
    signed_by = models.CharField(
        max_length=253,
        blank=True,
        help_text="Domain of the valid DKIM signature; empty if signatures are not required.",
    )
    subject = models.CharField(max_length=300, blank=True)
    text = LimitedTextField(max_length=MAX_NOTICE_TEXT_LENGTH, blank=True)
    received_at = models.DateTimeField()
    model_names = models.JSONField(default=list, blank=True)
    host_slugs = models.JSONField(default=list, blank=True)
    retires_on = models.DateField(null=True, blank=True)
    date_kind = models.CharField(max_length=10, choices=DateKind, blank=True)
    successor = models.ForeignKey(
        Offering, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    successor_name = models.CharField(
        max_length=200, blank=True, help_text="Recommended model, as the text writes it."
    )
    source_url = models.CharField(max_length=1000, blank=True)
    announcements = models.ManyToManyField(
        RetirementAnnouncement, through="NoticeAnnouncement", related_name="received_notices"
    )
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissal_reason = models.CharField(max_length=500, blank=True)

    objects = ReceivedNoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [models.Index(fields=["-received_at", "-id"], name="received_notice_latest")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="received_notice_dismissal",
                condition=Q(dismissed_by__isnull=True, dismissed_at__isnull=True)
                | Q(dismissed_by__isnull=False, dismissed_at__isnull=False),
                violation_error_message="A dismissed notice must have a user and a time.",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or f"Email from {self.sender}"


@track_history()
class NoticeAnnouncement(models.Model):
    """An announcement that a user made from a received notice. A notice about several models leads
    to several announcements."""

    notice = models.ForeignKey(
        ReceivedNotice, on_delete=models.CASCADE, related_name="notice_announcements"
    )
    announcement = models.ForeignKey(
        RetirementAnnouncement, on_delete=models.CASCADE, related_name="notice_announcements"
    )

    class Meta:
        ordering = ["notice", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["notice", "announcement"], name="notice_announcement_once"
            ),
        ]

    def __str__(self) -> str:
        return f"announcement {self.announcement_id} of notice {self.notice_id}"


@track_history()
class NoticeMailSettings(models.Model):
    """The one row (id 1): whose emails become received notices. Without an allowed sender none
    does."""

    ONLY: ClassVar[int] = 1

    allowed_senders = ArrayField(
        models.CharField(max_length=254),
        default=list,
        blank=True,
        help_text=(
            "Email addresses, or domains for all of their addresses. Empty: no email is accepted."
        ),
    )
    requires_dkim = models.BooleanField(
        "DKIM signature required",
        default=True,
        help_text="Accept an email only with a valid DKIM signature of the sender's domain.",
    )
    receiving_server = models.CharField(
        max_length=253,
        blank=True,
        help_text=(
            "Name of your email server in the header Authentication-Results (authserv-id), such as "
            "mx.example.org. Only its result is read."
        ),
    )

    class Meta:
        verbose_name = verbose_name_plural = "notice mail settings"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="notice_mail_settings_once", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return "notice mail settings"

    @classmethod
    def load(cls) -> "NoticeMailSettings":
        """Return the row, or an unsaved one with the defaults."""
        return cls.objects.filter(pk=cls.ONLY).first() or cls(pk=cls.ONLY)

    def clean(self) -> None:
        """Normalise the entries. Raises ValidationError for what is not an address, domain or
        server name."""
        senders = [entry.strip().lower().removeprefix("@") for entry in self.allowed_senders]
        senders = list(dict.fromkeys(filter(None, senders)))
        if wrong := [entry for entry in senders if not is_address_or_domain(entry)]:
            raise ValidationError(
                {
                    "allowed_senders": (
                        f"'{wrong[0][:80]}' is not a valid email address or domain. Enter an entry "
                        "such as ilse.brandt@example.org or example.org."
                    )
                }
            )
        if len(senders) > MAX_ALLOWED_SENDERS:
            raise ValidationError(
                {"allowed_senders": f"Enter at most {MAX_ALLOWED_SENDERS} senders."}
            )
        server = self.receiving_server.strip().lower()
        if server and not _SERVER_NAME.fullmatch(server):
            raise ValidationError(
                {
                    "receiving_server": (
                        f"'{server[:80]}' is not a valid server name. Enter the first word of the "
                        "header Authentication-Results, such as mx.example.org."
                    )
                }
            )
        self.allowed_senders, self.receiving_server = senders, server

    def allows(self, address: str) -> bool:
        """Return whether the address, in lower case, or its whole domain is an allowed sender."""
        return not {address, address.rpartition("@")[2]}.isdisjoint(self.allowed_senders)


class NoticeMailStatus(models.Model):
    """The one row (id 1): when the mailbox was last read, and the latest rejected emails. Written
    at every run, hence without history.

    `rejections` are the latest `MAX_REJECTIONS`, newest first: {"at", "where", "sender", "code",
    "reason"}.
    """

    ONLY: ClassVar[int] = 1
    MAX_REJECTIONS: ClassVar[int] = 20

    last_attempt_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)
    rejections = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "notice mail status"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="notice_mail_status_once", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return "notice mail status"


def is_address_or_domain(text: str) -> bool:
    """Return whether the text, in lower case, is an email address or a domain."""
    local_part, at, domain = text.rpartition("@")
    if len(domain) > MAX_DOMAIN_LENGTH or not _DOMAIN.fullmatch(domain):
        return False
    return not at or bool(_LOCAL_PART.fullmatch(local_part))
