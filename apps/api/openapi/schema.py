"""Additions to the OpenAPI document beyond serializers and filters."""

from typing import Any, Literal

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models import GeneratedField
from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_basic_type
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from apps.api.framework.problems import MEDIA_TYPE
from apps.api.openapi.examples import EXAMPLES


class FieldErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(
        help_text="Name of the field, nested as `a.b`; empty for the whole body."
    )
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="Error and how to fix it, as a sentence.")
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]


READ_PROBLEMS = {
    400: "The request is not valid",
    401: "Not signed in",
    403: "No permission",
    404: "Not found",
    406: "The format in Accept is not supported",
    429: "Too many requests",
    503: "The service is temporarily unavailable",
}
WRITE_PROBLEMS = {
    408: "The request took too long",
    409: "The request conflicts with existing data",
    413: "The body is too large",
    415: "The content type is not supported",
}
CONDITION_PROBLEMS = {412: "The record changed since it was read"}
# for responses in other formats than JSON
_FORMAT_PARAMETER: dict[str, dict[str, Any]] = {
    "application/atom+xml": {"type": "string"},
    "application/junit+xml": {"type": "string"},
    "application/sarif+json": {"type": "object", "additionalProperties": True},
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
        "type": "string",
        "format": "binary",
    },
    "text/csv": {"type": "string"},
}
_RETRY_AFTER = {
    "description": "Seconds until the request can be repeated.",
    "schema": {"type": "integer", "minimum": 0},
}
_DIGITS = "^[0-9]{1,18}$"
KEY_PROBLEMS = {422: "The Idempotency-Key was used for another request"}


class RegistrySchema(AutoSchema):
    """Adds the errors of every operation, `?fields=` on reads, and If-None-Match."""

    def get_tags(self) -> list[str]:
        """Return the resource: the part of the path after /api/v1/."""
        return [self.path.strip("/").split("/")[2]]

    def get_examples(self) -> list[Any]:
        examples = list(super().get_examples())
        body = EXAMPLES.get(self.get_operation_id())
        if body is not None:
            examples.append(
                OpenApiExample(
                    "example", value=body, request_only=True, media_type="application/json"
                )
            )
        return examples

    def is_deprecated(self) -> bool:
        return getattr(self.view, "retires", None) is not None or bool(super().is_deprecated())

    def get_override_parameters(self) -> list[Any]:
        """Add the parameters that the framework adds to views: fields, format and the header of the
        idempotency key."""
        parameters = list(super().get_override_parameters())
        if self.method == "GET" and getattr(self.view, "picks_fields", False):
            view: Any = self.view
            names = view.reader.names
            parameters.append(
                OpenApiParameter(
                    "fields",
                    {"type": "array", "items": {"type": "string", "enum": names}},
                    explode=False,
                    style="form",
                    description="Fields of the answer, separated by commas; all fields if absent.",
                )
            )
        if self.method == "GET":
            parameters.append(
                OpenApiParameter(
                    "If-None-Match",
                    str,
                    OpenApiParameter.HEADER,
                    description="ETag of an earlier answer: 304 without a body if nothing changed.",
                )
            )
        if self.method in {"PATCH", "PUT", "DELETE"}:
            parameters.append(
                OpenApiParameter(
                    "If-Match",
                    str,
                    OpenApiParameter.HEADER,
                    description="ETag of the whole record as it was read: 412 if it changed since.",
                )
            )
        if self.method == "POST":
            parameters.append(
                OpenApiParameter(
                    "Idempotency-Key",
                    str,
                    OpenApiParameter.HEADER,
                    description="Key of your choice, valid for 24 hours: the same "
                    "request again gets the same answer and is done once.",
                )
            )
        return parameters

    def _resolve_path_parameters(self, variables: Any) -> list[dict[str, Any]]:
        """Return path parameters; an ID is a number, and each parameter names its resource."""
        parameters: list[dict[str, Any]] = super()._resolve_path_parameters(variables)
        for parameter in parameters:
            name = parameter["name"]
            if parameter["schema"].get("pattern") == _DIGITS:
                parameter["schema"] = {"type": "integer", "minimum": 1}
            resource = self.path.partition(f"/{{{name}}}")[0].rpartition("/")[2]
            parameter.setdefault(
                "description", f"{name.replace('_', ' ').capitalize()}, as in `{resource}/`."
            )
        return parameters

    def _map_serializer_field(
        self, field: Any, direction: str, bypass_extensions: bool = False
    ) -> dict[str, Any]:
        """Return the schema of a field; a read-only text can be empty if its column can."""
        if isinstance(field, serializers.ChoiceField) and _is_nullable(field):
            field.allow_blank = True
        if _is_computed(field):
            # computed from columns that can be empty
            field.allow_null = True
        schema: dict[str, Any] = super()._map_serializer_field(field, direction, bypass_extensions)
        if {} in schema.get("oneOf", ()):
            # the empty schema also matches null, which would then match two choices
            del schema["oneOf"]
        return schema

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        super()._insert_field_validators(field, schema)
        if isinstance(field, serializers.URLField) and _is_nullable(field):
            schema.pop("format", None)

    def _map_serializer(
        self, serializer: Any, direction: str, bypass_extensions: bool = False
    ) -> dict[str, Any]:
        """Return the schema of a serializer; with `?fields=` any field can be missing from an
        answer."""
        schema: dict[str, Any] = super()._map_serializer(serializer, direction, bypass_extensions)
        if (
            direction == "response"
            and getattr(self.view, "picks_fields", False)
            and isinstance(serializer, serializers.ModelSerializer)
        ):
            schema.pop("required", None)
        return schema

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        """Add the problems that any operation of the method can return, files, and 304 for
        reads."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if direction != "response":
            return bodies
        problems = READ_PROBLEMS if self.method == "GET" else {**READ_PROBLEMS, **WRITE_PROBLEMS}
        if self.method in {"PATCH", "PUT", "DELETE"}:
            problems = {**problems, **CONDITION_PROBLEMS}
        elif self.method == "POST":
            problems = {**problems, **KEY_PROBLEMS}
        for status, description in problems.items():
            response = OpenApiResponse(ProblemSerializer, description=description)
            response_body = self._get_response_for_code(response, str(status), [MEDIA_TYPE])
            bodies.setdefault(str(status), response_body)
        # an operation that describes an error of its own can also return a plain problem
        plain_problem = self._get_response_for_code(
            OpenApiResponse(ProblemSerializer), "400", [MEDIA_TYPE]
        )
        for code, body in bodies.items():
            if code.startswith("4"):
                body.setdefault("content", {}).setdefault(
                    MEDIA_TYPE, plain_problem["content"][MEDIA_TYPE]
                )
            elif code == "202":
                # a pending decision is JSON, whatever format was requested
                body["content"] = {
                    kind: content
                    for kind, content in body["content"].items()
                    if kind not in _FORMAT_PARAMETER
                }
            for kind in _FORMAT_PARAMETER.keys() & set(body.get("content", ())):
                body["content"][kind] = {"schema": _FORMAT_PARAMETER[kind]}
        if self.method == "GET":
            bodies.setdefault("304", {"description": "Unchanged since the answer with that ETag"})
        return bodies

    def _get_response_headers_for_code(
        self, status_code: str, direction: str = "response"
    ) -> dict[str, Any]:
        headers: dict[str, Any] = super()._get_response_headers_for_code(status_code, direction)
        return (
            {**headers, "Retry-After": _RETRY_AFTER} if status_code in {"429", "503"} else headers
        )


def _is_computed(field: Any) -> bool:
    """Return whether the database computes the column of the field."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    try:
        return bool(
            field.read_only
            and model
            and isinstance(model._meta.get_field(field.source), GeneratedField)
        )
    except FieldDoesNotExist:
        return False


