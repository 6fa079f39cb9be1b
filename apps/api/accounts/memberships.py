"""Memberships: roles of users on teams."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.actions import end_membership, set_membership
from apps.accounts.filters import MembershipFilter
from apps.accounts.models import Membership, Team, User
from apps.accounts.queries import owns_any_team
from apps.accounts.roles import TeamRole
from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import VisibleTeamField
from apps.common.database.keyset_pagination import Keyset


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    user = serializers.CharField(
        source="user.username", read_only=True, help_text="Username of the member."
    )
    team = serializers.CharField(source="team.slug", read_only=True, help_text="Slug of the team.")
    role = EnumNameField(
        TeamRole, read_only=True, help_text="Effective role: the stronger of the two below."
    )
    role_by_hand = EnumNameField(
        TeamRole,
        source="manual_role",
        read_only=True,
        allow_null=True,
        help_text="Role assigned in the registry, beside a role from single sign-on.",
    )
    role_by_sign_on = EnumNameField(
        TeamRole,
        source="sso_role",
        read_only=True,
        allow_null=True,
        help_text="Role from a single sign-on group. It is removed when the group no "
        "longer grants it.",
    )
    is_service = serializers.BooleanField(
        source="user.is_service", read_only=True, help_text="Whether the user is a service account."
    )

    class Meta:
        model = Membership
        fields = [
            "id",
            "user",
            "team",
            "role",
            "role_by_hand",
            "role_by_sign_on",
            "is_service",
            "created_at",
        ]
        read_only_fields = fields


@extend_schema_field({"type": "string", "description": "Username of an active account."})
class OpenUserField(serializers.SlugRelatedField[User]):
    pass


class SetMembershipSerializer(serializers.Serializer[Any]):
    user = OpenUserField(slug_field="username", queryset=User.objects.filter(is_active=True))
    team = VisibleTeamField(slug_field="slug", queryset=Team.objects.none())
    role = EnumNameField(
        TeamRole, help_text="Role to assign. It replaces the role assigned before."
    )


class MembershipViewSet(ReadViewSet[Membership]):
    """Roles on the teams that the caller can view. Roles on parent teams are memberships of those
    teams."""

    is_personal = True
    model = Membership
    serializer_class = MembershipSerializer
    filterset_class = MembershipFilter
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}

    @extend_schema(
        request=SetMembershipSerializer,
        responses={201: MembershipSerializer, 200: MembershipSerializer},
    )
    @transaction.atomic
    def create(self, request: Request) -> Response:
        """Assign a role on a team: 201 for a new membership, 200 for a changed one. Owners of the
        team and governance users can assign roles. A service account can be viewer or editor.
        Repeating the request changes nothing."""
        if not owns_any_team(self.user):
            raise PermissionDenied(
                "You need the owner role on this team to assign roles. Contact a team "
                "owner or a governance user."
            )
        data = self.validated(SetMembershipSerializer)
        user, team = data["user"], data["team"]
        self.require(TeamRole.OWNER, team)
        is_new = not Membership.objects.filter(user=user, team=team).exists()
        membership = set_membership(user=user, team=team, role=TeamRole(data["role"]), by=self.user)
        return self.answer(membership, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(
        responses={
            204: OpenApiResponse(description="The user has no role on this team any more."),
            200: MembershipSerializer,
        }
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove the role. Owners of the team and governance users can remove roles. The answer is
        200 if single sign-on also grants a role, and 409 if only single sign-on grants it."""
        membership = self.subject("team")
        self.require(TeamRole.OWNER, membership.team)
        end_membership(membership=membership, by=self.user)
        remaining = Membership.objects.filter(pk=membership.pk).first()
        return (
            Response(status=status.HTTP_204_NO_CONTENT)
            if remaining is None
            else self.answer(remaining)
        )
