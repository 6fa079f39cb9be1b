from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.common.time import now
from apps.gate.actions import change_gate_policy
from tests.gate.support_desk import SupportDesk, make_support_desk
from tests.http import token_client
from tests.kept_worlds import kept_world


@pytest.fixture
@kept_world
def desk(db: None) -> SupportDesk:
    return make_support_desk()


@pytest.fixture(scope="module")
def listening_desk(committed: Any, site: Any) -> Iterator[tuple[SupportDesk, str, str]]:
    """(desk, address, token) of a registry that listens."""
    with committed():
        desk = make_support_desk()
        change_gate_policy(by=desk.governance, levels={"FR006": "off"})
        _, token = issue_token(
            user=desk.editor,
            name="ci",
            scopes=["gate"],
            at=now(),
            by=None,
            lifetime=timedelta(days=1),
        )
        yield desk, site.url, token


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """api(user, "gate"): a client with a token of these scopes."""

    def client(user: User, *scopes: str) -> APIClient:
        return token_client(user, *(scopes or ["gate"]))

    return client
