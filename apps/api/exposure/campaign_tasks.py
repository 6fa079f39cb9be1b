"""Tasks and steps of migration campaigns."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.api.exposure.campaigns import NeededReasonSerializer
from apps.api.framework.row_reader import ComputedField
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import ConfirmingMixin, ReasonMixin, today
from apps.catalog.models import Offering
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import day_of, now
from apps.exposure.campaigns import signatures, task_actions
from apps.exposure.campaigns.bulk_assignment import MAX_BULK_ASSIGNMENTS, assign_tasks
from apps.exposure.campaigns.filters import CampaignTaskFilter, TaskStepFilter
from apps.exposure.campaigns.reach import task_dates
from apps.exposure.campaigns.sign_off_requirements import task_requirements
from apps.exposure.campaigns.target_checks import breaks_of_switch
from apps.exposure.models import (
    Campaign,
    CampaignTask,
    TaskStep,
    TaskTiming,
    TaskTimingKind,
    task_timing,
)
from apps.inventory.candidate_checks import breaks_of, refuse_unconfirmed, replacement_of


class CampaignTaskSerializer(serializers.ModelSerializer[CampaignTask]):
    campaign_title = serializers.CharField(source="campaign.title", read_only=True)
    application = serializers.CharField(
        source="dependency.application.slug", read_only=True, help_text="Slug of the application."
    )
    team = serializers.CharField(
        source="dependency.application.team.slug", read_only=True, help_text="Slug of the team."
    )
    role = serializers.CharField(source="dependency.role", read_only=True)
    offering = serializers.IntegerField(
        source="dependency.offering_id", read_only=True, help_text="ID of the offering."
    )
    host = serializers.CharField(
        source="dependency.offering.host.slug", read_only=True, help_text="Slug of the host."
    )
    api_id = serializers.CharField(source="dependency.offering.api_id", read_only=True)
    target_api_id = serializers.CharField(source="target.api_id", read_only=True, allow_null=True)
    owner = serializers.CharField(source="owner.username", read_only=True, allow_null=True)
    overdue = serializers.BooleanField(
        source="finish_by",
        read_only=True,
        help_text="Whether the task is unfinished after its finish date.",
    )
    too_late_days = serializers.IntegerField(
        source="start_by",
        read_only=True,
        allow_null=True,
        help_text="Days after the start date if the migration no longer fits before the finish "
        "date; null otherwise. A task is never overdue when it is made.",
    )
    signed_off_by = serializers.CharField(
        source="signed_off_by.username", read_only=True, allow_null=True
    )
    waived_by = serializers.CharField(source="waived_by.username", read_only=True, allow_null=True)

    class Meta:
        model = CampaignTask
        fields = [
            "id",
            "campaign",
            "campaign_title",
            "dependency",
            "application",
            "team",
            "role",
            "offering",
            "host",
            "api_id",
            "target",
            "target_api_id",
            "successor",
            "owner",
            "state",
            "start_by",
            "finish_by",
            "overdue",
            "too_late_days",
            "before",
            "after",
            "signed_off_by",
            "signed_off_at",
            "waived_by",
            "waived_until",
            "waived_why",
            "note",
            "updated_at",
        ]
        read_only_fields = fields
        extra_kwargs = {"waived_why": {"source": "waived_reason"}}


class TaskChangeSerializer(ReasonMixin):
    owner = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        required=False,
        allow_null=True,
    )
    finish_by = serializers.DateField(required=False, help_text="Last date to finish.")
    start_by = serializers.DateField(
        required=False,
        help_text="Last date to start, with `finish_by`; the finish date minus the effort if "
        "absent.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "start_by" in attrs and "finish_by" not in attrs:
            raise serializers.ValidationError(
                {"finish_by": "Enter the finish date with the start date."}
            )
        return attrs


class BulkAssignSerializer(ReasonMixin):
    owner = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        allow_null=True,
        help_text="Username; null for no single owner.",
    )
    campaign = serializers.IntegerField(
        required=False, min_value=1, help_text="ID of a campaign; all open ones if absent."
    )
    team = serializers.CharField(
        required=False, max_length=80, help_text="Slug of a team, with its sub-teams."
    )
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=MAX_BULK_ASSIGNMENTS,
        help_text="IDs of tasks.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not {"campaign", "team", "ids"} & attrs.keys():
            raise serializers.ValidationError("Select tasks by `campaign`, `team` or `ids`.")
        return attrs


class RejectedTaskSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    detail = serializers.CharField()


class BulkAssignResultSerializer(serializers.Serializer[Any]):
    n_assigned = serializers.IntegerField(help_text="Number of tasks with another owner now.")
    n_unchanged = serializers.IntegerField()
    rejected = RejectedTaskSerializer(many=True)


class ChooseTargetSerializer(ConfirmingMixin, ReasonMixin):
    target = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), help_text="ID of the offering to migrate to."
    )


class SwitchTaskSerializer(ConfirmingMixin, ReasonMixin):
    on = serializers.DateField(
        required=False, help_text="First day of use of the target; today if absent."
    )


class TaskMeasurementSerializer(ReasonMixin):
    before = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        help_text="Measurements before the migration, as {metric: number}.",
    )
    after = serializers.DictField(child=serializers.FloatField(), required=False)


class DeferTaskSerializer(serializers.Serializer[Any]):
    until = serializers.DateField(help_text="Date on which the deferral expires, within one year.")
    why = serializers.CharField(max_length=10_000)


class OwnStepSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=300)
    required = serializers.BooleanField(default=True)  # type: ignore[assignment]


class TaskMeasureSerializer(serializers.Serializer[Any]):
    metric = serializers.CharField()
    before = serializers.FloatField(allow_null=True)
    after = serializers.FloatField(allow_null=True)


class TaskDatesSerializer(serializers.Serializer[Any]):
    ends_on = serializers.DateField(allow_null=True, help_text="Retirement date of the model.")
    effort_days = serializers.FloatField()
    basis = serializers.CharField(help_text="Basis of the effort: measured, estimated or assumed.")
    start_by = serializers.DateField(
        allow_null=True, help_text="Calculated start date: the finish date minus the effort."
    )
    finish_by = serializers.DateField(
        allow_null=True, help_text="Calculated finish date: the retirement minus 14 days."
    )


class SignOffRequirementsSerializer(serializers.Serializer[Any]):
    is_open = serializers.BooleanField(help_text="Whether the task can be signed off.")
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="Missing requirements, as sentences."
    )
    evidence = serializers.ListField(
        child=serializers.IntegerField(), help_text="IDs of valid evidence."
    )
    measures = TaskMeasureSerializer(many=True)
    dates = TaskDatesSerializer(help_text="Calculation of the start and finish dates.")


def _timing(start_by: Any, finish_by: Any, scheduled_on: Any, state: str) -> TaskTiming | None:
    if state not in CampaignTask.UNFINISHED:
        return None
    return task_timing(
        start_by=start_by,
        finish_by=finish_by,
        scheduled_on=scheduled_on,
        is_started=state != CampaignTask.State.OPEN,
        today=day_of(now()),
    )


def _is_overdue(*columns: Any) -> bool:
    timing = _timing(*columns)
    return timing is not None and timing.kind == TaskTimingKind.OVERDUE


def _too_late_days(*columns: Any) -> int | None:
    timing = _timing(*columns)
    is_too_late = timing is not None and timing.kind == TaskTimingKind.TOO_LATE
    return timing.days if timing is not None and is_too_late else None


_TIMING_COLUMNS = ("start_by", "finish_by", "scheduled_on", "state")


class CampaignTaskViewSet(ReadViewSet[CampaignTask]):
    """Campaign tasks: one dependency to migrate or to test again. Editors of the application's team
    can change them; its owners and governance users can sign off and defer them."""

    model = CampaignTask
    serializer_class = CampaignTaskSerializer
    filterset_class = CampaignTaskFilter
    application_path = "dependency__application"
    orders = {
        "id": BY_ID,
        "-id": Keyset(("-id",)),
        "finish_by": Keyset(("finish_by", "id")),
        "-finish_by": Keyset(("-finish_by", "-id")),
    }
    dated_orders = frozenset({"finish_by", "-finish_by"})
    computed = {
        "overdue": ComputedField(_TIMING_COLUMNS, _is_overdue),
        "too_late_days": ComputedField(_TIMING_COLUMNS, _too_late_days),
    }

    @extend_schema(request=TaskChangeSerializer, responses=CampaignTaskSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the owner, or the start and finish dates."""
        task = self._load_editable()
        data = self.validated(TaskChangeSerializer)
        reason = data.get("reason", "")
        if "owner" in data:
            task = task_actions.assign_task(
                task=task, owner=data["owner"], by=self.user, reason=reason
            )
        if "finish_by" in data:
            task = task_actions.set_task_dates(
                task=task,
                finish_by=data["finish_by"],
                start_by=data.get("start_by"),
                at=now(),
                by=self.user,
                reason=reason,
            )
        return self.answer(task)

    @extend_schema(
        request=BulkAssignSerializer, responses=BulkAssignResultSerializer, filters=False
    )
    @action(detail=False, methods=["post"], url_path="bulk-assign", picks_fields=False)
    def bulk_assign(self, request: Request) -> Response:
        """Assign the unfinished tasks that these values select. Tasks that cannot be assigned are
        listed in `rejected`."""
        body = self.validated(BulkAssignSerializer)
        campaign = team = None
        if "campaign" in body:
            campaign = get_object_or_404(
                Campaign.objects.visible_to(self.user), pk=body["campaign"]
            )
        if "team" in body:
            team = get_object_or_404(Team.objects.visible_to(self.user), slug=body["team"])
        outcome = assign_tasks(
            owner=body["owner"],
            by=self.user,
            campaign=campaign,
            team=team,
            task_ids=body.get("ids"),
            reason=body.get("reason", ""),
        )
        result = {
            "n_assigned": outcome.n_assigned,
            "n_unchanged": outcome.n_unchanged,
            "rejected": [{"id": pk, "detail": detail} for pk, detail in outcome.rejected],
        }
        return Response(BulkAssignResultSerializer(result).data)

    @extend_schema(responses=SignOffRequirementsSerializer, parameters=[], filters=False)
    @action(
        detail=True,
        pagination_class=None,
        filterset_class=None,
        picks_fields=False,
        url_path="sign-off-requirements",
    )
    def sign_off_requirements(self, request: Request, pk: str) -> Response:
        """Requirements for the sign-off of a task, measurements before and after, and the
        calculation of its dates."""
        task = self.subject("dependency__application")
        requirements = task_requirements(task=task, at=now())
        body = {
            "is_open": requirements.is_open,
            "missing": requirements.missing,
            "evidence": [evidence.pk for evidence in requirements.evidence],
            "measures": requirements.measures,
            "dates": task_dates(tasks=[task.pk])[task.pk],
        }
        return Response(SignOffRequirementsSerializer(body).data)

    @extend_schema(request=ChooseTargetSerializer, responses=CampaignTaskSerializer)
    @action(detail=True, methods=["post"])
    def target(self, request: Request, pk: str) -> Response:
        """Set the target of the migration. The answer is 409 if it breaks something and is not
        confirmed."""
        task = self._load_editable()
        data = self.validated(ChooseTargetSerializer)
        confirmed = data.pop("confirm_breaks", False)
        breaks = breaks_of(replacement_of(task.dependency), data["target"], on=today())
        # what is refused in any case comes before what can be confirmed
        with transaction.atomic():
            task = task_actions.choose_target(task=task, at=now(), by=self.user, **data)
            refuse_unconfirmed(breaks, confirmed=confirmed)
        return self.answer(task)

    @extend_schema(request=TaskMeasurementSerializer, responses=CampaignTaskSerializer)
    @action(detail=True, methods=["post"])
    def measurements(self, request: Request, pk: str) -> Response:
        """Record measurements before and after the migration. Recorded evaluations need not be
        entered again."""
        task = self._load_editable()
        data = self.validated(TaskMeasurementSerializer)
        return self.answer(
            task_actions.record_measurements(task=task, at=now(), by=self.user, **data)
        )

    @extend_schema(request=OwnStepSerializer, responses={201: CampaignTaskSerializer})
    @action(detail=True, methods=["post"], url_path="add-step")
    def add_step(self, request: Request, pk: str) -> Response:
        """Add a step of the team."""
        task = self._load_editable()
        task_actions.add_step(
            task=task, at=now(), by=self.user, **self.validated(OwnStepSerializer)
        )
        return self.answer(task, status.HTTP_201_CREATED)

    @extend_schema(request=SwitchTaskSerializer, responses=CampaignTaskSerializer)
    @action(detail=True, methods=["post"])
    def switch(self, request: Request, pk: str) -> Response:
        """Replace the offering in the inventory. The new dependency is the `successor` of
        the task. The answer is 409 if the target breaks something and is not confirmed."""
        task = self._load_editable()
        data = self.validated(SwitchTaskSerializer)
        breaks = breaks_of_switch(task, on=today())
        with transaction.atomic():
            task = task_actions.switch_task(
                task=task,
                on=data.get("on", today()),
                at=now(),
                by=self.user,
                reason=data.get("reason", ""),
            )
            refuse_unconfirmed(breaks, confirmed=data.get("confirm_breaks", False))
        return self.answer(task)

    @extend_schema(request=ReasonMixin, responses=CampaignTaskSerializer)
    @action(detail=True, methods=["post"], url_path="sign-off")
    def sign_off(self, request: Request, pk: str) -> Response:
        """Sign off a task that has been migrated and works. The answer is 409 if a requirement is
        missing or the task is already signed off."""
        task = self.subject("dependency__application")
        return self.answer(
            signatures.sign_off(task=task, at=now(), by=self.user, **self.validated(ReasonMixin))
        )

    @extend_schema(request=DeferTaskSerializer, responses=CampaignTaskSerializer)
    @action(detail=True, methods=["post"])
    def defer(self, request: Request, pk: str) -> Response:
        """Defer a task until a date, on which it reopens."""
        task = self.subject("dependency__application")
        self._require_owner(task)
        data = self.validated(DeferTaskSerializer)
        return self.answer(
            signatures.waive_task(
                task=task, until=data["until"], reason=data["why"], at=now(), by=self.user
            )
        )

    @extend_schema(request=ReasonMixin, responses=CampaignTaskSerializer)
    @action(detail=True, methods=["post"], url_path="cancel-deferral")
    def cancel_deferral(self, request: Request, pk: str) -> Response:
        """Cancel the deferral of a task."""
        task = self.subject("dependency__application")
        return self.answer(
            signatures.cancel_waiver(
                task=task, at=now(), by=self.user, **self.validated(ReasonMixin)
            )
        )

    @extend_schema(request=NeededReasonSerializer, responses=CampaignTaskSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Revoke the sign-off of a task."""
        task = self.subject("dependency__application")
        self._require_owner(task)
        return self.answer(
            signatures.reopen_task(
                task=task, at=now(), by=self.user, **self.validated(NeededReasonSerializer)
            )
        )

    def _load_editable(self) -> CampaignTask:
        task = self.subject("dependency__application")
        self.require(TeamRole.EDITOR, task.dependency.application.team_id)
        return task

    def _require_owner(self, task: CampaignTask) -> None:
        """Refuse unless the caller has the owner role; checked before the body, so that an error in
        the body reveals nothing."""
        self.require(TeamRole.OWNER, task.dependency.application.team_id)


class TaskStepSerializer(serializers.ModelSerializer[TaskStep]):
    done_by = serializers.CharField(source="done_by.username", read_only=True, allow_null=True)

    class Meta:
        model = TaskStep
        fields = [
            "id",
            "task",
            "place",
            "kind",
            "title",
            "adaptation",
            "required",
            "done_on",
            "done_by",
            "note",
        ]
        read_only_fields = fields


class CompleteStepSerializer(ReasonMixin):
    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000)


class TaskStepViewSet(ReadViewSet[TaskStep]):
    """Steps of campaign tasks; `?task=` selects those of one task."""

    model = TaskStep
    serializer_class = TaskStepSerializer
    filterset_class = TaskStepFilter
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}

    def get_queryset(self) -> QuerySet[TaskStep]:
        if getattr(self, "swagger_fake_view", False):
            return TaskStep.objects.none()
        return TaskStep.objects.filter(
            task__in=CampaignTask.objects.visible_to(self.user)
        ).order_by()

    @extend_schema(request=CompleteStepSerializer, responses=TaskStepSerializer)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: str) -> Response:
        """Mark a step as complete."""
        step = self._load_editable()
        return self.answer(
            task_actions.complete_step(
                step=step, at=now(), by=self.user, **self.validated(CompleteStepSerializer)
            )
        )

    @extend_schema(request=ReasonMixin, responses=TaskStepSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Mark a step as not complete."""
        step = self._load_editable()
        return self.answer(
            task_actions.reopen_step(
                step=step, at=now(), by=self.user, **self.validated(ReasonMixin)
            )
        )

    def _load_editable(self) -> TaskStep:
        step = self.subject("task__dependency__application")
        self.require(TeamRole.EDITOR, step.task.dependency.application.team_id)
        return step
