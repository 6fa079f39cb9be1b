"""The check of a release by a pipeline, its result, and the record of a release."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import ApiToken
from apps.accounts.roles import Scope
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.validation import validate_data
from apps.api.framework.views import RegistryView
from apps.api.gate.formats import RENDERERS, CappedJSONParser
from apps.api.gate.serializers import (
    BundleSerializer,
    GateAnswerSerializer,
    GateQuestionSerializer,
    WaitingSerializer,
)
from apps.common.time import now
from apps.gate.bom import ParsedBom, parse_bom
from apps.gate.bundle import build_bundle, sign_bundle
from apps.gate.formats.response import build_response_body, run_findings
from apps.gate.models import GateRun
from apps.gate.runs import can_use_gate, normalise_environment, release_run, request_run
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.documents.records import clean
from apps.intake.import_jobs import stored_body as body_of_import
from apps.intake.models import Import, TokenBinding
from apps.intake.spreadsheets.files.tables import UnreadableError
from apps.inventory.models import Application

_RESPONSES = {
    200: OpenApiResponse(
        GateAnswerSerializer,
        description="Decision; also as application/sarif+json and application/junit+xml",
    ),
    202: OpenApiResponse(
        WaitingSerializer, description="A worker evaluates the request: read `status_url` again"
    ),
}
_EXAMPLE = OpenApiExample(
    "Two models with file and line",
    value={
        "application": "agent-assist",
        "environment": "production",
        "commit": "4f9c2d1",
        "ref": "refs/heads/main",
        "models": [
            "text-embedding-3-large",
            {"model": "gpt-4o-2024-08-06", "host": "openai", "file": "app/chat.py", "line": 12},
        ],
    },
    request_only=True,
)


class _Gate(RegistryView):
    """Requires a token with scope `gate`, or a session."""

    required_scope = Scope.GATE
    renderer_classes = RENDERERS
    parser_classes = [CappedJSONParser]

    @property
    def binding(self) -> TokenBinding | None:
        token = self.request.auth
        if not isinstance(token, ApiToken):
            return None
        return TokenBinding.objects.select_related("application__team").filter(token=token).first()

    def application(self, slug: str, binding: TokenBinding | None) -> Application:
        """Return the application of the request; a hidden one is 404 before a missing role
        is 403."""
        if binding is not None:
            if slug and slug != binding.application.slug:
                raise PermissionDenied(
                    f"This API token is bound to {binding.application.slug}. Use that "
                    "application, or another API token."
                )
            slug = binding.application.slug
        if not slug:
            raise ValidationError({"application": "Enter the slug of the application."})
        application = (
            Application.objects.visible_to(self.user)
            .select_related("team")
            .filter(slug=slug)
            .first()
        )
        if application is None:
            raise Http404
        if not can_use_gate(self.user, application):
            raise PermissionDenied(
                "You need the editor role on the owning team to run the gate. Contact a team owner."
            )
        return application

    def run(self, pk: int) -> GateRun:
        runs = (
            GateRun.objects.visible_to(self.user).select_related("application__team").filter(pk=pk)
        )
        binding = self.binding
        run = (
            runs.filter(application=binding.application_id) if binding is not None else runs
        ).first()
        if run is None:
            raise Http404
        return run

    def run_response(self, run: GateRun) -> Response:
        if run.decision:
            return Response(build_response_body(run, run_findings(run)))
        response = Response(build_response_body(run, []), status=status.HTTP_202_ACCEPTED)
        response["Location"] = f"/api/v1/gate/{run.pk}/"
        response["Retry-After"] = "2"
        return response


class GateView(_Gate):
    @extend_schema(
        operation_id="gate",
        summary="Check a release",
        request=GateQuestionSerializer,
        responses=_RESPONSES,
        examples=[_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Check the models of a build against the registry. The answer is 200 for every decision,
        including `block`. The same request for the same commit is the same run while its result is
        unchanged."""
        data: dict[str, Any] = dict(validate_data(GateQuestionSerializer(data=request.data)))
        binding = self.binding
        application = self.application(data.get("application", ""), binding)
        parsed_bom = self._parse_models(data)
        environment = data["environment"] or (binding.environment if binding is not None else "")
        token = request.auth if isinstance(request.auth, ApiToken) else None
        at = now()
        if data["import"]:
            if token is not None and Scope.INTAKE not in token.scopes:
                raise PermissionDenied(
                    "To import the document, the API token needs the scope 'intake' "
                    "beside 'gate'. Create one with both scopes, or omit `import`."
                )
            receive_document(
                document_format=FORMATS[parsed_bom.form],
                body=parsed_bom.body,
                by=self.user,
                at=at,
                token=token,
                application=application,
                environment=environment,
            )
        run = request_run(
            application=application,
            requested=parsed_bom.requested,
            by=self.user,
            at=at,
            token=token,
            environment=environment,
            commit=data["commit"],
            ref=data["ref"],
            mode=data["mode"],
            baseline=data["baseline"],
            blocks_all=data["all"],
            incomplete=parsed_bom.incomplete,
        )
        return self.run_response(run)

    def _parse_models(self, data: dict[str, Any]) -> ParsedBom:
        """Return the models of the request: listed, in a bill of materials, or in an earlier
        import."""
        if "models" in data:
            return ParsedBom(data["models"], "", b"")
        bom = data["bom"]
        try:
            if isinstance(bom, int):
                document_import = (
                    Import.objects.visible_to(self.user)
                    .filter(pk=bom, kind=Import.Kind.DOCUMENT)
                    .first()
                )
                if document_import is None:
                    raise ValidationError(
                        {"bom": f"No import {bom} of a document found. Check the ID."}
                    )
                return parse_bom(body_of_import(document_import))
            return parse_bom(bom)
        except UnreadableError as error:
            raise ValidationError({"bom": str(error)}) from error


class GateRunView(_Gate):
    @extend_schema(operation_id="gate_status", summary="Result of a check", responses=_RESPONSES)
    def get(self, request: Request, pk: int) -> Response:
        """The result of a check, or its state while a worker evaluates it."""
        return self.run_response(self.run(pk))


class BundleView(_Gate):
    renderer_classes = [FastJSONRenderer]

    @extend_schema(
        operation_id="gate_bundle",
        summary="Signed findings for checks without a token",
        parameters=[
            OpenApiParameter(
                "application",
                str,
                description="Slug of the application; optional if the token is bound to one.",
            ),
            OpenApiParameter("environment", str),
        ],
        responses=BundleSerializer,
    )
    def get(self, request: Request) -> Response:
        """Findings for all known models as of today, for one application, signed. The client
        verifies the signature with a pinned key. The ETag avoids repeated downloads."""
        binding = self.binding
        params = request.query_params
        application = self.application(clean(params.get("application", ""), 120), binding)
        environment = params.get("environment", "") or (
            binding.environment if binding is not None else ""
        )
        return Response(
            sign_bundle(
                build_bundle(
                    application=application,
                    environment=normalise_environment(environment),
                    at=now(),
                )
            )
        )


class ReleasedView(_Gate):
    @extend_schema(
        operation_id="gate_released",
        summary="Record a release",
        request=None,
        responses=GateAnswerSerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Record that the build was released. Later runs of this application and environment are
        compared with it: findings it already had do not block. Repeating the request changes
        nothing."""
        run = self.run(pk)
        if not can_use_gate(self.user, run.application):
            raise PermissionDenied(
                "You need the editor role on the owning team to record a release. "
                "Contact a team owner."
            )
        return self.run_response(release_run(run=run, by=self.user, at=now()))
