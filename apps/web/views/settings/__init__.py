"""Settings: teams, people, keys; and where everything else is set."""

from apps.web.views.settings.home import home
from apps.web.views.settings.people import change, invite, invite_again, people, people_csv
from apps.web.views.settings.teams import add, add_member, drop_member, remove, team, team_csv, teams
from apps.web.views.settings.tokens import issue, revoke, tokens

__all__ = [
    "add",
    "add_member",
    "change",
    "drop_member",
    "home",
    "invite",
    "invite_again",
    "issue",
    "people",
    "people_csv",
    "remove",
    "revoke",
    "team",
    "team_csv",
    "teams",
    "tokens",
]
