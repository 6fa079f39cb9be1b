"""Blast radius: the applications that depend on an item, with their exposure state."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team
from apps.api.exposure.flags import KINDS
from apps.api.framework.file_responses import FileRows
from apps.api.framework.pagination import KeysetPagination
from apps.api.framework.result_cursors import next_link, read_cursor
from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.validation import FORMAT_PARAMETERS, PAGING_PARAMETERS, validate_data
from apps.api.framework.views import RegistryView
from apps.catalog.models import Foundation, Node, NodeKind, Offering, Provider, Version
from apps.exposure.engine.reach import (
    ReachedApplication,
    count_reached,
    reached_applications,
    reached_by_team,
)
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.states import (
    ApplicationImpact,
    application_states,
    count_states,
    node_failures,
)
from apps.exposure.models import EngineState, ScopedApplication, StandingState
from apps.exposure.models.policies import THREAT_CHOICES
from apps.exposure.node_names import node_names
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.threats import THREATS
from apps.inventory.models import Application, Criticality

SUPPORTING = "leaning"
PARTIES = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)
_UNRESOLVED_MAY_BE = frozenset({NodeKind.VERSION, NodeKind.FOUNDATION, NodeKind.DEVELOPER})
_PARTY_ROLES = [kind.label for kind in PARTIES]


class StateCountSerializer(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    n_critical = serializers.IntegerField()


class TeamCountSerializer(StateCountSerializer):
    team = serializers.CharField(help_text="Slug of the team.")
    name = serializers.CharField()


class ReachedSerializer(serializers.Serializer[Any]):
    application = serializers.CharField(help_text="Slug of the application.")
    name = serializers.CharField()
    team = serializers.CharField(help_text="Slug of the team.")
    criticality = EnumNameField(Criticality)
    roles = serializers.ListField(
        child=serializers.CharField(),
        help_text="Layers at which a primary model depends on the item or another role uses it.",
    )
    state = serializers.ChoiceField(
        choices=[*StandingState.choices, (SUPPORTING, "Leaning")],
        help_text="Exposure state when the item fails; `leaning` if no primary model is affected.",
    )
    hit_share = serializers.FloatField(
        help_text="Share of the primary traffic that is affected, 0 to 1."
    )


class BlastRadiusSerializer(serializers.Serializer[Any]):
    node = serializers.IntegerField(allow_null=True)
    key = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(choices=KINDS)
    name = serializers.CharField()
    threat = serializers.ChoiceField(choices=THREAT_CHOICES)
    on = serializers.DateField(
        allow_null=True, help_text="Date of the data; null before the first refresh."
    )
    whole_organisation = serializers.BooleanField(
        help_text="Whether the whole organisation is counted; false for the applications of "
        "your teams only."
    )
    n_applications = serializers.IntegerField(
        help_text="Number of applications that depend on the item, in any role."
    )
    n_critical = serializers.IntegerField()
    n_may_stand = serializers.IntegerField(
        help_text="Number of applications with an unresolved primary model; not counted elsewhere."
    )
    states = serializers.DictField(
        child=StateCountSerializer(),
        help_text="Number of dependent applications by state: {exposed, cushioned, "
        "portable, partial}.",
    )
    teams = TeamCountSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    results = ReachedSerializer(many=True, help_text="Applications, most critical first.")


class BlastRadiusQuestion(serializers.Serializer[Any]):
    threat = serializers.ChoiceField(choices=THREAT_CHOICES, required=False)
    role = serializers.ChoiceField(choices=[(role, role) for role in _PARTY_ROLES], required=False)


_PARAMETERS = [
    OpenApiParameter(
        "threat",
        str,
        enum=list(THREATS),
        description="Failure mode; the usual one of the layer if absent.",
    ),
    OpenApiParameter("cursor", str),
    OpenApiParameter("page_size", int),
]


class BlastRadiusView(RegistryView):
    """The shared part of blast radius endpoints; a subclass returns the item."""

    files = {"get": FileRows(ReachedSerializer)}

    def find_item(self, key: str, role: str | None) -> tuple[NodeKind, int, str]:
        """Return the kind, ID and name of the item; raise Http404 if it does not exist."""
        raise NotImplementedError

    def respond(self, request: Request, key: str) -> Response:
        question = BlastRadiusQuestion(data=request.query_params.dict())
        validate_data(question, extra_names=(*PAGING_PARAMETERS, *FORMAT_PARAMETERS))
        kind, ref, name = self.find_item(key, question.validated_data.get("role"))
        node_id = Node.objects.filter(kind=kind, ref=ref).values_list("pk", flat=True).first()
        return Response(
            self._build_body(request, kind, node_id, name, question.validated_data.get("threat"))
        )

    def _build_body(
        self, request: Request, kind: NodeKind, node_id: int | None, name: str, threat: str | None
    ) -> dict[str, Any]:
        """Return the blast radius of a node as JSON: totals, and one page of the applications.
        Without dependents (`node_id` is None) all counts are 0."""
        team_ids = visible_team_ids(self.user)
        size, position = KeysetPagination().size(request), read_cursor(request, 2)
        after = None if position is None else (position[0], position[1])
        # an item without dependent applications has no node
        failures = node_failures([node_id or 0], settings=engine_settings(), threat=threat)
        n_applications, n_critical = count_reached(node_id or 0, kind, team_ids=team_ids)
        states = count_states(failures, team_ids=team_ids) if failures else {}
        reached = reached_applications(
            node_id or 0, kind, team_ids=team_ids, after=after, limit=size + 1
        )
        has_more, reached = len(reached) > size, reached[:size]
        unresolved = ScopedApplication.objects.filter(unresolved=True)
        if team_ids is not None:
            unresolved = unresolved.filter(team_id__in=team_ids)
        node = node_names([node_id]).get(node_id) if node_id is not None else None
        return {
            "node": node_id,
            "key": node.name if node else None,
            "kind": kind.label,
            "name": name,
            "threat": failures[0].threat if failures else threat,
            "on": EngineState.objects.values_list("as_of", flat=True).first(),
            "whole_organisation": team_ids is None,
            "n_applications": n_applications,
            "n_critical": n_critical,
            "n_may_stand": unresolved.count() if kind in _UNRESOLVED_MAY_BE else 0,
            "states": {
                state.value: dict(
                    zip(("n", "n_critical"), states.get(state.value, (0, 0)), strict=True)
                )
                for state in StandingState
            },
            "teams": self._count_by_team(node_id or 0, kind),
            "next": next_link(request, (reached[-1].criticality, reached[-1].application_id))
            if has_more
            else None,
            "results": _build_rows(reached, _load_impacts(failures, reached)),
        }

    def _count_by_team(self, node_id: int, kind: NodeKind) -> list[dict[str, Any]]:
        team_rows = reached_by_team(node_id, kind, team_ids=visible_team_ids(self.user))
        teams = Team.objects.in_bulk([row.team_id for row in team_rows])
        return [
            {
                "team": teams[row.team_id].slug,
                "name": teams[row.team_id].name,
                "n": row.n,
                "n_critical": row.n_critical,
            }
            for row in team_rows
            if row.team_id in teams
        ]


def _load_impacts(failures: Any, reached: list[ReachedApplication]) -> dict[int, ApplicationImpact]:
    if not failures or not reached:
        return {}
    rows = application_states(failures, application_ids=[row.application_id for row in reached])
    return {row.application_id: row for row in rows}


def _build_rows(
    reached: list[ReachedApplication], impacts: dict[int, ApplicationImpact]
) -> list[dict[str, Any]]:
    """Return the applications of the page as JSON; those that depend on the node in a supporting
    role alone have no impact."""
    applications = Application.objects.select_related("team").in_bulk(
        [row.application_id for row in reached]
    )
    bodies = []
    for row in reached:
        # an application that was deleted since the last refresh
        if (application := applications.get(row.application_id)) is None:
            continue
        impact = impacts.get(row.application_id)
        bodies.append(
            {
                "application": application.slug,
                "name": application.name,
                "team": application.team.slug,
                "criticality": Criticality(row.criticality).name.lower(),
                "roles": list(row.roles),
                "state": impact.state if impact else SUPPORTING,
                "hit_share": impact.hit_share if impact else 0.0,
            }
        )
    return bodies


class OfferingBlastRadiusView(BlastRadiusView):
    @extend_schema(
        operation_id="offering_blast_radius",
        parameters=_PARAMETERS,
        responses=BlastRadiusSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Applications that depend on the offering."""
        return self.respond(request, str(pk))

    def find_item(self, key: str, role: str | None) -> tuple[NodeKind, int, str]:
        row = Offering.objects.select_related("host").filter(pk=key).first()
        if row is None:
            raise Http404
        return NodeKind.OFFERING, row.pk, f"{row.api_id} on {row.host.name}"


