"""Why an alert was resolved and why a notice was not sent: codes in the database, sentences for
readers.

Queries and conditions use the codes. The sentences are made here alone, and may be reworded at any
time.
"""

from collections.abc import Mapping
from typing import Any

from django.db import models


class SkipReason(models.TextChoices):
    """Why no message carries a notice, or why a message that was owed is not sent."""

    RESOLVED = "resolved", "Alert resolved"
    ANSWERED = "answered", "Alert answered"
    UNASSIGNED = "unassigned", "Assignment taken back"
    PASSED = "passed", "Cause gone"
    REQUESTED = "requested", "Included in a requested summary"
    MUTED = "muted", "Muted"
    NO_LONGER_CONCERNED = "not_concerned", "Recipient no longer concerned"
    INACTIVE_USER = "inactive_user", "User inactive"
    NO_USER_EMAIL = "no_user_email", "User without email address"
    NO_TEAM_EMAIL = "no_team_email", "Team without email address"
    NO_EMAIL_WANTED = "no_email_wanted", "No email wanted"
    URGENT_ONLY = "urgent_only", "Only urgent alerts wanted"
    WEBHOOK_DISABLED = "webhook_disabled", "Webhook disabled"
    OTHER = "other", "Other"


class Resolution(models.TextChoices):
    """Why an alert was resolved: a user said so, or its cause ended."""

    BY_USER = "by_user", "Resolved by a user"
    OVERTAKEN = "overtaken", "Overtaken by a later change"
    NOT_CONCERNED = "not_concerned", "No application concerned"
    REROUTED = "rerouted", "Routed to others"
    HOLD_DECIDED = "hold_decided", "Nothing on hold"
    FEED_RESTORED = "feed_restored", "Feed read again"
    FLAG_DECIDED = "flag_decided", "Flag decided"
    FLAG_CONTINUED = "flag_continued", "Flag changed"
    WITHIN_TOLERANCE = "within_tolerance", "Within tolerance"
    NEXT_MILESTONE = "next_milestone", "Next milestone"
    DAY_COME = "day_come", "Day reached"
    NOT_RETIRING = "not_retiring", "No application affected that day"
    ACCEPTANCE_CHANGED = "acceptance_changed", "Acceptance changed"
    EXIT_TEST_REPEATED = "exit_test_repeated", "Exit test repeated"
    DEFERRAL_CHANGED = "deferral_changed", "Deferral changed"
    WAIVER_CHANGED = "waiver_changed", "Waiver changed"
    APPROVAL_CHANGED = "approval_changed", "Approval changed"
    REVIEW_MOVED = "review_moved", "Review moved"
    TREATMENT_CHANGED = "treatment_changed", "Treatment changed"
    MUTE_ENDED = "mute_ended", "Mute ended"
    TOKEN_CHANGED = "token_changed", "API token changed"
    RETIREMENT_MOVED = "retirement_moved", "Retirement date moved"
    TIME_REGAINED = "time_regained", "Enough time"
    REASSESSED = "reassessed", "Reassessed"
    DECLARED = "declared", "Declared"
    DISMISSED = "dismissed", "Dismissed"
    NO_LONGER_OBSERVED = "not_observed", "No longer observed"
    OTHER = "other", "Other"


_SKIP_SENTENCES: Mapping[str, str] = {
    SkipReason.RESOLVED: "It was resolved before a message was due.",
    SkipReason.ANSWERED: "Somebody answered before a message was due.",
    SkipReason.UNASSIGNED: "The assignment was taken back before a message was due.",
    SkipReason.PASSED: "It had passed before a message was due.",
    SkipReason.REQUESTED: "Told at once instead, as its recipient asked where things stand.",
    SkipReason.MUTED: "Muted until {until}.",
    SkipReason.NO_LONGER_CONCERNED: (
        "None of the applications concerned belongs to the recipient any more."
    ),
    SkipReason.INACTIVE_USER: "This person is no longer active.",
    SkipReason.NO_USER_EMAIL: "No address: this person has none.",
    SkipReason.NO_TEAM_EMAIL: (
        "No address: the team has no mailbox, and neither it nor a team above has an owner with "
        "one."
    ),
    SkipReason.NO_EMAIL_WANTED: "No mail is wanted at this address.",
    SkipReason.URGENT_ONLY: "Only what is urgent is mailed to this address.",
    SkipReason.WEBHOOK_DISABLED: "The webhook is switched off.",
}

_RESOLUTION_SENTENCES: Mapping[str, str] = {
    Resolution.OVERTAKEN: "A later change has overtaken it.",
    Resolution.NOT_CONCERNED: "None of these applications stands on it any more.",
    Resolution.REROUTED: "Its applications fall to others now, who are told instead.",
    Resolution.HOLD_DECIDED: "Nothing of it waits for a decision any more.",
    Resolution.FEED_RESTORED: "The feed is read again, or not polled any more.",
    Resolution.FLAG_DECIDED: "Somebody has decided about the flag.",
    Resolution.FLAG_CONTINUED: "It has gone on since.",
    Resolution.WITHIN_TOLERANCE: "It is under tolerance again.",
    Resolution.NEXT_MILESTONE: "The next milestone has come, or the day itself.",
    Resolution.DAY_COME: "Its day has come.",
    Resolution.NOT_RETIRING: "None of these applications ends with it on that day any more.",
    Resolution.ACCEPTANCE_CHANGED: "The acceptance was renewed, revoked or ended.",
    Resolution.EXIT_TEST_REPEATED: "The test was repeated, or its dependency ended.",
    Resolution.DEFERRAL_CHANGED: "The waiver was renewed, or the task went on.",
    Resolution.WAIVER_CHANGED: "The waiver was renewed or withdrawn.",
    Resolution.APPROVAL_CHANGED: "The decision was renewed or revoked.",
    Resolution.REVIEW_MOVED: "The review has another day.",
    Resolution.TREATMENT_CHANGED: "The treatment was done, or has another day.",
    Resolution.MUTE_ENDED: "The mute ended or was lifted.",
    Resolution.TOKEN_CHANGED: "The key was renewed or revoked.",
    Resolution.RETIREMENT_MOVED: "It ends on another day.",
    Resolution.TIME_REGAINED: "There is enough time again, or it no longer ends with it.",
    Resolution.REASSESSED: "They have been assessed anew, or what they are about has ended.",
    Resolution.DECLARED: "It has been declared.",
    Resolution.DISMISSED: "Somebody said that it may stay as it is.",
    Resolution.NO_LONGER_OBSERVED: "It has ended, or no longer holds.",
}


def skip_sentence(reason: str, details: Mapping[str, Any]) -> str:
    """Say why a notice was skipped; empty where it was not.

    `details` holds what the sentence names (`until` of a mute) and the `text` of another reason.
    """
    if reason == SkipReason.OTHER:
        return str(details.get("text", ""))
    return _SKIP_SENTENCES[reason].format_map(details) if reason else ""


def delivery_sentence(skip_reason: str, failure: str) -> str:
    """Say why a message was skipped, or why it failed; empty where neither is so."""
    return skip_sentence(skip_reason, {"text": failure}) if skip_reason else failure


def resolution_sentence(resolution: str, text: str) -> str:
    """Say why an alert was resolved; `text` is what a user wrote, or another reason."""
    return _RESOLUTION_SENTENCES.get(resolution, text)
