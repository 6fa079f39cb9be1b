"""Every record that people edit, and what of it stands where. Whatever is left out is named with its reason."""

from apps.accounts.models import Team
from apps.alerts.models import AlertPolicy, AlertSettings, Mute, Preference, Subscription, Webhook
from apps.api.accounts import TeamSerializer
from apps.api.alerts.lines import AlertPolicySerializer, AlertSettingsSerializer
from apps.api.alerts.mutes import MakeMuteSerializer, MuteSerializer
from apps.api.alerts.preferences import MailPreferenceSerializer
from apps.api.alerts.subscriptions import SubscriptionSerializer
from apps.api.alerts.webhooks import WebhookSerializer
from apps.api.campaigns.campaigns import CampaignChangeSerializer, CampaignSerializer, OpenCampaignSerializer
from apps.api.catalog import ProviderChangeSerializer, ProviderSerializer
from apps.api.choosing.approvals import (
    ApprovalSerializer,
    DecisionSerializer,
    MakeDecisionSerializer,
    RevokeDecisionSerializer,
)
from apps.api.choosing.contracts import AnnexItemSerializer, ContractSerializer, NoteItemSerializer
from apps.api.choosing.selections import (
    DecideSelectionSerializer,
    DraftSelectionSerializer,
    SelectionChangeSerializer,
    SelectionSerializer,
)
from apps.api.dependencies import (
    DependencyChangeSerializer,
    DependencySerializer,
    EndSerializer,
    ReplaceSerializer,
    ReopenSerializer,
)
from apps.api.exits import AdaptationSerializer, ExitPlanSerializer, ExitTestSerializer
from apps.api.exposure import ExposureSettingsSerializer, PolicySerializer
from apps.api.gate.policy import ChangePolicySerializer, GatePolicySerializer
from apps.api.gate.waivers import AskWaiverSerializer, GrantSerializer, WaiverReasonSerializer, WaiverSerializer
from apps.api.inventory import ApplicationChangeSerializer, ApplicationSerializer
from apps.api.risks.assessments import (
    AssessmentSerializer,
    RiskAcceptanceRevokedSerializer,
    RiskAcceptanceSerializer,
    RiskNotApplicableSerializer,
)
from apps.api.risks.evidence import EvidenceSerializer
from apps.api.risks.foundation_risks import (
    FoundationRiskChangeSerializer,
    FoundationRiskSerializer,
)
from apps.api.scenarios import ScenarioSerializer
from apps.api.sources import SourceChangeSerializer, SourceSerializer
from apps.catalog.models import Provider, Source
from apps.exposure.models import Campaign, ExposureSettings, Policy, Scenario
from apps.gate.models import GatePolicy, Waiver
from apps.inventory.bulk import MERGERS
from apps.inventory.models import (
    Adaptation,
    AnnexItem,
    Application,
    Approval,
    Contract,
    Dependency,
    ExitPlan,
    ExitTest,
    Selection,
)
from apps.risks.models import Assessment, Evidence, FoundationRisk
from apps.web.views.alerts.lines import PolicyForm as AlertPolicyForm
from apps.web.views.alerts.lines import SettingsForm as AlertSettingsForm
from apps.web.views.alerts.lines import WebhookForm
from apps.web.views.alerts.forms import MuteForm
from apps.web.views.alerts.subscribing import SubscriptionForm
from apps.web.views.alerts.wishes import PreferenceForm
from apps.web.views.applications.forms import ApplicationForm, RegisterForm
from apps.web.views.campaigns.one import ChangeForm as CampaignChangeForm
from apps.web.views.campaigns.opening import OpeningForm
from apps.web.views.choosing.approval_forms import DecisionForm, RevokeForm
from apps.web.views.choosing.contract_forms import ContractForm, NewContractForm
from apps.web.views.choosing.documents import NoteForm
from apps.web.views.choosing.selection_forms import DecideForm, SelectionForm
from apps.web.views.dependencies.forms import (
    AdaptationForm,
    DeclareForm,
    DependencyForm,
    EndForm,
    ExitTestForm,
    PlanForm,
)
from apps.web.views.exposure.policies import PolicyForm
from apps.web.views.feeds.source_forms import SourceForm
from apps.web.views.gate.policy import PolicyForm as GatePolicyForm
from apps.web.views.gate.waivers import AskForm
from apps.web.views.provider_facts import ProviderForm
from apps.web.views.risks.forms import (
    AcceptForm,
    AssessForm,
    EvidenceForm,
    NotApplicableForm,
    RaiseForm,
    RevokeForm as RevokeAcceptanceForm,
    RiskForm,
)
from apps.web.views.settings.teams import TeamForm
from apps.web.views.what_ifs.saved import ScenarioForm
from tests.fields.places import BULK, CHANGE, COPY, CREATE, FORM, HISTORY, READ, SHEET, Record, Shape

