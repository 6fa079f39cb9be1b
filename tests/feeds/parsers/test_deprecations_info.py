"""deprecations.info: notices scraped from providers' pages, and the scrapers' faults."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE, FeedRow, LifecycleClaim, ParsedFeed
from apps.feeds.parsers import ADAPTERS, InvalidPayloadError
from apps.feeds.parsers.deprecations_info import parse, successor_text

NOTICE = {
    "provider": "OpenAI",
    "model_id": "gpt-0",
    "model_name": "GPT Zero",
    "announcement_date": "2026-01-01",
    "shutdown_date": "2026-12-31",
    "replacement_model": "gpt-1",
    "deprecation_context": "We deprecate.",
    "url": "https://example.org/deprecations",
    "content_hash": "00",
    "scraped_at": "2026-01-02T00:00:00.000000+00:00",
}


def read(*notices: dict[str, Any]) -> ParsedFeed:
    return parse(json.dumps(notices).encode())


def only(**changes: Any) -> FeedRow:
    (row,) = read({**NOTICE, **changes}).rows
    return row


def test_a_notice_becomes_a_row() -> None:
    row = only()

    assert row.external_id == "OpenAI/gpt-0"
    assert (row.host, row.group, row.api_id, row.region, row.name) == (
        "openai",
        "openai",
        "gpt-0",
        "",
        "GPT Zero",
    )
    assert row.lifecycle == LifecycleClaim(
        announced_on=date(2026, 1, 1),
        retires_on=date(2026, 12, 31),
        date_kind=FIRM,
        successor="gpt-1",
    )
    assert row.prices is None
    assert row.source_url == "https://example.org/deprecations"


@pytest.mark.parametrize(
    ("provider", "host"),
    [
        ("Google", "google"),
        ("Google Vertex", "google-vertex"),
        ("Google Vertex AI", "google-vertex"),
        ("AWS Bedrock", "amazon-bedrock"),
        ("Azure", "azure"),
        ("Azure OpenAI", "azure"),
        ("Anthropic", "anthropic"),
        ("Cohere", "cohere"),
        ("xAI", "xai"),
        ("Nowhere Labs", "nowhere-labs"),
    ],
)
def test_a_provider_is_known_in_each_of_its_spellings(provider: str, host: str) -> None:
    row = only(provider=provider, model_id="m-1")

    assert (row.external_id, row.host, row.group) == (f"{provider}/m-1", host, host)


def test_not_sooner_than_is_a_soft_date() -> None:
    row = only(announcement_date="N/A", shutdown_date="Not sooner than August 5, 2026")

    assert row.lifecycle == LifecycleClaim(
        retires_on=date(2026, 8, 5), date_kind=NOT_BEFORE, successor="gpt-1"
    )


@pytest.mark.parametrize("nothing", ["", "N/A", "<UNKNOWN>", None])
def test_a_notice_without_a_date_is_still_a_notice(nothing: str | None) -> None:
    row = only(shutdown_date=nothing)

    assert row.lifecycle == LifecycleClaim(announced_on=date(2026, 1, 1), successor="gpt-1")


def test_a_date_for_one_region_is_about_the_offering_there() -> None:
    row = only(
        provider="AWS Bedrock",
        model_id="ai21.jamba-instruct-v1:0",
        announcement_date="October 4, 2024 (only in us-west-2)",
        shutdown_date="March 12, 2025 (only in us-west-2)",
    )

    assert row.region == "us-west-2"
    assert row.lifecycle is not None
    assert (row.lifecycle.announced_on, row.lifecycle.retires_on) == (
        date(2024, 10, 4),
        date(2025, 3, 12),
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"shutdown_date": "2026-01-01"}, "equals its announcement date"),
        ({"shutdown_date": "2025-12-31"}, "is before its announcement"),
        (
            {"shutdown_date": "anthropic.claude-3-5-sonnet-20241022-v2:0"},
            "contains no readable date.",
        ),
        ({"shutdown_date": "9999-12-31"}, "placeholder"),
        ({"shutdown_date": 20261231}, "not text"),
    ],
)
def test_a_date_that_cannot_be_believed_is_set_aside_and_the_row_stays(
    changes: dict[str, Any], says: str
) -> None:
    parsed = read({**NOTICE, **changes})

    (row,) = parsed.rows
    assert (row.external_id, row.lifecycle) == ("OpenAI/gpt-0", None)
    (rejected,) = parsed.rejects
    assert rejected.external_id == "OpenAI/gpt-0"
    assert says in rejected.reason


def test_an_announcement_that_cannot_be_read_does_not_cost_the_date() -> None:
    parsed = read({**NOTICE, "announcement_date": "last spring"})

    (row,) = parsed.rows
    assert row.lifecycle == LifecycleClaim(
        retires_on=date(2026, 12, 31), date_kind=FIRM, successor="gpt-1"
    )
    assert parsed.rejects[0].reason.startswith("Announcement:")


@pytest.mark.parametrize(
    ("provider", "model_id"),
    [
        ("OpenAI", "Assistants API"),
        ("OpenAI", "Assistants API beta v1"),
        ("OpenAI", "Fine-tunes endpoint"),
        ("OpenAI", "Fine-tuning training on babbage-002"),
        ("OpenAI", "davinci-002 models"),
        ("OpenAI", "GPT"),
        ("OpenAI", "embeddings"),
        ("Google Vertex", "Generative AI module in the Vertex AI SDK"),
        ("Google Vertex", "Imagen 4 Preview models"),
        ("Google Vertex", "Imagen subject model and style model tuning"),
        ("Cohere", "command-r, command-r-plus, summarize, classify"),
        ("AWS Bedrock", "ai21.jamba-1-5-mini-v1:0 or ai21.jamba-1-5-large-v1:0"),
        ("AWS Bedrock", "ai21.jamba-instruct-v1:0 in US East (N. Virginia)"),
        ("AWS Bedrock", "a.b-v1:0, c.d-v1:0, and e.f-v1:0"),
        ("OpenAI", "N/A"),
        ("OpenAI", "<UNKNOWN>"),
        ("OpenAI", " "),
        ("OpenAI", "gpt\u0000"),
    ],
)
def test_what_names_no_single_model_is_set_aside(provider: str, model_id: str) -> None:
    parsed = read({**NOTICE, "provider": provider, "model_id": model_id}, NOTICE)

    assert [row.external_id for row in parsed.rows] == ["OpenAI/gpt-0"]
    assert len(parsed.rejects) == 1


@pytest.mark.parametrize(
    ("provider", "model_id"),
    [
        ("AWS Bedrock", "Claude Opus 4"),
        ("AWS Bedrock", "Titan Embeddings - Text v1.1"),
        ("AWS Bedrock", "Amazon Titan Text G1 - Express"),
        ("AWS Bedrock", "Meta Llama 2 13b-chat-v1"),
        ("Azure", "Command R+"),
        ("Azure", "Phi-3.5-MoE-instruct"),
        ("Cohere", "command"),
        ("OpenAI", "text-moderation-latest"),
    ],
)
def test_a_display_name_or_a_short_id_is_let_through_as_published(
    provider: str, model_id: str
) -> None:
    assert only(provider=provider, model_id=model_id).api_id == model_id


@pytest.mark.parametrize(
    ("published", "reads"),
    [
        ("gpt-5orgpt-4.1*", "gpt-5 or gpt-4.1"),
        ("gpt-5-miniorgpt-4.1-mini*", "gpt-5-mini or gpt-4.1-mini"),
        ("gpt-image-1orgpt-image-1-mini", "gpt-image-1 or gpt-image-1-mini"),
        (
            "Imagen 4 preview models\n        before November 30",
            "Imagen 4 preview models before November 30",
        ),
        ("Claude Opus 4.1, Claude Sonnet 4.5", "Claude Opus 4.1, Claude Sonnet 4.5"),
        ("gpt-editor-1", "gpt-editor-1"),
        ("<UNKNOWN>", ""),
        ("N/A", ""),
        ("", ""),
        (None, ""),
        (5, ""),
        ("gpt-0", ""),
    ],
)
def test_a_successor_is_made_readable(published: object, reads: str) -> None:
    assert successor_text(published, "gpt-0") == reads


@pytest.mark.parametrize("name", ["<UNKNOWN>", "Unknown", "Google Model", ""])
def test_a_placeholder_is_no_name(name: str) -> None:
    assert only(model_name=name).name == ""


def test_a_notice_that_stands_twice_is_one_row_if_it_says_the_same() -> None:
    again = {**NOTICE, "scraped_at": "2026-02-02T00:00:00.000000+00:00", "content_hash": "ff"}

    assert len(read(NOTICE, again).rows) == 1


def test_a_notice_that_stands_twice_differently_is_set_aside() -> None:
    parsed = read(
        NOTICE, {**NOTICE, "shutdown_date": "2027-01-01"}, {**NOTICE, "model_id": "gpt-2"}
    )

    assert [row.external_id for row in parsed.rows] == ["OpenAI/gpt-2"]
    assert "2 times" in parsed.rejects[0].reason


def test_elements_that_are_no_notices_are_set_aside_under_their_place() -> None:
    parsed = read(
        NOTICE,
        "text",  # type: ignore[arg-type]
        {"title": "x"},
        {**NOTICE, "model_id": None},
        {**NOTICE, "provider": "…"},
    )

    assert len(parsed.rows) == 1
    assert [rejected.external_id for rejected in parsed.rejects] == [
        "row 1",
        "row 2",
        "row 3",
        "row 4",
    ]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "deprecations.info must be a JSON array with one notice per model. Check the URL."),
        (b"{}", "deprecations.info must be a JSON array with one notice per model. Check the URL."),
        (
            b'{"version": "https://jsonfeed.org/version/1.1", "items": []}',
            "This URL is the JSON Feed of deprecations.info, whose IDs are not unique. Use",
        ),
        (b'[{"title": "Deprecations", "content": "..."}]', "The feed contains no readable row."),
        (b"<html></html>", "web page"),
        (b'[{"provider": "OpenAI"', "is incomplete"),
        ('[{"provider": "caf\u00e9"}]'.encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_body_that_is_no_list_of_notices_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidPayloadError, match=says):
        parse(body)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("moment", "rows", "rejects", "dated", "soft"),
    [
        ("2025-08-26T195804Z", 48, 28, 39, 6),
        ("2025-08-26T231153Z", 42, 28, 33, 0),
        ("2025-11-14T193714Z", 147, 9, 117, 0),
        ("2025-11-21T030602Z", 149, 9, 119, 0),
    ],
)
def test_recorded_notices_are_read_whole(
    shared: Path, moment: str, rows: int, rejects: int, dated: int, soft: int
) -> None:
    body = (shared / "feeds" / "deprecations_info" / moment / "deprecations.json").read_bytes()

    parsed = ADAPTERS["deprecations-info"].parse(body)

    claims = [row.lifecycle for row in parsed.rows if row.lifecycle and row.lifecycle.retires_on]
    assert (len(parsed.rows), len(parsed.rejects)) == (rows, rejects)
    assert (len(claims), sum(claim.date_kind == NOT_BEFORE for claim in claims)) == (dated, soft)
    named = {row.external_id for row in parsed.rows} | {
        rejected.external_id for rejected in parsed.rejects
    }
    assert named == {f"{raw['provider']}/{raw['model_id']}" for raw in json.loads(body)}
