"""An announced retirement opens the issues of the affected applications in the same transaction,
and withdrawing it resolves them; the command line does the same."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.models import RetirementAnnouncement
from apps.catalog.retirements.announcements import RetirementTerms
from apps.common.time import day_of, now
from apps.exposure.campaigns.lifecycle import open_campaign
from apps.exposure.campaigns.task_actions import choose_target
from apps.issues import retirements
from apps.issues.evaluation import evaluate_everything
from apps.issues.models import Cause, ChangedApplication, Issue
from apps.issues.retirements import announce_and_evaluate, withdraw_and_evaluate
from tests.builders import (
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db


class Uses:
    """Three model IDs of one version on two hosts, used by six applications."""

    def __init__(self):
        self.at = now()
        self.retires_on = day_of(self.at) + timedelta(days=90)
        self.governance = make_user(role="governance")
        self.version = make_version("maker/model-x-20250101")
        azure, bedrock = make_provider("azure"), make_provider("bedrock")
        self.offerings = [
            make_offering("model-x", host=azure, version=self.version),
            make_offering("eu.model-x", host=bedrock, version=self.version),
            make_offering("us.model-x", host=bedrock, version=self.version),
        ]
        self.successor = make_offering("model-y", host=azure)
        self.applications = [make_application(f"Application {n}") for n in range(6)]
        for n, application in enumerate(self.applications):
            make_dependency(application, self.offerings[n % 3])
        evaluate_everything(at=self.at)

    def announce(self):
        terms = RetirementTerms(
            subject=self.version, retires_on=self.retires_on, successor=self.successor
        )
        return announce_and_evaluate(terms, at=self.at, by=self.governance)


@pytest.fixture
def uses(db):
    return Uses()


def test_six_applications_have_one_cause_and_an_issue_each_at_once(uses):
    outcome = uses.announce()

    assert outcome.n_applications == 6
    assert outcome.counts.opened == 6
    cause = Cause.objects.get(kind="retirement")
    assert cause.subject == f"version:{uses.version.pk}"
    assert cause.due_on == uses.retires_on
    assert {issue.application for issue in cause.issues.all()} == set(uses.applications)


def test_withdrawing_resolves_the_issues_with_its_reason(uses):
    outcome = uses.announce()

    withdraw_and_evaluate(
        announcement=outcome.announcement, at=uses.at, by=uses.governance, reason="A mistake."
    )

    assert set(Issue.objects.values_list("state", "resolution")) == {("resolved", "date_withdrawn")}
    assert not Cause.objects.open().filter(kind="retirement").exists()


def test_withdrawing_closes_a_migration_that_has_not_started_and_no_other(uses):
    for started in (False, True):
        outcome = uses.announce()
        campaign = open_campaign(announcement=outcome.announcement, by=uses.governance, at=uses.at)
        if started:
            task = campaign.tasks.first()
            choose_target(task=task, target=uses.successor, at=uses.at, by=uses.governance)
        withdraw_and_evaluate(
            announcement=outcome.announcement, at=uses.at, by=uses.governance, reason="A mistake."
        )
        campaign.refresh_from_db()
        assert campaign.state == ("open" if started else "closed")


def test_very_many_applications_are_left_to_the_worker(uses, monkeypatch):
    monkeypatch.setattr(retirements, "MAX_APPLICATIONS_IN_REQUEST", 5)

    outcome = uses.announce()

    assert outcome.counts is None
    assert not Issue.objects.filter(cause__kind="retirement").exists()
    queued = set(ChangedApplication.objects.values_list("application_id", flat=True))
    assert {application.pk for application in uses.applications} <= queued


def test_the_command_prints_what_it_covers_and_a_dry_run_writes_nothing(uses, capsys):
    options = {"model_version": uses.version.identifier, "on": uses.retires_on.isoformat()}

    def run(*args):
        call_command("announce_retirement", *args)
        return json.loads(capsys.readouterr().out)

    arguments = [
        f"--version={options['model_version']}",
        f"--on={options['on']}",
        "--successor=azure/model-y",
        "--source=https://maker.example/deprecations",
        f"--by={uses.governance.username}",
    ]
    preview = run(*arguments, "--dry-run")
    assert not RetirementAnnouncement.objects.exists()
    assert preview["announcement"] is None
    assert len(preview["applications"]) == 6

    printed = run(*arguments)

    announcement = RetirementAnnouncement.objects.get()
    assert announcement.announced_by == uses.governance
    assert printed["announcement"] == announcement.pk
    assert printed["issues"] == {"opened": 6, "updated": 0}
    assert printed["successor"] == "azure/model-y"
    assert {(row["host"], row["api_id"]) for row in printed["offerings"]} == {
        ("azure", "model-x"),
        ("bedrock", "eu.model-x"),
        ("bedrock", "us.model-x"),
    }
    assert printed["applications"] == preview["applications"]
    again = run(*arguments)
    assert (again["announcement"], again["issues"]["opened"]) == (announcement.pk, 0)
    assert run(*arguments, "--dry-run")["offerings"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--on=soon"], 2, "'soon' is not a valid date"),
        (["--on=2020-01-01"], 1, "is in the past"),
        (["--on=2099-01-01", "--host=nowhere"], 2, "No provider 'nowhere' found"),
        (["--on=2099-01-01", "--host=azure", "--model-id=zz"], 1, "has no model ID 'zz'"),
        (["--on=2099-01-01", "--successor=azure/zz"], 1, "No offering 'azure/zz' found"),
        (["--on=2099-01-01", "--by=stranger"], 2, "is not a governance user"),
    ],
)
def test_the_command_refuses_with_a_sentence(uses, arguments, code, sentence):
    with pytest.raises(CommandError, match=sentence) as refusal:
        call_command("announce_retirement", f"--version={uses.version.identifier}", *arguments)
    assert refusal.value.returncode == code


def test_the_command_announces_without_a_user_and_with_an_earliest_date(uses, capsys):
    call_command(
        "announce_retirement",
        "--offering=azure/model-x",
        f"--on={uses.retires_on.isoformat()}",
        "--earliest",
    )
    announcement = RetirementAnnouncement.objects.get()
    assert announcement.announced_by is None
    assert announcement.date_kind == "not_before"
    assert json.loads(capsys.readouterr().out)["date_kind"] == "earliest"
