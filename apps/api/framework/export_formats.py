"""Lists as files: CSV, workbook, or an Atom feed of the latest rows, with the filters, fields and
permissions of the list.

A file is read page by page, so memory does not grow with it. No text in it is run as a formula
(apps/reports/files.py).
"""

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import IO, Any
from xml.etree import ElementTree as ET

from django.conf import settings
from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

from apps.common.time import now
from apps.reports.files import Workbook, csv_lines

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MAX_MEMORY_BYTES = 8 * 1024 * 1024
_BLOCK_SIZE = 256 * 1024


class _FileRenderer(BaseRenderer):
    """A renderer that is chosen by `?format=` or Accept; the rows are streamed past it."""

    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b""


class CsvRenderer(_FileRenderer):
    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"


class XlsxRenderer(_FileRenderer):
    media_type = XLSX
    format = "xlsx"
    charset = None


FILE_RENDERERS: tuple[type[BaseRenderer], ...] = (CsvRenderer, XlsxRenderer)
FILE_FORMATS = frozenset(renderer.format for renderer in FILE_RENDERERS)


def file_response(
    pages: Iterator[Sequence[Mapping[str, Any]]], names: Sequence[str], *, kind: str, name: str
) -> Any:
    """Return the rows of all pages as a streamed response.

    The first page is read first, so that an invalid request is still answered with an error.
    """
    first_page = next(pages, [])
    rows = (
        [_cell_value(row.get(field_name)) for field_name in names]
        for page in chain([first_page], pages)
        for row in page
    )
    body: Any = csv_lines(names, rows) if kind == "csv" else _stream_workbook(name, names, rows)
    return StreamingHttpResponse(
        body,
        content_type="text/csv; charset=utf-8" if kind == "csv" else XLSX,
        headers={
            "Content-Disposition": f'attachment; filename="{name}.{kind}"',
            "Cache-Control": "private, no-cache",
            "Vary": "Authorization, Cookie",
        },
    )


def _cell_value(value: Any) -> Any:
    """Return the value as in JSON: booleans as true and false, times in UTC."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and not value:
        return 0
    return value


def _stream_workbook(
    name: str, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[bytes]:
    """Write the workbook to a temporary file, since an archive is closed last, and stream it from
    there."""
    with tempfile.SpooledTemporaryFile(max_size=_MAX_MEMORY_BYTES) as target:
        _write_book(target, name, names, rows)
        target.seek(0)
        while block := target.read(_BLOCK_SIZE):
            yield block


def _write_book(
    target: IO[bytes] | Any, name: str, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    book = Workbook(target, created=now())
    book.sheet(name, names, rows)
    book.close()


# --- Atom -----------------------------------------------------------------------------------------

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_IN_XML = re.compile(r"[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATOM = "http://www.w3.org/2005/Atom"


class AtomRenderer(BaseRenderer):
    """A page of a list as an Atom feed (RFC 4287). A subclass defines the entries."""

    media_type = "application/atom+xml"
    format = "atom"
    charset = "utf-8"
    title = ""
    path = ""

    def entry(self, row: Mapping[str, Any]) -> tuple[str, datetime, str, str]:
        """Return the title, time, path and summary of an entry."""
        raise NotImplementedError

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Render the page of rows as an Atom feed; its time of change is that of the latest
        entry."""
        if data is None:
            return b""
        entries = [(row["id"], *self.entry(row)) for row in data["results"]]
        feed = ET.Element("feed", xmlns=_ATOM)
        address = f"{settings.PUBLIC_URL}{self.path}"
        _add_element(feed, "id", address)
        _add_element(feed, "title", self.title)
        # an empty feed has never changed: the epoch
        _add_element(
            feed,
            "updated",
            _format_moment(
                max((entry[2] for entry in entries), default=datetime.fromisoformat("1970-01-01"))
            ),
        )
        ET.SubElement(feed, "link", rel="alternate", href=address)
        _add_element(
            ET.SubElement(feed, "author"),
            "name",
            settings.ORGANISATION_NAME or "Foundation Registry",
        )
        for pk, title, at, path, summary in entries:
            entry = ET.SubElement(feed, "entry")
            _add_element(entry, "id", f"{address}#{pk}")
            _add_element(entry, "title", title)
            _add_element(entry, "updated", _format_moment(at))
            ET.SubElement(entry, "link", rel="alternate", href=f"{settings.PUBLIC_URL}{path}")
            _add_element(entry, "summary", summary)
        document: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
        return document


def _add_element(parent: ET.Element, name: str, text: str) -> None:
    # some model names contain characters that XML does not allow
    ET.SubElement(parent, name).text = _NOT_IN_XML.sub("", text)


def _format_moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def _describe_subject(row: Mapping[str, Any]) -> str:
    if row["api_id"] is None:
        return str(row["provider"])
    return f"{row['api_id']} on {row['host']}"


class EventsAtomRenderer(AtomRenderer):
    title = "Changes of foundation models"
    path = "/events/"

    def entry(self, row: Mapping[str, Any]) -> tuple[str, datetime, str, str]:
        title = f"{str(row['kind']).replace('_', ' ').capitalize()}: {_describe_subject(row)}"
        if row["api_id"] is None:
            # the text difference is on the page of the event
            return title, row["detected_at"], f"{self.path}{row['id']}/", f"{row['source']}."
        effective = f" In effect on {row['effective_on']}." if row["effective_on"] else ""
        summary = (
            f"Before: {_format_value(row['old'])}. Now: {_format_value(row['new'])}."
            f"{effective} Source: {row['source']}."
        )
        return title, row["detected_at"], f"{self.path}{row['id']}/", summary


class AlertsAtomRenderer(AtomRenderer):
    title = "Alerts"
    path = "/alerts/"

    def entry(self, row: Mapping[str, Any]) -> tuple[str, datetime, str, str]:
        subject = _alert_subject(row)
        due = f" Due on {row['due_on']}." if row["due_on"] else ""
        summary = (
            f"{row['state']}, severity {row['severity']} of 5, "
            f"{_count_applications(len(row['application_ids']))}.{due}"
        )
        return (
            f"{str(row['kind']).replace('_', ' ').capitalize()}: {subject}",
            row["raised_at"],
            f"{self.path}{row['id']}/",
            summary.capitalize(),
        )


def _count_applications(n: int) -> str:
    return f"{n} application{'' if n == 1 else 's'}"


def _alert_subject(alert: Mapping[str, Any]) -> str:
    """Return what the alert is about, as far as its row states it."""
    details = alert["details"]
    if alert["api_id"]:
        return f"{alert['api_id']} on {alert['host']}"
    if alert["source"] or details.get("what"):
        return str(alert["source"] or details["what"])
    models = details.get("found") or []
    if models and isinstance(models[0], Mapping) and models[0].get("api_id"):
        others_note = f", and {len(models) - 1} more" if len(models) > 1 else ""
        return f"{models[0]['api_id']} on {models[0].get('host') or 'an unknown host'}{others_note}"
    return str(alert["subject"]).partition("@")[0].replace(":", " ").replace("_", " ")


def _format_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{unit} {amount}" for unit, amount in value.items())
    return "nothing" if value is None else str(value)
