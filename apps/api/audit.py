"""The audit log, over REST."""

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
    old = serializers.CharField(
        help_text="Previous value; empty if there was none; `hidden` for a secret."
    )
    new = serializers.CharField()


class RecordedChangeSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="Kind of record, for example inventory.application.")
    id = serializers.IntegerField(help_text="ID of the entry, unique within its kind.")
    at = serializers.DateTimeField()
    action = serializers.ChoiceField(choices=["added", "changed", "removed"])
    record = serializers.IntegerField(help_text="ID of the changed record.")
    name = serializers.CharField(help_text="Name of the record.")
    actor = serializers.CharField(help_text="Username, or name of the job; empty if unknown.")
    job = serializers.CharField()
    reason = serializers.CharField()
    request_id = serializers.CharField(
        help_text="ID of the HTTP request, as in the server log; empty for a job."
    )
    change = serializers.UUIDField(
        allow_null=True, help_text="ID of all entries written together; see changes/{id}/undo/."
    )
    differences = DifferenceSerializer(many=True)


class ChangesSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RecordedChangeSerializer(many=True)


class LineSerializer(serializers.Serializer[Any]):
    """A row of the file: one changed column, as on the page."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: serializers.CharField() for name in FILE_HEADERS}


class AuditView(RegistryView):
    reads = (*AuditForm.base_fields, *PAGING_PARAMETERS)
    files = {"get": FileRows(LineSerializer)}

    @extend_schema(
        operation_id="audit",
        summary="Audit log",
        parameters=[
            OpenApiParameter(
                "kind", str, description="Kind of record, for example inventory.application."
            ),
            OpenApiParameter("record", int, description="ID of one record; requires `kind`."),
            OpenApiParameter("actor", str, description="Username, or name of a job."),
            OpenApiParameter("by", str, enum=["people", "jobs"]),
            OpenApiParameter("job", str),
            OpenApiParameter("reason", str, description="Text that the reason contains."),
            OpenApiParameter(
                "since", {"type": "string", "format": "date"}, description="First date, UTC."
            ),
            OpenApiParameter(
                "until", {"type": "string", "format": "date"}, description="Last date, UTC."
            ),
            OpenApiParameter(
                "change",
                {"type": "string", "format": "uuid"},
                description="ID of entries written together.",
            ),
            OpenApiParameter(
                "cursor",
                str,
                description="Start of the page, from `next` or `previous` of an answer.",
            ),
            OpenApiParameter("page_size", int),
        ],
        responses=ChangesSerializer,
    )
    def get(self, request: Request) -> Response:
        """Changes, latest first: all of them for organisation roles, otherwise those of records of
        your teams."""
        form = AuditForm(request.query_params)
        if not form.is_valid():
            raise ValidationError(
                {name: [str(text) for text in texts] for name, texts in form.errors.items()}
            )
        pagination = KeysetPagination()
        try:
            if self.is_file:
                # a file contains all rows in one response
                lines = audit_lines(user=self.user, cleaned=form.cleaned_data)
                return Response(
                    {
                        "next": None,
                        "results": (dict(zip(FILE_HEADERS, line, strict=True)) for line in lines),
                    }
                )
            with transaction.atomic():
                limit_statement_time()
                page = audit_page(
                    user=self.user,
                    cleaned=form.cleaned_data,
                    size=pagination.size(request),
                    cursor=request.query_params.get(pagination.cursor_param, ""),
                    usernames=True,
                )
        except OperationalError as error:
            if unavailability(error) is not Unavailable.SLOW:
                raise
            raise ValidationError(
                {"since": "This search takes too long. Narrow it by period or kind."}
            ) from error
        except InvalidCursorError as error:
            raise ValidationError({pagination.cursor_param: str(error)}) from error
        return Response(
            pagination.body(request, page, [_change_body(change) for change in page.rows])
        )


def _change_body(change: AuditEntry) -> dict[str, Any]:
    """Return an entry of the audit log as JSON."""
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
            {"field": difference.field, "old": difference.old, "new": difference.new}
            for difference in change.differences
        ],
    }
