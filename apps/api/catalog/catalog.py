"""Providers, foundations, versions, offerings, prices, assertions and the events of the
catalogue."""

from dataclasses import asdict
from datetime import date
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce, JSONObject
from django.http import Http404
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.catalog.capabilities import CapabilitiesMixin
from apps.api.catalog.data_terms import DataTermsMixin
from apps.api.framework.export_formats import EventsAtomRenderer
from apps.api.framework.file_responses import FileRows
from apps.api.framework.record_views import RecordViewSet, record_schema
from apps.api.framework.row_reader import ComputedField, RowReader
from apps.api.framework.views import BY_ID, ReadViewSet, row_reader_for
from apps.api.inventory.applications import (
    AffectedApplicationSerializer,
    ApplicationViewSet,
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
    FEATURE_KINDS,
    Assertion,
    Foundation,
    NoticePolicy,
    Offering,
    OfferingCandidate,
    OfferingStage,
    Price,
    Provider,
    ProviderEvent,
    Region,
    RegionalRetirement,
    Stage,
    Version,
)
from apps.catalog.providers.date_moves import MoveLengths
from apps.catalog.providers.earliest_retirement import (
    PublishedMinimum,
    offering_earliest_retirement,
)
from apps.catalog.providers.outages import RECORD_THRESHOLDS, OutageCounts
from apps.catalog.providers.releases import ReleaseIntervals
from apps.catalog.providers.track_record import ModelRetirement, NoticeHalf, PolicyCompliance
from apps.catalog.providers.track_record_queries import (
    is_partners,
    provider_releases,
    provider_track_record,
)
from apps.catalog.records.hosting import OfferingRecord
from apps.catalog.records.identities import FoundationRecord, VersionRecord
from apps.catalog.records.prices import PriceRecord
from apps.catalog.records.providers import ProviderRecord
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import day_of, now
from apps.exposure.models.settings import OUTAGE_IMPACTS
from apps.exposure.queries.dependents import affected_applications
from apps.feeds.outage_records import outage_records
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
        source="parent.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the parent company; null if there is none.",
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


class RetirementNoticeSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(
        help_text="Identifier of the version; model ID if the version is unresolved."
    )
    offering = serializers.IntegerField(
        source="offering_id", help_text="ID of one of the offerings of the model on this host."
    )
    api_id = serializers.CharField()
    n_offerings = serializers.IntegerField(
        help_text="Number of offerings of the model on this host with the same retirement date."
    )
    announced_on = serializers.DateField()
    first_seen_here = serializers.BooleanField(
        source="is_seen",
        help_text="Whether the announcement date is the date on which the registry first "
        "saw the retirement date, because no source publishes it. The true "
        "notice period might be longer.",
    )
    ends_on = serializers.DateField()
    notice_days = serializers.IntegerField()
    kind = serializers.CharField(
        source="scope", help_text="Scope of the notice period: general, specialised or preview."
    )
    source = serializers.SerializerMethodField(help_text="Source of the announcement date.")  # type: ignore[assignment]
    source_url = serializers.CharField(allow_blank=True)

    def get_source(self, retirement: ModelRetirement) -> str:
        return retirement.told_by or retirement.source


