"""Claims of a page: one row for each ID, with stages, regions, months, and its place."""

from datetime import date

import pytest

from apps.catalog.claims.feed_rows import FeedRow, ParsedFeed, RegionalEnd, StageClaim
from apps.feeds.pages.claims import parse_page
from apps.feeds.pages.definition import read_page_mapping
from apps.feeds.parsers.payload import InvalidPayloadError
from tests.feeds.pages.invented import page_of

URL = "https://example.org/lifecycle"


def parsed(body: bytes, host: str = "bedrock", **mapping: object) -> ParsedFeed:
    return parse_page(body, mapping=read_page_mapping(mapping), host=host, url=URL)


def rows_of(body: bytes, host: str = "bedrock", **mapping: object) -> dict[str, FeedRow]:
    return {row.external_id: row for row in parsed(body, host, **mapping).rows}


def test_a_row_with_stages_and_its_place() -> None:
    body = page_of(
        "Model ID | Model name | Stage | Legacy date | EOL date | Extended access | Replacement",
        "acme.m-4-v1:0 | M Four | Legacy | May 1, 2026 | Nov 1, 2026 | August 1, 2026 | acme.m-5",
        above="## Legacy versions",
    )
    row = rows_of(body)["bedrock/acme.m-4-v1:0"]
    assert (row.host, row.group, row.api_id, row.name) == (
        "amazon-bedrock",
        "bedrock",
        "acme.m-4-v1:0",
        "M Four",
    )
    assert (row.kind, row.tier, row.source_url) == ("model", "", URL)
    claim = row.lifecycle
    assert claim is not None
    assert (claim.retires_on, claim.date_kind, claim.status) == (
        date(2026, 11, 1),
        "firm",
        "legacy",
    )
    assert (claim.successor, claim.retires_month) == ("acme.m-5", "")
    assert claim.stages == (
        StageClaim("legacy", date(2026, 5, 1), "firm"),
        StageClaim("extended_access", date(2026, 8, 1), "firm"),
    )
    assert row.excerpt["table"] == "Legacy versions"
    assert row.excerpt["row"] == 1
    assert row.excerpt["cells"]["EOL date"] == "Nov 1, 2026"


def test_a_month_alone_is_an_earliest_day_and_a_month() -> None:
    claim = rows_of(page_of("Model | Shutdown date", "m-4 | June 2026"))["bedrock/m-4"].lifecycle
    assert claim is not None
    assert (claim.retires_on, claim.date_kind, claim.retires_month) == (
        date(2026, 6, 1),
        "not_before",
        "2026-06",
    )


def test_rows_of_regions_are_one_claim() -> None:
    body = page_of(
        "Model | Regions | EOL date",
        "m-4 | us-east-1, us-west-2 | May 1, 2026",
        "m-4 | us-gov-west-1 | June 1, 2026",
    )
    claim = rows_of(body)["bedrock/m-4"].lifecycle
    assert claim is not None
    assert claim.retires_on == date(2026, 6, 1)
    assert claim.regions == (
        RegionalEnd("us-east-1", date(2026, 5, 1), "firm"),
        RegionalEnd("us-gov-west-1", date(2026, 6, 1), "firm"),
        RegionalEnd("us-west-2", date(2026, 5, 1), "firm"),
    )


def test_the_end_that_was_announced_last_counts() -> None:
    body = page_of(
        "Model | Shutdown date", "m-4 | June 1, 2026", above="### 2026-01-05: A"
    ) + page_of("Model | Shutdown date", "m-4 | August 1, 2026", above="### 2025-01-05: B")
    claim = rows_of(body)["bedrock/m-4"].lifecycle
    assert claim is not None
    assert (claim.retires_on, claim.announced_on) == (date(2026, 6, 1), date(2026, 1, 5))


