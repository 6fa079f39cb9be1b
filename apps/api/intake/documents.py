"""POST /api/v1/intake/{format}/: a document or spreadsheet, stored, read, and answered with its
import."""

import json
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api_tokens.authentication import ApiTokenAuthentication
from apps.accounts.models import ApiToken, Team
from apps.accounts.roles import Scope
from apps.api.framework.problems import MEDIA_TYPE, problem_body
from apps.api.framework.throttles import TokenThrottle
from apps.api.framework.validation import FORMAT_PARAMETERS, refuse_unknown_parameters
from apps.api.framework.views import RegistryView, row_reader_for
from apps.api.intake.imports import ImportViewSet, left_out_of_sheet, rejected_of_sheet
from apps.api.intake.request_body import (
    FORM,
    DocumentRejectedError,
    SubjectNotFoundError,
    read_document,
)
from apps.api.intake.serializers import ImportSerializer, PartSerializer, ReceivedSerializer
from apps.api.openapi.schema import ProblemSerializer
from apps.common.time import now
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import NO_AI_NAMED, receive_document
from apps.intake.documents.records import DocumentFormat, UnreadableError, clean
from apps.intake.import_jobs import IdempotencyKeyReusedError
from apps.intake.models import Import, TokenBinding
from apps.intake.spreadsheets import limits
from apps.intake.spreadsheets.direct_import import MappingChoice, import_sheet_directly
from apps.intake.spreadsheets.proposal import propose_mapping
from apps.inventory.models import Application
from apps.risks.evaluations.evidence_import import MAX_BYTES as MOST_RESULTS_BYTES
from apps.risks.evaluations.evidence_import import receive_evaluation

SHEETS = {
    "csv": ("text/csv", "text/tab-separated-values", "application/vnd.ms-excel", "application/csv"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
}
EVALS = "evals"
EVAL_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/jsonl",
    "application/zip",
    "text/csv",
)
PROBLEMS = {
    (413, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description="The body is too large"),
    (415, MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer, description="The content type or encoding is not supported"
    ),
    (422, MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer, description="The document cannot be read"
    ),
}
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}
_PARAMETERS = (
    "application",
    "environment",
    "part",
    "team",
    "tool",
    "model",
    "suite",
    "strict",
    "mapping",
)


class UploadFormSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(required=False, help_text="Document or spreadsheet.")


class IntakeThrottle(TokenThrottle):
    scope = "intake"


class RawBodyParser(BaseParser):
    """A parser that leaves the body to the view, which reads it with its limits."""

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        return {}


class IntakeIngestView(RegistryView):
    """Requires a token, so that a page of another site cannot make a browser upload."""

    required_scope = Scope.INTAKE
    authentication_classes = [ApiTokenAuthentication]
    throttle_classes = [IntakeThrottle]
    parser_classes = [RawBodyParser]

    def _may_repeat(self, request: Request | HttpRequest) -> bool:
        """Return False: the import carries the key of the client, beside the names in the
        document."""
        return False

    @property
    def token(self) -> ApiToken | None:
        return self.request.auth if isinstance(self.request.auth, ApiToken) else None

    def application_of(self, slug: str) -> Application | None:
        """Return the application with the slug, or the one it was merged into; raise 404 if the
        caller cannot view it."""
        if not (slug := clean(slug, 200)):
            return None
        application = Application.objects.visible_to(self.user).filter(slug=slug).first()
        while application is not None and application.merged_into_id is not None:
            application = (
                Application.objects.visible_to(self.user)
                .filter(pk=application.merged_into_id)
                .first()
            )
        if application is None:
            raise SubjectNotFoundError(f'No application "{clean(slug, 80)}" found. Check the slug.')
        return application

    @cached_property
    def binding(self) -> TokenBinding | None:
        """Return the binding of the token to one application, if there is one."""
        return TokenBinding.objects.filter(token=self.token).first() if self.token else None

    def take(self, form: DocumentFormat, body: bytes, **details: Any) -> tuple[Import, bool]:
        """Receive the document for the caller, with refusals as responses."""
        try:
            return receive_document(
                document_format=form,
                body=body,
                by=self.user,
                at=now(),
                token=self.token,
                idempotency_key=self.idempotency_key,
                **details,
            )
        except UnreadableError as error:
            raise DocumentRejectedError(str(error)) from None
        except IdempotencyKeyReusedError as error:
            raise DocumentRejectedError(str(error)) from None

    @property
    def idempotency_key(self) -> str:
        key = self.request.headers.get("Idempotency-Key", "").strip()
        if len(key) > 128:
            raise ValidationError(
                {"Idempotency-Key": "An Idempotency-Key can have at most 128 characters."}
            )
        return clean(key, 128)

    def import_response(self, import_: Import, *, is_new: bool, body: bytes) -> Response:
        """Return 202 for a new import, 200 for a repeated one, 422 if it could not be read."""
        location = f"/api/v1/imports/{import_.pk}/"
        if import_.state == Import.State.FAILED:
            members = problem_body(status.HTTP_422_UNPROCESSABLE_ENTITY, import_.error) | {
                "import": import_.pk
            }
            rejection = Response(
                members, status=status.HTTP_422_UNPROCESSABLE_ENTITY, content_type=MEDIA_TYPE
            )
            rejection["Location"] = location
            return rejection
        import_body = received_body(import_)
        if import_.counts.get("names_ai") is False:
            import_body["note"] = NO_AI_NAMED
        if not is_new and import_.n_bytes != len(body):
            import_body["note"] = (
                "A document with the same serial number and content was imported before; "
                "the answer is that import."
            )
        response = Response(
            import_body, status=status.HTTP_202_ACCEPTED if is_new else status.HTTP_200_OK
        )
        response["Location"] = location
        return response


