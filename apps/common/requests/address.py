"""The client's IP address of a Django request."""

from typing import Any

from django.conf import settings

from apps.common.requests.networks import client_address


def request_address(request: Any) -> str:
    """Return the client's IP address of a request of Django or REST framework; empty if it is
    unknown."""
    return client_address(request.META, n_proxies=settings.TRUSTED_PROXIES)
