"""Alert kinds, by subject. The kind of an alert about a provider event has the name of that
event."""

from django.db import models

from apps.catalog.models import ProviderEvent


class FlagKind(models.TextChoices):
    """A kind about an exposure flag: the events of its life that need a notification."""

    OPENED = "opened", "Over tolerance"
    WORSENED = "worsened", "Beyond what was accepted"
    ACCEPTANCE_EXPIRED = "acceptance_expired", "Acceptance ran out"
    RESOLVED = "resolved", "Under tolerance again"


class FeedKind(models.TextChoices):
    """A kind about a feed: the subject of the first two is a run, of the others a source."""

    BACKFILLED = "backfilled", "Had already ended"
    SUSPECT = "suspect", "Feed suspect"
    LATE = "late", "Feed late"
    FROZEN = "frozen", "Feed frozen"
    FRESH = "fresh", "Feed fresh again"


class DayKind(models.TextChoices):
    """A kind about an approaching date: created at reminder milestones, the date itself being
    milestone 0."""

    MILESTONE = "milestone", "Days to the end"
    ACCEPTANCE_EXPIRING = "acceptance_expiring", "Acceptance expires"
    EXIT_TEST_EXPIRING = "exit_test_expiring", "Exit test expires"
    WAIVER_EXPIRING = "waiver_expiring", "Waiver expires"
    GATE_WAIVER_EXPIRING = "gate_waiver_expiring", "Gate waiver expires"
    APPROVAL_EXPIRING = "approval_expiring", "Approval expires"
    REVIEW_DUE = "review_due", "Review due"
    TREATMENT_DUE = "treatment_due", "Treatment due"
    MUTE_EXPIRING = "mute_expiring", "Mute expires"
    KEY_EXPIRING = "key_expiring", "Key expires"


# Kinds that concern only the recipient.
PERSONAL_KINDS = frozenset({DayKind.MUTE_EXPIRING, DayKind.KEY_EXPIRING})


class StateKind(models.TextChoices):
    """A kind about a state that needs an action, and that ends with it."""

    RUNWAY_NEGATIVE = "runway_negative", "Too late to move in time"
    ASSESSMENTS_STALE = "assessments_stale", "Assessments stale"


class SeenKind(models.TextChoices):
    """A kind about observed usage of an application that differs from its declaration; ends when
    the difference does."""

    SHADOW_DEPENDENCY = "shadow_dependency", "Seen in use, not declared"
    DECLARED_NOT_SEEN = "declared_not_seen", "Declared, not seen in use"
    VERSION_DRIFT = "version_drift", "Another version answers than before"
    OTHER_MODEL_SERVED = "other_model_served", "Another model answers than was asked for"
    RETIRED_IN_USE = "retired_in_use", "Retired application still calls"


class IssueAlertKind(models.TextChoices):
    """A kind about an issue that no other kind tells of; raised again every 30 days until the fact
    is gone."""

    RETIRED_MODEL_IN_USE = "retired_model_in_use", "Retired model in use"
    APPROVAL_VIOLATED = "approval_violated", "Approval violated"
    FALLBACK_RETIRES = "fallback_retires", "Fallback retires"


KINDS: dict[str, str] = {
    str(kind): str(label)
    for choices in (
        ProviderEvent.Kind,
        FlagKind,
        FeedKind,
        DayKind,
        StateKind,
        SeenKind,
        IssueAlertKind,
    )
    for kind, label in choices.choices
}


class SubjectKind(models.TextChoices):
    """A record type to which `Alert.subject_id` refers, for subjects that have no column of their
    own."""

    OFFERING = "offering", "Offering"
    DEPENDENCY = "dependency", "Dependency"
    ASSESSMENT = "assessment", "Assessment"
    FLAG = "flag", "Flag"
    EXIT_TEST = "exit_test", "Exit test"
    TASK = "task", "Campaign task"
    WAIVER = "waiver", "Waiver of the gate"
    APPROVAL = "approval", "Approval"
    APPLICATION = "application", "Application"
    SELECTION = "selection", "Selection"
    MUTE = "mute", "Mute"
    KEY = "key", "Key of a program"
    TEAM = "team", "Team"
    ISSUE = "issue", "Issue"
