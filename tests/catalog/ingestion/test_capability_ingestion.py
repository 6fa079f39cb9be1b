"""Capabilities in polls: an unchanged poll writes nothing, silence keeps values, changes apply at
once and raise no event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.ingestion.ingest import IngestResult, ingest_observation
from apps.catalog.models import Assertion, Offering, ProviderEvent, SettledClaims, Source
from tests.builders import make_claim, make_source

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def row(api_id: str = "one", **capabilities: Any) -> FeedRow:
    return FeedRow(api_id, "openai", "openai", api_id, capabilities=capabilities)


def poll(source: Source, *rows: FeedRow, day: int = 0, baseline: bool = False) -> IngestResult:
    at = AT + day * DAY
    return ingest_observation(
        source=source,
        rows=rows,
        at=at,
        baseline=baseline,
        last_seen=None if baseline else at - DAY,
    )


def claim_value() -> dict[str, Any]:
    return Assertion.objects.get(topic="capability", external_id="one").value


def test_the_first_poll_states_and_settles() -> None:
    poll(make_source(), row(vision=True, context_window=128000), baseline=True)

    claim = Assertion.objects.get(topic="capability")
    offering = Offering.objects.get(api_id="one")
    assert claim.value == {
        "vision": {"value": True, "at": "2026-09-01"},
        "context_window": {"value": 128000, "at": "2026-09-01"},
    }
    assert claim.offering == offering
    assert settled_values([offering.pk])[offering.pk]["context_window"].value == 128000


def test_an_unchanged_poll_writes_nothing() -> None:
    source = make_source()
    poll(source, row(vision=True), baseline=True)

    result = poll(source, row(vision=True), day=1)

    assert result.observation.changes_nothing
    assert SettledClaims.objects.get().changed_at == AT


def test_a_changed_value_applies_at_once_without_an_event() -> None:
    source = make_source()
    poll(source, row(vision=True, pdf=True), baseline=True)

    result = poll(source, row(vision=False, pdf=True), day=3)

    assert claim_value() == {
        "vision": {"value": False, "at": "2026-09-04"},
        "pdf": {"value": True, "at": "2026-09-01"},
    }
    offering = Offering.objects.get()
    assert settled_values([offering.pk])[offering.pk]["vision"].value is False
    assert not result.events
    assert not ProviderEvent.objects.exists()


def test_silence_keeps_the_value_and_its_first_day() -> None:
    source = make_source()
    poll(source, row(vision=True), baseline=True)
    poll(source, row(), day=2)

    result = poll(source, row(), day=3)

    assert claim_value() == {
        "vision": {"value": True, "at": "2026-09-01", "silent_since": "2026-09-03"}
    }
    assert result.observation.changes_nothing
    offering = Offering.objects.get()
    assert offering.pk not in settled_values([offering.pk])


def test_a_row_without_statements_has_no_claim() -> None:
    poll(make_source(), row(), baseline=True)

    assert not Assertion.objects.filter(topic="capability").exists()


def test_the_first_poll_after_an_upgrade_adds_claims_without_events() -> None:
    """The source was polled by a release that did not read capabilities."""
    source, built_in = make_source(), make_source("built-in", kind="built-in")
    silent = FeedRow("one", "openai", "openai", "one")
    elsewhere = FeedRow("two", "openai", "openai", "two")
    poll(source, silent, elsewhere, baseline=True)
    left = Offering.objects.get(api_id="two")
    make_claim(
        built_in,
        "litellm:two",
        offering=left,
        topic="capability",
        value={"vision": {"value": True, "at": "2026-08-01"}},
    )

    result = poll(source, row(vision=True), elsewhere, day=1)

    assert not result.events
    assert not result.observation.held
    assert claim_value() == {"vision": {"value": True, "at": "2026-09-02"}}
    # the built-in catalogue no longer speaks for the feed
    assert left.pk not in settled_values([left.pk])


def test_a_row_under_a_new_key_keeps_its_days() -> None:
    source = make_source()
    poll(source, row(vision=True), baseline=True)
    renamed = FeedRow("openai/one", "openai", "openai", "one", capabilities={"vision": True})

    poll(source, renamed, day=1)

    claim = Assertion.objects.get(topic="capability", external_id="openai/one")
    assert claim.value["vision"]["value"] is True
