"""`POST {resource}/bulk/`: many rows by natural key, with the reason for each rejected row."""

import io
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.bulk.jobs import merge_rows, queue_job, rejected_row
from apps.api.bulk.row_stream import ListStreamParser, StreamParser, iterate_rows
from apps.api.framework.idempotency import StreamKeyClaim
from apps.api.framework.validation import FORMAT_PARAMETERS, validate_data
from apps.api.models import Job
from apps.common.time import now
from apps.inventory.bulk.resources import BulkResource

# larger requests become a job, unless the client asks to wait
MAX_SYNC_ROWS = 5_000
MAX_WAIT_ROWS = 200_000
# seconds after which a client should read the job again
RETRY_AFTER_SECONDS = 2


class RejectedSerializer(serializers.Serializer[Any]):
    where = serializers.CharField(help_text="Number of the row, from 1, and its natural key.")
    reason = serializers.CharField(help_text="Reason, as a sentence.")


class ReportSerializer(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="Rows that already had these values.")
    n_rejected = serializers.IntegerField()
    rejected = RejectedSerializer(many=True, help_text="Rejected rows, the first 1,000.")
    dry_run = serializers.BooleanField(
        help_text="Whether this was a dry run: the counts are what would be written."
    )
    applied = serializers.BooleanField(help_text="Whether any row was written.")
    change = serializers.UUIDField(
        allow_null=True,
        help_text="ID of the change, to undo it with POST changes/{change}/undo/; null "
        "if nothing was written.",
    )


class JobSerializer(serializers.ModelSerializer[Job]):
    by = serializers.CharField(source="by.username", read_only=True)
    rejected = RejectedSerializer(
        many=True, read_only=True, help_text="Rejected rows, the first 1,000."
    )

    class Meta:
        model = Job
        fields = [
            "id",
            "resource",
            "state",
            "mode",
            "dry_run",
            "reason",
            "by",
            "n_rows",
            "n_done",
            "created",
            "updated",
            "unchanged",
            "n_rejected",
            "rejected",
            "applied",
            "error",
            "change",
            "queued_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class BulkQuestion(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(choices=Job.Mode.choices, default=Job.Mode.ROW_BY_ROW)
    dry_run = serializers.BooleanField(default=False)
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


_PARAMETERS = [
    OpenApiParameter(
        "mode",
        str,
        enum=Job.Mode.values,
        default=Job.Mode.ROW_BY_ROW.value,
        description="`row_by_row` writes the valid rows, 5,000 per transaction; "
        "`all_or_nothing` is one transaction.",
    ),
    OpenApiParameter(
        "dry_run", bool, default=False, description="Check all rows and write nothing."
    ),
    OpenApiParameter("reason", str, description="Reason for the change, for the audit log."),
    OpenApiParameter(
        "Prefer",
        str,
        OpenApiParameter.HEADER,
        description="`respond-async`: run as a job, for any number of rows. `wait=60`: "
        "answer in this request, up to 200,000 rows.",
    ),
]
_ROWS = {"type": "array", "items": {"type": "object", "additionalProperties": True}}


def bulk_schema(kind: BulkResource, example: dict[str, Any]) -> Any:
    """Describe the bulk endpoint of one resource in the OpenAPI document."""
    return extend_schema(
        summary="Create or change many by natural key",
        description=f"Rows are identified by {kind.key}. Unknown ones are created; of "
        "the others, the fields sent are set. The body is a JSON list, or "
        "one row per line as application/x-ndjson, and can be gzipped. "
        f"More than {MAX_SYNC_ROWS:,} rows run as a job (202): its URL is "
        f"in `Location`.\n\nFields: {', '.join(kind.fields)}.",
        parameters=_PARAMETERS,
        request={"application/json": _ROWS, "application/x-ndjson": {"type": "string"}},
        responses={200: ReportSerializer, 202: JobSerializer},
        examples=[
            OpenApiExample(
                "rows", value=[example], request_only=True, media_type="application/json"
            ),
            OpenApiExample(
                "report",
                response_only=True,
                status_codes=["200"],
                value={
                    "created": 1,
                    "updated": 0,
                    "unchanged": 0,
                    "n_rejected": 1,
                    "rejected": [
                        {
                            "where": "row 2: bot",
                            "reason": "You need the editor role on the owning team to change "
                            "this application.",
                        }
                    ],
                    "dry_run": False,
                    "applied": True,
                    "change": "0196f0c4-7a55-7b0e-9c55-3f4f0f6f6f6f",
                },
            ),
        ],
        filters=False,
    )


class BulkMixin:
    """A mixin that adds `bulk/` to a viewset, which sets `bulk_resource` and uses `bulk_schema`."""

    bulk_resource: str

    @action(
        detail=False,
        methods=["post"],
        url_path="bulk",
        picks_fields=False,
        pagination_class=None,
        filterset_class=None,
        parser_classes=[ListStreamParser, StreamParser],
        streams=True,
    )
    def bulk(self: Any, request: Request) -> Response:
        question = BulkQuestion(data=request.query_params.dict())
        validate_data(question, extra_names=FORMAT_PARAMETERS)
        options = {
            "by": self.user,
            "mode": question.validated_data["mode"],
            "dry_run": question.validated_data["dry_run"],
            "reason": question.validated_data["reason"],
        }
        preferences = request.headers.get("Prefer", "").lower()
        limit = (
            0
            if "respond-async" in preferences
            else MAX_WAIT_ROWS
            if "wait=" in preferences
            else MAX_SYNC_ROWS
        )
        # a request without a body has no stream
        stream: Any = request.data if hasattr(request.data, "read") else io.BytesIO()
        lines = iterate_rows(request, getattr(request, "_idempotent_stream", None) or stream)
        if limit == MAX_WAIT_ROWS:
            # rows are merged as they arrive, which also slows the client to the speed of the merge
            return _merge_response(self.bulk_resource, _limit_rows(lines, limit), options)
        first_lines = list(islice(lines, limit))
        next_line = next(lines, None)
        if next_line is None and limit:
            return _merge_response(self.bulk_resource, iter(first_lines), options)
        all_lines = chain(first_lines, () if next_line is None else (next_line,), lines)
        with transaction.atomic():
            response = accepted_response(
                request, queue_job(self.bulk_resource, all_lines, at=now(), **options)
            )
            if isinstance(self._claim, StreamKeyClaim):
                self._claim.note(response)
        return response


def _limit_rows(lines: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for number, line in enumerate(lines, 1):
        if number > limit:
            raise ValidationError(
                {
                    "Prefer": f"A request with Prefer: wait can contain at most {limit:,} rows. "
                    "Omit the header to run a job."
                }
            )
        yield line


def _merge_response(resource: str, lines: Iterator[bytes], options: dict[str, Any]) -> Response:
    """Merge the rows and return the result; with all or nothing, rejected rows are a validation
    error."""
    report, applied, change = merge_rows(resource, lines, **options)
    if options["mode"] == Job.Mode.ALL_OR_NOTHING and report.n_rejected and not options["dry_run"]:
        raise ValidationError(dict(report.rejected))
    return Response(
        {
            "created": report.created,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "n_rejected": report.n_rejected,
            "rejected": rejected_row(report),
            "dry_run": options["dry_run"],
            "applied": applied,
            "change": change,
        }
    )


def accepted_response(request: Request, job: Job) -> Response:
    """Return 202 with the job, its URL and the seconds until it should be read."""
    address = request.build_absolute_uri(reverse("api:job-detail", args=[job.pk]))
    return Response(
        dict(JobSerializer(job).data),
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": address, "Retry-After": str(RETRY_AFTER_SECONDS)},
    )
