"""Runways: days until retirement minus days the migration takes."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.file_responses import FileRows
from apps.api.framework.pagination import KeysetPagination
from apps.api.framework.result_cursors import next_link, read_cursor
from apps.api.framework.validation import PAGING_PARAMETERS
from apps.api.framework.views import RegistryView
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.inventory.runway import PrimaryRunway, RunwayPosition, runways

# effort is kept to a tenth of a day; cursors hold whole numbers
_TENTHS = 10
_NO_DAY = 2**61


class PrimaryRunwaySerializer(serializers.Serializer[Any]):
    application = serializers.CharField(help_text="Slug of the application.")
    dependency = serializers.IntegerField(help_text="ID of the active primary dependency.")
    offering = serializers.IntegerField(help_text="ID of the serving offering, after redirects.")
    retires_on = serializers.DateField(allow_null=True)
    days_left = serializers.IntegerField(
        allow_null=True, help_text="Days until retirement; negative if past; null without a date."
    )
    effort_days = serializers.CharField(
        allow_null=True, help_text="Days that the migration takes; null if unknown."
    )
    basis = serializers.CharField(
        allow_null=True, help_text="Source of the effort: test or estimate; null if unknown."
    )
    runway = serializers.CharField(
        allow_null=True,
        help_text="Days until retirement minus effort; negative if it is too late; null "
        "if unknown.",
    )
    at_least = serializers.BooleanField(
        help_text="Whether the date is an earliest retirement: the model might retire later."
    )
    why = serializers.CharField(
        allow_null=True,
        help_text="Reason why the days are unknown: announced_without_date; null if they "
        "are known.",
    )


class RunwaysSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = PrimaryRunwaySerializer(many=True)


def runways_body(rows: Iterable[PrimaryRunway], slugs: Mapping[int, str]) -> list[dict[str, Any]]:
    """`slugs` by application id."""
    return [
        {
            "application": slugs[row.application_id],
            "dependency": row.dependency_id,
            "offering": row.offering_id,
            "retires_on": row.retires_on,
            "days_left": row.days_left,
            "effort_days": row.effort_days,
            "basis": row.basis,
            "runway": row.runway,
            "at_least": row.at_least,
            "why": row.why,
        }
        for row in rows
    ]


class RunwaysView(RegistryView):
    reads = PAGING_PARAMETERS
    files = {"get": FileRows(PrimaryRunwaySerializer)}

    @extend_schema(
        operation_id="runways",
        summary="Runways of all applications",
        parameters=[
            OpenApiParameter(
                "cursor", str, description="Start of the page, from `next` of an answer."
            ),
            OpenApiParameter("page_size", int),
        ],
        responses=RunwaysSerializer,
    )
    def get(self, request: Request) -> Response:
        """Active primary models with an announced retirement, of applications that you can view:
        shortest runway first, or fewest days left if the effort is unknown."""
        size = KeysetPagination().size(request)
        can_read_all = self.user.can_read_all
        primary_runways = runways(
            on=day_of(now()),
            team_ids=None if can_read_all else list(self.user.team_roles()),
            limit=size + 1,
            after=_decode_position(read_cursor(request, 3)),
        )
        rows = primary_runways[:size]
        slugs = dict(
            Application.objects.filter(pk__in={row.application_id for row in rows}).values_list(
                "pk", "slug"
            )
        )
        next_url = (
            next_link(request, _encode_position(rows[-1].position))
            if len(primary_runways) > size
            else None
        )
        return Response({"next": next_url, "results": runways_body(rows, slugs)})


def _encode_position(position: RunwayPosition) -> tuple[int, int, int]:
    urgency = _NO_DAY if position.urgency is None else int(position.urgency * _TENTHS)
    return urgency, position.criticality, position.dependency_id


def _decode_position(numbers: tuple[int, ...] | None) -> RunwayPosition | None:
    if numbers is None:
        return None
    urgency, criticality, dependency_id = numbers
    # a forged cursor only selects another position; criticality is a smallint in the database
    return RunwayPosition(
        None if urgency == _NO_DAY else Decimal(urgency) / _TENTHS,
        max(min(criticality, 99), -1),
        dependency_id,
    )
