"""Responses with rows, also as CSV and workbook: every list and every table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apps.api.framework.export_formats import FILE_FORMATS, FILE_RENDERERS, file_response
from apps.api.framework.pagination import KeysetPagination
from apps.common.database.keyset_pagination import MAX_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class FileRows:
    """The part of a response that a file contains: the rows under `key` (the whole response if it
    is a list), with the fields of `serializer` as columns."""

    serializer: type[serializers.BaseSerializer[Any]]
    key: str = "results"


class FileResponseMixin:
    """A mixin for views: `files` names the methods or actions whose rows are also a file."""

    request: Any
    files: ClassVar[Mapping[str, FileRows]] = {}

    def get_renderers(self) -> list[BaseRenderer]:
        renderers: list[BaseRenderer] = super().get_renderers()  # type: ignore[misc]
        return (
            [*renderers, *(renderer() for renderer in FILE_RENDERERS)]
            if self.offers_files
            else renderers
        )

    @property
    def _file_rows(self) -> FileRows | None:
        """Return the file content of the requested method or action; None if it has no file."""
        return self.files.get(getattr(self, "action", None) or str(self.request.method).lower())

    @property
    def offers_files(self) -> bool:
        """Return whether the rows of the requested method or action are also offered as a file."""
        return self._file_rows is not None

    @property
    def is_file(self) -> bool:
        """Return whether CSV or a workbook is requested instead of JSON."""
        return (
            getattr(getattr(self.request, "accepted_renderer", None), "format", "") in FILE_FORMATS
        )

    def file_handler(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler that answers with a file of all rows of `handler`.

        It calls `handler` for one page after another. The view must offer files for this request.
        """
        file_rows = self._file_rows
        assert file_rows is not None

        def respond_with_file(request: Request, *args: Any, **kwargs: Any) -> Any:
            serializer: Any = file_rows.serializer()
            column_names = [
                name for name, field in serializer.fields.items() if not field.write_only
            ]
            pages = self.pages_of(handler, file_rows.key, *args, **kwargs)
            return stream_file(request, pages, column_names)

        return respond_with_file

    def pages_of(
        self, handler: Callable[..., Any], key: str, *args: Any, **kwargs: Any
    ) -> Iterator[Any]:
        """Yield the rows of each page, as long as a page names the next one.

        The query of the request is replaced: the largest page size, and the cursor of each page. A
        response that is a list, instead of an object with the rows under `key`, is the only page.
        """
        query: Any = self.request._request.GET.copy()
        query[KeysetPagination.size_param] = str(MAX_PAGE_SIZE)
        while True:
            self.request._request.GET = query
            body = handler(self.request, *args, **kwargs).data
            if isinstance(body, list):
                yield body
                return
            yield body[key]
            if body.get("next") is None:
                return
            query[KeysetPagination.cursor_param] = QueryDict(urlsplit(body["next"]).query)["cursor"]


def stream_file(request: Request, pages: Iterator[Any], column_names: Sequence[str]) -> Any:
    """Return a streamed file in the requested format, named after the URL of the request."""
    file_name = request.path.strip("/").removeprefix("api/v1/").replace("/", "-")
    return file_response(pages, column_names, kind=request.accepted_renderer.format, name=file_name)
