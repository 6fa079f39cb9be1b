"""BOM input of the gate: a bill of materials (CycloneDX, SPDX) or names, as a list of models."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.common.processes.child_process import child_function
from apps.gate.matching import RequestedModel
from apps.intake.documents.child_reader import DOCUMENT_CLASSES
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.records import Document, Sighting
from apps.intake.readers.json_text import check_size
from apps.intake.spreadsheets.files.tables import UnreadableError

_PLACE = re.compile(r"^(?P<file>.+?)(?:(?::|#L)(?P<line>[0-9]{1,9}))?(?::[0-9]+)?$")


@dataclass(frozen=True, slots=True)
class ParsedBom:
    """A parsed document. `incomplete` is a sentence if the document has parts that could not be
    read and no model at all."""

    requested: list[RequestedModel]
    form: str
    body: bytes
    incomplete: str = ""


def parse_bom(bom: Mapping[str, Any] | bytes) -> ParsedBom:
    """Parse a CycloneDX or SPDX document. UnreadableError if it is neither, or has no usable
    content."""
    try:
        body = bom if isinstance(bom, bytes) else orjson.dumps(bom)
    except orjson.JSONEncodeError as error:
        raise _unreadable_error(error) from error
    name, document = _parse_document(body)
    requested = list(requested_models(document))
    incomplete = ""
    if not requested and document.rejected:
        incomplete = (
            f"The document contains no readable model, and {len(document.rejected)} of its parts "
            f"were rejected: {document.rejected[0].reason}"
        )
    return ParsedBom(requested, name, body, incomplete)


@child_function(classes=DOCUMENT_CLASSES, errors=(UnreadableError,), refusal=UnreadableError)
def _parse_document(body: bytes) -> tuple[str, Document]:
    """Return (format, content)."""
    try:
        check_size(body)
        name = _detect_format(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise _unreadable_error(error) from error
    form = FORMATS.get(name)
    if form is None:
        raise UnreadableError(
            f"The format {name or 'given'} is not supported. Send CycloneDX, or models[]."
        )
    if len(body) > form.most_inflated:
        raise UnreadableError(
            f"The document is larger than {form.most_inflated // 1024 // 1024} MiB. Shorten it, "
            "or send models[]."
        )
    return name, form.read(body)


def _unreadable_error(error: Exception) -> UnreadableError:
    return UnreadableError(
        f"The document cannot be read: {error}. Reduce its nesting, or send models[]."
    )


def _detect_format(bom: Any) -> str:
    if not isinstance(bom, Mapping):
        raise UnreadableError("The bill of materials must be a JSON object.")
    if bom.get("bomFormat") == "CycloneDX":
        return "cyclonedx"
    if "spdxVersion" in bom or "@context" in bom or "spdxId" in bom:
        return "spdx"
    raise UnreadableError(
        "The document is not a bill of materials. CycloneDX has bomFormat, SPDX has @context."
    )


def requested_models(document: Document) -> Iterable[RequestedModel]:
    """Return one entry for each place of a model, so that findings name the line; at least one for
    each model."""
    for sighting in document.sightings:
        name = sighting.requested or sighting.served or sighting.alias
        if not name:
            continue
        is_alias = not sighting.requested and not sighting.served
        for file, line in _list_places(sighting) or [("", None)]:
            yield RequestedModel(
                name,
                sighting.gateway if is_alias else sighting.provider,
                sighting.region,
                is_alias,
                file,
                line,
            )


def _list_places(sighting: Sighting) -> list[tuple[str, int | None]]:
    places: dict[str, int | None] = {}
    for place in sighting.places:
        match = _PLACE.match(place)
        if match is not None:
            # each file once, with its first line
            places.setdefault(match["file"], int(match["line"]) if match["line"] else None)
    return list(places.items())
