"""Users, service accounts, teams and tokens: ownership and visibility."""

from apps.accounts.models.events import AccountEvent, AccountEventKind, EmailState
from apps.accounts.models.people import Delegation, EmailAlias, PeopleSettings
from apps.accounts.models.provisioning import (
    ProvisionedGroup,
    ProvisionedMember,
    ProvisionedUser,
    ProvisioningStatus,
)
from apps.accounts.models.saved_filters import SavedFilter
from apps.accounts.models.tokens import ApiToken
from apps.accounts.models.users import (
    OPEN_STATES,
    Membership,
    PersonName,
    PersonState,
    Team,
    User,
    Users,
    manageable_by,
    own,
)

__all__ = [
    "OPEN_STATES",
    "AccountEvent",
    "AccountEventKind",
    "ApiToken",
    "Delegation",
    "EmailAlias",
    "EmailState",
    "Membership",
    "PeopleSettings",
    "PersonName",
    "PersonState",
    "ProvisionedGroup",
    "ProvisionedMember",
    "ProvisionedUser",
    "ProvisioningStatus",
    "SavedFilter",
    "Team",
    "User",
    "Users",
    "manageable_by",
    "own",
]
