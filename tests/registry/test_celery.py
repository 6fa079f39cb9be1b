"""What follows a poll or a bulk load follows directly, and nothing else is followed."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from registry import celery


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The chains that were sent, each as its task names."""
    chains: list[list[str]] = []

    def record(*signatures: Any) -> SimpleNamespace:
        assert all(signature.immutable for signature in signatures), (
            "a step takes nothing from the one before"
        )
        return SimpleNamespace(
            apply_async=lambda: chains.append([signature.task for signature in signatures])
        )

    monkeypatch.setattr(celery, "chain", record)
    eager = celery.app.conf.task_always_eager
    celery.app.conf.task_always_eager = False
    yield chains
    celery.app.conf.task_always_eager = eager


def test_after_a_poll_all_is_refreshed_alerts_are_raised_and_risks_are_counted(
    sent: list[list[str]],
) -> None:
    celery.send_follow_up_tasks(sender=SimpleNamespace(name="feeds.poll_source"))

    assert sent == [
        [
            "exposure.refresh_exposure",
            "inventory.keep_findings",
            "risks.refresh_risks",
            "issues.evaluate",
            "alerts.raise_alerts",
            "risks.count_inherited_risk",
        ]
    ]


@pytest.mark.parametrize("name", ["intake.carry_out_import", "api.carry_out_job"])
def test_after_a_bulk_load_risks_are_counted_and_exposure_is_refreshed(
    sent: list[list[str]], name: str
) -> None:
    celery.send_follow_up_tasks(sender=SimpleNamespace(name=name), result=True)

    assert sent == [
        [
            "risks.count_inherited_risk",
            "exposure.refresh_exposure",
            "inventory.keep_findings",
            "issues.evaluate",
            "alerts.raise_alerts",
        ]
    ]


def test_an_import_that_another_worker_has_is_not_followed(sent: list[list[str]]) -> None:
    celery.send_follow_up_tasks(
        sender=SimpleNamespace(name="intake.carry_out_import"), result=False
    )

    assert sent == []


def test_an_evaluation_that_opened_issues_is_followed_by_their_alerts(
    sent: list[list[str]],
) -> None:
    celery.send_follow_up_tasks(sender=SimpleNamespace(name="issues.evaluate"), result=2)

    assert sent == [["alerts.raise_alerts"]]


def test_an_evaluation_that_opened_none_is_not_followed(sent: list[list[str]]) -> None:
    celery.send_follow_up_tasks(sender=SimpleNamespace(name="issues.evaluate"), result=0)

    assert sent == []


def test_no_other_task_is_followed(sent: list[list[str]]) -> None:
    celery.send_follow_up_tasks(sender=SimpleNamespace(name="alerts.raise_alerts"), result=3)

    assert sent == []
