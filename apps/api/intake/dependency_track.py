"""Dependency-Track's upload, so that what posts there posts here unchanged.
(docs.dependencytrack.org, API 4.x: PUT and POST /api/v1/bom, GET /api/v1/bom/token/{uuid}.)

The project is the application: by name or slug. What names none of ours is kept and waits for a
person to say which it is. An intake token may ask here, and nowhere else, how far its own upload
is.
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

# base64 makes four letters of three bytes
_BASE64_GROWTH = 4 / 3
_TRUE = {"true", "1", "yes"}


class BomUploadSerializer(serializers.Serializer[Any]):
    project = serializers.CharField(required=False, help_text="The application: its slug.")
    projectName = serializers.CharField(  # noqa: N815
        required=False, help_text="The application: its name or slug."
    )
    projectVersion = serializers.CharField(required=False)  # noqa: N815
    autoCreate = serializers.BooleanField(  # noqa: N815
        required=False,
        help_text="Keep it where no application is called so, until a person says which it is.",
    )
    bom = serializers.CharField(help_text="The document in base64.")


class BomFormSerializer(BomUploadSerializer):
    """The same as a form, in which the document is a file."""

    bom = serializers.FileField(help_text="The document.")  # type: ignore[assignment]


class BomTokenSerializer(serializers.Serializer[Any]):
    token = serializers.UUIDField()


class UploadProgressSerializer(serializers.Serializer[Any]):
    processing = serializers.BooleanField(
        help_text="False once it has been read, whatever came of it."
    )


class BomUploadView(IntakeIngestView):
    @extend_schema(
        operation_id="bom_put",
        summary="Send a bill of materials, as to Dependency-Track",
        request={"application/json": BomUploadSerializer},
        responses={200: OpenApiResponse(BomTokenSerializer, description="Kept"), **PROBLEMS},
    )
    def put(self, request: Request) -> Response:
        """JSON with the document in base64. CycloneDX, JSON or XML. `X-Api-Key` carries the
        token."""
        return self._upload(request)

    @extend_schema(
        operation_id="bom_post",
        summary="Send a bill of materials in a form, as to Dependency-Track",
        request={FORM: BomFormSerializer, "application/json": BomUploadSerializer},
        responses={200: OpenApiResponse(BomTokenSerializer, description="Kept"), **PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        return self._upload(request)

    def _upload(self, request: Request) -> Response:
        form = FORMATS["cyclonedx"]
        uploaded = read_document(
            request,
            most_bytes=int(form.most_bytes * _BASE64_GROWTH) + 4096,
            most_inflated=int(form.most_inflated * _BASE64_GROWTH) + 4096,
            media_types=("application/json",),
            file_field="bom",
        )
        said = (
            uploaded if (request.content_type or "").startswith(FORM) else _of_json(uploaded.body)
        )
        body = decompress_document(said.body, most_inflated=form.most_inflated)
        application = self._project(said)
        import_, _ = self.take(
            form,
            body,
            application=application,
            is_foreign=application is None,
            file_name=clean(said.fields.get("projectName"), 200),
        )
        if import_.state == Import.State.FAILED:
            raise DocumentRejectedError(import_.error)
        return Response({"token": str(import_token(import_))})

    def _project(self, said: ReceivedDocument) -> Application | None:
        """None: the document itself, or a person, has to say which application it is."""
        slug, name = (
            clean(said.fields.get("project"), 200),
            clean(said.fields.get("projectName"), 200),
        )
        if not slug and not name:
            if self.binding is not None:
                return None
            raise ValidationError(
                {"projectName": "Say which application it is about: projectName, its name or slug."}
            )
        seen = Application.objects.visible_to(self.user).filter(merged_into__isnull=True)
        exact = seen.filter(slug=slug or name).first()
        if exact is not None:
            return exact
        called = list(seen.filter(Q(name__iexact=name) | Q(slug__iexact=name))[:2]) if name else []
        if len(called) == 1:
            return called[0]
        if self.binding is None and said.fields.get("autoCreate", "").lower() not in _TRUE:
            raise SubjectNotFoundError(
                f"There is no application '{clean(name or slug, 80)}' that you may see. Give the "
                "name or slug of one,"
                " or autoCreate=true to have it kept until a person says which it is."
            )
        return None


class BomTokenView(IntakeIngestView):
    @extend_schema(
        operation_id="bom_token",
        summary="How far an upload is",
        responses={200: UploadProgressSerializer},
    )
    def get(self, request: Request, token: UUID) -> Response:
        """Of the token's own uploads only."""
        pk = import_id_of_token(token)
        own = (
            Import.objects.filter(pk=pk, by=self.user, token=self.token)
            if pk
            else Import.objects.none()
        )
        state = own.values_list("state", flat=True).first()
        if state is None:
            raise Http404
        return Response({"processing": state in Import.WAITING})


def _of_json(body: bytes) -> ReceivedDocument:
    try:
        encoded, fields = _upload_of(body)
    except UnreadableError as unreadable:
        raise ParseError(str(unreadable)) from None
    if not encoded:
        raise ValidationError({"bom": "Send the document in base64."})
    try:
        # as clients write it: in lines, or in the letters that addresses may hold
        plain = "".join(encoded.split()).translate(str.maketrans("-_", "+/"))
        bom = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValidationError({"bom": "It is not base64. Send the document in base64."}) from None
    return ReceivedDocument(bom, "", fields)


@child_function(errors=(UnreadableError,), refusal=UnreadableError)
def _upload_of(body: bytes) -> tuple[str, dict[str, str]]:
    """(the document in base64, the other members); the text is empty where there is none."""
    said = as_mapping(load_json(body))
    encoded = said.get("bom")
    fields = {
        name: str(value).lower() if isinstance(value, bool) else as_text(value, 300)
        for name, value in said.items()
        if name != "bom"
    }
    return encoded if isinstance(encoded, str) else "", fields
