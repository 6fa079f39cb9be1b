"""Alerts as pages show them: heading, instruction, link, affected applications and recipients."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from apps.accounts.models import User
from apps.alerts.actions import can_respond
from apps.alerts.contacts import owned_applications
from apps.alerts.delivery.digest.builder import GROUP_GUIDANCE
from apps.alerts.delivery.digest.parts import Group
from apps.alerts.delivery.schedule import DigestSchedule
from apps.alerts.delivery.status import MAX_NAMED_RECIPIENTS, RecipientList, recipients_of_alerts
from apps.alerts.kinds import exposure_flag_text
from apps.alerts.kinds.feeds import feed_text
from apps.alerts.kinds.reminders import reminder_text
from apps.alerts.kinds.severity import is_price_increase
from apps.alerts.models import (
    KINDS,
    Alert,
    AlertIssue,
    Cadence,
    DayKind,
    FeedKind,
    FlagKind,
    IssueAlertKind,
    SeenKind,
    StateKind,
    TaskKind,
)
from apps.catalog.models import Offering, ProviderEvent
from apps.common.time import day_of
from apps.exposure.models import ExposureFlag
from apps.exposure.node_names import node_names
from apps.inventory.models import Application
from apps.issues.models import Issue
from apps.web.wording import day, describe_change

Kind = ProviderEvent.Kind

# group of the digest for each kind of event: pages give the same guidance as the digest
_GROUPS: Mapping[str, str] = {
    Kind.ANNOUNCED: Group.UPCOMING,
    Kind.MOVED_EARLIER: Group.UPCOMING,
    Kind.MOVED_LATER: Group.POSTPONED,
    Kind.WITHDRAWN: Group.POSTPONED,
    Kind.RETIRED: Group.RETIRED,
    Kind.DELISTED: Group.DELISTED,
    Kind.CAPABILITY_LOST: Group.CAPABILITY_LOST,
}
# (days, label) of the snooze buttons
# issues of one alert that are loaded; more are those of one cause
MAX_ISSUES = 21
SNOOZES = ((1, "1 day"), (7, "1 week"), (14, "2 weeks"))


@dataclass(frozen=True, slots=True)
class AlertRow:
    """Alert as a user sees it.

    `applications` are (name, slug) of the affected applications that the user may see, `n_others`
    counts the rest; `url` is the page of its subject, and `where` the label of that link."""

    alert: Alert
    heading: str
    todo: str
    url: str
    where: str
    applications: tuple[tuple[str, str], ...]
    n_others: int
    may_answer: bool
    told: RecipientList
    days_left: int | None
    is_forgotten: bool
    issues: tuple[Issue, ...] = ()

    @property
    def issues_url(self) -> str:
        """Return where the issues of the alert are: the page of one, or the list of those of one
        cause; empty without such."""
        causes = {issue.cause_id for issue in self.issues}
        if len(self.issues) == 1:
            return reverse("issues:detail", args=[self.issues[0].pk])
        if len(causes) == 1:
            query = urlencode({"cause": causes.pop(), "state": ""})
            return f"{reverse('issues:list')}?{query}"
        return ""

    @property
    def is_late(self) -> bool:
        """Return whether the alert is due within a week or overdue, and has no response."""
        return (
            self.days_left is not None
            and self.days_left <= 7
            and self.alert.state == Alert.State.OPEN
        )

    @property
    def standing(self) -> str:
        """Return recipient, assignee and response: `To Ilse Brandt for Claims; assigned to Hana
        Lind; acknowledged by Hana Lind.`"""
        alert = self.alert
        clauses = [f"to {recipient_name(alert)}"]
        if alert.assigned_to is not None:
            clauses.append(f"assigned to {alert.assigned_to}")
        if response := _describe_response(alert):
            clauses.append(response.rstrip("."))
        return f"T{'; '.join(clauses)[1:]}."


def present_alerts(
    alerts: Sequence[Alert], user: User, *, on: date, max_recipients: int = MAX_NAMED_RECIPIENTS
) -> list[AlertRow]:
    """Return rows of alerts for one user, with a fixed number of statements. With
    `max_recipients=0` no recipients are loaded."""
    application_ids = {pk for alert in alerts for pk in alert.application_ids}
    applications = _load_applications(application_ids, user)
    node_ids = {
        alert.flag.node_id
        for alert in alerts
        if alert.flag is not None and alert.flag.node_id is not None
    }
    node_ids |= {alert.details["node"] for alert in alerts if alert.details.get("node")}
    node_labels = {pk: node.label for pk, node in node_names(node_ids).items()} if node_ids else {}
    recipients = (
        recipients_of_alerts([alert.pk for alert in alerts], user=user, limit=max_recipients)
        if max_recipients
        else {}
    )
    issues = _load_issues(alerts, user)
    return [
        _build_alert_row(
            alert,
            user,
            applications,
            node_labels,
            recipients.get(alert.pk, RecipientList()),
            issues.get(alert.pk, ()),
            on=on,
        )
        for alert in alerts
    ]


def _load_issues(alerts: Sequence[Alert], user: User) -> dict[int, tuple[Issue, ...]]:
    """Return {alert: the issues of which it notifies, that the user can view}; at most
    MAX_ISSUES each, one statement."""
    links = (
        AlertIssue.objects.filter(
            alert__in=[alert.pk for alert in alerts], issue__in=Issue.objects.visible_to(user)
        )
        .annotate(place=Window(RowNumber(), partition_by=F("alert"), order_by="issue"))
        .filter(place__lte=MAX_ISSUES)
        .select_related("issue__application", "issue__owner")
        .order_by("alert", "issue")
    )
    issues: dict[int, list[Issue]] = {}
    for link in links:
        issues.setdefault(link.alert_id, []).append(link.issue)
    return {pk: tuple(found) for pk, found in issues.items()}


def _load_applications(ids: Collection[int], user: User) -> dict[int, tuple[str, str]]:
    owned_ids = owned_applications([user]).get(user.pk)
    applications = (
        Application.objects.visible_to(user)
        if owned_ids is None
        else Application.objects.filter(pk__in=owned_ids)
    )
    rows = applications.filter(pk__in=ids).order_by().values_list("pk", "name", "slug")
    return {pk: (name, slug) for pk, name, slug in rows} if ids else {}


def _build_alert_row(
    alert: Alert,
    user: User,
    applications: Mapping[int, tuple[str, str]],
    node_labels: Mapping[int, str],
    recipients: RecipientList,
    issues: tuple[Issue, ...],
    *,
    on: date,
) -> AlertRow:
    """Return an alert as a row of a list, with the applications that `user` can view."""
    visible_applications = {
        pk: applications[pk] for pk in alert.application_ids if pk in applications
    }
    n_in_details = int(alert.details.get("n", 0)) if alert.flag_id is not None else 0
    url, url_label = _find_page(alert, tuple(visible_applications.values()))
    return AlertRow(
        alert=alert,
        heading=_build_heading(alert, node_labels, visible_applications, on=on),
        todo=_describe_todo(alert),
        url=url,
        where=url_label,
        applications=tuple(visible_applications.values()),
        n_others=max(len(alert.application_ids), n_in_details) - len(visible_applications),
        may_answer=can_respond(user, alert),
        told=recipients,
        days_left=(alert.due_on - on).days if alert.due_on is not None else None,
        is_forgotten=_is_forgotten(alert, on=on),
        issues=issues,
    )


def _is_forgotten(alert: Alert, *, on: date) -> bool:
    """Return whether the alert was resolved so long ago that its recipients are no longer
    stored."""
    # informational alerts have no resolution: they count from the day they are raised
    n_days_resolved = (on - day_of(alert.resolved_at or alert.raised_at)).days
    return alert.state == Alert.State.RESOLVED and 0 < settings.LEDGER_DAYS < n_days_resolved


def recipient_name(alert: Alert) -> str:
    """Return the recipient as `Ilse Brandt for Claims`, or only the user or only the team."""
    return " for ".join(str(party) for party in (alert.user, alert.team) if party is not None)


def _describe_response(alert: Alert) -> str:
    """Return the state of the alert as a clause, with the user or the date; without a response its
    escalation."""
    match alert.state:
        case Alert.State.ACKNOWLEDGED:
            return (
                f"acknowledged by {alert.acknowledged_by}"
                if alert.acknowledged_by is not None
                else "acknowledged"
            )
        case Alert.State.SNOOZED:
            return (
                f"snoozed until {day(alert.snoozed_until)}"
                if alert.snoozed_until is not None
                else "snoozed"
            )
        case Alert.State.RESOLVED:
            by = f" by {alert.resolved_by}" if alert.resolved_by is not None else ""
            return f"resolved{by}" + (
                f": {resolution}" if (resolution := alert.resolution_sentence) else ""
            )
    return _ESCALATION_CLAUSES.get(alert.escalation, "")


_ESCALATION_CLAUSES = {
    1: "not acknowledged in time, and escalated to the team owners",
    2: "not acknowledged in time, and escalated to governance",
}


def describe_schedule(schedule: DigestSchedule) -> str:
    """Return when digests are sent, such as `every day at 07:00 Europe/Zurich. Urgent alerts are
    sent immediately`. `schedule` has fixed times."""
    days = {Cadence.DAILY: "every day", Cadence.WORKING_DAYS: "from Monday to Friday"}
    frequency = days.get(Cadence(schedule.cadence)) or f"every {WEEKDAYS[schedule.weekday]}"
    urgent = (
        "Urgent alerts are sent immediately"
        if schedule.immediate
        else "Nothing is sent between digests"
    )
    return f"{frequency} at {schedule.hour:02}:00 {schedule.time_zone}. {urgent}"


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


# --- heading --------------------------------------------------------------------------------------


def _build_heading(
    alert: Alert,
    node_labels: Mapping[int, str],
    applications: Mapping[int, tuple[str, str]],
    *,
    on: date,
) -> str:
    """Return the heading of an alert: the change of an event, else its subject."""
    if alert.event is not None:
        event = alert.event
        change = describe_change(event, today=on)
        subject = (
            _describe_offering(event.offering) if event.offering is not None else event.subject_name
        )
        return f"{event.get_kind_display()}: {subject}, {change}"
    if alert.flag is not None:
        return _build_flag_heading(alert, alert.flag, node_labels)
    if alert.run is not None or alert.source is not None:
        return feed_text.feed_sentences(alert, applications=applications).rstrip(".")
    if alert.application_ids and not applications:
        # its applications belong to other teams now: their names and models stay hidden
        return f"{KINDS.get(alert.kind, 'Alert')}: its applications belong to another team now"
    heading = reminder_text.reminder_heading(alert, name=_subject_name(alert, applications), on=on)
    node_label = node_labels.get(alert.details.get("node", 0))
    return f"{heading} ({node_label})" if node_label else heading


def _subject_name(alert: Alert, applications: Mapping[int, tuple[str, str]]) -> str:
    if alert.kind == DayKind.MILESTONE:
        return _describe_offering(alert.offering) if alert.offering is not None else "A model"
    return next((name for name, _ in applications.values()), "")


def _describe_offering(offering: Offering) -> str:
    return f"{offering.api_id} on {offering.host.name}"


def _build_flag_heading(alert: Alert, flag: ExposureFlag, node_labels: Mapping[int, str]) -> str:
    policy, measurement = flag.policy, exposure_flag_text.measurement_when_raised(alert, flag)
    clause = exposure_flag_text.flag_clause(
        policy,
        measurement,
        node=node_labels.get(flag.node_id or 0, "one provider or model"),
        kind=exposure_flag_text.node_kind_label(flag),
    )
    tolerance_clause = (
        f"the tolerance is {exposure_flag_text.format_measure(policy, measurement.limit)}"
    )
    if alert.kind == FlagKind.OPENED:
        return f"{clause[:1].upper()}{clause[1:]}; {tolerance_clause}"
    return f"{exposure_flag_text.GUIDANCE[alert.kind][0]}: {clause}; {tolerance_clause}"


# --- what to do, and where ------------------------------------------------------------------------


def _describe_todo(alert: Alert) -> str:
    if alert.event is not None:
        return _describe_event_todo(alert.kind, alert.event)
    if alert.kind in FeedKind:
        return feed_text.GUIDANCE[FeedKind(alert.kind)][1]
    guidance = exposure_flag_text.GUIDANCE if alert.flag_id is not None else reminder_text.GUIDANCE
    return guidance[alert.kind][1] if alert.kind in guidance else ""


def _describe_event_todo(kind: str, event: ProviderEvent) -> str:
    if kind == Kind.REPRICED:
        is_increase = is_price_increase(event.old, event.new)
        return GROUP_GUIDANCE[Group.PRICE_INCREASE if is_increase else Group.PRICE_DECREASE][1]
    return GROUP_GUIDANCE[_GROUPS.get(kind, Group.SUBSCRIPTION)][1]


def _find_page(alert: Alert, applications: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return (URL, link label) of the page about the subject of the alert; both empty if there is
    none."""
    if alert.event_id is not None:
        return reverse("events:detail", args=[alert.event_id]), "Provider event with evidence"
    if alert.flag_id is not None:
        return reverse("home:overview") + "#h-layers", "Concentration by layer"
    if alert.run is not None or alert.source is not None:
        return feed_text.feed_path(alert), f"Feed {feed_text.source_name(alert)}"
    path = reminder_text.reminder_path(
        alert, slug=applications[0][1] if len(applications) == 1 else ""
    )
    if path == reverse("alerts:detail", args=[alert.pk]):
        return "", ""
    if path == reverse("applications:list"):
        return (path, "Applications") if applications else ("", "")
    return path, _PAGE_LABELS.get(path.split("/")[1], "Details")


