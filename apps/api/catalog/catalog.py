"""Providers, foundations, versions, offerings, prices, assertions and the events of the
catalogue."""

from dataclasses import asdict
from datetime import date
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import Http404
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.export_formats import EventsAtomRenderer
from apps.api.framework.file_responses import FileRows
from apps.api.framework.row_reader import ComputedField, RowReader
from apps.api.framework.views import BY_ID, ReadViewSet, row_reader_for
from apps.api.governance.base import GovernedViewSet
from apps.api.inventory.applications import (
    AffectedApplicationSerializer,
    ApplicationViewSet,
    ReasonMixin,
)
from apps.catalog.filters import (
    AssertionFilter,
    FoundationFilter,
    OfferingFilter,
    PriceFilter,
    ProviderEventFilter,
    ProviderFilter,
    VersionFilter,
)
from apps.catalog.models import (
    Assertion,
    Foundation,
    NoticePolicy,
    Offering,
    Price,
    Provider,
    ProviderEvent,
    Region,
    Version,
)
from apps.catalog.providers.earliest_retirement import (
    PublishedMinimum,
    offering_earliest_retirement,
)
from apps.catalog.providers.facts import PROVIDER_FIELDS, change_provider
from apps.catalog.providers.track_record import ModelRetirement, NoticeHalf, PolicyCompliance
from apps.catalog.providers.track_record_queries import is_partners, provider_track_record
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import day_of, now
from apps.exposure.queries.dependents import affected_applications
from apps.inventory.models import Application

BY_SLUG = {
    "slug": Keyset(("slug",)),
    "-slug": Keyset(("-slug",)),
    "id": BY_ID,
    "-id": Keyset(("-id",)),
}
SLUG = "[-a-zA-Z0-9_]+"


class ProviderSerializer(serializers.ModelSerializer[Provider]):
    parent = serializers.CharField(  # type: ignore[assignment]
        source="parent.slug", read_only=True, allow_null=True, help_text="Slug."
    )

    class Meta:
        model = Provider
        fields = [
            "id",
            "slug",
            "name",
            "legal_name",
            "person_type",
            "roles",
            "parent",
            "country",
            "promised_notice_days",
            "deprecation_policy_url",
            "terms_url",
            "status_page_url",
            "lei",
            "critical_third_party",
            "critical_third_party_source",
            "source_url",
            "source_on",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class ProviderChangeSerializer(ReasonMixin, serializers.ModelSerializer[Provider]):
    """What may be changed; roles and the company above are kept with the catalogue."""

    lei = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=40,
        help_text="20 signs of ISO 17442; spaces in it do not count.",
    )

    class Meta:
        model = Provider
        fields = [*PROVIDER_FIELDS, "reason"]


class RetirementNoticeSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(
        help_text="Identifier of the version; the api id where nobody knows it."
    )
    offering = serializers.IntegerField(
        source="offering_id", help_text="Id; one of the model's names at this host."
    )
    api_id = serializers.CharField()
    n_offerings = serializers.IntegerField(
        help_text="Names of the model at this host with the same end."
    )
    announced_on = serializers.DateField()
    first_seen_here = serializers.BooleanField(
        source="is_seen",
        help_text="No source publishes the day: it is the first on which the registry saw the "
        "date, so the true "
        "notice may be longer.",
    )
    ends_on = serializers.DateField()
    notice_days = serializers.IntegerField()
    kind = serializers.CharField(source="scope", help_text="general, specialised or preview.")
    source = serializers.SerializerMethodField(help_text="Who names the day.")  # type: ignore[assignment]
    source_url = serializers.CharField(allow_blank=True)

    def get_source(self, end: ModelRetirement) -> str:
        return end.told_by or end.source


class StatisticSerializer(serializers.Serializer[Any]):
    n_models = serializers.IntegerField()
    n_announcements = serializers.IntegerField(
        help_text="Distinct days; models are announced in batches."
    )
    median_days = serializers.FloatField()
    is_lower_bound = serializers.BooleanField(
        source="is_bound",
        help_text="Some notices are counted from the day their date was first seen here.",
    )
    shortest_days = serializers.IntegerField(
        source="shortest.notice_days", help_text="By published days."
    )
    longest_days = serializers.IntegerField(source="longest.notice_days")
    n_under_30_days = serializers.IntegerField(source="n_short")
    n_under_30_days_announcements = serializers.IntegerField(source="n_short_announcements")


