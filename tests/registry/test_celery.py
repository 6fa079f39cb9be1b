"""What follows a poll follows at once, and only a poll."""

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
        assert all(signature.immutable for signature in signatures), "a step takes nothing from the one before"
        return SimpleNamespace(apply_async=lambda: chains.append([signature.task for signature in signatures]))

    monkeypatch.setattr(celery, "chain", record)
    eager = celery.app.conf.task_always_eager
    celery.app.conf.task_always_eager = False
    yield chains
    celery.app.conf.task_always_eager = eager


def test_after_a_poll_exposure_and_risks_are_refreshed_and_then_alerts_are_raised(sent: list[list[str]]) -> None:
    celery.go_on_after_poll(sender=SimpleNamespace(name="feeds.poll_source"))

    assert sent == [
        ["exposure.refresh_exposure", "inventory.keep_findings", "risks.refresh_risks", "alerts.raise_alerts"]
    ]


def test_no_other_task_is_followed(sent: list[list[str]]) -> None:
    celery.go_on_after_poll(sender=SimpleNamespace(name="alerts.raise_alerts"))

    assert sent == []
