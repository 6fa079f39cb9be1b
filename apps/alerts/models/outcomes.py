"""Outcomes of alerts and notifications: reasons why an alert was resolved or a notification was not
sent, as codes in the database and sentences for readers.

Queries and conditions use the codes. The sentences are made only here, and may be reworded at any
time."""

from collections.abc import Mapping
from typing import Any

from django.db import models


class SkipReason(models.TextChoices):
    """A reason why no message contains a notification, or why a pending message is not sent."""

    RESOLVED = "resolved", "Alert resolved"
    ANSWERED = "answered", "Alert acknowledged"
    UNASSIGNED = "unassigned", "Assignment removed"
    PASSED = "passed", "Cause resolved"
    REQUESTED = "requested", "Included in a requested summary"
    MUTED = "muted", "Muted"
    NO_LONGER_CONCERNED = "not_concerned", "Recipient no longer affected"
    INACTIVE_USER = "inactive_user", "User inactive"
    CONTACT_NOT_ALLOWED = "contact_domain", "Contact outside the allowed domains"
    NO_USER_EMAIL = "no_user_email", "User without email address"
    NO_TEAM_EMAIL = "no_team_email", "Team without email address"
    NO_EMAIL_WANTED = "no_email_wanted", "Notifications off"
    URGENT_ONLY = "urgent_only", "Only urgent alerts wanted"
    WEBHOOK_DISABLED = "webhook_disabled", "Webhook disabled"
    CHANNEL_DISABLED = "channel_disabled", "Channel disabled"
    UNDONE = "undone", "Undone before it was sent"
    OTHER = "other", "Other"


class Resolution(models.TextChoices):
    """A reason why an alert was resolved: a user resolved it, or its cause ended."""

    BY_USER = "by_user", "Resolved by a user"
    OVERTAKEN = "overtaken", "Superseded by a later change"
    NOT_CONCERNED = "not_concerned", "No application affected"
    REROUTED = "rerouted", "Routed to other users"
    HOLD_DECIDED = "hold_decided", "Nothing on hold"
    FEED_RESTORED = "feed_restored", "Feed polled again"
    FLAG_DECIDED = "flag_decided", "Flag decided"
    FLAG_CONTINUED = "flag_continued", "Flag changed"
    WITHIN_TOLERANCE = "within_tolerance", "Within tolerance"
    NEXT_MILESTONE = "next_milestone", "Next reminder reached"
    DAY_COME = "day_come", "Date reached"
    NOT_RETIRING = "not_retiring", "No application affected on that date"
    ACCEPTANCE_CHANGED = "acceptance_changed", "Acceptance changed"
    EXIT_TEST_REPEATED = "exit_test_repeated", "Exit test repeated"
    DEFERRAL_CHANGED = "deferral_changed", "Deferral changed"
    WAIVER_CHANGED = "waiver_changed", "Waiver changed"
    APPROVAL_CHANGED = "approval_changed", "Approval changed"
    REVIEW_MOVED = "review_moved", "Review rescheduled"
    TREATMENT_CHANGED = "treatment_changed", "Treatment changed"
    MUTE_ENDED = "mute_ended", "Mute ended"
    TOKEN_CHANGED = "token_changed", "API token changed"
    STAGE_MOVED = "stage_moved", "Stage of the model changed"
    RETIREMENT_MOVED = "retirement_moved", "Retirement date changed"
    TIME_REGAINED = "time_regained", "Positive runway"
    REASSESSED = "reassessed", "Reassessed"
    DECLARED = "declared", "Declared"
    DISMISSED = "dismissed", "Dismissed"
    ISSUE_RESOLVED = "issue_resolved", "Issue resolved or accepted"
    NO_LONGER_OBSERVED = "not_observed", "No longer observed"
    OTHER = "other", "Other"
    TASK_CHANGED = "task_changed", "Migration task changed"
    MIGRATION_ON_TIME = "migration_on_time", "Migration on time"