class StatisticSerializer(serializers.Serializer[Any]):
    n_models = serializers.IntegerField()
    n_announcements = serializers.IntegerField(
        help_text="Number of distinct announcement dates; models are announced in batches."
    )
    median_days = serializers.FloatField()
    is_lower_bound = serializers.BooleanField(
        source="is_bound",
        help_text="Whether some notice periods are counted from the date on which the "
        "retirement date was first seen.",
    )
    shortest_days = serializers.IntegerField(
        source="shortest.notice_days",
        help_text="Shortest notice period in days, by published dates.",
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
    days = serializers.IntegerField(help_text="Published minimum in days.")
    n_kept = serializers.IntegerField()
    n = serializers.IntegerField(
        help_text="Number of retirements that could be compared with the policy."
    )
    n_not_judged = serializers.IntegerField(source="n_open")
    last_miss_on = serializers.DateField(allow_null=True)
    source_url = serializers.CharField(source="policy.source_url")
    source_on = serializers.DateField(source="policy.source_on", allow_null=True)


class MoveLengthsSerializer(serializers.Serializer[MoveLengths]):
    n = serializers.IntegerField(help_text="Number of moves in this direction.")
    median_days = serializers.FloatField()
    longest_days = serializers.IntegerField()


class MovesSerializer(serializers.Serializer[Any]):
    since = serializers.DateField(
        allow_null=True,
        help_text="Date of the first observation of the host; null if there is none.",
    )
    n_dated = serializers.IntegerField(
        help_text="Number of offerings with an announced retirement date that was in the "
        "future on that date."
    )
    n_later = serializers.IntegerField()
    n_earlier = serializers.IntegerField()
    n_withdrawn = serializers.IntegerField()
    n_retired = serializers.IntegerField(
        help_text="Number of offerings that retired on their announced date."
    )
    n_kept = serializers.IntegerField(
        help_text="Number of those whose date was never moved since it was announced."
    )
    later = MoveLengthsSerializer(
        allow_null=True, help_text="Days by which dates moved later; null if none did."
    )
    earlier = MoveLengthsSerializer(
        allow_null=True, help_text="Days by which dates moved earlier; null if none did."
    )
    n_left_before_their_day = serializers.IntegerField(source="n_delisted_dated")
    n_left_without_notice = serializers.IntegerField(source="n_delisted")


class OutageCountSerializer(serializers.Serializer[OutageCounts]):
    impact = serializers.ChoiceField(
        source="threshold.impact",
        choices=OUTAGE_IMPACTS,
        help_text="Minimum impact that counts, as the status page states it.",
    )
    hours = serializers.FloatField(
        source="threshold.hours", help_text="Minimum length that counts, in hours."
    )
    n = serializers.IntegerField(help_text="Number of outages.")
    per_year = serializers.FloatField(
        allow_null=True, help_text="Outages per year; null without a full month."
    )


class OutageRecordSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(help_text="Slug of the status source.")  # type: ignore[assignment]
    observed_from = serializers.DateTimeField()
    observed_until = serializers.DateTimeField()
    n_months = serializers.IntegerField(
        help_text="Months observed from their first to their last day, at most 24; only "
        "these are counted."
    )
    counts = OutageCountSerializer(many=True, help_text="Outages by threshold.")


class ReleasesSerializer(serializers.Serializer[ReleaseIntervals]):
    n_versions = serializers.IntegerField(help_text="Versions released in the last two years.")
    n_days = serializers.IntegerField(help_text="Number of distinct release days.")
    n_undated = serializers.IntegerField(
        help_text="Versions without a release date that is known to the day."
    )
    first_on = serializers.DateField(allow_null=True)
    last_on = serializers.DateField(allow_null=True)
    median_days = serializers.FloatField(
        allow_null=True,
        help_text="Median of the days between release days; null below 4 intervals.",
    )
    shortest_days = serializers.IntegerField(allow_null=True)
    longest_days = serializers.IntegerField(allow_null=True)


class TrackRecordSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField(help_text="Slug of the provider.")
    on = serializers.DateField()
    statistic = StatisticSerializer(
        source="measured.notices",
        allow_null=True,
        help_text="Statistics of the notice periods in days; null for fewer than 5 announcements.",
    )
    halves = HalfSerializer(
        source="measured.halves",
        many=True,
        allow_null=True,
        help_text="Statistics of the earlier and the later half; null for fewer than 10 "
        "announcements.",
    )
    changed = serializers.BooleanField(
        source="measured.has_changed",
        help_text="Whether the median of the later half differs by 25% or more.",
    )
    n_announcements = serializers.IntegerField(source="measured.n_announcements")
    n_first_seen_here = serializers.IntegerField(
        source="measured.n_seen",
        help_text="Number of notice periods counted from the date on which the registry "
        "first saw the retirement date.",
    )
    n_without_announcement = serializers.IntegerField(
        source="measured.n_without",
        help_text="Number of retirements left out because the announcement date is "
        "unknown or equals the retirement date.",
    )
    promises = KeptSerializer(
        source="measured.kept", many=True, help_text="Compliance with the current policy."
    )
    moves = MovesSerializer()
    outages = OutageRecordSerializer(
        allow_null=True,
        help_text="Outages by the status page of the host; null if none is read, or if it "
        "states no impact.",
    )
    releases = ReleasesSerializer(
        help_text="Days between the releases of the versions that the provider develops."
    )
    notices = RetirementNoticeSerializer(
        source="measured.told",
        many=True,
        help_text="Notice periods by announcement date, earliest first.",
    )


@extend_schema_view(**record_schema(ProviderRecord, ProviderSerializer))
class ProviderViewSet(RecordViewSet[Provider]):
    """Providers: developers, hosts, gateways and vendors. Governance users maintain them."""

    model = Provider
    record = ProviderRecord()
    serializer_class = ProviderSerializer
    filterset_class = ProviderFilter
    files = {"track_record": FileRows(RetirementNoticeSerializer, "notices")}
    lookup_field = "slug"
    lookup_value_regex = SLUG
    orders = BY_SLUG

    @extend_schema(summary="Track record of a provider", responses=TrackRecordSerializer)
    @action(
        detail=True,
        pagination_class=None,
        filterset_class=None,
        picks_fields=False,
        url_path="track-record",
    )
    def track_record(self, request: Request, slug: str) -> Response:
        """Notice periods in days, kept promises and moved dates, measured from retirements on this
        host and from provider events; outages by threshold, and days between releases. No scores.
        Price changes are under provider-events."""
        provider = self.subject("parent")
        record = provider_track_record(provider)
        today = day_of(now())
        body = {
            "provider": provider.slug,
            "on": today,
            "measured": record.measured,
            "moves": record.moves,
            "outages": _outages_of(provider),
            "releases": provider_releases(provider, today=today),
        }
        return Response(TrackRecordSerializer(body).data)


def _outages_of(provider: Provider) -> dict[str, Any] | None:
    """Return the outages of a host; None without a record."""
    record = outage_records([provider.pk]).get(provider.pk)
    if record is None:
        return None
    counts = [record.count(threshold) for threshold in RECORD_THRESHOLDS]
    return {
        "source": record.source.public_slug,
        "observed_from": record.observed_from,
        "observed_until": record.observed_until,
        "n_months": len(counts[0].months),
        "counts": counts,
    }


class FoundationSerializer(serializers.ModelSerializer[Foundation]):
    developer = serializers.CharField(
        source="developer.slug", read_only=True, help_text="Slug of the developer."
    )

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


@extend_schema_view(**record_schema(FoundationRecord, FoundationSerializer))
class FoundationViewSet(RecordViewSet[Foundation]):
    """Foundations: pretrained model generations."""

    model = Foundation
    record = FoundationRecord()
    serializer_class = FoundationSerializer
    filterset_class = FoundationFilter
    lookup_field = "slug"
    lookup_value_regex = SLUG
    orders = BY_SLUG


class VersionSerializer(serializers.ModelSerializer[Version]):
    foundation = serializers.CharField(
        source="foundation.slug", read_only=True, help_text="Slug of the foundation."
    )
    developer = serializers.CharField(
        source="foundation.developer.slug", read_only=True, help_text="Slug of the developer."
    )
    predecessor = serializers.CharField(
        source="predecessor.identifier",
        read_only=True,
        allow_null=True,
        help_text="Identifier of the previous version; null if there is none.",
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


@extend_schema_view(**record_schema(VersionRecord, VersionSerializer))
class VersionViewSet(RecordViewSet[Version]):
    """Versions: releases of foundations. `?identifier=` finds one."""

    model = Version
    record = VersionRecord()
    serializer_class = VersionSerializer
    filterset_class = VersionFilter
    orders = {
        "identifier": Keyset(("identifier",)),
        "-identifier": Keyset(("-identifier",)),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }


class OfferingStageSerializer(serializers.Serializer[Any]):
    stage = serializers.ChoiceField(choices=Stage.choices)
    starts_on = serializers.DateField(
        allow_null=True, help_text="First day of the stage; null if the source states none."
    )
    date_kind = serializers.CharField(
        allow_blank=True, help_text="firm or not_before; empty without a day."
    )
    source = serializers.CharField(help_text="Slug of the source that states it.")  # type: ignore[assignment]


class RegionalRetirementSerializer(serializers.Serializer[Any]):
    region = serializers.CharField()
    retires_on = serializers.DateField(
        allow_null=True, help_text="Retirement in the region; null if the source states no day."
    )
    date_kind = serializers.CharField(
        allow_blank=True, help_text="firm or not_before; empty without a day."
    )
    source = serializers.CharField(help_text="Slug of the source that states it.")  # type: ignore[assignment]


class OfferingSerializer(serializers.ModelSerializer[Offering]):
    host = serializers.CharField(source="host.slug", read_only=True, help_text="Slug of the host.")
    region = serializers.CharField(
        source="region_scope",
        read_only=True,
        help_text="Region of the offering; empty if it is not tied to one.",
    )
    tier = serializers.CharField(source="service_tier", read_only=True)
    version = serializers.CharField(
        source="version.identifier",
        read_only=True,
        allow_null=True,
        help_text="Identifier of the version; null while unresolved.",
    )
    alias = serializers.CharField(
        source="alias.identifier",
        read_only=True,
        allow_null=True,
        help_text="Alias by which the offering is called; null if there is none.",
    )
    foundation = serializers.CharField(
        source="version.foundation.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the foundation; null while unresolved.",
    )
    developer = serializers.CharField(
        source="version.foundation.developer.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the developer; null while unresolved.",
    )
    gateway = serializers.CharField(
        source="gateway.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the gateway; null if there is none.",
    )
    regions = serializers.ListField(
        source="region_names",
        child=serializers.CharField(),
        read_only=True,
        help_text="Regions in which the host serves the offering.",
    )
    candidates = serializers.ListField(
        source="candidate_names",
        child=serializers.CharField(),
        read_only=True,
        help_text="Of a name or a product: identifiers of the versions, or slugs of the "
        "foundations, that it may be.",
    )
    resolved_to = serializers.IntegerField(
        source="resolved_to_id",
        read_only=True,
        allow_null=True,
        help_text="Of a name: ID of the offering that a user chose for it; null until then.",
    )
    stages = OfferingStageSerializer(
        source="stage_rows",
        many=True,
        read_only=True,
        help_text="Stages before the retirement, such as closed_to_new and extended_access.",
    )
    regional_retirements = RegionalRetirementSerializer(
        source="region_rows",
        many=True,
        read_only=True,
        help_text="Retirement by region, where the host states it by region.",
    )
    days_left = serializers.IntegerField(
        source="retires_on",
        read_only=True,
        allow_null=True,
        help_text="Days until retirement; negative if past; null without a retirement date.",
    )
    replacement = serializers.IntegerField(
        source="replacement_id",
        read_only=True,
        allow_null=True,
        help_text="ID of the replacement that the host names; null if there is none.",
    )

    class Meta:
        model = Offering
        fields = [
            "id",
            "host",
            "api_id",
            "region",
            "tier",
            "kind",
            "candidates",
            "resolved_to",
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
            "retires_month",
            "stages",
            "regional_retirements",
            "days_left",
            "end_behaviour",
            "replacement",
            "replacement_text",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields
        extra_kwargs = {"identity_why": {"source": "identity_explanation"}}


class EarliestSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    why = serializers.ListField(
        child=serializers.CharField(), help_text="Reasons as sentences, the decisive one first."
    )
    source_url = serializers.CharField(allow_blank=True)
    source_on = serializers.DateField(
        allow_null=True, help_text="Date on which the page stated the policy."
    )


class OfferingDetailSerializer(OfferingSerializer):
    earliest_end = EarliestSerializer(
        read_only=True,
        allow_null=True,
        help_text="Earliest retirement under the published policy of the host. It is a "
        "lower bound, not a retirement date. Null if a retirement is announced "
        "or no policy is known.",
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
    """Return the earliest retirement that the policies of host and developer allow, as JSON; None
    for records that are no model, or without a policy. The parameters are columns of the row."""
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


@extend_schema_view(**record_schema(OfferingRecord, OfferingSerializer))
class OfferingViewSet(CapabilitiesMixin, DataTermsMixin, RecordViewSet[Offering]):
    """Offerings: models as one host serves them under one model ID. `?host=&api_id=` (with `region`
    and `tier`) finds one. `kind` is `name` or `product` where the model ID is not known. A
    `feature`, `endpoint` or `parameter` of the host is listed only if `kind` asks for it."""

    model = Offering
    record = OfferingRecord()
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
        "candidate_names": ArraySubquery(
            OfferingCandidate.objects.filter(offering=OuterRef("pk"))
            .annotate(
                candidate=Coalesce(
                    "version__identifier", "foundation__slug", output_field=CharField()
                )
            )
            .order_by("pk")
            .values("candidate")
        ),
        "stage_rows": ArraySubquery(
            OfferingStage.objects.filter(offering=OuterRef("pk"))
            .order_by(F("starts_on").asc(nulls_first=True), "pk")
            .values(
                row=JSONObject(
                    stage="stage",
                    starts_on="starts_on",
                    date_kind="date_kind",
                    source="claim__source__slug",
                )
            )
        ),
        "region_rows": ArraySubquery(
            RegionalRetirement.objects.filter(offering=OuterRef("pk"))
            .order_by("region")
            .values(
                row=JSONObject(
                    region="region",
                    retires_on="retires_on",
                    date_kind="date_kind",
                    source="claim__source__slug",
                )
            )
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

    # features are no models
    limit_lifted_by = "kind"

    def limit(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(kind__in=FEATURE_KINDS)

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
    host = serializers.CharField(
        source="offering.host.slug", read_only=True, help_text="Slug of the host."
    )
    api_id = serializers.CharField(source="offering.api_id", read_only=True)
    valid_from = serializers.DateTimeField(
        source="valid__startswith", read_only=True, allow_null=True
    )
    valid_until = serializers.DateTimeField(
        source="valid__endswith",
        read_only=True,
        allow_null=True,
        help_text="End of validity, exclusive; null until further notice.",
    )
    claim = serializers.IntegerField(
        source="claim_id",
        read_only=True,
        allow_null=True,
        help_text="ID of the assertion that the price is based on.",
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


@extend_schema_view(**record_schema(PriceRecord, PriceSerializer))
class PriceViewSet(RecordViewSet[Price]):
    """List prices of offerings, per million units, each for a period. A price that a user enters
    outranks the feeds for its unit. Changing a price ends it, and the answer is the new one."""

    model = Price
    record = PriceRecord()
    serializer_class = PriceSerializer
    filterset_class = PriceFilter

    def row_after(self, row: Price) -> Price:
        """Return the price of the unit that now applies, or starts last."""
        prices = Price.objects.filter(
            offering=row.offering_id, unit=row.unit, above_tokens=row.above_tokens
        )
        return prices.order_by("-valid").first() or row


@extend_schema_field({})
class AnyField(serializers.JSONField):
    """Any JSON value, including null."""


class AssertionSerializer(serializers.ModelSerializer[Assertion]):
    source = serializers.CharField(
        source="source.slug", read_only=True, help_text="Slug of the source."
    )  # type: ignore[assignment]
    asserted_by = serializers.CharField(
        source="asserted_by.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the user who entered the value; null for a source.",
    )
    pending = AnyField(
        read_only=True,
        help_text="Value that must be repeated before it applies; null if there is none.",
    )

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
    """Source values of an offering. They are never deleted."""

    model = Assertion
    serializer_class = AssertionSerializer
    filterset_class = AssertionFilter


class ProviderEventSerializer(serializers.ModelSerializer[ProviderEvent]):
    source = serializers.CharField(
        source="source.slug", read_only=True, help_text="Slug of the source."
    )  # type: ignore[assignment]
    host = serializers.CharField(
        source="offering.host.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the host; null for an event about a provider as a whole.",
    )
    api_id = serializers.CharField(
        source="offering.api_id",
        read_only=True,
        allow_null=True,
        help_text="Model ID; null for an event about a provider as a whole.",
    )
    provider = serializers.CharField(
        source="provider.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the provider that the event is about as a whole, such as a change of "
        "its terms; null for an event about an offering.",
    )
    old = AnyField(
        read_only=True,
        help_text="Previous value: a date, price per unit, ID or digest; null for none.",
    )
    new = AnyField(read_only=True)
    evidence = serializers.ListField(
        source="evidence_ids",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="IDs of the assertions.",
    )
    announcement = serializers.IntegerField(
        source="announced_offering.announcement_id",
        read_only=True,
        allow_null=True,
        help_text="ID of the announced retirement that raised it with others, as one fact.",
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
            "provider",
            "old",
            "new",
            "effective_on",
            "detected_at",
            "evidence",
            "announcement",
        ]
        read_only_fields = fields


class ProviderEventViewSet(ReadViewSet[ProviderEvent]):
    """Accepted changes of the catalogue, latest first."""

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


@extend_schema_view(list=extend_schema(summary="Applications affected by an event"))
class AffectedApplicationViewSet(ApplicationViewSet):
    """Applications with an active dependency, in any role, on what the event affects: other names
    of the same release on that host, its regions, and fine-tunes served there. Most critical first,
    as of today."""

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
