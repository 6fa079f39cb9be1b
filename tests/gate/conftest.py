from collections.abc import Callable
from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.common.time import now
from tests.gate.worlds import World, make_world


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """api(user, "gate"): a client with a token of these scopes."""

    def client(user: User, *scopes: str) -> APIClient:
        made = APIClient()
        _, text = issue_token(
            user=user, name="test", scopes=scopes or ["gate"], at=now(), by=None, lifetime=timedelta(days=1)
        )
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return made

    return client
