"""Every quirk of lifecycle pages, each on an invented table."""

import pytest

from apps.feeds.pages.records import PageRow
from tests.feeds.pages.invented import as_html, page_of, read, read_row

NOTICE = "Shutdown date | Model | Recommended replacement"


# --- 1, several IDs in a cell ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "ids"),
    [
        (r"`m-4-0613` \| `m-4`, `m-4-completions`", ["m-4-0613", "m-4", "m-4-completions"]),
        (
            "`m-4` (including `m-4-turbo` and `m-4-x`, which point to it)",
            ["m-4", "m-4-turbo", "m-4-x"],
        ),
        ("`m-4`<br>`m-4-32k`", ["m-4", "m-4-32k"]),
        ("`m-r-03-2024` (and the alias `m-r`)", ["m-r-03-2024", "m-r"]),
        ("m-4, m-5", ["m-4", "m-5"]),
        ("m-4 and m-5", ["m-4", "m-5"]),
        ("Model Four<br>m-4", ["m-4"]),
        ("Large (25.02), Small", ["Large (25.02)", "Small"]),
        ("New fine-tuning training on `m-002`", ["m-002"]),
        ("[m-4](https://example.org/models/m-4)", ["m-4"]),
        ("**m-4**\\*", ["m-4*"]),
        ("Model router", ["Model router"]),
        ("m&#45;4", ["m-4"]),
    ],
)
def test_the_ids_of_a_cell(cell: str, ids: list[str]) -> None:
    rows = read(page_of(NOTICE, f"2026-05-01 | {cell} | `m-6`")).rows
    assert [row.model_id for row in rows] == ids
    assert {row.retires_on for row in rows} == {"2026-05-01"}


def test_a_version_beside_the_id() -> None:
    row = read_row(page_of(NOTICE, "2026-05-01 | `m-4` version: `2024-04-09` | `m-6`"))
    assert (row.model_id, row.version) == ("m-4", "2024-04-09")


# --- 2, replacements ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "replacement"),
    [
        ("m-qwq-32b acme/m-120b", "m-qwq-32b acme/m-120b"),
        ("`m-5` or `m-4.1*`", "m-5 or m-4.1"),
        ("`m-5`<br>`m-6`", "m-5, m-6"),
        ("`m-5` (`reasoning.mode: pro`)", "m-5 (reasoning.mode: pro)"),
        (
            "m-5 or the models on the [Platform](https://example.org)",
            "m-5 or the models on the Platform",
        ),
        ("---", ""),
        ("—", ""),
        ("N/A", ""),
    ],
)
def test_replacements_are_kept_as_written(cell: str, replacement: str) -> None:
    assert read_row(page_of(NOTICE, f"2026-05-01 | `m-4` | {cell}")).replacement == replacement


def test_of_two_columns_of_replacements_the_one_with_ids_is_read() -> None:
    body = page_of(
        "Model version | EOL date | Recommended model version replacement | Recommended model ID",
        "Claude Four | May 1, 2026 | Claude Five | acme.claude-5-v1:0",
    )
    row = read_row(body)
    assert (row.model_id, row.replacement) == ("Claude Four", "acme.claude-5-v1:0")


