"""modeldeprecations.dev: dates and status as people wrote them, firm and soft, and what contradicts
itself."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE, FeedRow, LifecycleClaim, ParsedFeed
from apps.feeds.parsers import InvalidPayloadError
from apps.feeds.parsers.modeldeprecations import parse
from tests.feeds.faulty_rows import spoilt

MODEL: dict[str, Any] = {
    "provider": "openai",
    "model": "gpt-0",
    "name": "GPT Zero",
    "aliases": ["gpt-0-latest"],
    "description": "A model.",
    "released_on": "2024-01-01",
    "deprecated_on": "2026-01-01",
    "shutdown_on": "2026-12-31",
    "status": "deprecated",
    "replacements": [
        {"provider": "openai", "model": "gpt-1", "recommended": False, "external": False},
        {
            "provider": "openai",
            "model": "gpt-2",
            "recommended": True,
            "external": False,
            "note": "Better.",
        },
    ],
    "sources": [
        {"url": "http://example.org/old", "accessed": "2026-01-01"},
        {
            "url": "https://example.org/deprecations",
            "title": "Deprecations",
            "accessed": "2026-01-01",
        },
    ],
    "last_verified": "2026-08-01",
    "computed_status": "retired",
}
BARE = {key: MODEL[key] for key in ("provider", "model", "status")} | {"status": "active"}


def document(*models: object, **envelope: Any) -> dict[str, Any]:
    whole = {
        "generatedAt": "2026-08-21T08:56:55.000Z",
        "asOf": "2026-08-21",
        "count": len(models),
        "models": models,
    }
    return {key: value for key, value in (whole | envelope).items() if value is not None}


def read(*models: object, **envelope: Any) -> ParsedFeed:
    return parse(json.dumps(document(*models, **envelope)).encode())


def only(**changes: Any) -> FeedRow:
    """The one row of a list with just this model; None takes a key away."""
    (row,) = read(changed(MODEL, **changes)).rows
    return row


def changed(model: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (model | changes).items() if value is not None}


def claim(**changes: Any) -> LifecycleClaim:
    lifecycle = only(**changes).lifecycle
    assert lifecycle is not None
    return lifecycle


def test_a_model_becomes_a_row() -> None:
    row = only()

    assert row.external_id == "openai/gpt-0"
    assert (row.host, row.group, row.api_id, row.name) == ("openai", "openai", "gpt-0", "GPT Zero")
    assert row.lifecycle == LifecycleClaim(
        announced_on=date(2026, 1, 1),
        retires_on=date(2026, 12, 31),
        date_kind=FIRM,
        status="deprecated",
        successor="gpt-2",
    )
    assert row.prices is None
    assert row.source_url == "https://example.org/deprecations"
    assert row.excerpt["aliases"] == ["gpt-0-latest"]
    assert row.excerpt["shutdown_on"] == "2026-12-31"


def test_optional_keys_may_be_absent() -> None:
    (row,) = read(BARE).rows

    assert row.lifecycle == LifecycleClaim(status="active")
    assert (row.name, row.source_url) == ("", "")


def test_an_earliest_shutdown_is_a_soft_date_even_when_it_has_passed() -> None:
    soft = claim(
        shutdown_on=None, earliest_shutdown_on="2026-07-01", status="active", deprecated_on=None
    )

    assert (soft.retires_on, soft.date_kind, soft.status) == (
        date(2026, 7, 1),
        NOT_BEFORE,
        "active",
    )


def test_the_status_that_was_worked_out_is_not_read() -> None:
    assert claim(computed_status="retired", status="active").status == "active"
    assert only(computed_status="active") == only(computed_status="retired")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("active", "active"),
        ("Retired", "retired"),
        ("preview", "preview"),
        ("sunsetting", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_a_status_is_one_of_ours_or_none(written: object, read_as: str) -> None:
    assert claim(status=written, shutdown_on="2026-08-01").status == read_as


@pytest.mark.parametrize("placeholder", ["2090-01-01", "2098-12-31", "9999-12-31", ""])
@pytest.mark.parametrize("field", ["shutdown_on", "earliest_shutdown_on", "deprecated_on"])
def test_a_placeholder_is_no_date_and_no_fault(field: str, placeholder: str) -> None:
    parsed = read(changed(BARE, **{field: placeholder}))

    assert parsed.rows[0].lifecycle == LifecycleClaim(status="active")
    assert parsed.rejects == ()


@pytest.mark.parametrize(
    ("provider", "host"),
    [
        ("amazon", "amazon-bedrock"),
        ("bedrock", "amazon-bedrock"),
        ("qwen", "alibaba"),
        ("alibaba", "alibaba"),
        ("zai", "zai"),
        ("z-ai", "zai"),
        ("google", "google"),
        ("vertex", "google-vertex"),
        ("moonshot", "moonshotai"),
        ("nowhere-labs", "nowhere-labs"),
    ],
)
def test_a_provider_keeps_its_host_and_group_when_the_feed_renames_it(
    provider: str, host: str
) -> None:
    row = only(provider=provider)

    assert (row.external_id, row.host, row.group) == (f"{provider}/gpt-0", host, host)


@pytest.mark.parametrize(
    ("replacements", "successor"),
    [
        ([{"provider": "openai", "model": "a"}, {"provider": "openai", "model": "b"}], "a"),
        (
            [
                {"provider": "openai", "model": "a"},
                {"provider": "openai", "model": "b", "recommended": True},
            ],
            "b",
        ),
        ([{"provider": "mistral", "model": "a", "external": True}], "mistral/a"),
        ([{"provider": "openai", "model": "a", "external": True}], "openai/a"),
        ([{"provider": "google", "model": "a", "external": False}], "google/a"),
        ([{"model": "a"}], "a"),
        ([{"provider": "openai"}, "text", None, {"model": ""}], ""),
        ([], ""),
        ({"model": "a"}, ""),
        (None, ""),
    ],
)
def test_the_recommended_replacement_comes_first_and_names_another_provider(
    replacements: object, successor: str
) -> None:
    assert claim(replacements=replacements).successor == successor


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"earliest_shutdown_on": "2026-10-01"}, "and the earliest shutdown date"),
        ({"status": "retired"}, "retired, but its shutdown date 2026-12-31 is in the future"),
        (
            {"status": "retired", "shutdown_on": None, "earliest_shutdown_on": "2027-01-01"},
            "is in the future",
        ),
        ({"released_on": "2027-01-01"}, "before the release"),
        ({"shutdown_on": "2025-12-31"}, "before its announcement"),
        ({"deprecated_on": "2026-12-31"}, "equals its announcement date"),
        (
            {"deprecated_on": "2026-06-01", "shutdown_on": "2026-06-01"},
            "equals its announcement date",
        ),
        ({"shutdown_on": "2026-02-30"}, "does not exist"),
        ({"shutdown_on": "soon"}, "is not in the form 2026-11-24."),
        ({"shutdown_on": 20261231}, "is not in the form 2026-11-24."),
        (
            {"shutdown_on": None, "earliest_shutdown_on": "Q3 2026"},
            "is not in the form 2026-11-24.",
        ),
    ],
)
def test_dates_that_contradict_each_other_are_set_aside_and_the_row_stays(
    changes: dict[str, Any], says: str
) -> None:
    parsed = read(changed(MODEL, **changes))

    (row,) = parsed.rows
    assert (row.external_id, row.lifecycle) == ("openai/gpt-0", None)
    (rejected,) = parsed.rejects
    assert rejected.external_id == "openai/gpt-0"
    assert says in rejected.reason


def test_a_model_switched_off_without_notice_is_believed_once_it_is_retired() -> None:
    gone = claim(deprecated_on="2026-04-04", shutdown_on="2026-04-04", status="retired")

    assert (gone.announced_on, gone.retires_on, gone.status) == (
        date(2026, 4, 4),
        date(2026, 4, 4),
        "retired",
    )


def test_tomorrow_where_the_day_begins_earlier_is_not_ahead() -> None:
    assert claim(status="retired", shutdown_on="2026-08-22").retires_on == date(2026, 8, 22)


def test_without_the_day_of_the_page_nothing_is_called_ahead() -> None:
    (row,) = read(changed(MODEL, status="retired"), generatedAt=None, asOf=None).rows

    assert row.lifecycle is not None


def test_an_announcement_that_cannot_be_read_does_not_cost_the_date() -> None:
    parsed = read(changed(MODEL, deprecated_on="last spring"))

    lifecycle = parsed.rows[0].lifecycle
    assert lifecycle is not None
    assert (lifecycle.announced_on, lifecycle.retires_on) == (None, date(2026, 12, 31))
    assert parsed.rejects[0].reason.startswith("Announcement:")


def test_a_release_that_cannot_be_read_judges_nothing() -> None:
    assert claim(released_on="2024").retires_on == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("envelope", "as_of"),
    [
        ({}, datetime(2026, 8, 21, 8, 56, 55, tzinfo=UTC)),
        ({"generatedAt": "2026-08-21T10:00:00+02:00"}, datetime(2026, 8, 21, 8, 0, tzinfo=UTC)),
        ({"generatedAt": None}, datetime(2026, 8, 21, tzinfo=UTC)),
        ({"generatedAt": "2026-08-21T08:56:55"}, datetime(2026, 8, 21, tzinfo=UTC)),
        ({"generatedAt": "yesterday"}, datetime(2026, 8, 21, tzinfo=UTC)),
        ({"generatedAt": "0001-01-01T00:00:00+23:00"}, datetime(2026, 8, 21, tzinfo=UTC)),
        ({"generatedAt": None, "asOf": "August"}, None),
        ({"generatedAt": 5, "asOf": None}, None),
    ],
)
def test_the_page_says_when_it_was_made(envelope: dict[str, Any], as_of: datetime | None) -> None:
    assert read(MODEL, **envelope).as_of == as_of


def test_a_page_that_is_not_whole_is_refused() -> None:
    with pytest.raises(InvalidPayloadError, match="states 393 models but lists 1"):
        read(MODEL, count=393)


def test_a_page_that_does_not_count_its_rows_is_read() -> None:
    assert len(read(MODEL, count=None).rows) == 1


def test_a_row_that_stands_twice_is_one_row_if_it_says_the_same() -> None:
    assert len(read(MODEL, MODEL).rows) == 1


def test_a_row_that_stands_twice_differently_is_set_aside() -> None:
    parsed = read(MODEL, changed(MODEL, shutdown_on="2027-01-01"), BARE | {"model": "gpt-9"})

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-9"]
    assert "2 times" in parsed.rejects[0].reason


def test_a_field_that_stands_twice_sets_the_row_aside() -> None:
    body = json.dumps(document(MODEL, BARE | {"model": "gpt-9"})).replace(
        '"shutdown_on": "2026-12-31"', '"shutdown_on": "2026-12-31", "shutdown_on": "2027-12-31"'
    )

    parsed = parse(body.encode())

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-9"]
    assert "shutdown_on twice" in parsed.rejects[0].reason


def test_elements_that_are_no_models_are_set_aside() -> None:
    parsed = read(
        MODEL,
        "text",
        None,
        {"provider": "openai"},
        MODEL | {"model": "  "},
        MODEL | {"model": "x" * 400},
    )

    assert [row.external_id for row in parsed.rows] == ["openai/gpt-0"]
    assert [rejected.external_id for rejected in parsed.rejects[:3]] == ["row 1", "row 2", "row 3"]
    assert [rejected.reason for rejected in parsed.rejects[3:]] == [
        "The key of the row is empty or contains unprintable characters.",
        "The key of the row is too long for an ID.",
    ]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            b"[]",
            "modeldeprecations.dev must be a JSON object with a list of models. Check the URL.",
        ),
        (
            b"{}",
            "modeldeprecations.dev must be a JSON object with a list of models. Check the URL.",
        ),
        (
            b'{"models": {}}',
            "modeldeprecations.dev must be a JSON object with a list of models. Check the URL.",
        ),
        (b'{"models": []}', "The feed contains no readable row."),
        (b'{"models": [5]}', "The feed contains no readable row."),
        (
            b"null",
            "modeldeprecations.dev must be a JSON object with a list of models. Check the URL.",
        ),
        (b"<html></html>", "web page"),
        (b"BEGIN:VCALENDAR", "not JSON"),
        (b'{"models": [{', "is incomplete"),
        (b"", "empty"),
    ],
)
def test_a_body_that_is_no_list_of_models_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(InvalidPayloadError, match=says):
        parse(body)


def test_whatever_a_part_becomes_the_page_is_read_or_refused() -> None:
    whole = json.loads(json.dumps(document(MODEL, BARE | {"model": "gpt-9"})))
    n_read = 0

    for body in spoilt(whole):
        try:
            parsed = parse(json.dumps(body).encode())
        except InvalidPayloadError:
            continue
        n_read += 1
        for row in parsed.rows:
            assert row.host
            assert "\\u0000" not in json.dumps(row.excerpt)
            assert row.lifecycle is None or (row.lifecycle.retires_on is None) == (
                row.lifecycle.date_kind == ""
            )

    assert n_read > 200


@pytest.mark.shared
@pytest.mark.parametrize(
    ("moment", "rows", "firm", "soft", "successors"),
    [
        ("2026-07-30T183744Z", 156, 108, 14, 116),
        ("2026-08-03T124743Z", 385, 205, 16, 227),
        ("2026-08-07T050047Z", 385, 205, 16, 227),
        ("2026-08-21T085655Z", 393, 208, 19, 230),
    ],
)
def test_recorded_pages_are_read_whole(
    shared: Path, moment: str, rows: int, firm: int, soft: int, successors: int
) -> None:
    parsed = parse(_recorded(shared, moment))

    claims = [row.lifecycle for row in parsed.rows if row.lifecycle]
    assert (len(parsed.rows), parsed.rejects) == (rows, ())
    assert sum(claim.date_kind == FIRM for claim in claims) == firm
    assert sum(claim.date_kind == NOT_BEFORE for claim in claims) == soft
    assert sum(bool(claim.successor) for claim in claims) == successors
    assert parsed.as_of is not None
    assert f"{parsed.as_of:%Y-%m-%dT%H%M%SZ}" == moment


@pytest.mark.shared
def test_between_recorded_pages_no_date_and_no_host_changes_though_providers_are_renamed(
    shared: Path,
) -> None:
    before, after = (
        {(row.host, row.api_id): row.lifecycle for row in parse(_recorded(shared, moment)).rows}
        for moment in ("2026-08-07T050047Z", "2026-08-21T085655Z")
    )

    assert before.keys() <= after.keys()
    for offering, lifecycle in before.items():
        later = after[offering]
        assert lifecycle is not None
        assert later is not None
        assert (lifecycle.retires_on, lifecycle.date_kind) == (later.retires_on, later.date_kind)


def _recorded(shared: Path, moment: str) -> bytes:
    folder = shared / "feeds" / "modeldeprecations" / moment
    plain = folder / "models.json"
    return (
        plain.read_bytes()
        if plain.exists()
        else gzip.decompress((folder / "models.json.gz").read_bytes())
    )
