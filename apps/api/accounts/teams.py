"""Teams: the tree of teams that own applications."""

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.actions import (
    SameNameError,
    add_team,
    change_team,
    locked_team,
    remove_team,
)
from apps.accounts.filters import TeamFilter
from apps.accounts.models import Team
from apps.api.framework.problems import ApiConflictError
from apps.api.framework.views import BY_ID
from apps.api.governance.base import GovernedViewSet
from apps.api.inventory.applications import VisibleTeamField
from apps.common.database.keyset_pagination import Keyset
from apps.common.validators import validate_time_zone


class TeamSerializer(serializers.ModelSerializer[Team]):
    slug = serializers.SlugField(
        max_length=80,
        required=False,
        help_text="Slug of the team. Derived from the name if absent; cannot be changed later.",
    )
    parent = VisibleTeamField(  # type: ignore[assignment]
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        allow_null=True,
        help_text="Slug of the parent team, whose roles also apply here; null for a "
        "top-level team.",
    )
    time_zone = serializers.CharField(
        max_length=64,
        required=False,
        validators=[validate_time_zone],
        help_text="Time zone of the team mailbox, for example Europe/Berlin.",
    )
    digest_hour = serializers.IntegerField(
        min_value=0,
        max_value=23,
        required=False,
        help_text="Hour at which the team mailbox receives its digest, 0 to 23, in `time_zone`.",
    )

    class Meta:
        model = Team
        fields = [
            "id",
            "slug",
            "name",
            "parent",
            "email",
            "time_zone",
            "digest_hour",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]


class TeamViewSet(GovernedViewSet[Team]):
    """Teams of the caller, by membership or through a parent team. Governance users add, change and
    remove teams."""

    model = Team
    serializer_class = TeamSerializer
    filterset_class = TeamFilter
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]+"
    orders = {
        "slug": Keyset(("slug",)),
        "-slug": Keyset(("-slug",)),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }

    @extend_schema(responses={201: TeamSerializer})
    def create(self, request: Request) -> Response:
        """Add a team. Requires the governance role. The answer is 409 if the parent already has a
        team of this name."""
        self.require_governance()
        facts = self.validated(TeamSerializer)
        slug = facts.pop("slug", "")
        if slug and Team.objects.filter(slug=slug).exists():
            raise serializers.ValidationError(
                {"slug": "Another team has this slug. Enter a different slug."}
            )
        try:
            team = add_team(facts=facts, slug=slug, by=self.user)
        except SameNameError as error:
            raise ApiConflictError(" ".join(error.messages)) from None
        return self.answer(team, status.HTTP_201_CREATED)

    @transaction.atomic
    def partial_update(self, request: Request, slug: str) -> Response:
        """Change a team. Requires the governance role. The slug cannot be changed. The answer is
        409 if the parent already has a team of this name."""
        team = locked_team(self.governed())
        facts = self.validated(TeamSerializer, instance=team, partial=True)
        if facts.pop("slug", team.slug) != team.slug:
            raise serializers.ValidationError(
                {
                    "slug": "The slug of a team cannot be changed because URLs contain it. Add "
                    "another team instead."
                }
            )
        try:
            return self.answer(change_team(team=team, facts=facts, by=self.user))
        except SameNameError as error:
            raise ApiConflictError(" ".join(error.messages)) from None

    @extend_schema(
        responses={204: OpenApiResponse(description="The team and its memberships were removed.")}
    )
    def destroy(self, request: Request, slug: str) -> Response:
        """Remove a team that owns nothing, with its memberships. Requires the governance role. The
        answer is 409 if the team owns records."""
        remove_team(team=self.governed(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
