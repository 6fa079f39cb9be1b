"""People, programs, teams and tokens: who owns and who may see."""

from apps.accounts.models.events import AccountEvent, AccountEventKind, EmailState
from apps.accounts.models.people import Membership, Team, User, Users, looked_after_by, own
from apps.accounts.models.saved_filters import SavedFilter
from apps.accounts.models.tokens import ApiToken

__all__ = [
    "AccountEvent",
    "AccountEventKind",
    "ApiToken",
    "EmailState",
    "Membership",
    "SavedFilter",
    "Team",
    "User",
    "Users",
    "looked_after_by",
    "own",
]