class HalfSerializer(serializers.Serializer[NoticeHalf]):
    first_on = serializers.DateField()
    last_on = serializers.DateField()
    n_models = serializers.IntegerField()
    n_announcements = serializers.IntegerField()
    median_days = serializers.FloatField()


class KeptSerializer(serializers.Serializer[PolicyCompliance]):
    scope = serializers.ChoiceField(source="policy.scope", choices=NoticePolicy.Scope.choices)
    what = serializers.ChoiceField(choices=["notice", "life"])
    days = serializers.IntegerField(help_text="The published minimum.")
    n_kept = serializers.IntegerField()
    n = serializers.IntegerField(help_text="Ends that could be judged.")
    n_not_judged = serializers.IntegerField(source="n_open")
    last_miss_on = serializers.DateField(allow_null=True)
    source_url = serializers.CharField(source="policy.source_url")
    source_on = serializers.DateField(source="policy.source_on", allow_null=True)


class MovesSerializer(serializers.Serializer[Any]):
    since = serializers.DateField(
        allow_null=True, help_text="First observation of the host; null while there is none."
    )
    n_dated = serializers.IntegerField(
        help_text="Offerings with a firm date that was still ahead on that day."
    )
    n_later = serializers.IntegerField()
    n_earlier = serializers.IntegerField()
    n_withdrawn = serializers.IntegerField()
    n_retired = serializers.IntegerField(help_text="Ended on their announced day.")
    n_left_before_their_day = serializers.IntegerField(source="n_delisted_dated")
    n_left_without_notice = serializers.IntegerField(source="n_delisted")


class TrackRecordSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField(help_text="Slug.")
    on = serializers.DateField()
    statistic = StatisticSerializer(
        source="measured.notices",
        allow_null=True,
        help_text="Null below five announcements: there is none.",
    )
    halves = HalfSerializer(
        source="measured.halves",
        many=True,
        allow_null=True,
        help_text="Earlier, later; null below ten announcements.",
    )
    changed = serializers.BooleanField(
        source="measured.has_changed",
        help_text="The later half's median differs by a quarter or more.",
    )
    n_announcements = serializers.IntegerField(source="measured.n_announcements")
    n_first_seen_here = serializers.IntegerField(
        source="measured.n_seen",
        help_text="Notices counted from the day the registry first saw the date.",
    )
    n_without_announcement = serializers.IntegerField(
        source="measured.n_without",
        help_text="Ends left out: no announcement day is known, or it is the end's own.",
    )
    promises = KeptSerializer(
        source="measured.kept", many=True, help_text="Judged by today's policy."
    )
    moves = MovesSerializer()
    notices = RetirementNoticeSerializer(
        source="measured.told", many=True, help_text="By announcement, the earliest first."
    )


