"""Alert inbox: open alerts, filtered and sorted, and bulk responses to them."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from apps.accounts.models import Team
from apps.alerts.delivery.status import RecipientList
from apps.alerts.filters import AlertFilter
from apps.alerts.lifecycle.responses import AlertResponse
from apps.alerts.models import KINDS, Alert, AlertQuerySet
from apps.alerts.queries import visible_alerts
from apps.catalog.models import Provider
from apps.common.errors import DomainError
from apps.common.time import day_of, now
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import MAX_COUNTED_ROWS
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline
from apps.web.views.alerts import responses
from apps.web.views.alerts.forms import ResolveForm, SnoozeForm
from apps.web.views.alerts.presenters import SNOOZES, AlertRow, present_alerts, recipient_name
from apps.web.views.undo import return_path
from apps.web.wording import join_names, number

WITHIN = ((7, "7 days"), (14, "14 days"), (30, "30 days"), (90, "90 days"), (180, "180 days"))


def _name_applications(row: AlertRow) -> str:
    return join_names([name for name, _ in row.applications], max_names=1000)


def _describe_recipients(recipients: RecipientList) -> str:
    """Return the recipients of an alert with what became of each message."""
    names = "; ".join(f"{recipient.name}: {recipient.outcome}" for recipient in recipients.named)
    return f"{names}; {recipients.n_more} more" if recipients.n_more else names


class AlertList(ListPage[Alert, AlertRow]):
    """Alerts of the user and of the teams of the user, by the filters of the URL; by default those
    that need a response. The page draws each as a message."""

    namespace = "alerts"
    title = "Alerts"
    nouns = ("alert", "alerts")
    counts = "Alerts of your teams and your own"
    filterset_class = AlertFilter
    columns = (
        Column[AlertRow](
            "severity",
            "Severity",
            lambda row: row.alert.get_severity_display(),
            order=("-severity", "-raised_at", "-pk"),
        ),
        Column[AlertRow](
            "due", "Due", attrgetter("alert.due_on"), order=("due_on", "-severity", "-pk")
        ),
        Column[AlertRow](
            "raised", "Raised", attrgetter("alert.raised_at"), order=("-raised_at", "-pk")
        ),
        Column[AlertRow]("alert", "Alert", attrgetter("heading")),
        Column[AlertRow]("recipient", "Recipient", lambda row: recipient_name(row.alert)),
        Column[AlertRow]("state", "State", lambda row: row.alert.get_state_display()),
    )
    file_columns = (
        FileColumn[AlertRow]("Type", lambda row: KINDS.get(row.alert.kind, row.alert.kind)),
        FileColumn[AlertRow]("Days left", attrgetter("days_left")),
        FileColumn[AlertRow]("Assigned to", lambda row: str(row.alert.assigned_to or "")),
        FileColumn[AlertRow]("Applications", _name_applications),
        FileColumn[AlertRow]("Acknowledged by", lambda row: str(row.alert.acknowledged_by or "")),
        FileColumn[AlertRow]("Snoozed until", attrgetter("alert.snoozed_until")),
        FileColumn[AlertRow]("Resolution", attrgetter("alert.resolution_sentence")),
        FileColumn[AlertRow]("Notified", lambda row: _describe_recipients(row.told)),
        FileColumn[AlertRow]("Address", lambda row: reverse("alerts:detail", args=[row.alert.pk])),
    )
    default_filters = {"state": Alert.State.OPEN.value}
    default_order = ("severity", ())
    page_size = 30
    is_table = False
    listing_template = "alerts/listing.html"
    bulk_template = "alerts/bulk.html"

    def get_queryset(self) -> AlertQuerySet:
        return visible_alerts(self.user)

    def build_rows(self, records: Sequence[Alert]) -> Sequence[AlertRow]:
        return present_alerts(records, self.user, on=self.today)

    def get_controls(self) -> Sequence[FilterControl]:
        providers = Provider.objects.order_by("name").values_list("slug", "name")
        teams = Team.objects.visible_to(self.user).values_list("slug", "name")
        return (
            FilterControl("state", "State", choices=Alert.State.choices),
            FilterControl("mine", "Owner", choices=[("true", "Mine"), ("false", "Not mine")]),
            FilterControl("kind", "Type", choices=list(KINDS.items())),
            FilterControl("severity", "Severity", choices=Alert.SEVERITIES),
            FilterControl("due_within", "Due within", choices=WITHIN),
            FilterControl("team", "Team", choices=list(teams)),
            FilterControl("provider", "Provider", choices=list(providers)),
        )

    def get_selection_key(self, row: AlertRow) -> str:
        return str(row.alert.pk) if row.may_answer else ""

    def get_lead(self) -> Headline:
        """Count what the filters leave; without any, the alerts that need a response."""
        bounded = self.queryset.order_by()[: MAX_COUNTED_ROWS + 1]
        counts = bounded.aggregate(n=Count("pk"), n_severe=Count("pk", filter=Q(severity__gte=4)))
        n, n_severe = counts["n"], counts["n_severe"]
        if n == 0:
            return Headline(
                "No alerts match the filters." if self.is_filtered else "No alert needs a response."
            )
        count = f"More than {MAX_COUNTED_ROWS:,}" if n > MAX_COUNTED_ROWS else number(n)
        if self.is_filtered:
            start = f"{count} {'alert matches' if n == 1 else 'alerts match'} the filters"
        else:
            start = f"{count} {'alert needs' if n == 1 else 'alerts need'} a response"
        if not n_severe:
            return Headline(f"{start}.")
        verb = "is" if n_severe == 1 else "are"
        return Headline(f"{start}. ", f"{number(n_severe)} {verb} urgent or high", ".")

    def get_basis(self) -> str:
        return format_html(
            'Alerts notify of issues. <a href="{}">Work</a> lists each issue once, with its owner '
            "and state.",
            reverse("issues:list"),
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No alert needs a response.",
            "An alert notifies you of an issue: by email, and in this list. Issues and their "
            "owners are in Work. For earlier alerts, select another state.",
            "Set notification preferences",
            reverse("subscriptions:list"),
        )

    def get_context(self) -> Mapping[str, Any]:
        return {"snoozes": SNOOZES}


# --- bulk responses -------------------------------------------------------------------------------

_DESCRIPTIONS = {
    AlertResponse.ACKNOWLEDGE: "acknowledged",
    AlertResponse.RESOLVE: "resolved",
    AlertResponse.REOPEN: "reopened",
    AlertResponse.UNDO: "restored",
}


@require_POST
def bulk_respond(request: HttpRequest) -> HttpResponse:
    """Acknowledge, snooze, resolve or reopen the selected alerts. The URL of an undo names them."""
    user, at = signed_in_user(request), now()
    data = request.POST if "action" in request.POST else request.GET
    action = data.get("action", "")
    ids = [int(pk) for pk in data.getlist("pick") if pk.isdecimal() and len(pk) < 18]

    def build_form() -> forms.Form:
        if action == AlertResponse.SNOOZE:
            return SnoozeForm(data, on=day_of(at))
        return ResolveForm(data) if action == AlertResponse.RESOLVE else forms.Form(data)

    def respond(form: forms.Form) -> responses.ResponseOutcome:
        alerts = list(visible_alerts(user).filter(pk__in=ids[: responses.MAX_ALERTS_AT_A_TIME]))
        if not alerts:
            raise DomainError("Select at least one alert.")
        if action not in {*_DESCRIPTIONS, AlertResponse.SNOOZE}:
            raise DomainError("Select a response: acknowledge, snooze or resolve.")
        until = form.cleaned_data.get("until")
        return responses.respond(
            alerts,
            response := AlertResponse(action),
            description=responses.describe_snooze(until) if until else _DESCRIPTIONS[response],
            by=user,
            at=at,
            until=until,
            reason=form.cleaned_data.get("why", ""),
        )

    return action_view(
        request,
        form=build_form,
        action=respond,
        done=responses.confirm,
        back=return_path(request, reverse("alerts:list")),
    )
