"""Connections: the senders of usage data, their status, and the snippets to copy for the next
one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Max, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Scope
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.connections.service_links import bind_token, unbind_token
from apps.intake.connections.summaries import ConnectionSummary, visible_connections
from apps.intake.models import Discrepancy, IntakeSettings, TokenBinding
from apps.intake.queries import open_by_kind
from apps.intake.settings import SETTING_FIELDS, change_settings
from apps.inventory.models import Application
from apps.web.lists.columns import Column, FileColumn, format_ago, format_number, format_share
from apps.web.lists.computed_rows import ComputedRows
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.form_fields import can_import, governance_user, signed_in_user
from apps.web.pages.page import Headline
from apps.web.views.intake import presenters
from apps.web.wording import ago, bounded_number, number

# discrepancies of one kind are counted up to this number
MAX_COUNTED = 1000
MAX_TOKENS = 50


@dataclass(frozen=True, slots=True)
class Connection:
    stream: ConnectionSummary
    name: str
    failed: float | None


@dataclass(frozen=True, slots=True)
class ConnectionKind:
    name: str
    n: str
    url: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class SetupMethod:
    """Setup of one kind of sender: `lines` are copied unchanged."""

    key: str
    name: str
    why: str
    lines: str


class UsageSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = IntakeSettings
        fields = SETTING_FIELDS
        labels = {
            "unseen_after_days": "Unconfirmed use is reported after days",
            "drift_days": "Days compared for version drift",
            "declares_shadows": "Observed usage of known models becomes an observed dependency",
            "document_retention_days": "Days for which documents are stored",
            "usage_retention_days": "Days for which daily calls and billed costs are stored",
            "billing_tags": "Tags of bills that name an application",
        }


class ConnectionList(ListPage[Any, Connection]):
    """Connections that report usage, latest first; below them their set-up, API tokens and
    settings."""

    namespace = "connections"
    title = "Observed usage"
    nouns = ("connection", "connections")
    counts = "Observations of your applications; calls of the last 7 days"
    columns = (
        Column[Connection](
            "connection",
            "Connection",
            attrgetter("name"),
            note=attrgetter("stream.name"),
            url=lambda row: url_with_query(reverse("observations:list"), stream=row.stream.name),
        ),
        Column[Connection](
            "last_seen", "Last seen", attrgetter("stream.last_seen_at"), format=format_ago
        ),
        Column[Connection](
            "applications",
            "Applications",
            attrgetter("stream.n_applications"),
            format=format_number,
            is_numeric=True,
        ),
        Column[Connection](
            "observations",
            "Observations",
            attrgetter("stream.n_observations"),
            format=format_number,
            is_numeric=True,
        ),
        Column[Connection](
            "calls",
            "Calls",
            lambda row: row.stream.n_calls or None,
            format=format_number,
            is_numeric=True,
        ),
        Column[Connection](
            "failed",
            "Failed",
            attrgetter("failed"),
            format=format_share,
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[Connection]("Connection ID", attrgetter("stream.name")),
        FileColumn[Connection]("First seen", attrgetter("stream.first_seen_at")),
        FileColumn[Connection]("Failed calls", attrgetter("stream.n_errors")),
    )
    default_order = ("", ())
    template = "intake/connect.html"

    @cached_property
    def summaries(self) -> tuple[Sequence[ConnectionSummary], datetime]:
        return visible_connections(self.user, at=self.at)

    @cached_property
    def open_discrepancies(self) -> Mapping[str, int]:
        return open_by_kind(self.user, max_count=MAX_COUNTED)

    def get_as_of(self) -> datetime:
        return self.summaries[1]

    def get_queryset(self) -> Any:
        return ComputedRows(self.summaries[0])

    def build_rows(self, records: Sequence[ConnectionSummary]) -> Sequence[Connection]:
        return [_build_connection(summary) for summary in records]

    def get_lead(self) -> Headline:
        """Return the number of connections, the last report, and the open discrepancies."""
        if not self.rows:
            return Headline("No connections yet: declared usage is not compared with calls.")
        counts = self.open_discrepancies
        verb = pluralize(self.listing.n_found, "reports", "report")
        opening = f"{self.count_records()} {verb} usage, last"
        opening += f" {ago(self.rows[0].stream.last_seen_at, at=self.at)}"
        n = sum(counts.values())
        if not n:
            return Headline(f"{opening}; observed and declared usage agree.")
        is_bounded = any(n_of_kind > MAX_COUNTED for n_of_kind in counts.values())
        formatted_n = f"{number(MAX_COUNTED)}+" if is_bounded else number(n)
        verb = pluralize(n, "discrepancy is", "discrepancies are")
        return Headline(f"{opening}; ", f"{formatted_n} {verb} open", ".")

    def get_basis(self) -> str:
        return (
            "Traces, gateways, pipelines and documents report which models are called. They add "
            "observations and change no declared dependency."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No connections yet.",
            "Connect traces, a gateway or a pipeline. The registry then finds undeclared models "
            "and confirms declared ones.",
            *(("Set up a connection", "#h-connect") if can_import(self.user) else ()),
        )

    def get_context(self) -> Mapping[str, Any]:
        counts = self.open_discrepancies
        return {
            "kinds": [_build_kind(kind, counts.get(kind, 0)) for kind in Discrepancy.Kind.values]
            if self.rows
            else (),
            "ways": setup_methods(),
            "keys": _list_tokens(self.user),
            "may_connect": can_import(self.user),
            "lines": UsageSettingsForm(instance=IntakeSettings.objects.get(pk=1))
            if self.user.is_governance
            else None,
        }


@require_POST
def change_usage_settings(request: HttpRequest) -> HttpResponse:
    """Change the organisation's settings for observed usage, by governance."""
    user = governance_user(request, "You need the governance role to change these settings.")
    return action_view(
        request,
        form=lambda: UsageSettingsForm(request.POST, instance=IntakeSettings.objects.get(pk=1)),
        action=lambda form: change_settings(facts=form.cleaned_data, by=user),
        done="The settings were saved. They take effect within ten minutes.",
        back=reverse("connections:list"),
        page=lambda form: ConnectionList.of_request(request).render(request, lines=form),
    )


