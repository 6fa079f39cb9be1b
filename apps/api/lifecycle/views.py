"""`lifecycle/`: what a gateway needs to warn of models that retire, or to refuse them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.api.framework.pagination import KeysetPagination
from apps.api.framework.result_cursors import INVALID_CURSOR_MESSAGE
from apps.api.framework.validation import (
    FORMAT_PARAMETERS,
    PAGING_PARAMETERS,
    validate_data,
)
from apps.api.framework.views import RegistryView
from apps.api.inventory.applications import VisibleApplicationField
from apps.catalog.models import DateKind, Lifecycle
from apps.common.time import day_of, now
from apps.gate.lifecycle.entries import LifecycleEntry, Replacement, build_entries
from apps.gate.lifecycle.model_ids import (
    GatewayModel,
    identify_models,
    models_in_use,
    models_of_gateway,
)
from apps.inventory.models import Application, Approval

MAX_NAMED_MODELS = 200
MAX_MODEL_LENGTH = 300
# models of a fragment, which has no pages
MAX_FRAGMENT_MODELS = 2_000
FRAGMENT_HEAD = """\
# Lifecycle of models, from {url}
# It sets nothing else of the proxy, and can be named under `include` of its config.yaml. To warn of
# and refuse these models, put registry_lifecycle.py beside config.yaml (from
# {url}/gate/registry-lifecycle), set REGISTRY_LIFECYCLE_FILE to this file,
# and add "registry_lifecycle.handler" to `callbacks` of `litellm_settings`.
"""


class LifecycleReplacementSerializer(serializers.Serializer[Any]):
    offering = serializers.IntegerField(
        allow_null=True, help_text="ID of the offering; null if it is not in the catalogue."
    )
    model = serializers.CharField(help_text="Model ID, or the text of the host.")
    host = serializers.CharField(allow_null=True, help_text="Slug of the host.")


class LifecycleEntrySerializer(serializers.Serializer[Any]):
    model = serializers.CharField(help_text="Model ID as the gateway writes it.")
    aliases = serializers.ListField(
        child=serializers.CharField(),
        help_text="Names under which callers request it, from a stored configuration.",
    )
    status = serializers.ChoiceField(
        choices=Lifecycle.choices, help_text="Lifecycle; unknown if the model is not identified."
    )
    identification = serializers.CharField(
        help_text="Sentence about the identification of the model."
    )
    offering = serializers.IntegerField(allow_null=True, help_text="ID of the offering.")
    host = serializers.CharField(allow_null=True, help_text="Slug of the host.")
    api_id = serializers.CharField(allow_null=True, help_text="Model ID at the host.")
    deprecated_since = serializers.DateField(allow_null=True)
    retires_on = serializers.DateField(allow_null=True)
    date_kind = serializers.ChoiceField(
        choices=DateKind.choices,
        allow_blank=True,
        help_text="Type of the retirement date: announced (`firm`) or earliest.",
    )
    due = serializers.CharField(
        allow_blank=True,
        help_text="Once an announced date has come: `still_listed` or `unconfirmed` until the "
        "source confirms the retirement.",
    )
    source = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Name of the source of the lifecycle."
    )
    source_url = serializers.CharField(allow_null=True)
    deprecation = serializers.CharField(
        allow_null=True, help_text="Value of the header Deprecation (RFC 9745); null if unknown."
    )
    sunset = serializers.CharField(
        allow_null=True,
        help_text="Value of the header Sunset (RFC 8594); null without an announced date.",
    )
    proposed_replacement = LifecycleReplacementSerializer(
        allow_null=True, help_text="Replacement that the host names."
    )
    accepted_replacement = LifecycleReplacementSerializer(
        allow_null=True, help_text="Target of an open migration of the organisation."
    )
    approval = serializers.ChoiceField(
        choices=Approval.Decision.choices,
        allow_blank=True,
        help_text="Strictest approval decision on the model, whichever application calls it; "
        "empty without one.",
    )
    sentence = serializers.CharField(help_text="Sentence that a gateway can show to its callers.")
    advice = serializers.CharField(allow_blank=True, help_text="Sentence about the replacement.")
    url = serializers.CharField(allow_null=True, help_text="Page of the offering.")


class LifecycleSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = LifecycleEntrySerializer(many=True)


class LifecycleQuestion(serializers.Serializer[Any]):
    model = serializers.ListField(
        child=serializers.CharField(max_length=MAX_MODEL_LENGTH),
        max_length=MAX_NAMED_MODELS,
        required=False,
    )
    gateway = serializers.CharField(max_length=120, required=False)
    application = VisibleApplicationField(
        slug_field="slug", queryset=Application.objects.none(), required=False
    )


_PARAMETERS = [
    OpenApiParameter(
        "model",
        str,
        many=True,
        description="Model IDs of the gateway's configuration, such as openai/gpt-4o, up to "
        f"{MAX_NAMED_MODELS}.",
    ),
    OpenApiParameter(
        "gateway",
        str,
        description="Type of gateway, such as litellm: the model IDs of its stored "
        "configurations that you can view.",
    ),
    OpenApiParameter("application", str, description="Slug of an application: only what it uses."),
]


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A page of models; `cursor` leads to the next one, and is empty on the last."""

    models: Sequence[GatewayModel]
    cursor: str


