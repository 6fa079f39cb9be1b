"""Alert rules of the organisation, which all users can view, and its webhooks."""

from datetime import datetime
from typing import Any

from django import forms
from django.db import IntegrityError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Team
from apps.alerts.delivery.webhooks import OLD_SECRET_DURATION, queue_test_request, webhook_secret
from apps.alerts.models import (
    KINDS,
    Alert,
    AlertPolicy,
    AlertSettings,
    Channel,
    Delivery,
    Webhook,
)
from apps.alerts.preferences import (
    change_alert_policy,
    change_alert_settings,
    save_webhook,
)
from apps.common.errors import DomainError
from apps.common.time import now
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import QuickSelect, governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts.presenters import all_kind_groups
from apps.web.wording import count_of

MAX_REMINDER_DAYS = 3650
MAX_HOURS = 24 * 366
MAX_REMINDERS = 20
_WEBHOOKS = "You need the governance or administrator role to change webhooks."


class DaysField(forms.CharField):
    """Field of days before a date, as `180, 90, 0`: whole numbers, stored in descending order and
    each once."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 200)
        kwargs.setdefault(
            "help_text",
            "Whole days before the date, separated by commas; 0 is the date itself. Empty: never.",
        )
        super().__init__(
            required=False, widget=forms.TextInput(attrs={"inputmode": "text"}), **kwargs
        )

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(n) for n in value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        entries = str(value or "").replace(";", ",").replace(" ", ",").split(",")
        days = []
        for entry in filter(None, entries):
            if (
                not (entry.isascii() and entry.isdecimal())
                or len(entry) > 5
                or int(entry) > MAX_REMINDER_DAYS
            ):
                raise forms.ValidationError(
                    f"'{entry}' is not a number of days between 0 and {MAX_REMINDER_DAYS:,}. Use "
                    "a list such as 180, 90, 30, 0."
                )
            days.append(int(entry))
        if len(set(days)) > MAX_REMINDERS:
            raise forms.ValidationError(f"Enter at most {MAX_REMINDERS} reminders.")
        return sorted(set(days), reverse=True)

    def validate(self, value: Any) -> None:
        """Do nothing: `to_python` has validated the value; the length of a list is not that of a
        text."""

    def run_validators(self, value: Any) -> None:
        """Do nothing, for the same reason."""


def _hours_field(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=MAX_HOURS,
        help_text=help_text,
        error_messages={
            "invalid": "Enter a number of hours, or leave the field empty for never.",
            "min_value": "Enter at least one hour, or leave the field empty for never.",
            "max_value": "Enter at most one year, or leave the field empty for never.",
        },
    )


class AlertPolicyForm(forms.Form):
    milestones = DaysField(label="Reminders before a retirement")
    soft_milestones = DaysField(label="Reminders before an earliest retirement")
    escalate_team_hours = _hours_field(
        "Team's owners after", "Hours without a response. Empty: never."
    )
    escalate_governance_hours = _hours_field("Governance after", "Further hours. Empty: never.")


class AlertSettingsForm(forms.Form):
    price_percent = forms.IntegerField(
        label="Price changes, in percent",
        min_value=0,
        max_value=1000,
        help_text="Changes of at least this percentage raise an alert.",
    )
    price_monthly_usd = forms.IntegerField(
        label="Price changes per month, in USD",
        min_value=0,
        max_value=1_000_000_000,
        help_text="Changes of at least this amount for one team raise an alert.",
    )
    expiry_milestones = DaysField(
        label="Reminders before acceptances, tests, waivers and approvals expire"
    )
    review_milestones = DaysField(label="Reminders before reviews and treatments are due")
    escalate_from_severity = forms.TypedChoiceField(
        label="Lowest severity to escalate",
        choices=Alert.SEVERITIES,
        coerce=int,
        help_text="Alerts below this severity are not escalated.",
    )


class WebhookForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=100,
        error_messages={"required": "Enter a name. It appears in the delivery log."},
    )
    url = forms.URLField(
        label="URL",
        max_length=500,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "Enter the URL to which alerts are sent.",
            "invalid": "Enter a URL such as https://hooks.example.org/registry.",
        },
    )
    team = forms.ChoiceField(
        label="Team",
        required=False,
        help_text="Only alerts of this team and its sub-teams.",
        widget=QuickSelect,
    )
    kinds = forms.MultipleChoiceField(required=False, choices=list(KINDS.items()))
    min_severity = forms.TypedChoiceField(
        label="Lowest severity", choices=Alert.SEVERITIES, coerce=int, initial=1
    )
    enabled = forms.BooleanField(label="Enabled", required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["team"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", "All teams"),
            *Team.objects.order_by("name").values_list("slug", "name"),
        ]

    def apply_to(self, webhook: Webhook) -> Webhook:
        cleaned = self.cleaned_data
        webhook.name, webhook.url = cleaned["name"], cleaned["url"]
        webhook.team = Team.objects.get(slug=cleaned["team"]) if cleaned["team"] else None
        webhook.kinds, webhook.min_severity = cleaned["kinds"], cleaned["min_severity"]
        webhook.enabled = cleaned["enabled"]
        return webhook

    @property
    def groups(self) -> list[dict[str, Any]]:
        return all_kind_groups(self["kinds"].value() or [])


# --- lines ----------------------------------------------------------------------------------------


@require_safe
def alert_settings(request: HttpRequest) -> HttpResponse:
    return _render_settings(request)


def _render_settings(
    request: HttpRequest,
    *,
    policy_form: AlertPolicyForm | None = None,
    criticality: int | None = None,
    settings_form: AlertSettingsForm | None = None,
) -> HttpResponse:
    """Render the page of alert rules. `policy_form` is the invalid form of the policy of
    `criticality`, `settings_form` that of the organisation's settings; None means no invalid
    input."""
    user = signed_in_user(request)
    settings_row = AlertSettings.objects.get(pk=1)
    policies = [
        (
            policy,
            policy_form
            if policy_form is not None and policy.criticality == criticality
            else _policy_form(policy),
        )
        for policy in AlertPolicy.objects.visible_to(user)
    ]
    channels = Webhook.objects.filter(
        Q(pk__in=Webhook.objects.visible_to(user).values("pk"))
        | Q(pk__in=Channel.objects.visible_to(user).values("pk"))
    ).select_related("team", "person")
    return render_page(
        request,
        "alerts/settings.html",
        title="Alert rules",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Rules of the whole organisation",
        sentence=_build_headline([policy for policy, _ in policies]),
        policies=policies,
        settings_row=settings_row,
        lines=settings_form
        or AlertSettingsForm(
            initial={name: getattr(settings_row, name) for name in AlertSettingsForm.base_fields}
        ),
        hooks=[(webhook, _describe_kinds(webhook)) for webhook in channels],
        may_change=user.is_governance,
    )


def _policy_form(policy: AlertPolicy, data: Any = None) -> AlertPolicyForm:
    return AlertPolicyForm(
        data,
        auto_id=f"policy-{policy.criticality}-%s",
        initial={name: getattr(policy, name) for name in AlertPolicyForm.base_fields},
    )


def _build_headline(policies: list[AlertPolicy]) -> Headline:
    """Return the headline about critical applications: their reminders and their escalation."""
    critical_policy = policies[0]
    if not critical_policy.milestones:
        return Headline("Owners of critical applications get no reminders before a retirement.")
    earlier_reminders = ", ".join(str(n) for n in critical_policy.milestones[:-1])
    last_reminder = critical_policy.milestones[-1]
    reminders = (
        f"{earlier_reminders} and {last_reminder}" if earlier_reminders else str(last_reminder)
    )
    n_hours = critical_policy.escalate_team_hours
    escalation_sentence = (
        f" Alerts without a response are escalated after {count_of(n_hours, 'hour')}."
        if n_hours
        else " Alerts without a response are not escalated."
    )
    return Headline(
        f"Owners of critical applications are notified {reminders} days before a model retires."
        f"{escalation_sentence}"
    )


def _describe_kinds(webhook: Webhook) -> str:
    if not webhook.kinds:
        return "all types"
    return (
        KINDS.get(webhook.kinds[0], webhook.kinds[0])
        if len(webhook.kinds) == 1
        else f"{len(webhook.kinds)} types"
    )


@require_POST
def save_policy(request: HttpRequest, criticality: int) -> HttpResponse:
    """Save the days and hours of applications of one criticality."""
    policy = get_object_or_404(AlertPolicy, criticality=criticality)
    user = governance_user(
        request, "You need the governance or administrator role to change alert rules."
    )
    return action_view(
        request,
        form=lambda: _policy_form(policy, request.POST),
        action=lambda form: change_alert_policy(policy=policy, by=user, **form.cleaned_data),
        done=lambda _: f"Rules for {policy.get_criticality_display().lower()} applications saved.",
        back=reverse("alert-settings:detail"),
        page=lambda form: _render_settings(request, policy_form=form, criticality=criticality),
    )


@require_POST
def save_settings(request: HttpRequest) -> HttpResponse:
    user = governance_user(
        request, "You need the governance or administrator role to change alert rules."
    )
    return action_view(
        request,
        form=lambda: AlertSettingsForm(request.POST),
        action=lambda form: change_alert_settings(by=user, **form.cleaned_data),
        done=lambda _: "Alert rules saved.",
        back=reverse("alert-settings:detail"),
        page=lambda form: _render_settings(request, settings_form=form),
    )


# --- webhooks -------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def add_webhook(request: HttpRequest) -> HttpResponse:
    user = governance_user(request, _WEBHOOKS)
    return _edit_webhook(request, Webhook(created_by=user))


@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one webhook with its configuration and latest deliveries; governance can change it."""
    webhook = _get_webhook(request, pk)
    if request.method == "POST":
        governance_user(request, _WEBHOOKS)
    return _edit_webhook(request, webhook)


