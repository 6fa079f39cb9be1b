"""POST /api/v1/intake/{format}/: a document or a sheet, kept, read, and answered with its
import."""

import uuid
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
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
from apps.api.intake.imports import ImportViewSet, rejected_of_sheet
from apps.api.intake.request_body import (
    FORM,
    DocumentRejectedError,
    SubjectNotFoundError,
    read_document,
)
from apps.api.intake.serializers import ImportSerializer, ReceivedSerializer
from apps.api.openapi.schema import ProblemSerializer
from apps.common.time import now
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import NO_AI_NAMED, receive_document
from apps.intake.documents.records import DocumentFormat, UnreadableError, clean
from apps.intake.import_jobs import IdempotencyKeyReusedError, IntakePermissionError
from apps.intake.models import Import, TokenBinding
from apps.intake.spreadsheets import limits
from apps.intake.spreadsheets.direct_import import import_sheet_directly
from apps.inventory.models import Application
from apps.risks.evaluations.evidence_import import MAX_BYTES as MOST_RESULTS_BYTES
from apps.risks.evaluations.evidence_import import receive_evaluation

SHEETS = {
    "csv": ("text/csv", "text/tab-separated-values", "application/vnd.ms-excel", "application/csv"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
}
EVALS = "evals"
EVAL_TYPES = ("application/json", "application/x-ndjson", "application/jsonl", "application/zip")
PROBLEMS = {
    (413, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description="Larger than is read"),
    (415, MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer, description="Of a type or coding that is not read"
    ),
    (422, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description="Nothing can be made of it"),
}
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}
_PARAMETERS = ("application", "environment", "part", "team", "tool", "strict")


class UploadFormSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(required=False, help_text="The document or sheet.")


class IntakeThrottle(TokenThrottle):
    scope = "intake"


class RawBodyParser(BaseParser):
    """The door reads the body itself, under its caps."""

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        return {}


class IntakeIngestView(RegistryView):
    """By token only: what programs send is theirs, and no page of another site can make a browser
    send it."""

    required_scope = Scope.INTAKE
    authentication_classes = [ApiTokenAuthentication]
    throttle_classes = [IntakeThrottle]
    parser_classes = [RawBodyParser]

    def _may_repeat(self, request: Request | HttpRequest) -> bool:
        """The import itself carries the sender's key, beside the names that documents give
        themselves."""
        return False

    @property
    def token(self) -> ApiToken | None:
        return self.request.auth if isinstance(self.request.auth, ApiToken) else None

    def application_of(self, slug: str) -> Application | None:
        """The one of that slug, or the one it was merged into; 404 where the sender may not see
        it."""
        if not (slug := clean(slug, 200)):
            return None
        found = Application.objects.visible_to(self.user).filter(slug=slug).first()
        while found is not None and found.merged_into_id is not None:
            found = (
                Application.objects.visible_to(self.user).filter(pk=found.merged_into_id).first()
            )
        if found is None:
            raise SubjectNotFoundError(
                f"There is no application '{clean(slug, 80)}' that you may see. Give the slug of "
                "one."
            )
        return found

    @cached_property
    def binding(self) -> TokenBinding | None:
        """The one application that the token speaks for, if it is bound to one."""
        return TokenBinding.objects.filter(token=self.token).first() if self.token else None

    def take(self, form: DocumentFormat, body: bytes, **said: Any) -> tuple[Import, bool]:
        """`receive_document` in this sender's name, its refusals as answers."""
        try:
            return receive_document(
                form=form,
                body=body,
                by=self.user,
                at=now(),
                token=self.token,
                idempotency_key=self.idempotency_key,
                **said,
            )
        except UnreadableError as unreadable:
            raise DocumentRejectedError(str(unreadable)) from None
        except IdempotencyKeyReusedError as reused:
            raise DocumentRejectedError(str(reused)) from None
        except IntakePermissionError as refused:
            raise PermissionDenied(str(refused)) from None

    @property
    def idempotency_key(self) -> str:
        key = self.request.headers.get("Idempotency-Key", "").strip()
        if len(key) > 128:
            raise ValidationError({"Idempotency-Key": "A key has at most 128 characters."})
        return clean(key, 128)

    def received(self, import_: Import, *, is_new: bool, body: bytes) -> Response:
        """202 for a new import, 200 for one that this repeats, 422 where it could not be read."""
        location = f"/api/v1/imports/{import_.pk}/"
        if import_.state == Import.State.FAILED:
            members = problem_body(status.HTTP_422_UNPROCESSABLE_ENTITY, import_.error) | {
                "import": import_.pk
            }
            refused = Response(
                members, status=status.HTTP_422_UNPROCESSABLE_ENTITY, content_type=MEDIA_TYPE
            )
            refused["Location"] = location
            return refused
        answer = received_body(import_)
        if import_.counts.get("names_ai") is False:
            answer["note"] = NO_AI_NAMED
        if not is_new and import_.n_bytes != len(body):
            answer["note"] = (
                "It calls itself the same as a document that was taken before, and says the same: "
                "that one is answered."
            )
        response = Response(
            answer, status=status.HTTP_202_ACCEPTED if is_new else status.HTTP_200_OK
        )
        response["Location"] = location
        return response


def received_body(import_: Import) -> dict[str, Any]:
    reader = row_reader_for(ImportViewSet, ImportSerializer)
    row = reader.select(Import.objects.filter(pk=import_.pk), reader.names).get()
    answer = reader.rows([row], reader.names)[0]
    if import_.kind == Import.Kind.SHEET:
        answer["rejected"] = rejected_of_sheet(import_)
    return {**answer, "token": str(import_token(import_)), "note": ""}


