"""What can be set, by whom, and how it stands."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import ApiToken, Team, User
from apps.accounts.service_accounts import visible_service_accounts
from apps.alerts.models import Webhook
from apps.catalog.models import Source
from apps.common.retention import group_sizes
from apps.common.time import now
from apps.exposure.models import Policy
from apps.web.forms import signed_in
from apps.web.page import Sentence, page
from apps.web.wording import counted


@dataclass(frozen=True, slots=True)
class Setting:
    """One place where something is set; `stands` says how, `by` who may change it."""

    name: str
    url: str
    stands: str
    by: str


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    groups = [("Who", _who(user))]
    if user.can_read_all:
        groups[0][1].extend(_organisation(user))
        groups.append(("What counts", _lines(user)))
    groups.append(("Yours", _yours(user)))
    return page(
        request,
        "settings/home.html",
        title="Settings",
        counts="What you may see",
        sentence=Sentence(
            "Teams and people, the lines that are drawn, the feeds that are read, and your own "
            "keys."
        ),
        groups=groups,
        sizes=group_sizes() if user.is_administrator else (),
    )


def _who(user: User) -> list[Setting]:
    n_teams = Team.objects.visible_to(user).count()
    found = [
        Setting(
            "Teams and roles",
            reverse("teams:list"),
            counted(n_teams, "team"),
            "governance; owners their own team",
        )
    ]
    if user.can_read_all:
        active = User.objects.people().filter(is_active=True)
        offices = active.exclude(organisation_role="").count()
        found.append(
            Setting(
                "People",
                reverse("users:list"),
                f"{counted(active.count(), 'person', 'people')}, {offices} with an office",
                "administrators",
            )
        )
    found.append(
        Setting(
            "Programs: service accounts and their keys",
            reverse("service-accounts:list"),
            counted(
                visible_service_accounts(user).filter(is_active=True).order_by().count(),
                "program",
                "programs",
            ),
            "governance; owners for their team",
        )
    )
    return found


def _organisation(user: User) -> list[Setting]:
    configured = settings.OIDC
    return [
        Setting(
            "Sign-on",
            reverse("settings:single-sign-on"),
            f"by {configured['name']}" if configured else "off: passwords and second factors",
            "whoever runs the registry",
        )
    ]


def _lines(user: User) -> list[Setting]:
    sources = Source.objects.polled().visible_to(user).count()
    return [
        Setting(
            "Tolerances and policies",
            reverse("exposure-policies:list"),
            f"{Policy.objects.filter(enabled=True).count()} in force",
            "governance",
        ),
        Setting(
            "Alerts: milestones, escalation, price lines, webhooks",
            reverse("alert-settings:detail"),
            "{n} in use".format(n=counted(Webhook.objects.filter(enabled=True).count(), "webhook")),
            "governance",
        ),
        Setting(
            "Sources", reverse("feeds:list"), f"{counted(sources, 'feed')} polled", "governance"
        ),
    ]


def _yours(user: User) -> list[Setting]:
    good = ApiToken.objects.filter(user=user).usable_at(now()).count()
    return [
        Setting("Profile, second factor, password", reverse("account:detail"), str(user), "you"),
        Setting(
            "What you get: subscriptions, mail, calendar", reverse("subscriptions:list"), "", "you"
        ),
        Setting("Keys for the REST interface", reverse("tokens:list"), counted(good, "key"), "you"),
    ]
