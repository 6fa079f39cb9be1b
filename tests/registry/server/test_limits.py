"""Which limit a caller gets, by what the head of the request shows, and what is given up where too
much comes."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import pytest

from registry.server import request_bodies
from registry.server.limits import ACCOUNT, BULK, KNOWN, STRANGER, BodyLimit, body_limit
from registry.server.request_bodies import BodyReader, CallerRules, RefusalError
from registry.server.spool import RequestBody, SpoolBudget, SpoolFullError

SESSION = {"HTTP_COOKIE": "csrftoken=a; sessionid=b"}
TOKEN = {"HTTP_AUTHORIZATION": "Bearer fr_a"}
KEY = {"HTTP_X_API_KEY": "fr_a"}


@pytest.mark.parametrize(
    ("path", "headers", "limit"),
    [
        ("/imports/", {}, STRANGER),
        ("/imports/", {"HTTP_COOKIE": "csrftoken=sessionid"}, STRANGER),
        ("/api/v1/applications/bulk/", {}, STRANGER),
        ("/imports/", SESSION, KNOWN),
        ("/otlp/v1/traces", TOKEN, KNOWN),
        ("/api/v1/bom", KEY, KNOWN),
        ("/api/v1/applications/bulk/", TOKEN, BULK),
        ("/imports/bulk/", SESSION, KNOWN),
        ("/accounts/login/", SESSION, ACCOUNT),
        ("/accounts/login/", TOKEN, ACCOUNT),
    ],
)
def test_the_limit_follows_the_address_and_what_is_presented(
    path: str, headers: Mapping[str, str], limit: BodyLimit
) -> None:
    assert body_limit(path, headers, session_cookie="sessionid") is limit


@pytest.mark.parametrize(
    ("n_proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (3, "203.0.113.9", "203.0.113.9"),
        (1, "", "10.0.0.1"),
    ],
)
def test_the_address_is_what_trusted_proxies_saw(
    n_proxies: int, forwarded: str, address: str
) -> None:
    environ: dict[str, Any] = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}

    assert CallerRules(knows=lambda _: False, n_proxies=n_proxies).address(environ) == address


def test_files_of_bodies_share_one_budget_and_give_it_back() -> None:
    budget = SpoolBudget(1_000_000)
    first, second = RequestBody(budget), RequestBody(budget)
    first.append(b"a" * 700_000)
    first.write_out()
    second.append(b"b" * 400_000)
    with pytest.raises(SpoolFullError):
        second.write_out()

    first.close()
    third = RequestBody(budget)
    third.append(b"c" * 1_000_000)
    third.write_out()

    with third.open() as file:
        assert file.read() == b"c" * 1_000_000
    third.close()
    second.close()


async def never() -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


async def at_once() -> dict[str, Any]:
    return {"type": "http.request", "body": b"abc", "more_body": False}


def request(address: str) -> dict[str, Any]:
    return {"PATH_INFO": "/accounts/login/", "REMOTE_ADDR": address, "CONTENT_LENGTH": "3"}


@pytest.mark.parametrize(
    ("min_time", "newcomer"), [(0.0, None), (60.0, HTTPStatus.SERVICE_UNAVAILABLE)]
)
def test_where_too_many_bodies_are_read_the_oldest_of_the_busiest_address_makes_room(
    monkeypatch: pytest.MonkeyPatch, min_time: float, newcomer: HTTPStatus | None
) -> None:
    monkeypatch.setattr(request_bodies, "MAX_BODIES", 4)
    monkeypatch.setattr(request_bodies, "MIN_BODY_TIME", min_time)

    async def run() -> tuple[HTTPStatus | None, list[HTTPStatus | None]]:
        reader = BodyReader(CallerRules(knows=lambda _: False))

        async def outcome(address: str, receive: request_bodies.Receive) -> HTTPStatus | None:
            try:
                (await reader.read(request(address), receive)).close()
            except RefusalError as refusal:
                return refusal.status
            return None

        slow = [
            asyncio.create_task(outcome(address, never))
            for address in ("192.0.2.1", *["203.0.113.9"] * 3)
        ]
        await asyncio.sleep(0.05)
        answer = await outcome("192.0.2.2", at_once)
        await asyncio.sleep(0.05)
        ended = [task.result() if task.done() else None for task in slow]
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return answer, ended

    given_up = HTTPStatus.REQUEST_TIMEOUT if newcomer is None else None
    assert asyncio.run(run()) == (newcomer, [None, given_up, None, None])