class VersionBlastRadiusView(BlastRadiusView):
    @extend_schema(
        operation_id="version_blast_radius", parameters=_PARAMETERS, responses=BlastRadiusSerializer
    )
    def get(self, request: Request, pk: int) -> Response:
        """Applications that depend on the version, including versions derived from it."""
        return self.respond(request, str(pk))

    def find_item(self, key: str, role: str | None) -> tuple[NodeKind, int, str]:
        row = Version.objects.filter(pk=key).first()
        if row is None:
            raise Http404
        return NodeKind.VERSION, row.pk, row.name or row.identifier


class FoundationBlastRadiusView(BlastRadiusView):
    @extend_schema(
        operation_id="foundation_blast_radius",
        parameters=_PARAMETERS,
        responses=BlastRadiusSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Applications that depend on the foundation, including versions derived from it."""
        return self.respond(request, slug)

    def find_item(self, key: str, role: str | None) -> tuple[NodeKind, int, str]:
        row = Foundation.objects.filter(slug=key).first()
        if row is None:
            raise Http404
        return NodeKind.FOUNDATION, row.pk, row.name


class ProviderBlastRadiusView(BlastRadiusView):
    @extend_schema(
        operation_id="provider_blast_radius",
        parameters=[
            OpenApiParameter(
                "role",
                str,
                enum=_PARTY_ROLES,
                description="Layer at which the provider fails; if absent, the first of "
                "these with a dependent application.",
            ),
            *_PARAMETERS,
        ],
        responses=BlastRadiusSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Applications that depend on the provider as developer, host, gateway or vendor, including
        its subsidiaries."""
        return self.respond(request, slug)

    def find_item(self, key: str, role: str | None) -> tuple[NodeKind, int, str]:
        row = Provider.objects.filter(slug=key).first()
        if row is None:
            raise Http404
        if role is not None:
            return next(kind for kind in PARTIES if kind.label == role), row.pk, row.name
        kinds_with_node = set(
            Node.objects.filter(kind__in=PARTIES, ref=row.pk).values_list("kind", flat=True)
        )
        return (
            next((kind for kind in PARTIES if kind in kinds_with_node), NodeKind.DEVELOPER),
            row.pk,
            row.name,
        )
