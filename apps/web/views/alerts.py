"""Alerts: what was I told, and what was done about it; deliveries: every mail owed."""

from collections.abc import Collection
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts import actions, feed_words, flag_words
from apps.alerts.filters import AlertFilter, DeliveryFilter
from apps.alerts.models import Alert, Delivery, FeedKind, FlagKind
from apps.alerts.queries import alerts_of, deliveries_of
from apps.catalog.models import ProviderEvent
from apps.common.time import now
from apps.exposure.models import ExposureFlag
from apps.exposure.naming import names_of
from apps.inventory.models import Application
from apps.web.filtering import Control, filters
from apps.web.forms import signed_in
from apps.web.listing import Listing, csv_answer
from apps.web.page import Sentence, page
from apps.web.wording import change, counted, listed

KINDS = [
    *((kind.value, kind.label) for kind in ProviderEvent.Kind),
    *((kind.value, kind.label) for kind in FlagKind),
    *((kind.value, kind.label) for kind in FeedKind),
]


def may_answer(user: User, alert: Alert) -> bool:
    """Whoever it was sent to, editors of the team it was sent to, and governance."""
    if alert.user_id is not None:
        return alert.user_id == user.pk or user.governs
    return alert.team_id is not None and user.may(TeamRole.EDITOR, alert.team_id)


def heading(alert: Alert, names: dict[int, str], applications: Collection[int]) -> str:
    """`applications` are those concerned that the reader may see."""
    if alert.event is not None:
        event = alert.event
        return f"{event.get_kind_display()}: {event.offering.api_id} at {event.offering.host.name}, {change(event)}"
    if alert.flag is not None:
        return _flag_heading(alert, alert.flag, names)
    return f"{feed_words.source_name(alert)} {feed_words.clause(alert, applications=applications)}"


def _flag_heading(alert: Alert, flag: ExposureFlag, names: dict[int, str]) -> str:
    policy, then = flag.policy, flag_words.measured_then(alert, flag)
    says = flag_words.clause(policy, then, node=names.get(flag.node_id or 0, "one node"), kind=flag_words.kind_of(flag))
    tolerated = f"the tolerance is {flag_words.amount(policy, then.limit)}"
    if alert.kind == FlagKind.OPENED:
        return f"{says[:1].upper()}{says[1:]}; {tolerated}"
    return f"{flag_words.GUIDANCE[alert.kind][0]}: {says}; {tolerated}"


def _todo(alert: Alert) -> str:
    if alert.kind in FeedKind:
        return feed_words.GUIDANCE[FeedKind(alert.kind)][1]
    return flag_words.GUIDANCE[alert.kind][1] if alert.flag_id is not None else ""


def address(alert: Alert) -> str:
    """The page on which the alert is looked into."""
    if alert.event_id is not None:
        return reverse("event", args=[alert.event_id])
    return reverse("overview") + "#h-layers" if alert.flag_id is not None else feed_words.feed_path(alert)


def _described(alerts: list[Alert], user: User) -> list[dict[str, Any]]:
    """Alerts with their heading and the names of the applications `user` may see among those concerned."""
    wanted = {pk for alert in alerts for pk in alert.application_ids}
    applications = {
        pk: (name, slug)
        for pk, name, slug in Application.objects.visible_to(user)
        .filter(pk__in=wanted)
        .values_list("pk", "name", "slug")
    }
    nodes = {alert.flag.node_id for alert in alerts if alert.flag is not None and alert.flag.node_id is not None}
    names = {pk: node.label for pk, node in names_of(nodes).items()} if nodes else {}
    return [
        {
            "alert": alert,
            "heading": heading(alert, names, applications),
            "address": address(alert),
            "todo": _todo(alert),
            "applications": [applications[pk] for pk in alert.application_ids if pk in applications],
            "may_answer": may_answer(user, alert),
        }
        for alert in alerts
    ]


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    asked = request.GET.copy()
    if "state" not in request.GET:
        asked["state"] = Alert.State.OPEN
    found = AlertFilter(asked, alerts_of(user), request=request)
    listing = Listing(request, found.qs.order_by("-severity", "-raised_at", "-pk"), size=30)
    n_open = Alert.objects.visible_to(user).filter(state=Alert.State.OPEN).order_by()
    severe = n_open.filter(severity__gte=4).count()
    return page(
        request,
        "alerts/list.html",
        fragment="listing",
        title="Alerts",
        counts="Alerts of your teams and your own",
        sentence=_sentence(n_open.count(), severe),
        filters=filters(
            request,
            found,
            [
                Control("state", "State", choices=Alert.State.choices),
                Control("kind", "Kind", choices=KINDS),
                Control("severity", "Severity", choices=Alert.SEVERITIES),
            ],
            usual={"state": Alert.State.OPEN.value},
        ),
        listing=listing,
        rows=_described(listing.rows, user),
    )


