"""Retirements that users announce for a set of model IDs."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.views import BY_ID, ReadViewSet
from apps.catalog.filters import RetirementAnnouncementFilter
from apps.catalog.models import (
    AnnouncedOffering,
    DateKind,
    Foundation,
    Offering,
    Provider,
    RetirementAnnouncement,
    Version,
)
from apps.catalog.models.announcements import SUBJECT_FIELDS
from apps.catalog.retirements.announcements import (
    AnnouncementPreview,
    RetirementTerms,
    preview_announcement,
)
from apps.catalog.retirements.coverage import MAX_COVERED_OFFERINGS, offering_ids_by_name
from apps.common.database.keyset_pagination import Keyset
from apps.common.errors import ForbiddenError
from apps.common.time import day_of, now
from apps.exposure.queries.announcement_reach import affected_application_ids
from apps.inventory.models import Application
from apps.issues.retirements import announce_and_evaluate, withdraw_and_evaluate

GOVERNANCE_ONLY = (
    "You need the governance or administrator role to announce retirements. Contact a governance "
    "user."
)


class RetirementAnnouncementSerializer(serializers.ModelSerializer[RetirementAnnouncement]):
    version = serializers.CharField(
        source="version.identifier",
        read_only=True,
        allow_null=True,
        help_text="Identifier of the version; null if the announcement is about something else.",
    )
    foundation = serializers.CharField(
        source="foundation.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the foundation; null if the announcement is about something else.",
    )
    provider = serializers.CharField(
        source="provider.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the provider; null if the announcement is about something else.",
    )
    offerings = serializers.ListField(
        source="offering_ids",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="IDs of the offerings that it covers.",
    )
    events = serializers.ListField(
        source="event_ids",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="IDs of the provider events that it raised: together they are this one fact.",
    )
    announced_by = serializers.CharField(
        source="announced_by.username",
        read_only=True,
        allow_null=True,
        help_text="Username; null for the command line.",
    )
    withdrawn_by = serializers.CharField(
        source="withdrawn_by.username", read_only=True, allow_null=True
    )

    class Meta:
        model = RetirementAnnouncement
        fields = [
            "id",
            "version",
            "foundation",
            "provider",
            "offering",
            "scope",
            "offerings",
            "events",
            "retires_on",
            "date_kind",
            "successor",
            "source_url",
            "notice_text",
            "announced_by",
            "announced_at",
            "withdrawn_by",
            "withdrawn_at",
            "withdrawal_reason",
        ]
        read_only_fields = fields


class AnnounceRetirementSerializer(serializers.Serializer[Any]):
    """The retirement of one `version`, `foundation`, `provider` or `offering`."""

    version = serializers.SlugRelatedField(
        slug_field="identifier", queryset=Version.objects.all(), required=False
    )
    foundation = serializers.SlugRelatedField(
        slug_field="slug", queryset=Foundation.objects.all(), required=False
    )
    provider = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Provider.objects.all(),
        required=False,
        help_text="Slug: everything that the provider serves.",
    )
    offering = serializers.PrimaryKeyRelatedField(queryset=Offering.objects.all(), required=False)
    retires_on = serializers.DateField(help_text="Retirement date, today or later.")
    date_kind = serializers.ChoiceField(
        choices=DateKind.choices,
        default=DateKind.FIRM,
        help_text="`firm` for an announced date, `not_before` for an earliest one.",
    )
    hosts = serializers.ListField(
        child=serializers.SlugRelatedField(slug_field="slug", queryset=Provider.objects.all()),
        required=False,
        max_length=100,
        help_text="Slugs of hosts; all hosts if absent.",
    )
    model_ids = serializers.ListField(
        child=serializers.CharField(max_length=300),
        required=False,
        max_length=MAX_COVERED_OFFERINGS,
        help_text="Model IDs on these hosts; all that are still served if absent.",
    )
    offerings = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=MAX_COVERED_OFFERINGS,
        help_text="IDs of offerings, instead of `model_ids`.",
    )
    successor = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.select_related("host"),
        required=False,
        allow_null=True,
        help_text="ID of the offering that the provider names as successor.",
    )
    source_url = serializers.URLField(required=False, allow_blank=True, max_length=1000)
    notice_text = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        help_text="Text of the notice, as the provider wrote it.",
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Answer with what it would cover, and write nothing."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        names = [name for name in SUBJECT_FIELDS if name in attrs]
        if len(names) != 1:
            raise serializers.ValidationError(
                "Send exactly one version, foundation, provider or offering."
            )
        if "model_ids" in attrs and "offerings" in attrs:
            raise serializers.ValidationError(
                {"offerings": "Send either `model_ids` or `offerings`."}
            )
        attrs["subject"] = attrs.pop(names[0])
        return attrs


class WithdrawAnnouncementSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=10_000, help_text="Reason for the withdrawal.")


class CoveredOfferingSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    host = serializers.CharField(help_text="Slug of the host.")
    api_id = serializers.CharField()
    region = serializers.CharField(allow_blank=True)
    retires_on = serializers.DateField(allow_null=True, help_text="Present retirement date.")
    date_kind = serializers.CharField(allow_blank=True)
    lifecycle = serializers.CharField()
    covered = serializers.BooleanField(
        help_text="Whether the announcement covers it. Retired ones and aliases that move on to "
        "other versions are left out."
    )
    announcement = serializers.IntegerField(
        allow_null=True, help_text="ID of the open announcement that covers it already."
    )


class AnnouncementPreviewSerializer(serializers.Serializer[Any]):
    """Preview of an announcement: the model IDs that it covers and the affected applications."""

    repeated = serializers.IntegerField(
        allow_null=True, help_text="ID of the open announcement that says the same."
    )
    offerings = CoveredOfferingSerializer(many=True)
    applications = serializers.ListField(
        child=serializers.CharField(),
        help_text="Slugs of the affected applications, most critical first.",
    )


class RetirementAnnouncementViewSet(ReadViewSet[RetirementAnnouncement]):
    """Retirements that governance users announced, each as one fact for the model IDs that it
    covers. Dates that feeds publish are `provider-events/` alone."""

    model = RetirementAnnouncement
    serializer_class = RetirementAnnouncementSerializer
    filterset_class = RetirementAnnouncementFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    annotations = {
        "offering_ids": ArraySubquery(
            AnnouncedOffering.objects.filter(announcement=OuterRef("pk"))
            .order_by("offering_id")
            .values("offering_id")
        ),
        "event_ids": ArraySubquery(
            AnnouncedOffering.objects.filter(announcement=OuterRef("pk"), event__isnull=False)
            .order_by("event_id")
            .values("event_id")
        ),
    }

    @extend_schema(
        request=AnnounceRetirementSerializer,
        responses={
            200: AnnouncementPreviewSerializer,
            201: RetirementAnnouncementSerializer,
        },
    )
    def create(self, request: Request) -> Response:
        """Announce a retirement: dates, events and issues for all model IDs that it covers.
        Requires the governance role. With `dry_run` the answer is what it would cover, with 200.
        The same announcement again changes nothing."""
        self._require_governance()
        body = self.validated(AnnounceRetirementSerializer)
        terms = self._terms(body)
        at = now()
        if body["dry_run"]:
            preview = preview_announcement(terms, on=day_of(at))
            return Response(AnnouncementPreviewSerializer(self._preview_body(preview)).data)
        outcome = announce_and_evaluate(terms, at=at, by=self.user)
        return self.answer(outcome.announcement, status.HTTP_201_CREATED)

    @extend_schema(
        request=WithdrawAnnouncementSerializer, responses=RetirementAnnouncementSerializer
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Undo an announcement: the dates of before apply again. 409 if a user changed one of them
        later."""
        announcement = self.subject()
        self._require_governance()
        body = self.validated(WithdrawAnnouncementSerializer)
        outcome = withdraw_and_evaluate(
            announcement=announcement, at=now(), by=self.user, reason=body["reason"]
        )
        return self.answer(outcome.announcement)

    def _require_governance(self) -> None:
        if not self.user.is_governance:
            raise ForbiddenError(GOVERNANCE_ONLY)

    def _terms(self, body: dict[str, Any]) -> RetirementTerms:
        hosts = body.get("hosts", ())
        offering_ids = body.get("offerings")
        if "model_ids" in body:
            offering_ids = offering_ids_by_name(body["subject"], body["model_ids"], hosts=hosts)
        return RetirementTerms(
            subject=body["subject"],
            retires_on=body["retires_on"],
            date_kind=body["date_kind"],
            hosts=hosts,
            offering_ids=offering_ids,
            successor=body.get("successor"),
            source_url=body.get("source_url", ""),
            notice_text=body.get("notice_text", ""),
        )

    def _preview_body(self, preview: AnnouncementPreview) -> dict[str, Any]:
        application_ids = affected_application_ids(
            offering_ids=[offering.pk for offering in preview.offerings],
            on=day_of(now()),
            retires_on=preview.terms.retires_on,
        )
        applications = (
            Application.objects.visible_to(self.user)
            .filter(pk__in=application_ids)
            .order_by("criticality", "pk")
        )
        covered_ids = {offering.pk for offering in preview.offerings}
        return {
            "repeated": preview.repeated.pk if preview.repeated else None,
            "offerings": [
                {
                    "id": row.offering.pk,
                    "host": row.offering.host.slug,
                    "api_id": row.offering.api_id,
                    "region": row.offering.region_scope,
                    "retires_on": row.offering.retires_on,
                    "date_kind": row.offering.date_kind,
                    "lifecycle": row.offering.lifecycle,
                    "covered": row.offering.pk in covered_ids,
                    "announcement": row.open_announcement.pk if row.open_announcement else None,
                }
                for row in preview.rows
            ],
            "applications": list(applications.values_list("slug", flat=True)),
        }
