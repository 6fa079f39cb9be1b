"""Every address of the product, asked by every kind of caller: what each gets stands in
tests/access/doors.py.

Routes are found by walking the resolver, so that a new one cannot be forgotten: without an entry in
the table the test fails and says so. What is open to everybody who has signed in is asked as
auditor, stranger and nobody alone, the rest as everyone who might differ. Whatever a request writes
is rolled back.
"""

import io
import logging
import re
import zipfile
from datetime import timedelta
from functools import cache

import pytest
from celery import Celery
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver
from django.views import defaults
from rest_framework.test import APIClient

from apps.accounts.actions import issue_token
from apps.accounts.models import Team
from apps.accounts.roles import TeamRole
from apps.api.framework import validation
from apps.common.errors import ForbiddenError
from apps.common.time import now
from apps.web.pages import page as page_module
from tests.access.doors import (
    ADMIN,
    API,
    AUDITOR_ASKS,
    ENTRANCE,
    OTLP,
    OWN_TABLES,
    PAGES,
    READ_BY_SENDERS,
    SCIM,
)
from tests.access.everything import make_one_of_everything
from tests.access.kitchen_sink import everything_asked
from tests.access.walking import (
    CALLERS,
    MARKER,
    admin_addresses,
    api_routes,
    family,
    filled,
    make_walked_rows,
    page_routes,
    walked,
)
from tests.builders import make_member
from tests.http import body_of, signed_in_client, token_client

pytestmark = pytest.mark.django_db

NOBODY = "nobody"
EVERYONE = (*CALLERS, NOBODY)
OPEN = {"yyyyyyyl", "yyyyyyyy"}
FEW = ("auditor", "outsider", NOBODY)
# the address was sent to one person, and whoever holds it stands for that person
SECRET = {"alerts:respond-by-link", "notification-preferences:unsubscribe"}
# names of persons, which every user may see
NAMES = {"people/", "people/{pk}/"}
# sessions that end, when a token was last used, and from where
WRITTEN_BY_READING = {"django_session", "accounts_apitoken", "accounts_accountevent"}
# the history's context goes before a statement as a statement of its own
WRITES = re.compile(r'\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+"(\w+)"')


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No broker, and no log: a thousand refusals with their tracebacks would take longer than the
    requests."""
    monkeypatch.setattr(Celery, "send_task", lambda *_args, **_kwargs: None)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def found_once(monkeypatch):
    """Each address is looked up among the thousand routes once, and not for every caller."""
    resolver = get_resolver()
    monkeypatch.setattr(resolver, "resolve", cache(resolver.resolve))


@pytest.fixture
def plain_pages(monkeypatch):
    """Pages and refusals without their templates, for callers of whom only the answer's class
    counts; a switch."""
    real, real_loader = page_module.render, defaults.loader

    def switch(plain):
        monkeypatch.setattr(page_module, "render", _rendered_plain if plain else real)
        monkeypatch.setattr(defaults, "loader", _PlainTemplates if plain else real_loader)

    return switch


@pytest.fixture
def every_body_taken(monkeypatch):
    """One body goes everywhere: fields that an address does not know are passed over, where it
    would refuse them."""
    monkeypatch.setattr(validation, "_unknown_fields", lambda *_args: {})


def _rendered_plain(request, template, context=None, status=200):
    return HttpResponse(status=status)


class _PlainTemplates:
    """What Django's views of refusals load their templates from, with empty ones."""

    @classmethod
    def get_template(cls, name):
        return cls

    @staticmethod
    def render(context=None, request=None):
        return ""


def class_of(response):
    """y: let in, whatever is wrong with what was sent; n: 403; 0: 404; l: sent to the login, or
    401; !: broken."""
    code = response.status_code
    if code in {301, 302} and re.match(r"/(accounts|admin)/login/", response["Location"]):
        return "l"
    return {401: "l", 403: "n", 404: "0"}.get(code, "!" if code >= 500 else "y")


