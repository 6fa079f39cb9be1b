"""Notification preferences: email frequency, subscriptions and mutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts import actions
from apps.alerts.delivery.digest_requests import open_alerts_for, request_digest
from apps.alerts.delivery.schedule import DigestSchedule, next_window, time_zone_named
from apps.alerts.models import KINDS, Cadence, CalendarFeed, Mute, Subscription
from apps.alerts.preferences import (
    FEED_ROUTES,
    InvalidPreferenceError,
    create_calendar_feed,
    revoke_calendar_feed,
    set_preference,
)
from apps.alerts.unsubscribe_links import recipient_schedule
from apps.common.time import day_of, now
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import action_view
from apps.web.pages.flash_messages import flash_error
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts.presenters import WEEKDAYS
from apps.web.wording import count_of, join_names

# mailboxes that the page shows
MAX_MAILBOXES = 20
_CONTINENTS = {"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
_HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]
_WEEKDAYS = list(enumerate(WEEKDAYS))


@cache
def time_zones() -> Sequence[str]:
    """Return the time zones that the form suggests; any other one that the system supports can be
    typed."""
    return [
        "UTC",
        *sorted(name for name in available_timezones() if name.split("/")[0] in _CONTINENTS),
    ]


# --- how and when ---------------------------------------------------------------------------------


class PreferenceForm(forms.Form):
    """Form of notification preferences of one user or mailbox. A mailbox gets no empty digests."""

    cadence = forms.ChoiceField(
        label="Frequency", choices=Cadence.choices, widget=forms.RadioSelect
    )
    weekday = forms.TypedChoiceField(
        label="Day of the weekly digest", choices=_WEEKDAYS, coerce=int
    )
    hour = forms.TypedChoiceField(label="At", choices=_HOURS, coerce=int)
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        error_messages={"required": "Enter a time zone, such as Europe/Zurich."},
    )
    immediate = forms.BooleanField(
        label="Send urgent alerts immediately",
        required=False,
        help_text="Alerts of the severity Urgent whose date is too close for the next digest.",
    )
    heartbeat = forms.BooleanField(
        label="Send a digest even if nothing changed",
        required=False,
        help_text="A short email at the hour of your digest that states how many feeds are "
        "up to date.",
    )

    def __init__(self, *args: Any, is_person: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_person:
            del self.fields["heartbeat"]


@dataclass(frozen=True, slots=True)
class PreferencePanel:
    """Preferences of one email address: a sentence about its next email, and the form. `team` is
    None for the user's own address."""

    team: Team | None
    address: str
    form: PreferenceForm
    sentence: str
    url: str
    slug: str


def preference_panel(recipient: User | Team, at: datetime, data: Any = None) -> PreferencePanel:
    """Return the form of the preferences of a user or team mailbox, with the time of the next
    email. `data` are submitted values."""
    team = recipient if isinstance(recipient, Team) else None
    schedule = recipient_schedule(recipient)
    slug = team.slug if team is not None else ""
    form = PreferenceForm(
        data,
        is_person=team is None,
        auto_id=f"mail-{slug or 'me'}-%s",
        initial={
            "cadence": schedule.cadence,
            "weekday": schedule.weekday,
            "hour": schedule.hour,
            "immediate": schedule.immediate,
            "time_zone": schedule.time_zone,
            "heartbeat": schedule.heartbeat,
        },
    )
    url = (
        reverse("notification-preferences:edit-team", args=[slug])
        if slug
        else reverse("notification-preferences:edit")
    )
    return PreferencePanel(
        team, recipient.email, form, describe_next_email(schedule, recipient.email, at), url, slug
    )


def describe_next_email(schedule: DigestSchedule, address: str, at: datetime) -> str:
    """Return when the next email would be sent, in a sentence."""
    if not address:
        return "No email can be sent, because no email address is recorded."
    if schedule.cadence == Cadence.NEVER:
        return "No emails are sent. Alerts are shown on this site."
    if schedule.cadence == Cadence.AT_ONCE:
        return (
            "An email is sent one minute after each event. Events within that minute share one "
            "email."
        )
    if schedule.wants_only_urgent:
        return (
            "No digests are sent. Urgent alerts are sent immediately, and urgent reminders at "
            f"{schedule.hour:02}:00 {schedule.time_zone}. Other alerts are shown on this site only."
        )
    sent_at = next_window(schedule, at).astimezone(time_zone_named(schedule.time_zone))
    time_text = (
        f"{sent_at:%A} {sent_at.day} {sent_at:%B %Y} at {sent_at:%H:%M} {schedule.time_zone}"
    )
    condition = (
        "even if nothing changed" if schedule.heartbeat else "if an alert is pending by then"
    )
    urgent_sentence = (
        "Urgent alerts are sent immediately."
        if schedule.immediate
        else "Nothing is sent before that."
    )
    return f"The next digest is sent on {time_text}, {condition}. {urgent_sentence}"


