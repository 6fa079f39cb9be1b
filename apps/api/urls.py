"""Routes of the REST interface and the page of its document, under /api/."""

from typing import Any

from django.urls import URLPattern, URLResolver, path, re_path
from rest_framework.routers import SimpleRouter

from apps.api.accounts.memberships import MembershipViewSet
from apps.api.accounts.people import DelegationViewSet, PeopleSettingsView, PersonViewSet
from apps.api.accounts.teams import TeamViewSet
from apps.api.accounts.tokens import ServiceAccountViewSet, TokenViewSet
from apps.api.accounts.users import UserViewSet
from apps.api.alerts.alerts import AlertViewSet
from apps.api.alerts.calendar import CalendarFeedViewSet, CalendarView
from apps.api.alerts.channels import ChannelViewSet
from apps.api.alerts.deliveries import DeliveryViewSet, NotificationViewSet
from apps.api.alerts.mutes import MuteViewSet
from apps.api.alerts.policies import AlertPolicyViewSet, AlertSettingsView
from apps.api.alerts.preferences import (
    OwnNotificationPreferenceView,
    SendSummaryView,
    TeamNotificationPreferenceView,
)
from apps.api.alerts.subscriptions import SubscriptionViewSet
from apps.api.alerts.webhooks import WebhookViewSet
from apps.api.audit import AuditView
from apps.api.bulk.job_resource import JobViewSet
from apps.api.catalog.announcements import RetirementAnnouncementViewSet
from apps.api.catalog.catalog import (
    AffectedApplicationViewSet,
    AssertionViewSet,
    FoundationViewSet,
    OfferingViewSet,
    PriceViewSet,
    ProviderEventViewSet,
    ProviderViewSet,
    VersionViewSet,
)
from apps.api.catalog.derivations import DerivationViewSet
from apps.api.catalog.disagreements import DisagreementViewSet
from apps.api.catalog.feeds import FeedRunViewSet, ProviderNoticeViewSet
from apps.api.catalog.incidents import IncidentViewSet
from apps.api.catalog.products import ProductModelViewSet, ProductViewSet
from apps.api.catalog.received_notices import NoticeMailSettingsView, ReceivedNoticeViewSet
from apps.api.catalog.records import (
    AliasViewSet,
    NoticePolicyViewSet,
    OfferingRegionViewSet,
    RegionViewSet,
)
from apps.api.catalog.sources import SourceViewSet
from apps.api.exposure.blast_radius import (
    FoundationBlastRadiusView,
    OfferingBlastRadiusView,
    ProviderBlastRadiusView,
    VersionBlastRadiusView,
)
from apps.api.exposure.campaign_tasks import CampaignTaskViewSet, TaskStepViewSet
from apps.api.exposure.campaigns import CampaignViewSet
from apps.api.exposure.concentration import ConcentrationView, SinglePointsView
from apps.api.exposure.flags import ExposureFlagViewSet, ExposurePolicyViewSet, ExposureSettingsView
from apps.api.exposure.scenarios import (
    BaseLossViewSet,
    EventRateViewSet,
    LossRunViewSet,
    ScenarioRunViewSet,
    ScenarioViewSet,
)
from apps.api.exposure.snapshots import SnapshotViewSet
from apps.api.framework.views import ReadViewSet, UnknownRouteView
from apps.api.gate.evaluation import BundleView, GateRunView, GateView, ReleasedView
from apps.api.gate.policy import GatePolicyView
from apps.api.gate.runs import GateRunViewSet
from apps.api.gate.waivers import WaiverViewSet
from apps.api.governance.approvals import ApprovalViewSet
from apps.api.governance.contracts import AnnexItemViewSet, ContractViewSet
from apps.api.governance.proposals import ConfirmationSettingsView, DecisionProposalViewSet
from apps.api.governance.scorecards import (
    FoundationScorecardView,
    ProviderScorecardView,
    ScorecardComparisonView,
)
from apps.api.governance.selections import SelectionViewSet
from apps.api.governance.use_cases import ProposedUseCaseViewSet
from apps.api.intake.billed_costs import BilledCostViewSet
from apps.api.intake.cloud_accounts import (
    AccountDeploymentViewSet,
    CloudAccountViewSet,
    CloudPullViewSet,
)
from apps.api.intake.dependency_track import BomTokenView, BomUploadView
from apps.api.intake.discrepancies import DiscrepancyViewSet, ReportedServiceViewSet
from apps.api.intake.documents import IntakeView, SheetProposalView
from apps.api.intake.imports import ImportViewSet
from apps.api.intake.observations import ObservationViewSet
from apps.api.inventory.applications import ApplicationViewSet
from apps.api.inventory.costs import CostsView
from apps.api.inventory.dependencies import DependencyViewSet
from apps.api.inventory.exchange_rates import ExchangeRateViewSet
from apps.api.inventory.exit_plans import AdaptationViewSet, ExitPlanViewSet, ExitTestViewSet
from apps.api.inventory.findings import FindingsView
from apps.api.inventory.fit import FitView
from apps.api.inventory.requirements import RequirementsView
from apps.api.inventory.runways import RunwaysView
from apps.api.inventory.undo import UndoChangeView
from apps.api.issues.causes import CauseViewSet
from apps.api.issues.issues import IssueViewSet
from apps.api.issues.tickets import TicketConnectionViewSet, TicketViewSet
from apps.api.lifecycle.views import LifecycleView, LiteLLMFragmentView
from apps.api.openapi.views import DocumentPageView, DocumentView
from apps.api.reports.boms import ApplicationBillView, TeamBillView
from apps.api.reports.evidence_packs import EvidencePackViewSet
from apps.api.reports.filing import FilingPackageView, FilingView
from apps.api.reports.tables import (
    BoardView,
    ComponentFileView,
    ModelInventoryRowsView,
    ModelInventoryView,
    RegisterRowsView,
    RegisterView,
)
from apps.api.risks.assessments import AssessmentViewSet
from apps.api.risks.evidence import EvidenceViewSet
from apps.api.risks.foundation_risks import FoundationRiskViewSet
from apps.api.risks.inherited import InheritedRiskViewSet
from apps.api.risks.templates import (
    RiskMappingViewSet,
    RiskModifierViewSet,
    RiskTemplateViewSet,
)
from apps.api.telemetry.litellm_callback import LiteLLMCallbackView
from apps.common.requests.segment_resolver import SegmentResolver

