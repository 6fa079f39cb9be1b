"""The client of each kind of account, and the facts that differ by kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.intake.accounts.clients.azure import read_azure_subscription
from apps.intake.accounts.clients.bedrock import read_aws_account
from apps.intake.accounts.clients.providers import (
    read_anthropic_organisation,
    read_mistral_organisation,
    read_openai_organisation,
)
from apps.intake.accounts.clients.session import CloudSession
from apps.intake.accounts.clients.vertex import read_google_project
from apps.intake.accounts.records import AccountAccess, Listing
from apps.intake.models import CloudAccount

type Reader = Callable[[AccountAccess, CloudSession], Listing]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that a user enters. `is_long`: text of several lines."""

    name: str
    label: str
    help_text: str
    is_required: bool = True
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class CloudKind:
    """A kind of account. `host` is the slug of the provider in the catalogue; `settings` are the
    columns that it needs, `optional_settings` those that it can have."""

    label: str
    host: str
    read: Reader
    settings: tuple[str, ...]
    optional_settings: tuple[str, ...]
    secrets: tuple[Secret, ...]
    permission: str
    # one of these secrets must be entered
    needs_one_of: tuple[str, ...] = ()


_AWS_ACTIONS = (
    "bedrock:ListFoundationModels, bedrock:ListInferenceProfiles, "
    "bedrock:ListProvisionedModelThroughputs and bedrock:ListCustomModels"
)

CLOUD_KINDS: Mapping[str, CloudKind] = {
    CloudAccount.Kind.AZURE: CloudKind(
        label="Azure",
        host="azure",
        read=read_azure_subscription,
        settings=("tenant", "client", "subscription"),
        optional_settings=("regions",),
        secrets=(
            Secret("client_secret", "Client secret", "Value of a client secret, not its ID."),
        ),
        permission="Create an app registration and assign it the role Reader on the subscription, "
        "or a custom role with Microsoft.CognitiveServices/accounts/read, "
        "Microsoft.CognitiveServices/accounts/deployments/read and "
        "Microsoft.CognitiveServices/locations/models/read.",
    ),
    CloudAccount.Kind.BEDROCK: CloudKind(
        label="AWS Bedrock",
        host="amazon-bedrock",
        read=read_aws_account,
        settings=("regions",),
        optional_settings=(),
        secrets=(
            Secret("access_key_id", "Access key ID", "Such as AKIA…"),
            Secret("secret_access_key", "Secret access key", "Shown once by AWS."),
            Secret(
                "session_token",
                "Session token",
                "Only for temporary credentials, which expire after some hours.",
                is_required=False,
            ),
        ),
        permission=f"Create an IAM user with a policy that allows {_AWS_ACTIONS} on all resources.",
    ),
    CloudAccount.Kind.VERTEX: CloudKind(
        label="Google Vertex AI",
        host="google-vertex",
        read=read_google_project,
        settings=("project", "regions"),
        optional_settings=(),
        secrets=(
            Secret(
                "service_account",
                "JSON key of the service account",
                "Paste the whole file.",
                is_long=True,
            ),
        ),
        permission="Create a service account with the role Vertex AI Viewer "
        "(roles/aiplatform.viewer) on the project, and a JSON key for it.",
    ),
    CloudAccount.Kind.OPENAI: CloudKind(
        label="OpenAI",
        host="openai",
        read=read_openai_organisation,
        settings=(),
        optional_settings=("organisation", "project"),
        secrets=(
            Secret(
                "admin_key",
                "Admin API key",
                "Reads usage by project and model.",
                is_required=False,
            ),
            Secret(
                "api_key",
                "API key of a project",
                "Reads the list of models with your fine-tuned ones.",
                is_required=False,
            ),
        ),
        permission="Create an admin API key for usage. It can also change the organisation: "
        "use a key for this purpose alone, and restrict it to reading if your plan allows it.",
        needs_one_of=("admin_key", "api_key"),
    ),
    CloudAccount.Kind.ANTHROPIC: CloudKind(
        label="Anthropic",
        host="anthropic",
        read=read_anthropic_organisation,
        settings=(),
        optional_settings=(),
        secrets=(
            Secret(
                "admin_key",
                "Admin API key",
                "Reads usage by workspace and model.",
                is_required=False,
            ),
            Secret(
                "api_key",
                "API key of a workspace",
                "Reads the list of models with their lifecycle.",
                is_required=False,
            ),
        ),
        permission="Create an admin API key for usage. It can also change the organisation: "
        "use a key for this purpose alone.",
        needs_one_of=("admin_key", "api_key"),
    ),
    CloudAccount.Kind.MISTRAL: CloudKind(
        label="Mistral",
        host="mistral",
        read=read_mistral_organisation,
        settings=(),
        optional_settings=(),
        secrets=(Secret("api_key", "API key", "Reads the list of models with your own ones."),),
        permission="Create an API key in a workspace of its own. Mistral reports no usage, so an "
        "account creates no dependencies.",
    ),
}


def read_account(kind: str, access: AccountAccess, session: CloudSession) -> Listing:
    """Read an account. Raises PullFailedError if nothing of it can be read."""
    return CLOUD_KINDS[kind].read(access, session)
