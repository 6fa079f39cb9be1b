"""Mappings proposed from pages that nobody has seen before, and pages without a table that fits."""

import pytest

from apps.feeds.pages.definition import read_page_mapping
from apps.feeds.pages.proposal import propose_mapping
from apps.feeds.pages.reader import read_page
from apps.feeds.parsers.payload import InvalidPayloadError
from tests.feeds.pages.invented import as_html, page_of

type Found = tuple[str, str, str]

# Headers and forms that lifecycle pages use, with invented models.
PAGES: dict[str, tuple[bytes, list[Found]]] = {
    "M/D/YYYY": (
        page_of(
            "Model | Version | Deprecated on | Retired on | Alternative",
            "Large `m-large-2501` | 25.01 | 11/6/2025 | 11/30/2025 | Large 3",
            "Small `m-small-2409` | 24.09 | 4/2/2025 | 5/6/2025 | `m-small-3`",
        ),
        [("m-large-2501", "2025-11-30", "firm"), ("m-small-2409", "2025-05-06", "firm")],
    ),
    "year first with slashes, IDs in a column of endpoints": (
        page_of(
            "Model | Available via API | Description | Max Tokens | API Endpoints | Legacy date | "
            "Deprecation on date | Retirement on date | Alternative model",
            "Seven B | yes | A | 32k | `open-m-7b` | 2024/11/25 | 2024/11/30 | 2025/03/30 | `m-8b`",
        ),
        [("open-m-7b", "2025-03-30", "firm")],
    ),
    "YYYY.M.D with a time of day": (
        page_of(
            "Model | Deprecation Date | Retirement Date | Recommended Alternative",
            "m-v2-flash | 2026.3.1 | 2026.6.1 00:00 (UTC+8) | m-v3",
            "m-v2-pro | 2026.5.11 | 2026.8.10 | m-v3-pro",
            "m-v2-omni | | TBD | ",
        ),
        [
            ("m-v2-flash", "2026-06-01", "firm"),
            ("m-v2-pro", "2026-08-10", "firm"),
            ("m-v2-omni", "", ""),
        ],
    ),
    "or later": (
        page_of(
            "Model ID | Release date | Retirement date | Details",
            "`m-2.5-pro` | June 17, 2025 | October 16, 2026 or later | ",
            "`emb-005` | November 18, 2024 | No retirement date announced | ",
            "`multi@001` | February 12, 2024 | Not earlier than March 2027 | ",
        ),
        [
            ("m-2.5-pro", "2026-10-16", "not_before"),
            ("emb-005", "", ""),
            ("multi@001", "2027-03", "not_before"),
        ],
    ),
    "Chinese": (
        page_of(
            "类别 | 模型名称 | 下线时间 | 替代模型",
            "千问 | m-audio-asr | 2026年3月30日00:00:00 | m3-asr-flash",
            above="## 2026年3月30日已下线",
        ),
        [("m-audio-asr", "2026-03-30", "firm")],
    ),
    "end of life": (
        page_of(
            "Provider | Model string | End of Life (EOL) date",
            "Acme | `m-small-2505` | 14th November, 2025",
        ),
        [("m-small-2505", "2025-11-14", "firm")],
    ),
    "slug": (
        page_of(
            "Model | Slug | Deprecation date | Recommended replacement",
            "M 4.6 | acme/M-4.6 | May 1, 2026 | M 4.7 (acme/M-4.7)",
        ),
        [("acme/M-4.6", "2026-05-01", "firm")],
    ),
    "the order of numbers is proved by a heading": (
        page_of(NUMERIC := "Model | Shutdown", "m-4 | 3/4/26", above="### April 3, 2026: m-4"),
        [("m-4", "2026-04-03", "firm")],
    ),
    "unreadable ends among others": (
        page_of(
            "Model | Status | Retirement date",
            "m-1 | Active | Q3 2026",
            "m-2 | Active | late 2026",
            "m-3 | Deprecated | 1 May 2026, 9:00 AM PT",
        ),
        [("m-3", "2026-05-01", "firm")],
    ),
}


@pytest.mark.parametrize("form", ["markdown", "html"])
@pytest.mark.parametrize("name", PAGES)
def test_a_proposal_reads_a_page_never_seen(name: str, form: str) -> None:
    body, expected = PAGES[name]
    if form == "html":
        body = as_html(body.decode()).encode()
    mapping = read_page_mapping(propose_mapping(body, host="acme"))
    rows = read_page(body, mapping, host="acme").rows
    assert [(row.model_id, row.retires_on, row.date_kind) for row in rows] == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"# Models\n\n`m-4` will be retired on May 1, 2026.\n", "no table"),
        (page_of("Model | Description", "`m-4` | Best"), "No table fits"),
        (page_of("Model | Input | Output", "m-4 | $1.25 | $10.00"), "No table fits"),
        (page_of("Model | RPM | Launch date", "m-4 | 500 | May 1, 2026"), "No table fits"),
        (
            page_of(
                "Model | Price | Promotional price valid until",
                "m-4 | $1 | June 1, 2026",
                above="# Pricing",
            ),
            "No table fits",
        ),
        (
            page_of("Date | Update", "May 1, 2026 | m-3 was shut down", above="# Log"),
            "No table fits",
        ),
        (page_of("Python version | End of support", "3.9 | October 2025"), "No table fits"),
        (page_of("Model | Retires", "m-4 | yes", "m-5 | no"), "No table fits"),
        (page_of("Model | Retires", "m-4 | 05/04/2026"), "two ways"),
        (
            page_of("Model ID | Ends | Text", "m-4 | 9/4/2025 | Text | Chat"),
            "3 headers but 4 cells",
        ),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_a_page_without_a_table_that_fits_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(InvalidPayloadError, match=words):
        propose_mapping(body, host="acme")


def test_what_a_proposal_states() -> None:
    body = (
        b"# Deprecations\n\nThe dates listed below are the earliest possible dates.\n\n"
        b"## Upcoming deprecations\n\n### April 5, 2026: m-4\n\nOn March 1, 2026, we emailed.\n\n"
        b"| Model | Shutdown Date |\n|---|---|\n| m-4 | 04/05/26 |\n\n"
        b"## Retired models\n\n### 15 January 2026: m-3\n\n"
        b"| Deprecated model | Shutdown Date | Price |\n|---|---|---|\n| m-3 | 01/15/26 | $1 |\n"
    )
    assert propose_mapping(body, host="acme") == {
        "tables": [
            {"headers": ["Model", "Shutdown Date"]},
            {"headers": ["Deprecated model", "Shutdown Date"]},
        ],
        "columns": {
            "retires": ["Shutdown Date"],
            "id": ["Deprecated model", "Model"],
            "price": ["Price"],
        },
        "dates": {"order": "month_first", "future_is_earliest": True},
        "stages": {"Upcoming deprecations": "deprecated", "Retired models": "retired"},
        "announced_from": ["sentence"],
    }