VIEWSETS: dict[str, type[ReadViewSet[Any]]] = {
    "account-deployments": AccountDeploymentViewSet,
    "adaptations": AdaptationViewSet,
    "alert-policies": AlertPolicyViewSet,
    "alerts": AlertViewSet,
    "aliases": AliasViewSet,
    "annex-items": AnnexItemViewSet,
    "applications": ApplicationViewSet,
    "approvals": ApprovalViewSet,
    "decision-proposals": DecisionProposalViewSet,
    "proposed-use-cases": ProposedUseCaseViewSet,
    "assertions": AssertionViewSet,
    "assessments": AssessmentViewSet,
    "base-losses": BaseLossViewSet,
    "calendar-feeds": CalendarFeedViewSet,
    "billed-costs": BilledCostViewSet,
    "campaign-steps": TaskStepViewSet,
    "campaign-tasks": CampaignTaskViewSet,
    "campaigns": CampaignViewSet,
    "causes": CauseViewSet,
    "channels": ChannelViewSet,
    "cloud-accounts": CloudAccountViewSet,
    "cloud-pulls": CloudPullViewSet,
    "contracts": ContractViewSet,
    "delegations": DelegationViewSet,
    "deliveries": DeliveryViewSet,
    "dependencies": DependencyViewSet,
    "derivations": DerivationViewSet,
    "disagreements": DisagreementViewSet,
    "discrepancies": DiscrepancyViewSet,
    "event-rates": EventRateViewSet,
    "evidence": EvidenceViewSet,
    "evidence-packs": EvidencePackViewSet,
    "exchange-rates": ExchangeRateViewSet,
    "exit-plans": ExitPlanViewSet,
    "exit-tests": ExitTestViewSet,
    "exposure-flags": ExposureFlagViewSet,
    "exposure-policies": ExposurePolicyViewSet,
    "feed-runs": FeedRunViewSet,
    "foundation-risks": FoundationRiskViewSet,
    "foundations": FoundationViewSet,
    "gate-runs": GateRunViewSet,
    "gate-waivers": WaiverViewSet,
    "imports": ImportViewSet,
    "incidents": IncidentViewSet,
    "inherited-risks": InheritedRiskViewSet,
    "issues": IssueViewSet,
    "jobs": JobViewSet,
    "loss-runs": LossRunViewSet,
    "memberships": MembershipViewSet,
    "mutes": MuteViewSet,
    "notice-policies": NoticePolicyViewSet,
    "notifications": NotificationViewSet,
    "observations": ObservationViewSet,
    "offering-regions": OfferingRegionViewSet,
    "offerings": OfferingViewSet,
    "people": PersonViewSet,
    "prices": PriceViewSet,
    "product-models": ProductModelViewSet,
    "products": ProductViewSet,
    "provider-events": ProviderEventViewSet,
    "provider-notices": ProviderNoticeViewSet,
    "providers": ProviderViewSet,
    "regions": RegionViewSet,
    "received-notices": ReceivedNoticeViewSet,
    "reported-services": ReportedServiceViewSet,
    "retirement-announcements": RetirementAnnouncementViewSet,
    "risk-mappings": RiskMappingViewSet,
    "risk-modifiers": RiskModifierViewSet,
    "risk-templates": RiskTemplateViewSet,
    "scenario-runs": ScenarioRunViewSet,
    "scenarios": ScenarioViewSet,
    "selections": SelectionViewSet,
    "service-accounts": ServiceAccountViewSet,
    "snapshots": SnapshotViewSet,
    "sources": SourceViewSet,
    "subscriptions": SubscriptionViewSet,
    "teams": TeamViewSet,
    "ticket-connections": TicketConnectionViewSet,
    "tickets": TicketViewSet,
    "tokens": TokenViewSet,
    "users": UserViewSet,
    "versions": VersionViewSet,
    "webhooks": WebhookViewSet,
}