def said(response):
    """All text of an answer, also of files and workbooks."""
    content = body_of(response)
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            content = b"".join(book.read(name) for name in book.namelist())
    return content.decode("utf-8", "replace").lower()


def asked(client, method, path, body=None, *, read=False, **kwargs):
    """The answer, closed unless it is to be read, and the tables it wrote to; nothing of it
    stays."""
    tables = set()

    def note(execute, sql, params, many, context):
        tables.update(WRITES.findall(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note), transaction.atomic():
        response = getattr(client, method)(path, body, **kwargs)
        transaction.set_rollback(True)
    if not read:
        close_files(response)
    return response, tables


def close_files(response):
    """Without the signal at the end of a request, which would take the test's connection along."""
    for close in response._resource_closers:
        close()


def table_of(groups):
    """{(route, method): class} of a table that groups routes by class."""
    found = {}
    for answers, names in groups.items():
        for entry in names.split():
            key, _, method = entry.rpartition(":")
            assert (key, method) not in found, f"{entry} stands twice in tests/access/doors.py."
            found[key, method] = answers
    return found


def compare(kind, routes, table):
    """The table must name every route and no other."""
    there = {(route.key, method) for route in routes for method in route.methods}
    missing, gone = sorted(there - table.keys()), sorted(table.keys() - there)
    assert not missing, (
        f"New in the {kind}, and nobody has said who may: "
        f"{', '.join(':'.join(one) for one in missing)}. Add each to"
        f" {kind.upper()} in tests/access/doors.py under what {', '.join(EVERYONE)} get there."
    )
    assert not gone, (
        "In tests/access/doors.py, but no route any more: "
        f"{', '.join(':'.join(one) for one in gone)}."
    )


def walk(routes, table, client_of, *, before=lambda caller: None, **kwargs):
    """What differs from the table, as lines; and what every answer must fulfil."""
    wrong = []
    for caller in EVERYONE:
        before(caller)
        client = client_of(caller)
        for route in routes:
            for method in route.methods:
                expected = table[route.key, method]
                if spared(expected, caller, method):
                    continue
                stranger = caller == "outsider"
                body = None if method == "get" else {}
                response, tables = asked(client, method, route.path, body, read=stranger, **kwargs)
                got, should = class_of(response), expected[EVERYONE.index(caller)]
                where = f"{method} {route.path} ({route.key}) as {caller}"
                if got != should:
                    broken = getattr(response, "exc_info", None)
                    wrong.append(
                        f"{where}: {got} instead of {should}"
                        + (f", {broken[1]!r}" if broken else "")
                    )
                if stranger and MARKER in said(response) and route.key not in SECRET | NAMES:
                    wrong.append(f"{where}: shows what another team owns")
                close_files(response)
                if method == "get" and tables - WRITTEN_BY_READING:
                    wrong.append(f"{where}: a GET wrote to {sorted(tables - WRITTEN_BY_READING)}")
                wrong += [f"{where}: {line}" for line in lacking(response)]
    return wrong


def spared(expected, caller, method):
    """Not asked: by most what is open to everybody; what only shows something, by whom the table
    puts with the one before."""
    if expected in OPEN:
        return caller not in FEW
    place = EVERYONE.index(caller)
    alike = expected[place] == expected[place - 1]
    return alike and (caller == "governance" or (caller == "editor" and method == "get"))


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
STRICT = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)


def lacking(response):
    policy = response.headers.get("Content-Security-Policy", "")
    wrong = [
        f"no {name}: {value}"
        for name, value in HEADERS.items()
        if response.headers.get(name) != value
    ]
    wrong += [f"its policy lacks {part}" for part in STRICT if part not in policy]
    if "unsafe" in policy or "*" in policy:
        wrong.append(f"its policy is not strict: {policy}")
    if "camera=()" not in response.headers.get("Permissions-Policy", ""):
        wrong.append("no Permissions-Policy")
    return wrong