def _sentence(n_open: int, n_severe: int) -> Sentence:
    if n_open == 0:
        return Sentence("No alert waits for an answer.")
    start = f"{counted(n_open, 'alert').capitalize()} {'waits' if n_open == 1 else 'wait'} for an answer"
    if n_severe:
        return Sentence(
            f"{start}; ",
            f"{counted(n_severe, 'of them is', 'of them are')} high or severe"
            if n_open > 1
            else "it is high or severe",
            ".",
        )
    return Sentence(f"{start}.")


@require_safe
def alert_csv(request: HttpRequest) -> StreamingHttpResponse:
    user = signed_in(request)
    found = AlertFilter(request.GET, alerts_of(user), request=request)
    return csv_answer(
        "alerts",
        ["raised", "severity", "kind", "about", "state", "to", "applications", "acknowledged by", "mail"],
        _described(list(found.qs[:10_000]), user),
        lambda row: [
            row["alert"].raised_at,
            row["alert"].get_severity_display(),
            row["alert"].kind,
            row["heading"],
            row["alert"].get_state_display(),
            str(row["alert"].team or row["alert"].user),
            listed([name for name, _ in row["applications"]], most=1000),
            str(row["alert"].acknowledged_by or ""),
            row["alert"].delivery.message_id if row["alert"].delivery else "",
        ],
    )


@require_POST
def acknowledge_alert(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    alert = get_object_or_404(alerts_of(user), pk=pk)
    actions.acknowledge_alert(alert=alert, by=user)
    messages.success(request, "Acknowledged.")
    back = request.POST.get("back", "")
    return redirect(back if back.startswith("/alerts/") else reverse("alerts"))


@require_safe
def delivery_list(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    found = DeliveryFilter(request.GET, deliveries_of(user), request=request)
    listing = Listing(request, found.qs)
    visible = Delivery.objects.visible_to(user).order_by()
    failed, waiting = (visible.filter(state=state).count() for state in (Delivery.State.FAILED, Delivery.State.QUEUED))
    return page(
        request,
        "alerts/deliveries.html",
        fragment="listing",
        title="Deliveries",
        counts="Mails owed, each once",
        sentence=_ledger_sentence(listing, failed, waiting),
        filters=filters(request, found, [Control("state", "State", choices=Delivery.State.choices)]),
        listing=listing,
    )


def _ledger_sentence(listing: Listing[Delivery], failed: int, waiting: int) -> Sentence:
    if listing.n_found == 0 and not listing.is_filtered:
        return Sentence("No mail has been owed yet.")
    queue = f"; {counted(waiting, 'waits', 'wait')} to be sent" if waiting else ""
    if failed:
        return Sentence("", f"{counted(failed, 'mail').capitalize()} failed", f"{queue}.")
    return Sentence(f"Every mail that was due went out{queue}.")


@require_safe
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    this = get_object_or_404(deliveries_of(user), pk=pk)
    alerts = list(alerts_of(user).filter(delivery=this))
    return page(
        request,
        "alerts/delivery.html",
        title=this.subject,
        crumbs=(("Deliveries", reverse("deliveries")),),
        counts="One mail",
        delivery=this,
        sentence=Sentence(f"{this.subject}."),
        rows=_described(alerts, user),
    )


@require_safe
def delivery_csv(request: HttpRequest) -> StreamingHttpResponse:
    found = DeliveryFilter(request.GET, deliveries_of(signed_in(request)), request=request)
    return csv_answer(
        "deliveries",
        ["created", "to", "state", "subject", "attempts", "due", "sent", "reason", "message id"],
        found.qs.iterator(chunk_size=2000),
        lambda row: [
            row.created_at,
            row.address,
            row.get_state_display(),
            row.subject,
            row.attempts,
            row.due_at,
            row.sent_at,
            row.reason,
            row.message_id,
        ],
    )


@require_POST
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Try a failed mail again, under its old Message-ID."""
    user = signed_in(request)
    this = get_object_or_404(deliveries_of(user), pk=pk)
    if actions.requeue_delivery(delivery=this, at=now(), by=user):
        messages.success(request, "It is queued again.")
    else:
        messages.error(request, "Only a failed mail is sent again.")
    return redirect("delivery", pk=pk)
