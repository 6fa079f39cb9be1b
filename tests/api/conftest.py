from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.actions import issue_token
from apps.accounts.models import User
from apps.common.time import now


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """api(user, "read", "write"): a client with a token of these scopes; api(): one without a token."""

    def client(user: User | None = None, *scopes: str, **token: Any) -> APIClient:
        made = APIClient()
        if user is not None:
            token.setdefault("lifetime", timedelta(days=1))
            _, text = issue_token(user=user, name="test", scopes=scopes or ["read"], at=now(), by=None, **token)
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        return made

    return client