def received_body(import_: Import) -> dict[str, Any]:
    reader = row_reader_for(ImportViewSet, ImportSerializer)
    row = reader.select(Import.objects.filter(pk=import_.pk), reader.names).get()
    body = reader.rows([row], reader.names)[0]
    if import_.kind == Import.Kind.SHEET:
        body["rejected"] = rejected_of_sheet(import_)
        body["ignored"] = left_out_of_sheet(import_)
    return {**body, "token": str(import_token(import_)), "note": ""}


def import_token(import_: Import) -> uuid.UUID:
    """Return a name for the import in the format of Dependency-Track. Only the sender of the import
    gets an answer."""
    return uuid.UUID(int=(8 << 76) | (2 << 62) | import_.pk)


def import_id_of_token(token: uuid.UUID) -> int | None:
    pk = token.int & ((1 << 62) - 1)
    return pk if token.int == (8 << 76) | (2 << 62) | pk else None


_EXAMPLE = OpenApiExample(
    "A bill of materials with one model",
    value={
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "version": 1,
        "metadata": {
            "timestamp": "2026-11-24T13:35:06Z",
            "tools": {"components": [{"name": "scanner"}]},
        },
        "components": [
            {
                "type": "machine-learning-model",
                "name": "gpt-4o-2024-08-06",
                "publisher": "OpenAI",
                "evidence": {"occurrences": [{"location": "app/chat.py", "line": 10}]},
            }
        ],
    },
    request_only=True,
    media_type="application/json",
)


