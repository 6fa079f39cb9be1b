"""Migration campaigns and their progress."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import ConfirmingMixin, ReasonMixin, today
from apps.catalog.models import Offering, ProviderEvent, RetirementAnnouncement
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.exposure.campaigns import lifecycle
from apps.exposure.campaigns.filters import CampaignFilter
from apps.exposure.campaigns.progress import campaign_progress
from apps.exposure.campaigns.target_checks import breaks_of_default_target
from apps.exposure.models import Campaign
from apps.inventory.candidate_checks import refuse_unconfirmed


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    subject_host = serializers.CharField(
        source="subject.host.slug",
        read_only=True,
        help_text="Slug of the host of the offering that retires.",
    )
    subject_api_id = serializers.CharField(source="subject.api_id", read_only=True)
    offerings = serializers.ListField(
        source="offering_ids",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="IDs of all offerings that the campaign is about; `subject` represents them.",
    )
    ends_on = serializers.DateField(source="subject.retires_on", read_only=True, allow_null=True)
    target_host = serializers.CharField(
        source="target.host.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the host of the usual target; null without one.",
    )
    target_api_id = serializers.CharField(source="target.api_id", read_only=True, allow_null=True)
    targets = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="Targets by offering ID, of a campaign that was planned from a scenario.",
    )
    opened_by = serializers.CharField(source="opened_by.username", read_only=True)
    closed_by = serializers.CharField(source="closed_by.username", read_only=True, allow_null=True)

    class Meta:
        model = Campaign
        fields = [
            "id",
            "title",
            "event",
            "announcement",
            "subject",
            "offerings",
            "subject_host",
            "subject_api_id",
            "ends_on",
            "target",
            "target_host",
            "target_api_id",
            "targets",
            "state",
            "due_on",
            "note",
            "opened_by",
            "opened_at",
            "closed_by",
            "closed_at",
            "closing_note",
            "updated_at",
        ]
        read_only_fields = fields


class OpenCampaignSerializer(ConfirmingMixin, ReasonMixin):
    event = serializers.PrimaryKeyRelatedField(
        queryset=ProviderEvent.objects.all(),
        required=False,
        help_text="ID of the provider event, instead of `offering`.",
    )
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(),
        required=False,
        help_text="ID of the offering that retires, announced or not.",
    )
    announcement = serializers.PrimaryKeyRelatedField(
        queryset=RetirementAnnouncement.objects.all(),
        required=False,
        help_text="ID of an announced retirement: one campaign for all model IDs that it covers.",
    )
    target = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(),
        required=False,
        help_text="ID of the offering to migrate to; the announced successor or the host's "
        "replacement if absent.",
    )
    title = serializers.CharField(
        required=False, max_length=200, help_text="Title; derived from the event if absent."
    )
    due_on = serializers.DateField(required=False, help_text="Latest finish date of all tasks.")
    note = serializers.CharField(required=False, max_length=10_000)


class CampaignChangeSerializer(ConfirmingMixin, ReasonMixin):
    title = serializers.CharField(required=False, max_length=200)
    target = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(),
        required=False,
        help_text="ID of the offering to migrate to.",
    )
    due_on = serializers.DateField(required=False)
    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000)


class CloseCampaignSerializer(ReasonMixin):
    closing_note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        help_text="Closing note; required while tasks are unfinished.",
    )


class NeededReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, help_text="Reason, for the audit log.")


class TaskCountSerializer(serializers.Serializer[Any]):
    n_tasks = serializers.IntegerField(
        help_text="Number of tasks that were added or whose dates changed."
    )


class CampaignProgressSerializer(serializers.Serializer[Any]):
    by_state = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Number of tasks by state, including states without tasks.",
    )
    n_tasks = serializers.IntegerField()
    n_settled = serializers.IntegerField(
        help_text="Number of tasks signed off or no longer needed; deferred tasks are not included."
    )
    n_overdue = serializers.IntegerField(
        help_text="Number of tasks unfinished after their finish date."
    )
    n_too_late = serializers.IntegerField(
        help_text="Number of tasks that no longer fit before their finish date."
    )
    n_unowned = serializers.IntegerField()
    next_finish_by = serializers.DateField(allow_null=True)
    days_left = serializers.IntegerField(
        allow_null=True,
        help_text="Days until the offering retires; negative if past; null without a "
        "retirement date.",
    )
    n_steps = serializers.IntegerField(
        help_text="Number of required steps, without those of obsolete tasks."
    )
    n_steps_done = serializers.IntegerField()
    step_share = serializers.FloatField(allow_null=True)
    whole_campaign = serializers.BooleanField(
        help_text="Whether all tasks are counted; false for the tasks that you can view only."
    )


class CampaignViewSet(ReadViewSet[Campaign]):
    """Migration campaigns: tasks to migrate or re-test all dependencies affected by one event.
    Governance users open them. They are visible with an organisation role and to the teams with a
    task."""

    model = Campaign
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}
    annotations = {
        "offering_ids": ArraySubquery(
            Campaign.offerings.through.objects.filter(campaign=OuterRef("pk"))
            .order_by("offering_id")
            .values("offering_id")
        )
    }

    @extend_schema(
        request=OpenCampaignSerializer, responses={200: CampaignSerializer, 201: CampaignSerializer}
    )
    def create(self, request: Request) -> Response:
        """Open a campaign for an event, an offering or an announced retirement. Requires the
        governance role. If one is open for the same, the answer is that one, with 200. The answer
        is 409 if `target` breaks something and is not confirmed."""
        self._require_governance()
        data = self.validated(OpenCampaignSerializer)
        confirmed, target = data.pop("confirm_breaks", False), data.get("target")
        opened_at = now()
        with transaction.atomic():
            campaign = lifecycle.open_campaign(by=self.user, at=opened_at, **data)
            is_new = campaign.opened_at == opened_at
            if is_new and target is not None:
                breaks = breaks_of_default_target(campaign, target, on=today())
                refuse_unconfirmed(breaks, confirmed=confirmed)
        return self.answer(campaign, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(request=CampaignChangeSerializer, responses=CampaignSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the title, usual target, latest finish date or note. Requires the governance
        role. The answer is 409 if a new target breaks something and is not confirmed."""
        campaign = self._load_governed()
        data = self.validated(CampaignChangeSerializer)
        confirmed, target = data.pop("confirm_breaks", False), data.get("target")
        with transaction.atomic():
            changed_campaign = lifecycle.change_campaign(campaign=campaign, by=self.user, **data)
            if target is not None and target.pk != campaign.target_id:
                breaks = breaks_of_default_target(changed_campaign, target, on=today())
                refuse_unconfirmed(breaks, confirmed=confirmed)
        return self.answer(changed_campaign)

    @extend_schema(request=ReasonMixin, responses=TaskCountSerializer)
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, pk: str) -> Response:
        """Add tasks for dependencies affected since, and steps for adaptations recorded since."""
        campaign = self._load_governed()
        n_tasks = lifecycle.extend_campaign(
            campaign=campaign, at=now(), by=self.user, **self.validated(ReasonMixin)
        )
        return Response({"n_tasks": n_tasks})

    @extend_schema(request=ReasonMixin, responses=TaskCountSerializer)
    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, pk: str) -> Response:
        """Recalculate the dates of all unfinished tasks. Manually set dates are replaced."""
        campaign = self._load_governed()
        n_tasks = lifecycle.reschedule_campaign(
            campaign=campaign, at=now(), by=self.user, **self.validated(ReasonMixin)
        )
        return Response({"n_tasks": n_tasks})

    @extend_schema(request=CloseCampaignSerializer, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Close a campaign. Repeating the request changes nothing."""
        campaign = self._load_governed()
        return self.answer(
            lifecycle.close_campaign(
                campaign=campaign, at=now(), by=self.user, **self.validated(CloseCampaignSerializer)
            )
        )

    @extend_schema(request=NeededReasonSerializer, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Reopen a closed campaign."""
        campaign = self._load_governed()
        return self.answer(
            lifecycle.reopen_campaign(
                campaign=campaign, by=self.user, **self.validated(NeededReasonSerializer)
            )
        )

    @extend_schema(responses=CampaignProgressSerializer, parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def progress(self, request: Request, pk: str) -> Response:
        """Progress as of today: of all tasks for organisation roles, otherwise of those you can
        view."""
        campaign = self.subject("subject")
        progress_by_campaign = campaign_progress(
            campaigns=[campaign.pk], user=self.user, on=today()
        )
        return Response(CampaignProgressSerializer(progress_by_campaign[campaign.pk]).data)

    def _load_governed(self) -> Campaign:
        campaign = self.subject("subject")
        self._require_governance()
        return campaign

    def _require_governance(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied(
                "You need the governance or administrator role to change campaigns. Contact "
                "a governance user."
            )