_PAGE_LABELS: Mapping[str, str] = {
    "applications": "Application",
    "campaigns": "Migration task",
    "offerings": "Model with dates and prices",
    "alerts": "Notification preferences",
    "settings": "API tokens",
    "gate": "Waiver",
    "issues": "Issue",
    "intake": "Discrepancies",
}


# --- kinds ----------------------------------------------------------------------------------------

# alerts that only governance receives
_GOVERNANCE_KINDS = (IssueAlertKind.DECISION_PROPOSED, IssueAlertKind.USE_CASE_PROPOSED)
# (heading, help text, kinds) for subscriptions: only kinds that are routed to teams, since
# the alerts of one person are of no interest to others
KIND_GROUPS: Sequence[tuple[str, str, Sequence[str]]] = (
    (
        "Retirements",
        "",
        (
            Kind.ANNOUNCED,
            Kind.MOVED_EARLIER,
            Kind.MOVED_LATER,
            Kind.WITHDRAWN,
            DayKind.MILESTONE,
            StateKind.RUNWAY_NEGATIVE,
            Kind.RETIRED,
            Kind.DELISTED,
            FeedKind.BACKFILLED,
        ),
    ),
    (
        "Issues",
        "",
        tuple(kind for kind in IssueAlertKind if kind not in _GOVERNANCE_KINDS),
    ),
    ("Migration tasks", "", tuple(TaskKind)),
    ("Prices", "", (Kind.REPRICED,)),
    (
        "Capabilities",
        "Sent for applications that are known to use what was withdrawn.",
        (Kind.CAPABILITY_LOST,),
    ),
    (
        "Expiries and reviews",
        "",
        (
            DayKind.EXIT_TEST_EXPIRING,
            DayKind.ACCEPTANCE_EXPIRING,
            DayKind.WAIVER_EXPIRING,
            DayKind.GATE_WAIVER_EXPIRING,
            DayKind.TREATMENT_DUE,
            DayKind.REVIEW_DUE,
            DayKind.STAGE_BEGINS,
            StateKind.ASSESSMENTS_STALE,
        ),
    ),
    ("Discrepancies", "", tuple(SeenKind)),
    (
        "Other changes of a provider or foundation",
        "Sent only to subscribers.",
        (Kind.RELEASED, Kind.ALIAS_MOVED, Kind.TERMS_CHANGED, Kind.DISAGREEMENT),
    ),
)