def _build_connection(stream: ConnectionSummary) -> Connection:
    error_rate = stream.n_errors / stream.n_calls if stream.n_calls else None
    return Connection(stream, presenters.sender_name(stream.name), error_rate)


def _build_kind(kind: str, n: int) -> ConnectionKind:
    formatted_n = bounded_number(n, MAX_COUNTED)
    return ConnectionKind(
        presenters.KINDS[kind], formatted_n, f"{reverse('discrepancies:list')}?kind={kind}", n > 0
    )


def setup_methods() -> tuple[SetupMethod, ...]:
    """Return the setup snippets; users replace only the API token and the application's name."""
    url = settings.PUBLIC_URL.rstrip("/")
    return (
        SetupMethod(
            "traces",
            "Traces of applications instrumented with OpenTelemetry",
            "Set on the application, or once on your collector. Prompts and responses are"
            " dropped on receipt.",
            f"OTEL_EXPORTER_OTLP_ENDPOINT={url}/otlp\n"
            "OTEL_EXPORTER_OTLP_HEADERS=x-api-key=fr_YOUR_KEY\n"
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        ),
        SetupMethod(
            "litellm",
            "Calls of a LiteLLM proxy",
            'Set in its environment. Also set callbacks: ["generic_api"] under litellm_settings in'
            " its configuration.",
            f"GENERIC_LOGGER_ENDPOINT={url}/api/v1/intake/litellm-callback/\n"
            "GENERIC_LOGGER_HEADERS=Authorization=Bearer fr_YOUR_KEY",
        ),
        SetupMethod(
            "langfuse",
            "Langfuse SDK",
            "Sends its traces to the registry instead of Langfuse. To send to both, use a"
            " collector.",
            f"LANGFUSE_BASE_URL={url}/otlp\nLANGFUSE_PUBLIC_KEY=pk-any-name\nLANGFUSE_SECRET_KEY=fr_YOUR_KEY",
        ),
        SetupMethod(
            "litellm-config",
            "Configuration of a LiteLLM proxy",
            "Declares its aliases and fallbacks. Secrets in the file are removed before it is"
            " stored.",
            "curl --fail -H 'Authorization: Bearer fr_YOUR_KEY' -H 'Content-Type: "
            "application/yaml' \\\n"
            f"  --data-binary @config.yaml '{url}/api/v1/intake/litellm-config/?application=NAME'",
        ),
        SetupMethod(
            "deployments",
            "Azure deployments",
            "Governance sends them for all applications, or with ?application=NAME for one. Send"
            " Terraform state to intake/terraform, Bedrock profiles to intake/bedrock-profiles.",
            "az cognitiveservices account deployment list -g GROUP -n ACCOUNT -o json |\n"
            "  curl --fail -H 'Authorization: Bearer fr_YOUR_KEY' -H 'Content-Type: "
            "application/json' \\\n"
            f"  --data-binary @- '{url}/api/v1/intake/azure-deployments/'",
        ),
        SetupMethod(
            "cdxgen",
            "Bill of materials from the pipeline, by the cdxgen command aibom",
            "Any tool that posts to Dependency-Track can post here, with the same settings."
            " The command cdxgen itself finds no models.",
            f"aibom --server-url {url} --api-key fr_YOUR_KEY --project-name NAME -o bom.json .",
        ),
        SetupMethod(
            "curl",
            "CycloneDX or SPDX file",
            "The response lists imported, unrecognised and ignored entries with their place in"
            " the file.",
            "curl --fail -H 'Authorization: Bearer fr_YOUR_KEY' -H 'Content-Type: "
            "application/vnd.cyclonedx+json' \\\n"
            f"  --data-binary @bom.json '{url}/api/v1/intake/cyclonedx/?application=NAME'",
        ),
    )


