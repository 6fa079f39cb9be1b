"""A withdrawn capability is an event when the provider, a user or two sources say so."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.ingestion.capability_events import create_capability_events, settled_flags
from apps.catalog.ingestion.ingest import ingest_observation
from apps.catalog.models import Assertion, Offering, ProviderEvent, SettledClaims
from tests.builders import make_offering, make_provider, make_source

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 20, tzinfo=UTC)


def claim(slug: str, offering: Offering, value: Mapping[str, Any], *, kind: str = "") -> Assertion:
    """Set what a source states: {field: value}."""
    row, _ = Assertion.objects.update_or_create(
        source=make_source(slug, kind=kind or slug),
        external_id=f"{slug}/{offering.pk}",
        topic="capability",
        defaults={
            "offering": offering,
            "value": {
                name: fact if isinstance(fact, dict) else {"value": fact, "at": "2026-11-01"}
                for name, fact in value.items()
            },
            "changed_at": AT,
        },
        create_defaults={
            "offering": offering,
            "value": {
                name: fact if isinstance(fact, dict) else {"value": fact, "at": "2026-11-01"}
                for name, fact in value.items()
            },
            "first_seen": AT,
            "changed_at": AT,
        },
    )
    return row


def settle(offering: Offering, **values: Any) -> None:
    """Set what applies; None is contradicted."""
    SettledClaims.objects.update_or_create(
        offering=offering,
        topic="capability",
        defaults={
            "values": {
                name: {"value": value, **({"contradicted": True} if value is None else {})}
                for name, value in values.items()
            },
            "changed_at": AT,
        },
    )


def lose(
    offering: Offering, by: Assertion, before: dict[str, Any], after: dict[str, Any]
) -> list[ProviderEvent]:
    settle(offering, **before)
    flags = settled_flags([offering.pk])
    settle(offering, **after)
    return create_capability_events(flags, source=by.source, at=AT)


def test_two_sources_that_say_no_are_an_event_once() -> None:
    offering = make_offering("m")
    claim("alpha", offering, {"tool_calling": False, "vision": False})
    beta = claim("beta", offering, {"tool_calling": False, "vision": False})
    before = {"tool_calling": True, "vision": True, "pdf": True}
    after = {"tool_calling": False, "vision": False, "pdf": True}
    [event] = lose(offering, beta, before, after)
    assert (event.kind, event.offering_id, event.external_id) == (
        "capability_lost",
        offering.pk,
        beta.external_id,
    )
    assert event.old == {"tool_calling": True, "vision": True}
    assert event.new == {"tool_calling": False, "vision": False}
    assert event.effective_on == AT.date()
    assert list(event.evidence.all()) == [beta]
    assert lose(offering, beta, before, after) == []
    assert ProviderEvent.objects.count() == 1


@pytest.mark.parametrize(("kind", "n_events"), [("page", 1), ("litellm", 0)])
def test_one_source_is_an_event_only_if_it_is_the_providers(kind: str, n_events: int) -> None:
    offering = make_offering("m")
    source = claim("alpha", offering, {"tool_calling": False}, kind=kind)
    events = lose(offering, source, {"tool_calling": True}, {"tool_calling": False})
    assert len(events) == n_events


def test_silence_is_no_event() -> None:
    offering = make_offering("m")
    silent = {"value": False, "at": "2026-11-01", "silent_since": "2026-11-02"}
    claim("alpha", offering, {"tool_calling": silent})
    beta = claim("beta", offering, {"tool_calling": False})
    assert lose(offering, beta, {"tool_calling": True}, {"tool_calling": False}) == []
    assert lose(offering, beta, {"tool_calling": True}, {}) == []
    assert lose(offering, beta, {"tool_calling": True}, {"tool_calling": None}) == []


def test_what_was_never_settled_as_yes_is_no_event() -> None:
    offering = make_offering("m")
    claim("alpha", offering, {"tool_calling": False})
    beta = claim("beta", offering, {"tool_calling": False})
    assert lose(offering, beta, {}, {"tool_calling": False}) == []
    assert lose(offering, beta, {"tool_calling": False}, {"tool_calling": False}) == []
    # a fact of the version, which no host withdraws
    claim("alpha", offering, {"open_weights": False})
    beta = claim("beta", offering, {"open_weights": False})
    assert lose(offering, beta, {"open_weights": True}, {"open_weights": False}) == []


def test_two_sources_that_change_one_after_the_other_are_an_event() -> None:
    offering = make_offering("m")
    for slug in ("alpha", "beta"):
        claim(slug, offering, {"tool_calling": True})
    alpha = claim("alpha", offering, {"tool_calling": False})
    assert lose(offering, alpha, {"tool_calling": True}, {"tool_calling": None}) == []
    beta = claim("beta", offering, {"tool_calling": False})
    assert len(lose(offering, beta, {"tool_calling": None}, {"tool_calling": False})) == 1


def test_a_source_that_corrects_itself_is_no_event() -> None:
    offering = make_offering("m")
    claim("alpha", offering, {"tool_calling": False})
    claim("beta", offering, {"tool_calling": True})
    beta = claim("beta", offering, {"tool_calling": False})
    assert lose(offering, beta, {"tool_calling": None}, {"tool_calling": False}) == []


def observe(slug: str, value: bool | None, *, day: int, baseline: bool = False) -> list[str]:
    """Ingest a payload of one row, and return the kinds of its events."""
    row = FeedRow(
        f"{slug}/m",
        "acme",
        "acme",
        "m",
        capabilities={"tool_calling": value} if value is not None else {},
    )
    result = ingest_observation(
        source=make_source(slug, kind=slug),
        rows=[row],
        at=AT + timedelta(days=day),
        baseline=baseline,
    )
    return [event.kind for event in result.events]


def test_polls_raise_it_when_the_second_source_says_no() -> None:
    make_provider("acme")
    for slug in ("alpha", "beta"):
        assert observe(slug, True, day=0, baseline=True) == []
    assert observe("alpha", None, day=1) == []  # silence
    assert observe("alpha", False, day=2) == []
    assert observe("beta", False, day=3) == ["capability_lost"]
    assert observe("beta", False, day=4) == []
    assert observe("beta", True, day=5) == []
    offering = Offering.objects.get(api_id="m")
    assert ProviderEvent.objects.get().offering == offering


def test_the_first_payload_of_a_source_withdraws_nothing() -> None:
    make_provider("acme")
    assert observe("alpha", True, day=0, baseline=True) == []
    assert observe("beta", False, day=1, baseline=True) == []
    assert observe("gamma", False, day=2, baseline=True) == []


def test_nothing_is_read_without_offerings(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert settled_flags([]) == {}
    assert settled_values([]) == {}
