"""`/metrics` for Prometheus: requires an organisation role or an address in METRICS_NETWORKS."""

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.accounts.api_tokens.authentication import HasScope
from apps.accounts.models import User
from apps.api.framework.views import RegistryView
from apps.common.metrics import render_metrics
from apps.common.requests.address import request_address


class MayReadMetrics(BasePermission):
    """A client in one of METRICS_NETWORKS, or a token with scope `read` (or a session) of an
    organisation role, since the figures cover the whole registry."""

    message = (
        "Metrics require an organisation role. Use an API token with scope 'read' of a "
        "governance user, auditor or administrator."
    )

    def has_permission(self, request: Request, view: Any) -> bool:
        if _is_in_networks(request):
            return True
        scope = HasScope()
        if not scope.has_permission(request, view):
            self.message = scope.message
            return False
        return isinstance(request.user, User) and request.user.can_read_all


def _is_in_networks(request: Request) -> bool:
    if not settings.METRICS_NETWORKS:
        return False
    try:
        address = ip_address(request_address(request))
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_NETWORKS)


@extend_schema(exclude=True)
class MetricsView(RegistryView):
    permission_classes = [MayReadMetrics]
    reads = ()

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # a scraper accepts text only, but errors are problem details
        return super().perform_content_negotiation(request, force=True)

    def get(self, request: Request) -> HttpResponse:
        body, content_type = render_metrics(request.headers.get("Accept", ""))
        response = HttpResponse(body, headers={"Content-Type": content_type})
        response.headers["Cache-Control"] = "no-store"
        return response
