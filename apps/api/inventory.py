"""Applications and what they call; changes go through the actions of the inventory."""

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team
from apps.accounts.roles import TeamRole
from apps.api.base import BY_ID, ReadViewSet
from apps.api.reading import WordField
from apps.catalog.models import Offering, Provider
from apps.common.pagination import Keyset
from apps.common.time import day_of, now
from apps.exposure.queries import stack
from apps.inventory import actions
from apps.inventory.filters import ApplicationFilter, DependencyFilter
from apps.inventory.models import Application, Criticality, Dependency

SLUG = "[-a-zA-Z0-9_]+"


@extend_schema_field({"type": "string", "description": "Slug of a team you may see."})
class VisibleTeamField(serializers.SlugRelatedField[Team]):
    """A team outside what the caller sees is as unknown as one that does not exist."""

    def get_queryset(self) -> Any:
        return Team.objects.visible_to(self.context["request"].user)


@extend_schema_field({"type": "string", "description": "Slug of an application you may see."})
class VisibleApplicationField(serializers.SlugRelatedField[Application]):
    def get_queryset(self) -> Any:
        return Application.objects.visible_to(self.context["request"].user).select_related("team")


@extend_schema_field({"type": ["string", "null"], "description": "Slug of a provider."})
class ProviderField(serializers.SlugRelatedField[Provider]):
    pass


class ReasonMixin(serializers.Serializer[Any]):
    reason = serializers.CharField(
        write_only=True, required=False, allow_blank=True, max_length=500, help_text="For the history."
    )


class ApplicationSerializer(ReasonMixin, serializers.ModelSerializer[Application]):
    slug = serializers.SlugField(max_length=120, required=False, help_text="Made from the name where absent; fixed.")
    team = VisibleTeamField(slug_field="slug", queryset=Team.objects.none())
    criticality = WordField(Criticality, required=False)
    external_refs = serializers.DictField(required=False)

    class Meta:
        model = Application
        fields = [
            "id", "slug", "name", "purpose", "team", "business_owner", "technical_owner", "criticality", "status",
            "ai_act_class", "ai_act_role", "data_classification", "personal_data", "geography", "users_affected",
            "rto_hours", "monthly_spend", "external_refs", "next_review_on", "created_at", "updated_at", "reason",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs = {"monthly_spend": {"min_value": 0}}


class AffectedApplicationSerializer(ApplicationSerializer):
    affected_primary = serializers.BooleanField(
        read_only=True, help_text="False: only a fallback, judge or other role is affected."
    )

    class Meta(ApplicationSerializer.Meta):
        fields = [name for name in ApplicationSerializer.Meta.fields if name != "reason"] + ["affected_primary"]

    reason = None  # type: ignore[assignment]


class RetireSerializer(ReasonMixin):
    on = serializers.DateField(required=False, help_text="First day out of use; today where absent.")


class StackSerializer(serializers.Serializer[Any]):
    dependency = serializers.IntegerField(source="dependency.pk")
    role = serializers.ChoiceField(source="dependency.role", choices=Dependency.Role.choices)
    fallback_order = serializers.IntegerField(source="dependency.fallback_order")
    offering = serializers.IntegerField(source="offering.pk", help_text="What is called.")
    api_id = serializers.CharField(source="offering.api_id")
    host = serializers.CharField(source="host.slug", help_text="Where the answering offering is served.")
    answering = serializers.IntegerField(source="answering.pk", help_text="What answers today, redirects followed.")
    version = serializers.CharField(source="version.identifier", allow_null=True, default=None)
    foundation = serializers.CharField(source="foundation.slug", allow_null=True, default=None)
    developer = serializers.CharField(source="developer.slug", allow_null=True, default=None)
    lifecycle = serializers.CharField(source="answering.lifecycle")
    retires_on = serializers.DateField(source="answering.retires_on", allow_null=True)
    days_left = serializers.IntegerField(allow_null=True)
    at_least = serializers.BooleanField(help_text="The date is a 'not before': the end may come later.")
    replacement = serializers.IntegerField(source="answering.replacement_id", allow_null=True)


class ApplicationViewSet(ReadViewSet[Application]):
    """What the organisation runs, as far as the caller's teams reach."""

    model = Application
    serializer_class = ApplicationSerializer
    filterset_class = ApplicationFilter
    lookup_field = "slug"
    lookup_value_regex = SLUG
    orders = {
        "criticality": Keyset(("criticality", "id")),
        "-criticality": Keyset(("-criticality", "-id")),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
        "slug": Keyset(("slug",)),
        "-slug": Keyset(("-slug",)),
    }

    @extend_schema(responses={201: ApplicationSerializer})
    def create(self, request: Request) -> Response:
        """Register an application; for editors of its team."""
        facts = self.validated(ApplicationSerializer)
        team = facts.pop("team")
        self.require(TeamRole.EDITOR, team)
        application = actions.register_application(
            name=facts.pop("name"),
            slug=facts.pop("slug", ""),
            team=team,
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
        )
        return self.answer(application, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, slug: str) -> Response:
        """Change some facts; for editors of the team, and of the new team where it moves. The slug stays."""
        application = self.subject("team")
        self.require(TeamRole.EDITOR, application.team)
        facts = self.validated(ApplicationSerializer, instance=application, partial=True)
        if facts.pop("slug", application.slug) != application.slug:
            raise serializers.ValidationError({"slug": "The slug stays as it is: others point to it."})
        if "team" in facts:
            self.require(TeamRole.EDITOR, facts["team"])
        application = actions.change_application(
            application=application, reason=facts.pop("reason", ""), facts=facts, by=self.user
        )
        return self.answer(application)

    @extend_schema(request=RetireSerializer, responses=ApplicationSerializer)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, slug: str) -> Response:
        """Take out of use: status and every dependency. Doing it twice changes nothing."""
        application = self.subject("team")
        self.require(TeamRole.EDITOR, application.team)
        asked = self.validated(RetireSerializer)
        application = actions.retire_application(
            application=application, on=asked.get("on", today()), reason=asked.get("reason", ""), by=self.user
        )
        return self.answer(application)

    @extend_schema(responses=StackSerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def stack(self, request: Request, slug: str) -> Response:
        """What it stands on today, layer by layer: primaries, fallbacks in order, then the rest."""
        rows = stack(application=self.subject("team"), on=today())
        return Response(StackSerializer(rows, many=True).data)


class DependencySerializer(ReasonMixin, serializers.ModelSerializer[Dependency]):
    application = VisibleApplicationField(slug_field="slug", queryset=Application.objects.none())
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), help_text="Id; found by offerings/?host=&api_id=."
    )
    host = serializers.CharField(source="offering.host.slug", read_only=True, help_text="Slug.")
    api_id = serializers.CharField(source="offering.api_id", read_only=True)
    version = serializers.CharField(source="offering.version.identifier", read_only=True, allow_null=True)
    foundation = serializers.CharField(source="offering.version.foundation.slug", read_only=True, allow_null=True)
    via_party = ProviderField(slug_field="slug", queryset=Provider.objects.all(), required=False, allow_null=True)
    since = serializers.DateField(required=False, help_text="First day in use; today where absent.")

    class Meta:
        model = Dependency
        fields = [
            "id", "application", "offering", "host", "api_id", "version", "foundation", "role", "fallback_order",
            "traffic_share", "monthly_input_tokens", "monthly_output_tokens", "monthly_spend", "reached", "via_party",
            "known", "since", "until", "last_observed_on", "tags", "created_at", "updated_at", "reason",
        ]  # fmt: skip
        read_only_fields = ["id", "known", "last_observed_on", "created_at", "updated_at"]
        extra_kwargs = {"traffic_share": {"min_value": 0, "max_value": 1}, "monthly_spend": {"min_value": 0}}


