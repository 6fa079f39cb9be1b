"""Capabilities of an offering: what applies, what each source states, entry and removal."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.validation import validate_data
from apps.catalog.capabilities.fields import CAPABILITY, CAPABILITY_FIELDS
from apps.catalog.capabilities.side_by_side import (
    FieldComparison,
    StatedValue,
    compare_sources,
)
from apps.catalog.claims.stated_values import (
    KINDS,
    MAX_NOTE_LENGTH,
    MAX_URL_LENGTH,
    OWN_TEST,
    record_stated_value,
    remove_stated_value,
)
from apps.catalog.models import Offering

CAPABILITY_NAMES = tuple(CAPABILITY_FIELDS)
STATED_KINDS = list(KINDS.items())


@extend_schema_field(
    {
        "oneOf": [
            {"type": "boolean"},
            {"type": "integer"},
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
        ],
    }
)
class CapabilityValueField(serializers.JSONField):
    """Yes or no, a number of tokens, a month, or a list of modalities."""


class StatedCapabilitySerializer(serializers.Serializer[Any]):
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="Slug of the source; `manual` if a user entered it."
    )
    assertion = serializers.IntegerField(source="claim_id", help_text="ID of the assertion.")
    value = CapabilityValueField(
        allow_null=True, help_text="Null if the source is silent about it, which is not no."
    )
    at = serializers.DateField(
        allow_null=True, help_text="Day since when the source states the value; null if silent."
    )
    silent_since = serializers.DateField(
        allow_null=True,
        help_text="Day since when the source no longer states the value, which does not withdraw "
        "it; null if it still does.",
    )
    kind = serializers.ChoiceField(
        choices=STATED_KINDS,
        allow_blank=True,
        help_text="Of a value that a user entered: how it is known.",
    )
    by = serializers.CharField(help_text="Username of who entered it; empty for a feed.")
    note = serializers.CharField()
    source_url = serializers.CharField(help_text="Address of the statement; empty if unknown.")
    built_in = serializers.BooleanField(
        source="is_built_in",
        help_text="Whether the value is from the built-in catalogue because the feed has not been "
        "polled.",
    )
    accepted = serializers.BooleanField(
        source="is_accepted", help_text="Whether it agrees with the value that applies."
    )
    contradicts = serializers.BooleanField(
        help_text="Whether it contradicts the value that applies, or, if none applies, another "
        "source."
    )


class CapabilitySerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    value = CapabilityValueField(
        allow_null=True,
        help_text="The value that applies. Null if it is unknown, which is never taken for yes "
        "or no.",
    )
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="Name of the source that applies; empty if unknown."
    )
    at = serializers.DateField(
        allow_null=True, help_text="Day since when the source states the value; null if unknown."
    )
    agreed = serializers.IntegerField(help_text="Number of sources that state the value.")
    contradicted = serializers.BooleanField(
        help_text="Whether it is unknown because sources of the same rank contradict each other."
    )
    claims = StatedCapabilitySerializer(
        many=True, help_text="The statement of each source, highest priority first."
    )


class OfferingCapabilitiesSerializer(serializers.Serializer[Any]):
    offering = serializers.IntegerField()
    host = serializers.CharField(help_text="Slug of the host.")
    api_id = serializers.CharField()
    capabilities = serializers.DictField(
        child=CapabilitySerializer(), help_text="Every capability by name, known or not."
    )


class EnterCapabilitySerializer(serializers.Serializer[Any]):
    capability = serializers.ChoiceField(choices=[(name, name) for name in CAPABILITY_NAMES])
    value = CapabilityValueField(
        help_text="true or false, a number of tokens, a month such as 2025-01, or a list of "
        "modalities."
    )
    kind = serializers.ChoiceField(
        choices=STATED_KINDS,
        default=OWN_TEST,
        help_text="An own test outranks a statement, and both outrank every feed.",
    )
    at = serializers.DateField(help_text="Day of the test, or on which the statement was read.")
    source_url = serializers.URLField(
        required=False,
        allow_blank=True,
        max_length=MAX_URL_LENGTH,
        help_text="Page with the statement; a statement needs it or a note.",
    )
    note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_NOTE_LENGTH,
        help_text="Content of the test, or place of the statement.",
    )


class RemoveCapabilitySerializer(serializers.Serializer[Any]):
    capability = serializers.ChoiceField(choices=[(name, name) for name in CAPABILITY_NAMES])
    reason = serializers.CharField(max_length=500)


class CapabilitiesMixin:
    """Capabilities of the offering in the URL."""

    @extend_schema(
        methods=["GET"],
        summary="Capabilities of an offering",
        responses=OfferingCapabilitiesSerializer,
        filters=False,
    )
    @extend_schema(
        methods=["POST"],
        summary="Enter a capability of an offering",
        request=EnterCapabilitySerializer,
        responses={200: OfferingCapabilitiesSerializer},
        filters=False,
    )
    @extend_schema(
        methods=["DELETE"],
        summary="Remove a capability that a user entered",
        parameters=[
            OpenApiParameter("capability", str, required=True, enum=CAPABILITY_NAMES),
            OpenApiParameter("reason", str, required=True, description="Reason for the removal."),
        ],
        responses={204: None},
        filters=False,
    )
    @action(
        detail=True,
        methods=["get", "post", "delete"],
        pagination_class=None,
        filterset_class=None,
        picks_fields=False,
    )
    def capabilities(self: Any, request: Request, pk: str) -> Response:
        """The capabilities that apply to the offering, with the statement of every source. POST
        stores an own test or a statement, by governance; it outranks every feed. DELETE removes
        what a user entered, so that the feeds apply again."""
        if request.method == "GET":
            return Response(_capabilities_body(self.subject("host")))
        offering = self.governed("host")
        if request.method == "DELETE":
            asked = validate_data(RemoveCapabilitySerializer(data=request.query_params))
            remove_stated_value(
                offering=offering,
                topic=CAPABILITY,
                field=asked["capability"],
                by=self.user,
                reason=asked["reason"],
            )
            return Response(status=status.HTTP_204_NO_CONTENT)
        entered = self.validated(EnterCapabilitySerializer)
        record_stated_value(
            offering=offering,
            topic=CAPABILITY,
            field=entered["capability"],
            value=entered["value"],
            kind=entered["kind"],
            at=entered["at"],
            source_url=entered.get("source_url", ""),
            note=entered.get("note", ""),
            by=self.user,
        )
        return Response(_capabilities_body(offering))


def _capabilities_body(offering: Offering) -> Any:
    """Return every capability of the offering, known or not; three statements at most."""
    comparisons = compare_sources([offering.pk])[offering.pk]
    return OfferingCapabilitiesSerializer(
        {
            "offering": offering.pk,
            "host": offering.host.slug,
            "api_id": offering.api_id,
            "capabilities": {entry.field.key: _capability_body(entry) for entry in comparisons},
        }
    ).data


def _capability_body(entry: FieldComparison) -> dict[str, Any]:
    settled = entry.settled
    return {
        "label": entry.field.label,
        "value": settled.value,
        "source": settled.source,
        "at": settled.at or None,
        "agreed": settled.agreed,
        "contradicted": settled.contradicted,
        "claims": [_claim_body(claim) for claim in entry.stated],
    }


def _claim_body(claim: StatedValue) -> dict[str, Any]:
    return {
        "source": claim.source,
        "claim_id": claim.claim_id,
        "value": claim.value,
        "at": claim.at or None,
        "silent_since": claim.silent_since or None,
        "kind": claim.kind,
        "by": claim.by,
        "note": claim.note,
        "source_url": claim.source_url,
        "is_built_in": claim.is_built_in,
        "is_accepted": claim.is_accepted,
        "contradicts": claim.contradicts,
    }
