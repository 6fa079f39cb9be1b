"""Built-in mappings of providers' lifecycle pages, with the addresses of the pages.

The forms are those of the pages as seen on the days named beside them. A mapping accepts the forms
that a page had before, so that recorded states are read too. A page without an address is not
polled: its mapping serves `manage.py read_page` and sources that a person adds.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from apps.catalog.identity.hosts import host_slug
from apps.feeds.pages.definition import PageMapping, read_page_mapping


@dataclass(frozen=True, slots=True)
class BuiltInPage:
    """A lifecycle page whose form is known. `url` is the page for people, `source_url` the form
    that is read (Markdown where the provider publishes it); both are empty where the address is
    not known. `seen_on` is the ISO day of the newest state that the mapping was written from."""

    host: str
    name: str
    url: str
    source_url: str
    seen_on: str
    mapping: dict[str, Any] = field(default_factory=dict)


def _markdown_of(url: str, ending: str = "") -> str:
    """Return the address of the Markdown form of a page."""
    return f"{url}.md{ending}"


BUILT_IN: tuple[BuiltInPage, ...] = (
    BuiltInPage(
        host="openai",
        name="OpenAI deprecations",
        url="https://platform.openai.com/docs/deprecations",
        source_url=_markdown_of("https://developers.openai.com/api/docs/deprecations"),
        seen_on="2026-08-20",
        mapping={
            # One table for each notice, and timelines of products: date, update.
            "stages": {"Upcoming deprecations": "deprecated", "Past deprecations": "retired"},
        },
    ),
    BuiltInPage(
        host="anthropic",
        name="Anthropic model deprecations",
        url="https://platform.claude.com/docs/en/about-claude/model-deprecations",
        source_url=_markdown_of(
            "https://platform.claude.com/docs/en/about-claude/model-deprecations"
        ),
        seen_on="2026-08-22",
        # A table of all models, a table for each notice, and one of parameters.
        mapping={},
    ),
    BuiltInPage(
        host="google",
        name="Gemini API deprecations",
        url="https://ai.google.dev/gemini-api/docs/deprecations",
        source_url=_markdown_of("https://ai.google.dev/gemini-api/docs/deprecations", ".txt"),
        seen_on="2026-08-21",
        mapping={
            # A sentence of the page says that the listed dates are the earliest possible ones.
            "dates": {"future_is_earliest": True},
        },
    ),
    BuiltInPage(
        host="azure",
        name="Microsoft Foundry model retirement schedule",
        url="https://learn.microsoft.com/en-us/azure/foundry/openai/concepts/model-retirement-schedule",
        source_url=(
            "https://learn.microsoft.com/en-us/azure/foundry/openai/concepts/"
            "model-retirement-schedule?accept=text/markdown"
        ),
        seen_on="2026-09-02",
        mapping={
            # The schedule by lab, the retirements of 2025, and the catalogue page of 2025.
            # The page says: from the deprecation date on there are no new deployments.
            "columns": {"closed_to_new": ["Deprecation date*"]},
            "announced_from": [],
        },
    ),
    BuiltInPage(
        host="bedrock",
        name="Amazon Bedrock model lifecycle",
        url="https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html",
        source_url="https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.md",
        seen_on="2026-08-21",
        mapping={
            "tables": [
                # The table of active models of 2025 has no header above its column of end dates.
                {
                    "headers": ["Model ID", "Launch date"],
                    "header_row": [
                        "Provider",
                        "Model name",
                        "Model ID",
                        "Regions supported",
                        "Launch date",
                        "EOL date",
                        "Input modalities",
                        "Output modalities",
                    ],
                    "stage": "active",
                },
                {"headers": ["Legacy date", "*extended access*"], "stage": "legacy"},
                {"headers": ["Legacy date", "EOL date", "Model ID"], "stage": "legacy"},
                {"headers": ["Legacy date", "EOL date"], "stage": "retired"},
                {},
            ],
            # Written in the United States: 9/23/2024.
            "dates": {"order": "month_first"},
            "announced_from": [],
        },
    ),
    BuiltInPage(
        host="groq",
        name="Groq model deprecation",
        url="https://console.groq.com/docs/deprecations",
        source_url=_markdown_of("https://console.groq.com/docs/deprecations"),
        seen_on="2026-08-20",
        mapping={
            "dates": {"order": "month_first"},
            # The day in the heading is that of the shutdown.
            "announced_from": ["sentence"],
        },
    ),
    BuiltInPage(
        host="cohere",
        name="Cohere deprecations",
        url="https://docs.cohere.com/docs/deprecations",
        source_url=_markdown_of("https://docs.cohere.com/docs/deprecations"),
        seen_on="2026-08-20",
        # One table; other notices are prose and lists, of which "the following models" are read.
        mapping={
            "dates_from_sentences": True,
        },
    ),
    BuiltInPage(
        host="moonshot",
        name="Kimi model list",
        url="https://platform.kimi.ai/docs/models",
        source_url=_markdown_of("https://platform.kimi.ai/docs/models"),
        seen_on="2026-08-20",
        mapping={
            # Tables of IDs without dates: the day is in the sentence above.
            "dates_from_sentences": True,
        },
    ),
    BuiltInPage(
        host="vertex",
        name="Vertex AI model versions and lifecycle",
        # Columns of the page as found on 2026-11-29: Model ID, Release date, Retirement date,
        # Details or Recommended upgrade.
        url="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions",
        source_url="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions",
        seen_on="2026-11-29",
        mapping={
            "stages": {
                "Latest stable models": "active",
                "Legacy stable models": "legacy",
                "Retired models": "retired",
            },
            "announced_from": [],
        },
    ),
    BuiltInPage(
        host="alibaba",
        name="Alibaba Cloud Model Studio model decommissioning",
        # Columns of the Chinese page as found on 2026-11-29: category, model name, time of the
        # end, alternative model; categories and times span rows. Headings state the day of the
        # end.
        url="https://www.alibabacloud.com/help/en/model-studio/model-depreciation",
        source_url="https://www.alibabacloud.com/help/en/model-studio/model-depreciation.md",
        seen_on="2026-11-29",
        mapping={"announced_from": []},
    ),
    BuiltInPage(
        host="xai",
        name="xAI model retirement",
        # A page for each retirement, as found on 2026-11-29: a list and a table "Model being
        # retired", "Recommended replacement"; the day is in the sentence at the top.
        url="",
        source_url="",
        seen_on="2026-11-29",
        mapping={"dates_from_sentences": True},
    ),
)


def built_in_page(host: str) -> BuiltInPage | None:
    """Return the page of a host; the host as in the catalogue, or in any of its spellings."""
    wanted = host.strip().lower()
    for page in BUILT_IN:
        if page.host == wanted:
            return page
    slug = host_slug(wanted)
    return next((page for page in BUILT_IN if slug and host_slug(page.host) == slug), None)


@lru_cache(maxsize=64)
def mapping_of(host: str) -> PageMapping | None:
    """Return the built-in mapping of a host, None without one."""
    page = built_in_page(host)
    return read_page_mapping(page.mapping) if page is not None else None
