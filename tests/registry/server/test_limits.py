"""Which limit a caller gets, by what the head of the request shows."""

from collections.abc import Mapping
from typing import Any

import pytest

from registry.server.limits import ACCOUNT, BULK, KNOWN, STRANGER, BodyLimit, body_limit
from registry.server.request_bodies import CallerRules
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
def test_the_address_is_what_trusted_proxies_saw(n_proxies: int, forwarded: str, address: str) -> None:
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
