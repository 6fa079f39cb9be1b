from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.inventory.models import Application, Dependency
from apps.issues.models import Issue
from tests.builders import (
    make_application,
    make_dependency,
    make_issue,
    make_member,
    make_offering,
    make_team,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world


@dataclass
class IssueWorld:
    team: Team
    application: Application
    dependency: Dependency
    issue: Issue
    today: date
    viewer: User
    editor: User
    owner: User
    governance: User
    stranger: User

    def in_days(self, days: int) -> date:
        return self.today + timedelta(days=days)


@pytest.fixture
@kept_world
def world(db: None) -> IssueWorld:
    """The retirement of GPT-4.1 in 40 days, for Claims triage, with users of each role."""
    today = day_of(now())
    team = make_team("Claims", slug="claims")
    application = make_application("Claims triage", team=team, criticality=0)
    version = make_version("openai/gpt-4.1-2025-04-14", name="GPT-4.1")
    due_on = today + timedelta(days=40)
    offering = make_offering("gpt-4.1", version=version, retires_on=due_on, date_kind="firm")
    dependency = make_dependency(application, offering)
    issue = make_issue(
        application,
        subject=f"version:{version.pk}",
        due_on=due_on,
        start_by=today + timedelta(days=10),
        finish_by=today + timedelta(days=26),
        act_by=today + timedelta(days=24),
        details={"dependencies": [{"dependency": dependency.pk}], "effort_days": 16},
    )
    issue.cause.offerings.add(offering)
    return IssueWorld(
        team,
        application,
        dependency,
        issue,
        today,
        viewer=make_member(team, TeamRole.VIEWER),
        editor=make_member(team, TeamRole.EDITOR),
        owner=make_member(team, TeamRole.OWNER),
        governance=make_user(role="governance"),
        stranger=make_member(make_team(), TeamRole.OWNER),
    )
