"""Source disagreements about retirement dates."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.validation import filter_errors
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.catalog.claims.disagreement_filters import STATES, DisagreementFilter
from apps.catalog.claims.disagreements import Disagreement, DisagreementSide, disagreements
from apps.catalog.models import DateKind, Footing, NodeKind, Offering
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import day_of, now
from apps.inventory.models import Dependency


class SideSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(help_text="Slug of the source; `manual` for a manual override.")  # type: ignore[assignment]
    assertion = serializers.IntegerField(help_text="ID of the assertion.")
    external_id = serializers.CharField(help_text="Key of the row in the feed.")
    retires_on = serializers.DateField(allow_null=True)
    date_kind = serializers.ChoiceField(choices=DateKind.choices, allow_blank=True)
    built_in = serializers.BooleanField(
        help_text="Whether the value is from the built-in catalogue because the feed has "
        "not been polled."
    )
    in_doubt = serializers.BooleanField(
        help_text="Whether the source has published another value that must be repeated "
        "before it applies."
    )
    accepted = serializers.BooleanField(help_text="Whether the registry uses this value.")
    contradicts = serializers.BooleanField(
        help_text="Whether the value contradicts the accepted one."
    )
    first_seen = serializers.DateTimeField()
    changed_at = serializers.DateTimeField(
        help_text="Time of the observation at which the value last changed."
    )
    said_since = serializers.DateTimeField(
        help_text="Time of the observation since which the source publishes this date."
    )
    missing_since = serializers.DateTimeField(allow_null=True)
    excerpt = serializers.JSONField(
        help_text="Raw row, limited to the parts that the value is based on."
    )
    source_url = serializers.CharField(allow_blank=True)


class DisagreementSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="ID of the offering.")
    host = serializers.CharField(help_text="Slug of the host.")
    api_id = serializers.CharField()
    region = serializers.CharField(allow_blank=True)
    tier = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=STATES)
    days_apart = serializers.IntegerField(
        help_text="Days between the earliest and the latest date."
    )
    since = serializers.DateTimeField(help_text="Time since which the sources disagree.")
    retires_on = serializers.DateField(
        allow_null=True, help_text="Accepted retirement date; null if none is accepted."
    )
    date_kind = serializers.ChoiceField(choices=DateKind.choices, allow_blank=True)
    why = serializers.CharField(help_text="Reason why the date is accepted.")
    decided_by = serializers.CharField(
        allow_null=True, help_text="Username; null if the priority of the sources decides."
    )
    sides = SideSerializer(
        many=True, help_text="Source values of the retirement date, highest priority first."
    )


def _side_body(row: Disagreement, side: DisagreementSide) -> dict[str, Any]:
    """Return one side of a disagreement as JSON: a source and the date that it states."""
    claim = side.claim
    return {
        "source": side.speaker,
        "assertion": claim.pk,
        "external_id": claim.external_id,
        "retires_on": side.day,
        "date_kind": side.source_claim.value.get("date_kind", ""),
        "built_in": side.is_built_in,
        "in_doubt": side.source_claim.in_doubt,
        "accepted": side == row.accepted,
        "contradicts": row.stands_against(side),
        "first_seen": claim.first_seen,
        "changed_at": claim.changed_at,
        "said_since": side.since,
        "missing_since": claim.missing_since,
        "excerpt": claim.excerpt,
        "source_url": claim.source_url,
    }


def _disagreement_body(row: Disagreement) -> dict[str, Any]:
    """Return a disagreement as JSON, a manual override first among its sides."""
    offering, manual_side = row.offering, row.by_hand
    return {
        "id": offering.pk,
        "host": offering.host.slug,
        "api_id": offering.api_id,
        "region": offering.region_scope,
        "tier": offering.service_tier,
        "state": row.state,
        "days_apart": row.n_days,
        "since": row.since,
        "retires_on": offering.retires_on,
        "date_kind": offering.date_kind,
        "why": row.reason,
        "decided_by": manual_side.claim.asserted_by.username
        if manual_side and manual_side.claim.asserted_by
        else None,
        "sides": [
            _side_body(row, side) for side in (*([manual_side] if manual_side else []), *row.sides)
        ],
    }


_IN_USE = OpenApiParameter(
    "in_use",
    bool,
    description="Only offerings with an active dependency of an application that you can view.",
)


@extend_schema_view(
    list=extend_schema(
        summary="Offerings whose sources disagree about the retirement date", parameters=[_IN_USE]
    ),
    retrieve=extend_schema(summary="The disagreement about one offering; 404 if there is none"),
)
class DisagreementViewSet(ReadViewSet[Offering]):
    """Source disagreements about the retirement date of an offering, by ID of the offering, with
    all source values. The list includes those decided by a user and those that ended within one
    year; `?state=open` leaves them out."""

    model = Offering
    serializer_class = DisagreementSerializer
    filterset_class = DisagreementFilter
    also_reads = ("in_use",)
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}
    picks_fields = False

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        disagreements_by_id = {row.offering.pk: row for row in disagreements(open_only=False)}
        pagination = self.pagination_class()
        queryset = self._filter_disagreements(
            self.get_queryset().filter(pk__in=disagreements_by_id), disagreements_by_id
        ).only("pk")
        page = pagination.page(request, queryset, pagination.order(request, self.orders))
        return Response(
            pagination.body(
                request,
                page,
                [_disagreement_body(disagreements_by_id[offering.pk]) for offering in page.rows],
            )
        )

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        for row in disagreements([int(self.kwargs["pk"])], open_only=False):
            return Response(_disagreement_body(row))
        raise Http404

    def _filter_disagreements(
        self, queryset: QuerySet[Offering], disagreements_by_id: Mapping[int, Disagreement]
    ) -> QuerySet[Offering]:
        """Apply the filters of the URL; `in_use` limits to offerings that visible applications
        depend on."""
        filterset = DisagreementFilter(
            self.request.query_params,
            queryset,
            request=self.request,
            disagreements_by_id=disagreements_by_id,
        )
        if not filterset.is_valid():
            raise serializers.ValidationError(filter_errors(filterset))
        if self.request.query_params.get("in_use", "").lower() == "true":
            active_offerings = (
                Dependency.objects.visible_to(self.user)
                .live_on(day_of(now()))
                .order_by()
                .values("offering")
            )
            node_refs = Footing.objects.filter(
                offering__in=active_offerings, node__kind=NodeKind.OFFERING
            ).values("node__ref")
            return filterset.qs.filter(pk__in=node_refs)  # type: ignore[no-any-return]
        return filterset.qs  # type: ignore[no-any-return]