def test_versions_make_ids() -> None:
    body = page_of(
        "Model | Version | Retirement date",
        "m-4 | 2024-08-06 | 2027-04-14",
        "emb | 1 | 2027-04-15",
        "emb | 2 | 2027-04-16",
        "tts | 001 | 2027-04-15",
        "m-5 (gated research preview) | — | 2027-04-15",
    )
    assert {name: row.api_id for name, row in rows_of(body, "azure").items()} == {
        "azure/m-4-2024-08-06": "m-4-2024-08-06",
        "azure/emb@1": "emb@1",
        "azure/emb@2": "emb@2",
        "azure/tts": "tts",
        "azure/m-5 (gated research preview)": "m-5",
    }


def test_a_fine_tuned_model_is_an_offering_of_its_base() -> None:
    body = page_of(
        "Model | Version | Training retirement date | Deployment retirement date",
        "m-4 | 2024-08-06 | No earlier than 2027-04-01 | 2027-10-01",
    ) + page_of("Model | Shutdown date", "`ft-m-3` | 2026-10-23", above="## B")
    rows = rows_of(body, "azure")
    tuned = rows["azure/m-4-2024-08-06 (fine-tuned)"]
    assert (tuned.api_id, tuned.tier, tuned.kind) == ("m-4-2024-08-06", "fine-tuned", "fine_tune")
    assert tuned.lifecycle is not None
    assert tuned.lifecycle.retires_on == date(2027, 10, 1)
    assert tuned.lifecycle.stages == (StageClaim("training_ended", date(2027, 4, 1), "not_before"),)
    assert len(rows) == 2
    assert (rows["azure/ft-m-3"].api_id, rows["azure/ft-m-3"].tier) == ("m-3", "fine-tuned")


def test_an_end_of_training_alone_is_no_retirement() -> None:
    body = page_of("Model | Shutdown date", "New fine-tuning training on `m-002` | 2024-10-28")
    row = rows_of(body, "openai")["openai/m-002 (fine-tuned)"]
    assert row.lifecycle is not None
    assert row.lifecycle.retires_on is None
    assert row.lifecycle.stages == (StageClaim("training_ended", date(2024, 10, 28), "firm"),)


def test_rows_about_one_fine_tuned_model_are_one_claim() -> None:
    body = page_of(
        "Model | Shutdown date",
        "New fine-tuning training on `m-002` | 2024-10-28",
        "`ft-m-002` | 2026-10-23",
    )
    (row,) = parsed(body, "openai").rows
    assert (row.external_id, row.api_id, row.tier) == ("openai/ft-m-002", "m-002", "fine-tuned")
    assert row.lifecycle is not None
    assert row.lifecycle.retires_on == date(2026, 10, 23)
    assert [claim.stage for claim in row.lifecycle.stages] == ["training_ended"]


def test_each_parameter_is_a_row() -> None:
    body = page_of("Parameter | Status", "`top_p`, `top_k` | Deprecated")
    rows = rows_of(body, "anthropic")
    assert {name: row.kind for name, row in rows.items()} == {
        "anthropic/top_p": "parameter",
        "anthropic/top_k": "parameter",
    }


def test_rows_that_cannot_be_read_are_rejected_with_their_place() -> None:
    body = page_of(
        "Model | Shutdown date",
        "m-4 | 2026-05-01",
        "m-5 | 2026-02-30",
        "Preview models | ",
        above="## A",
    ) + page_of("Model ID | Ends", "m-6 | a | b", above="## B")
    result = parsed(body)
    assert [(reject.external_id, reject.reason[:24]) for reject in result.rejects] == [
        ("bedrock/m-5", "The date '2026-02-30' do"),
        ("bedrock/table 1 not read", 'The table below "B" has '),
    ]
    assert result.ignored == 1
    assert result.host_names == {"amazon-bedrock": "Amazon Bedrock"}


@pytest.mark.parametrize(
    "body", [b"# Nothing\n\nText.\n", page_of("Model ID | Ends", "m-6 | a | b")]
)
def test_a_page_without_rows_is_no_statement(body: bytes) -> None:
    with pytest.raises(InvalidPayloadError):
        parsed(body)
