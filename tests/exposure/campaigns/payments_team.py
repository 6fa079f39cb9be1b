"""A team whose application stands on an offering that ends, with one to move to, and evidence for
its campaigns.

Its clock is the builders' own. Tests whose requests read the clock themselves pass `at=now()`.
"""

from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.time import day_of
from apps.exposure.campaigns.lifecycle import open_campaign
from apps.exposure.campaigns.steps import AUTOMATIC_STEPS
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Adaptation, Dependency
from apps.risks.models import Evidence
from tests.builders import (
    NOW,
    TODAY,
    make_adaptation,
    make_application,
    make_dependency,
    make_event,
    make_evidence,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
)

_n = count(1)
END = date(2027, 6, 30)


def make_ending(api_id: str = "old-model", **fields: Any) -> Offering:
    """An offering with a firm end on `END`."""
    fields.setdefault("host", make_provider("first-host"))
    fields.setdefault("retires_on", END)
    fields.setdefault("date_kind", "firm" if fields["retires_on"] else "")
    return make_offering(api_id, lifecycle="deprecated", **fields)


def make_passed_evaluation(task: CampaignTask | None = None, **fields: Any) -> Evidence:
    """A passed own evaluation of the task's application on the campaign's target, run on
    `TODAY`."""
    if task is not None:
        fields.setdefault("application", task.dependency.application)
        fields.setdefault("offering", task.target or task.campaign.target)
    fields.setdefault("metric", "accuracy")
    fields.setdefault("value", "0.9")
    fields.setdefault("passed", True)
    return make_evidence(**fields)


class PaymentsTeam:
    """One team with an owner and an editor, an application on an offering that ends on `end`, 218
    days after `at`, and governance."""

    def __init__(self, *, at: datetime = NOW) -> None:
        self.at, self.today = at, day_of(at)
        self.end = self.today + (END - TODAY)
        self.team: Team = make_team(f"Payments {next(_n)}")
        self.owner: User = make_member(self.team, TeamRole.OWNER)
        self.editor: User = make_member(self.team, TeamRole.EDITOR)
        self.governance: User = make_user(role="governance")
        self.ending = make_ending(f"old-{next(_n)}", retires_on=self.end)
        self.target = make_offering(f"new-{next(_n)}", host=make_provider("second-host"))
        self.dependency = self.stand("Claims")
        self.event = make_event(
            self.ending, new=self.end.isoformat(), effective_on=self.end, detected_at=at
        )

    def stand(
        self, name: str = "", *, team: Team | None = None, on: Offering | None = None, **fields: Any
    ) -> Dependency:
        return make_dependency(
            make_application(name, team=team or self.team), on or self.ending, **fields
        )

    def open(self, **given: Any) -> Campaign:
        given.setdefault("target", self.target)
        if "offering" not in given:
            given.setdefault("event", self.event)
        return open_campaign(by=self.governance, at=self.at, **given)

    def task(self, **given: Any) -> CampaignTask:
        campaign = self.open(**given)
        return campaign.tasks.select_related(
            "campaign__target", "target", "dependency__application"
        ).get(dependency=self.dependency)


def adapt(dependency: Dependency, kind: str, name: str = "") -> Adaptation:
    return make_adaptation(dependency, kind, name=name)


def do_everything(task: CampaignTask, *, on: date = TODAY) -> None:
    """All steps done, measured before and after, evaluated on the target: the gate is open."""
    task.steps.update(done_on=on)
    task.before, task.after = {"accuracy": "0.91"}, {"accuracy": "0.93"}
    task.save()
    make_passed_evaluation(task, run_on=on)


def do_all_steps_but_deeds(task: CampaignTask) -> None:
    task.steps.exclude(kind__in=AUTOMATIC_STEPS).update(done_on=TODAY)


LATER = NOW + timedelta(days=1)
