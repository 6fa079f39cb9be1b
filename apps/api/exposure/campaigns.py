"""Refresh campaigns and how far they are; changes go through the actions of the exposure floor."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import ReasonMixin, today
from apps.catalog.models import Offering, ProviderEvent
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.exposure.campaigns import lifecycle
from apps.exposure.campaigns.filters import CampaignFilter
from apps.exposure.campaigns.progress import campaign_progress
from apps.exposure.models import Campaign


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    subject_host = serializers.CharField(
        source="subject.host.slug", read_only=True, help_text="Slug."
    )
    subject_api_id = serializers.CharField(source="subject.api_id", read_only=True)
    ends_on = serializers.DateField(source="subject.retires_on", read_only=True, allow_null=True)
    target_host = serializers.CharField(
        source="target.host.slug", read_only=True, allow_null=True, help_text="Slug."
    )
    target_api_id = serializers.CharField(source="target.api_id", read_only=True, allow_null=True)
    opened_by = serializers.CharField(source="opened_by.username", read_only=True)
    closed_by = serializers.CharField(source="closed_by.username", read_only=True, allow_null=True)

    class Meta:
        model = Campaign
        fields = [
            "id",
            "title",
            "event",
            "subject",
            "subject_host",
            "subject_api_id",
            "ends_on",
            "target",
            "target_host",
            "target_api_id",
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


class OpenCampaignSerializer(ReasonMixin):
    event = serializers.PrimaryKeyRelatedField(
        queryset=ProviderEvent.objects.all(), required=False, help_text="Id; or give `offering`."
    )
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(),
        required=False,
        help_text="Id of what ends, announced or not.",
    )
    target = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(),
        required=False,
        help_text="Id; the host's own replacement where absent.",
    )
    title = serializers.CharField(
        required=False, max_length=200, help_text="Made from the event where absent."
    )
    due_on = serializers.DateField(required=False, help_text="Latest day of all its tasks.")
    note = serializers.CharField(required=False, max_length=10_000)


class CampaignChangeSerializer(ReasonMixin):
    title = serializers.CharField(required=False, max_length=200)
    target = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), required=False, help_text="Id."
    )
    due_on = serializers.DateField(required=False)
    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000)


class CloseCampaignSerializer(ReasonMixin):
    closing_note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        help_text="Required while tasks are not settled.",
    )


class NeededReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, help_text="Why; for the history.")


class TaskCountSerializer(serializers.Serializer[Any]):
    n_tasks = serializers.IntegerField(help_text="Tasks that joined, or whose day changed.")


class CampaignProgressSerializer(serializers.Serializer[Any]):
    by_state = serializers.DictField(
        child=serializers.IntegerField(), help_text="Tasks by state, every state named."
    )
    n_tasks = serializers.IntegerField()
    n_settled = serializers.IntegerField(
        help_text="Signed off or no longer needed; a waiver settles nothing."
    )
    n_overdue = serializers.IntegerField(help_text="Unfinished after their day.")
    n_unowned = serializers.IntegerField()
    next_due_on = serializers.DateField(allow_null=True)
    days_left = serializers.IntegerField(
        allow_null=True, help_text="Until the subject ends; negative once past."
    )
    n_steps = serializers.IntegerField(help_text="Required steps of tasks that are not obsolete.")
    n_steps_done = serializers.IntegerField()
    step_share = serializers.FloatField(allow_null=True)
    whole_campaign = serializers.BooleanField(
        help_text="False: only the tasks you may see are counted."
    )


class CampaignViewSet(ReadViewSet[Campaign]):
    """One event, everything that must move or be tested again because of it. Opened by governance;
    seen by the offices and by who has a task in it."""

    model = Campaign
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}

    @extend_schema(
        request=OpenCampaignSerializer, responses={200: CampaignSerializer, 201: CampaignSerializer}
    )
    def create(self, request: Request) -> Response:
        """Open a campaign by an event or by an offering; for governance. Where one is open for the
        same, it is the answer, with 200."""
        self._require_governance()
        asked = self.validated(OpenCampaignSerializer)
        before = now()
        campaign = lifecycle.open_campaign(by=self.user, at=before, **asked)
        return self.answer(
            campaign,
            status.HTTP_201_CREATED if campaign.opened_at == before else status.HTTP_200_OK,
        )

    @extend_schema(request=CampaignChangeSerializer, responses=CampaignSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Title, usual target, latest day or note; for governance."""
        campaign = self._governed()
        return self.answer(
            lifecycle.change_campaign(
                campaign=campaign, by=self.user, **self.validated(CampaignChangeSerializer)
            )
        )

    @extend_schema(request=ReasonMixin, responses=TaskCountSerializer)
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, pk: str) -> Response:
        """Take in what has become affected since, and the steps of adaptations recorded since."""
        campaign = self._governed()
        n_tasks = lifecycle.extend_campaign(
            campaign=campaign, at=now(), by=self.user, **self.validated(ReasonMixin)
        )
        return Response({"n_tasks": n_tasks})

    @extend_schema(request=ReasonMixin, responses=TaskCountSerializer)
    @action(detail=True, methods=["post"])
    def reschedule(self, request: Request, pk: str) -> Response:
        """Derive the days of all unfinished tasks anew, those that people set included."""
        campaign = self._governed()
        n_tasks = lifecycle.reschedule_campaign(
            campaign=campaign, at=now(), by=self.user, **self.validated(ReasonMixin)
        )
        return Response({"n_tasks": n_tasks})

    @extend_schema(request=CloseCampaignSerializer, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Done with it. Doing it twice changes nothing."""
        campaign = self._governed()
        return self.answer(
            lifecycle.close_campaign(
                campaign=campaign, at=now(), by=self.user, **self.validated(CloseCampaignSerializer)
            )
        )

    @extend_schema(request=NeededReasonSerializer, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Go on with a closed one."""
        campaign = self._governed()
        return self.answer(
            lifecycle.reopen_campaign(
                campaign=campaign, by=self.user, **self.validated(NeededReasonSerializer)
            )
        )

    @extend_schema(responses=CampaignProgressSerializer, parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def progress(self, request: Request, pk: str) -> Response:
        """How far it is today: of all tasks for the offices, else of those the caller may see."""
        campaign = self.subject("subject")
        found = campaign_progress(campaigns=[campaign.pk], user=self.user, on=today())
        return Response(CampaignProgressSerializer(found[campaign.pk]).data)

    def _governed(self) -> Campaign:
        campaign = self.subject("subject")
        self._require_governance()
        return campaign

    def _require_governance(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied("Campaigns are led by governance. Ask somebody there.")