def _save_preference(request: HttpRequest, recipient: User | Team) -> HttpResponse:
    """Save the preferences of the user or of a mailbox; errors are shown in their panel."""
    user, at = signed_in_user(request), now()
    panel = preference_panel(recipient, at, request.POST)
    team, list_url = panel.team, reverse("subscriptions:list")
    return action_view(
        request,
        form=lambda: panel.form,
        action=lambda form: set_preference(by=user, at=at, team=team, **form.cleaned_data),
        done=lambda _: (
            f"Preferences for the mailbox of {team.name} saved."
            if team is not None
            else "Notification preferences saved."
        ),
        back=list_url if team is None else url_with_query(list_url, team=panel.slug),
        page=lambda form: (
            _render_preferences(request, own_panel=panel)
            if team is None
            else _render_preferences(request, mailbox_panel=panel)
        ),
    )


@require_POST
def save_preference(request: HttpRequest) -> HttpResponse:
    """Save the user's own notification preferences."""
    return _save_preference(request, signed_in_user(request))


@require_POST
def save_team_preference(request: HttpRequest, slug: str) -> HttpResponse:
    """Save the notification preferences of a team's mailbox, for its owners."""
    team = get_object_or_404(Team.objects.visible_to(request.user), slug=slug)
    return _save_preference(request, team)


def _mailbox_panels(
    request: HttpRequest, user: User, at: datetime, submitted_panel: PreferencePanel | None
) -> list[PreferencePanel]:
    """Return panels of the mailboxes of teams that the user owns, and of the team in `?team=` if
    the user may change it. `submitted_panel` replaces the panel of its team."""
    owned_team_ids = [pk for pk, rank in user.team_roles().items() if rank >= TeamRole.OWNER.rank]
    teams = list(
        Team.objects.filter(pk__in=owned_team_ids)
        .exclude(email="")
        .order_by("name")[:MAX_MAILBOXES]
    )
    requested_team = Team.objects.filter(
        slug=submitted_panel.slug if submitted_panel is not None else request.GET.get("team", "")
    ).first()
    if (
        requested_team is not None
        and requested_team not in teams
        and user.may(TeamRole.OWNER, requested_team)
    ):
        teams.append(requested_team)
    return [
        submitted_panel
        if submitted_panel is not None and submitted_panel.slug == team.slug
        else preference_panel(team, at)
        for team in teams
    ]


# --- the page -------------------------------------------------------------------------------------


@require_safe
def preference_page(request: HttpRequest) -> HttpResponse:
    return _render_preferences(request)


def _render_preferences(
    request: HttpRequest,
    *,
    own_panel: PreferencePanel | None = None,
    mailbox_panel: PreferencePanel | None = None,
    secret: str = "",
    kind: str = CalendarFeed.Kind.CALENDAR,
) -> HttpResponse:
    """Render the page of preferences. A panel with errors replaces the stored one. `secret` is that
    of a new private URL, shown once, so the page is not cached then."""
    user, at = signed_in_user(request), now()
    today = day_of(at)
    own_panel = own_panel or preference_panel(user, at)
    feeds = CalendarFeed.objects.visible_to(user).filter(revoked_at=None)
    response = render_page(
        request,
        "alerts/subscriptions.html",
        title="Notification preferences",
        counts="Your preferences, and those of the mailboxes of your teams",
        as_of=at,
        sentence=Headline(own_panel.sentence),
        own=own_panel,
        mailboxes=_mailbox_panels(request, user, at, mailbox_panel),
        without_mailbox=_teams_without_mailbox(user),
        zones=time_zones(),
        subscriptions=[(row, describe_subscription(row)) for row in _list_subscriptions(user)],
        mutes=[
            (row, describe_mute(row), _can_unmute(user, row))
            for row in _list_active_mutes(user, today)
        ],
        n_open=open_alerts_for(user).order_by()[:1000].count(),
        feeds=feeds,
        kinds=CalendarFeed.Kind.choices,
        secret_address=settings.PUBLIC_URL + reverse(FEED_ROUTES[kind], args=[secret])
        if secret
        else "",
    )
    if secret:
        response["Cache-Control"] = "no-store"
    return response


def _teams_without_mailbox(user: User) -> list[str]:
    owned_team_ids = [pk for pk, rank in user.team_roles().items() if rank >= TeamRole.OWNER.rank]
    teams = Team.objects.filter(pk__in=owned_team_ids, email="").order_by("name")
    return list(teams.values_list("name", flat=True)[:MAX_MAILBOXES])


