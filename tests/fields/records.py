"""Every record that people edit, and what of it stands where. Whatever is left out is named with
its reason."""

from apps.accounts.models import Delegation, Membership, Team, User
from apps.alerts.models import AlertPolicy, AlertSettings, Mute, Preference, Subscription, Webhook
from apps.api.accounts.memberships import MembershipSerializer, SetMembershipSerializer
from apps.api.accounts.people import DelegationSerializer
from apps.api.accounts.teams import TeamSerializer
from apps.api.accounts.users import AddUserSerializer, ChangeUserSerializer, UserSerializer
from apps.api.alerts.mutes import MakeMuteSerializer, MuteSerializer
from apps.api.alerts.policies import AlertPolicySerializer, AlertSettingsSerializer
from apps.api.alerts.preferences import NotificationPreferenceSerializer
from apps.api.alerts.subscriptions import SubscriptionSerializer
from apps.api.alerts.webhooks import WebhookSerializer
from apps.api.catalog.catalog import ProviderSerializer
from apps.api.catalog.sources import SourceChangeSerializer, SourceSerializer
from apps.api.exposure.campaigns import (
    CampaignChangeSerializer,
    CampaignSerializer,
    CloseCampaignSerializer,
    OpenCampaignSerializer,
)
from apps.api.exposure.flags import ExposurePolicySerializer, ExposureSettingsSerializer
from apps.api.exposure.scenarios import ScenarioSerializer
from apps.api.framework.record_views import record_serializer
from apps.api.gate.policy import ChangePolicySerializer, GatePolicySerializer
from apps.api.gate.waivers import (
    AskWaiverSerializer,
    GrantSerializer,
    WaiverReasonSerializer,
    WaiverSerializer,
)
from apps.api.governance.approvals import (
    ApprovalSerializer,
    DecisionSerializer,
    MakeDecisionSerializer,
    RevokeDecisionSerializer,
)
from apps.api.governance.contracts import (
    AnnexItemSerializer,
    ContractSerializer,
    NoteItemSerializer,
    RequestItemsSerializer,
)
from apps.api.governance.proposals import ConfirmationSettingsSerializer
from apps.api.governance.selections import (
    DecideSelectionSerializer,
    DraftSelectionSerializer,
    SelectionChangeSerializer,
    SelectionSerializer,
)
from apps.api.inventory.applications import ApplicationChangeSerializer, ApplicationSerializer
from apps.api.inventory.dependencies import (
    DependencyChangeSerializer,
    DependencySerializer,
    EndSerializer,
    ReopenSerializer,
    ReplaceSerializer,
)
from apps.api.inventory.exit_plans import (
    AdaptationSerializer,
    ExitPlanSerializer,
    ExitTestSerializer,
)
from apps.api.risks.assessments import (
    AssessmentSerializer,
    RiskAcceptanceRevokedSerializer,
    RiskAcceptanceSerializer,
    RiskNotApplicableSerializer,
)
from apps.api.risks.base import AttachEvidenceSerializer
from apps.api.risks.evidence import EvidenceSerializer
from apps.api.risks.foundation_risks import (
    FoundationRiskChangeSerializer,
    FoundationRiskSerializer,
)
from apps.catalog.models import Provider, Source
from apps.catalog.records.providers import ProviderRecord
from apps.exposure.models import Campaign, ExposureSettings, Policy, Scenario
from apps.gate.models import GatePolicy, Waiver
from apps.inventory.bulk.resources import BULK_RESOURCES
from apps.inventory.governance.contract_record import ContractRecord
from apps.inventory.models import (
    Adaptation,
    AnnexItem,
    Application,
    Approval,
    ConfirmationSettings,
    Contract,
    Dependency,
    ExitPlan,
    ExitTest,
    Selection,
)
from apps.risks.models import Assessment, Evidence, FoundationRisk
from apps.web.pages.record_form import record_form
from apps.web.views.alerts.alert_rules import AlertPolicyForm, AlertSettingsForm, WebhookForm
from apps.web.views.alerts.forms import MuteForm
from apps.web.views.alerts.preferences import PreferenceForm
from apps.web.views.alerts.subscriptions import SubscriptionForm
from apps.web.views.applications.forms import ApplicationForm
from apps.web.views.campaigns.detail import ChangeForm as CampaignChangeForm
from apps.web.views.dependencies.forms import (
    AdaptationForm,
    DependencyForm,
    EndForm,
    ExitTestForm,
    PlanForm,
    ReplaceForm,
)
from apps.web.views.exposure.policies import ExposurePolicyForm
from apps.web.views.feeds.source_forms import SourceForm
from apps.web.views.gate.policy import GatePolicyForm
from apps.web.views.gate.waivers import RequestWaiverForm as WaiverForm
from apps.web.views.governance.approval_forms import DecisionForm, RevokeForm
from apps.web.views.governance.developer_documents import DocumentStateForm, RequestDocumentsForm
from apps.web.views.governance.proposals import ConfirmationSettingsForm
from apps.web.views.governance.selection_forms import DecideForm, SelectionForm
from apps.web.views.risks.forms import (
    AcceptForm,
    AssessForm,
    AttachForm,
    EvidenceForm,
    NotApplicableForm,
    RiskForm,
)
from apps.web.views.risks.forms import RevokeForm as RevokeAcceptanceForm
from apps.web.views.scenarios.saved_scenarios import ScenarioForm
from apps.web.views.settings.delegations import DelegationForm
from apps.web.views.settings.teams import MemberForm, TeamForm
from apps.web.views.settings.users import UserForm
from tests.builders import TODAY
from tests.fields.places import (
    BROUGHT_BACK,
    BULK,
    CHANGE,
    COPY,
    CREATE,
    FORM,
    HISTORY,
    MERGED,
    READ,
    RENEWED,
    REPLACED,
    SHEET,
    Record,
    Shape,
)