class ProviderViewSet(GovernedViewSet[Provider]):
    """Parties in the chain: developers, hosts, gateways, resellers. Governance keeps what is known
    of them."""

    model = Provider
    serializer_class = ProviderSerializer
    filterset_class = ProviderFilter
    files = {"track_record": FileRows(RetirementNoticeSerializer, "notices")}
    lookup_field = "slug"
    lookup_value_regex = SLUG
    orders = BY_SLUG

    @extend_schema(request=ProviderChangeSerializer, responses=ProviderSerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Change some facts, with the checks of its page; for governance."""
        provider = self.governed("parent")
        facts = self.validated(ProviderChangeSerializer, instance=provider, partial=True)
        change_provider(
            provider=provider, reason=facts.pop("reason", ""), facts=facts, by=self.user
        )
        return self.answer(provider)

    @extend_schema(
        summary="What a provider's announcements were like", responses=TrackRecordSerializer
    )
    @action(
        detail=True,
        pagination_class=None,
        filterset_class=None,
        picks_fields=False,
        url_path="track-record",
    )
    def track_record(self, request: Request, slug: str) -> Response:
        """Measured from the accepted ends at this host and from the registry's own events: notices
        in days, promises kept, dates moved. No grade and no score; price changes are single events,
        under provider-events."""
        provider = self.subject("parent")
        found = provider_track_record(provider)
        body = {
            "provider": provider.slug,
            "on": day_of(now()),
            "measured": found.measured,
            "moves": found.moves,
        }
        return Response(TrackRecordSerializer(body).data)


class FoundationSerializer(serializers.ModelSerializer[Foundation]):
    developer = serializers.CharField(source="developer.slug", read_only=True, help_text="Slug.")

    class Meta:
        model = Foundation
        fields = [
            "id",
            "slug",
            "name",
            "line",
            "family",
            "developer",
            "modalities",
            "licence",
            "open_weights",
            "acceptable_use_url",
            "source_url",
            "source_on",
            "created_at",
            "updated_at",
        ]
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
    developer = serializers.CharField(
        source="foundation.developer.slug", read_only=True, help_text="Slug."
    )
    predecessor = serializers.CharField(
        source="predecessor.identifier", read_only=True, allow_null=True, help_text="Identifier."
    )

    class Meta:
        model = Version
        fields = [
            "id",
            "identifier",
            "name",
            "foundation",
            "developer",
            "moving",
            "released_on",
            "released_precision",
            "knowledge_cutoff",
            "context_window",
            "access",
            "predecessor",
            "names",
            "aliases",
            "repositories",
            "source_url",
            "source_on",
            "created_at",
            "updated_at",
        ]
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
    region = serializers.CharField(
        source="region_scope", read_only=True, help_text="Empty: not tied to one."
    )
    tier = serializers.CharField(source="service_tier", read_only=True)
    version = serializers.CharField(
        source="version.identifier",
        read_only=True,
        allow_null=True,
        help_text="Identifier; null while unresolved.",
    )
    alias = serializers.CharField(
        source="alias.identifier",
        read_only=True,
        allow_null=True,
        help_text="The moving name it is called by.",
    )
    foundation = serializers.CharField(
        source="version.foundation.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    developer = serializers.CharField(
        source="version.foundation.developer.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug.",
    )
    gateway = serializers.CharField(
        source="gateway.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    regions = serializers.ListField(
        source="region_names",
        child=serializers.CharField(),
        read_only=True,
        help_text="Where the host runs it.",
    )
    days_left = serializers.IntegerField(
        source="retires_on",
        read_only=True,
        allow_null=True,
        help_text="Until `retires_on`; negative once past.",
    )
    replacement = serializers.IntegerField(
        source="replacement_id",
        read_only=True,
        allow_null=True,
        help_text="Id of the offering the host names.",
    )

    class Meta:
        model = Offering
        fields = [
            "id",
            "host",
            "api_id",
            "region",
            "tier",
            "name",
            "category",
            "version",
            "alias",
            "foundation",
            "developer",
            "binding",
            "gateway",
            "regions",
            "not_a_model",
            "identity_confidence",
            "identity_why",
            "lifecycle",
            "announced_on",
            "retires_on",
            "date_kind",
            "days_left",
            "end_behaviour",
            "replacement",
            "replacement_text",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class EarliestSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    why = serializers.ListField(
        child=serializers.CharField(), help_text="Sentences, the decisive one first."
    )
    source_url = serializers.CharField(allow_blank=True)
    source_on = serializers.DateField(
        allow_null=True, help_text="The day on which the page said so."
    )


class OfferingDetailSerializer(OfferingSerializer):
    earliest_end = EarliestSerializer(
        read_only=True,
        allow_null=True,
        help_text="Where no end is announced: before this day there is none, by what the host "
        "has published. Not a "
        "retirement date. Null where an end is announced or no policy is known.",
    )

    class Meta(OfferingSerializer.Meta):
        fields = [*OfferingSerializer.Meta.fields, "earliest_end"]
        read_only_fields = fields


def _earliest_retirement(
    slug: str,
    api_id: str,
    category: str,
    lifecycle: str,
    retires_on: date | None,
    date_kind: str,
    released_on: date | None,
    host: int,
    above: int | None,
    developer: int | None,
    claim_url: str | None,
    not_a_model: bool,
    policies: list[dict[str, Any]],
) -> dict[str, Any] | None:
    if not_a_model:
        return None
    earliest = offering_earliest_retirement(
        day_of(now()),
        host=slug,
        api_id=api_id,
        category=category,
        lifecycle=lifecycle,
        retires_on=retires_on,
        date_kind=date_kind,
        released_on=released_on,
        is_partners=is_partners(host, above, developer),
        policies=[
            PublishedMinimum(
                **{
                    **row,
                    "source_on": date.fromisoformat(row["source_on"]) if row["source_on"] else None,
                }
            )
            for row in policies
        ],
        not_before_url=claim_url or "",
    )
    return asdict(earliest) if earliest else None


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
        "region_names": ArraySubquery(
            Region.objects.filter(offerings=OuterRef("pk")).order_by("name").values("name")
        ),
        "host_policies": ArraySubquery(
            NoticePolicy.objects.filter(provider=OuterRef("host"))
            .order_by("pk")
            .values(
                policy=JSONObject(
                    scope="scope",
                    notice_days="notice_days",
                    life_days="life_days",
                    source_url="source_url",
                    source_on="source_on",
                )
            )
        ),
    }
    computed = {
        "days_left": ComputedField(("retires_on",), _days_left),
        "earliest_end": ComputedField(
            (
                "host__slug",
                "api_id",
                "category",
                "lifecycle",
                "retires_on",
                "date_kind",
                "version__released_on",
                "host",
                "host__parent",
                "version__foundation__developer",
                "lifecycle_claim__source_url",
                "not_a_model",
                "host_policies",
            ),
            _earliest_retirement,
        ),
    }

    def get_serializer_class(self) -> type[OfferingSerializer]:
        return (
            OfferingDetailSerializer
            if getattr(self, "action", None) == "retrieve"
            else OfferingSerializer
        )

    @cached_property
    def reader(self) -> RowReader:
        return row_reader_for(type(self), self.get_serializer_class())


class PriceSerializer(serializers.ModelSerializer[Price]):
    host = serializers.CharField(source="offering.host.slug", read_only=True, help_text="Slug.")
    api_id = serializers.CharField(source="offering.api_id", read_only=True)
    valid_from = serializers.DateTimeField(
        source="valid__startswith", read_only=True, allow_null=True
    )
    valid_until = serializers.DateTimeField(
        source="valid__endswith",
        read_only=True,
        allow_null=True,
        help_text="Exclusive; null until further notice.",
    )
    claim = serializers.IntegerField(
        source="claim_id",
        read_only=True,
        allow_null=True,
        help_text="Id of the assertion it rests on.",
    )

    class Meta:
        model = Price
        fields = [
            "id",
            "offering",
            "host",
            "api_id",
            "unit",
            "above_tokens",
            "amount",
            "currency",
            "valid_from",
            "valid_until",
            "claim",
        ]
        read_only_fields = fields


class PriceViewSet(ReadViewSet[Price]):
    """List prices per million units, each for a time range."""

    model = Price
    serializer_class = PriceSerializer
    filterset_class = PriceFilter


@extend_schema_field({})
class AnyField(serializers.JSONField):
    """Any JSON, null among it."""


class AssertionSerializer(serializers.ModelSerializer[Assertion]):
    source = serializers.CharField(source="source.slug", read_only=True, help_text="Slug.")  # type: ignore[assignment]
    asserted_by = serializers.CharField(
        source="asserted_by.username",
        read_only=True,
        allow_null=True,
        help_text="Who entered it by hand.",
    )
    pending = AnyField(read_only=True, help_text="A value that must prove itself first.")

    class Meta:
        model = Assertion
        fields = [
            "id",
            "source",
            "external_id",
            "topic",
            "offering",
            "value",
            "excerpt",
            "source_url",
            "first_seen",
            "changed_at",
            "missing_since",
            "withdrawn_at",
            "pending",
            "pending_since",
            "held",
            "asserted_by",
            "reason",
        ]
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
        source="evidence_ids",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="Ids of assertions.",
    )

    class Meta:
        model = ProviderEvent
        fields = [
            "id",
            "key",
            "kind",
            "source",
            "external_id",
            "offering",
            "host",
            "api_id",
            "old",
            "new",
            "effective_on",
            "detected_at",
            "evidence",
        ]
        read_only_fields = fields


class ProviderEventViewSet(ReadViewSet[ProviderEvent]):
    """Changes the catalogue has accepted; latest first."""

    model = ProviderEvent
    serializer_class = ProviderEventSerializer
    filterset_class = ProviderEventFilter
    feed_renderers = (EventsAtomRenderer,)
    orders = {
        "-detected_at": Keyset(("-detected_at", "-id")),
        "detected_at": Keyset(("detected_at", "id")),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }
    annotations: ClassVar[dict[str, Any]] = {
        "evidence_ids": ArraySubquery(
            Assertion.objects.filter(events=OuterRef("pk")).order_by("pk").values("pk")
        ),
    }


@extend_schema_view(list=extend_schema(summary="Applications an event affects"))
class AffectedApplicationViewSet(ApplicationViewSet):
    """Applications with a live dependency, in any role, on what the event reaches: other names of
    the same release at that host, its regions, fine-tunes served there. Gravest first; today's
    portfolio."""

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
