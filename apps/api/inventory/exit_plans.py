"""Adaptations, exit plans and exit tests of dependencies."""

from datetime import date
from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import TeamRole
from apps.api.bulk.views import BulkMixin, bulk_schema
from apps.api.inventory.applications import (
    ConfirmingMixin,
    ReasonMixin,
    WritingViewSet,
    WrittenMixin,
    today,
)
from apps.catalog.models import Offering, Version
from apps.common.database.keyset_pagination import Keyset
from apps.inventory.actions import exits
from apps.inventory.bulk.resources import BULK_RESOURCES
from apps.inventory.candidate_checks import breaks_of, refuse_unconfirmed, replacement_of
from apps.inventory.filters import AdaptationFilter, ExitPlanFilter, ExitTestFilter
from apps.inventory.models import Adaptation, Dependency, ExitPlan, ExitTest


@extend_schema_field({"type": "integer", "description": "ID of a dependency that you can view."})
class VisibleDependencyField(serializers.PrimaryKeyRelatedField[Dependency]):
    def get_queryset(self) -> Any:
        return Dependency.objects.visible_to(self.context["request"].user).select_related(
            "application__team"
        )


class OfDependencySerializer[M: Adaptation | ExitPlan | ExitTest](
    ReasonMixin, serializers.ModelSerializer[M]
):
    dependency = VisibleDependencyField(queryset=Dependency.objects.none())
    application = serializers.CharField(
        source="dependency.application.slug", read_only=True, help_text="Slug of the application."
    )

    def validate_dependency(self, dependency: Dependency) -> Dependency:
        if self.instance is not None and self.instance.dependency_id != dependency.pk:
            raise serializers.ValidationError(
                "The dependency cannot be changed. Add another record to the other dependency."
            )
        return dependency


