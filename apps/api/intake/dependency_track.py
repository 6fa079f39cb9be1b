"""Uploads in the format of Dependency-Track, so that its clients can post unchanged
(docs.dependencytrack.org, API 4.x: PUT and POST /api/v1/bom, GET /api/v1/bom/token/{uuid}).

The project is the application, by name or slug. An upload for an unknown project is kept until a
user links it to an application. An intake token can read the state of its own uploads here, and
nowhere else.
"""

import base64
import binascii
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.intake.documents import PROBLEMS, IntakeIngestView, import_id_of_token, import_token
from apps.api.intake.request_body import (
    FORM,
    DocumentRejectedError,
    ReceivedDocument,
    SubjectNotFoundError,
    decompress_document,
    read_document,
)
from apps.common.processes.child_process import child_function
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.records import UnreadableError, clean
from apps.intake.models import Import
from apps.intake.readers.json_text import as_mapping, as_text, load_json
from apps.inventory.models import Application

# base64 encodes three bytes as four characters
_BASE64_GROWTH = 4 / 3
_TRUE = {"true", "1", "yes"}


class BomUploadSerializer(serializers.Serializer[Any]):
    project = serializers.CharField(required=False, help_text="Slug of the application.")
    projectName = serializers.CharField(  # noqa: N815
        required=False, help_text="Name or slug of the application."
    )
    projectVersion = serializers.CharField(required=False)  # noqa: N815
    autoCreate = serializers.BooleanField(  # noqa: N815
        required=False,
        help_text="Whether to keep an upload for an unknown application until a user links it.",
    )
    bom = serializers.CharField(help_text="Document as base64.")


class BomFormSerializer(BomUploadSerializer):
    """The same upload as a form, with the document as a file."""

    bom = serializers.FileField(help_text="Document as a file.")  # type: ignore[assignment]


class BomTokenSerializer(serializers.Serializer[Any]):
    token = serializers.UUIDField()


class UploadProgressSerializer(serializers.Serializer[Any]):
    processing = serializers.BooleanField(
        help_text="Whether the document is still being read; false once it has been "
        "read, with any outcome."
    )


class BomUploadView(IntakeIngestView):
    @extend_schema(
        operation_id="bom_put",
        summary="Upload a bill of materials in the format of Dependency-Track",
        request={"application/json": BomUploadSerializer},
        responses={
            200: OpenApiResponse(BomTokenSerializer, description="Upload accepted"),
            **PROBLEMS,
        },
    )
    def put(self, request: Request) -> Response:
        """JSON with the document as base64: CycloneDX, JSON or XML. `X-Api-Key` contains
        the token."""
        return self._receive_upload(request)

    @extend_schema(
        operation_id="bom_post",
        summary="Upload a bill of materials as a form, in the format of Dependency-Track",
        request={FORM: BomFormSerializer, "application/json": BomUploadSerializer},
        responses={
            200: OpenApiResponse(BomTokenSerializer, description="Upload accepted"),
            **PROBLEMS,
        },
    )
    def post(self, request: Request) -> Response:
        return self._receive_upload(request)

    def _receive_upload(self, request: Request) -> Response:
        """Receive a bill of materials as Dependency-Track does, as JSON with base64 or as a form,
        and return its token."""
        form = FORMATS["cyclonedx"]
        document = read_document(
            request,
            most_bytes=int(form.most_bytes * _BASE64_GROWTH) + 4096,
            most_inflated=int(form.most_inflated * _BASE64_GROWTH) + 4096,
            media_types=("application/json",),
            file_field="bom",
        )
        upload = (
            document
            if (request.content_type or "").startswith(FORM)
            else _parse_json_upload(document.body)
        )
        body = decompress_document(upload.body, most_inflated=form.most_inflated)
        application = self._find_application(upload)
        import_, _ = self.take(
            form,
            body,
            application=application,
            is_foreign=application is None,
            file_name=clean(upload.fields.get("projectName"), 200),
        )
        if import_.state == Import.State.FAILED:
            raise DocumentRejectedError(import_.error)
        return Response({"token": str(import_token(import_))})

    def _find_application(self, upload: ReceivedDocument) -> Application | None:
        """Return the application of the project; None if the document or a user must name it."""
        slug, name = (
            clean(upload.fields.get("project"), 200),
            clean(upload.fields.get("projectName"), 200),
        )
        if not slug and not name:
            if self.binding is not None:
                return None
            raise ValidationError(
                {"projectName": "Enter the application in projectName: its name or slug."}
            )
        applications = Application.objects.visible_to(self.user).filter(merged_into__isnull=True)
        exact = applications.filter(slug=slug or name).first()
        if exact is not None:
            return exact
        matches = (
            list(applications.filter(Q(name__iexact=name) | Q(slug__iexact=name))[:2])
            if name
            else []
        )
        if len(matches) == 1:
            return matches[0]
        if self.binding is None and upload.fields.get("autoCreate", "").lower() not in _TRUE:
            raise SubjectNotFoundError(
                f'No application "{clean(name or slug, 80)}" found. Check the name or '
                "slug, or send autoCreate=true to keep the document until a user links "
                "it."
            )
        return None


class BomTokenView(IntakeIngestView):
    @extend_schema(
        operation_id="bom_token",
        summary="State of an upload",
        responses={200: UploadProgressSerializer},
    )
    def get(self, request: Request, token: UUID) -> Response:
        """State of an upload of the same token."""
        pk = import_id_of_token(token)
        own_imports = (
            Import.objects.filter(pk=pk, by=self.user, token=self.token)
            if pk
            else Import.objects.none()
        )
        state = own_imports.values_list("state", flat=True).first()
        if state is None:
            raise Http404
        return Response({"processing": state in Import.WAITING})


def _parse_json_upload(body: bytes) -> ReceivedDocument:
    try:
        encoded, fields = _split_upload(body)
    except UnreadableError as error:
        raise ParseError(str(error)) from None
    if not encoded:
        raise ValidationError({"bom": "Send the document as base64."})
    try:
        # clients also send base64 in lines, or in its URL-safe alphabet
        plain = "".join(encoded.split()).translate(str.maketrans("-_", "+/"))
        bom = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValidationError(
            {"bom": "The document is not valid base64. Encode it again."}
        ) from None
    return ReceivedDocument(bom, "", fields)


@child_function(errors=(UnreadableError,), refusal=UnreadableError)
def _split_upload(body: bytes) -> tuple[str, dict[str, str]]:
    """Return the document as base64 and the other members; the text is empty if there is no
    document."""
    members = as_mapping(load_json(body))
    encoded = members.get("bom")
    fields = {
        name: str(value).lower() if isinstance(value, bool) else as_text(value, 300)
        for name, value in members.items()
        if name != "bom"
    }
    return encoded if isinstance(encoded, str) else "", fields
