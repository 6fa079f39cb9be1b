"""Sources that governance adds without code: set up, polled by the same pipeline, changed and taken
back."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Assertion, Offering, Source
from apps.common.history.context import audit_context
from apps.feeds.mapping.definition import read_mapping
from apps.feeds.mapping.reader import parse_body
from apps.feeds.models import FeedRun, PollState, QuarantinedRow, SourceMapping
from apps.feeds.polls.client import FetchResult
from apps.feeds.polls.pipeline import PollResult, poll_source
from apps.feeds.sources.adapters import change_rules_of
from apps.feeds.sources.configuration import (
    ChangedSinceError,
    InvalidSourceError,
    add_source,
    change_source,
    set_source_enabled,
    undo_source_change,
)
from apps.feeds.sources.preview import preview_observation
from tests.builders import make_user
from tests.feeds import loopback as server

pytestmark = pytest.mark.django_db

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
MAPPING: dict[str, Any] = {
    "rows": "models[*]",
    "external_id": "id",
    "host": "'acme'",
    "api_id": "id",
    "retires_on": "ends",
    "prices": [{"unit": "input", "path": "usd"}],
}


@pytest.fixture
def governance() -> Any:
    return make_user(role="governance")


@pytest.fixture
def source(governance: Any) -> Source:
    return add_source(
        kind="json-mapping",
        by=governance,
        mapping=MAPPING,
        name="Acme models",
        url="https://acme.example/models",
        interval_minutes=60,
        trust_rank=30,
    )


def body(n: int = 12, **ends: Any) -> bytes:
    return json.dumps(
        {"models": [{"id": f"m-{i}", "ends": ends.get(f"m_{i}"), "usd": 3} for i in range(n)]}
    ).encode()


def polled(source: Source, feed: server.Loopback, payload: bytes, at: datetime = AT) -> PollResult:
    return poll_source(
        source, at=at, url=feed.route("/feed", server.plain(payload)), trigger="test"
    )


# --- the pipeline is the one of every source ------------------------------------------------------


def test_its_rows_become_claims_offerings_and_prices_and_its_news_events(
    source: Source, feed: server.Loopback
) -> None:
    first = polled(source, feed, body())
    second = polled(source, feed, body(m_1="2027-01-01"), AT + DAY)
    third = polled(source, feed, body(m_1="2027-03-01"), AT + 2 * DAY)

    assert (first.run.status, first.run.rows, first.events) == ("changed", 12, [])
    assert [(event.kind, event.new) for event in second.events] == [("announced", "2027-01-01")]
    assert [(event.kind, event.old, event.new) for event in third.events] == [
        ("moved_later", "2027-01-01", "2027-03-01")
    ]
    offering = Offering.objects.get(host__slug="acme", api_id="m-1")
    assert (str(offering.retires_on), offering.lifecycle) == ("2027-03-01", "deprecated")
    assert str(offering.prices.get().amount.normalize()) == "3"
    assert third.events[0].evidence.get().excerpt == {"ends": "2027-03-01", "usd": "3"}


def test_an_unchanged_feed_writes_one_run_and_its_state_only(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, body())

    with CaptureQueriesContext(connection) as queries:
        again = polled(source, feed, body() + b"\n", AT + DAY)

    written = {
        table
        for query in queries.captured_queries
        for table in re.findall(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w+)"?', query["sql"])
    }
    assert again.run.status == "unchanged"
    assert written == {"feeds_feedrun", "feeds_pollstate"}


def test_a_payload_that_loses_many_dates_is_suspect_and_held(
    source: Source, feed: server.Loopback
) -> None:
    dated: dict[str, Any] = {f"m_{i}": "2027-01-01" for i in range(12)}
    polled(source, feed, body(**dated))

    lost = polled(source, feed, body(m_0="2027-01-01"), AT + DAY)

    assert (lost.run.status, lost.events) == ("suspect", [])
    assert Assertion.objects.filter(source=source, held=True).count() == 11


def test_a_body_whose_rows_lie_elsewhere_changes_nothing_and_says_where(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, body())
    before = Assertion.objects.filter(missing_since=None).count()

    refused = polled(source, feed, json.dumps({"data": [1]}).encode(), AT + DAY)

    assert (refused.run.status, refused.run.error) == (
        "failed",
        "The path 'models[*]' finds nothing. Available keys: 'data'.",
    )
    assert Assertion.objects.filter(missing_since=None).count() == before


def test_a_field_that_is_called_otherwise_takes_no_date_back(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, body(m_1="2027-01-01"))

    renamed = polled(
        source, feed, body(m_1="2027-01-01").replace(b'"ends"', b'"end_date"'), AT + 9 * DAY
    )
    later = polled(
        source, feed, body(m_1="2027-01-01").replace(b'"ends"', b'"end_date" '[:-1]), AT + 20 * DAY
    )

    assert [*renamed.events, *later.events] == []
    assert str(Offering.objects.get(api_id="m-1").retires_on) == "2027-01-01"
    (aside,) = QuarantinedRow.objects.open().filter(source=source)
    assert aside.external_id == "mapping: retires_on"
    assert aside.reason == "The path 'ends' finds nothing. Available keys: 'end_date', 'id', 'usd'."


def test_rows_that_leave_mean_what_the_mapping_says(source: Source, governance: Any) -> None:
    assert change_rules_of(source).absence == "notices"
    change_source(source=source, by=governance, mapping=MAPPING | {"absence": "news"})
    assert change_rules_of(Source.objects.get(pk=source.pk)).absence == "news"


def test_a_mapping_that_is_broken_on_record_fails_the_run_with_its_sentence(
    source: Source, feed: server.Loopback
) -> None:
    SourceMapping.objects.filter(source=source).update(settings={"rows": "models[*]"})
    assert "Enter the path of the host" in polled(source, feed, body()).run.error
    SourceMapping.objects.filter(source=source).delete()
    assert (
        "is not valid" in polled(Source.objects.get(pk=source.pk), feed, body(), AT + DAY).run.error
    )


def test_addresses_that_people_typed_may_not_lie_inside_the_house(
    source: Source, feed: server.Loopback
) -> None:
    Source.objects.filter(pk=source.pk).update(url=feed.route("/feed", server.plain(body())))

    run = poll_source(Source.objects.get(pk=source.pk), at=AT, trigger="test").run

    assert run.status == "failed"
    assert "the server itself" in run.error
    assert not feed.requests


# --- setting up -----------------------------------------------------------------------------------


def test_a_source_is_added_with_history_and_is_due_at_once(source: Source, governance: Any) -> None:
    assert (source.slug, source.trusted_address, source.enabled) == ("acme-models", False, True)
    assert source in Source.objects.polled()
    entry = (
        apps.get_model("feeds", "SourceMappingHistory")
        .objects.select_related("pgh_context")
        .get(source=source)
    )
    assert entry.pgh_context.metadata["actor"] == governance.get_username()
    assert not PollState.objects.filter(source=source).exists()


def test_two_of_one_name_and_a_word_of_our_addresses_get_slugs_of_their_own(
    source: Source, governance: Any
) -> None:
    facts = {
        "kind": "json-mapping",
        "by": governance,
        "mapping": MAPPING,
        "url": "https://acme.example/",
    }
    assert add_source(name="ACME models!", **facts).slug == "acme-models-2"
    assert add_source(name="Runs", **facts).slug == "runs-2"
    assert add_source(name="日本", **facts).slug == "source"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "ftp://acme.example/"}, "url"),
        ({"url": "https://user:secret@acme.example/"}, "url"),
        ({"url": "package:genai-prices"}, "url"),
        ({"url": ""}, "url"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"interval_minutes": 1}, "interval_minutes"),
        ({"interval_minutes": 60, "stale_after_minutes": 30}, "stale_after_minutes"),
        ({"trust_rank": 0}, "trust_rank"),
        ({"mapping": {"rows": "x"}}, "mapping"),
        ({"mapping": None}, "mapping"),
        ({"kind": "litellm"}, "kind"),
        ({"kind": "notices"}, "mapping"),
    ],
)
def test_what_is_wrong_with_a_source_is_said_by_field(
    facts: dict[str, Any], field: str, governance: Any
) -> None:
    given = {
        "kind": "json-mapping",
        "name": "Acme",
        "url": "https://acme.example/",
        "mapping": MAPPING,
    } | facts

    with pytest.raises(InvalidSourceError) as refused:
        add_source(by=governance, **given)

    assert list(refused.value.message_dict) == [field]
    assert not Source.objects.filter(name="Acme").exists()


@pytest.mark.parametrize("role", ["", "auditor"])
def test_only_governance_may(role: str, source: Source) -> None:
    other = make_user(role=role)
    with pytest.raises(PermissionDenied):
        add_source(
            kind="json-mapping", by=other, mapping=MAPPING, name="x", url="https://x.example/"
        )
    with pytest.raises(PermissionDenied):
        change_source(source=source, by=other, name="y")
    with pytest.raises(PermissionDenied):
        set_source_enabled(source=source, enabled=False, by=other)


def test_another_mapping_reads_the_same_body_anew(
    source: Source, governance: Any, feed: server.Loopback
) -> None:
    payload = json.dumps(
        {"models": [{"id": "m", "ends": None, "stops": "2027-01-01", "usd": 3}]}
    ).encode()
    polled(source, feed, payload)

    change_source(source=source, by=governance, mapping=MAPPING | {"retires_on": "stops"})
    after = polled(Source.objects.get(pk=source.pk), feed, payload, AT + DAY)

    assert [(event.kind, event.new) for event in after.events] == [("announced", "2027-01-01")]


def test_a_mapping_that_changes_during_a_poll_is_not_forgotten(
    source: Source, governance: Any, feed: server.Loopback
) -> None:
    payload = json.dumps(
        {"models": [{"id": "m", "ends": None, "stops": "2027-01-01", "usd": 3}]}
    ).encode()
    polled(source, feed, payload)

    def fetch_slowly(state: PollState, adapter: Any) -> FetchResult:
        change_source(source=source, by=governance, mapping=MAPPING | {"retires_on": "stops"})
        return FetchResult("unchanged", 304)

    during = poll_source(source, at=AT + DAY, fetch=fetch_slowly, trigger="test")
    after = polled(Source.objects.get(pk=source.pk), feed, payload, AT + 2 * DAY)

    assert during.events == []
    assert [(event.kind, event.new) for event in after.events] == [("announced", "2027-01-01")]


def test_what_a_poll_would_do_can_be_seen_without_doing_it(
    source: Source, feed: server.Loopback
) -> None:
    polled(source, feed, body())
    parsed = parse_body(body(m_1="2027-01-01"), mapping=read_mapping(MAPPING))

    with CaptureQueriesContext(connection) as queries:
        seen = preview_observation(source, parsed, at=AT + DAY, rules=change_rules_of(source))

    assert [(fact.kind, fact.new) for fact in seen.facts] == [("announced", "2027-01-01")]
    written = re.compile(r"INSERT INTO|UPDATE |DELETE FROM|COPY ")
    assert not any(written.search(query["sql"]) for query in queries.captured_queries)
    assert FeedRun.objects.filter(source=source).count() == 1


def test_the_same_again_changes_nothing(source: Source, governance: Any) -> None:
    entries = apps.get_model("catalog", "SourceHistory").objects.filter(pgh_obj_id=source.pk)
    before = entries.count()
    assert not change_source(
        source=source, by=governance, mapping=MAPPING | {"skip": []}, name="Acme models"
    )
    assert entries.count() == before


def test_a_change_is_taken_back_unless_somebody_changed_it_since(
    source: Source, governance: Any
) -> None:
    with audit_context(user=governance) as change:
        change_source(
            source=source, by=governance, mapping=MAPPING | {"retires_on": "stops"}, trust_rank=5
        )
    with audit_context(user=governance) as switched:
        set_source_enabled(source=source, enabled=False, by=governance)

    with pytest.raises(
        ChangedSinceError,
        match="The source was changed later",
    ):
        undo_source_change(source=source, change=change, by=governance)
    undo_source_change(source=source, change=switched, by=governance)

    source.refresh_from_db()
    assert (source.enabled, source.trust_rank) == (True, 5)
    with pytest.raises(
        ChangedSinceError,
        match="No change of the source with this ID is recorded, so there is nothing to undo",
    ):
        undo_source_change(source=source, change=governance_change(), by=governance)


def governance_change() -> Any:
    with audit_context(job="next to another part. Put a + between them.") as other:
        return other


def test_a_mapping_is_put_back_with_its_source(source: Source, governance: Any) -> None:
    with audit_context(user=governance) as change:
        change_source(
            source=source, by=governance, mapping=MAPPING | {"retires_on": "stops"}, trust_rank=5
        )

    undo_source_change(source=source, change=change, by=governance)

    source.refresh_from_db()
    assert (source.trust_rank, SourceMapping.objects.get(source=source).settings) == (30, MAPPING)


def test_another_address_is_no_longer_the_operators_word(source: Source, governance: Any) -> None:
    Source.objects.filter(pk=source.pk).update(trusted_address=True)
    change_source(source=source, by=governance, name="Acme, all models")
    assert Source.objects.get(pk=source.pk).trusted_address
    change_source(source=source, by=governance, url="https://acme.example/v2")
    assert not Source.objects.get(pk=source.pk).trusted_address


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_a_history_is_replayed_by_a_mapping_in_a_file(tmp_path: Any, capsys: Any, db: None) -> None:
    (tmp_path / "mapping.json").write_text(json.dumps(MAPPING))
    for day, ends in (("01", None), ("02", "2027-01-01")):
        (tmp_path / f"{day}.json").write_bytes(body(m_1=ends))
    lines = [{"at": f"2026-09-{day}T06:00:00Z", "path": f"{day}.json"} for day in ("01", "02")]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))

    call_command(
        "replay",
        "acme",
        str(tmp_path / "manifest.jsonl"),
        "--mapping",
        str(tmp_path / "mapping.json"),
    )

    (event,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (event["kind"], event["source"], event["external_id"]) == ("announced", "acme", "m-1")
