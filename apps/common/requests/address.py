"""The client's address of a request that Django has."""

from typing import Any

from django.conf import settings

from apps.common.requests.networks import client_address


def request_address(request: Any) -> str:
    """Return the client's address of a request of Django or REST framework; empty where none is
    known."""
    return client_address(request.META, n_proxies=settings.TRUSTED_PROXIES)
