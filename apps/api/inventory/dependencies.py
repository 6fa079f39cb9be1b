"""Dependencies: declared, corrected, confirmed, replaced, ended and reopened."""

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import TeamRole
from apps.api.bulk.views import BulkMixin, bulk_schema
from apps.api.inventory.applications import (
    ConfirmingMixin,
    ExpectingMixin,
    ProviderField,
    ReasonMixin,
    VisibleApplicationField,
    WritingViewSet,
    WrittenMixin,
    today,
)
from apps.api.inventory.successors import SuccessorsSerializer, serialize_search
from apps.catalog.models import Offering, Provider
from apps.common.validators import validate_plausible_date
from apps.exposure.successors.search import RELATIONS as SUCCESSOR_RELATIONS
from apps.exposure.successors.search import find_successors
from apps.inventory.actions import dependencies as actions_dependencies
from apps.inventory.bulk.resources import BULK_RESOURCES
from apps.inventory.candidate_checks import (
    IntendedUse,
    breaks_of,
    refuse_unconfirmed,
    replacement_of,
)
from apps.inventory.filters import DependencyFilter
from apps.inventory.models import Application, Dependency

# declared facts of a dependency, which users can correct
_FACTS = [
    "fallback_order",
    "traffic_share",
    "monthly_input_tokens",
    "monthly_output_tokens",
    "monthly_cache_read_tokens",
    "monthly_cache_write_tokens",
    "monthly_requests",
    "typical_request_tokens",
    "monthly_spend",
    "reached",
    "via_party",
    "binding",
    "tags",
    "features",
]


class DependencySerializer(ConfirmingMixin, ReasonMixin, serializers.ModelSerializer[Dependency]):
    application = VisibleApplicationField(slug_field="slug", queryset=Application.objects.none())
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(),
        help_text="ID of the offering; offerings/?host=&api_id= finds it.",
    )
    host = serializers.CharField(
        source="offering.host.slug", read_only=True, help_text="Slug of the host."
    )
    api_id = serializers.CharField(source="offering.api_id", read_only=True)
    version = serializers.CharField(
        source="offering.version.identifier", read_only=True, allow_null=True
    )
    foundation = serializers.CharField(
        source="offering.version.foundation.slug", read_only=True, allow_null=True
    )
    via_party = ProviderField(
        slug_field="slug", queryset=Provider.objects.all(), required=False, allow_null=True
    )
    since = serializers.DateField(
        required=False,
        validators=[validate_plausible_date],
        help_text="First day in use; today if absent.",
    )

    class Meta:
        model = Dependency
        fields = [
            "id",
            "application",
            "offering",
            "host",
            "api_id",
            "version",
            "foundation",
            "role",
            *_FACTS,
            "known",
            "since",
            "until",
            "last_observed_on",
            "confirmed_on",
            "created_at",
            "updated_at",
            "confirm_breaks",
            "reason",
        ]
        read_only_fields = [
            "id",
            "known",
            "last_observed_on",
            "confirmed_on",
            "created_at",
            "updated_at",
        ]
        extra_kwargs = {
            "known": {"source": "origin"},
            "traffic_share": {"min_value": 0},
            "monthly_spend": {"min_value": 0},
        }


class WrittenDependencySerializer(WrittenMixin, DependencySerializer):
    class Meta(DependencySerializer.Meta):
        fields = [*DependencySerializer.Meta.fields, "findings", "change"]


class DependencyChangeSerializer(ExpectingMixin, DependencySerializer):
    """Facts that can be corrected. Offering, role and period have actions of their own."""

    class Meta(DependencySerializer.Meta):
        fields = [*_FACTS, "expected_updated_at", "reason"]

    application = offering = host = api_id = version = foundation = since = None  # type: ignore[assignment]
    confirm_breaks = None  # type: ignore[assignment]


class ConfirmSerializer(ReasonMixin):
    on = serializers.DateField(
        required=False, validators=[validate_plausible_date], help_text="Date; today if absent."
    )


class EndSerializer(ExpectingMixin, ReasonMixin):
    on = serializers.DateField(
        required=False,
        validators=[validate_plausible_date],
        help_text="First day out of use; today if absent.",
    )


class ReopenSerializer(ReasonMixin):
    until = serializers.DateField(
        required=False,
        allow_null=True,
        validators=[validate_plausible_date],
        help_text="Later end date; none if absent.",
    )


class ReplaceSerializer(ConfirmingMixin, EndSerializer):
    offering = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.all(), help_text="ID of the new offering."
    )


