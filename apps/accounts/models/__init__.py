"""Users, service accounts, teams and tokens: ownership and visibility."""

from apps.accounts.models.events import AccountEvent, AccountEventKind, EmailState
from apps.accounts.models.saved_filters import SavedFilter
from apps.accounts.models.tokens import ApiToken
from apps.accounts.models.users import Membership, Team, User, Users, manageable_by, own

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
    "manageable_by",
    "own",
]