class DependencyChangeSerializer(DependencySerializer):
    """What may be corrected; offering, role and time have actions of their own."""

    class Meta(DependencySerializer.Meta):
        fields = [
            "fallback_order", "traffic_share", "monthly_input_tokens", "monthly_output_tokens", "monthly_spend",
            "reached", "via_party", "tags", "reason",
        ]  # fmt: skip

    application = offering = host = api_id = version = foundation = since = None  # type: ignore[assignment]


class EndSerializer(ReasonMixin):
    on = serializers.DateField(required=False, help_text="First day it is no longer used; today where absent.")


class ReplaceSerializer(EndSerializer):
    offering = serializers.PrimaryKeyRelatedField(queryset=Offering.objects.all(), help_text="Id of the successor.")


class DependencyViewSet(ReadViewSet[Dependency]):
    """Application x offering, for a time. Ended rows stay."""

    model = Dependency
    serializer_class = DependencySerializer
    filterset_class = DependencyFilter

    @extend_schema(responses={201: DependencySerializer})
    def create(self, request: Request) -> Response:
        """Declare that an application uses an offering; for editors of its team."""
        facts = self.validated(DependencySerializer)
        application = facts.pop("application")
        self.require(TeamRole.EDITOR, application.team)
        dependency = actions.declare_dependency(
            application=application,
            offering=facts.pop("offering"),
            role=facts.pop("role", Dependency.Role.PRIMARY),
            since=facts.pop("since", None) or today(),
            until=facts.pop("until", None),
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
        )
        return self.answer(dependency, status.HTTP_201_CREATED)

    @extend_schema(request=DependencyChangeSerializer, responses=DependencySerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Correct amounts, share, order, tags or the way it is reached."""
        dependency = self._editable()
        facts = self.validated(DependencyChangeSerializer, partial=True)
        dependency = actions.change_dependency(
            dependency=dependency, reason=facts.pop("reason", ""), facts=facts, by=self.user
        )
        return self.answer(dependency)

    @extend_schema(request=EndSerializer, responses=DependencySerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """Say that it is no longer used."""
        dependency = self._editable()
        asked = self.validated(EndSerializer)
        dependency = actions.end_dependency(
            dependency=dependency, on=asked.get("on", today()), reason=asked.get("reason", ""), by=self.user
        )
        return self.answer(dependency)

    @extend_schema(request=ReplaceSerializer, responses={201: DependencySerializer})
    @action(detail=True, methods=["post"])
    def replace(self, request: Request, pk: str) -> Response:
        """Move to another offering: this one ends, a new one begins that day and is the answer."""
        dependency = self._editable()
        asked = self.validated(ReplaceSerializer)
        begun = actions.replace_offering(
            dependency=dependency,
            successor=asked["offering"],
            on=asked.get("on", today()),
            reason=asked.get("reason", ""),
            by=self.user,
        )
        return self.answer(begun, status.HTTP_201_CREATED)

    def _editable(self) -> Dependency:
        dependency = self.subject("application__team")
        self.require(TeamRole.EDITOR, dependency.application.team)
        return dependency


def today() -> date:
    return day_of(now())
