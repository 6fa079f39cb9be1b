"""Recorded lifecycle pages of providers, polled one after the other by their built-in mappings."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.models import Assertion, ProviderEvent
from apps.feeds.polls.replay import RecordedResponse, replay_history
from tests.builders import make_source

pytestmark = [pytest.mark.proof, pytest.mark.shared, pytest.mark.django_db]


def history_of(shared: Path, provider: str) -> list[RecordedResponse]:
    manifest: list[dict[str, Any]] = json.loads((shared / "pages" / "MANIFEST.json").read_text())
    pages = [entry for entry in manifest if entry["file"].startswith(f"{provider}/")]
    return [
        RecordedResponse(
            datetime.fromisoformat(f"{entry['observed_on']}T06:00:00+00:00"),
            200,
            shared / "pages" / entry["file"],
            {},
        )
        for entry in sorted(pages, key=lambda entry: str(entry["observed_on"]))
    ]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "groq", "cohere"])
def test_pages_that_keep_their_form_are_never_on_hold(provider: str, shared: Path) -> None:
    source = make_source(f"page-{provider}", kind="page")

    statuses = [
        result.run.status for result in replay_history(source, history_of(shared, provider))
    ]

    assert set(statuses) <= {"changed", "unchanged"}
    assert Assertion.objects.filter(source=source, topic="lifecycle").exists()
    assert not ProviderEvent.objects.filter(kind__in=["withdrawn", "delisted"]).exists()


@pytest.mark.parametrize("provider", ["azure", "bedrock"])
def test_a_page_with_another_form_is_on_hold_and_removes_nothing(
    provider: str, shared: Path
) -> None:
    source = make_source(f"page-{provider}", kind="page")

    runs = [result.run for result in replay_history(source, history_of(shared, provider))]

    assert "suspect" in {run.status for run in runs}
    assert "failed" not in {run.status for run in runs}
    assert any("no longer read from the page" in str(run.held) for run in runs)
    assert not ProviderEvent.objects.filter(kind="delisted").exists()
