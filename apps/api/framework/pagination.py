"""Keyset pages: `?page_size=` up to 200, `?ordering=` by indexed columns, `?cursor=` from the
answer."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.utils.encoding import iri_to_uri
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from apps.common.database.keyset_pagination import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    InvalidCursorError,
    Keyset,
    KeysetPage,
    keyset_page,
    read_cursor,
)


class KeysetPagination:
    """Describes a page and reads the three parameters; the viewset passes its rows."""

    cursor_param = "cursor"
    size_param = "page_size"
    order_param = "ordering"

    def size(self, request: Request) -> int:
        size_text = request.query_params.get(self.size_param)
        if size_text is None:
            return DEFAULT_PAGE_SIZE
        if (
            not (size_text.isascii() and size_text.isdecimal())
            or len(size_text) > 9
            or int(size_text) < 1
        ):
            raise ValidationError({self.size_param: f"Enter a number from 1 to {MAX_PAGE_SIZE}."})
        return min(int(size_text), MAX_PAGE_SIZE)

    def order(self, request: Request, orders: Mapping[str, Keyset]) -> Keyset:
        order_name = request.query_params.get(self.order_param)
        if order_name is None:
            return next(iter(orders.values()))
        if order_name not in orders:
            raise ValidationError({self.order_param: f"Use one of {', '.join(orders)}."})
        return orders[order_name]

    def page(self, request: Request, queryset: Any, order: Keyset) -> KeysetPage[Any]:
        try:
            return keyset_page(
                queryset,
                order=order,
                size=self.size(request),
                cursor=request.query_params.get(self.cursor_param, ""),
            )
        except InvalidCursorError as error:
            raise ValidationError({self.cursor_param: str(error)}) from error

    def place(
        self, request: Request, model: type[Model], order: Keyset
    ) -> tuple[bool, list[Any] | None]:
        try:
            return read_cursor(request.query_params.get(self.cursor_param, ""), model, order)
        except InvalidCursorError as error:
            raise ValidationError({self.cursor_param: str(error)}) from error

    def body(
        self, request: Request, page: KeysetPage[Any], rows: list[dict[str, Any]]
    ) -> dict[str, Any]:
        return {
            "next": self._build_link(request, page.next),
            "previous": self._build_link(request, page.previous),
            "results": rows,
        }

    def _build_link(self, request: Request, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        query = [
            (name, value)
            for name, values in request.query_params.lists()
            for value in values
            if name != self.cursor_param
        ]
        address = f"{request.scheme}://{request.get_host()}{iri_to_uri(request.path)}"
        return f"{address}?{urlencode([*query, (self.cursor_param, cursor)])}"

    # --- OpenAPI document -------------------------------------------------------------------------

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "URL of the next page; null on the last page."},
                "previous": {
                    **link,
                    "description": "URL of the previous page; null on the first page.",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters of cursor, page size and order for the OpenAPI document."""
        orders = list(getattr(view, "orders", {}))
        return [
            {
                "name": self.cursor_param,
                "in": "query",
                "required": False,
                "description": "Start of the page, from `next` or `previous` of an answer.",
                "schema": {"type": "string"},
            },
            {
                "name": self.size_param,
                "in": "query",
                "required": False,
                "description": f"Rows per page, up to {MAX_PAGE_SIZE}; higher values count as "
                f"{MAX_PAGE_SIZE}.",
                "schema": {"type": "integer", "minimum": 1, "default": DEFAULT_PAGE_SIZE},
            },
            {
                "name": self.order_param,
                "in": "query",
                "required": False,
                "description": "Order of the rows; a leading minus reverses it.",
                "schema": {
                    "type": "string",
                    "enum": orders,
                    "default": orders[0] if orders else "id",
                },
            },
        ]
