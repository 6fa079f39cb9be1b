"""Rules of `GROUP_ROLES`: the roles that groups of the identity provider give, in single sign-on
(SSO) and by SCIM. Plain Python."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.accounts.roles import OrganisationRole, TeamRole, stronger_organisation_role

_ROLES = {role.word: role for role in TeamRole}


class InvalidRulesError(ValueError):
    """The rules cannot be read; the text says what is wrong and how to write it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The role that one group gives: an organisation role, or a role on the team with this slug."""

    group: str
    organisation_role: str = ""
    team: str = ""
    role: TeamRole | None = None


@dataclass(frozen=True, slots=True)
class GroupRoles:
    """The roles that the groups of one user give together: the strongest organisation role, and the
    strongest role on each team."""

    organisation_role: str
    roles: Mapping[str, TeamRole]


def read_rules(text: str, *, name: str = "OIDC_ROLES") -> tuple[Grant, ...]:
    """Parse rules such as `{"ai-governance": "governance", "pay-devs": ["payments:editor"]}`; an
    empty text gives no rules. `name` is the variable that contains them.

    Raises InvalidRulesError.
    """
    if not text.strip():
        return ()
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidRulesError(f"{name} is not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise InvalidRulesError(
            name + ' must be a JSON object such as {"ai-governance": "governance"}.'
        )
    grants: list[Grant] = []
    for group, role_names in document.items():
        grants.extend(
            _parse_grant(group, role_name, name)
            for role_name in (role_names if isinstance(role_names, list) else [role_names])
        )
    return tuple(grants)


def _parse_grant(group: str, role_name: Any, name: str) -> Grant:
    """Parse one value of the rules: an organisation role, or TEAM:ROLE. Raises InvalidRulesError
    for anything else."""
    if not isinstance(role_name, str):
        raise InvalidRulesError(
            f"{name}: the value of the group '{group}' must be a text or a list of texts."
        )
    if role_name in OrganisationRole.values:
        return Grant(group, organisation_role=role_name)
    team, _, role = role_name.rpartition(":")
    if team and role in _ROLES:
        return Grant(group, team=team, role=_ROLES[role])
    raise InvalidRulesError(
        f"{name}: the group '{group}' has the value '{role_name}', which is not valid. Use an "
        f"organisation role ({', '.join(OrganisationRole.values)}) or TEAM:ROLE with the slug "
        f"of a team and one of {', '.join(_ROLES)}."
    )


def roles_of_groups(rules: Iterable[Grant], groups: Iterable[str]) -> GroupRoles:
    group_names = set(groups)
    organisation_role, roles = "", dict[str, TeamRole]()
    for grant in rules:
        if grant.group not in group_names:
            continue
        organisation_role = stronger_organisation_role(organisation_role, grant.organisation_role)
        if grant.role is not None and (
            grant.team not in roles or roles[grant.team].rank < grant.role.rank
        ):
            roles[grant.team] = grant.role
    return GroupRoles(organisation_role, roles)


def groups_in(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Return the groups at `path` of the claims, which can be nested (`realm_access.roles`). A text
    is one group; other types give no groups."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return (value,)
    return (
        tuple(group for group in value if isinstance(group, str)) if isinstance(value, list) else ()
    )