# --- 3, dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "day", "kind"),
    [
        ("2026‑03‑26", "2026-03-26", "firm"),
        ("2026.3.1", "2026-03-01", "firm"),
        ("2026/03/01", "2026-03-01", "firm"),
        ("Jan 20, 2027", "2027-01-20", "firm"),
        ("Sept. 4, 2026", "2026-09-04", "firm"),
        ("October 23, 2026", "2026-10-23", "firm"),
        ("July 15th, 2025", "2025-07-15", "firm"),
        ("15th of July 2025", "2025-07-15", "firm"),
        ("14th November, 2025", "2025-11-14", "firm"),
        ("31-Dec-2025", "2025-12-31", "firm"),
        ("08/16/26", "2026-08-16", "firm"),
        ("9/23/2024", "2024-09-23", "firm"),
        ("April, 30, 2025", "2025-04-30", "firm"),
        ("June  1,  2026", "2026-06-01", "firm"),
        ("2026-06-01 00:00 (UTC+8)", "2026-06-01", "firm"),
        ("2026-06-01T00:00:00Z", "2026-06-01", "firm"),
        ("May 15, 2026 at 12:00pm PT", "2026-05-15", "firm"),
        ("2026年3月30日00:00:00", "2026-03-30", "firm"),
        ("No sooner than 9/23/2025", "2025-09-23", "not_before"),
        ("No earlier than July 16, 2025", "2025-07-16", "not_before"),
        ("at earliest 2024-06-13", "2024-06-13", "not_before"),
        ("Not sooner than June 9, 2027", "2027-06-09", "not_before"),
        ("2027-05-01 or later", "2027-05-01", "not_before"),
        ("May 1, 2027 (or later)", "2027-05-01", "not_before"),
        ("Earliest February 2026", "2026-02", "not_before"),
        ("June 2026", "2026-06", "firm"),
        ("mid-June 2026", "2026-06", "firm"),
        ("**Deprecation:** May 1, 2026 <br> **Retirement:** June 1, 2026", "2026-06-01", "firm"),
        ("No Auto-upgrades <br>July 14, 2025", "2025-07-14", "firm"),
        ("~~May 1, 2026~~ June 1, 2026", "2026-06-01", "firm"),
        ("May 1, 2026 → June 1, 2026", "2026-06-01", "firm"),
        ("June 1, 2026 (previously May 1, 2026)", "2026-06-01", "firm"),
        ("2026-06-01<sup>1</sup>", "2026-06-01", "firm"),
        ("2026-06-01^1^", "2026-06-01", "firm"),
    ],
)
def test_the_end_of_a_cell(cell: str, day: str, kind: str) -> None:
    body = page_of(NOTICE, f"{cell} | `m-4` | `m-6`")
    row = read_row(body, dates={"order": "month_first"})
    assert (row.retires_on, row.date_kind) == (day, kind)
    twin = read_row(as_html(body.decode()).encode(), dates={"order": "month_first"})
    assert (twin.retires_on, twin.date_kind) == (day, kind)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("05/04/2026", "two ways"),
        ("2026-02-30", "does not exist"),
        ("2099-12-31", "placeholder"),
        ("2001-01-01", "earlier than any model"),
        ("Q3 2026", "no readable date"),
        ("August 31", "no year"),
    ],
)
def test_a_date_that_cannot_be_read_skips_the_row(cell: str, words: str) -> None:
    reading = read(page_of(NOTICE, f"{cell} | `m-4` | `m-6`", "2026-05-01 | `m-5` | `m-6`"))
    assert [row.model_id for row in reading.rows] == ["m-5"]
    assert [words in skipped.reason for skipped in reading.skipped] == [True]


def test_the_order_of_numeric_dates_is_set_and_never_guessed() -> None:
    body = page_of(NOTICE, "05/04/2026 | `m-4` | `m-6`")
    assert read_row(body, dates={"order": "day_first"}).retires_on == "2026-04-05"
    assert read_row(body, dates={"order": "month_first"}).retires_on == "2026-05-04"
    proved = read(page_of(NOTICE, "05/04/2026 | `m-4` | -", "05/14/2026 | `m-5` | -"))
    assert [row.retires_on for row in proved.rows] == ["2026-05-04", "2026-05-14"]


def test_a_header_that_says_earliest() -> None:
    body = page_of("Model | Earliest retirement date", "m-4 | 2026-05-01")
    assert read_row(body).date_kind == "not_before"


# --- 4, a date that is not the end ----------------------------------------------------------------


def test_a_version_is_no_date() -> None:
    cell = (
        "To be upgraded to `m-4` version: `turbo-2024-04-09`, starting no sooner than January 17, "
        "2025 <br><br> Auto-update: February 1, 2025"
    )
    row = read_row(page_of("Model | Retirement date", f"m-3 | {cell}"))
    assert (row.retires_on, row.date_kind) == ("2025-01-17", "not_before")


def test_other_days_have_columns_of_their_own() -> None:
    body = page_of(
        "Model ID | Release date | Legacy date | EOL date | Public extended access start date",
        "m-4 | May 1, 2024 | May 1, 2026 | November 1, 2026 | August 1, 2026",
    )
    row = read_row(body)
    assert (row.legacy_on, row.extended_access_from) == ("2026-05-01", "2026-08-01")
    assert row.retires_on == "2026-11-01"