def test_pages_and_files_open_to_whom_the_table_says(plain_pages):
    world = make_walked_rows()
    routes, table = page_routes(world), table_of(PAGES)
    compare("pages", routes, table)

    def client_of(caller):
        client = Client(raise_request_exception=False)
        if caller != NOBODY:
            client.force_login(world.people[caller])
        return client

    wrong = walk(
        routes,
        table,
        client_of,
        before=lambda caller: plain_pages(caller not in {"outsider", NOBODY}),
    )

    assert not wrong, "\n".join(wrong)


def test_rest_answers_whom_the_table_says():
    world = make_walked_rows()
    routes, table = api_routes(world), table_of(API)
    compare("api", routes, table)

    wrong = walk(routes, table, lambda caller: _program_of(world, caller), format="json")

    assert not wrong, "\n".join(wrong)


def _program_of(world, caller, *scopes, **token):
    client = APIClient(raise_request_exception=False)
    if caller != NOBODY:
        _, text = issue_token(
            user=world.people[caller],
            name="x",
            scopes=scopes or ["read", "write"],
            at=now(),
            by=None,
            **token,
        )
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


@pytest.mark.usefixtures("every_body_taken")
def test_the_auditor_changes_nothing_whatever_is_sent(plain_pages):
    world = make_walked_rows()
    plain_pages(True)

    wrong = [
        f"{where}: wrote {sorted(tables)}"
        for key, where, tables in written_by(world, "auditor")
        if tables and key not in AUDITOR_ASKS
    ]
    assert not wrong, "\n".join(wrong)
    # the same bodies change much where somebody else sends them
    assert sum(bool(tables) for _key, _where, tables in written_by(world, "owner")) >= 20


def written_by(world, caller):
    """(route, where, tables other than the caller's own) of every request that could change
    something."""
    body = everything_asked(world)
    person = signed_in_client(world.people[caller], raise_request_exception=False)
    program = _program_of(world, caller)
    for routes, client, given in (
        (page_routes(world), person, {}),
        (api_routes(world), program, {"format": "json"}),
    ):
        for route in routes:
            for method in set(route.methods) - {"get"}:
                response, tables = asked(client, method, route.path, body, **given)
                where = f"{method} {route.path} ({route.key}, {response.status_code})"
                yield (
                    route.key,
                    where,
                    {name for name in tables if not name.endswith("history")} - OWN_TABLES,
                )


def test_a_token_opens_no_page():
    world = make_walked_rows()
    program = _program_of(world, "admin")
    for route in page_routes(world):
        # beside the pages, and for programs
        if route.key == "monitoring:metrics":
            continue
        if "get" in route.methods and table_of(PAGES)[route.key, "get"].endswith("l"):
            response, _ = asked(program, "get", route.path)
            assert class_of(response) == "l", route.path


@pytest.mark.parametrize("scope", ["intake", "gate"])
def test_a_token_to_send_with_reads_nothing(scope):
    world = make_walked_rows()
    sender = _program_of(world, "admin", scope)
    answered = set()
    for route in api_routes(world):
        if "get" in route.methods:
            response, _ = asked(sender, "get", route.path)
            if class_of(response) != "n":
                answered.add(route.key)

    assert answered == READ_BY_SENDERS[scope]


