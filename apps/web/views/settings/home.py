"""Settings index: links to all settings, with the current state and the role that can change
it."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import ApiToken, Delegation, ProvisionedUser, Team, User
from apps.accounts.service_accounts import visible_service_accounts
from apps.accounts.single_sign_on.configuration import sign_on_name
from apps.alerts.models import Webhook
from apps.catalog.models import Source
from apps.common.retention import group_sizes
from apps.common.time import day_of, now
from apps.exposure.models import Policy
from apps.feeds.models import NoticeMailSettings
from apps.inventory.governance.proposals import confirmation_settings
from apps.issues.models import TicketConnection
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.wording import count_of


@dataclass(frozen=True, slots=True)
class SettingsEntry:
    """Entry of the settings index; `stands` is its current state, `by` the role that can change
    it."""

    name: str
    url: str
    stands: str
    by: str


@require_safe
def settings_home(request: HttpRequest) -> HttpResponse:
    """Show the settings that the user can view or change."""
    user = signed_in_user(request)
    groups = [("Users and teams", _list_account_settings(user))]
    if user.can_read_all:
        groups[0][1].extend(_list_organisation_settings(user))
        groups.append(("Rules and feeds", _list_rule_settings(user)))
    groups.append(("Your account", _list_own_settings(user)))
    return render_page(
        request,
        "settings/home.html",
        title="Settings",
        counts="Settings that you can view",
        sentence=Headline("Settings of teams, users, rules and feeds, and of your own account."),
        groups=groups,
        sizes=group_sizes() if user.is_administrator else (),
    )


def _list_account_settings(user: User) -> list[SettingsEntry]:
    """Return the entries about teams, users and tokens, as far as the roles of the user allow."""
    n_teams = Team.objects.visible_to(user).count()
    entries = [
        SettingsEntry(
            "Teams and roles",
            reverse("teams:list"),
            count_of(n_teams, "team"),
            "governance; team owners for their team",
        )
    ]
    if user.can_read_all:
        active_users = User.objects.people().filter(is_active=True)
        n_with_role = active_users.exclude(organisation_role="").count()
        entries.append(
            SettingsEntry(
                "People",
                reverse("users:list"),
                f"{count_of(active_users.count(), 'person', 'people')}, "
                f"{n_with_role} with an organisation role",
                "administrators",
            )
        )
    entries.append(
        SettingsEntry(
            "Service accounts and their API tokens",
            reverse("service-accounts:list"),
            count_of(
                visible_service_accounts(user).filter(is_active=True).order_by().count(),
                "service account",
                "service accounts",
            ),
            "governance; team owners for their team",
        )
    )
    return entries


def _list_organisation_settings(user: User) -> list[SettingsEntry]:
    sign_on = sign_on_name()
    n_provisioned = ProvisionedUser.objects.filter(removed_at=None).count()
    return [
        SettingsEntry(
            "Single sign-on (SSO)",
            reverse("settings:single-sign-on"),
            f"by {sign_on}" if sign_on else "off: passwords and two-factor authentication",
            "operator",
        ),
        SettingsEntry(
            "User provisioning (SCIM)",
            reverse("settings:provisioning"),
            count_of(n_provisioned, "provisioned user"),
            "administrators",
        ),
    ]


def _list_rule_settings(user: User) -> list[SettingsEntry]:
    """Return the entries about exposure policies, alerts and sources."""
    n_sources = Source.objects.polled().visible_to(user).count()
    entries = [
        SettingsEntry(
            "Tolerances and policies",
            reverse("exposure-policies:list"),
            f"{Policy.objects.filter(enabled=True).count()} active",
            "governance",
        ),
        SettingsEntry(
            "Decisions that a second user must confirm",
            reverse("confirmation-settings:detail"),
            _describe_requirements(),
            "governance",
        ),
        SettingsEntry(
            "Alert rules: reminders, escalation, prices, channels",
            reverse("alert-settings:detail"),
            "{n} enabled".format(
                n=count_of(Webhook.objects.filter(enabled=True).count(), "channel")
            ),
            "governance",
        ),
        SettingsEntry(
            "Feeds", reverse("feeds:list"), f"{count_of(n_sources, 'feed')} polled", "governance"
        ),
    ]
    if user.is_governance:
        n_connections = TicketConnection.objects.filter(enabled=True).count()
        entries.append(
            SettingsEntry(
                "Ticket connections: Jira",
                reverse("ticket-connections:list"),
                f"{count_of(n_connections, 'connection')} enabled",
                "governance",
            )
        )
        n_senders = len(NoticeMailSettings.load().allowed_senders)
        entries.append(
            SettingsEntry(
                "Mailbox of provider notices",
                reverse("received-notices:rules"),
                count_of(n_senders, "allowed sender"),
                "governance",
            )
        )
    return entries


def _describe_requirements() -> str:
    row = confirmation_settings()
    names = [name for name in ("tolerances", "acceptances", "blocks") if getattr(row, name)]
    return ", ".join(names) or "none"


def _list_own_settings(user: User) -> list[SettingsEntry]:
    n_usable_tokens = ApiToken.objects.filter(user=user).usable_at(now()).count()
    return [
        SettingsEntry(
            "Profile, two-factor authentication, password",
            reverse("account:detail"),
            str(user),
            "you",
        ),
        SettingsEntry("Notification preferences", reverse("subscriptions:list"), "", "you"),
        SettingsEntry(
            "Delegations: deputies for absences",
            reverse("delegations:list"),
            f"{Delegation.objects.visible_to(user).effective_on(day_of(now())).count()} today",
            "you; governance for all",
        ),
        SettingsEntry(
            "API tokens",
            reverse("tokens:list"),
            count_of(n_usable_tokens, "API token"),
            "you",
        ),
    ]
