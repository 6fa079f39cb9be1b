"""The policy of outbound calls from the settings of this installation."""

from typing import Any

from django.conf import settings

from apps.common.http.addresses import parse_networks
from apps.common.http.calls import Policy


def installation_policy(**limits: Any) -> Policy:
    """Return a Policy with the operator's networks and proxy; `limits` are other fields of
    Policy."""
    networks = parse_networks(",".join(settings.OUTBOUND_ALLOWED_NETWORKS))
    return Policy(allowed_networks=networks, proxy=settings.OUTBOUND_PROXY, **limits)