class IntakeView(IntakeIngestView):
    @extend_schema(
        operation_id="intake",
        summary="Upload a document or spreadsheet",
        parameters=[
            OpenApiParameter(
                "kind",
                {"type": "string", "enum": sorted((EVALS, *FORMATS, *SHEETS))},
                OpenApiParameter.PATH,
                description="Format of the document.",
            ),
            OpenApiParameter(
                "application",
                str,
                description="Slug of the application that the document is about.",
            ),
            OpenApiParameter(
                "environment",
                str,
                description="Environment of the application: production, staging.",
            ),
            OpenApiParameter(
                "part",
                str,
                description="Name of the document, if an application has one per repository.",
            ),
            OpenApiParameter("team", str, description="Slug of the team for new applications."),
            OpenApiParameter(
                "tool",
                str,
                description="Tool of the evaluation results, for `evals`; detected from "
                "the content if absent.",
            ),
            OpenApiParameter(
                "model",
                str,
                description="Tested model of the evaluation results, for `evals` files that do not "
                "name it (samples of lm-eval, tables of MLflow): `openai/gpt-4o`.",
            ),
            OpenApiParameter(
                "suite",
                str,
                description="Suite of the evaluation results, for the same files; by the name of "
                "the file if absent.",
            ),
            OpenApiParameter(
                "strict", bool, description="Whether to reject a document that violates its schema."
            ),
            OpenApiParameter(
                "mapping",
                str,
                enum=["auto"],
                description="Of a spreadsheet: `auto` takes every likely guess of its values, "
                "creates the teams and vendors that it names, if you may, and imports each row as "
                "far as it can be read. An edited mapping is sent as the part `mapping` of a form.",
            ),
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="Key of the import: the same key again returns the same import.",
            ),
        ],
        request={
            # first, because some client generators use only the first type of body, and every
            # client can send a file
            FORM: UploadFormSerializer,
            "application/octet-stream": OpenApiTypes.BINARY,
            "application/json": OpenApiTypes.OBJECT,
        },
        responses={
            202: OpenApiResponse(
                ReceivedSerializer,
                description="Import stored; already read, unless its status is queued",
            ),
            200: OpenApiResponse(
                ReceivedSerializer, description="The first import, which this request repeats"
            ),
            **PROBLEMS,
        },
        examples=[_EXAMPLE],
    )
    def post(self, request: Request, kind: str) -> Response:
        """Raw body or one file in a form, optionally gzipped. Observed models become observations
        and, if resolved, dependencies of applications that the sender can edit. Nothing is deleted.
        The same document again, by serial number, Idempotency-Key or content, returns the first
        import."""
        params = request.query_params
        # with a misspelt parameter the document would wait for an application
        refuse_unknown_parameters(params, (*_PARAMETERS, *FORMAT_PARAMETERS))
        if kind in SHEETS:
            return self._receive_sheet(kind)
        if kind == EVALS:
            return self._receive_evaluation()
        form = FORMATS.get(kind)
        if form is None:
            format_names = ", ".join(sorted((EVALS, *FORMATS, *SHEETS)))
            raise SubjectNotFoundError(
                f'"{clean(kind, 40)}" is not a valid format. Use one of {format_names}.'
            )
        is_strict = params.get("strict", "").lower() in _TRUE
        if not is_strict and params.get("strict", "").lower() not in _FALSE:
            raise ValidationError({"strict": "Enter true or false."})
        document = read_document(
            request,
            most_bytes=form.most_bytes,
            most_inflated=form.most_inflated,
            media_types=form.media_types,
            keeps_gzip=form.reduce is not None,
        )
        import_, is_new = self.take(
            form,
            document.body,
            application=self.application_of(params.get("application", "")),
            team=self._find_team(params.get("team", "")),
            environment=clean(params.get("environment", ""), 60),
            part=params.get("part", ""),
            file_name=document.file_name,
            strict=is_strict,
        )
        if (
            is_strict
            and not is_new
            and import_.schema_valid is False
            and import_.state != Import.State.FAILED
        ):
            raise DocumentRejectedError(
                "The document violates its schema, and strict reading was requested. "
                f"It was imported before without strict reading, as import {import_.pk}."
            )
        return self.import_response(import_, is_new=is_new, body=document.body)

    def _find_team(self, slug: str) -> Team | None:
        if not (slug := clean(slug, 200)):
            return None
        team = Team.objects.visible_to(self.user).filter(slug=slug).first()
        if team is None:
            raise SubjectNotFoundError(f'No team "{clean(slug, 80)}" found. Check the slug.')
        return team

    def _receive_evaluation(self) -> Response:
        """Results of promptfoo, inspect_ai, lm-eval, garak or MLflow: each measurement becomes
        evidence; the file is not stored."""
        params = self.request.query_params
        document = read_document(
            self.request,
            most_bytes=MOST_RESULTS_BYTES,
            most_inflated=MOST_RESULTS_BYTES,
            media_types=EVAL_TYPES,
        )
        try:
            import_, is_new = receive_evaluation(
                body=document.body,
                file_name=document.file_name,
                by=self.user,
                at=now(),
                token=self.token,
                application=self.application_of(params.get("application", "")),
                tool=params.get("tool", ""),
                model=params.get("model", ""),
                suite=params.get("suite", ""),
                idempotency_key=self.idempotency_key,
            )
        except UnreadableError as error:
            raise DocumentRejectedError(str(error)) from None
        return self.import_response(import_, is_new=is_new, body=document.body)

    def _receive_sheet(self, kind: str) -> Response:
        """Import a spreadsheet and return the import; errors of the file become a rejection with
        the reason."""
        upload = self.read_sheet(kind)
        try:
            import_, is_new = import_sheet_directly(
                content=upload.body,
                file_name=upload.file_name,
                by=self.user,
                at=now(),
                token=self.token,
                application=upload.application,
                team=upload.team,
                mapping=upload.mapping,
                idempotency_key=self.idempotency_key,
            )
        except (UnreadableError, IdempotencyKeyReusedError) as error:
            raise DocumentRejectedError(str(error)) from None
        return self.import_response(import_, is_new=is_new, body=upload.body)

    def read_sheet(self, kind: str) -> "SheetUpload":
        """Return the spreadsheet of the request with its parameters."""
        params = self.request.query_params
        document = read_document(
            self.request,
            most_bytes=limits.MAX_BYTES,
            most_inflated=limits.MAX_BYTES,
            media_types=SHEETS[kind],
        )
        application = self.application_of(params.get("application", ""))
        team = self._find_team(params.get("team", ""))
        return SheetUpload(
            body=document.body,
            file_name=clean(document.file_name, 255) or f"sheet.{kind}",
            application=application.slug if application else "",
            team=team.slug if team else "",
            mapping=_mapping_choice(params.get("mapping", ""), document.fields.get("mapping", "")),
        )


