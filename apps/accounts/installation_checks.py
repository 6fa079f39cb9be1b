"""Checks of the accounts of an installation."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole
from apps.common.installation.diagnosis import Diagnosis, error, ok, warning


def check_accounts(at: datetime) -> Iterator[Diagnosis]:
    """Check that there are administrators, governance users and teams."""
    n_administrators = User.objects.filter(
        Q(is_superuser=True) | Q(organisation_role=OrganisationRole.ADMIN), is_active=True
    ).count()
    if not n_administrators:
        yield error(
            "No active user is an administrator.",
            "Run manage.py createsuperuser, or manage.py user NAME --email ADDRESS --role admin.",
        )
    elif not User.objects.filter(
        is_active=True, organisation_role=OrganisationRole.GOVERNANCE
    ).exists():
        yield warning(
            "No active user has the governance role, so changes on hold stay undecided.",
            "Give the role under Settings, People, or with manage.py user NAME --role governance.",
        )
    elif not Team.objects.exists():
        yield warning(
            "There is no team, so no application can be recorded.",
            "Add one under Settings, Teams, or with manage.py team SLUG --name NAME.",
        )
    else:
        yield ok("The installation has administrators, governance and teams.")
    if settings.PRODUCTION and n_administrators and not settings.MFA_REQUIRED_FOR:
        yield warning(
            "No role must use two-factor authentication.",
            "Set MFA_REQUIRED_FOR=governance,admin, unless single sign-on is the only way in.",
        )
