"""Forms of status pages: all recorded bodies, and which form a body has."""

import gzip
import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.feeds.incidents.reader import read_status
from apps.feeds.incidents.records import ReportedStatus
from apps.feeds.incidents.scope import serves_models
from apps.feeds.incidents.values import read_moment
from apps.feeds.parsers.payload import InvalidPayloadError

SHARED = Path(os.environ.get("SHARED") or Path(__file__).resolve().parents[4] / "shared")
RECORDED = SHARED / "incidents"
shared = pytest.mark.shared


def recorded(name: str) -> ReportedStatus:
    if not RECORDED.is_dir():
        pytest.skip("the recorded status pages are not on this machine")
    body = (RECORDED / name).read_bytes()
    return read_status(gzip.decompress(body) if name.endswith(".gz") else body)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@shared
@pytest.mark.parametrize(
    ("name", "form", "lists_history", "n"),
    [
        ("statuspage/anthropic.summary.2026-07-29.json", "statuspage", False, 1),
        ("statuspage/openai.summary.2026-07-22.json", "statuspage", False, 1),
        ("statuspage/cohere.summary.2026-07-23.json", "statuspage", False, 1),
        ("statuspage/github.history.2026-08-22.atom", "news", True, 25),
        ("statuspage/github.incidents.reshaped.json", "statuspage", True, 50),
        ("google-cloud/incidents.2022-07-03.json.gz", "google_cloud", True, 157),
        ("azure/status.2026-07-23T1650Z.xml", "azure", False, 1),
        ("azure/status.2026-07-23T1813Z.xml", "azure", False, 1),
        ("azure/status.all-clear.xml", "azure", False, 0),
        ("aws/currentevents.2026-08-01.json", "aws", False, 2),
        ("other/mistral.checkly.2026-07-27.json", "checkly", False, 1),
        ("other/perplexity.instatus.2026-07-23.json", "instatus", False, 1),
        ("other/xai.feed.xml", "news", True, 4),
    ],
)
def test_every_recorded_body_is_read_completely(
    name: str, form: str, lists_history: bool | None, n: int
) -> None:
    status = recorded(name)

    assert (status.form, status.lists_history, len(status.incidents)) == (form, lists_history, n)
    assert not status.rejects


@shared
def test_start_end_impact_and_components_are_those_of_the_recorded_pages() -> None:
    body = json.loads((RECORDED / "statuspage/github.incidents.reshaped.json").read_bytes())
    read = {
        row.external_id: row
        for row in recorded("statuspage/github.incidents.reshaped.json").incidents
    }
    for raw in body["incidents"]:
        row = read[raw["id"]]
        assert row.started_at == datetime.fromisoformat(raw["started_at"])
        assert row.ended_at == datetime.fromisoformat(raw["resolved_at"])
        assert row.impact == raw["impact"]
        assert list(row.components) == list(dict.fromkeys(c["name"] for c in raw["components"]))
    cloud = json.loads(
        gzip.decompress((RECORDED / "google-cloud/incidents.2022-07-03.json.gz").read_bytes())
    )
    by_id = {
        row.external_id: row
        for row in recorded("google-cloud/incidents.2022-07-03.json.gz").incidents
    }
    for raw in cloud:
        row = by_id[raw["id"]]
        assert row.started_at == datetime.fromisoformat(raw["begin"])
        assert row.ended_at == datetime.fromisoformat(raw["end"])
        assert set(row.components) == {product["title"] for product in raw["affected_products"]}
    assert Counter(row.impact for row in by_id.values()) == {
        "major": 118,
        "critical": 20,
        "minor": 19,
    }


@shared
def test_news_and_list_of_one_page_tell_the_same() -> None:
    listed = {
        row.external_id: row
        for row in recorded("statuspage/github.incidents.reshaped.json").incidents
    }
    for row in recorded("statuspage/github.history.2026-08-22.atom").incidents:
        other = listed[row.external_id]
        assert (row.title, row.started_at, row.ended_at) == (
            other.title,
            other.started_at,
            other.ended_at,
        )
        assert row.impact == ""


