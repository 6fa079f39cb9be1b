"""Alerts as pages show them: heading, instruction, link, affected applications and recipients."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.accounts.models import User
from apps.alerts.actions import can_respond
from apps.alerts.delivery.digest.builder import GROUP_GUIDANCE
from apps.alerts.delivery.schedule import DigestSchedule
from apps.alerts.delivery.status import MAX_NAMED_RECIPIENTS, RecipientList, recipients_of_alerts
from apps.alerts.kinds import exposure_flag_text
from apps.alerts.kinds.feeds import feed_text
from apps.alerts.kinds.reminders import reminder_text
from apps.alerts.kinds.severity import is_price_increase
from apps.alerts.models import (
    KINDS,
    Alert,
    Cadence,
    DayKind,
    FeedKind,
    FlagKind,
    SeenKind,
    StateKind,
)
from apps.catalog.models import Offering, ProviderEvent
from apps.common.time import day_of
from apps.exposure.models import ExposureFlag
from apps.exposure.node_names import node_names
from apps.inventory.models import Application
from apps.web.wording import day, describe_change

Kind = ProviderEvent.Kind

# what an event asks for is what the mail's group of it says
_GROUPS: Mapping[str, str] = {
    Kind.ANNOUNCED: "ending",
    Kind.MOVED_EARLIER: "ending",
    Kind.MOVED_LATER: "relief",
    Kind.WITHDRAWN: "relief",
    Kind.RETIRED: "gone",
    Kind.DELISTED: "delisted",
}
# how far a snooze by one press reaches
SNOOZES = ((1, "1 day"), (7, "1 week"), (14, "2 weeks"))


@dataclass(frozen=True, slots=True)
class AlertRow:
    """Alert as a user sees it.

    `applications` are (name, slug) of those affected that the user may see, `n_others` counts the
    rest; `url` is the page to look into, apart from the alert's own."""

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

    @property
    def is_late(self) -> bool:
        """Return whether it is due within a week, or past, without a response."""
        return (
            self.days_left is not None
            and self.days_left <= 7
            and self.alert.state == Alert.State.OPEN
        )

    @property
    def standing(self) -> str:
        """`To Ilse Brandt for Claims; assigned to Hana Lind; acknowledged by Hana Lind.`"""
        alert = self.alert
        parts = [f"to {recipient_name(alert)}"]
        if alert.assigned_to is not None:
            parts.append(f"assigned to {alert.assigned_to}")
        if said := _answered(alert):
            parts.append(said.rstrip("."))
        return f"T{'; '.join(parts)[1:]}."


def present_alerts(
    alerts: Sequence[Alert], user: User, *, on: date, most_told: int = MAX_NAMED_RECIPIENTS
) -> list[AlertRow]:
    """Present alerts for one user: a fixed number of statements however many they are. `most_told`
    0 loads no recipients."""
    wanted = {pk for alert in alerts for pk in alert.application_ids}
    applications = _applications(wanted, user)
    nodes = {
        alert.flag.node_id
        for alert in alerts
        if alert.flag is not None and alert.flag.node_id is not None
    }
    nodes |= {alert.details["node"] for alert in alerts if alert.details.get("node")}
    names = {pk: node.label for pk, node in node_names(nodes).items()} if nodes else {}
    told = (
        recipients_of_alerts([alert.pk for alert in alerts], user=user, limit=most_told)
        if most_told
        else {}
    )
    return [
        _alert_row(alert, user, applications, names, told.get(alert.pk, RecipientList()), on=on)
        for alert in alerts
    ]


def _applications(ids: Collection[int], user: User) -> dict[int, tuple[str, str]]:
    rows = (
        Application.objects.visible_to(user)
        .filter(pk__in=ids)
        .order_by()
        .values_list("pk", "name", "slug")
    )
    return {pk: (name, slug) for pk, name, slug in rows} if ids else {}


def _alert_row(
    alert: Alert,
    user: User,
    applications: Mapping[int, tuple[str, str]],
    names: Mapping[int, str],
    told: RecipientList,
    *,
    on: date,
) -> AlertRow:
    concerned = {pk: applications[pk] for pk in alert.application_ids if pk in applications}
    named_elsewhere = int(alert.details.get("n", 0)) if alert.flag_id is not None else 0
    url, where = _address(alert, tuple(concerned.values()))
    return AlertRow(
        alert=alert,
        heading=_heading(alert, names, concerned, on=on),
        todo=_todo(alert),
        url=url,
        where=where,
        applications=tuple(concerned.values()),
        n_others=max(len(alert.application_ids), named_elsewhere) - len(concerned),
        may_answer=can_respond(user, alert),
        told=told,
        days_left=(alert.due_on - on).days if alert.due_on is not None else None,
        is_forgotten=_is_forgotten(alert, on=on),
    )