def kind_groups(selected_kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Return the kinds as groups of checkboxes. Selected kinds without a group (set by the API)
    form a group of their own."""
    selected = set(selected_kinds)
    grouped_kinds = {kind for _, _, kinds in KIND_GROUPS for kind in kinds}
    groups = [*KIND_GROUPS]
    if ungrouped_kinds := sorted(selected - grouped_kinds):
        groups.append(("Other types", "", ungrouped_kinds))
    return [
        {
            "name": name,
            "help": help_text,
            "kinds": [
                (str(kind), KINDS.get(str(kind), str(kind)), kind in selected) for kind in kinds
            ],
        }
        for name, help_text, kinds in groups
    ]


def all_kind_groups(selected_kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Return `kind_groups` plus flags, feeds and alerts of one person: a webhook may receive all
    kinds."""
    selected = set(selected_kinds)
    groups = kind_groups(selected & {kind for _, _, kinds in KIND_GROUPS for kind in kinds})
    webhook_groups = (
        ("Exposure", [*FlagKind]),
        ("Decisions", [*_GOVERNANCE_KINDS]),
        ("Feeds", [kind for kind in FeedKind if kind != FeedKind.BACKFILLED]),
        (
            "Personal",
            [DayKind.APPROVAL_EXPIRING, DayKind.KEY_EXPIRING, DayKind.MUTE_EXPIRING],
        ),
    )
    groups[-1]["help"] = "Sent only with a subscription."
    return groups + [
        {
            "name": name,
            "help": "",
            "kinds": [(str(kind), KINDS[str(kind)], kind in selected) for kind in kinds],
        }
        for name, kinds in webhook_groups
    ]