def singular(resource: str) -> str:
    """Return the singular of a resource: `exit-plan` of `exit-plans`, `policy` of `policies`."""
    if resource.endswith("ies"):
        return f"{resource.removesuffix('ies')}y"
    return (
        resource.removesuffix("es")
        if resource.endswith(("sses", "iases"))
        else resource.removesuffix("s")
    )


router = SimpleRouter()
for name, viewset in VIEWSETS.items():
    router.register(name, viewset, basename=singular(name))

v1_routes: list[URLPattern | URLResolver] = [
    *router.urls,
    path("audit/", AuditView.as_view(), name="audit"),
    path(
        "provider-events/<int:event_id>/affected/",
        AffectedApplicationViewSet.as_view({"get": "list"}),
        name="provider-event-affected",
    ),
    path(
        "dependencies/<int:pk>/requirements/",
        RequirementsView.as_view(),
        name="dependency-requirements",
    ),
    path("changes/<uuid:change>/undo/", UndoChangeView.as_view(), name="change-undo"),
    # without a slash at the end, as the clients of Dependency-Track send them
    path("bom", BomUploadView.as_view(), name="bom"),
    path("bom/token/<uuid:token>", BomTokenView.as_view(), name="bom-token"),
    path("applications/<slug:slug>/bom/", ApplicationBillView.as_view(), name="application-bom"),
    path("teams/<slug:slug>/bom/", TeamBillView.as_view(), name="team-bom"),
    path("reports/filing/", FilingView.as_view(), name="report-filing"),
    path("reports/filing/package/", FilingPackageView.as_view(), name="report-filing-package"),
    path("reports/register/", RegisterView.as_view(), name="report-register"),
    path("reports/register/<slug:table>/", RegisterRowsView.as_view(), name="report-register-rows"),
    path("reports/models/", ModelInventoryView.as_view(), name="report-model-inventory"),
    path(
        "reports/models/rows/", ModelInventoryRowsView.as_view(), name="report-model-inventory-rows"
    ),
    path("reports/components/<slug:slug>/", ComponentFileView.as_view(), name="report-component"),
    path("reports/board/", BoardView.as_view(), name="report-board-summary"),
    path(
        "confirmation-settings/",
        ConfirmationSettingsView.as_view(),
        name="confirmation-settings",
    ),
    path("notice-mail-settings/", NoticeMailSettingsView.as_view(), name="notice-mail-settings"),
    path("people-settings/", PeopleSettingsView.as_view(), name="people-settings"),
    path("costs/", CostsView.as_view(), name="costs"),
    path("findings/", FindingsView.as_view(), name="findings"),
    path("fit/", FitView.as_view(), name="fit"),
    path("gate/", GateView.as_view(), name="gate"),
    path("gate/bundle/", BundleView.as_view(), name="gate-bundle"),
    path("gate/<int:pk>/", GateRunView.as_view(), name="gate-answer"),
    path("gate/<int:pk>/released/", ReleasedView.as_view(), name="gate-run-released"),
    path("gate-policy/", GatePolicyView.as_view(), name="gate-policy"),
    path("intake/litellm-callback/", LiteLLMCallbackView.as_view(), name="intake-litellm-callback"),
    path("intake/<slug:kind>/", IntakeView.as_view(), name="intake"),
    path("intake/<slug:kind>/propose/", SheetProposalView.as_view(), name="intake-propose"),
    path("lifecycle/", LifecycleView.as_view(), name="lifecycle"),
    # a file, so without a slash at the end
    path("lifecycle/litellm.yaml", LiteLLMFragmentView.as_view(), name="lifecycle-litellm"),
    path("runways/", RunwaysView.as_view(), name="runways"),
    path("concentration/", ConcentrationView.as_view(), name="concentration"),
    path("single-points-of-failure/", SinglePointsView.as_view(), name="single-points-of-failure"),
    path("alert-settings/", AlertSettingsView.as_view(), name="alert-settings"),
    path(
        "notification-preferences/me/",
        OwnNotificationPreferenceView.as_view(),
        name="notification-preferences-me",
    ),
    path(
        "notification-preferences/me/send-summary/",
        SendSummaryView.as_view(),
        name="notification-preferences-me-send-summary",
    ),
    path(
        "notification-preferences/teams/<slug:slug>/",
        TeamNotificationPreferenceView.as_view(),
        name="notification-preferences-team",
    ),
    path("calendar.ics", CalendarView.as_view(), name="calendar"),
    path("exposure-settings/", ExposureSettingsView.as_view(), name="exposure-settings"),
    path(
        "offerings/<int:pk>/blast-radius/",
        OfferingBlastRadiusView.as_view(),
        name="offering-blast-radius",
    ),
    path(
        "versions/<int:pk>/blast-radius/",
        VersionBlastRadiusView.as_view(),
        name="version-blast-radius",
    ),
    path(
        "foundations/<slug:slug>/blast-radius/",
        FoundationBlastRadiusView.as_view(),
        name="foundation-blast-radius",
    ),
    path(
        "providers/<slug:slug>/blast-radius/",
        ProviderBlastRadiusView.as_view(),
        name="provider-blast-radius",
    ),
    path(
        "foundations/<slug:slug>/scorecard/",
        FoundationScorecardView.as_view(),
        name="foundation-scorecard",
    ),
    path(
        "providers/<slug:slug>/scorecard/",
        ProviderScorecardView.as_view(),
        name="provider-scorecard",
    ),
    path("scorecards/compare/", ScorecardComparisonView.as_view(), name="scorecard-compare"),
    path("schema/", DocumentView.as_view(), name="schema"),
    # with a slash at the end, so that an address that lacks one is redirected first, except where
    # none has a slash
    re_path(r"^(?:.*/|bom/token/[^/]+)?$", UnknownRouteView.as_view()),
]

app_name = "api"
urlpatterns = [
    SegmentResolver("v1/", v1_routes),
    path("docs/", DocumentPageView.as_view(url_name="api:schema"), name="docs"),
]
