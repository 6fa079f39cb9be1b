"""Roles and scopes, strongest last."""

from enum import Enum

from django.db import models


class TeamRole(Enum):
    """A role on one team, which also applies to every team below it."""

    VIEWER = 1
    EDITOR = 2
    OWNER = 3

    @property
    def rank(self) -> int:
        return self.value

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def label(self) -> str:
        return self.name.capitalize()

    @classmethod
    def choices(cls) -> list[tuple[int, str]]:
        return [(role.value, role.word) for role in cls]


TEAM_ROLE_WORDS = [(role.word, role.label) for role in TeamRole]


class OrganisationRole(models.TextChoices):
    """An organisation role: governance may change, the auditor may only read, the administrator
    also manages users."""

    GOVERNANCE = "governance", "Governance"
    AUDITOR = "auditor", "Auditor"
    ADMIN = "admin", "Administrator"


_ORGANISATION_ROLES = (
    "",
    OrganisationRole.AUDITOR.value,
    OrganisationRole.GOVERNANCE.value,
    OrganisationRole.ADMIN.value,
)


def stronger_organisation_role(*roles: str) -> str:
    """Return the organisation role with the most permissions; an empty text is none."""
    return max((str(role) for role in roles), key=_ORGANISATION_ROLES.index, default="")


class Scope(models.TextChoices):
    """The permitted uses of a token; an intake token can never read, and a scim token does nothing
    but provision users and groups."""

    READ = "read", "Read"
    WRITE = "write", "Write"
    INTAKE = "intake", "Intake"
    GATE = "gate", "Gate"
    SCIM = "scim", "SCIM (user provisioning)"
