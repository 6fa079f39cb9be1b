"""Background files: workbooks of many rows are written by a worker.

A request would wait for minutes, and fail with its connection."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse

# a workbook of as many applications takes about two seconds
MAX_ROWS_PER_REQUEST = 5_000


def is_long(rows: "QuerySet[Any]") -> bool:
    """Return whether there are more rows than a request writes; counting stops there."""
    return rows.order_by()[: MAX_ROWS_PER_REQUEST + 1].count() > MAX_ROWS_PER_REQUEST


def redirect_to_file_request(request: HttpRequest, kind: str) -> HttpResponseRedirect:
    """Redirect to the page that requests the file, with the query of the URL."""
    query = request.GET.copy()
    query.pop("page", None)
    return redirect(
        f"{reverse('files:list')}?{urlencode({'make': kind, 'query': query.urlencode()})}"
    )