def _get_webhook(request: HttpRequest, pk: int) -> Webhook:
    return get_object_or_404(
        Webhook.objects.visible_to(request.user).select_related("team", "created_by"), pk=pk
    )


def _edit_webhook(request: HttpRequest, webhook: Webhook) -> HttpResponse:
    """Show the form of the webhook, and save it on POST; errors are shown in the form."""
    is_new = webhook.pk is None

    def build_form() -> WebhookForm:
        if request.method == "POST":
            return WebhookForm(request.POST)
        return WebhookForm(initial=_initial_data(webhook))

    def save(form: WebhookForm) -> None:
        try:
            save_webhook(webhook=form.apply_to(webhook), by=signed_in_user(request))
        except IntegrityError:
            raise DomainError(
                "Another webhook has this name. Enter a different name.", field="name"
            ) from None

    return action_view(
        request,
        form=build_form,
        action=save,
        done=lambda _: (
            "Webhook saved. Copy its secret to the receiver, then send a test request."
            if is_new
            else "Webhook saved."
        ),
        back=lambda _: reverse("webhooks:detail", args=[webhook.pk]),
        page=lambda form: _render_webhook(request, form, webhook),
    )


def _initial_data(webhook: Webhook) -> dict[str, Any]:
    return {
        "name": webhook.name,
        "url": webhook.url,
        "team": webhook.team.slug if webhook.team is not None else "",
        "kinds": webhook.kinds,
        "min_severity": webhook.min_severity,
        "enabled": webhook.enabled,
    }


