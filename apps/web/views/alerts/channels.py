"""Channels of alerts beside email: the list, one channel with its settings, credentials and latest
messages."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Team, User
from apps.alerts.channels.changes import (
    channel_teams,
    may_manage_channel,
    queue_test_message,
    save_channel,
)
from apps.alerts.channels.services import SERVICES, ServiceSettings
from apps.alerts.models import (
    KINDS,
    Alert,
    Channel,
    ChannelCredential,
    ChannelService,
    Delivery,
    Webhook,
)
from apps.common.time import now
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import QuickSelect, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts.presenters import all_kind_groups

MAX_MESSAGES = 10
_PERSONAL = "me"
_ROLE_PREFIX, _TEAM_PREFIX = "role:", "team:"


class ChannelForm(forms.Form):
    """Settings of a channel of one service. Secrets are only written: an empty field keeps the
    stored one."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        error_messages={"required": "Enter a name. It appears in the delivery log."},
    )
    owner = forms.ChoiceField(
        label="Owner",
        help_text="The channel receives what its owner can view. You receive your own "
        "notifications in your own channel.",
        widget=QuickSelect,
        error_messages={"required": "Select an owner."},
    )
    destination = forms.CharField(required=False, max_length=80)
    kinds = forms.MultipleChoiceField(required=False, choices=list(KINDS.items()))
    min_severity = forms.TypedChoiceField(
        label="Lowest severity", choices=Alert.SEVERITIES, coerce=int, initial=3
    )
    enabled = forms.BooleanField(label="Enabled", required=False, initial=True)

    def __init__(
        self, *args: Any, user: User, channel: Webhook, service: ServiceSettings, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.service = service
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ChoiceField)
        owner.choices = _owner_choices(user, channel)
        if not service.destination_label:
            del self.fields["destination"]
        elif service.destination_choices:
            self.fields["destination"] = forms.ChoiceField(
                label=service.destination_label,
                help_text=service.destination_help,
                choices=list(service.destination_choices.items()),
            )
        else:
            field = self.fields["destination"]
            field.label, field.help_text = service.destination_label, service.destination_help
        for secret in service.secrets:
            self.fields[secret.name] = forms.CharField(
                label=secret.label,
                required=False,
                max_length=2000,
                help_text=f"{secret.help} Encrypted, and never shown again."
                + (" Leave empty to keep the stored one." if channel.pk else ""),
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
            )

    def apply_to(self, channel: Webhook) -> Webhook:
        cleaned = self.cleaned_data
        channel.name = cleaned["name"]
        channel.destination = cleaned.get("destination", "")
        channel.kinds, channel.min_severity = cleaned["kinds"], cleaned["min_severity"]
        channel.enabled = cleaned["enabled"]
        return channel

    @property
    def secret_values(self) -> dict[str, str]:
        return {
            secret.name: self.cleaned_data.get(secret.name, "") for secret in self.service.secrets
        }

    @property
    def secret_fields(self) -> list[Any]:
        return [self[secret.name] for secret in self.service.secrets]

    @property
    def groups(self) -> list[dict[str, Any]]:
        return all_kind_groups(self["kinds"].value() or [])


def _owner_choices(user: User, channel: Webhook) -> list[tuple[str, str]]:
    if channel.person_id is not None:
        return [(_PERSONAL, "Me")]
    choices = [(f"{_TEAM_PREFIX}{team.slug}", team.name) for team in channel_teams(user)]
    if user.is_governance:
        choices += [(f"{_ROLE_PREFIX}{role}", label) for role, label in Webhook.Role.choices]
    if channel._state.adding:
        choices.append((_PERSONAL, "Me"))
    return choices


def _owner_value(channel: Webhook) -> str:
    if channel.person_id is not None:
        return _PERSONAL
    if channel.team is not None:
        return f"{_TEAM_PREFIX}{channel.team.slug}"
    return f"{_ROLE_PREFIX}{channel.role}" if channel.role else ""


def _set_owner(channel: Webhook, value: str, user: User) -> None:
    channel.team, channel.person, channel.role = None, None, ""
    if value == _PERSONAL:
        channel.person = user
    elif value.startswith(_ROLE_PREFIX):
        channel.role = value.removeprefix(_ROLE_PREFIX)
    else:
        channel.team = Team.objects.get(slug=value.removeprefix(_TEAM_PREFIX))


