"""Decisions of governance users about received notices, and the rules of the mailbox."""

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.models import RetirementAnnouncement
from apps.common.errors import ConflictError, ForbiddenError
from apps.common.history.context import audit_context
from apps.feeds.models import NoticeAnnouncement, NoticeMailSettings, ReceivedNotice


def _require_governance(by: User, action: str) -> None:
    if not by.is_governance:
        raise ForbiddenError(
            f"You need the governance or administrator role to {action}. Contact a governance user."
        )


@transaction.atomic
def dismiss_notice(
    *, notice: ReceivedNotice, at: datetime, by: User, reason: str = ""
) -> ReceivedNotice:
    """Mark the notice as one that needs no announcement. Raises ConflictError if an announcement
    made from it is in force; repeating changes nothing."""
    _require_governance(by, "dismiss received notices")
    row = ReceivedNotice.objects.select_for_update().get(pk=notice.pk)
    if row.dismissed_at is not None:
        return row
    if row.announcements.filter(withdrawn_at__isnull=True).exists():
        raise ConflictError(
            "A retirement was announced from this notice. Withdraw the announcement first."
        )
    row.dismissed_by, row.dismissed_at, row.dismissal_reason = by, at, reason.strip()[:500]
    with audit_context(user=by, reason=reason.strip() or "Notice dismissed."):
        row.save(update_fields=["dismissed_by", "dismissed_at", "dismissal_reason"])
    return row


@transaction.atomic
def reopen_notice(*, notice: ReceivedNotice, by: User) -> ReceivedNotice:
    """Undo the dismissal of the notice; repeating changes nothing."""
    _require_governance(by, "reopen received notices")
    row = ReceivedNotice.objects.select_for_update().get(pk=notice.pk)
    if row.dismissed_at is None:
        return row
    row.dismissed_by, row.dismissed_at, row.dismissal_reason = None, None, ""
    with audit_context(user=by, reason="Notice reopened."):
        row.save(update_fields=["dismissed_by", "dismissed_at", "dismissal_reason"])
    return row


@transaction.atomic
def link_announcement(
    *, notice: ReceivedNotice, announcement: RetirementAnnouncement, by: User
) -> None:
    """Record that the announcement was made from the notice. Raises ConflictError if another user
    dismissed the notice meanwhile; repeating changes nothing."""
    row = ReceivedNotice.objects.select_for_update().get(pk=notice.pk)
    if row.dismissed_at is not None:
        raise ConflictError("This notice was dismissed. Reopen it first.")
    with audit_context(user=by, reason="Retirement announced from a received notice."):
        NoticeAnnouncement.objects.get_or_create(notice=row, announcement=announcement)


@transaction.atomic
def change_notice_mail_settings(
    *, allowed_senders: list[str], requires_dkim: bool, receiving_server: str, by: User
) -> NoticeMailSettings:
    """Set whose emails become received notices. Raises ValidationError for an entry that is not
    valid."""
    _require_governance(by, "change the rules for received notices")
    row, _ = NoticeMailSettings.objects.select_for_update().get_or_create(
        pk=NoticeMailSettings.ONLY
    )
    row.allowed_senders, row.requires_dkim = allowed_senders, requires_dkim
    row.receiving_server = receiving_server
    row.full_clean()
    with audit_context(user=by, reason="Rules for received notices changed."):
        row.save()
    return row
