from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.gate.worlds import World, make_world
from tests.http import token_client


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """api(user, "gate"): a client with a token of these scopes."""

    def client(user: User, *scopes: str) -> APIClient:
        return token_client(user, *(scopes or ["gate"]))

    return client