WRITTEN = (FORM, CREATE, CHANGE, BULK, SHEET)
CHANGED = (FORM, CHANGE)

KEY = "the key, given by the database"
MOMENT = "set when the row is saved"
ENTRY_MOMENT = "every entry of the history has its own moment"
BY_ACTION = "set by an action of its own"
ACTOR = "whoever acts"
COMPUTED = "worked out of other columns by the database"
FIXED = "fixed once it is made"
PARENT = "given by the address of the page"
ONE_ROW = "there is one row"

NO_BULK = "few rows, kept one by one"
NO_SHEET = "spreadsheets hold applications and what they use"
NO_COPY = "nothing makes a copy of it"
NO_CREATE = "its rows are there from the beginning"
NOT_CHANGED = "it is made once; a new one takes its place"

ROW = {"id": KEY, "created_at": MOMENT, "updated_at": MOMENT}
KEPT_ROW = {"id": KEY, "updated_at": MOMENT}
_OF_CHANNELS = ("service", "destination", "person", "role", "n_refusals", "disabled_reason")
SMALL = {BULK: NO_BULK, SHEET: NO_SHEET, COPY: NO_COPY}

RECORDS: tuple[Record, ...] = (
    Record(
        Application,
        "applications",
        form=(Shape(ApplicationForm),),
        create=(Shape(ApplicationSerializer),),
        change=(Shape(ApplicationChangeSerializer),),
        read=(Shape(ApplicationSerializer),),
        bulk=BULK_RESOURCES["applications"].fields,
        sheet="application",
        absent={COPY: NO_COPY},
        exceptions={
            WRITTEN: {
                **ROW,
                "merged_into": "set by merging",
                "business_owner_person": "the person that the text of the owner names",
                "technical_owner_person": "the person that the text of the owner names",
            },
            (FORM,): {"slug": "fixed: addresses lead to it"},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
    Record(
        Dependency,
        "dependencies",
        form=(
            Shape(DependencyForm),
            Shape(EndForm, {"on": "until"}),
            Shape(ReplaceForm, {"on": "since"}),
        ),
        create=(Shape(DependencySerializer),),
        change=(
            Shape(DependencyChangeSerializer),
            Shape(EndSerializer, {"on": "until"}),
            Shape(ReopenSerializer),
            Shape(ReplaceSerializer, {"on": "since"}),
        ),
        read=(Shape(DependencySerializer),),
        bulk=BULK_RESOURCES["dependencies"].fields,
        sheet="use",
        copies=(REPLACED, BROUGHT_BACK, MERGED),
        exceptions={
            WRITTEN: {
                **ROW,
                "origin": "declared by whoever writes; observed by intake",
                "last_observed_on": "set by intake",
                "confirmed_on": "set by confirming",
            },
            CHANGED: {"application": FIXED, "role": FIXED},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
            (REPLACED, BROUGHT_BACK): {
                "id": KEY,
                "created_at": MOMENT,
                "updated_at": MOMENT,
                "since": "given by the change",
                "until": "given by the change",
                "origin": "the new row is declared by the user who makes the change",
                "last_observed_on": "observed on the old row",
                "confirmed_on": "confirmed of the old row",
            },
            (REPLACED,): {
                "offering": "given by the change",
                "binding": "says how the old offering is called",
                "monthly_spend": "spent on the old offering",
                "features": "those of the host, kept if the host stays the same",
            },
            (MERGED,): {
                "id": KEY,
                "created_at": MOMENT,
                "updated_at": MOMENT,
                "application": "the kept row's own",
                "since": "the kept row's own",
                "until": "the kept row's own",
                "fallback_order": "the kept row's own",
                "origin": "the kept row's own",
                "last_observed_on": "intake writes it on the kept row from then on",
                "confirmed_on": "confirmed of the other row",
            },
        },
    ),
    Record(
        Adaptation,
        "adaptations",
        form=(Shape(AdaptationForm),),
        create=(Shape(AdaptationSerializer),),
        change=(Shape(AdaptationSerializer),),
        read=(Shape(AdaptationSerializer),),
        bulk=BULK_RESOURCES["adaptations"].fields,
        copies=(REPLACED, BROUGHT_BACK),
        absent={SHEET: NO_SHEET},
        exceptions={
            WRITTEN: ROW,
            (FORM,): {"dependency": PARENT},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
            (REPLACED, BROUGHT_BACK): {**ROW, "dependency": "hangs on the new row"},
            (REPLACED,): {
                "invested_days": "spent on the old offering, where it has to be made again",
                "invested_cost": "spent on the old offering, where it has to be made again",
                "note": "says that it has to be made again",
            },
        },
    ),
    Record(
        ExitPlan,
        "exit-plans",
        form=(Shape(PlanForm),),
        create=(Shape(ExitPlanSerializer),),
        change=(Shape(ExitPlanSerializer),),
        read=(Shape(ExitPlanSerializer),),
        bulk=BULK_RESOURCES["exit-plans"].fields,
        copies=(REPLACED, BROUGHT_BACK),
        absent={SHEET: NO_SHEET},
        exceptions={
            WRITTEN: ROW,
            (FORM,): {"dependency": PARENT},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
            (REPLACED, BROUGHT_BACK): {**ROW, "dependency": "hangs on the new row"},
        },
    ),
    Record(
        ExitTest,
        "exit-tests",
        form=(Shape(ExitTestForm),),
        create=(Shape(ExitTestSerializer),),
        change=(Shape(ExitTestSerializer),),
        read=(Shape(ExitTestSerializer),),
        absent={
            BULK: NO_BULK,
            SHEET: NO_SHEET,
            COPY: "a test stays with the dependency that it was made from",
        },
        exceptions={
            WRITTEN: {**ROW, "recorded_by": ACTOR},
            (FORM,): {"dependency": PARENT},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
    Record(
        Contract,
        "contracts",
        form=(Shape(record_form(ContractRecord(), creating=False)),),
        create=(Shape(ContractSerializer),),
        change=(Shape(ContractSerializer),),
        read=(Shape(ContractSerializer),),
        absent=SMALL,
        exceptions={
            WRITTEN: ROW,
            (FORM,): {"party": FIXED},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
    Record(
        AnnexItem,
        "annex-items",
        form=(
            Shape(DocumentStateForm, {"on": "received_on"}),
            Shape(RequestDocumentsForm, {"on": "requested_on"}),
        ),
        change=(
            Shape(NoteItemSerializer, {"on": "received_on"}),
            Shape(RequestItemsSerializer, {"on": "requested_on"}),
        ),
        read=(Shape(AnnexItemSerializer),),
        absent={CREATE: "asking for an item, or noting it, makes its row", **SMALL},
        exceptions={
            WRITTEN: {**KEPT_ROW, "noted_by": ACTOR, "due_on": "14 days after it was asked for"},
            (FORM,): {"foundation": PARENT},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
    Record(
        Provider,
        "providers",
        form=(Shape(record_form(ProviderRecord(), creating=False)),),
        create=(Shape(record_serializer(ProviderRecord, creating=True)),),
        change=(Shape(record_serializer(ProviderRecord, creating=False)),),
        read=(Shape(ProviderSerializer),),
        absent=SMALL,
        exceptions={
            WRITTEN: ROW,
            CHANGED: {"slug": "fixed: addresses lead to it"},
        },
    ),
    Record(
        Approval,
        "approvals",
        form=(Shape(DecisionForm), Shape(RevokeForm, {"reason": "revoked_reason"})),
        create=(Shape(MakeDecisionSerializer),),
        change=(
            Shape(DecisionSerializer),
            Shape(RevokeDecisionSerializer, {"reason": "revoked_reason"}),
        ),
        read=(Shape(ApprovalSerializer),),
        copies=(RENEWED,),
        absent={BULK: NO_BULK, SHEET: NO_SHEET},
        exceptions={
            WRITTEN: {
                **ROW,
                "approver": ACTOR,
                "decided_on": "the day of the decision",
                "revoked_at": "the moment of the revocation",
                "revoked_by": ACTOR,
            },
            (CREATE,): {"revoked_reason": BY_ACTION},
            CHANGED: dict.fromkeys(("provider", "foundation", "version", "offering"), FIXED),
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
            (RENEWED,): {
                **ROW,
                **dict.fromkeys(
                    ("provider", "foundation", "version", "offering"),
                    "the same, held by the action",
                ),
                "reason": "given for each decision",
                "approver": ACTOR,
                "decided_on": "the day of the decision",
                **dict.fromkeys(
                    ("revoked_at", "revoked_by", "revoked_reason"), "the new decision stands"
                ),
            },
        },
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
        copies=(RENEWED,),
        absent={BULK: NO_BULK, SHEET: NO_SHEET},
        exceptions={
            WRITTEN: {
                **ROW,
                "state": BY_ACTION,
                "created_by": ACTOR,
                "decided_by": ACTOR,
                "decided_on": "the day of the decision",
            },
            (CREATE,): dict.fromkeys(
                ("decision", "reason", "review_on"), "given with the decision"
            ),
            CHANGED: {"supersedes": FIXED},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
            (RENEWED,): {
                **ROW,
                "supersedes": "the one that it takes the place of",
                "state": "it begins as a draft",
                "created_by": ACTOR,
                **dict.fromkeys(
                    ("decision", "reason", "decided_by", "decided_on", "review_on"),
                    "not decided again yet",
                ),
            },
        },
    ),
    Record(
        FoundationRisk,
        "foundation-risks",
        form=(Shape(lambda: RiskForm(people=[])),),
        create=(Shape(FoundationRiskSerializer),),
        change=(Shape(FoundationRiskChangeSerializer), Shape(AttachEvidenceSerializer)),
        read=(Shape(FoundationRiskSerializer, {"evidence": "evidence"}),),
        absent=SMALL,
        exceptions={
            WRITTEN: {
                **ROW,
                "inherent": COMPUTED,
                "rule": "set by the rule that raises it",
                "facts_key": "set by the rule that raises it",
                "opened_at": "the moment it is raised",
                "changed_at": "the moment of the last material change",
                **dict.fromkeys(("closed_at", "closed_reason"), "set by closing"),
                **dict.fromkeys(
                    ("dismissed_at", "dismissed_by", "dismissed_reason"), "set by dismissing"
                ),
            },
            CHANGED: {"node": FIXED, "template": FIXED},
            (CREATE,): {"evidence": "attached afterwards"},
            (FORM,): {"evidence": "attached through REST"},
            (READ,): {"facts_key": "by which the rule knows its own risk again"},
            (HISTORY,): {
                "updated_at": ENTRY_MOMENT,
                "inherent": COMPUTED,
                "evidence": "its links have a history of their own",
            },
        },
    ),
    Record(
        Assessment,
        "assessments",
        form=(
            Shape(lambda: AssessForm(people=[], row=None), {"version": ""}),
            Shape(
                lambda: AcceptForm(today=TODAY),
                {"version": "", "until": "accepted_until", "because": "accept_reason"},
            ),
            Shape(NotApplicableForm, {"version": "", "because": "not_applicable_reason"}),
            Shape(RevokeAcceptanceForm, {"version": "", "because": "revoke_reason"}),
            Shape(lambda: AttachForm(evidence=Evidence.objects.none())),
        ),
        # the same addresses change it
        create=(
            Shape(AssessmentSerializer, {"version": ""}),
            Shape(
                RiskAcceptanceSerializer,
                {"version": "", "until": "accepted_until", "because": "accept_reason"},
            ),
            Shape(RiskNotApplicableSerializer, {"version": "", "because": "not_applicable_reason"}),
            Shape(RiskAcceptanceRevokedSerializer, {"version": "", "because": "revoke_reason"}),
            Shape(AttachEvidenceSerializer),
        ),
        read=(Shape(AssessmentSerializer, {"evidence": "evidence"}),),
        absent={CHANGE: "it is assessed again at the same address", **SMALL},
        exceptions={
            WRITTEN: {
                **ROW,
                "version": "counts the changes; what is sent is the one that was read",
                "state": "follows from what is decided",
                **dict.fromkeys(("inherent", "current", "residual"), COMPUTED),
                **dict.fromkeys(
                    ("inherent_likelihood", "inherent_impact"), "the risk's, adaptations applied"
                ),
                **dict.fromkeys(("assessed_by", "accepted_by", "revoked_by"), ACTOR),
                **dict.fromkeys(
                    ("assessed_at", "accepted_at", "revoked_at"), "the moment of the action"
                ),
                **dict.fromkeys(
                    ("stale_since", "stale_cause", "stale_reason", "stale_event"),
                    "set by what happens",
                ),
            },
            (FORM,): {"risk": PARENT, "dependency": PARENT},
            (HISTORY,): {
                "updated_at": ENTRY_MOMENT,
                **dict.fromkeys(("inherent", "current", "residual"), COMPUTED),
                "evidence": "its links have a history of their own",
            },
        },
    ),
    Record(
        Evidence,
        "evidence",
        form=(Shape(EvidenceForm),),
        create=(Shape(EvidenceSerializer),),
        read=(Shape(EvidenceSerializer),),
        absent={CHANGE: NOT_CHANGED, **SMALL},
        exceptions={WRITTEN: {"id": KEY, "recorded_by": ACTOR, "recorded_at": MOMENT}},
    ),
    Record(
        Policy,
        "exposure-policies",
        form=(Shape(ExposurePolicyForm),),
        create=(Shape(ExposurePolicySerializer),),
        change=(Shape(ExposurePolicySerializer),),
        read=(Shape(ExposurePolicySerializer),),
        absent=SMALL,
        exceptions={
            WRITTEN: KEPT_ROW,
            (FORM,): {"slug": "made of the name, and fixed"},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
    Record(
        ExposureSettings,
        change=(Shape(ExposureSettingsSerializer),),
        read=(Shape(ExposureSettingsSerializer),),
        absent={FORM: "set through REST, once", CREATE: ONE_ROW, **SMALL},
        exceptions={
            (CHANGE,): KEPT_ROW,
            (READ,): {"id": ONE_ROW},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
    Record(
        GatePolicy,
        form=(Shape(GatePolicyForm),),
        change=(Shape(ChangePolicySerializer),),
        read=(Shape(GatePolicySerializer),),
        absent={CREATE: ONE_ROW, **SMALL},
        exceptions={
            CHANGED: {**KEPT_ROW, "version": "counts the changes"},
            (FORM,): {"levels": "a field of its own for each rule"},
            (READ,): {"id": ONE_ROW},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
    Record(
        Waiver,
        "gate-waivers",
        form=(Shape(WaiverForm),),
        create=(Shape(AskWaiverSerializer),),
        change=(
            Shape(GrantSerializer, {"reason": "decision"}),
            Shape(WaiverReasonSerializer, {"reason": "decision"}),
        ),
        read=(Shape(WaiverSerializer),),
        absent=SMALL,
        exceptions={
            WRITTEN: {
                "id": KEY,
                "state": BY_ACTION,
                **dict.fromkeys(("requested_by", "decided_by"), ACTOR),
                **dict.fromkeys(
                    ("requested_at", "requested_on", "decided_at"), "the moment of the action"
                ),
            },
            (FORM, CREATE): {"decision": "given by who decides"},
            (CHANGE,): dict.fromkeys(("application", "rule", "model", "offering", "reason"), FIXED),
            (READ,): {"requested_on": "the day of requested_at"},
        },
    ),
    Record(
        Team,
        "teams",
        form=(Shape(TeamForm),),
        create=(Shape(TeamSerializer),),
        change=(Shape(TeamSerializer),),
        read=(Shape(TeamSerializer),),
        absent=SMALL,
        exceptions={WRITTEN: ROW, (FORM,): {"slug": "made of the name, and fixed"}},
    ),
    Record(
        Membership,
        "memberships",
        form=(Shape(MemberForm, {"person": "user"}),),
        create=(Shape(SetMembershipSerializer),),
        read=(Shape(MembershipSerializer),),
        absent={CHANGE: "sent again with another role, it is changed", **SMALL},
        exceptions={
            WRITTEN: {
                "id": KEY,
                "created_at": MOMENT,
                "manual_role": "what `role` was given beside one by sign-on",
                "sso_role": "set at sign-on, by the groups",
            },
            (FORM,): {"team": PARENT},
        },
    ),
    Record(
        User,
        "users",
        form=(Shape(UserForm),),
        create=(Shape(AddUserSerializer, {"team": "", "role": ""}),),
        change=(Shape(ChangeUserSerializer),),
        read=(
            Shape(
                UserSerializer,
                {"organisation_role_by_sign_on": "sso_organisation_role", "memberships": ""},
            ),
        ),
        absent=SMALL,
        exceptions={
            WRITTEN: {
                "id": KEY,
                "date_joined": MOMENT,
                "last_login": "set at sign-in",
                "sso_organisation_role": "set at sign-on, by the groups",
                "manual_organisation_role": "what `organisation_role` was given beside one by "
                "sign-on",
                "state": "follows the access: added, signed in, closed",
            },
            (FORM,): {"username": "given with the invitation, and fixed"},
            (CREATE,): {"is_active": "a new account is open"},
            (FORM, CREATE, CHANGE, READ): {
                "password": "set by the person, by the link of the invitation",
                "is_staff": "given by a superuser in the admin",
                "is_service": "service accounts are kept under service-accounts/",
                "service_team": "of service accounts",
                "about": "of service accounts",
                "time_zone": "the person's own, on the account page",
                "digest_hour": "the person's own, on the account page",
                "mail_confirmed_at": "of contacts, which are under people/",
                "merged_into": "set by merging, under people/",
            },
            (FORM, CREATE, CHANGE): {"is_superuser": "given by a superuser in the admin"},
            (FORM, CREATE, CHANGE, READ, HISTORY): dict.fromkeys(
                ("groups", "user_permissions"), "of the framework; roles take their place"
            ),
            (READ,): {"manual_organisation_role": "shown as the role that counts"},
            (HISTORY,): {
                "last_login": "changes with every sign-in, not by a decision",
                "password": "a secret, which no history keeps",
            },
        },
    ),
    Record(
        Delegation,
        "delegations",
        form=(Shape(DelegationForm),),
        create=(Shape(DelegationSerializer),),
        read=(Shape(DelegationSerializer),),
        absent={**SMALL, CHANGE: NOT_CHANGED},
        exceptions={(FORM, CREATE): {"id": KEY, "created_at": MOMENT}},
    ),
    Record(
        Subscription,
        "subscriptions",
        form=(Shape(SubscriptionForm),),
        create=(Shape(SubscriptionSerializer),),
        change=(Shape(SubscriptionSerializer),),
        read=(Shape(SubscriptionSerializer),),
        absent=SMALL,
        exceptions={
            WRITTEN: {**ROW, "user": ACTOR},
            (READ,): {"user": "everybody reads the own ones only"},
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
    Record(
        Preference,
        form=(Shape(PreferenceForm),),
        change=(Shape(NotificationPreferenceSerializer),),
        read=(Shape(NotificationPreferenceSerializer),),
        absent={CREATE: "setting it makes its row", **SMALL},
        exceptions={
            CHANGED: {
                "id": KEY,
                "user": "given by the address",
                "team": "given by the address",
                "served_at": "set by the sender",
            },
            (READ,): {"id": KEY, "served_at": "shown as the next mail's moment"},
            (HISTORY,): {"served_at": "changes with every digest, not by a decision"},
        },
    ),
    Record(
        Mute,
        "mutes",
        form=(Shape(MuteForm, {"what": "", "whose": ""}),),
        create=(Shape(MakeMuteSerializer),),
        read=(Shape(MuteSerializer, {"application": "application"}),),
        absent={CHANGE: NOT_CHANGED, **SMALL},
        exceptions={
            WRITTEN: {
                "id": KEY,
                "created_by": ACTOR,
                "created_at": MOMENT,
                "lifted_at": "set by lifting",
                "user": ACTOR,
            },
            (FORM,): {
                "team": "chosen as whose mail it is",
                **dict.fromkeys(
                    ("kind", "provider", "offering", "application", "subject"),
                    "chosen as what of the alert is muted",
                ),
            },
        },
    ),
    Record(
        AlertPolicy,
        "alert-policies",
        form=(Shape(AlertPolicyForm),),
        change=(Shape(AlertPolicySerializer),),
        read=(Shape(AlertPolicySerializer),),
        absent={CREATE: NO_CREATE, **SMALL},
        exceptions={CHANGED: {"id": KEY, "criticality": FIXED}},
    ),
    Record(
        AlertSettings,
        form=(Shape(AlertSettingsForm),),
        change=(Shape(AlertSettingsSerializer),),
        read=(Shape(AlertSettingsSerializer),),
        absent={CREATE: ONE_ROW, **SMALL},
        exceptions={CHANGED: {"id": ONE_ROW}, (READ,): {"id": ONE_ROW}},
    ),
    Record(
        ConfirmationSettings,
        form=(Shape(ConfirmationSettingsForm, {"reason": ""}),),
        change=(Shape(ConfirmationSettingsSerializer, {"reason": ""}),),
        read=(Shape(ConfirmationSettingsSerializer),),
        absent={CREATE: ONE_ROW, **SMALL},
        exceptions={CHANGED: {"id": ONE_ROW}, (READ,): {"id": ONE_ROW}},
    ),
    Record(
        Webhook,
        "webhooks",
        form=(Shape(WebhookForm),),
        create=(Shape(WebhookSerializer),),
        change=(Shape(WebhookSerializer),),
        read=(Shape(WebhookSerializer),),
        absent=SMALL,
        exceptions={
            WRITTEN: {
                "id": KEY,
                "created_at": MOMENT,
                "created_by": ACTOR,
                "last_sent_at": "set by the sender",
                **dict.fromkeys(
                    ("nonce", "old_nonce", "old_until"), "set by asking for a new secret"
                ),
                **dict.fromkeys(_OF_CHANNELS, "of channels of other services"),
            },
            (READ,): {
                **dict.fromkeys(("nonce", "old_nonce", "old_until"), "a secret is made of it"),
                **dict.fromkeys(_OF_CHANNELS, "of channels of other services"),
            },
            (HISTORY,): dict.fromkeys(
                ("last_sent_at", "n_refusals"), "changes with every message, not by a decision"
            ),
        },
    ),
    Record(
        Source,
        "sources",
        form=(Shape(lambda: SourceForm(mapping={})),),
        create=(Shape(SourceSerializer),),
        change=(Shape(SourceChangeSerializer),),
        read=(Shape(SourceSerializer),),
        absent=SMALL,
        exceptions={
            WRITTEN: {
                **ROW,
                "slug": "made of the name, and fixed",
                "trusted_address": "the operator's, on the command line: it may be private",
            },
            CHANGED: {"kind": FIXED},
            (FORM,): {"enabled": "switched by a button of its own"},
            (READ,): {"trusted_address": "the operator's own"},
        },
    ),
    Record(
        Campaign,
        "campaigns",
        form=(Shape(CampaignChangeForm),),
        create=(Shape(OpenCampaignSerializer, {"offering": "subject"}),),
        change=(Shape(CampaignChangeSerializer), Shape(CloseCampaignSerializer)),
        read=(Shape(CampaignSerializer, {"offerings": "offerings"}),),
        absent=SMALL,
        exceptions={
            WRITTEN: {
                **KEPT_ROW,
                "offerings": "what the announcement covers, or the subject",
                "targets": "the mapping of a what-if scenario, by its button",
                "state": BY_ACTION,
                **dict.fromkeys(("opened_by", "closed_by"), ACTOR),
                **dict.fromkeys(("opened_at", "closed_at"), "the moment of the action"),
            },
            (FORM, CREATE): {"closing_note": "given when it is closed"},
            CHANGED: {"event": FIXED, "subject": FIXED, "announcement": FIXED},
            (HISTORY,): {
                "updated_at": ENTRY_MOMENT,
                "offerings": "set once, when the campaign is opened",
            },
        },
    ),
    Record(
        Scenario,
        "scenarios",
        form=(Shape(ScenarioForm),),
        create=(Shape(ScenarioSerializer),),
        change=(Shape(ScenarioSerializer),),
        read=(Shape(ScenarioSerializer),),
        absent=SMALL,
        exceptions={
            WRITTEN: {**ROW, "created_by": ACTOR},
            (FORM,): dict.fromkeys(
                ("ops", "layers", "basis", "prices_on"), "carried by the address of the what-if"
            ),
            (HISTORY,): {"updated_at": ENTRY_MOMENT},
        },
    ),
)
