"""Findings: errors, warnings and notes about applications."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.file_responses import FileRows
from apps.api.framework.pagination import KeysetPagination
from apps.api.framework.result_cursors import next_link, read_cursor
from apps.api.framework.validation import FORMAT_PARAMETERS, PAGING_PARAMETERS, validate_data
from apps.api.framework.views import RegistryView
from apps.common.time import day_of, now
from apps.inventory.findings import CODES, Finding, Severity, findings_of
from apps.inventory.models import Application

# applications per statement, and statements per response
_BATCH_SIZE, _MAX_BATCHES = 200, 10
_CODES = [(code, code) for code in CODES]
_SEVERITIES = [(severity.value, severity.value) for severity in Severity]


class FindingSerializer(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=_CODES)
    severity = serializers.ChoiceField(
        choices=_SEVERITIES, help_text="Severity: error, warning or note."
    )
    detail = serializers.CharField(help_text="Finding and how to fix it, as a sentence.")
    application = serializers.CharField(help_text="Slug of the application.")
    dependency = serializers.IntegerField(
        allow_null=True,
        help_text="ID of the dependency; null if the finding is about the application.",
    )


class FindingsSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = FindingSerializer(many=True)


class FindingsQuestion(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=_CODES, required=False)
    severity = serializers.ChoiceField(choices=_SEVERITIES, required=False)


def findings_body(findings: Iterable[Finding], slugs: Mapping[int, str]) -> list[dict[str, Any]]:
    """`slugs` by application id."""
    return [
        {
            "code": row.code,
            "severity": row.severity.value,
            "detail": row.sentence,
            "application": slugs[row.application_id],
            "dependency": row.dependency_id,
        }
        for row in findings
    ]


class FindingsView(RegistryView):
    reads = ("code", "severity", *PAGING_PARAMETERS)
    files = {"get": FileRows(FindingSerializer)}

    @extend_schema(
        operation_id="findings",
        summary="Findings of all applications",
        parameters=[
            OpenApiParameter("code", str, enum=list(CODES)),
            OpenApiParameter("severity", str, enum=[value for value, _ in _SEVERITIES]),
            OpenApiParameter(
                "cursor", str, description="Start of the page, from `next` of an answer."
            ),
            OpenApiParameter("page_size", int),
        ],
        responses=FindingsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Findings of the applications that you can view, most critical first. The findings of an
        application stay on one page, so that a page can be longer than requested. A page can also
        be short or empty while `next` is set, because each request reads a limited number of
        applications."""
        question = FindingsQuestion(data=request.query_params)
        validate_data(question, extra_names=(*PAGING_PARAMETERS, *FORMAT_PARAMETERS))
        size = KeysetPagination().size(request)
        position = read_cursor(request, 2)
        finding_bodies: list[dict[str, Any]] = []
        for _ in range(_MAX_BATCHES):
            applications = list(
                _applications_after(position, self.user).values_list("criticality", "pk", "slug")[
                    :_BATCH_SIZE
                ]
            )
            slugs = {pk: slug for _, pk, slug in applications}
            requested_findings = [
                row
                for row in findings_of(application_ids=slugs, on=day_of(now()))
                if _matches_question(row, question)
            ]
            by_application: dict[int, list[Finding]] = {}
            for row in requested_findings:
                by_application.setdefault(row.application_id, []).append(row)
            for criticality, pk, _slug in applications:
                position = (criticality, pk)
                finding_bodies += findings_body(by_application.get(pk, []), slugs)
                if len(finding_bodies) >= size:
                    return Response(
                        {"next": next_link(request, position), "results": finding_bodies}
                    )
            if len(applications) < _BATCH_SIZE:
                return Response({"next": None, "results": finding_bodies})
        assert position is not None
        return Response({"next": next_link(request, position), "results": finding_bodies})


def _applications_after(position: tuple[int, ...] | None, user: Any) -> Any:
    applications = Application.objects.visible_to(user).order_by("criticality", "pk")
    if position is None:
        return applications
    criticality, pk = position
    return applications.filter(
        Q(criticality__gt=criticality) | Q(criticality=criticality, pk__gt=pk)
    )


def _matches_question(row: Finding, question: FindingsQuestion) -> bool:
    params = question.validated_data
    return bool(
        params.get("code", row.code) == row.code
        and params.get("severity", row.severity) == row.severity
    )