@shared
def test_azure_states_the_start_in_its_text_and_mixes_regions_with_services() -> None:
    for name in ("azure/status.2026-07-23T1650Z.xml", "azure/status.2026-07-23T1813Z.xml"):
        (row,) = recorded(name).incidents
        assert (row.started_at, row.posted_at) == (
            utc("2026-07-23T14:44"),
            utc("2026-07-23T16:29:09"),
        )
        assert row.regions == ("West US",)
        assert "West US" not in row.components
        assert "Network Infrastructure" in row.components


@shared
def test_aws_events_have_their_region_and_services() -> None:
    first, second = recorded("aws/currentevents.2026-08-01.json").incidents
    assert (first.regions, second.regions) == (("me-central-1",), ("me-south-1",))
    assert (first.impact, first.started_at) == ("critical", utc("2026-03-01T12:51:25"))
    assert len(first.components) == 140
    assert serves_models("amazon-bedrock", first.components)


@shared
def test_xai_states_component_severity_and_resolution_in_words() -> None:
    rows = {row.external_id: row for row in recorded("other/xai.feed.xml").incidents}
    assert (rows["INCactive01"].components, rows["INCactive01"].impact) == (
        ("API (us-east-1.api.x.ai)",),
        "critical",
    )
    assert rows["INCactive02"].started_at == utc("2026-07-31T09:00")
    assert rows["INCdone01"].ended_at == utc("2026-07-31T08:00")
    assert rows["INCstale01"].ended_at is None


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"[]", "empty"),
        (b'{"incidents": []}', "checkly"),
        (b'{"page": {"name": "A", "status": "UP"}}', "instatus"),
        (b'{"page": {"id": "a"}, "incidents": []}', "statuspage"),
        (b'[{"id": "x", "begin": "2026-01-01T00:00:00+00:00"}]', "google_cloud"),
        ('[{"arn": "arn:aws:x", "date": "1772369485000"}]'.encode("utf-16"), "aws"),
    ],
)
def test_the_form_is_told_by_the_body(body: bytes, form: str) -> None:
    assert read_status(body).form == form


@pytest.mark.parametrize(
    "value", ["1772369485", 1772369485, "1772369485000", "2026-03-01T12:51:25Z"]
)
def test_times_are_seconds_milliseconds_or_text(value: object) -> None:
    assert read_moment(value) == utc("2026-03-01T12:51:25")


@pytest.mark.parametrize("value", ["", "soon", 10**30, True, None, "9" * 400, float("nan"), {}])
def test_what_is_no_time_is_none(value: object) -> None:
    assert read_moment(value) is None


def test_xml_with_entities_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><rss><channel><title>&a;</title></channel></rss>'
    with pytest.raises(InvalidPayloadError, match="entities"):
        read_status(b"<?xml version='1.0'?>" + bomb)


@pytest.mark.parametrize(
    ("host", "components", "expected"),
    [
        ("anthropic", ["claude.ai"], False),
        ("anthropic", ["claude.ai", "Claude API (api.anthropic.com)"], True),
        ("anthropic", ["Claude Console (platform.claude.com)"], False),
        ("openai", [], True),
        ("openai", ["Embeddings"], True),
        ("xai", ["API Console"], False),
        ("cohere", ["command-r-plus-082024"], True),
        ("google-vertex", ["Google BigQuery"], False),
        ("google-vertex", ["Vertex AI Online Prediction"], True),
        ("amazon-bedrock", ["AWS Lambda"], False),
        ("amazon-bedrock", ["Amazon Bedrock"], True),
        ("azure", ["API Management"], False),
        ("azure", ["Azure OpenAI Service"], True),
    ],
)
def test_components_serve_models_or_not(host: str, components: list[str], expected: bool) -> None:
    assert serves_models(host, components) is expected
