"""Demo teams, and users who can sign in."""

from dataclasses import dataclass

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.demo.fixtures import PASSWORD, read_fixture


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str
    role: str


def load_teams() -> dict[str, Team]:
    """Create the teams that are missing, and return {slug: team}."""
    teams: dict[str, Team] = {}
    for row in read_fixture("teams"):
        parent = teams[row["parent"]] if "parent" in row else None
        teams[row["slug"]], _ = Team.objects.get_or_create(
            slug=row["slug"],
            defaults={"name": row["name"], "email": row["email"], "parent": parent},
        )
    return teams


def load_users(teams: dict[str, Team]) -> list[Login]:
    """Create the users that are missing, and return the logins of all."""
    logins = []
    for row in read_fixture("users"):
        user = User.objects.filter(username=row["username"]).first()
        if user is None:
            user = User.objects.create_user(
                row["username"],
                row["email"],
                PASSWORD,
                first_name=row["first_name"],
                last_name=row["last_name"],
                organisation_role=row["organisation_role"],
                time_zone=row["time_zone"],
                is_staff=row["role"] == "admin",
                is_superuser=row["role"] == "admin",
            )
            Membership.objects.create(
                user=user, team=teams[row["team"]], role=TeamRole[row["team_role"].upper()].rank
            )
        logins.append(Login(row["username"], PASSWORD, row["role"]))
    return logins
