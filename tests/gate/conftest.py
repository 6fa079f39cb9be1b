from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.gate.support_desk import SupportDesk, make_support_desk
from tests.http import token_client
from tests.kept_worlds import kept_world


@pytest.fixture
@kept_world
def desk(db: None) -> SupportDesk:
    return make_support_desk()


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """api(user, "gate"): a client with a token of these scopes."""

    def client(user: User, *scopes: str) -> APIClient:
        return token_client(user, *(scopes or ["gate"]))

    return client
