"""Timelines: tables of dates and updates about one feature, the end of which is a row."""

import re

from apps.feeds.pages.announcements import announcement_of
from apps.feeds.pages.dates import CellDate, read_dates
from apps.feeds.pages.definition import PageMapping
from apps.feeds.pages.ids import kind_of
from apps.feeds.pages.records import PageRow, pairs_of
from apps.feeds.pages.stages import stage_of_heading
from apps.feeds.pages.tables import Table
from apps.feeds.parsers.dates import UnclearDateError

_END = re.compile(
    r"shut ?-?down|shutting down|retire|sunset|end[- ]of[- ]life|discontinu|removed|turned off"
    r"|decommission|no longer (?:be )?(?:available|accessible|able)|will stop working",
    re.IGNORECASE,
)
_ANNOUNCED = re.compile(r"announc|notified", re.IGNORECASE)
_CLOSED = re.compile(r"not available to|not previously|new (?:customers|users)", re.IGNORECASE)
_DAY_AHEAD = re.compile(r"^[\w ,./-]{6,30}?: {0,3}(?=\S)")


# Headings that name no feature: tables of dates below them are change logs.
_NO_SUBJECT = re.compile(
    r"^(?:the )?(?:change ?-?log|release notes?|history|time ?-?line|updates?|what'?s new|news"
    r"|deprecations?|announcements?|versions?|revisions?|document history|overview|schedule"
    r"|important dates|key dates)\b.{0,30}$",
    re.IGNORECASE,
)


def row_of_timeline(
    table: Table, columns: dict[str, int], mapping: PageMapping, host: str
) -> PageRow | None:
    """Return one row about what the heading names: its end is the last row that says so."""
    if not table.path:
        return None
    subject = subject_of(table.path[-1])
    if _NO_SUBJECT.match(subject):
        return None
    end: tuple[int, CellDate] | None = None
    announced = closed = ""
    for number, row in enumerate(table.rows, start=1):
        if max(columns["date"], columns["update"]) >= len(row):
            continue
        update = row[columns["update"]][:1000]
        try:
            dates = read_dates(row[columns["date"]], mapping.dates)
        except UnclearDateError:
            continue
        if not dates:
            continue
        if _ANNOUNCED.search(update) and not announced:
            announced = dates[0].on
        elif _CLOSED.search(update) and not closed:
            closed = dates[0].on
        if _END.search(update) and (end is None or dates[0].on >= end[1].on):
            end = (number, dates[0])
    if end is None:
        return None
    number, found = end
    kind = kind_of(subject, subject, "", mapping)
    return PageRow(
        host=host,
        model_id=subject,
        kind="feature" if kind == "model" else kind,
        announced_on=announced or announcement_of(table, mapping),
        closed_to_new_on=closed,
        retires_on=found.on,
        date_kind=found.kind,
        stage=stage_of_heading(table.path, mapping.stages),
        table=table.heading,
        row=number,
        cells=pairs_of(table.header, table.rows[number - 1]),
    )


def subject_of(title: str) -> str:
    """Return what a heading is about, without the day ahead of it."""
    ahead = _DAY_AHEAD.match(title)
    if ahead and any(sign.isdigit() for sign in ahead[0]):
        return title[ahead.end() :].strip()[:200]
    return title.strip()[:200]
