"""What is known of senders stands in the database: another process and a cache that lost everything
change nothing."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from apps.common.time import now
from apps.intake.models import SenderFact
from apps.intake.telemetry import ingest, sender_facts
from apps.intake.telemetry.otlp.traces import read_traces
from apps.intake.telemetry.retention import purge_calls
from apps.intake.telemetry.sender_facts import known_facts, record_facts
from tests.intake.telemetry.span_builders import as_json, call, request

INSTRUMENTED = SenderFact.Kind.INSTRUMENTED
TELLS_ANSWERS = SenderFact.Kind.TELLS_ANSWERS

pytestmark = pytest.mark.django_db


def forget_everything_but_the_database() -> None:
    ingest._instrumented.clear()
    cache.clear()


def test_a_call_is_not_counted_twice_after_the_cache_is_lost() -> None:
    sdk = {"gen_ai.provider.name": "anthropic", "gen_ai.response.id": None}
    both = request(
        scopes={"com.anthropic.sdk.python": [call(**sdk)], "x.anthropic": [call(**sdk)]},
        service="legal",
    )
    alone = request(call(**sdk), scope="com.anthropic.sdk.python", service="legal")
    elsewhere = request(call(**sdk), scope="com.anthropic.sdk.python", service="another")
    counted = []

    for sent in (both, alone, elsewhere):
        forget_everything_but_the_database()
        read = read_traces(
            as_json(sent), is_json=True, find_instrumented=ingest.instrumented_services
        )
        counted.append(len(read.calls))

    assert counted == [1, 0, 1]


def test_a_fact_counts_for_its_lifetime_after_it_was_seen_last() -> None:
    at = now()
    record_facts(INSTRUMENTED, [7, 5], at=at - timedelta(days=3))
    record_facts(TELLS_ANSWERS, [7], at=at)
    record_facts(INSTRUMENTED, [5], at=at - timedelta(days=1))

    assert known_facts(INSTRUMENTED, [5, 7, 9], at=at) == {5}
    assert known_facts(TELLS_ANSWERS, [5, 7, 9], at=at) == {7}
    assert SenderFact.objects.count() == 3
    assert purge_calls(at=at) == 1
    assert set(SenderFact.objects.values_list("kind", "key")) == {
        (INSTRUMENTED, 5),
        (TELLS_ANSWERS, 7),
    }


def test_made_up_names_fill_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_facts, "MAX_FACTS", 2)

    for key in range(6):
        record_facts(INSTRUMENTED, [key], at=now())

    assert SenderFact.objects.count() == 3
