"""Data terms of an offering: what applies, what each source states, entry and removal."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.validation import validate_data
from apps.catalog.capabilities.fields import DATA_TERM_FIELDS, DATA_TERMS
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.values import UNKNOWN
from apps.catalog.claims.data_terms import TermStatement, record_data_terms
from apps.catalog.claims.stated_values import remove_stated_value
from apps.catalog.models import Assertion

TERM_NAMES = tuple(DATA_TERM_FIELDS)


class StatedTermSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(help_text="Slug of the source; `manual` if a user entered it.")  # type: ignore[assignment]
    value = serializers.JSONField(allow_null=True)
    at = serializers.DateField(help_text="Day since when the source states the value.")
    source_url = serializers.CharField(help_text="Address of the statement; empty if unknown.")
    note = serializers.CharField()


class DataTermSerializer(serializers.Serializer[Any]):
    term = serializers.ChoiceField(choices=[(name, name) for name in TERM_NAMES])
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.JSONField(
        allow_null=True,
        help_text="Accepted value: true or false, days, region names or an address. Null if it is "
        "unknown, which never counts as permitted.",
    )
    source = serializers.CharField(help_text="Name of the source that applies; empty if unknown.")  # type: ignore[assignment]
    at = serializers.DateField(
        allow_null=True, help_text="Day on which the source stated the value; null if unknown."
    )
    contradicted = serializers.BooleanField(
        help_text="Whether sources of the same rank contradict each other."
    )
    stated = StatedTermSerializer(many=True, help_text="Value of each source, by priority.")


class EnterTermsSerializer(serializers.Serializer[Any]):
    training_use = serializers.BooleanField(
        required=False, help_text="Whether inputs are used for training."
    )
    retention_days = serializers.IntegerField(
        required=False, min_value=0, help_text="Days for which inputs and outputs are kept."
    )
    zero_retention = serializers.BooleanField(
        required=False, help_text="Whether requests without any retention are offered."
    )
    residency = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        max_length=60,
        help_text="Regions in which the data stays.",
    )
    subprocessors_url = serializers.URLField(
        required=False, max_length=500, help_text="Address of the list of sub-processors."
    )
    at = serializers.DateField(help_text="Day on which the source stated the terms.")
    source_url = serializers.URLField(required=False, max_length=1000)
    note = serializers.CharField(
        required=False, max_length=1000, help_text="Required without `source_url`."
    )


class RemoveTermSerializer(serializers.Serializer[Any]):
    term = serializers.ChoiceField(choices=[(name, name) for name in TERM_NAMES])
    reason = serializers.CharField(max_length=500)


class DataTermsMixin:
    """Data terms of the offering in the URL."""

    @extend_schema(
        methods=["GET"],
        summary="Data terms of an offering",
        responses=DataTermSerializer(many=True),
        filters=False,
    )
    @extend_schema(
        methods=["POST"],
        summary="Enter data terms of an offering",
        request=EnterTermsSerializer,
        responses={200: DataTermSerializer(many=True)},
        filters=False,
    )
    @extend_schema(
        methods=["DELETE"],
        summary="Remove a data term that a user entered",
        parameters=[
            OpenApiParameter("term", str, required=True, enum=TERM_NAMES),
            OpenApiParameter("reason", str, required=True, description="Reason for the removal."),
        ],
        responses={204: None},
        filters=False,
    )
    @action(
        detail=True,
        methods=["get", "post", "delete"],
        url_path="data-terms",
        pagination_class=None,
        filterset_class=None,
        picks_fields=False,
    )
    def data_terms(self: Any, request: Request, pk: str) -> Response:
        """Terms of the host for the data of requests, with sources. POST stores the given terms, by
        governance; the others stay. DELETE removes a term that a user entered."""
        if request.method == "GET":
            return Response(_terms_body(self.subject().pk))
        offering = self.governed()
        if request.method == "DELETE":
            asked = validate_data(RemoveTermSerializer(data=request.query_params))
            remove_stated_value(
                offering=offering,
                topic=DATA_TERMS,
                field=asked["term"],
                by=self.user,
                reason=asked["reason"],
            )
            return Response(status=status.HTTP_204_NO_CONTENT)
        entered = self.validated(EnterTermsSerializer)
        record_data_terms(
            statements=[
                TermStatement(
                    offering_ids=[offering.pk],
                    values={name: entered[name] for name in TERM_NAMES if name in entered},
                    at=entered["at"],
                    source_url=entered.get("source_url", ""),
                    note=entered.get("note", ""),
                )
            ],
            by=self.user,
        )
        return Response(_terms_body(offering.pk))


def _terms_body(offering_id: int) -> Any:
    """Return every term of the offering, known or not; two statements."""
    settled = settled_values([offering_id], DATA_TERMS).get(offering_id, {})
    claims = list(
        Assertion.objects.filter(offering=offering_id, topic=DATA_TERMS, withdrawn_at__isnull=True)
        .select_related("source")
        .order_by("source__trust_rank", "source__slug", "pk")
    )
    rows = []
    for name, field in DATA_TERM_FIELDS.items():
        applying = settled.get(name, UNKNOWN)
        rows.append(
            {
                "term": name,
                "label": field.label,
                "value": applying.value,
                "source": applying.source,
                "at": applying.at or None,
                "contradicted": applying.contradicted,
                "stated": [
                    {
                        "source": claim.source.slug,
                        "value": fact.get("value"),
                        "at": fact.get("at"),
                        "source_url": fact.get("source_url") or claim.source_url,
                        "note": fact.get("note", ""),
                    }
                    for claim in claims
                    if (fact := claim.value.get(name)) is not None
                ],
            }
        )
    return rows
