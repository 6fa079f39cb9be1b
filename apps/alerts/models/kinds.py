"""Alert kinds, by subject. The kind of an alert about a provider event has the name of that
event."""

from django.db import models

from apps.catalog.models import ProviderEvent


class FlagKind(models.TextChoices):
    """A kind about an exposure flag: the events of its life that need a notification."""

    OPENED = "opened", "Over tolerance"
    WORSENED = "worsened", "Above accepted level"
    ACCEPTANCE_EXPIRED = "acceptance_expired", "Acceptance expired"
    RESOLVED = "resolved", "Back within tolerance"


class FeedKind(models.TextChoices):
    """A kind about a feed: the subject of the first two is a run, of the others a source."""

    BACKFILLED = "backfilled", "Already retired"
    SUSPECT = "suspect", "Changes on hold"
    LATE = "late", "Feed late"
    FROZEN = "frozen", "Feed not updating"
    FRESH = "fresh", "Feed up to date again"


class DayKind(models.TextChoices):
    """A kind about an approaching date: created at reminder milestones, the date itself being
    milestone 0."""

    MILESTONE = "milestone", "Upcoming retirement"
    ACCEPTANCE_EXPIRING = "acceptance_expiring", "Acceptance expiring"
    EXIT_TEST_EXPIRING = "exit_test_expiring", "Exit test expiring"
    WAIVER_EXPIRING = "waiver_expiring", "Deferral expiring"
    GATE_WAIVER_EXPIRING = "gate_waiver_expiring", "Waiver expiring"
    APPROVAL_EXPIRING = "approval_expiring", "Approval expiring"
    REVIEW_DUE = "review_due", "Review due"
    TREATMENT_DUE = "treatment_due", "Treatment due"
    MUTE_EXPIRING = "mute_expiring", "Mute expiring"
    KEY_EXPIRING = "key_expiring", "API token expiring"


# Kinds that concern only the recipient.
PERSONAL_KINDS = frozenset({DayKind.MUTE_EXPIRING, DayKind.KEY_EXPIRING})


class StateKind(models.TextChoices):
    """A kind about a state that needs an action, and that ends with it."""

    RUNWAY_NEGATIVE = "runway_negative", "Negative runway"
    ASSESSMENTS_STALE = "assessments_stale", "Assessments stale"


class SeenKind(models.TextChoices):
    """A kind about observed usage of an application that differs from its declaration; ends when
    the difference does."""

    SHADOW_DEPENDENCY = "shadow_dependency", "Undeclared use"
    DECLARED_NOT_SEEN = "declared_not_seen", "Unconfirmed use"
    VERSION_DRIFT = "version_drift", "Version drift"
    OTHER_MODEL_SERVED = "other_model_served", "Different model served"
    RETIRED_IN_USE = "retired_in_use", "Retired application in use"


class IssueAlertKind(models.TextChoices):
    """A kind about an issue that no other kind tells of; raised again every 30 days until the fact
    is gone, except of decisions."""

    RETIRED_MODEL_IN_USE = "retired_model_in_use", "Retired and still used"
    APPROVAL_VIOLATED = "approval_violated", "Approval violation"
    FALLBACK_RETIRES = "fallback_retires", "Fallback retires"
    MIGRATION_LATE = "migration_late", "Late migration"
    INCIDENT = "incident", "Ongoing incident"
    DECISION_PROPOSED = "decision_proposed", "Decision to confirm"
    USE_CASE_PROPOSED = "use_case_proposed", "Proposed use case"


class PersonKind(models.TextChoices):
    """A kind about an issue that another user gives to one person: an assignment, or a comment that
    mentions the person."""

    ASSIGNED = "issue_assigned", "Issue assigned"
    MENTIONED = "issue_mentioned", "Mentioned in a comment"


class TaskKind(models.TextChoices):
    """A kind about migration tasks of one campaign and party; a late or ready task again every 30
    days."""

    ASSIGNED = "task_assigned", "Migration task assigned"
    START_DUE = "task_start_due", "Migration task to start"
    FINISH_DUE = "task_finish_due", "Migration task to finish"
    LATE = "task_late", "Migration task late"
    READY = "task_ready", "Migration task to sign off"


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
        PersonKind,
        TaskKind,
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
    WAIVER = "waiver", "Waiver"
    APPROVAL = "approval", "Approval"
    APPLICATION = "application", "Application"
    SELECTION = "selection", "Selection"
    MUTE = "mute", "Mute"
    KEY = "key", "API token"
    TEAM = "team", "Team"
    ISSUE = "issue", "Issue"
    CAMPAIGN = "campaign", "Campaign"
