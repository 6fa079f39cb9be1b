"""What a decision or an import makes necessary is an issue, with a notification owed, within a
minute, by the jobs that beat sends, whichever of them runs first."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from apps.accounts.models import User
from apps.alerts.models import Notice
from apps.catalog.models import Lifecycle, Offering
from apps.common import time as clock
from apps.inventory.governance.approvals import record_decision
from apps.issues.models import EvaluationState
from registry import celery
from tests.builders import NOW, TODAY, make_approval, make_user
from tests.worlds.small import SmallWorld

MINUTE = timedelta(minutes=1)


@pytest.fixture
def governance(world: SmallWorld) -> User:
    return make_user(role="governance")


@pytest.fixture
def followers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the tasks that were sent because others succeeded."""
    sent: list[str] = []

    def send(*steps: Any) -> SimpleNamespace:
        return SimpleNamespace(apply_async=lambda: sent.extend(step.task for step in steps))

    monkeypatch.setattr(celery, "chain", send)
    eager = celery.app.conf.task_always_eager
    celery.app.conf.task_always_eager = False
    yield sent
    celery.app.conf.task_always_eager = eager


@pytest.fixture(params=[False, True], ids=["in-order", "reversed"])
def tick(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, followers: list[str]
) -> Callable[[datetime], None]:
    """Run every job of issues and alerts that recurs each minute once, all at one time, and what
    follows each of them."""
    names = [
        entry["task"]
        for entry in django_settings.CELERY_BEAT_SCHEDULE.values()
        if entry["schedule"] <= MINUTE and entry["task"].startswith(("issues.", "alerts."))
    ]
    assert {"issues.evaluate", "alerts.raise_alerts"} <= set(names)

    def run(at: datetime) -> None:
        for module in ("apps.issues.tasks", "apps.alerts.tasks"):
            monkeypatch.setattr(f"{module}.now", lambda: at)
        queue = sorted(names, reverse=request.param)
        while queue:
            task = celery.app.tasks[queue.pop(0)]
            # a worker signals each success, which sends what follows
            celery.send_follow_up_tasks(sender=task, result=task.run())
            queue += followers
            followers.clear()

    return run


@pytest.fixture
def evaluated(world: SmallWorld, tick: Any) -> SmallWorld:
    """A registry in which everything was evaluated a minute ago."""
    Offering.objects.update(retires_on=None, date_kind="", lifecycle=Lifecycle.ACTIVE)
    tick(NOW - MINUTE)
    assert EvaluationState.objects.get().evaluated_at == NOW - MINUTE
    assert not Notice.objects.exists()
    return world


def records(capsys: Any) -> list[tuple[str, str, bool]]:
    """Return (kind, application, whether it was notified) of the issues."""
    call_command("issues")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(row["kind"], row["application"], row["notified"] is not None) for row in rows]


def test_a_block_that_is_decided_now(
    evaluated: SmallWorld, governance: User, tick: Any, capsys: Any
) -> None:
    record_decision(
        target=evaluated.offering, decision="blocked", reason="Terms", at=NOW, by=governance
    )

    tick(NOW)

    assert records(capsys) == [("approval_violation", evaluated.application.slug, True)]
    assert Notice.objects.owed().get().team == evaluated.team


def test_an_approval_that_expires_at_midnight(
    evaluated: SmallWorld, governance: User, tick: Any, capsys: Any
) -> None:
    midnight = clock.day_of(NOW) + timedelta(days=1)
    make_approval(offering=evaluated.offering, approver=governance, expires_on=midnight)
    tick(NOW)
    capsys.readouterr()

    tick(datetime(midnight.year, midnight.month, midnight.day, 0, 0, 30, tzinfo=NOW.tzinfo))

    assert ("approval_violation", evaluated.application.slug, True) in records(capsys)


@pytest.mark.parametrize(
    ("dates", "kind"),
    [
        ({"retires_on": TODAY - timedelta(days=1), "lifecycle": Lifecycle.RETIRED}, "retired"),
        ({"retires_on": TODAY + timedelta(days=10), "lifecycle": Lifecycle.DEPRECATED}, "late"),
    ],
)
def test_a_model_that_is_retired_or_retires_too_soon(
    evaluated: SmallWorld, tick: Any, capsys: Any, dates: dict[str, Any], kind: str
) -> None:
    Offering.objects.update(date_kind="firm", **dates)

    tick(NOW)

    assert records(capsys) == [("retirement", evaluated.application.slug, True)]


def test_an_application_in_order_stays_without_an_issue(
    evaluated: SmallWorld, governance: User, tick: Any, capsys: Any
) -> None:
    make_approval(
        offering=evaluated.offering, approver=governance, expires_on=TODAY + timedelta(days=300)
    )

    tick(NOW)

    assert records(capsys) == []
    assert not Notice.objects.exists()