def _is_forgotten(alert: Alert, *, on: date) -> bool:
    """It was over so long ago that who was told of it is not kept any more."""
    # what only informs is over when it is raised
    over_for = (on - day_of(alert.resolved_at or alert.raised_at)).days
    return alert.state == Alert.State.RESOLVED and 0 < settings.LEDGER_DAYS < over_for


def recipient_name(alert: Alert) -> str:
    """`Ilse Brandt for Claims`, or the one of the two there is."""
    return " for ".join(str(party) for party in (alert.user, alert.team) if party is not None)


def _answered(alert: Alert) -> str:
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
            return f"resolved{by}" + (f": {why}" if (why := alert.resolution_sentence) else "")
    return _UNANSWERED.get(alert.escalation, "")


_UNANSWERED = {
    1: "nobody has answered, so the team's owners were told",
    2: "nobody has answered, so governance was told",
}


def describe_schedule(rhythm: DigestSchedule) -> str:
    """Return when digests are sent, such as `every day at 07:00 Europe/Zurich. Urgent alerts are
    sent immediately`. `rhythm` has fixed times."""
    days = {Cadence.DAILY: "every day", Cadence.WORKING_DAYS: "from Monday to Friday"}
    when = days.get(Cadence(rhythm.cadence)) or f"every {WEEKDAYS[rhythm.weekday]}"
    urgent = (
        "Urgent alerts are sent immediately"
        if rhythm.immediate
        else "Nothing is sent between digests"
    )
    return f"{when} at {rhythm.hour:02}:00 {rhythm.time_zone}. {urgent}"


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


# --- heading --------------------------------------------------------------------------------------


def _heading(
    alert: Alert, names: Mapping[int, str], applications: Mapping[int, tuple[str, str]], *, on: date
) -> str:
    if alert.event is not None:
        event = alert.event
        change = describe_change(event, today=on)
        return f"{event.get_kind_display()}: {_called(event.offering)}, {change}"
    if alert.flag is not None:
        return _flag_heading(alert, alert.flag, names)
    if alert.run is not None or alert.source is not None:
        return (
            f"{feed_text.source_name(alert)} {feed_text.clause(alert, applications=applications)}"
        )
    if alert.application_ids and not applications:
        # its applications belong to others by now: neither they nor what hangs on them is named
        return (
            f"{KINDS.get(alert.kind, 'Alert')}, about applications that belong to another team now"
        )
    heading = reminder_text.reminder_heading(alert, name=_name(alert, applications), on=on)
    at = names.get(alert.details.get("node", 0))
    return f"{heading} ({at})" if at else heading


def _name(alert: Alert, applications: Mapping[int, tuple[str, str]]) -> str:
    if alert.kind == DayKind.MILESTONE:
        return _called(alert.offering) if alert.offering is not None else "A model"
    return next((name for name, _ in applications.values()), "")


def _called(offering: Offering) -> str:
    return f"{offering.api_id} at {offering.host.name}"


def _flag_heading(alert: Alert, flag: ExposureFlag, names: Mapping[int, str]) -> str:
    policy, then = flag.policy, exposure_flag_text.measurement_when_raised(alert, flag)
    says = exposure_flag_text.flag_clause(
        policy,
        then,
        node=names.get(flag.node_id or 0, "one node"),
        kind=exposure_flag_text.node_kind_label(flag),
    )
    tolerated = f"the tolerance is {exposure_flag_text.format_measure(policy, then.limit)}"
    if alert.kind == FlagKind.OPENED:
        return f"{says[:1].upper()}{says[1:]}; {tolerated}"
    return f"{exposure_flag_text.GUIDANCE[alert.kind][0]}: {says}; {tolerated}"


# --- what to do, and where ------------------------------------------------------------------------


def _todo(alert: Alert) -> str:
    if alert.event is not None:
        return _event_todo(alert.kind, alert.event)
    if alert.kind in FeedKind:
        return feed_text.GUIDANCE[FeedKind(alert.kind)][1]
    guidance = exposure_flag_text.GUIDANCE if alert.flag_id is not None else reminder_text.GUIDANCE
    return guidance[alert.kind][1] if alert.kind in guidance else ""