@extend_schema_view(
    bulk=bulk_schema(
        BULK_RESOURCES["dependencies"],
        {
            "application": "claims-triage",
            "host": "openai",
            "api_id": "gpt-4o-2024-11-20",
            "role": "primary",
            "since": "2026-01-01",
            "traffic_share": "1",
            "monthly_input_tokens": 120_000_000,
        },
    )
)
class DependencyViewSet(BulkMixin, WritingViewSet[Dependency]):
    """Dependencies: the use of an offering by an application, for a period. Ended dependencies are
    kept."""

    bulk_resource = "dependencies"
    model = Dependency
    serializer_class = DependencySerializer
    filterset_class = DependencyFilter
    application_path = "application"

    @extend_schema(
        responses={201: WrittenDependencySerializer},
        examples=[
            OpenApiExample(
                "a fallback through a gateway",
                request_only=True,
                value={
                    "application": "claims-triage",
                    "offering": 4711,
                    "role": "fallback",
                    "fallback_order": 1,
                    "reached": "gateway",
                    "via_party": "litellm",
                    "since": "2026-01-01",
                },
            )
        ],
    )
    def create(self, request: Request) -> Response:
        """Declare that an application uses an offering. Requires the editor role on its team. The
        answer is 409 if the choice breaks something and is not confirmed."""
        facts = self.validated(DependencySerializer)
        application, offering = facts.pop("application"), facts.pop("offering")
        self.require(TeamRole.EDITOR, application.team)
        role, until = facts.pop("role", Dependency.Role.PRIMARY), facts.pop("until", None)
        confirmed = facts.pop("confirm_breaks", False)
        if until is None or until > today():
            use = IntendedUse(application, role)
            refuse_unconfirmed(breaks_of(use, offering, on=today()), confirmed=confirmed)
        dependency = actions_dependencies.declare_dependency(
            application=application,
            offering=offering,
            role=role,
            since=facts.pop("since", None) or today(),
            until=until,
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
        )
        return self.change_response(dependency, application, dependency.pk, status.HTTP_201_CREATED)

    @extend_schema(request=DependencyChangeSerializer, responses=WrittenDependencySerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Correct amounts, traffic share, order, tags or the route."""
        dependency = self.editable()
        facts = self.validated(DependencyChangeSerializer, partial=True)
        changed_dependency = actions_dependencies.change_dependency(
            dependency=dependency,
            reason=facts.pop("reason", ""),
            expected_updated_at=facts.pop("expected_updated_at", None),
            facts=facts,
            by=self.user,
        )
        return self.change_response(
            changed_dependency, dependency.application, changed_dependency.pk
        )

    @extend_schema(request=ConfirmSerializer, responses=WrittenDependencySerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Confirm that the dependency is in use. An observed dependency becomes declared."""
        dependency = self.editable()
        data = self.validated(ConfirmSerializer)
        confirmed_dependency = actions_dependencies.confirm_dependency(
            dependency=dependency,
            on=data.get("on", today()),
            reason=data.get("reason", ""),
            by=self.user,
        )
        return self.change_response(
            confirmed_dependency, dependency.application, confirmed_dependency.pk
        )

    @extend_schema(request=EndSerializer, responses=WrittenDependencySerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """End the dependency."""
        dependency = self.editable()
        data = self.validated(EndSerializer)
        ended_dependency = actions_dependencies.end_dependency(
            dependency=dependency,
            on=data.get("on", today()),
            reason=data.get("reason", ""),
            expected_updated_at=data.get("expected_updated_at"),
            by=self.user,
        )
        return self.change_response(ended_dependency, dependency.application, ended_dependency.pk)

    @extend_schema(request=ReopenSerializer, responses=WrittenDependencySerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Remove the end date, or move it to a later date."""
        dependency = self.editable()
        data = self.validated(ReopenSerializer)
        reopened_dependency = actions_dependencies.reopen_dependency(
            dependency=dependency,
            until=data.get("until"),
            reason=data.get("reason", ""),
            by=self.user,
        )
        return self.change_response(
            reopened_dependency, dependency.application, reopened_dependency.pk
        )

    @extend_schema(request=ReplaceSerializer, responses={201: WrittenDependencySerializer})
    @action(detail=True, methods=["post"])
    def replace(self, request: Request, pk: str) -> Response:
        """Replace the offering: this dependency ends and a new one starts on that date, which is
        the answer. Adaptations and the exit plan move with it. The answer is 409 if another user
        replaced it first, or if the choice breaks something and is not confirmed."""
        dependency = self.editable()
        data = self.validated(ReplaceSerializer)
        breaks = breaks_of(replacement_of(dependency), data["offering"], on=today())
        refuse_unconfirmed(breaks, confirmed=data.get("confirm_breaks", False))
        new_dependency = actions_dependencies.replace_offering(
            dependency=dependency,
            successor=data["offering"],
            on=data.get("on", today()),
            reason=data.get("reason", ""),
            expected_updated_at=data.get("expected_updated_at"),
            by=self.user,
        )
        return self.change_response(
            new_dependency, dependency.application, new_dependency.pk, status.HTTP_201_CREATED
        )

    @extend_schema(responses=SuccessorsSerializer, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def successors(self, request: Request, pk: str) -> Response:
        """Rank the candidates that could take the place of the offering, at the recorded volume.
        Candidates that lose something come last, each with its reasons."""
        dependency = self.subject(*SUCCESSOR_RELATIONS)
        (search,) = find_successors([dependency], user=self.user, on=today())
        return Response(serialize_search(search, with_tolerances=self.user.can_read_all))

    def editable(self) -> Dependency:
        dependency = self.subject("application__team")
        self.require(TeamRole.EDITOR, dependency.application.team)
        return dependency