def test_a_deprecation_date_is_the_end_only_without_a_retirement_date() -> None:
    alone = read_row(page_of("Model | Deprecation date", "m-4 | 2026-05-01"))
    beside = read_row(
        page_of("Model | Deprecation date | Retirement date", "m-4 | 2026-05-01 | 2026-08-01")
    )
    assert (alone.retires_on, alone.announced_on) == ("2026-05-01", "")
    assert (beside.retires_on, beside.announced_on) == ("2026-08-01", "2026-05-01")


# --- 5, words for nothing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "—",
        "-",
        "---",
        "N/A",
        "NA",
        "",
        "TBD",
        "No shutdown date announced",
        "At base model retirement",
    ],
)
def test_words_for_no_date(cell: str) -> None:
    row = read_row(page_of("Model | State | Retirement date", f"m-4 | Active | {cell}"))
    assert (row.retires_on, row.date_kind, row.stage) == ("", "", "active")


# --- 6, shifted headers ---------------------------------------------------------------------------


SHIFTED = page_of("Model ID | Launch date | Text", "m-4 | 9/4/2024 | 9/4/2025 | Text, Image")


def test_a_table_with_more_cells_than_headers_is_refused() -> None:
    reading = read(SHIFTED)
    assert not reading.rows
    assert "3 headers but 4 cells in row 1" in reading.refused[0]


def test_the_header_row_of_a_mapping_counts_if_every_row_has_its_cells() -> None:
    rule = {"headers": ["Model ID"], "header_row": ["Model ID", "Launch date", "EOL date", "Text"]}
    row = read_row(SHIFTED, tables=[rule], dates={"order": "month_first"})
    assert row.retires_on == "2025-09-04"
    assert not read(page_of("Model ID | A", "m-4 | b | c"), tables=[rule]).rows


# --- 7, 8, rows that are not models ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "kind", "name"),
    [
        ("`/v1/engines`", "endpoint", "/v1/engines"),
        ("`POST /v1/complete`", "endpoint", "POST /v1/complete"),
        ("Widgets-Beta: things=v1", "endpoint", "Widgets-Beta: things=v1"),
        ("Videos API", "feature", "Videos API"),
        ("Evals platform", "feature", "Evals platform"),
        ("`ft-m-4`", "fine_tune", "ft-m-4"),
        ("New fine-tuning training on `m-4`", "fine_tune", "m-4"),
        ("`m-4`", "model", "m-4"),
    ],
)
def test_the_kind_of_a_row(cell: str, kind: str, name: str) -> None:
    row = read_row(page_of(NOTICE, f"2026-05-01 | {cell} | `m-6`"))
    assert (row.kind, row.model_id) == (kind, name)


def test_a_row_that_divides_a_table_gives_the_stage_of_the_rows_below() -> None:
    body = page_of(
        "Model | Release date | Shutdown date",
        "m-4 | May 1, 2024 | June 1, 2026",
        "Preview models | | ",
        "m-5-preview | May 1, 2025 | June 1, 2026",
    )
    reading = read(body)
    assert [(row.model_id, row.stage) for row in reading.rows] == [
        ("m-4", ""),
        ("m-5-preview", "preview"),
    ]
    assert [skipped.is_fault for skipped in reading.skipped] == [False]


def test_a_row_over_all_columns_divides_an_html_table() -> None:
    body = (
        b"<html><body><table><tr><th>Model</th><th>Shutdown date</th></tr>"
        b"<tr><td colspan='2'>Preview models</td></tr>"
        b"<tr><td>m-5</td><td>2026-05-01</td></tr></table></body></html>"
    )
    assert [(row.model_id, row.stage) for row in read(body).rows] == [("m-5", "preview")]


def test_parameters_are_one_row_as_written() -> None:
    body = page_of("Parameter | Status | Behavior", "`top_p`, `top_k` | Deprecated | 400")
    row = read_row(body)
    assert (row.kind, row.model_id, row.stage) == ("parameter", "top_p, top_k", "deprecated")


