"""Scenarios and simulated losses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django_filters
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.bulk.views import RETRY_AFTER_SECONDS
from apps.api.framework.record_views import (
    RecordChangeMixin,
    RecordCreationViewSet,
    record_schema,
)
from apps.api.framework.views import ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.exposure.actions.scenarios import (
    answer_scenario,
    change_scenario,
    queue_loss_run,
    queue_scenario_run,
    save_scenario,
)
from apps.exposure.engine.scenarios import TablesNotBuiltError
from apps.exposure.models import (
    BaseLoss,
    Basis,
    EventRate,
    Layer,
    LossRun,
    Scenario,
    ScenarioRun,
    ScopedApplication,
)
from apps.exposure.records import EventRateRecord
from apps.exposure.scenarios.operation_parser import InvalidOperationError
from apps.exposure.scenarios.replacement_effects import BlockerKind

# with more applications a result takes longer than a client should wait
MAX_IMMEDIATE_APPLICATIONS = 5_000
_NEWEST = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}


class ScenarioSerializer(serializers.ModelSerializer[Scenario]):
    created_by = serializers.CharField(source="created_by.username", read_only=True)
    layers = serializers.ListField(
        child=serializers.ChoiceField(choices=Layer.choices), required=False
    )
    ops = serializers.JSONField(
        help_text="Operations in order: remove, replace, move, reprice, add, retire."
    )

    class Meta:
        model = Scenario
        fields = [
            "id",
            "name",
            "note",
            "ops",
            "layers",
            "basis",
            "prices_on",
            "shared",
            "created_by",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]


class ScenarioRunSerializer(serializers.ModelSerializer[ScenarioRun]):
    scenario = serializers.IntegerField(source="scenario_id", read_only=True)
    asked_by = serializers.CharField(source="requested_by.username", read_only=True)

    class Meta:
        model = ScenarioRun
        fields = [
            "id",
            "scenario",
            "state",
            "ops",
            "as_of",
            "whole_organisation",
            "result",
            "error",
            "asked_by",
            "queued_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


class WhatIfSerializer(serializers.Serializer[Any]):
    ops = serializers.JSONField(
        help_text='Operations, for example [{"op": "remove", "nodes": ["host:azure"]}].'
    )
    layers = serializers.ListField(
        child=serializers.ChoiceField(choices=Layer.choices), required=False
    )
    basis = serializers.ChoiceField(choices=Basis.choices, default=Basis.COUNT)
    on = serializers.DateField(
        required=False, allow_null=True, help_text="Date of the prices; today if absent."
    )


class ScenarioSideSerializer(serializers.Serializer[Any]):
    n_states = serializers.DictField(
        child=serializers.IntegerField(), help_text="Number of applications by state."
    )
    states = serializers.DictField(
        child=serializers.CharField(), help_text="Slugs of the most critical 500 applications."
    )
    hhi = serializers.DictField(child=serializers.FloatField(allow_null=True))
    n_spof_nodes = serializers.IntegerField()
    cost = serializers.DictField(
        child=serializers.CharField(), help_text="Cost per month, by currency."
    )
    cost_unknown = serializers.DictField(child=serializers.IntegerField())


class ChangedStateSerializer(serializers.Serializer[Any]):
    application = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class TransitionSerializer(serializers.Serializer[Any]):
    before = serializers.CharField()
    after = serializers.CharField()
    n = serializers.IntegerField()


class MappedOfferingSerializer(serializers.Serializer[Any]):
    old = serializers.IntegerField(help_text="Offering in use.")
    new = serializers.IntegerField(allow_null=True, help_text="Its target; null: it stays.")
    n_dependencies = serializers.IntegerField()
    n_fits = serializers.IntegerField(help_text="Dependencies whose use the target keeps.")
    n_breaks = serializers.IntegerField(help_text="Dependencies that would lose something.")
    n_unknown = serializers.IntegerField(help_text="Dependencies of unknown fit.")
    is_unmapped = serializers.BooleanField(
        help_text="In use, but not in the mapping; it stays as it is."
    )


class NodeMappingSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    by = serializers.CharField()
    rows = MappedOfferingSerializer(many=True)


class NodeShareSerializer(serializers.Serializer[Any]):
    n = serializers.IntegerField(help_text="Applications that depend on it.")
    share = serializers.FloatField()
    critical_share = serializers.FloatField(help_text="Share of the critical applications.")
    over = serializers.BooleanField(help_text="The critical share is above the tolerance.")


class ShareChangeSerializer(serializers.Serializer[Any]):
    layer = serializers.ChoiceField(choices=Layer.choices)
    slug = serializers.CharField()
    name = serializers.CharField()
    before = NodeShareSerializer()
    after = NodeShareSerializer()
    tolerance = serializers.FloatField(
        allow_null=True, help_text="Lowest tolerance of the critical share."
    )


class BlockerSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[(str(kind), str(kind)) for kind in BlockerKind])
    dependency = serializers.IntegerField(allow_null=True)
    sentence = serializers.CharField()


class ReplacementEffectSerializer(serializers.Serializer[Any]):
    application = serializers.CharField(help_text="Slug.")
    n_moved = serializers.IntegerField(help_text="Dependencies that move to a target.")
    n_fits = serializers.IntegerField()
    n_breaks = serializers.IntegerField()
    n_unknown = serializers.IntegerField()
    cost_change = serializers.DictField(
        child=serializers.CharField(),
        help_text="Change per month by currency, at recorded volumes, where it is known.",
    )
    n_cost_unknown = serializers.IntegerField(help_text="Moved dependencies of unknown cost.")
    blockers = BlockerSerializer(many=True)


class ReplacementSerializer(serializers.Serializer[Any]):
    mappings = NodeMappingSerializer(many=True)
    shares = ShareChangeSerializer(many=True)
    n_applications = serializers.IntegerField(help_text="Applications that move.")
    n_with_blockers = serializers.IntegerField()
    n_by_blocker = serializers.DictField(
        child=serializers.IntegerField(), help_text="Applications by kind of blocker."
    )
    n_fits = serializers.IntegerField()
    n_breaks = serializers.IntegerField()
    n_unknown = serializers.IntegerField()
    cost_change = serializers.DictField(child=serializers.CharField())
    n_cost_unknown = serializers.IntegerField()
    applications = ReplacementEffectSerializer(
        many=True, help_text="The first 500: with blockers first, then the most critical."
    )


class AnswerSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField()
    whole_organisation = serializers.BooleanField(
        help_text="Whether the whole organisation is counted; false for the applications "
        "of your teams only."
    )
    before = ScenarioSideSerializer()
    after = ScenarioSideSerializer()
    n_applications_changed = serializers.IntegerField()
    n_states_changed = serializers.IntegerField()
    transitions = TransitionSerializer(many=True)
    changes = ChangedStateSerializer(many=True)
    replacement = ReplacementSerializer(
        allow_null=True, help_text="Effects of replaced nodes; null if no node is replaced."
    )


class ScenarioViewSet(ReadViewSet[Scenario]):
    """Saved scenarios. Each result is a run of its own."""

    is_personal = True
    model = Scenario
    serializer_class = ScenarioSerializer
    orders = _NEWEST

    @extend_schema(responses={201: ScenarioSerializer})
    def create(self, request: Request) -> Response:
        """Save a scenario. Run it with `ask/`."""
        facts = self.validated(ScenarioSerializer)
        with _errors_as_problems():
            scenario = save_scenario(facts=facts, by=self.user)
        return self.answer(scenario, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a scenario. Earlier runs keep the operations they were made with."""
        scenario = self.subject()
        facts = self.validated(ScenarioSerializer, instance=scenario, partial=True)
        with _errors_as_problems():
            scenario = change_scenario(scenario=scenario, facts=facts, by=self.user)
        return self.answer(scenario)

    @extend_schema(request=None, responses={202: ScenarioRunSerializer})
    @action(detail=True, methods=["post"])
    def ask(self, request: Request, pk: str) -> Response:
        """Queue a run; a worker completes it, usually within one minute. Read scenario-runs/ID/."""
        run = queue_scenario_run(scenario=self.subject(), at=now(), by=self.user)
        return _queued_response(self.request, ScenarioRunSerializer(run).data)

    @extend_schema(
        request=WhatIfSerializer,
        responses={200: AnswerSerializer, 202: ScenarioRunSerializer},
        filters=False,
        examples=[
            OpenApiExample(
                "a host is unavailable",
                request_only=True,
                value={
                    "ops": [{"op": "remove", "nodes": ["host:azure"]}],
                    "layers": ["developer", "host"],
                },
            ),
            OpenApiExample(
                "a host is replaced, with the proposed mapping",
                request_only=True,
                value={"ops": [{"op": "replace", "node": "host:azure", "by": "host:bedrock"}]},
            ),
        ],
    )
    @action(detail=False, methods=["post"], url_path="run", picks_fields=False, is_personal=False)
    def run(self, request: Request) -> Response:
        """Run a scenario without saving it. On a large portfolio the scenario is saved and the run
        is queued (202)."""
        data = self.validated(WhatIfSerializer)
        facts = {"ops": data["ops"], "basis": data["basis"], "prices_on": data.get("on")}
        if data.get("layers"):
            facts["layers"] = data["layers"]
        with _errors_as_problems():
            if ScopedApplication.objects.count() > MAX_IMMEDIATE_APPLICATIONS:
                scenario = save_scenario(facts={**facts, "name": "What if"}, by=self.user)
                run = queue_scenario_run(scenario=scenario, at=now(), by=self.user)
                return _queued_response(request, ScenarioRunSerializer(run).data)
            teams = None if self.user.can_read_all else sorted(self.user.team_roles())
            scenario = Scenario(name="What if", created_by=self.user, **facts)
            return Response(answer_scenario(scenario=scenario, by=self.user, team_ids=teams))


