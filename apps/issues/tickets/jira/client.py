"""Calls to Jira: version 3 of the API of Jira Cloud, version 2 of that of Jira Data Center.

Sources, seen on 30 November 2026: https://developer.atlassian.com/cloud/jira/platform/rest/v3/
(createmeta by project and issue type, user search, transitions, remote links, errors by field);
https://developer.atlassian.com/cloud/jira/platform/rate-limiting (429, Retry-After);
https://docs.adaptavist.com/sr4jc/latest/release-notes/breaking-changes/atlassian-rest-api-search-endpoints-deprecation
(`search/jql` with `nextPageToken` in place of `search`); and
https://developer.atlassian.com/server/jira/platform/jira-rest-api-examples/ (Data Center)."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from apps.common.credentials import Credentials
from apps.common.http.calls import (
    MEBIBYTE,
    OutboundError,
    OutboundFailedError,
    Request,
    Response,
    ResponseTooLargeError,
)
from apps.common.http.client import fetch
from apps.common.http.installation_policy import installation_policy
from apps.common.time import parse_moment
from apps.intake.documents.records import UnreadableError
from apps.intake.readers.json_text import load_json
from apps.issues.models import TicketConnection
from apps.issues.tickets.jira.documents import read_document, write_document
from apps.issues.tickets.jira.errors import (
    JiraCredentialsError,
    JiraError,
    JiraForbiddenError,
    JiraLimitedError,
    JiraMissingError,
    JiraRefusedError,
    JiraUnavailableError,
)

CALL_SECONDS = 20.0
MAX_ANSWER_BYTES = 4 * MEBIBYTE
MAX_PAGES = 20
PAGE_SIZE = 100
# when Jira names no time
DEFAULT_WAIT_SECONDS = 60
MAX_WAIT_SECONDS = 3_600
# label of all tickets of the registry, by which a poll finds those that changed
COMMON_LABEL = "foundation-registry"
REMOTE_LINK_NAME = "Foundation Registry"


@dataclass(frozen=True, slots=True)
class JiraField:
    """A field of a new ticket. `values` are the names that it accepts, empty for any value."""

    id: str
    name: str
    is_required: bool
    has_default: bool
    type: str
    items: str
    values: tuple[str, ...]
    is_long: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "is_required": self.is_required,
            "has_default": self.has_default,
            "type": self.type,
            "items": self.items,
            "values": list(self.values),
            "is_long": self.is_long,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "JiraField":
        return JiraField(**{**value, "values": tuple(value["values"])})


@dataclass(frozen=True, slots=True)
class JiraTicket:
    """A ticket as it is in Jira now. `status_author` is the account that set the status last."""

    id: str
    key: str
    summary: str
    status: str
    category: str
    status_at: datetime | None
    status_by: str
    status_author: str
    status_change: str
    assignee: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class JiraComment:
    id: str
    author: str
    author_account: str
    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class CreatedTicket:
    id: str
    key: str


class JiraClient:
    """Calls of one connection with its secrets. Every call raises a JiraError if it did not
    succeed. Redirects are not followed, because the request carries the token."""

    def __init__(self, connection: TicketConnection, credentials: Credentials) -> None:
        self.connection = connection
        self.is_cloud = connection.is_cloud
        base = connection.base_url.rstrip("/")
        self.api = f"{base}/rest/api/{3 if self.is_cloud else 2}"
        self.host = urlsplit(base).hostname or base
        self._token = credentials["token"]

    # --- reading ----------------------------------------------------------------------------------

    def read_account(self) -> str:
        """Return the ID of the account: accountId in Jira Cloud, the user name in Data Center."""
        answer = self._get("/myself")
        return _text(answer.get("accountId" if self.is_cloud else "name"))

    def list_projects(self) -> list[str]:
        """Return the keys of the first projects that the account sees."""
        if self.is_cloud:
            answer = self._get("/project/search", maxResults="50")
            rows = _list(answer.get("values"))
        else:
            rows = self._get_list("/project")
        return [_text(_mapping(row).get("key")) for row in rows][:50]

    def read_project(self, key: str) -> str:
        """Return the name of a project."""
        return _text(self._get(f"/project/{_part(key)}").get("name"))

    def missing_permissions(self, project: str, names: Sequence[str]) -> list[str]:
        """Return those of the permissions that the account lacks in the project."""
        answer = self._get("/mypermissions", projectKey=project, permissions=",".join(names))
        stated = _mapping(answer.get("permissions"))
        return [name for name in names if _mapping(stated.get(name)).get("havePermission") is False]

    def list_issue_types(self, project: str) -> dict[str, str]:
        """Return {ID: name} of the types of new tickets, without sub-tasks."""
        path = f"/issue/createmeta/{_part(project)}/issuetypes"
        return {
            _text(row.get("id")): _text(row.get("name"))
            for row in self._offset_pages(path, "issueTypes")
            if not row.get("subtask")
        }

    def list_create_fields(self, project: str, issue_type_id: str) -> list[JiraField]:
        """Return the fields of new tickets of a type."""
        path = f"/issue/createmeta/{_part(project)}/issuetypes/{_part(issue_type_id)}"
        return [_read_field(row) for row in self._offset_pages(path, "fields")][:400]

    def find_assignee(self, address: str, project: str) -> str:
        """Return the ID of the one person with this address to whom tickets of the project can be
        assigned; empty if there is none, or several. Jira hides addresses and persons from
        accounts without the permission to browse users."""
        name = "query" if self.is_cloud else "username"
        rows = self._get_list(
            "/user/assignable/search", project=project, maxResults="10", **{name: address}
        )
        people = [_mapping(row) for row in rows]
        # the search also matches names; an address that is shown decides
        exact = [p for p in people if _text(p.get("emailAddress")).lower() == address.lower()]
        hidden = [p for p in people if not _text(p.get("emailAddress"))]
        found = exact or (hidden if len(people) == 1 else [])
        if len(found) != 1:
            return ""
        return _text(found[0].get("accountId" if self.is_cloud else "name"))

    def find_marked(self, mark: str, *, is_labelled: bool) -> CreatedTicket | None:
        """Return the ticket with the mark, which a request created whose answer was lost."""
        jql = f'labels = "{mark}"' if is_labelled else f'description ~ "\\"{mark}\\""'
        for row in self._search(f"{jql} ORDER BY created ASC", ("summary",), max_pages=1):
            return CreatedTicket(_text(row.get("id")), _text(row.get("key")))
        return None

    def list_changed(self, minutes: int) -> dict[str, datetime | None]:
        """Return {ID: time} of the registry's tickets that changed in the last minutes. The query
        names a duration, because Jira reads times in the zone of the account."""
        jql = f'labels = "{COMMON_LABEL}" AND updated >= -{minutes}m ORDER BY updated ASC'
        rows = self._search(jql, ("updated",), max_pages=MAX_PAGES)
        return {
            _text(row.get("id")): _moment(_mapping(row.get("fields")).get("updated"))
            for row in rows
        }

    def read_ticket(self, ticket_id: str) -> JiraTicket:
        """Read a ticket by its ID or key; a moved one has another key and the same ID."""
        answer = self._get(
            f"/issue/{_part(ticket_id)}",
            fields="summary,status,assignee,updated",
            expand="changelog",
        )
        fields = _mapping(answer.get("fields"))
        status = _mapping(fields.get("status"))
        change = _last_status_change(_mapping(answer.get("changelog")))
        author = _mapping(change.get("author"))
        return JiraTicket(
            id=_text(answer.get("id"), 40),
            key=_text(answer.get("key"), 80),
            summary=_text(fields.get("summary"), 255),
            status=_text(status.get("name"), 120),
            category=_text(_mapping(status.get("statusCategory")).get("key"), 20),
            status_at=_moment(change.get("created")),
            status_by=_text(author.get("displayName"), 255),
            status_author=self._account_of(author),
            status_change=_text(change.get("id"), 40),
            assignee=_text(_mapping(fields.get("assignee")).get("displayName"), 255),
            updated_at=_moment(fields.get("updated")),
        )

    def list_comments(self, ticket_id: str) -> list[JiraComment]:
        """Return the comments of a ticket, oldest first; those beyond MAX_PAGES pages are left
        out."""
        path = f"/issue/{_part(ticket_id)}/comment"
        comments = []
        for row in self._offset_pages(path, "comments", orderBy="created"):
            author = _mapping(row.get("author"))
            comments.append(
                JiraComment(
                    id=_text(row.get("id"), 40),
                    author=_text(author.get("displayName"), 255),
                    author_account=self._account_of(author),
                    at=_moment(row.get("created")),
                    text=read_document(row.get("body")),
                )
            )
        return comments

    # --- writing ----------------------------------------------------------------------------------

    def create_ticket(self, fields: Mapping[str, Any]) -> CreatedTicket:
        """Create a ticket. After a JiraUnavailableError it may exist: find it by its mark first."""
        answer = self._post("/issue", {"fields": fields})
        created = CreatedTicket(_text(answer.get("id"), 40), _text(answer.get("key"), 80))
        if not created.id or not created.key:
            raise JiraUnavailableError(
                f"{self.host} answered without the key of the new ticket. The registry looks for "
                "it, and tries again."
            )
        return created

    def link_ticket(self, ticket_id: str, *, mark: str, url: str, title: str) -> None:
        """Show a link to the registry in the ticket. With its ID, a second one changes the
        first."""
        content = {
            "globalId": f"{COMMON_LABEL}={mark}",
            "application": {"name": REMOTE_LINK_NAME},
            "relationship": "is described in",
            "object": {"url": url, "title": title},
        }
        self._post(f"/issue/{_part(ticket_id)}/remotelink", content)

    def add_comment(self, ticket_id: str, text: str) -> str:
        """Add a comment and return its ID."""
        body = write_document(text) if self.is_cloud else text
        answer = self._post(f"/issue/{_part(ticket_id)}/comment", {"body": body})
        return _text(answer.get("id"), 40)

    def find_transition(self, ticket_id: str, name: str) -> str:
        """Return the ID of the transition with this name, or to a status with this name, that the
        ticket can take now; empty if there is none."""
        answer = self._get(f"/issue/{_part(ticket_id)}/transitions")
        wanted = name.strip().lower()
        for row in map(_mapping, _list(answer.get("transitions"))):
            names = {_text(row.get("name")), _text(_mapping(row.get("to")).get("name"))}
            if wanted in {text.lower() for text in names}:
                return _text(row.get("id"), 40)
        return ""

    def move_ticket(self, ticket_id: str, transition: str) -> None:
        """Carry out a transition."""
        self._post(f"/issue/{_part(ticket_id)}/transitions", {"transition": {"id": transition}})

    def as_text_value(self, text: str) -> Any:
        """Return a long text in the form of the API."""
        return write_document(text) if self.is_cloud else text

    def as_person(self, account: str) -> dict[str, str]:
        return {"accountId": account} if self.is_cloud else {"name": account}

    # --- calls ------------------------------------------------------------------------------------

    def _account_of(self, person: Mapping[str, Any]) -> str:
        return _text(person.get("accountId" if self.is_cloud else "name"), 255)

    def _search(
        self, jql: str, fields: Sequence[str], *, max_pages: int
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a search: by tokens in Jira Cloud, by offsets in Data Center."""
        parameters = {"jql": jql, "fields": ",".join(fields), "maxResults": str(PAGE_SIZE)}
        if not self.is_cloud:
            yield from self._offset_pages("/search", "issues", max_pages=max_pages, **parameters)
            return
        token = ""
        for _ in range(max_pages):
            further = {"nextPageToken": token} if token else {}
            answer = self._get("/search/jql", **parameters, **further)
            yield from map(_mapping, _list(answer.get("issues")))
            following = _text(answer.get("nextPageToken"), 4_000)
            if not following or following == token or answer.get("isLast") is True:
                return
            token = following

    def _offset_pages(
        self, path: str, key: str, *, max_pages: int = MAX_PAGES, **parameters: str
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a listing with `startAt`; Data Center names some of them `values`."""
        n_rows = 0
        for _ in range(max_pages):
            answer = self._get(
                path, **{"maxResults": str(PAGE_SIZE), **parameters, "startAt": str(n_rows)}
            )
            rows = _list(answer.get(key)) or _list(answer.get("values"))
            yield from map(_mapping, rows)
            n_rows += len(rows)
            total = answer.get("total")
            is_last = answer.get("isLast") is True or (isinstance(total, int) and n_rows >= total)
            if not rows or is_last:
                return

    def _get(self, path: str, **parameters: str) -> Mapping[str, Any]:
        return _mapping(self._call("GET", path, parameters, None))

    def _get_list(self, path: str, **parameters: str) -> list[Any]:
        return _list(self._call("GET", path, parameters, None))

    def _post(self, path: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        return _mapping(self._call("POST", path, {}, content))

    def _call(self, method: str, path: str, parameters: Mapping[str, str], content: Any) -> Any:
        url = f"{self.api}{path}"
        if parameters:
            url += f"?{urlencode(parameters, quote_via=quote)}"
        body = orjson.dumps(content) if content is not None else None
        request = Request(url, method, self._headers(method), body=body)
        policy = installation_policy(
            max_redirects=0,
            deadline=CALL_SECONDS,
            read_timeout=CALL_SECONDS,
            max_wire_bytes=MAX_ANSWER_BYTES,
            max_body_bytes=MAX_ANSWER_BYTES,
        )
        try:
            response = fetch(request, policy=policy)
        except (OutboundFailedError, ResponseTooLargeError) as error:
            # sentences of the outbound client name hosts, and no headers or queries
            raise JiraUnavailableError(f"Jira could not be reached. {error}") from None
        except OutboundError as error:
            raise JiraForbiddenError(f"Jira was not called. {error}") from None
        if response.status == 204 or (response.status < 300 and not response.body):
            return {}
        if response.status < 300:
            return self._parse(response)
        raise self._failure(response)

    def _headers(self, method: str) -> dict[str, str]:
        if self.is_cloud:
            pair = f"{self.connection.account}:{self._token}".encode()
            authorization = f"Basic {base64.b64encode(pair).decode('ascii')}"
        else:
            authorization = f"Bearer {self._token}"
        headers = {"Authorization": authorization, "Accept": "application/json"}
        if method == "POST":
            # without the second one, Data Center refuses requests that look like a browser's
            headers |= {"Content-Type": "application/json", "X-Atlassian-Token": "no-check"}
        return headers

    def _parse(self, response: Response) -> Any:
        try:
            return load_json(response.body)
        except UnreadableError:
            raise JiraUnavailableError(
                f"{self.host} did not answer as Jira does. Check the address of the connection."
            ) from None

    def _failure(self, response: Response) -> JiraError:
        status = response.status
        if status == 429:
            wait = response.retry_after
            seconds = DEFAULT_WAIT_SECONDS if wait is None else wait
            return JiraLimitedError(min(max(seconds, 1), MAX_WAIT_SECONDS))
        if status == 401:
            return JiraCredentialsError()
        if 300 <= status < 400:
            return JiraForbiddenError(
                f"{self.host} redirects to another address. It was not followed, because the "
                "request carries the token. Correct the address of the connection."
            )
        reasons, fields = self._reasons(response)
        if status == 403:
            return JiraForbiddenError(
                "The account of the connection lacks a permission in Jira. Ask a Jira "
                f"administrator to grant it.{_quote(reasons)}"
            )
        if status in {404, 410}:
            return JiraMissingError(
                "Jira does not have it, or the account of the connection cannot see it."
                f"{_quote(reasons)}"
            )
        if 400 <= status < 500:
            return JiraRefusedError(f"Jira refused the request.{_quote(reasons)}", fields)
        return JiraUnavailableError(f"{self.host} answered with status {status}.")

    def _reasons(self, response: Response) -> tuple[list[str], dict[str, str]]:
        """Return the messages of an error, and those by field."""
        try:
            answer = _mapping(load_json(response.body))
        except UnreadableError:
            return [], {}
        reasons = [_text(text, 300) for text in _list(answer.get("errorMessages"))][:5]
        fields = {
            _text(name, 80): _text(text, 300)
            for name, text in list(_mapping(answer.get("errors")).items())[:20]
        }
        return [text for text in reasons if text], fields


def _last_status_change(changelog: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the latest entry that changed the status: Jira Cloud lists the latest first, Data
    Center the oldest."""
    found: Mapping[str, Any] = {}
    for entry in map(_mapping, _list(changelog.get("histories"))):
        items = map(_mapping, _list(entry.get("items")))
        if any(item.get("field") == "status" for item in items):
            at, best = _moment(entry.get("created")), _moment(found.get("created"))
            if at is not None and (best is None or at > best):
                found = entry
    return found


def _read_field(row: Mapping[str, Any]) -> JiraField:
    schema = _mapping(row.get("schema"))
    values = [
        _text(value.get("value") or value.get("name"), 200)
        for value in map(_mapping, _list(row.get("allowedValues"))[:200])
    ]
    return JiraField(
        id=_text(row.get("fieldId") or row.get("key"), 80),
        name=_text(row.get("name"), 200),
        is_required=row.get("required") is True,
        has_default=row.get("hasDefaultValue") is True,
        type=_text(schema.get("type"), 40),
        items=_text(schema.get("items"), 40),
        values=tuple(value for value in values if value),
        # several lines, which Jira Cloud takes as a document
        is_long=_text(schema.get("custom")).endswith(":textarea"),
    )


def _quote(reasons: Sequence[str]) -> str:
    return f" Jira says: “{' '.join(reasons)}”" if reasons else ""


def _part(text: str) -> str:
    return quote(text, safe="-_.~")


def _moment(value: Any) -> datetime | None:
    """Return a time of Jira, such as 2026-11-30T08:15:00.000+0100."""
    try:
        return parse_moment(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(value: Any, max_length: int = 255) -> str:
    """Return a value as one printable line."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())[:max_length]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
