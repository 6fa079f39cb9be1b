"""Clients that are signed in, and what tests read out of responses. A pytest plugin, for two
fixtures.

`response` is what Django's test client or the REST framework's answers; both add `json()`,
`context` and `wsgi_request` to the response classes, so functions that read these take any
response.
"""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pytest
from django.contrib.messages import get_messages
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from openpyxl.workbook import Workbook
from rest_framework.test import APIClient

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.common.time import now

# ---------------------------------------------------------------- clients


def signed_in_client(user: User, **options: Any) -> Client:
    """Return a client with a session of `user`, opened without the form."""
    client = Client(**options)
    client.force_login(user)
    return client


def session_of(user: User) -> str:
    """Return the cookie of a new session of `user`."""
    return signed_in_client(user).cookies["sessionid"].value


def log_in(user: User | str, password: str = "password", **options: Any) -> Client:
    """Return a client that has sent the sign-in form, with success or without.

    `user` may be what is typed as the login; `options` are the client's.
    """
    username = user if isinstance(user, str) else user.username
    client = Client(**options)
    client.post(reverse("account_login"), {"login": username, "password": password})
    return client


def token_client(user: User | None = None, *scopes: str, **token: Any) -> APIClient:
    """Return a REST client with a token of these scopes, by default `read`; without a user, one
    without a token.

    The token lasts a day; `token` are further arguments of issue_token.
    """
    if user is None:
        return APIClient()
    token.setdefault("lifetime", timedelta(days=1))
    _, text = issue_token(
        user=user, name="test", scopes=scopes or ["read"], at=now(), by=None, **token
    )
    return bearer_client(text)


def bearer_client(text: str, **options: Any) -> APIClient:
    """Return a REST client that sends the token `text`; `options` are the client's."""
    client = APIClient(**options)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


@pytest.fixture
def as_user(db: None) -> Callable[[User], Client]:
    """as_user(user): a client that is signed in."""
    return signed_in_client


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """api(user, "read", "write"): a client with a token of these scopes; api(): one without a
    token."""
    return token_client


# ---------------------------------------------------------------- bodies and files


def body_of(response: HttpResponseBase) -> bytes:
    """Return the whole body, streamed or not."""
    if isinstance(response, StreamingHttpResponse | FileResponse):
        return b"".join(response.streaming_content)  # type: ignore[arg-type]
    assert isinstance(response, HttpResponse), response
    return response.content


def file_text(response: HttpResponseBase) -> str:
    """Return the text of a file, without a byte order mark."""
    return body_of(response).decode("utf-8-sig")


def file_lines(response: HttpResponseBase) -> list[str]:
    return file_text(response).splitlines()


def csv_rows(response: HttpResponseBase) -> list[dict[str, str]]:
    """Return the rows of a CSV file below its head, by column."""
    assert response.status_code == 200, body_of(response)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(file_text(response))))


def workbook_of(response: HttpResponseBase) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(body_of(response)))


# ---------------------------------------------------------------- pages


def text_of(response: HttpResponseBase) -> str:
    """Return the source of a page with every run of white space as one space."""
    return " ".join(body_of(response).decode().split())


def visible_text(response: HttpResponseBase) -> str:
    """Return what `text_of` does, with a space in place of each tag."""
    return " ".join(re.sub(r"<[^>]+>", " ", body_of(response).decode()).split())


def read_form(response: Any) -> dict[str, Any]:
    """Return what a browser would send back of the form of a page that nobody changed."""
    form = response.context["form"]
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if hasattr(bound.field, "prepare_value"):
            value = bound.field.prepare_value(value)
        if value is True:
            data[bound.html_name] = "on"
        elif value is not None and value is not False:
            data[bound.html_name] = value
    return data


def flash_messages(response: Any) -> list[str]:
    """Return the messages that the request left for this page or the next."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def flash_text(response: Any) -> str:
    """Return the messages of `flash_messages` in one line."""
    return " ".join(flash_messages(response))


class PageOutline(HTMLParser):
    """A page's tags, links, ids and form fields, with what the content security policy would
    refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.styled: list[tuple[str, dict[str, str | None]]] = []  # style= and on…= attributes
        self.inline: list[dict[str, str | None]] = []  # scripts and styles within the page
        self.links: list[str] = []  # within the site
        self.ids: list[str | None] = []
        self.labelled: list[str | None] = []  # ids that a label names
        self.fields: list[
            tuple[str | None, str | None, bool]
        ] = []  # (id, name, has a label around or on it)
        self._label = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if "style" in given or any(name.startswith("on") for name in given):
            self.styled.append((tag, given))
        if tag == "script" and "src" not in given:
            self.inline.append(given)
        if tag == "style":
            self.inline.append(given)
        if tag == "a" and (link := given.get("href") or "").startswith("/"):
            self.links.append(link)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "label":
            self._label += 1
            if "for" in given:
                self.labelled.append(given["for"])
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.fields.append(
                (
                    given.get("id"),
                    given.get("name"),
                    self._label > 0 or bool(given.get("aria-label")),
                )
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._label -= 1


def outline_of(response: HttpResponseBase) -> PageOutline:
    outline = PageOutline()
    outline.feed(body_of(response).decode())
    return outline


# ---------------------------------------------------------------- REST


def listed_rows(response: Any) -> list[dict[str, Any]]:
    """Return the rows of a page of a REST list, which must have been answered with 200."""
    assert response.status_code == 200, response.content
    rows: list[dict[str, Any]] = response.json()["results"]
    return rows


def problem_of(response: Any, status: int) -> dict[str, Any]:
    """Return the problem document (RFC 9457) of a refusal with this status; its sentence must end
    as one."""
    problem: dict[str, Any] = response.json()
    assert response.status_code == status == problem["status"], problem
    assert response["Content-Type"] == "application/problem+json"
    assert problem["title"]
    assert problem["detail"].endswith(".")
    return problem


def problem_detail(response: Any, status: int) -> str:
    """Return the sentence of a refusal with this status."""
    detail: str = problem_of(response, status)["detail"]
    return detail
