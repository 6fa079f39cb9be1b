"""The body of an upload, raw or as a form, compressed or not, within its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.request import Request

from apps.intake.decompression import GZIP_MARK, BodyTooLargeError, decompress
from apps.intake.documents.records import UnreadableError

MIB = 1024 * 1024
FORM = "multipart/form-data"
# accepted for every format, since some clients send no type, or only that of the compression
_GENERIC_TYPES = (
    "",
    "application/octet-stream",
    "application/gzip",
    "application/x-gzip",
    "text/plain",
)
# boundaries and the small fields of a form
_MAX_FORM_OVERHEAD = 64 * 1024


class UploadTooLargeError(APIException):
    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large. Send it in parts."
    default_code = "too_large"


class SubjectNotFoundError(APIException):
    """404 with a detail, for a valid URL."""

    status_code = HTTPStatus.NOT_FOUND
    default_code = "no_such"


class DocumentRejectedError(APIException):
    """422 for a document that cannot be used."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_code = "unreadable"


@dataclass(frozen=True, slots=True)
class ReceivedDocument:
    """`body` is decompressed and within its limit; `fields` are the other parts of a form."""

    body: bytes
    file_name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def read_document(
    request: Request,
    *,
    most_bytes: int,
    most_inflated: int,
    media_types: tuple[str, ...],
    file_field: str = "",
    keeps_gzip: bool = False,
) -> ReceivedDocument:
    """Return the document of a request; raise 413, 415 or 400. `file_field` names the part of a
    form; any file if empty. `keeps_gzip`: the document stays compressed if it was sent as gzip,
    because its reader decompresses it piece by piece."""
    media_type = (
        request.content_type.partition(";")[0].strip().lower() if request.content_type else ""
    )
    if media_type != FORM and media_type not in (*media_types, *_GENERIC_TYPES):
        raise UnsupportedMediaType(
            media_type,
            f"A body of type {media_type[:100]} is not supported. Send the document as "
            f"{media_types[0] if media_types else 'application/octet-stream'}, or as "
            f"one file of {FORM}.",
        )
    raw = _read_body(
        request,
        most_bytes + (_MAX_FORM_OVERHEAD if media_type == FORM else 0),
        stated_limit=most_bytes,
    )
    if keeps_gzip and media_type != FORM and raw.startswith(GZIP_MARK):
        return ReceivedDocument(raw)
    raw = _decode_body(raw, request, most_inflated)
    if media_type != FORM:
        return ReceivedDocument(_decompress_content(raw, most_inflated))
    return _parse_form(request, raw, most_inflated, file_field, keeps_gzip=keeps_gzip)


def decompress_document(content: bytes, *, most_inflated: int) -> bytes:
    """Return a document from another body, decompressed."""
    return _decompress_content(content, most_inflated)


def _read_body(request: Request, max_bytes: int, *, stated_limit: int) -> bytes:
    """Return the body of at most `max_bytes`. `stated_limit` is the limit that the error names."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    too_large = UploadTooLargeError(
        f"The body can have at most {stated_limit // MIB} MiB. Compress it (Content-Encoding: "
        "gzip) or split it."
    )
    if length > max_bytes:
        raise too_large
    body: bytes
    if (
        not length
        and request.META.get("wsgi.input_terminated")
        and "Transfer-Encoding" in request.headers
    ):
        # a chunked body has no length, so Django reads nothing; the server marks its end
        body = request.META["wsgi.input"].read(max_bytes + 1)
    else:
        body = request._request.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise too_large
    if not body:
        raise ParseError("The document is empty. Send it as the body.")
    return body


def _decode_body(raw: bytes, request: Request, most_inflated: int) -> bytes:
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return raw
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise UnsupportedMediaType(
            coding, f"The Content-Encoding {coding[:60]} is not supported. Use gzip, or none."
        )
    return _inflate(raw, most_inflated + _MAX_FORM_OVERHEAD)


def _decompress_content(raw: bytes, most_inflated: int) -> bytes:
    """Return the content, decompressed if its first bytes are those of gzip; spreadsheets are
    archives of another kind."""
    body = _inflate(raw, most_inflated) if raw.startswith(GZIP_MARK) else raw
    if len(body) > most_inflated:
        raise UploadTooLargeError(
            f"The document can have at most {most_inflated // MIB} MiB after "
            "decompression. Split it."
        )
    if not body:
        raise ParseError("The document is empty. Send it as the body.")
    return body


def _inflate(raw: bytes, max_bytes: int) -> bytes:
    try:
        return decompress(raw, max_bytes=max_bytes)
    except BodyTooLargeError as error:
        raise UploadTooLargeError(str(error)) from None
    except UnreadableError as error:
        raise ParseError(str(error)) from None


def _parse_form(
    request: Request, raw: bytes, most_inflated: int, file_field: str, *, keeps_gzip: bool
) -> ReceivedDocument:
    """Return the document of a multipart form: the file, or the text of the field `file_field`,
    with the other fields."""
    meta = {"CONTENT_TYPE": request.META.get("CONTENT_TYPE", ""), "CONTENT_LENGTH": str(len(raw))}
    try:
        fields, files = MultiPartParser(
            meta, BytesIO(raw), [_InMemoryUploadHandler()], "utf-8"
        ).parse()
    except (
        MultiPartParserError,
        RequestDataTooBig,
        TooManyFieldsSent,
        TooManyFilesSent,
        StopUpload,
    ):
        raise ParseError(
            f"The body is not a valid {FORM}. Send one file, and let the client set the boundary."
        ) from None
    uploads: list[Any] = [
        file
        for name in files
        for file in files.getlist(name)
        if not file_field or name == file_field
    ]
    text_fields = {name: str(fields[name]) for name in fields}
    if len(uploads) > 1:
        raise ParseError("The form contains several files. Send each in its own request.")
    if uploads:
        content = uploads[0].read()
        return ReceivedDocument(
            content
            if keeps_gzip and content.startswith(GZIP_MARK)
            else _decompress_content(content, most_inflated),
            str(uploads[0].name or ""),
            text_fields,
        )
    text = text_fields.pop(file_field or "file", "")
    if not text:
        raise ParseError(f"The form contains no file. Send one in the part {file_field or 'file'}.")
    return ReceivedDocument(_decompress_content(text.encode(), most_inflated), "", text_fields)


class _InMemoryUploadHandler(FileUploadHandler):
    """A handler that keeps the file in memory, since the body is already there and limited."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._buffer = bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._buffer += raw_data

    def file_complete(self, file_size: int) -> SimpleUploadedFile:
        return SimpleUploadedFile(
            self.file_name or "file", bytes(self._buffer), self.content_type or ""
        )


__all__ = [
    "FORM",
    "MIB",
    "DocumentRejectedError",
    "ReceivedDocument",
    "SubjectNotFoundError",
    "UploadTooLargeError",
    "decompress_document",
    "read_document",
]