# --- 9, timelines ---------------------------------------------------------------------------------


def test_the_end_of_a_timeline_is_the_row_that_says_so() -> None:
    body = page_of(
        "Date | Update",
        "June 3, 2026 | Deprecation announced for Reusable prompts.",
        "Oct 31, 2026 | Existing prompts become read-only.",
        "Nov 30, 2026 | The prompts API is scheduled to shut down.",
        above="## Upcoming\n\n### 2026-06-03: Reusable prompts",
    )
    row = read_row(body)
    assert (row.model_id, row.kind) == ("Reusable prompts", "feature")
    assert (row.announced_on, row.retires_on, row.row) == ("2026-06-03", "2026-11-30", 3)


def test_a_change_log_is_no_timeline() -> None:
    body = page_of("Date | Update", "May 1, 2026 | m-4 was shut down", above="# Changelog")
    assert not read(body).rows


# --- 10, the same ID twice ------------------------------------------------------------------------


def test_rows_about_one_end_complete_each_other() -> None:
    body = (
        page_of("Model | State | Retirement date", "m-4 | Deprecated | May 1, 2026")
        + b"\n### 2026-01-05: Notice\n\n"
        + page_of(
            "Retirement date | Deprecated model | Replacement",
            "May 1, 2026 | `m-4` | `m-6`",
            above="",
        )
    )
    rows = read(body).rows
    assert [(row.replacement, row.announced_on, row.stage) for row in rows] == [
        ("m-6", "2026-01-05", "deprecated"),
        ("m-6", "2026-01-05", "deprecated"),
    ]


# --- 11, regions ----------------------------------------------------------------------------------


def test_regions_of_a_column_and_of_a_date_cell() -> None:
    body = page_of(
        "Model | Regions | EOL date",
        "m-4 | us-east-1, eu-west-1 | May 1, 2026",
        "m-5 | | May 1, 2026 (only in us-west-2)",
        "m-6 | all Regions | May 1, 2026 (all Regions)",
        "m-7 | | May 1, 2026 (us-east-1), June 1, 2026 (eu-west-1)",
    )
    assert [(row.model_id, row.retires_on, row.regions) for row in read(body).rows] == [
        ("m-4", "2026-05-01", ("us-east-1", "eu-west-1")),
        ("m-5", "2026-05-01", ("us-west-2",)),
        ("m-6", "2026-05-01", ()),
        ("m-7", "2026-05-01", ("us-east-1",)),
        ("m-7", "2026-06-01", ("eu-west-1",)),
    ]


# --- 12, spans in HTML ----------------------------------------------------------------------------


def test_merged_cells_of_html_stand_in_each_row() -> None:
    body = (
        "<html><body><h2>Retired</h2><table><thead><tr><th rowspan='2'>Model</th>"
        "<th colspan='2'>Dates</th></tr><tr><th>Deprecated</th><th>Retired</th></tr></thead><tbody>"
        "<tr><td><p></p><p><code>m-1</code></p></td><td rowspan='2'>May 1, 2026</td>"
        "<td rowspan='2'>June 1, 2026</td></tr><tr><td>m-2</td></tr></tbody></table></body></html>"
    )
    assert [
        (row.model_id, row.announced_on, row.retires_on) for row in read(body.encode()).rows
    ] == [
        ("m-1", "2026-05-01", "2026-06-01"),
        ("m-2", "2026-05-01", "2026-06-01"),
    ]


def test_an_end_that_merged_cells_lost_is_that_of_the_heading() -> None:
    body = page_of(
        "Model name | Retirement time",
        "m-1 | 2026-03-30 00:00:00",
        "m-2 | ",
        above="## Retired on March 30, 2026",
    )
    assert [row.retires_on for row in read(body).rows] == ["2026-03-30", "2026-03-30"]


# --- 13, notices above the table ------------------------------------------------------------------

NOTICES = """# Models

The `m-v1` series and `m-4` are no longer available to new users (full sunset on August 31).
Switch to `m-6`.

## Old

> The models below were discontinued on **May 25, 2026**. Please use the latest model [m-6](/m-6).

| Model name | Description |
|---|---|
| `m-3` | Deprecated |

## Current

| Model name | Description |
|---|---|
| `m-6` | Best |
| `m-v1-8k` | Old |
"""


