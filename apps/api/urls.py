"""REST routes, under /api/v1/."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from apps.api.accounts import TeamViewSet
from apps.api.alerts import (
    AlertPolicyViewSet,
    AlertSettingsView,
    AlertViewSet,
    AskForMailView,
    CalendarFeedViewSet,
    CalendarView,
    DeliveryViewSet,
    MuteViewSet,
    NoticeViewSet,
    OwnMailPreferenceView,
    SubscriptionViewSet,
    TeamMailPreferenceView,
    WebhookViewSet,
)
from apps.api.base import NothingHere, ReadViewSet
from apps.api.blast_radius import (
    FoundationBlastRadiusView,
    OfferingBlastRadiusView,
    ProviderBlastRadiusView,
    VersionBlastRadiusView,
)
from apps.api.campaigns import CampaignTaskViewSet, CampaignViewSet, TaskStepViewSet
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
from apps.api.changes import UndoChangeView
from apps.api.choosing import (
    AnnexItemViewSet,
    ApprovalViewSet,
    ContractViewSet,
    FoundationScorecardView,
    ProviderScorecardView,
    ScorecardComparisonView,
    SelectionViewSet,
)
from apps.api.concentration import ConcentrationView, SinglePointsView
from apps.api.costs import CostsView
from apps.api.dependencies import DependencyViewSet
from apps.api.derivations import DerivationViewSet
from apps.api.disagreements import DisagreementViewSet
from apps.api.exits import AdaptationViewSet, ExitPlanViewSet, ExitTestViewSet
from apps.api.exposure import ExposureFlagViewSet, ExposureSettingsView, PolicyViewSet
from apps.api.feeds import FeedRunViewSet
from apps.api.findings import FindingsView
from apps.api.inventory import ApplicationViewSet
from apps.api.risks import (
    AssessmentViewSet,
    EvidenceViewSet,
    FoundationRiskViewSet,
    InheritedRiskViewSet,
    RiskTemplateViewSet,
)
from apps.api.runways import RunwaysView
from apps.api.scenarios import (
    BaseLossViewSet,
    EventRateViewSet,
    LossRunViewSet,
    ScenarioRunViewSet,
    ScenarioViewSet,
)
from apps.api.snapshots import SnapshotViewSet
from apps.api.throttling import AnonymousThrottle, TokenThrottle

VIEWSETS: dict[str, type[ReadViewSet[Any]]] = {
    "adaptations": AdaptationViewSet,
    "alert-policies": AlertPolicyViewSet,
    "alerts": AlertViewSet,
    "annex-items": AnnexItemViewSet,
    "applications": ApplicationViewSet,
    "approvals": ApprovalViewSet,
    "assertions": AssertionViewSet,
    "assessments": AssessmentViewSet,
    "base-losses": BaseLossViewSet,
    "calendar-feeds": CalendarFeedViewSet,
    "campaign-steps": TaskStepViewSet,
    "campaign-tasks": CampaignTaskViewSet,
    "campaigns": CampaignViewSet,
    "contracts": ContractViewSet,
    "deliveries": DeliveryViewSet,
    "dependencies": DependencyViewSet,
    "derivations": DerivationViewSet,
    "disagreements": DisagreementViewSet,
    "event-rates": EventRateViewSet,
    "evidence": EvidenceViewSet,
    "exit-plans": ExitPlanViewSet,
    "exit-tests": ExitTestViewSet,
    "exposure-flags": ExposureFlagViewSet,
    "feed-runs": FeedRunViewSet,
    "foundation-risks": FoundationRiskViewSet,
    "foundations": FoundationViewSet,
    "inherited-risks": InheritedRiskViewSet,
    "loss-runs": LossRunViewSet,
    "mutes": MuteViewSet,
    "notices": NoticeViewSet,
    "offerings": OfferingViewSet,
    "policies": PolicyViewSet,
    "prices": PriceViewSet,
    "provider-events": ProviderEventViewSet,
    "providers": ProviderViewSet,
    "risk-templates": RiskTemplateViewSet,
    "scenario-runs": ScenarioRunViewSet,
    "scenarios": ScenarioViewSet,
    "selections": SelectionViewSet,
    "snapshots": SnapshotViewSet,
    "sources": SourceViewSet,
    "subscriptions": SubscriptionViewSet,
    "teams": TeamViewSet,
    "versions": VersionViewSet,
    "webhooks": WebhookViewSet,
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
    path("changes/<uuid:change>/undo/", UndoChangeView.as_view(), name="api-changes-undo"),
    path("costs/", CostsView.as_view(), name="api-costs"),
    path("findings/", FindingsView.as_view(), name="api-findings"),
    path("runways/", RunwaysView.as_view(), name="api-runways"),
    path("concentration/", ConcentrationView.as_view(), name="api-concentration"),
    path("single-points-of-failure/", SinglePointsView.as_view(), name="api-single-points-of-failure"),
    path("alert-settings/", AlertSettingsView.as_view(), name="api-alert-settings"),
    path("mail-preferences/me/", OwnMailPreferenceView.as_view(), name="api-mail-preferences-me"),
    path("mail-preferences/me/ask/", AskForMailView.as_view(), name="api-mail-preferences-me-ask"),
    path("mail-preferences/teams/<slug:slug>/", TeamMailPreferenceView.as_view(), name="api-mail-preferences-team"),
    path("calendar.ics", CalendarView.as_view(), name="api-calendar"),
    path("exposure-settings/", ExposureSettingsView.as_view(), name="api-exposure-settings"),
    path("offerings/<int:pk>/blast-radius/", OfferingBlastRadiusView.as_view(), name="api-offerings-blast-radius"),
    path("versions/<int:pk>/blast-radius/", VersionBlastRadiusView.as_view(), name="api-versions-blast-radius"),
    path(
        "foundations/<slug:slug>/blast-radius/",
        FoundationBlastRadiusView.as_view(),
        name="api-foundations-blast-radius",
    ),
    path("providers/<slug:slug>/blast-radius/", ProviderBlastRadiusView.as_view(), name="api-providers-blast-radius"),
    path("foundations/<slug:slug>/scorecard/", FoundationScorecardView.as_view(), name="api-foundations-scorecard"),
    path("providers/<slug:slug>/scorecard/", ProviderScorecardView.as_view(), name="api-providers-scorecard"),
    path("scorecards/compare/", ScorecardComparisonView.as_view(), name="api-scorecards-compare"),
    # the document says nothing about the organisation, so it is open, as its browsable page is
    path("schema/", SpectacularAPIView.as_view(throttle_classes=[TokenThrottle, AnonymousThrottle]), name="schema"),
    # with a slash at the end, so that an address that lacks one is redirected first
    re_path(r"^(?:.*/)?$", NothingHere.as_view()),
]
