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

# applications looked at in one statement, and the most statements of one answer
_AT_ONCE, _MOST_STEPS = 200, 10
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
        place = read_cursor(request, 2)
        found: list[dict[str, Any]] = []
        for _ in range(_MOST_STEPS):
            applications = list(
                _after(place, self.user).values_list("criticality", "pk", "slug")[:_AT_ONCE]
            )
            slugs = {pk: slug for _, pk, slug in applications}
            wanted = [
                row
                for row in findings_of(application_ids=slugs, on=day_of(now()))
                if _requested_filters(row, question)
            ]
            by_application: dict[int, list[Finding]] = {}
            for row in wanted:
                by_application.setdefault(row.application_id, []).append(row)
            for criticality, pk, _slug in applications:
                place = (criticality, pk)
                found += findings_body(by_application.get(pk, []), slugs)
                if len(found) >= size:
                    return Response({"next": next_link(request, place), "results": found})
            if len(applications) < _AT_ONCE:
                return Response({"next": None, "results": found})
        assert place is not None
        return Response({"next": next_link(request, place), "results": found})


def _after(place: tuple[int, ...] | None, user: Any) -> Any:
    seen = Application.objects.visible_to(user).order_by("criticality", "pk")
    if place is None:
        return seen
    criticality, pk = place
    return seen.filter(Q(criticality__gt=criticality) | Q(criticality=criticality, pk__gt=pk))


def _requested_filters(row: Finding, question: FindingsQuestion) -> bool:
    asked = question.validated_data
    return bool(
        asked.get("code", row.code) == row.code
        and asked.get("severity", row.severity) == row.severity
    )
