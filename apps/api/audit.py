"""Every change on record, by REST."""

from typing import Any

from django.db import OperationalError, transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.file_responses import FileRows
from apps.api.framework.pagination import KeysetPagination
from apps.api.framework.validation import PAGING_PARAMETERS
from apps.api.framework.views import RegistryView
from apps.common.database.keyset_pagination import InvalidCursorError
from apps.common.postgresql.errors import Unavailable, unavailability
from apps.reports.audit_log import (
    FILE_HEADERS,
    AuditEntry,
    AuditForm,
    audit_lines,
    audit_page,
    limit_statement_time,
)


class DifferenceSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    old = serializers.CharField(help_text="Empty where there was nothing; `hidden` for a secret.")
    new = serializers.CharField()


class RecordedChangeSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="Such as inventory.application.")
    id = serializers.IntegerField(help_text="Of the line; once a kind.")
    at = serializers.DateTimeField()
    action = serializers.ChoiceField(choices=["added", "changed", "removed"])
    record = serializers.IntegerField(help_text="Id of what was written.")
    name = serializers.CharField(help_text="What it is called.")
    actor = serializers.CharField(
        help_text="Username, or the job's name; empty where nobody is on record."
    )
    job = serializers.CharField()
    reason = serializers.CharField()
    request_id = serializers.CharField(help_text="As in the log, of what was asked over HTTP.")
    change = serializers.UUIDField(
        allow_null=True, help_text="What was written together; see changes/{id}/undo/."
    )
    differences = DifferenceSerializer(many=True)


class ChangesSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RecordedChangeSerializer(many=True)


class LineSerializer(serializers.Serializer[Any]):
    """A line of the file: one column that changed, as on the page."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: serializers.CharField() for name in FILE_HEADERS}


class AuditView(RegistryView):
    reads = (*AuditForm.base_fields, *PAGING_PARAMETERS)
    files = {"get": FileRows(LineSerializer)}

    @extend_schema(
        operation_id="audit",
        summary="Changes on record",
        parameters=[
            OpenApiParameter(
                "kind", str, description="Kind of record, such as inventory.application."
            ),
            OpenApiParameter("record", int, description="Id of one record; with `kind`."),
            OpenApiParameter("actor", str, description="Username, or name of a job."),
            OpenApiParameter("by", str, enum=["people", "jobs"]),
            OpenApiParameter("job", str),
            OpenApiParameter("reason", str, description="Text that the reason contains."),
            OpenApiParameter(
                "since", {"type": "string", "format": "date"}, description="First day, UTC."
            ),
            OpenApiParameter(
                "until", {"type": "string", "format": "date"}, description="Last day, UTC."
            ),
            OpenApiParameter(
                "change",
                {"type": "string", "format": "uuid"},
                description="What was written together.",
            ),
            OpenApiParameter(
                "cursor", str, description="Taken from `next` or `previous` of an answer."
            ),
            OpenApiParameter("page_size", int),
        ],
        responses=ChangesSerializer,
    )
    def get(self, request: Request) -> Response:
        """The latest first: for governance, auditor and administrators all of them, for others
        those of records of their teams."""
        form = AuditForm(request.query_params)
        if not form.is_valid():
            raise ValidationError(
                {name: [str(text) for text in texts] for name, texts in form.errors.items()}
            )
        pages = KeysetPagination()
        try:
            if self.is_file:
                # one answer, however long
                lines = audit_lines(user=self.user, cleaned=form.cleaned_data)
                return Response(
                    {
                        "next": None,
                        "results": (dict(zip(FILE_HEADERS, line, strict=True)) for line in lines),
                    }
                )
            with transaction.atomic():
                limit_statement_time()
                found = audit_page(
                    user=self.user,
                    cleaned=form.cleaned_data,
                    size=pages.size(request),
                    cursor=request.query_params.get(pages.cursor_param, ""),
                )
        except OperationalError as error:
            if unavailability(error) is not Unavailable.SLOW:
                raise
            raise ValidationError(
                {"since": "This takes too long to find. Give a period, or the kind."}
            ) from error
        except InvalidCursorError as error:
            raise ValidationError({pages.cursor_param: str(error)}) from error
        return Response(pages.body(request, found, [_row(change) for change in found.rows]))


def _row(change: AuditEntry) -> dict[str, Any]:
    return {
        "kind": change.kind.label,
        "id": change.id,
        "at": change.at,
        "action": change.action,
        "record": change.record,
        "name": change.name,
        "actor": change.actor,
        "job": change.job,
        "reason": change.reason,
        "request_id": change.request,
        "change": change.change,
        "differences": [
            {"field": one.field, "old": one.old, "new": one.new} for one in change.differences
        ],
    }