class ScenarioRunFilter(django_filters.FilterSet):  # type: ignore[misc]
    scenario = django_filters.NumberFilter(field_name="scenario_id", label="Scenario")
    state = django_filters.CharFilter(label="State")

    class Meta:
        model = ScenarioRun
        fields: list[str] = []


class ScenarioRunViewSet(ReadViewSet[ScenarioRun]):
    """Runs of scenarios, each with its operations."""

    model = ScenarioRun
    serializer_class = ScenarioRunSerializer
    filterset_class = ScenarioRunFilter
    orders = _NEWEST


class LossRunSerializer(serializers.ModelSerializer[LossRun]):
    asked_by = serializers.CharField(
        source="requested_by.username", read_only=True, allow_null=True
    )

    class Meta:
        model = LossRun
        fields = [
            "id",
            "state",
            "seed",
            "years",
            "keep",
            "as_of",
            "assumptions",
            "result",
            "error",
            "asked_by",
            "queued_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = [name for name in fields if name not in {"seed", "years", "keep"}]
        extra_kwargs = {
            "seed": {"min_value": 0, "max_value": 2**63 - 1},
            "years": {"min_value": 1_000, "max_value": 1_000_000},
            "keep": {"min_value": 0.5, "max_value": 1},
        }


class LossRunViewSet(ReadViewSet[LossRun]):
    """Simulated losses of one year. Requires an organisation role."""

    model = LossRun
    serializer_class = LossRunSerializer
    orders = _NEWEST

    @extend_schema(responses={202: LossRunSerializer})
    def create(self, request: Request) -> Response:
        """Queue a simulation; a worker completes it, usually within one minute."""
        data = self.validated(LossRunSerializer)
        run = queue_loss_run(at=now(), by=self.user, **data)
        return _queued_response(request, self.answer(run).data, "api:loss-run-detail")


class EventRateSerializer(serializers.ModelSerializer[EventRate]):
    node = serializers.IntegerField(source="node_id", read_only=True, allow_null=True)

    class Meta:
        model = EventRate
        fields = [
            "id",
            "kind",
            "node_kind",
            "node",
            "rate",
            "low",
            "high",
            "once",
            "severity_cv",
            "assumption",
            "source",
            "enabled",
            "updated_at",
        ]
        read_only_fields = fields


@extend_schema_view(
    **record_schema(EventRateRecord, EventRateSerializer, methods=("create", "partial_update"))
)
class EventRateViewSet(RecordChangeMixin, RecordCreationViewSet[EventRate]):
    """Yearly rates of failure modes, with interval and source. The rate of one node takes
    precedence over that of its kind. Rates are disabled rather than deleted."""

    model = EventRate
    record = EventRateRecord()
    serializer_class = EventRateSerializer


class BaseLossSerializer(serializers.ModelSerializer[BaseLoss]):
    class Meta:
        model = BaseLoss
        fields = ["id", "kind", "criticality", "amount", "chance", "placeholder", "updated_at"]
        read_only_fields = fields


class BaseLossViewSet(ReadViewSet[BaseLoss]):
    """Cost of one event for an exposed application, by criticality (0 critical to 3 low). They are
    changed on the page of simulated losses."""

    model = BaseLoss
    serializer_class = BaseLossSerializer


def _queued_response(
    request: Request, body: Any, name: str = "api:scenario-run-detail"
) -> Response:
    """Return 202 with the run, its URL and the seconds until it should be read."""
    address = request.build_absolute_uri(reverse(name, args=[body["id"]]))
    headers = {"Location": address, "Retry-After": str(RETRY_AFTER_SECONDS)}
    return Response(dict(body), status=status.HTTP_202_ACCEPTED, headers=headers)


@contextmanager
def _errors_as_problems() -> Iterator[None]:
    """Convert an invalid or not yet answerable scenario to 400."""
    try:
        yield
    except (InvalidOperationError, TablesNotBuiltError) as error:
        raise ValidationError({"ops": str(error)}) from None