def _render_webhook(request: HttpRequest, form: WebhookForm, webhook: Webhook) -> HttpResponse:
    """Render the page of the webhook. It can contain a new secret, so it is not cached."""
    user = signed_in_user(request)
    saved_webhook = (
        Webhook.objects.filter(pk=webhook.pk).first() if webhook.pk is not None else None
    )
    response = render_page(
        request,
        "alerts/webhook.html",
        title=saved_webhook.name if saved_webhook is not None else "New webhook",
        crumbs=(
            ("Settings", reverse("settings:home")),
            ("Alert rules", reverse("alert-settings:detail")),
        ),
        counts="One URL",
        sentence=_webhook_sentence(saved_webhook),
        form=form,
        hook=saved_webhook,
        may_change=user.is_governance,
        secret=webhook_secret(saved_webhook)
        if saved_webhook is not None and user.is_governance
        else "",
        deliveries=Delivery.objects.filter(webhook=saved_webhook).order_by("-created_at", "-pk")[
            :10
        ]
        if saved_webhook
        else [],
    )
    # the page shows the secret, so it must not be cached
    response["Cache-Control"] = "no-store"
    return response


def _webhook_sentence(webhook: Webhook | None) -> Headline:
    if webhook is None:
        return Headline("A webhook posts alerts to your URL as signed JSON.")
    if not webhook.enabled:
        return Headline(f"{webhook.name} is disabled: no alerts are posted to it.")
    return Headline(
        f"{webhook.name} receives alerts as signed JSON, 1 minute after they are raised."
    )


@require_POST
def rotate_webhook_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Rotate the secret. The old secret stays valid for a day unless the form says that it
    `leaked`."""
    webhook = _get_webhook(request, pk)
    if request.POST.get("leaked"):
        message = (
            "The secret was rotated. The receiver rejects all requests until it has the new secret."
        )
        return _save_webhook(request, webhook, message, new_secret=True)
    message = (
        "The secret was rotated. The old secret stays valid for 1 day. "
        "Copy the new one to the receiver before then."
    )
    old_until = now() + OLD_SECRET_DURATION
    return _save_webhook(request, webhook, message, new_secret=True, old_until=old_until)


@require_POST
def toggle_webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """Enable a disabled webhook, or disable an enabled one."""
    webhook = _get_webhook(request, pk)
    webhook.enabled = not webhook.enabled
    return _save_webhook(
        request, webhook, f"{webhook.name} was {'enabled' if webhook.enabled else 'disabled'}."
    )


def _save_webhook(
    request: HttpRequest,
    webhook: Webhook,
    message: str,
    *,
    new_secret: bool = False,
    old_until: datetime | None = None,
) -> HttpResponse:
    """Save the webhook and return to its page. `new_secret`: show its secret once; `old_until`:
    the time until which the old one is also valid."""
    user = governance_user(request, _WEBHOOKS)
    return action_view(
        request,
        action=lambda _: save_webhook(
            webhook=webhook, by=user, new_secret=new_secret, old_until=old_until
        ),
        done=lambda _: message,
        back=reverse("webhooks:detail", args=[webhook.pk]),
    )


@require_POST
def test_webhook(request: HttpRequest, pk: int) -> HttpResponse:
    webhook = _get_webhook(request, pk)
    user = governance_user(request, _WEBHOOKS)
    return action_view(
        request,
        action=lambda _: queue_test_request(webhook=webhook, by=user, at=now()),
        done=lambda _: "A test request was queued. Its result appears below.",
        back=reverse("webhooks:detail", args=[pk]),
    )