_SKIP_SENTENCES: Mapping[str, str] = {
    SkipReason.RESOLVED: "The alert was resolved before a message was due.",
    SkipReason.ANSWERED: "The alert was acknowledged before a message was due.",
    SkipReason.UNASSIGNED: "The assignment was removed before a message was due.",
    SkipReason.PASSED: "The cause was resolved before a message was due.",
    SkipReason.REQUESTED: "The alert was included in a summary that the recipient requested.",
    SkipReason.MUTED: "Muted until {until}.",
    SkipReason.NO_LONGER_CONCERNED: (
        "The recipient no longer owns any of the affected applications."
    ),
    SkipReason.INACTIVE_USER: "The user is no longer active.",
    SkipReason.CONTACT_NOT_ALLOWED: (
        "The recipient is a contact whose domain is not allowed. To allow it, a governance user "
        "confirms the address under People, or adds the domain to the allowed domains."
    ),
    SkipReason.NO_USER_EMAIL: "The user has no email address.",
    SkipReason.NO_TEAM_EMAIL: (
        "The team has no mailbox, and it and its parent teams have no owner with an email address."
    ),
    SkipReason.NO_EMAIL_WANTED: "The frequency of this recipient is Off.",
    SkipReason.URGENT_ONLY: "The frequency of this recipient is Urgent only.",
    SkipReason.WEBHOOK_DISABLED: "The webhook is disabled.",
    SkipReason.CHANNEL_DISABLED: (
        "The channel is disabled. After it was enabled, governance can send the message again."
    ),
    SkipReason.UNDONE: "What the message is about was undone before it was sent.",
}

_RESOLUTION_SENTENCES: Mapping[str, str] = {
    Resolution.OVERTAKEN: "A later change superseded it.",
    Resolution.NOT_CONCERNED: "None of the applications depends on it any more.",
    Resolution.ISSUE_RESOLVED: "The issue was resolved or accepted.",
    Resolution.REROUTED: "The applications are now routed to other users, who are notified.",
    Resolution.HOLD_DECIDED: "No change is on hold any more.",
    Resolution.FEED_RESTORED: "The feed was polled again, or is no longer polled.",
    Resolution.FLAG_DECIDED: "A user responded to the exposure flag.",
    Resolution.FLAG_CONTINUED: "The exposure flag changed later.",
    Resolution.WITHIN_TOLERANCE: "The value is within tolerance again.",
    Resolution.NEXT_MILESTONE: "The next reminder or the retirement date was reached.",
    Resolution.DAY_COME: "The date was reached.",
    Resolution.NOT_RETIRING: "None of the applications is affected on that date any more.",
    Resolution.ACCEPTANCE_CHANGED: "The acceptance was renewed, revoked or expired.",
    Resolution.EXIT_TEST_REPEATED: "The exit test was repeated, or its dependency ended.",
    Resolution.DEFERRAL_CHANGED: "The deferral was renewed, or the task was continued.",
    Resolution.WAIVER_CHANGED: "The waiver was renewed or withdrawn.",
    Resolution.APPROVAL_CHANGED: "The approval was renewed or revoked.",
    Resolution.REVIEW_MOVED: "The review was rescheduled.",
    Resolution.TREATMENT_CHANGED: "The treatment was completed or rescheduled.",
    Resolution.MUTE_ENDED: "The mute expired or was removed.",
    Resolution.TOKEN_CHANGED: "The API token was rotated or revoked.",
    Resolution.RETIREMENT_MOVED: "The retirement date changed.",
    Resolution.TIME_REGAINED: "The runway is positive again, or the dependency ended.",
    Resolution.REASSESSED: "The risks were reassessed, or no longer apply.",
    Resolution.DECLARED: "The usage was declared.",
    Resolution.DISMISSED: "A user dismissed the discrepancy.",
    Resolution.TASK_CHANGED: "The migration tasks were completed, changed or assigned to others.",
    Resolution.MIGRATION_ON_TIME: "The migration is planned or in progress, or its dates changed.",
    Resolution.NO_LONGER_OBSERVED: "The usage is no longer observed, or the dependency ended.",
}


def skip_sentence(reason: str, details: Mapping[str, Any]) -> str:
    """Return the sentence why a notification was skipped; empty if it was not.

    `details` has the values of the sentence's placeholders (`until` of a mute) and the `text` of
    SkipReason.OTHER."""
    if reason == SkipReason.OTHER:
        return str(details.get("text", ""))
    return _SKIP_SENTENCES[reason].format_map(details) if reason else ""


def delivery_sentence(skip_reason: str, failure: str) -> str:
    """Return the sentence why a message was skipped, or the failure; empty if there is neither."""
    return skip_sentence(skip_reason, {"text": failure}) if skip_reason else failure


def resolution_sentence(resolution: str, text: str) -> str:
    """Return the sentence why an alert was resolved; `text` is the comment of a user, or another
    reason."""
    return _RESOLUTION_SENTENCES.get(resolution, text)
