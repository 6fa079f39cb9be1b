"""Azure's RSS of broad incidents: items only while they are open, region and services mixed in the
categories, the text replaced in place."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from apps.feeds.incidents.records import ReportedIncident, ReportedStatus, ReportedUpdate
from apps.feeds.incidents.values import (
    read_incidents,
    read_moment,
    read_names,
    read_text,
    read_title,
    require_id,
    require_start,
    says_duplicate,
)
from apps.feeds.parsers.notices import find_first_text, index_children, list_items

FORM = "azure"
# URL of all its incidents, because the address in items names another server at each poll.
PAGE = "https://azure.status.microsoft/en-us/status"
# The feed states no impact, and carries broad incidents only.
_IMPACT = "major"
_DIRECTION = (
    r"(?:North|South|East|West|Central|Southeast|Northeast|Northwest|Southwest|NorthCentral)"
)
_COUNTRY = (
    r"(?:US|USA|Europe|Asia|India|Japan|Korea|Africa|Brazil|Canada|Australia|UK|France|Germany|"
    r"Switzerland|Norway|Sweden|Italy|Poland|Spain|UAE|Qatar|Israel|Mexico|Chile|Indonesia|"
    r"Malaysia|New Zealand|Taiwan|Austria|Belgium|Denmark|Finland|Greece|China)"
)
# Regions as Azure names them: "West US 2", "UK South", "Germany West Central", "Global".
_REGION = re.compile(
    rf"Global|(?:{_DIRECTION} ){{1,2}}{_COUNTRY}(?: \d)?|{_COUNTRY}(?: {_DIRECTION}){{1,2}}(?: \d)?"
    r"|US Gov \w{4,12}|US DoD \w{4,12}"
)
_START = re.compile(
    r"Starting at (?:approximately |about )?(\d{1,2}):(\d{2}) UTC on (\d{1,2}) ([A-Z][a-z]{2,8}),? "
    r"(\d{4})"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def is_azure(root: Element) -> bool:
    """Return whether an RSS feed is Azure's, by the title of its channel."""
    channel = index_children(root).get("channel", [])
    return bool(channel) and find_first_text(index_children(channel[0]), "title") == "Azure Status"


def read(root: Element) -> ReportedStatus:
    incidents, rejects = read_incidents(
        [{"children": index_children(item)} for item in list_items(root)],
        lambda raw: _read_item(raw["children"]),
    )
    return ReportedStatus(FORM, False, incidents, rejects)


def _read_item(children: dict[str, list[Element]]) -> ReportedIncident:
    posted_at = read_moment(find_first_text(children, "pubdate").replace(" Z", " GMT"))
    title = read_title(find_first_text(children, "title"))
    text = read_text(find_first_text(children, "description"))
    categories = _read_categories(children.get("category", ()))
    regions = tuple(category for category in categories if _REGION.fullmatch(category))
    return ReportedIncident(
        external_id=require_id(find_first_text(children, "guid")),
        title=title,
        impact=_IMPACT,
        highest_impact=_IMPACT,
        started_at=require_start(_find_start(text), posted_at),
        ended_at=None,
        has_ended=False,
        components=tuple(category for category in categories if category not in regions),
        regions=regions,
        url=PAGE,
        status="open",
        updates=(ReportedUpdate(None, "", text),) if text else (),
        posted_at=posted_at,
        says_duplicate=says_duplicate(title, ()),
    )


def _read_categories(elements: Sequence[Element]) -> tuple[str, ...]:
    return read_names("".join(element.itertext()) for element in elements)


def _find_start(text: str) -> datetime | None:
    """Return the start that the text states in its first sentences."""
    match = _START.search(text[:1000])
    if match is None:
        return None
    hour, minute, day, month, year = match.groups()
    try:
        number = _MONTHS.index(month[:3].lower()) + 1
        return datetime(int(year), number, int(day), int(hour), int(minute), tzinfo=UTC)
    except ValueError:
        return None
