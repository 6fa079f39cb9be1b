"""Providers, foundations, versions, offerings, prices, sources, assertions and the events of the catalogue."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers

from apps.api.base import BY_ID, ReadViewSet
from apps.api.inventory import AffectedApplicationSerializer, ApplicationViewSet
from apps.api.reading import Computed
from apps.catalog.filters import (
    AssertionFilter,
    FoundationFilter,
    OfferingFilter,
    PriceFilter,
    ProviderEventFilter,
    ProviderFilter,
    SourceFilter,
    VersionFilter,
)
from apps.catalog.models import (
    Assertion,
    Foundation,
    Offering,
    Price,
    Provider,
    ProviderEvent,
    Region,
    Source,
    Version,
)
from apps.common.pagination import Keyset
from apps.common.time import day_of, now
from apps.exposure.queries import affected_applications
from apps.feeds.models import Health, PollState
from apps.inventory.models import Application

BY_SLUG = {"slug": Keyset(("slug",)), "-slug": Keyset(("-slug",)), "id": BY_ID, "-id": Keyset(("-id",))}
SLUG = "[-a-zA-Z0-9_]+"


class ProviderSerializer(serializers.ModelSerializer[Provider]):
    parent = serializers.CharField(source="parent.slug", read_only=True, allow_null=True, help_text="Slug.")  # type: ignore[assignment]

    class Meta:
        model = Provider
        fields = [
            "id", "slug", "name", "roles", "parent", "country", "promised_notice_days", "deprecation_policy_url",
            "terms_url", "status_page_url", "lei", "critical_third_party", "critical_third_party_source", "source_url",
            "source_on", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class ProviderViewSet(ReadViewSet[Provider]):
    """Parties in the chain: developers, hosts, gateways, resellers."""

    model = Provider
    serializer_class = ProviderSerializer
    filterset_class = ProviderFilter
    lookup_field = "slug"
    lookup_value_regex = SLUG
    orders = BY_SLUG


class FoundationSerializer(serializers.ModelSerializer[Foundation]):
    developer = serializers.CharField(source="developer.slug", read_only=True, help_text="Slug.")

    class Meta:
        model = Foundation
        fields = [
            "id", "slug", "name", "line", "family", "developer", "modalities", "licence", "open_weights",
            "acceptable_use_url", "source_url", "source_on", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class FoundationViewSet(ReadViewSet[Foundation]):
    """Pretrained generations."""

    model = Foundation
    serializer_class = FoundationSerializer
    filterset_class = FoundationFilter
    lookup_field = "slug"
    lookup_value_regex = SLUG
    orders = BY_SLUG


class VersionSerializer(serializers.ModelSerializer[Version]):
    foundation = serializers.CharField(source="foundation.slug", read_only=True, help_text="Slug.")
    developer = serializers.CharField(source="foundation.developer.slug", read_only=True, help_text="Slug.")
    predecessor = serializers.CharField(
        source="predecessor.identifier", read_only=True, allow_null=True, help_text="Identifier."
    )

    class Meta:
        model = Version
        fields = [
            "id", "identifier", "name", "foundation", "developer", "moving", "released_on", "released_precision",
            "knowledge_cutoff", "context_window", "access", "predecessor", "names", "aliases", "repositories",
            "source_url", "source_on", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class VersionViewSet(ReadViewSet[Version]):
    """Releases of foundations; one is found by `?identifier=`."""

    model = Version
    serializer_class = VersionSerializer
    filterset_class = VersionFilter
    orders = {
        "identifier": Keyset(("identifier",)),
        "-identifier": Keyset(("-identifier",)),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }


class OfferingSerializer(serializers.ModelSerializer[Offering]):
    host = serializers.CharField(source="host.slug", read_only=True, help_text="Slug.")
    region = serializers.CharField(source="region_scope", read_only=True, help_text="Empty: not tied to one.")
    tier = serializers.CharField(source="service_tier", read_only=True)
    version = serializers.CharField(
        source="version.identifier", read_only=True, allow_null=True, help_text="Identifier; null while unresolved."
    )
    alias = serializers.CharField(
        source="alias.identifier", read_only=True, allow_null=True, help_text="The moving name it is called by."
    )
    foundation = serializers.CharField(
        source="version.foundation.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    developer = serializers.CharField(
        source="version.foundation.developer.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    gateway = serializers.CharField(source="gateway.slug", read_only=True, allow_null=True, help_text="Slug.")
    regions = serializers.ListField(
        source="region_names", child=serializers.CharField(), read_only=True, help_text="Where the host runs it."
    )
    days_left = serializers.IntegerField(
        source="retires_on", read_only=True, allow_null=True, help_text="Until `retires_on`; negative once past."
    )
    replacement = serializers.IntegerField(
        source="replacement_id", read_only=True, allow_null=True, help_text="Id of the offering the host names."
    )

    class Meta:
        model = Offering
        fields = [
            "id", "host", "api_id", "region", "tier", "name", "category", "version", "alias", "foundation",
            "developer", "binding", "gateway", "regions", "not_a_model", "identity_confidence", "identity_why",
            "lifecycle", "announced_on", "retires_on", "date_kind", "days_left", "end_behaviour", "replacement",
            "replacement_text", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


def _days_left(retires_on: Any) -> int | None:
    return None if retires_on is None else (retires_on - day_of(now())).days


class OfferingViewSet(ReadViewSet[Offering]):
    """What applications really call; one is found by `?host=&api_id=` (and `region`, `tier`)."""

    model = Offering
    serializer_class = OfferingSerializer
    filterset_class = OfferingFilter
    orders = {
        "id": BY_ID,
        "-id": Keyset(("-id",)),
        "retires_on": Keyset(("retires_on", "id")),
        "-retires_on": Keyset(("-retires_on", "-id")),
    }
    dated_orders = frozenset({"retires_on", "-retires_on"})
    annotations = {
        "region_names": ArraySubquery(Region.objects.filter(offerings=OuterRef("pk")).order_by("name").values("name")),
    }
    computed = {"days_left": Computed(("retires_on",), _days_left)}


class PriceSerializer(serializers.ModelSerializer[Price]):
    host = serializers.CharField(source="offering.host.slug", read_only=True, help_text="Slug.")
    api_id = serializers.CharField(source="offering.api_id", read_only=True)
    valid_from = serializers.DateTimeField(source="valid__startswith", read_only=True, allow_null=True)
    valid_until = serializers.DateTimeField(
        source="valid__endswith", read_only=True, allow_null=True, help_text="Exclusive; null until further notice."
    )
    claim = serializers.IntegerField(
        source="claim_id", read_only=True, allow_null=True, help_text="Id of the assertion it rests on."
    )

    class Meta:
        model = Price
        fields = [
            "id", "offering", "host", "api_id", "unit", "above_tokens", "amount", "currency", "valid_from",
            "valid_until", "claim",
        ]  # fmt: skip
        read_only_fields = fields


class PriceViewSet(ReadViewSet[Price]):
    """List prices per million units, each for a time range."""

    model = Price
    serializer_class = PriceSerializer
    filterset_class = PriceFilter


class SourceSerializer(serializers.ModelSerializer[Source]):
    health = serializers.ChoiceField(
        source="poll_state.health", choices=Health.choices, read_only=True, help_text="By the last success."
    )
    last_success_at = serializers.DateTimeField(source="poll_state.last_success_at", read_only=True, allow_null=True)
    last_attempt_at = serializers.DateTimeField(source="poll_state.last_attempt_at", read_only=True, allow_null=True)
    last_change_at = serializers.DateTimeField(source="poll_state.last_change_at", read_only=True, allow_null=True)
    next_due_at = serializers.DateTimeField(source="poll_state.next_due_at", read_only=True, allow_null=True)
    failures = serializers.IntegerField(
        source="poll_state.failures", read_only=True, allow_null=True, help_text="In a row; null where never polled."
    )
    error = serializers.CharField(source="poll_state.error", read_only=True, allow_null=True)

    class Meta:
        model = Source
        fields = [
            "id", "slug", "name", "kind", "url", "interval_minutes", "stale_after_minutes", "trust_rank", "enabled",
            "licence_note", "health", "last_success_at", "last_attempt_at", "last_change_at", "next_due_at",
            "failures", "error", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


def _health(last_success_at: Any, failures: int | None, suspect: bool | None, stale_after_minutes: int) -> str:
    state = PollState(last_success_at=last_success_at, failures=failures or 0, suspect=bool(suspect))
    return state.health(now(), timedelta(minutes=stale_after_minutes)).value


class SourceViewSet(ReadViewSet[Source]):
    """Who makes claims, how far it is trusted, and how fresh it is."""

    model = Source
    serializer_class = SourceSerializer
    filterset_class = SourceFilter
    computed = {
        "health": Computed(
            (
                "poll_state__last_success_at",
                "poll_state__failures",
                "poll_state__suspect",
                "stale_after_minutes",
            ),
            _health,
        )
    }


@extend_schema_field({})
class AnyField(serializers.JSONField):
    """Any JSON, null among it."""


class AssertionSerializer(serializers.ModelSerializer[Assertion]):
    source = serializers.CharField(source="source.slug", read_only=True, help_text="Slug.")  # type: ignore[assignment]
    asserted_by = serializers.CharField(
        source="asserted_by.username", read_only=True, allow_null=True, help_text="Who entered it by hand."
    )
    pending = AnyField(read_only=True, help_text="A value that must prove itself first.")

    class Meta:
        model = Assertion
        fields = [
            "id", "source", "external_id", "topic", "offering", "value", "excerpt", "source_url", "first_seen",
            "changed_at", "missing_since", "withdrawn_at", "pending", "pending_since", "held", "asserted_by", "reason",
        ]  # fmt: skip
        read_only_fields = fields


class AssertionViewSet(ReadViewSet[Assertion]):
    """What each source says about an offering, side by side; never deleted."""

    model = Assertion
    serializer_class = AssertionSerializer
    filterset_class = AssertionFilter


class ProviderEventSerializer(serializers.ModelSerializer[ProviderEvent]):
    source = serializers.CharField(source="source.slug", read_only=True, help_text="Slug.")  # type: ignore[assignment]
    host = serializers.CharField(source="offering.host.slug", read_only=True, help_text="Slug.")
    api_id = serializers.CharField(source="offering.api_id", read_only=True)
    old = AnyField(read_only=True, help_text="Day, price per unit, or id; null for none.")
    new = AnyField(read_only=True)
    evidence = serializers.ListField(
        source="evidence_ids", child=serializers.IntegerField(), read_only=True, help_text="Ids of assertions."
    )

    class Meta:
        model = ProviderEvent
        fields = [
            "id", "key", "kind", "source", "external_id", "offering", "host", "api_id", "old", "new", "effective_on",
            "detected_at", "evidence",
        ]  # fmt: skip
        read_only_fields = fields


class ProviderEventViewSet(ReadViewSet[ProviderEvent]):
    """Changes the catalogue has accepted; latest first."""

    model = ProviderEvent
    serializer_class = ProviderEventSerializer
    filterset_class = ProviderEventFilter
    orders = {
        "-detected_at": Keyset(("-detected_at", "-id")),
        "detected_at": Keyset(("detected_at", "id")),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }
    annotations: ClassVar[dict[str, Any]] = {
        "evidence_ids": ArraySubquery(Assertion.objects.filter(events=OuterRef("pk")).order_by("pk").values("pk")),
    }


@extend_schema_view(list=extend_schema(summary="Applications an event affects"))
class AffectedApplicationViewSet(ApplicationViewSet):
    """Applications with a live dependency, in any role, on what the event reaches: other names of the same release
    at that host, its regions, fine-tunes served there. Gravest first; today's portfolio."""

    serializer_class = AffectedApplicationSerializer

    def get_queryset(self) -> QuerySet[Application]:
        if getattr(self, "swagger_fake_view", False):
            return Application.objects.none()
        events: Any = ProviderEvent.objects.all()
        event = events.visible_to(self.request.user).filter(pk=self.kwargs["event_id"]).first()
        if event is None:
            raise Http404
        affected = affected_applications(event=event, on=day_of(now()))
        return affected.visible_to(self.request.user).select_related(None).order_by()
