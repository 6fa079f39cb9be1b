"""Reads of REST resources by the tools: the same rows, visibility, filters and sentences as REST.

A tool asks the view of a resource, without HTTP in between. The caller is the user of the token,
restricted as the token is. The request of the tool was authenticated and counted, so that the view
does neither again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpRequest, QueryDict
from rest_framework import status
from rest_framework.response import Response

from apps.accounts.models import ApiToken, User
from apps.api.framework.views import ReadViewSet, RegistryView

# a total is counted up to this number
MAX_COUNTED = 10_000
_COPIED_META = ("SERVER_NAME", "SERVER_PORT", "HTTP_HOST", "REMOTE_ADDR")


class RestRefusalError(Exception):
    """A refusal of the resource; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a tool: the request, and the user and the token that it was authenticated
    with."""

    request: HttpRequest
    user: User
    token: ApiToken


@dataclass(frozen=True, slots=True)
class RestPage:
    """A page of a list. `cursor` leads to the next one, and is empty on the last. `total` is the
    number of rows on all pages, MAX_COUNTED + 1 if there are more, and None if it is not
    counted."""

    rows: list[dict[str, Any]]
    cursor: str
    total: int | None


def read_record(
    caller: Caller,
    view_class: type[RegistryView],
    query: Mapping[str, Any] | None = None,
    *,
    action: str = "get",
    **kwargs: Any,
) -> Any:
    """Return what GET answers: the data of one record or of a computed resource. `action` is the
    method of a viewset, such as `retrieve`. Raises RestRefusalError."""
    return _respond(_prepare(caller, view_class, query or {}, action, kwargs), action, kwargs)


def read_page(
    caller: Caller,
    view_class: type[RegistryView],
    query: Mapping[str, Any],
    *,
    limit: int,
    cursor: str = "",
    **kwargs: Any,
) -> RestPage:
    """Return at most `limit` rows of a list, from the cursor on. Raises RestRefusalError."""
    action = "list" if issubclass(view_class, ReadViewSet) else "get"
    place = {"page_size": limit, **({"cursor": cursor} if cursor else {})}
    view = _prepare(caller, view_class, {**query, **place}, action, kwargs)
    body = _respond(view, action, kwargs)
    rows, next_cursor = list(body["results"]), _cursor_of(body.get("next"))
    total: int | None = None
    if isinstance(view, ReadViewSet):
        total = len(rows)
        if cursor or next_cursor:
            matching = view.filter_queryset(view.get_queryset())
            total = matching.order_by()[: MAX_COUNTED + 1].count()
    elif not cursor and not next_cursor:
        total = len(rows)
    return RestPage(rows=rows, cursor=next_cursor, total=total)


def _prepare(
    caller: Caller,
    view_class: type[RegistryView],
    query: Mapping[str, Any],
    action: str,
    kwargs: Mapping[str, Any],
) -> Any:
    """Return the view with a GET of the caller."""
    http = HttpRequest()
    http.method, http.path = "GET", caller.request.path
    http.META = {
        name: caller.request.META[name] for name in _COPIED_META if name in caller.request.META
    }
    params = QueryDict(mutable=True)
    for name, value in query.items():
        params.setlist(name, value if isinstance(value, list) else [str(value)])
    http.GET = params  # type: ignore[assignment]
    view: Any = view_class()
    view.setup(http, **kwargs)
    view.format_kwarg = None
    view.throttle_classes = []
    if isinstance(view, ReadViewSet):
        view.action, view.action_map = action, {"get": action}
        view.get = getattr(view, action)
    request = view.initialize_request(http, **kwargs)
    request.user, request.auth = caller.user, caller.token
    view.request, view.headers = request, {}
    return view


def _respond(view: Any, action: str, kwargs: Mapping[str, Any]) -> Any:
    """Return the data of the view's answer. Raises RestRefusalError with the sentence of its
    problem details."""
    try:
        view.initial(view.request, **kwargs)
        response: Response = getattr(view, action)(view.request, **kwargs)
    # the handler of REST raises again what is no refusal
    except Exception as error:  # noqa: BLE001
        response = view.handle_exception(error)
    if response.status_code >= status.HTTP_400_BAD_REQUEST:
        raise RestRefusalError(_describe_problem(response.data))
    return response.data


def _describe_problem(problem: Any) -> str:
    """Return the sentences of problem details, those of each field included."""
    errors = problem.get("errors") or []
    if len(errors) > 1:
        return " ".join(f"{error['field']}: {error['detail']}" for error in errors)
    return str(problem["detail"])


def _cursor_of(url: str | None) -> str:
    return parse_qs(urlsplit(url).query).get("cursor", [""])[0] if url else ""