@pytest.mark.usefixtures("every_body_taken")
@pytest.mark.parametrize("caller", ["admin", "auditor", "owner"])
def test_a_token_bound_to_a_team_shows_nothing_of_another_and_changes_nothing_there(caller):
    world = make_walked_rows()
    elsewhere = Team.objects.get(memberships__user=world.people["outsider"])
    make_member(elsewhere, TeamRole.OWNER, world.people[caller])
    body = everything_asked(world)
    bound = _program_of(world, caller, "read", "write", team=elsewhere)
    wrong = []
    for route in api_routes(world):
        for method in route.methods:
            given = None if method == "get" else body
            response, tables = asked(bound, method, route.path, given, read=True, format="json")
            where = f"{method} {route.path} ({route.key}, {response.status_code})"
            if MARKER in said(response):
                wrong.append(f"{where}: shows what another team owns")
            close_files(response)
            written = {name for name in tables if not name.endswith("history")} - OWN_TABLES
            if written and response.status_code < 400 and route.key not in AUDITOR_ASKS:
                wrong.append(f"{where}: wrote {sorted(written)}")

    assert not wrong, "\n".join(wrong)


def test_traces_and_metrics_are_taken_from_intake_tokens_alone():
    people, _ = make_one_of_everything()
    addresses = [f"/{pattern}" for pattern, _, _ in walked() if family(pattern) == "otlp"]
    assert set(addresses) == OTLP
    for address in addresses:
        kwargs = {"content_type": "application/json"}
        assert APIClient().post(address, b"{}", **kwargs).status_code == 401
        for scopes in (["read", "write"], ["gate"]):
            client = token_client(people["admin"], *scopes)
            assert client.post(address, b"{}", **kwargs).status_code == 403, (address, scopes)
        _, text = issue_token(
            user=people["admin"],
            name="x",
            scopes=["intake"],
            at=now(),
            by=None,
            lifetime=timedelta(days=-1),
        )
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        assert client.post(address, b"{}", **kwargs).status_code == 401


def test_users_are_provisioned_by_tokens_of_that_scope_alone():
    people, _ = make_one_of_everything()
    patterns = [pattern for pattern, _, _ in walked() if family(pattern) == "scim"]
    assert len(patterns) == len(SCIM)
    # a token that was good when its user was an administrator
    former = token_client(people["admin"], "scim")
    session = signed_in_client(people["admin"])
    readers = [
        token_client(people["admin"], scope) for scope in ("read", "write", "intake", "gate")
    ]
    for address in sorted(SCIM):
        for method in ("get", "post", "put", "patch", "delete"):
            for client in (APIClient(), session):
                assert getattr(client, method)(address).status_code == 401, (method, address)
            for client in readers:
                assert getattr(client, method)(address).status_code in {403, 405}, address
    people["admin"].organisation_role = "governance"
    people["admin"].save()
    for address in sorted(SCIM):
        assert former.get(address).status_code == 403, address
    for caller in ("governance", "owner", "auditor"):
        with pytest.raises(ForbiddenError):
            issue_token(user=people[caller], name="x", scopes=["scim"], at=now(), by=people[caller])


def test_the_entrance_is_open_to_whom_it_is_for():
    people, _ = make_one_of_everything()
    member = signed_in_client(people["viewer"], raise_request_exception=False)
    table = table_of(ENTRANCE)
    patterns = {
        pattern.removeprefix("accounts/"): pattern
        for pattern, _, _ in walked()
        if family(pattern) == "accounts"
    }
    assert set(patterns) == {key for key, _ in table}, (
        "ENTRANCE in tests/access/doors.py names other addresses."
    )
    for key, pattern in patterns.items():
        address = "/" + filled(pattern, [])
        got = class_of(asked(member, "get", address)[0]) + class_of(
            asked(Client(), "get", address)[0]
        )
        assert got == table[key, "get"], address


def test_the_admin_opens_to_no_role():
    world = make_walked_rows()
    clients = {}
    for caller in ("admin", "governance", "auditor", "owner", "outsider"):
        clients[caller] = Client(raise_request_exception=False)
        clients[caller].force_login(world.people[caller])
    clients[NOBODY] = Client()
    for address in admin_addresses():
        for caller, client in clients.items():
            response, _ = asked(client, "get", address)
            assert class_of(response) == "l", (address, caller)
    assert {address.split("/")[2] for address in admin_addresses()} == ADMIN