class AdaptationSerializer(OfDependencySerializer[Adaptation]):
    class Meta:
        model = Adaptation
        fields = [
            "id",
            "dependency",
            "application",
            "kind",
            "name",
            "artefact_ref",
            "moves",
            "invested_days",
            "invested_cost",
            "note",
            "created_at",
            "updated_at",
            "reason",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs = {"invested_days": {"min_value": 0}, "invested_cost": {"min_value": 0}}


class WrittenAdaptationSerializer(WrittenMixin, AdaptationSerializer):
    class Meta(AdaptationSerializer.Meta):
        fields = [*AdaptationSerializer.Meta.fields, "findings", "change"]


class ExitPlanSerializer(ConfirmingMixin, OfDependencySerializer[ExitPlan]):
    target = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(),
        required=False,
        allow_null=True,
        help_text="ID of the offering to migrate to.",
    )
    hard_because = serializers.ChoiceField(
        source="reason",
        choices=ExitPlan.Reason.choices,
        required=False,
        allow_blank=True,
        help_text="Reason why it is hard to substitute (DORA, RT.07.01).",
    )
    # the column of this name is `hard_because` here, since `reason` is the history's
    reason = serializers.CharField(
        source="history_reason",
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Reason for the change, for the audit log.",
    )

    class Meta:
        model = ExitPlan
        fields = [
            "id",
            "dependency",
            "application",
            "target",
            "substitutability",
            "hard_because",
            "reintegration",
            "reliance",
            "alternatives_identified",
            "alternatives",
            "blockers",
            "estimated_days",
            "estimated_cost",
            "next_test_on",
            "note",
            "created_at",
            "updated_at",
            "confirm_breaks",
            "reason",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs = {"estimated_days": {"min_value": 0}, "estimated_cost": {"min_value": 0}}


class WrittenExitPlanSerializer(WrittenMixin, ExitPlanSerializer):
    class Meta(ExitPlanSerializer.Meta):
        fields = [*ExitPlanSerializer.Meta.fields, "findings", "change"]


class ExitTestSerializer(OfDependencySerializer[ExitTest]):
    target = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), help_text="ID of the tested offering."
    )
    tested_version = serializers.SlugRelatedField(
        slug_field="identifier",
        queryset=Version.objects.all(),
        required=False,
        allow_null=True,
        help_text="Identifier of the served version; that of the target if absent and "
        "the target is not an alias.",
    )
    recorded_by = serializers.CharField(
        source="recorded_by.username", read_only=True, allow_null=True
    )

    class Meta:
        model = ExitTest
        fields = [
            "id",
            "dependency",
            "application",
            "target",
            "tested_version",
            "tested_on",
            "result",
            "effort_days",
            "cost",
            "quality_delta",
            "quality_metric",
            "expires_on",
            "evidence_ref",
            "note",
            "recorded_by",
            "created_at",
            "updated_at",
            "reason",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs = {"effort_days": {"min_value": 0}, "cost": {"min_value": 0}}

    def validate_tested_on(self, day: date) -> date:
        if day > today():
            raise serializers.ValidationError(
                "The test date is in the future. Record the test after it has been made."
            )
        return day


class WrittenExitTestSerializer(WrittenMixin, ExitTestSerializer):
    class Meta(ExitTestSerializer.Meta):
        fields = [*ExitTestSerializer.Meta.fields, "findings", "change"]


class OfDependencyViewSet[M: Adaptation | ExitPlan | ExitTest](WritingViewSet[M]):
    application_path = "dependency__application"

    def editable(self) -> M:
        row = self.subject("dependency__application__team")
        self.require(TeamRole.EDITOR, row.dependency.application.team)
        return row

    def validate_facts(
        self, serializer: type[serializers.BaseSerializer[Any]]
    ) -> tuple[Dependency, dict[str, Any]]:
        """Return the dependency in the body, which the caller can edit, and the facts."""
        facts = self.validated(serializer)
        dependency: Dependency = facts.pop("dependency")
        self.require(TeamRole.EDITOR, dependency.application.team)
        return dependency, facts

    def dependency_change_response(
        self, row: M, dependency: Dependency, code: int = status.HTTP_200_OK
    ) -> Response:
        return self.change_response(row, dependency.application, dependency.pk, code)


@extend_schema_view(
    bulk=bulk_schema(
        BULK_RESOURCES["adaptations"],
        {
            "application": "claims-triage",
            "host": "openai",
            "api_id": "gpt-4o-2024-11-20",
            "role": "primary",
            "kind": "prompt",
            "name": "triage",
            "moves": "re_run",
            "invested_days": "12.5",
        },
    )
)
class AdaptationViewSet(BulkMixin, OfDependencyViewSet[Adaptation]):
    """Adaptations: work built on a dependency, with its cost and whether it can be migrated."""

    bulk_resource = "adaptations"
    model = Adaptation
    serializer_class = AdaptationSerializer
    filterset_class = AdaptationFilter

    @extend_schema(responses={201: WrittenAdaptationSerializer})
    def create(self, request: Request) -> Response:
        """Add an adaptation. Changes require the editor role on the application's team."""
        dependency, facts = self.validate_facts(AdaptationSerializer)
        row = exits.add_adaptation(
            dependency=dependency,
            kind=facts.pop("kind"),
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
        )
        return self.dependency_change_response(row, dependency, status.HTTP_201_CREATED)

    @extend_schema(responses=WrittenAdaptationSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an adaptation."""
        row = self.editable()
        facts = self.validated(AdaptationSerializer, instance=row, partial=True)
        facts.pop("dependency", None)
        adaptation = exits.change_adaptation(
            adaptation=row, reason=facts.pop("reason", ""), facts=facts, by=self.user
        )
        return self.dependency_change_response(adaptation, row.dependency)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove an adaptation; the audit log keeps it."""
        exits.remove_adaptation(adaptation=self.editable(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _check_target(dependency: Dependency, facts: dict[str, Any], planned: int | None) -> None:
    """Refuse a new target that breaks something, unless it is confirmed; `planned` is the one so
    far. Takes the confirmation out of the facts."""
    confirmed = facts.pop("confirm_breaks", False)
    target = facts.get("target")
    if target is not None and target.pk != planned:
        breaks = breaks_of(replacement_of(dependency), target, on=today())
        refuse_unconfirmed(breaks, confirmed=confirmed)


@extend_schema_view(
    bulk=bulk_schema(
        BULK_RESOURCES["exit-plans"],
        {
            "dependency": 4711,
            "target_host": "anthropic",
            "target_api_id": "claude-sonnet-4-5-20250929",
            "substitutability": "medium",
            "estimated_days": "20",
        },
    )
)
class ExitPlanViewSet(BulkMixin, OfDependencyViewSet[ExitPlan]):
    """Exit plans: one per dependency. Fields are those of DORA (RT.07.01) where it has one."""

    bulk_resource = "exit-plans"
    model = ExitPlan
    serializer_class = ExitPlanSerializer
    filterset_class = ExitPlanFilter

    @extend_schema(responses={201: WrittenExitPlanSerializer})
    def create(self, request: Request) -> Response:
        """Create the exit plan, or change the existing one. The answer is 409 if a new target
        breaks something and is not confirmed."""
        dependency, facts = self.validate_facts(ExitPlanSerializer)
        planned = ExitPlan.objects.filter(dependency=dependency).values_list("target_id").first()
        _check_target(dependency, facts, planned[0] if planned else None)
        row = exits.set_exit_plan(
            dependency=dependency, reason=facts.pop("history_reason", ""), facts=facts, by=self.user
        )
        return self.dependency_change_response(row, dependency, status.HTTP_201_CREATED)

    @extend_schema(responses=WrittenExitPlanSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an exit plan. The answer is 409 if a new target breaks something and is not
        confirmed."""
        row = self.editable()
        facts = self.validated(ExitPlanSerializer, instance=row, partial=True)
        facts.pop("dependency", None)
        _check_target(row.dependency, facts, row.target_id)
        plan = exits.set_exit_plan(
            dependency=row.dependency,
            reason=facts.pop("history_reason", ""),
            facts=facts,
            by=self.user,
        )
        return self.dependency_change_response(plan, row.dependency)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove an exit plan; the audit log keeps it."""
        exits.remove_exit_plan(plan=self.editable(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExitTestViewSet(OfDependencyViewSet[ExitTest]):
    """Exit tests with their result and effort. They can be corrected and expire, but not be
    removed."""

    model = ExitTest
    serializer_class = ExitTestSerializer
    filterset_class = ExitTestFilter
    orders = {
        "-id": Keyset(("-id",)),
        "id": Keyset(("id",)),
        "tested_on": Keyset(("tested_on", "id")),
        "-tested_on": Keyset(("-tested_on", "-id")),
    }

    @extend_schema(
        responses={201: WrittenExitTestSerializer},
        examples=[
            OpenApiExample(
                "a passed test",
                request_only=True,
                value={
                    "dependency": 17,
                    "target": 4711,
                    "tested_on": "2026-05-20",
                    "result": "passed",
                    "effort_days": "12.5",
                    "quality_delta": "-0.02",
                    "quality_metric": "accuracy",
                },
            )
        ],
    )
    def create(self, request: Request) -> Response:
        """Record an exit test."""
        dependency, facts = self.validate_facts(ExitTestSerializer)
        row = exits.record_exit_test(
            dependency=dependency,
            target=facts.pop("target"),
            tested_on=facts.pop("tested_on"),
            result=facts.pop("result"),
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
        )
        return self.dependency_change_response(row, dependency, status.HTTP_201_CREATED)

    @extend_schema(responses=WrittenExitTestSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Correct an exit test."""
        row = self.editable()
        facts = self.validated(ExitTestSerializer, instance=row, partial=True)
        facts.pop("dependency", None)
        exit_test = exits.correct_exit_test(
            exit_test=row, reason=facts.pop("reason", ""), facts=facts, by=self.user
        )
        return self.dependency_change_response(exit_test, row.dependency)