RECORDS: tuple[Record, ...] = (
    Record(
        Application,
        "applications",
        form=(Shape(RegisterForm), Shape(ApplicationForm)),
        create=(Shape(ApplicationSerializer),),
        change=(Shape(ApplicationChangeSerializer),),
        read=(Shape(ApplicationSerializer),),
        bulk=MERGERS["applications"].fields,
        sheet="application",
    ),
    Record(
        Dependency,
        "dependencies",
        form=(Shape(DeclareForm), Shape(DependencyForm), Shape(EndForm, {"on": "until"})),
        create=(Shape(DependencySerializer),),
        change=(
            Shape(DependencyChangeSerializer),
            Shape(EndSerializer, {"on": "until"}),
            Shape(ReopenSerializer),
            Shape(ReplaceSerializer),
        ),
        read=(Shape(DependencySerializer),),
        bulk=MERGERS["dependencies"].fields,
        sheet="use",
    ),
    Record(
        Adaptation,
        "adaptations",
        form=(Shape(AdaptationForm),),
        create=(Shape(AdaptationSerializer),),
        change=(Shape(AdaptationSerializer),),
        read=(Shape(AdaptationSerializer),),
        bulk=MERGERS["adaptations"].fields,
    ),
    Record(
        ExitPlan,
        "exit-plans",
        form=(Shape(PlanForm),),
        create=(Shape(ExitPlanSerializer),),
        change=(Shape(ExitPlanSerializer),),
        read=(Shape(ExitPlanSerializer),),
        bulk=MERGERS["exit-plans"].fields,
    ),
    Record(
        ExitTest,
        "exit-tests",
        form=(Shape(ExitTestForm),),
        create=(Shape(ExitTestSerializer),),
        change=(Shape(ExitTestSerializer),),
        read=(Shape(ExitTestSerializer),),
    ),
    Record(
        Contract,
        "contracts",
        form=(Shape(ContractForm), Shape(NewContractForm)),
        create=(Shape(ContractSerializer),),
        change=(Shape(ContractSerializer),),
        read=(Shape(ContractSerializer),),
    ),
    Record(
        AnnexItem,
        "annex-items",
        form=(Shape(NoteForm, {"on": "received_on"}),),
        change=(Shape(NoteItemSerializer, {"on": "received_on"}),),
        read=(Shape(AnnexItemSerializer),),
    ),
    Record(
        Provider,
        "providers",
        form=(Shape(ProviderForm),),
        change=(Shape(ProviderChangeSerializer),),
        read=(Shape(ProviderSerializer),),
    ),
    Record(
        Approval,
        "approvals",
        form=(Shape(DecisionForm), Shape(RevokeForm, {"reason": "revoked_why"})),
        create=(Shape(MakeDecisionSerializer),),
        change=(Shape(DecisionSerializer), Shape(RevokeDecisionSerializer, {"reason": "revoked_why"})),
        read=(Shape(ApprovalSerializer),),
    ),
    Record(
        Selection,
        "selections",
        form=(Shape(SelectionForm), Shape(DecideForm, {"why": "reason"})),
        create=(Shape(DraftSelectionSerializer, {"reason": ""}),),
        change=(
            Shape(SelectionChangeSerializer, {"reason": ""}),
            Shape(DecideSelectionSerializer, {"reason": "", "why": "reason"}),
        ),
        read=(Shape(SelectionSerializer),),
    ),
    Record(
        FoundationRisk,
        "foundation-risks",
        form=(Shape(lambda: RiskForm(people=[])), Shape(lambda: RaiseForm(people=[]))),
        create=(Shape(FoundationRiskSerializer),),
        change=(Shape(FoundationRiskChangeSerializer),),
        read=(Shape(FoundationRiskSerializer),),
    ),
    Record(
        Assessment,
        "assessments",
        form=(
            Shape(lambda: AssessForm(people=[], row=None), {"version": ""}),
            Shape(AcceptForm, {"version": "", "until": "accepted_until", "because": "accept_reason"}),
            Shape(NotApplicableForm, {"version": "", "because": "not_applicable_because"}),
            Shape(RevokeAcceptanceForm, {"version": "", "because": "revoke_reason"}),
        ),
        create=(
            Shape(AssessmentSerializer, {"version": ""}),
            Shape(RiskAcceptanceSerializer, {"version": "", "until": "accepted_until", "because": "accept_reason"}),
            Shape(RiskNotApplicableSerializer, {"version": "", "because": "not_applicable_because"}),
        ),
        change=(Shape(RiskAcceptanceRevokedSerializer, {"version": "", "because": "revoke_reason"}),),
        read=(Shape(AssessmentSerializer),),
    ),
    Record(
        Evidence,
        "evidence",
        form=(Shape(EvidenceForm),),
        create=(Shape(EvidenceSerializer),),
        read=(Shape(EvidenceSerializer),),
    ),
    Record(
        Policy,
        "policies",
        form=(Shape(PolicyForm),),
        create=(Shape(PolicySerializer),),
        change=(Shape(PolicySerializer),),
        read=(Shape(PolicySerializer),),
    ),
    Record(
        ExposureSettings,
        change=(Shape(ExposureSettingsSerializer),),
        read=(Shape(ExposureSettingsSerializer),),
    ),
    Record(
        GatePolicy,
        form=(Shape(GatePolicyForm),),
        change=(Shape(ChangePolicySerializer),),
        read=(Shape(GatePolicySerializer),),
    ),
    Record(
        Waiver,
        "gate-waivers",
        form=(Shape(AskForm),),
        create=(Shape(AskWaiverSerializer),),
        change=(
            Shape(GrantSerializer, {"reason": "decision"}),
            Shape(WaiverReasonSerializer, {"reason": "decision"}),
        ),
        read=(Shape(WaiverSerializer),),
    ),
    Record(Team, "teams", form=(Shape(TeamForm),), read=(Shape(TeamSerializer),)),
    Record(
        Subscription,
        "subscriptions",
        form=(Shape(SubscriptionForm),),
        create=(Shape(SubscriptionSerializer),),
        change=(Shape(SubscriptionSerializer),),
        read=(Shape(SubscriptionSerializer),),
    ),
    Record(
        Preference,
        form=(Shape(PreferenceForm),),
        change=(Shape(MailPreferenceSerializer),),
        read=(Shape(MailPreferenceSerializer),),
    ),
    Record(
        Mute,
        "mutes",
        form=(Shape(MuteForm),),
        create=(Shape(MakeMuteSerializer),),
        read=(Shape(MuteSerializer),),
    ),
    Record(
        AlertPolicy,
        "alert-policies",
        form=(Shape(AlertPolicyForm),),
        change=(Shape(AlertPolicySerializer),),
        read=(Shape(AlertPolicySerializer),),
    ),
    Record(
        AlertSettings,
        form=(Shape(AlertSettingsForm),),
        change=(Shape(AlertSettingsSerializer),),
        read=(Shape(AlertSettingsSerializer),),
    ),
    Record(
        Webhook,
        "webhooks",
        form=(Shape(WebhookForm),),
        create=(Shape(WebhookSerializer),),
        change=(Shape(WebhookSerializer),),
        read=(Shape(WebhookSerializer),),
    ),
    Record(
        Source,
        "sources",
        form=(Shape(SourceForm),),
        create=(Shape(SourceSerializer),),
        change=(Shape(SourceChangeSerializer),),
        read=(Shape(SourceSerializer),),
    ),
    Record(
        Campaign,
        "campaigns",
        form=(Shape(OpeningForm), Shape(CampaignChangeForm)),
        create=(Shape(OpenCampaignSerializer, {"offering": "subject"}),),
        change=(Shape(CampaignChangeSerializer),),
        read=(Shape(CampaignSerializer),),
    ),
    Record(
        Scenario,
        "scenarios",
        form=(Shape(ScenarioForm),),
        create=(Shape(ScenarioSerializer),),
        change=(Shape(ScenarioSerializer),),
        read=(Shape(ScenarioSerializer),),
    ),
)
