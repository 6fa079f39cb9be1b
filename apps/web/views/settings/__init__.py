"""Settings: teams, people, programs, keys; and where everything else is set."""

from apps.web.views.settings.home import home
from apps.web.views.settings.people import (
    change,
    end_person_sessions,
    invite,
    invite_again,
    people,
    people_csv,
    reset_factors,
)
from apps.web.views.settings.services import add as add_service
from apps.web.views.settings.services import issue as issue_for_service
from apps.web.views.settings.services import service, services, services_csv
from apps.web.views.settings.sign_on import sign_on
from apps.web.views.settings.teams import (
    add,
    add_member,
    drop_member,
    remove,
    team,
    team_csv,
    teams,
)
from apps.web.views.settings.tokens import issue, revoke, rotate, tokens, tokens_csv

__all__ = [
    "add",
    "add_member",
    "add_service",
    "change",
    "drop_member",
    "end_person_sessions",
    "home",
    "invite",
    "invite_again",
    "issue",
    "issue_for_service",
    "people",
    "people_csv",
    "remove",
    "reset_factors",
    "revoke",
    "rotate",
    "service",
    "services",
    "services_csv",
    "sign_on",
    "team",
    "team_csv",
    "teams",
    "tokens",
    "tokens_csv",
]