@dataclass(frozen=True, slots=True)
class SheetUpload:
    """A spreadsheet as sent, with its parameters."""

    body: bytes
    file_name: str
    application: str
    team: str
    mapping: MappingChoice


def _mapping_choice(parameter: str, part: str) -> MappingChoice:
    """Return how the values are mapped; raise 400 for a mapping that is not valid."""
    if parameter not in {"", "auto"}:
        raise ValidationError({"mapping": "Enter auto, or leave the parameter out."})
    if not part:
        return "auto" if parameter else None
    try:
        mapping = json.loads(part)
    except (ValueError, RecursionError):
        raise ValidationError({"mapping": "The mapping is not valid JSON."}) from None
    if not isinstance(mapping, dict) or "\\u0000" in part:
        raise ValidationError({"mapping": "Send the mapping as a proposal returns it."})
    return mapping


class ProposalSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField(help_text="Applications and dependencies to be added.")
    updated = serializers.IntegerField(help_text="Applications and dependencies to be changed.")
    unchanged = serializers.IntegerField(help_text="Those that are recorded like this.")
    rejected = PartSerializer(many=True, help_text="Rows that cannot be imported.")
    mapping = serializers.DictField(
        help_text="Columns by header, and distinct values by field with count, value and certainty."
    )
    models = serializers.ListField(
        child=serializers.DictField(),
        help_text="Distinct model names with kind, version and the model IDs that they can be.",
    )


class SheetProposalView(IntakeView):
    @extend_schema(
        operation_id="intake_propose",
        summary="Propose the mapping of a spreadsheet",
        parameters=[
            OpenApiParameter(
                "kind",
                {"type": "string", "enum": sorted(SHEETS)},
                OpenApiParameter.PATH,
                description="Format of the spreadsheet.",
            ),
            OpenApiParameter(
                "application", str, description="Slug of the application of rows that name none."
            ),
            OpenApiParameter("team", str, description="Slug of the team for new applications."),
        ],
        request={
            FORM: UploadFormSerializer,
            "application/octet-stream": OpenApiTypes.BINARY,
        },
        responses={200: ProposalSerializer, **PROBLEMS},
    )
    def post(self, request: Request, kind: str) -> Response:
        """Columns, distinct values and model names of the spreadsheet with best guesses, certainty
        and counts. Nothing is written. Send the answer, edited, with the file to
        `intake/{kind}/` as the part `mapping` of a form."""
        refuse_unknown_parameters(
            request.query_params, ("application", "team", "mapping", *FORMAT_PARAMETERS)
        )
        if kind not in SHEETS:
            raise SubjectNotFoundError(
                f'"{clean(kind, 40)}" is not a spreadsheet. Use one of {", ".join(sorted(SHEETS))}.'
            )
        upload = self.read_sheet(kind)
        try:
            proposal = propose_mapping(
                content=upload.body,
                file_name=upload.file_name,
                by=self.user,
                application=upload.application,
                team=upload.team,
                choice=upload.mapping or "auto",
            )
        except UnreadableError as error:
            raise DocumentRejectedError(str(error)) from None
        return Response(proposal)
