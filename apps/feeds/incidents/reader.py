"""Reads the body of a status page. The form is told by the body, never by the address: providers
move between operators of status pages, and one address can change its form."""

import codecs
from typing import Any

from apps.catalog.claims.feed_rows import RejectedRow
from apps.common.processes.child_process import child_function
from apps.feeds.incidents import (
    aws,
    azure,
    checkly,
    google_cloud,
    instatus,
    statuspage,
    syndication,
)
from apps.feeds.incidents.records import ReportedIncident, ReportedStatus, ReportedUpdate
from apps.feeds.parsers.notices import read_xml
from apps.feeds.parsers.payload import InvalidPayloadError, load_json

# An empty list is a list of no form.
EMPTY = "empty"
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNKNOWN_FORM = (
    "The address sent JSON that is no status page of a known form. The state of the host is "
    "unknown. Check the URL, because the provider may have moved its status page."
)


@child_function(
    classes=(ReportedStatus, ReportedIncident, ReportedUpdate, RejectedRow),
    errors=(InvalidPayloadError,),
    refusal=InvalidPayloadError,
)
def read_status(body: bytes) -> ReportedStatus:
    """Read the incidents of a body. Raises InvalidPayloadError with a sentence if the body is in
    none of the forms; nothing follows from such a body, also not that all is well."""
    body = _to_utf8(body)
    if _is_xml(body):
        root = read_xml(body)
        return azure.read(root) if azure.is_azure(root) else syndication.read(root)
    document = load_json(body)
    if isinstance(document, list):
        return _read_list(document)
    if isinstance(document, dict):
        return _read_object(document)
    raise InvalidPayloadError(_UNKNOWN_FORM)


def _read_list(document: list[Any]) -> ReportedStatus:
    if not document:
        return ReportedStatus(EMPTY, None)
    entries = [entry for entry in document if isinstance(entry, dict)]
    if any("arn" in entry for entry in entries):
        return aws.read(document)
    if any("begin" in entry and "id" in entry for entry in entries):
        return google_cloud.read(document)
    raise InvalidPayloadError(_UNKNOWN_FORM)


def _read_object(document: dict[str, Any]) -> ReportedStatus:
    page = document.get("page")
    if "activeIncidents" in document or (
        isinstance(page, dict) and isinstance(page.get("status"), str)
    ):
        return instatus.read(document)
    if isinstance(page, dict):
        return statuspage.read(document)
    if isinstance(document.get("incidents"), list):
        return checkly.read(document)
    raise InvalidPayloadError(_UNKNOWN_FORM)


def _to_utf8(body: bytes) -> bytes:
    """Return a body in UTF-16 as UTF-8; other bodies as they are."""
    if not body.startswith(_UTF16_MARKS):
        return body
    try:
        return body.decode("utf-16").encode("utf-8")
    except UnicodeError:
        raise InvalidPayloadError(
            "The body of the status page is incomplete. The last good data is kept. "
            "The next poll tries again."
        ) from None


def _is_xml(body: bytes) -> bool:
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    return start.startswith((b"<?xml", b"<rss", b"<feed", b"<rdf"))
