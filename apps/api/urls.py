"""REST routes, under /api/v1/."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from apps.api.accounts import TeamViewSet
from apps.api.alerts import AlertViewSet, DeliveryViewSet
from apps.api.base import NothingHere, ReadViewSet
from apps.api.catalog import (
    AffectedApplicationViewSet,
    AssertionViewSet,
    FoundationViewSet,
    OfferingViewSet,
    PriceViewSet,
    ProviderEventViewSet,
    ProviderViewSet,
    SourceViewSet,
    VersionViewSet,
)
from apps.api.disagreements import DisagreementViewSet
from apps.api.exposure import ConcentrationView, ExposureFlagViewSet
from apps.api.feeds import FeedRunViewSet
from apps.api.inventory import ApplicationViewSet, DependencyViewSet
from apps.api.throttling import AnonymousThrottle, TokenThrottle

VIEWSETS: dict[str, type[ReadViewSet[Any]]] = {
    "alerts": AlertViewSet,
    "applications": ApplicationViewSet,
    "assertions": AssertionViewSet,
    "deliveries": DeliveryViewSet,
    "dependencies": DependencyViewSet,
    "disagreements": DisagreementViewSet,
    "exposure-flags": ExposureFlagViewSet,
    "feed-runs": FeedRunViewSet,
    "foundations": FoundationViewSet,
    "offerings": OfferingViewSet,
    "prices": PriceViewSet,
    "provider-events": ProviderEventViewSet,
    "providers": ProviderViewSet,
    "sources": SourceViewSet,
    "teams": TeamViewSet,
    "versions": VersionViewSet,
}
router = SimpleRouter()
for name, viewset in VIEWSETS.items():
    router.register(name, viewset, basename=f"api-{name}")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(router.urls)),
    path(
        "provider-events/<int:event_id>/affected/",
        AffectedApplicationViewSet.as_view({"get": "list"}),
        name="api-provider-events-affected",
    ),
    path("concentration/", ConcentrationView.as_view(), name="api-concentration"),
    # the document says nothing about the organisation, so it is open, as its browsable page is
    path("schema/", SpectacularAPIView.as_view(throttle_classes=[TokenThrottle, AnonymousThrottle]), name="schema"),
    # with a slash at the end, so that an address that lacks one is redirected first
    re_path(r"^(?:.*/)?$", NothingHere.as_view()),
]