def _list_subscriptions(user: User) -> list[Subscription]:
    subscriptions = Subscription.objects.visible_to(user).select_related(
        "provider", "foundation", "team"
    )
    return list(subscriptions.fetch_mode(models.FETCH_RAISE))


def describe_subscription(subscription: Subscription) -> str:
    """Describe a subscription: `Announced and retired, of Anthropic, severity medium and above, due
    within 90 days.`"""
    kinds = (
        join_names([KINDS.get(kind, kind).lower() for kind in subscription.kinds], max_names=6)
        or "everything"
    )
    clauses = [f"{kinds[:1].upper()}{kinds[1:]}"]
    clauses += [
        f"of {subject}"
        for subject in (subscription.provider, subscription.foundation)
        if subject is not None
    ]
    if subscription.team is not None:
        clauses.append(f"of {subscription.team} and the teams below it")
    if subscription.min_severity > 1:
        clauses.append(f"severity {subscription.get_min_severity_display().lower()} and above")
    if subscription.max_days_left is not None:
        clauses.append(f"due within {count_of(subscription.max_days_left, 'day')}")
    return ", ".join(clauses) + "."


# --- mutes ----------------------------------------------------------------------------------------


def _list_active_mutes(user: User, today: date) -> list[Mute]:
    """Return the active mutes of the user and of the mailboxes of the user's teams."""
    for_mailboxes = models.Q(team__in=user.team_roles())
    return list(
        Mute.objects.filter(models.Q(user=user) | for_mailboxes, lifted_at=None, until__gt=today)
        .select_related("team", "provider", "offering__host", "application", "created_by")
        .order_by("until", "pk")
        .fetch_mode(models.FETCH_RAISE)[:100]
    )


def describe_mute(mute: Mute) -> str:
    """Describe the conditions of a mute, which must all hold."""
    conditions = []
    if mute.kind:
        conditions.append(f"the type “{KINDS.get(mute.kind, mute.kind)}”")
    if mute.offering is not None:
        conditions.append(f"{mute.offering.api_id} at {mute.offering.host.name}")
    if mute.provider is not None:
        conditions.append(str(mute.provider))
    if mute.application is not None:
        conditions.append(mute.application.name)
    if mute.subject:
        conditions.append(f"one thing ({mute.subject})")
    return ", ".join(conditions)


def _can_unmute(user: User, mute: Mute) -> bool:
    return mute.user_id == user.pk or (
        mute.team_id is not None and user.may(TeamRole.EDITOR, mute.team_id)
    )


@require_POST
def unmute(request: HttpRequest, pk: int) -> HttpResponse:
    mute = get_object_or_404(Mute.objects.visible_to(request.user), pk=pk)
    user = signed_in_user(request)
    return action_view(
        request,
        action=lambda _: actions.end_mute(mute=mute, by=user, at=now()),
        done=lambda is_ended: (
            "Unmuted. The next message contains the open alerts that were muted."
            if is_ended
            else "The mute was already removed."
        ),
        back=reverse("subscriptions:list"),
    )


# --- calendar and summary ------------------------------------------------------------------------


@require_POST
def create_calendar_link(request: HttpRequest) -> HttpResponse:
    """Create a private URL, which is shown on this response only."""
    kind = request.POST.get("kind", "") or CalendarFeed.Kind.CALENDAR
    try:
        _, secret = create_calendar_feed(
            user=signed_in_user(request), name=request.POST.get("name", "").strip(), kind=kind
        )
    except InvalidPreferenceError as error:
        flash_error(request, str(error))
        return redirect("subscriptions:list")
    return _render_preferences(request, secret=secret, kind=kind)


@require_POST
def revoke_calendar_link(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in_user(request)
    feed = get_object_or_404(CalendarFeed.objects.visible_to(user), pk=pk)
    return action_view(
        request,
        action=lambda _: revoke_calendar_feed(feed=feed, by=user, at=now()),
        done=lambda _: "The URL was revoked. Apps that use it receive no more data.",
        back=reverse("subscriptions:list"),
    )


@require_POST
def send_digest_now(request: HttpRequest) -> HttpResponse:
    """Queue a digest of the open alerts for the user."""
    user = signed_in_user(request)
    return action_view(
        request,
        action=lambda _: request_digest(user=user, at=now()),
        done=lambda n_alerts: (
            f"An email about {count_of(n_alerts, 'open alert')} is sent in 1 or 2 minutes."
            if n_alerts
            else "No open alert is routed to you, or you requested the summary today already."
        ),
        back=reverse("subscriptions:list"),
    )
