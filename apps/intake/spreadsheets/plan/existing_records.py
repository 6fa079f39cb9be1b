"""Existing records that the user may see and a spreadsheet names, loaded per block of rows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.intake.spreadsheets.columns.fields import APPLICATION_FIELDS
from apps.intake.spreadsheets.columns.values import fold_name
from apps.inventory.actions.applications import EDITABLE_APPLICATION_FIELDS
from apps.inventory.actions.dependencies import EDITABLE_DEPENDENCY_FIELDS
from apps.inventory.models import Application, Dependency
from apps.inventory.requirement_values import format_uses
from apps.inventory.requirements import declared_requirements

SHEET_APPLICATION_FACTS = tuple(
    field.fact
    for field in APPLICATION_FIELDS
    if field.fact in EDITABLE_APPLICATION_FIELDS and field.fact != "team"
)
_DEPENDENCY_COLUMNS = tuple(sorted(EDITABLE_DEPENDENCY_FIELDS - {"via_party"}))
# declared requirements as text, which are rows of their own
REQUIREMENTS = "requirements"
SHEET_DEPENDENCY_FACTS = (*_DEPENDENCY_COLUMNS, REQUIREMENTS)


@dataclass(frozen=True, slots=True)
class ExistingTeam:
    id: int
    slug: str
    name: str
    may_edit: bool


@dataclass(frozen=True, slots=True)
class ExistingDependency:
    """Existing dependency. `facts` holds those of SHEET_DEPENDENCY_FACTS."""

    id: int
    offering: int
    role: str
    via: int | None
    since: date
    until: date | None
    facts: dict[str, Any]

    def is_current(self, on: date) -> bool:
        return self.until is None or self.until > on


@dataclass(frozen=True, slots=True)
class ExistingApplication:
    id: int
    slug: str
    team: int
    is_merged: bool
    facts: dict[str, Any]


class ExistingRecords:
    """Applications that `user` may see, by slug and name. `load` adds the facts and dependencies of
    a block of rows."""

    def __init__(self, user: User, *, is_operator: bool = False) -> None:
        """Load teams and application names that the user may see; the operator (of a command) sees
        and edits all."""
        teams = Team.objects.all() if is_operator else Team.objects.visible_to(user)
        self.teams = [
            ExistingTeam(
                team.pk, team.slug, team.name, is_operator or user.may(TeamRole.EDITOR, team.pk)
            )
            for team in teams.order_by("pk")
        ]
        self.team_by_id = {team.id: team for team in self.teams}
        self._team_by_slug = {team.slug: team for team in self.teams}
        self._teams_by_name: dict[str, list[ExistingTeam]] = defaultdict(list)
        for team in self.teams:
            self._teams_by_name[fold_name(team.name)].append(team)
        # who may add teams and providers; a token of one team may not
        self.may_create = is_operator or user.is_governance
        self._applications = (
            Application.objects.all() if is_operator else Application.objects.visible_to(user)
        )
        self.by_slug: dict[str, int] = {}
        self.by_name: dict[str, list[tuple[int, int, str]]] = defaultdict(list)  # (id, team, slug)
        for pk, slug, name, team_id in self._applications.order_by("pk").values_list(
            "pk", "slug", "name", "team_id"
        ):
            self.by_slug[slug] = pk
            self.by_name[fold_name(name)].append((pk, team_id, slug))
        self.applications: dict[int, ExistingApplication] = {}
        self.uses: dict[int, list[ExistingDependency]] = {}

    def team(self, text: str) -> ExistingTeam | str:
        """Return the team that a cell names, or the reason why it cannot be used."""
        team = self._team_by_slug.get(text) or self._team_by_slug.get(text.lower())
        if team is None:
            candidates = self._teams_by_name.get(fold_name(text), [])
            if len(candidates) > 1:
                slugs = ", ".join(candidate.slug for candidate in candidates)
                return f"Several teams are called '{text}': {slugs}. Enter the ID."
            if not candidates:
                return f"No team '{text}' found. Enter the name or ID of one of your teams."
            team = candidates[0]
        if not team.may_edit:
            return f"You need the editor role on {team.name} to change its applications."
        return team

    def has_team(self, text: str) -> bool:
        """Return whether a team that the user may see has this slug or name."""
        return bool(
            self._team_by_slug.get(text)
            or self._team_by_slug.get(text.lower())
            or self._teams_by_name.get(fold_name(text))
        )

    def load(self, ids: Iterable[int], *, on: date) -> None:
        """Load applications with all their dependencies, in three statements. The previous block
        is dropped."""
        application_ids = set(ids)
        self.applications = {
            row["pk"]: ExistingApplication(
                row["pk"],
                row["slug"],
                row["team_id"],
                row["merged_into_id"] is not None,
                {name: row[name] for name in SHEET_APPLICATION_FACTS},
            )
            for row in self._applications.filter(pk__in=application_ids).values(
                "pk", "slug", "team_id", "merged_into_id", *SHEET_APPLICATION_FACTS
            )
        }
        self.uses = defaultdict(list)
        rows = (
            Dependency.objects.filter(application_id__in=self.applications)
            .order_by("pk")
            .values(
                "pk",
                "application_id",
                "offering_id",
                "role",
                "via_party_id",
                "since",
                "until",
                *_DEPENDENCY_COLUMNS,
            )
        )
        declared = declared_requirements([row["pk"] for row in rows])
        for row in rows:
            self.uses[row["application_id"]].append(
                ExistingDependency(
                    row["pk"],
                    row["offering_id"],
                    row["role"],
                    row["via_party_id"],
                    row["since"],
                    row["until"],
                    {
                        **{name: row[name] for name in _DEPENDENCY_COLUMNS},
                        REQUIREMENTS: format_uses(declared.get(row["pk"], {})),
                    },
                )
            )