@require_safe
def choose_service(request: HttpRequest) -> HttpResponse:
    """Show the services with the permission that each needs."""
    return render_page(
        request,
        "alerts/channel-services.html",
        title="New channel",
        crumbs=_crumbs(),
        counts="Three services beside email and webhooks",
        sentence=Headline("A channel sends alerts where a team or a person already works."),
        services=list(SERVICES.items()),
        may_add_webhook=signed_in_user(request).is_governance,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def add_channel(request: HttpRequest, service: str) -> HttpResponse:
    if service not in SERVICES:
        raise Http404
    user = signed_in_user(request)
    channel = Webhook(
        service=service, created_by=user, min_severity=5 if service == "pagerduty" else 3
    )
    return _edit_channel(request, channel)


@require_http_methods(["GET", "HEAD", "POST"])
def channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one channel with its settings and latest messages; its owners can change it."""
    row = _get_channel(request, pk)
    if request.method == "POST" and not may_manage_channel(signed_in_user(request), row):
        raise PermissionDenied(_permission_sentence(row))
    return _edit_channel(request, row)


def _get_channel(request: HttpRequest, pk: int) -> Webhook:
    found: Webhook = get_object_or_404(
        Channel.objects.visible_to(request.user).select_related("team", "person", "created_by"),
        pk=pk,
    )
    return found


def _permission_sentence(row: Webhook) -> str:
    if row.team is not None:
        return f"You need the owner role on {row.team} to change its channels."
    if row.person_id is not None:
        return "Only its owner can change the channel of a user."
    return "You need the governance or administrator role to change channels of the organisation."


def _edit_channel(request: HttpRequest, row: Webhook) -> HttpResponse:
    """Show the form of the channel, and save it on POST; errors are shown in the form."""
    user = signed_in_user(request)
    is_new = row.pk is None
    service = SERVICES[row.service]

    def build_form() -> ChannelForm:
        if request.method == "POST":
            return ChannelForm(request.POST, user=user, channel=row, service=service)
        return ChannelForm(
            initial={
                "name": row.name,
                "owner": _owner_value(row),
                "destination": row.destination,
                "kinds": row.kinds,
                "min_severity": row.min_severity,
                "enabled": row.enabled,
            },
            user=user,
            channel=row,
            service=service,
        )

    def save(form: ChannelForm) -> None:
        _set_owner(row, form.cleaned_data["owner"], user)
        save_channel(
            channel=form.apply_to(row), by=user, at=now(), secret_values=form.secret_values
        )

    return action_view(
        request,
        form=build_form,
        action=save,
        done=lambda _: "Channel saved. Send a test message." if is_new else "Channel saved.",
        back=lambda _: reverse("channels:detail", args=[row.pk]),
        page=lambda form: _render_channel(request, form, row),
    )


def _render_channel(request: HttpRequest, form: ChannelForm, row: Webhook) -> HttpResponse:
    user = signed_in_user(request)
    saved = (
        Webhook.objects.filter(pk=row.pk).select_related("team", "person").first()
        if row.pk is not None
        else None
    )
    service = SERVICES[row.service]
    response = render_page(
        request,
        "alerts/channel.html",
        title=saved.name if saved is not None else f"New channel: {service.label}",
        crumbs=_crumbs(),
        counts=service.label,
        sentence=_channel_sentence(saved, service),
        form=form,
        service=service,
        channel=saved,
        credential=ChannelCredential.objects.filter(channel=saved).first() if saved else None,
        may_change=saved is None or may_manage_channel(user, saved),
        request_url=f"{settings.PUBLIC_URL}{reverse('slack-requests:receive')}"
        if row.service == ChannelService.SLACK
        else "",
        kinds=[KINDS.get(kind, kind) for kind in saved.kinds] if saved else [],
        deliveries=Delivery.objects.filter(webhook=saved)
        .defer("body_text", "body_html")
        .order_by("-created_at", "-pk")[:MAX_MESSAGES]
        if saved
        else [],
    )
    response["Cache-Control"] = "no-store"
    return response


def _channel_sentence(row: Webhook | None, service: ServiceSettings) -> Headline:
    if row is None:
        return Headline(f"A channel posts alerts to {service.label} and lists each message.")
    if not row.enabled:
        return Headline(f"{row.name} is disabled: no alerts are sent to it.")
    if row.person_id is not None:
        return Headline(f"{row.name} receives the notifications of {row.person}.")
    return Headline(f"{row.name} receives alerts that {row.owner} can view.")


def _crumbs() -> tuple[tuple[str, str], ...]:
    return (
        ("Settings", reverse("settings:home")),
        ("Alert rules", reverse("alert-settings:detail")),
    )


@require_POST
def toggle_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Enable a disabled channel, or disable an enabled one."""
    row = _get_channel(request, pk)
    row.enabled = not row.enabled
    return action_view(
        request,
        action=lambda _: save_channel(channel=row, by=signed_in_user(request), at=now()),
        done=lambda _: f"{row.name} was {'enabled' if row.enabled else 'disabled'}.",
        back=reverse("channels:detail", args=[pk]),
    )


@require_POST
def test_channel(request: HttpRequest, pk: int) -> HttpResponse:
    row = _get_channel(request, pk)
    return action_view(
        request,
        action=lambda _: queue_test_message(channel=row, by=signed_in_user(request), at=now()),
        done=lambda _: "A test message was queued. Its result appears below within a minute.",
        back=reverse("channels:detail", args=[pk]),
    )
