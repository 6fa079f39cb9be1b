from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from tests.http import token_client


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """api(user, "read", "write"): a client with a token of these scopes; api(): one without a token."""
    return token_client