# --- API tokens of senders ------------------------------------------------------------------------


def _list_tokens(user: User) -> list[ApiToken]:
    """Return the visible API tokens with the intake scope, with their application and the number
    of dropped calls."""
    return list(
        ApiToken.objects.visible_to(user)
        .usable_at(now())
        .filter(scopes__contains=[Scope.INTAKE])
        .select_related("user", "binding__application")
        .annotate(
            dropped_calls=Coalesce(Sum("services__n_dropped"), 0),
            last_dropped_at=Max("services__last_dropped_at"),
        )
        .order_by("-last_used_at", "-pk")[:MAX_TOKENS]
    )


@require_POST
def bind_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Limit the token of a connection to an application, so that all its reports are about it."""
    user = signed_in_user(request)
    token = get_object_or_404(ApiToken.objects.visible_to(user), pk=pk)
    slug = request.POST.get("application", "").strip()

    def bind(_form: forms.Form) -> Application:
        application = Application.objects.visible_to(user).filter(slug=slug).first()
        if application is None:
            raise DomainError(f'No application "{slug[:120]}" found. Enter its slug.')
        bind_token(
            token=token,
            application=application,
            by=user,
            environment=request.POST.get("environment", ""),
        )
        return application

    return action_view(
        request,
        action=bind,
        done=lambda application: Confirmation(
            f"All reports of {token.name} are now about {application.name}.",
            reverse("connections:unbind-token", args=[token.pk]),
        ),
        back=reverse("connections:list"),
    )


@require_POST
def unbind_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the limit of a connection to an application."""
    user = signed_in_user(request)
    binding = get_object_or_404(
        TokenBinding.objects.filter(
            token__in=ApiToken.objects.visible_to(user),
            application__in=Application.objects.visible_to(user),
        ).select_related("token", "application"),
        pk=pk,
    )
    return action_view(
        request,
        action=lambda _form: unbind_token(binding=binding, by=user),
        done=f"{binding.token.name} is no longer linked to an application.",
        back=reverse("connections:list"),
    )