def _is_nullable(field: Any) -> bool:
    """Return whether the field is read-only and its column can be empty."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    try:
        return bool(
            field.read_only
            and model
            and getattr(model._meta.get_field(field.source), "blank", False)
        )
    except FieldDoesNotExist:
        return False


class RegistryFiltersExtension(DjangoFilterExtension):
    """The type of a filter is that of its own values, even if its column holds numbers for them."""

    target_class = "apps.api.framework.filter_backend.RegistryFilterBackend"
    priority = 1

    def _get_schema_from_model_field(
        self, auto_schema: Any, filter_field: Any, model: Any
    ) -> dict[str, Any]:
        schema: dict[str, Any] = super()._get_schema_from_model_field(
            auto_schema, filter_field, model
        )
        choices = self._get_explicit_filter_choices(filter_field)
        choice_schema = build_basic_type(type(choices[0])) if choices else None
        if choice_schema is not None and schema.get("type") != choice_schema["type"]:
            return {**choice_schema, "description": schema.get("description")}
        return schema


class ApiTokenScheme(OpenApiAuthenticationExtension):
    target_class = "apps.accounts.api_tokens.authentication.ApiTokenAuthentication"
    name = ["token", "tokenAsKey", "tokenAsPassword"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        """Return the schemes, any one of which is sufficient."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "An API token of Account → API tokens or `manage.py token "
                "USER`, with scope `read`, and `write` for changes.",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-Api-Key",
                "description": "The API token, for clients that cannot send Authorization.",
            },
            {
                "type": "http",
                "scheme": "basic",
                "description": "The API token as the password of any username, for clients with "
                "HTTP Basic only.",
            },
        ]


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "rest_framework.authentication.SessionAuthentication"
    name = "cookieAuth"
    priority = 1

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of the web pages; changes also require the header "
            "X-CSRFToken.",
        }
