"""Single sign-on (SSO): its configuration, and the roles of each group. Read-only."""

from dataclasses import dataclass

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Team
from apps.accounts.roles import OrganisationRole
from apps.accounts.single_sign_on.configuration import SAML, sign_on_name
from apps.accounts.single_sign_on.rules import Grant
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.wording import count_of


@dataclass(frozen=True, slots=True)
class SignOnRule:
    """Role grant of the page; `team` is None if its slug is unknown."""

    grant: Grant
    gives: str
    team: Team | None


@require_safe
def single_sign_on_page(request: HttpRequest) -> HttpResponse:
    """Show the single sign-on of the installation and its role mappings."""
    user = signed_in_user(request)
    if not user.can_read_all:
        raise PermissionDenied(
            "You need an organisation role to view the configuration of single sign-on."
        )
    oidc_settings = settings.OIDC
    saml_settings = settings.SAML
    is_configured = oidc_settings or saml_settings
    rules = _build_rules(is_configured["rules"]) if is_configured else []
    linked = SocialAccount.objects
    return render_page(
        request,
        "settings/sign-on.html",
        title="Single sign-on (SSO)",
        crumbs=(("Settings", reverse("settings:home")),),
        sentence=_build_headline(rules),
        configured=oidc_settings,
        callback=f"{settings.PUBLIC_URL}{reverse('sso:callback')}",
        rules=rules,
        n_linked=linked.exclude(provider=SAML).count(),
        saml=saml_settings,
        metadata=f"{settings.PUBLIC_URL}{reverse('saml:metadata')}",
        n_linked_by_saml=linked.filter(provider=SAML).count(),
    )


def _build_rules(grants: tuple[Grant, ...]) -> list[SignOnRule]:
    teams = {
        team.slug: team for team in Team.objects.filter(slug__in={grant.team for grant in grants})
    }
    return [
        SignOnRule(
            grant,
            str(OrganisationRole(grant.organisation_role).label)
            if grant.organisation_role
            else grant.role.word
            if grant.role
            else "",
            teams.get(grant.team),
        )
        for grant in grants
    ]


def _build_headline(rules: list[SignOnRule]) -> Headline:
    if not sign_on_name():
        return Headline("Single sign-on is not configured.")
    start = f"Users sign in with {sign_on_name()}"
    n_without_team = sum(not rule.grant.organisation_role and rule.team is None for rule in rules)
    if n_without_team:
        rules_text = count_of(n_without_team, "rule names", "rules name")
        return Headline(f"{start}; ", f"{rules_text} a team that does not exist", ".")
    return Headline(f"{start}.")
