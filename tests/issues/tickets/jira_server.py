"""A local server that speaks the API of Jira, with its errors and limits: versions 3 and 2,
createmeta, people, search by tokens and offsets, transitions, comments, remote links, 400 with
errors by field, 401, 403, 404, 429 with Retry-After, moved and deleted tickets.

The forms of the answers follow the sources named in apps/issues/tickets/jira/client.py."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ACCOUNT = {"accountId": "5b10ac-registry", "displayName": "Registry Bot", "name": "registry"}
CATEGORIES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done"}
TOKEN, ADDRESS = "token-of-the-account", "registry@example.org"
EPOCH = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
PAGE = 50


@dataclass
class Person:
    account: str
    name: str
    email: str
    is_hidden: bool = False

    def as_json(self, *, is_cloud: bool) -> dict[str, Any]:
        shown = {} if self.is_hidden else {"emailAddress": self.email}
        key = "accountId" if is_cloud else "name"
        address = f"/user?{key}={self.account}"
        return {"self": address, key: self.account, "displayName": self.name, **shown}


@dataclass
class StoredTicket:
    id: str
    key: str
    fields: dict[str, Any]
    status: str = "To Do"
    updated: datetime = EPOCH
    created: datetime = EPOCH
    histories: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    links: dict[str, Any] = field(default_factory=dict)


def _field(name: str, title: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "fieldId": name,
        "key": name,
        "name": title,
        "required": more.pop("required", False),
        "hasDefaultValue": more.pop("default", False),
        "schema": {"type": kind, **more.pop("schema", {})},
        **more,
    }


def usual_fields() -> list[dict[str, Any]]:
    return [
        _field("project", "Project", "project", required=True),
        _field("issuetype", "Issue Type", "issuetype", required=True),
        _field("summary", "Summary", "string", required=True),
        _field("description", "Description", "string"),
        _field("labels", "Labels", "array", schema={"items": "string"}),
        _field("duedate", "Due date", "date"),
        _field("assignee", "Assignee", "user"),
        _field("reporter", "Reporter", "user", required=True, default=True),
    ]


@dataclass
class Jira:
    """The state of the server, which tests change as people do."""

    address: str = ""
    is_cloud: bool = True
    project: str = "MODELS"
    types: dict[str, str] = field(default_factory=lambda: {"10001": "Task", "10002": "Bug"})
    create_fields: list[dict[str, Any]] = field(default_factory=usual_fields)
    people: list[Person] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    tickets: dict[str, StoredTicket] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    # (method, path pattern) -> answers that come first: status, content, headers
    faults: dict[tuple[str, str], list[tuple[int, Any, dict[str, str]]]] = field(
        default_factory=dict
    )
    # called after a ticket is stored and before the answer is sent
    after_create: Callable[[], None] | None = None
    # created tickets that a search does not find yet
    is_index_late: bool = False
    token: str = TOKEN
    now: datetime = EPOCH
    next_id: int = 10_100

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    # --- what people do ---------------------------------------------------------------------------

    def set_status(self, ticket_id: str, status: str, by: dict[str, Any] | None = None) -> None:
        ticket = self.tickets[ticket_id]
        author = by or {"accountId": "ada", "name": "ada", "displayName": "Ada Lovelace"}
        ticket.histories.insert(
            0 if self.is_cloud else len(ticket.histories),
            {
                "id": str(self.next_id),
                "created": _written(self.tick()),
                "author": author,
                "items": [{"field": "status", "fromString": ticket.status, "toString": status}],
            },
        )
        self.next_id += 1
        ticket.status, ticket.updated = status, self.now

    def comment(self, ticket_id: str, text: str, by: dict[str, Any] | None = None) -> str:
        author = by or {"accountId": "ada", "name": "ada", "displayName": "Ada Lovelace"}
        body: Any = text
        if self.is_cloud and isinstance(text, str):
            paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
            body = {"type": "doc", "version": 1, "content": [paragraph]}
        comment_id = str(self.next_id)
        self.next_id += 1
        self.tickets[ticket_id].comments.append(
            {"id": comment_id, "author": author, "created": _written(self.tick()), "body": body}
        )
        self.tickets[ticket_id].updated = self.now
        return comment_id

    def move(self, ticket_id: str, key: str) -> None:
        self.tickets[ticket_id].key = key
        self.tickets[ticket_id].updated = self.tick()

    def require(self, name: str, title: str, kind: str = "string", **more: Any) -> None:
        self.create_fields.append(_field(name, title, kind, required=True, **more))

    def fail(
        self, method: str, pattern: str, status: int, content: Any = None, **headers: str
    ) -> None:
        """Answer the next such call with this status."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.setdefault((method, pattern), []).append((status, content or {}, sent))

    def n_calls(self, method: str, pattern: str) -> int:
        return sum(m == method and bool(re.fullmatch(pattern, path)) for m, path in self.calls)

    # --- answers ----------------------------------------------------------------------------------

    def answer(
        self, method: str, url: str, headers: Any, body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        prefix = f"/rest/api/{3 if self.is_cloud else 2}"
        path = unquote(parts.path)
        self.calls.append((method, path.removeprefix(prefix)))
        for (fault_method, pattern), answers in self.faults.items():
            called = path.removeprefix(prefix)
            if answers and method == fault_method and re.fullmatch(pattern, called):
                return answers.pop(0)
        if not path.startswith(prefix):
            return 404, {"errorMessages": ["dead link"]}, {}
        if not self._is_known(headers.get("Authorization", "")):
            return 401, {"errorMessages": ["Client must be authenticated"]}, {}
        path = path.removeprefix(prefix)
        content = json.loads(body) if body else {}
        status, answered = self._route(method, path, query, content)
        return status, answered, {}

    def _is_known(self, authorization: str) -> bool:
        if self.is_cloud:
            pair = base64.b64encode(f"{ADDRESS}:{self.token}".encode()).decode()
            return authorization == f"Basic {pair}"
        return authorization == f"Bearer {self.token}"

    def _route(
        self, method: str, path: str, query: dict[str, str], content: Any
    ) -> tuple[int, Any]:
        if path == "/myself":
            return 200, ACCOUNT
        if path == "/serverInfo":
            kind = "Cloud" if self.is_cloud else "Server"
            return 200, {"versionNumbers": [9, 12, 0], "deploymentType": kind}
        if path == "/field":
            return 200, [{"id": row["fieldId"], **row} for row in self.create_fields]
        if path in {"/project/search", "/project"}:
            rows = [{"key": "OTHER"}, {"key": self.project}]
            return 200, {"values": rows} if path.endswith("search") else rows
        if path == f"/project/{self.project}":
            return 200, {"id": "1", "key": self.project, "name": "Models"}
        if path == "/mypermissions":
            names = query["permissions"].split(",")
            return 200, {
                "permissions": {n: {"havePermission": n not in self.denied} for n in names}
            }
        if found := re.fullmatch(r"/issue/createmeta/(\w+)/issuetypes(?:/(\w+))?", path):
            return self._create_meta(found, query)
        if path == "/user/assignable/search":
            return self._people(query)
        if path in {"/search/jql", "/search"}:
            return self._search(path, query)
        if path == "/issue" and method == "POST":
            return self._create(content["fields"])
        if found := re.fullmatch(r"/issue/([\w-]+)(?:/(\w+))?", path):
            return self._ticket(method, found, query, content)
        return 404, {"errorMessages": ["not found"], "errors": {}}

    def _create_meta(self, found: re.Match[str], query: dict[str, str]) -> tuple[int, Any]:
        if found.group(1) != self.project:
            return 404, {"errorMessages": ["No project could be found."]}
        if found.group(2):
            rows: list[Any] = self.create_fields
            name = "fields" if self.is_cloud else "values"
        else:
            rows = [{"id": k, "name": v, "subtask": False} for k, v in self.types.items()]
            name = "issueTypes" if self.is_cloud else "values"
        start = int(query.get("startAt", 0))
        return 200, {name: rows[start : start + PAGE], "startAt": start, "total": len(rows)}

    def _people(self, query: dict[str, str]) -> tuple[int, Any]:
        if "BROWSE_USERS" in self.denied:
            return 403, {"errorMessages": ["You are not permitted to browse users."]}
        wanted = query["query" if self.is_cloud else "username"].lower()
        rows = [p for p in self.people if wanted in p.email.lower() or wanted in p.name.lower()]
        return 200, [person.as_json(is_cloud=self.is_cloud) for person in rows]

    def _search(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if self.is_cloud == (path == "/search"):
            return 410, {"errorMessages": ["The requested API has been removed."]}
        rows = list(self.tickets.values())
        if self.is_index_late:
            rows = []
        if found := re.search(r'labels = "([^"]+)"', query["jql"]):
            rows = [t for t in rows if found.group(1) in t.fields.get("labels", ())]
        elif found := re.search(r'description ~ "\\"([^"\\]+)', query["jql"]):
            rows = [t for t in rows if found.group(1) in json.dumps(t.fields.get("description"))]
        names = query["fields"].split(",")
        size = min(int(query["maxResults"]), PAGE)
        start = int(query.get("nextPageToken", query.get("startAt", "0")))
        page = [self._as_json(t, names) for t in rows[start : start + size]]
        if not self.is_cloud:
            return 200, {"issues": page, "startAt": start, "total": len(rows)}
        is_last = start + size >= len(rows)
        following = {} if is_last else {"nextPageToken": str(start + size)}
        return 200, {"issues": page, "isLast": is_last, **following}

    def _create(self, fields: dict[str, Any]) -> tuple[int, Any]:
        if "CREATE_ISSUES" in self.denied:
            return 403, {"errorMessages": ["You do not have permission to create issues."]}
        known = {row["fieldId"]: row for row in self.create_fields}
        errors = {
            name: f"Field '{name}' cannot be set. It is not on the appropriate screen."
            for name in fields
            if name not in known
        }
        errors |= {
            name: f"{row['name']} is required."
            for name, row in known.items()
            if row["required"] and not row["hasDefaultValue"] and not fields.get(name)
        }
        if self.is_cloud and isinstance(fields.get("description"), str):
            errors["description"] = "Operation value must be an Atlassian Document"
        if errors:
            return 400, {"errorMessages": [], "errors": errors}
        ticket_id = str(self.next_id)
        self.next_id += 1
        key = f"{self.project}-{len(self.tickets) + 1}"
        now = self.tick()
        self.tickets[ticket_id] = StoredTicket(ticket_id, key, fields, updated=now, created=now)
        if self.after_create is not None:
            self.after_create()
        return 201, {"id": ticket_id, "key": key}

    def _ticket(
        self, method: str, found: re.Match[str], query: dict[str, str], content: Any
    ) -> tuple[int, Any]:
        name, part = found.groups()
        ticket = next((t for t in self.tickets.values() if name in {t.id, t.key}), None)
        if ticket is None:
            message = "Issue does not exist or you do not have permission to see it."
            return 404, {"errorMessages": [message], "errors": {}}
        if part is None:
            return 200, self._as_json(ticket, query.get("fields", "*all").split(","))
        if part == "comment" and method == "GET":
            start = int(query.get("startAt", 0))
            rows = ticket.comments[start : start + PAGE]
            return 200, {"comments": rows, "startAt": start, "total": len(ticket.comments)}
        if part == "comment":
            if "ADD_COMMENTS" in self.denied:
                return 403, {"errorMessages": ["You may not comment."]}
            if self.is_cloud != isinstance(content["body"], dict):
                return 400, {"errorMessages": ["Comment body is not valid!"]}
            comment_id = self.comment(ticket.id, content["body"], by=ACCOUNT)
            return 201, {"id": comment_id}
        if part == "transitions" and method == "GET":
            rows = [
                {"id": str(n), "name": f"Move to {status}", "to": {"name": status}}
                for n, status in enumerate(CATEGORIES, start=11)
                if status != ticket.status
            ]
            return 200, {"transitions": rows}
        if part == "transitions":
            if "TRANSITION_ISSUES" in self.denied:
                return 403, {"errorMessages": ["You may not move it."]}
            status = list(CATEGORIES)[int(content["transition"]["id"]) - 11]
            self.set_status(ticket.id, status, by=ACCOUNT)
            return 204, None
        ticket.links[content["globalId"]] = content["object"]
        return 201, {"id": len(ticket.links)}

    def _as_json(self, ticket: StoredTicket, names: list[str]) -> dict[str, Any]:
        assignee = ticket.fields.get("assignee") or {}
        account = assignee.get("accountId") or assignee.get("name")
        person = next((p for p in self.people if p.account == account), None)
        values = {
            "summary": ticket.fields["summary"],
            "status": {
                "name": ticket.status,
                "statusCategory": {"key": CATEGORIES.get(ticket.status, "indeterminate")},
            },
            "assignee": {"displayName": person.name} if person else None,
            "updated": _written(ticket.updated),
        }
        shown = {name: value for name, value in values.items() if name in names or "*all" in names}
        changelog = {"histories": ticket.histories}
        address = f"{self.address}/rest/api/{3 if self.is_cloud else 2}/issue/{ticket.id}"
        return {
            "self": address,
            "id": ticket.id,
            "key": ticket.key,
            "fields": shown,
            "changelog": changelog,
        }


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


@contextmanager
def running_jira(*, is_cloud: bool = True) -> Iterator[Jira]:
    jira = Jira(is_cloud=is_cloud)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content, headers = jira.answer(self.command, self.path, self.headers, body)
            if status == 0:
                # the connection ends before an answer
                self.close_connection = True
                self.connection.close()
                return
            sent = b"" if content is None else json.dumps(content).encode()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    jira.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield jira
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