class LifecycleView(RegistryView):
    @extend_schema(
        operation_id="lifecycle",
        summary="Lifecycle of the models that a gateway calls",
        parameters=[
            *_PARAMETERS,
            OpenApiParameter("cursor", str, description="From `next` of an answer."),
            OpenApiParameter("page_size", int),
        ],
        responses=LifecycleSerializer,
    )
    def get(self, request: Request) -> Response:
        """Lifecycle, dates and replacements by model ID, for a gateway that warns or refuses: of
        the named models, of a stored configuration, or of everything in use by applications that
        you can view. An ID that is not identified is `unknown`. Poll it with `If-None-Match`."""
        question = read_question(request, also=PAGING_PARAMETERS)
        size = KeysetPagination().size(request)
        page = _read_models(
            self.user, question, cursor=request.query_params.get("cursor", ""), size=size
        )
        entries = build_entries(page.models, user=self.user, today=day_of(now()))
        return Response(
            {
                "next": _next_link(request, page.cursor) if page.cursor else None,
                "results": [entry_body(entry) for entry in entries],
            }
        )


class YamlRenderer(BaseRenderer):
    media_type = "application/yaml"
    format = "yaml"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return str(data).encode()


class LiteLLMFragmentView(RegistryView):
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [YamlRenderer]  # type: ignore[misc]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # a download, whatever the client accepts
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="lifecycle_litellm",
        summary="Lifecycle as a file for the LiteLLM proxy",
        parameters=_PARAMETERS,
        responses={
            (200, "application/yaml"): OpenApiResponse(
                OpenApiTypes.OBJECT, description="YAML with `registry_lifecycle`"
            )
        },
    )
    def get(self, request: Request) -> Response:
        """The same as `lifecycle/`, as a YAML file for the callback `registry_lifecycle.py`, where
        the proxy cannot reach the registry. Without parameters, the model IDs of the stored LiteLLM
        configurations that you can view."""
        question = read_question(request)
        if "model" not in question:
            question.setdefault("gateway", "litellm")
        page = _read_models(self.user, question, cursor="", size=MAX_FRAGMENT_MODELS)
        entries = build_entries(page.models, user=self.user, today=day_of(now()))
        fragment = {
            "registry_lifecycle": {
                "complete": not page.cursor,
                "models": [_plain(entry_body(entry)) for entry in entries],
            }
        }
        text = yaml.dump(
            fragment, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=100
        )
        return Response(FRAGMENT_HEAD.format(url=request.build_absolute_uri("/")[:-1]) + text)


def read_question(request: Request, also: Sequence[str] = ()) -> dict[str, Any]:
    """Return the parameters. Raises ValidationError."""
    params: dict[str, Any] = request.query_params.dict()
    if "model" in params:
        params["model"] = request.query_params.getlist("model")
    return dict(
        validate_data(
            LifecycleQuestion(data=params, context={"request": request}),
            extra_names=(*also, *FORMAT_PARAMETERS),
        )
    )


def _read_models(user: User, question: dict[str, Any], *, cursor: str, size: int) -> ModelPage:
    """Return a page of the models that the question is about."""
    application = question.get("application")
    application_id = None if application is None else application.pk
    if "model" in question:
        return ModelPage(identify_models(user, list(dict.fromkeys(question["model"]))), "")
    if "gateway" in question:
        models = models_of_gateway(
            user,
            gateway=question["gateway"],
            application=application_id,
            after=cursor,
            limit=size + 1,
        )
        last = models[size - 1].model if len(models) > size else ""
        return ModelPage(models[:size], last)
    if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise serializers.ValidationError({"cursor": INVALID_CURSOR_MESSAGE})
    models = models_in_use(
        user,
        today=day_of(now()),
        application=application_id,
        after=int(cursor or 0),
        limit=size + 1,
    )
    return ModelPage(models[:size], str(models[size - 1].offering) if len(models) > size else "")


def _next_link(request: Request, cursor: str) -> str:
    query = request.query_params.copy()
    query["cursor"] = cursor
    return f"{request.build_absolute_uri(request.path)}?{query.urlencode()}"


def entry_body(entry: LifecycleEntry) -> dict[str, Any]:
    """Return an entry as JSON."""
    offering = entry.offering
    return {
        "model": entry.model,
        "aliases": list(entry.aliases),
        "status": str(entry.status),
        "identification": entry.identification,
        "offering": offering.pk if offering else None,
        "host": offering.host.slug if offering else None,
        "api_id": offering.api_id if offering else None,
        "deprecated_since": entry.deprecated_since,
        "retires_on": offering.retires_on if offering else None,
        "date_kind": str(offering.date_kind) if offering else "",
        "due": str(entry.due),
        "source": entry.source,
        "source_url": entry.source_url,
        "deprecation": entry.deprecation,
        "sunset": entry.sunset,
        "proposed_replacement": _replacement_body(entry.proposed),
        "accepted_replacement": _replacement_body(entry.accepted),
        "approval": entry.approval,
        "sentence": entry.sentence,
        "advice": entry.advice,
        "url": entry.url,
    }


def _replacement_body(replacement: Replacement | None) -> dict[str, Any] | None:
    if replacement is None:
        return None
    return {
        "offering": replacement.offering,
        "model": replacement.model,
        "host": replacement.host,
    }


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """Return the entry with dates as text: the callback reads them from JSON as well."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in body.items()
    }