def _event_todo(kind: str, event: ProviderEvent) -> str:
    if kind == Kind.REPRICED:
        return GROUP_GUIDANCE["dearer" if is_price_increase(event.old, event.new) else "cheaper"][1]
    return GROUP_GUIDANCE[_GROUPS[kind]][1] if kind in _GROUPS else GROUP_GUIDANCE["asked"][1]


def _address(alert: Alert, applications: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """(address, what is there) of the page on which it is looked into."""
    if alert.event_id is not None:
        return reverse("events:detail", args=[alert.event_id]), "The event, with its evidence"
    if alert.flag_id is not None:
        return reverse("home:overview") + "#h-layers", "Concentration, by layer"
    if alert.run is not None or alert.source is not None:
        return feed_text.feed_path(alert), f"The feed {feed_text.source_name(alert)}"
    path = reminder_text.reminder_path(
        alert, slug=applications[0][1] if len(applications) == 1 else ""
    )
    if path == reverse("alerts:detail", args=[alert.pk]):
        return "", ""
    if path == reverse("applications:list"):
        return (path, "Applications") if applications else ("", "")
    return path, _WHERE.get(path.split("/")[1], "Where it is looked into")


_WHERE: Mapping[str, str] = {
    "applications": "The application",
    "offerings": "The model, with its dates and prices",
    "alerts": "What you get",
    "settings": "The keys, and how one is renewed",
    "gate": "The waiver, and who decided what",
    "intake": "What was seen, beside what is declared",
}


# --- kinds ----------------------------------------------------------------------------------------

# what one can ask to hear of: what falls to teams, since what is owed to one person is nobody
# else's news
KIND_GROUPS: Sequence[tuple[str, str, Sequence[str]]] = (
    (
        "Ends of models",
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
    ("Prices", "", (Kind.REPRICED,)),
    (
        "Tests, decisions and reviews",
        "",
        (
            DayKind.EXIT_TEST_EXPIRING,
            DayKind.ACCEPTANCE_EXPIRING,
            DayKind.WAIVER_EXPIRING,
            DayKind.GATE_WAIVER_EXPIRING,
            DayKind.TREATMENT_DUE,
            DayKind.REVIEW_DUE,
            StateKind.ASSESSMENTS_STALE,
        ),
    ),
    ("What is seen in use", "", tuple(SeenKind)),
    (
        "News of a provider or foundation that you name",
        "told to nobody who does not ask for it here",
        (Kind.RELEASED, Kind.ALIAS_MOVED, Kind.TERMS_CHANGED, Kind.DISAGREEMENT),
    ),
)


def kind_groups(chosen: Iterable[str]) -> list[dict[str, Any]]:
    """Return the kinds as groups of checkboxes; a chosen one in no group (by the API) gets a group
    of its own."""
    ticked = set(chosen)
    known = {kind for _, _, kinds in KIND_GROUPS for kind in kinds}
    groups = [*KIND_GROUPS]
    if others := sorted(ticked - known):
        groups.append(("Others", "", others))
    return [
        {
            "name": name,
            "help": help_text,
            "kinds": [
                (str(kind), KINDS.get(str(kind), str(kind)), kind in ticked) for kind in kinds
            ],
        }
        for name, help_text, kinds in groups
    ]


def all_kind_groups(chosen: Iterable[str]) -> list[dict[str, Any]]:
    """Return `kind_groups` plus flags, feeds and what is sent to one person: a webhook may be sent
    everything."""
    ticked = set(chosen)
    groups = kind_groups(ticked & {kind for _, _, kinds in KIND_GROUPS for kind in kinds})
    more = (
        ("Exposure", [*FlagKind]),
        ("Feeds", [kind for kind in FeedKind if kind != FeedKind.BACKFILLED]),
        (
            "Owed to one person",
            [DayKind.APPROVAL_EXPIRING, DayKind.KEY_EXPIRING, DayKind.MUTE_EXPIRING],
        ),
    )
    groups[-1]["help"] = "only with a subscription"
    return groups + [
        {
            "name": name,
            "help": "",
            "kinds": [(str(kind), KINDS[str(kind)], kind in ticked) for kind in kinds],
        }
        for name, kinds in more
    ]