def test_a_sentence_states_the_end_of_the_models_that_it_names() -> None:
    assert not read(NOTICES.encode()).rows
    rows = {row.model_id: row for row in read(NOTICES.encode(), dates_from_sentences=True).rows}
    assert {name: (row.retires_on, row.stage) for name, row in rows.items()} == {
        "m-3": ("2026-05-25", ""),
        "m-4": ("2026-08-31", "closed_to_new"),
        "m-v1-8k": ("2026-08-31", "closed_to_new"),
    }
    assert rows["m-3"].replacement == rows["m-4"].replacement == "m-6"


def test_a_list_below_a_sentence() -> None:
    page = (
        "# Retirement\n\n**Effective May 15, 2026 at 12:00pm PT**, the following models will be "
        "retired:\n\n* `m-1`\n* `m-2`\n\nMigrate to these:\n\n* `m-9`\n"
    )
    rows = read(page.encode(), dates_from_sentences=True).rows
    assert [(row.model_id, row.retires_on) for row in rows] == [
        ("m-1", "2026-05-15"),
        ("m-2", "2026-05-15"),
    ]


# --- 14, two phases of a fine-tune ----------------------------------------------------------------


def test_a_fine_tuned_model_retires_twice() -> None:
    body = page_of(
        "Model | Version | Training retirement date | Deployment retirement date",
        "m-4 | 2024-08-06 | No earlier than 2027-04-01 | 2027-10-01",
    )
    assert [
        (row.kind, row.version, row.stage, row.retires_on, row.date_kind) for row in read(body).rows
    ] == [
        ("fine_tune", "2024-08-06", "training_ended", "2027-04-01", "not_before"),
        ("fine_tune", "2024-08-06", "", "2027-10-01", "firm"),
    ]


# --- 15, 16, stages -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        ("GA", "active"),
        ("Generally available", "active"),
        ("Preview", "preview"),
        ("Legacy", "legacy"),
        ("Deprecated", "deprecated"),
        ("Retired", "retired"),
        ("EOL", "retired"),
        ("Public extended access", "extended_access"),
        ("Closed to new customers", "closed_to_new"),
        ("Something", ""),
    ],
)
def test_stages_of_a_column(words: str, stage: str) -> None:
    assert (
        read_row(page_of("Model | Lifecycle | Retirement date", f"m-4 | {words} | —")).stage
        == stage
    )


def test_stages_of_a_section_and_days_of_announcement() -> None:
    body = (
        page_of(NOTICE, "2026-05-01 | `m-4` | `m-6`", above="## Upcoming\n\n### 2026-01-05: A")
        + page_of(NOTICE, "2025-05-01 | `m-3` | `m-6`", above="## Past\n\n### 2025-01-05: B")
        + page_of(
            NOTICE,
            "2025-04-01 | `m-2` | `m-6`",
            above="### [April 1, 2025: m-2](#a)\n\nOn March 5, 2025, we emailed all users.",
        )
    )
    rows = read(body, stages={"Upcoming": "deprecated", "Past": "retired"}).rows
    assert [(row.stage, row.announced_on) for row in rows] == [
        ("deprecated", "2026-01-05"),
        ("retired", "2025-01-05"),
        ("retired", ""),
    ]
    by_sentence = read(body, announced_from=["sentence"]).rows
    assert by_sentence[-1].announced_on == "2025-03-05"


def test_dates_that_have_not_come_are_earliest_where_the_page_says_so() -> None:
    body = page_of(
        "Model | Release date | Shutdown date",
        "m-3 | May 1, 2024 | June 1, 2026",
        "m-4 | June 5, 2026 | June 1, 2027",
    )
    rows = read(body, dates={"future_is_earliest": True}).rows
    assert [row.date_kind for row in rows] == ["firm", "not_before"]


def test_the_place_of_a_row() -> None:
    body = page_of(NOTICE, "2026-05-01 | `m-4` | `m-6`", above="# A\n\n## B\n\n#### C")
    row = read_row(body)
    assert isinstance(row, PageRow)
    assert (row.host, row.table, row.row) == ("acme", "A > B > C", 1)