def import_token(import_: Import) -> uuid.UUID:
    """A name for the import in the shape Dependency-Track's clients expect. It is no secret: only
    the import's own sender is answered."""
    return uuid.UUID(int=(8 << 76) | (2 << 62) | import_.pk)


def import_id_of_token(token: uuid.UUID) -> int | None:
    pk = token.int & ((1 << 62) - 1)
    return pk if token.int == (8 << 76) | (2 << 62) | pk else None


_EXAMPLE = OpenApiExample(
    "A bill of materials that names one model",
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
        summary="Send a document or a sheet",
        parameters=[
            OpenApiParameter(
                "kind",
                {"type": "string", "enum": sorted((EVALS, *FORMATS, *SHEETS))},
                OpenApiParameter.PATH,
                description="The format.",
            ),
            OpenApiParameter(
                "application", str, description="Slug of the application it is about."
            ),
            OpenApiParameter(
                "environment", str, description="Where that application runs: production, staging."
            ),
            OpenApiParameter(
                "part",
                str,
                description="Of an application with a document a repository: which of them it is.",
            ),
            OpenApiParameter(
                "team", str, description="Slug of the team that new applications go to."
            ),
            OpenApiParameter(
                "tool",
                str,
                description="Of evals: whose results they are; the content tells otherwise.",
            ),
            OpenApiParameter(
                "strict", bool, description="Refuse a document that breaks its schema."
            ),
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="The same key again is the same import.",
            ),
        ],
        request={
            # first: generators that know one kind of body a function take it, and a file is what
            # every client can send
            FORM: UploadFormSerializer,
            "application/octet-stream": OpenApiTypes.BINARY,
            "application/json": OpenApiTypes.OBJECT,
        },
        responses={
            202: OpenApiResponse(
                ReceivedSerializer, description="Kept; read already, unless its status is queued"
            ),
            200: OpenApiResponse(
                ReceivedSerializer, description="The import that was made first: this repeats it"
            ),
            **PROBLEMS,
        },
        examples=[_EXAMPLE],
    )
    def post(self, request: Request, kind: str) -> Response:
        """Raw body or one file of a form, gzip allowed. What can be read is taken in the sender's
        name: seen models become observations and, where they are known, dependencies; nothing is
        ever deleted by it. The same document sent again, by its own serial number, by
        Idempotency-Key or by its content, is the first import."""
        asked = request.query_params
        # a misspelt application would leave the document to wait for one
        refuse_unknown_parameters(asked, (*_PARAMETERS, *FORMAT_PARAMETERS))
        if kind in SHEETS:
            return self._sheet(kind)
        if kind == EVALS:
            return self._evaluation()
        form = FORMATS.get(kind)
        if form is None:
            known = ", ".join(sorted((EVALS, *FORMATS, *SHEETS)))
            raise SubjectNotFoundError(
                f"No format is called '{clean(kind, 40)}'. Known here: {known}."
            )
        is_strict = asked.get("strict", "").lower() in _TRUE
        if not is_strict and asked.get("strict", "").lower() not in _FALSE:
            raise ValidationError({"strict": "Say true or false."})
        document = read_document(
            request,
            most_bytes=form.most_bytes,
            most_inflated=form.most_inflated,
            media_types=form.media_types,
        )
        import_, is_new = self.take(
            form,
            document.body,
            application=self.application_of(asked.get("application", "")),
            team=self._team(asked.get("team", "")),
            environment=clean(asked.get("environment", ""), 60),
            part=asked.get("part", ""),
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
                "The document breaks its schema, and strict reading was asked for. It was taken "
                "before, without: it is"
                f" import {import_.pk}."
            )
        return self.received(import_, is_new=is_new, body=document.body)

    def _team(self, slug: str) -> Team | None:
        if not (slug := clean(slug, 200)):
            return None
        team = Team.objects.visible_to(self.user).filter(slug=slug).first()
        if team is None:
            raise SubjectNotFoundError(
                f"There is no team '{clean(slug, 80)}' that you may see. Give the slug of one."
            )
        return team

    def _evaluation(self) -> Response:
        """Results of promptfoo, inspect_ai, lm-eval or garak: each figure becomes evidence, the
        file is not kept."""
        asked = self.request.query_params
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
                application=self.application_of(asked.get("application", "")),
                tool=asked.get("tool", ""),
                idempotency_key=self.idempotency_key,
            )
        except UnreadableError as refused:
            raise DocumentRejectedError(str(refused)) from None
        except IntakePermissionError as refused:
            raise PermissionDenied(str(refused)) from None
        return self.received(import_, is_new=is_new, body=document.body)

    def _sheet(self, kind: str) -> Response:
        asked = self.request.query_params
        document = read_document(
            self.request,
            most_bytes=limits.MAX_BYTES,
            most_inflated=limits.MAX_BYTES,
            media_types=SHEETS[kind],
        )
        application = self.application_of(asked.get("application", ""))
        team = self._team(asked.get("team", ""))
        try:
            import_, is_new = import_sheet_directly(
                content=document.body,
                file_name=clean(document.file_name, 255) or f"sheet.{kind}",
                by=self.user,
                at=now(),
                token=self.token,
                application=application.slug if application else "",
                team=team.slug if team else "",
                idempotency_key=self.idempotency_key,
            )
        except (UnreadableError, IdempotencyKeyReusedError) as refused:
            raise DocumentRejectedError(str(refused)) from None
        except IntakePermissionError as refused:
            raise PermissionDenied(str(refused)) from None
        return self.received(import_, is_new=is_new, body=document.body)
