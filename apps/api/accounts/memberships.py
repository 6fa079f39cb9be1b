"""Memberships: who holds which role on which team."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.actions import AccountChangeError, end_membership, set_membership
from apps.accounts.filters import MembershipFilter
from apps.accounts.models import Membership, Team, User
from apps.accounts.queries import owns_any_team
from apps.accounts.roles import TeamRole
from apps.api.framework.problems import ConflictError
from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import VisibleTeamField
from apps.common.database.keyset_pagination import Keyset


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    user = serializers.CharField(source="user.username", read_only=True, help_text="Username.")
    team = serializers.CharField(source="team.slug", read_only=True, help_text="Slug.")
    role = EnumNameField(
        TeamRole, read_only=True, help_text="The one that counts: the stronger of the two below."
    )
    role_by_hand = EnumNameField(
        TeamRole,
        read_only=True,
        allow_null=True,
        help_text="What was given here, where sign-on gives a role as well.",
    )
    role_by_sign_on = EnumNameField(
        TeamRole,
        read_only=True,
        allow_null=True,
        help_text="What a group at sign-on gives, and takes again.",
    )
    is_service = serializers.BooleanField(
        source="user.is_service", read_only=True, help_text="The user is a service account."
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


@extend_schema_field({"type": "string", "description": "Username; the account is open."})
class OpenUserField(serializers.SlugRelatedField[User]):
    pass


class SetMembershipSerializer(serializers.Serializer[Any]):
    user = OpenUserField(slug_field="username", queryset=User.objects.filter(is_active=True))
    team = VisibleTeamField(slug_field="slug", queryset=Team.objects.none())
    role = EnumNameField(TeamRole, help_text="In place of the one given here before.")


class MembershipViewSet(ReadViewSet[Membership]):
    """Roles on teams, of the teams the caller may see; those held on teams above are memberships of
    those."""

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
        """Give a user a role on a team (201), or another one (200); for owners of the team and
        governance. The same again changes nothing. A service account may be viewer or editor."""
        if not owns_any_team(self.user):
            raise PermissionDenied(
                "Roles on a team are given by its owners and by governance. Ask one of them."
            )
        asked = self.validated(SetMembershipSerializer)
        user, team = asked["user"], asked["team"]
        self.require(TeamRole.OWNER, team)
        is_new = not Membership.objects.filter(user=user, team=team).exists()
        try:
            membership = set_membership(
                user=user, team=team, role=TeamRole(asked["role"]), by=self.user
            )
        except AccountChangeError as refusal:
            raise ConflictError(str(refusal)) from None
        return self.answer(membership, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(
        responses={
            204: OpenApiResponse(
                description="The user holds no role on this team itself any more."
            ),
            200: MembershipSerializer,
        }
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Take the role; for owners of the team and governance. 200 where sign-on goes on giving
        one, 409 where it alone does."""
        membership = self.subject("team")
        self.require(TeamRole.OWNER, membership.team)
        try:
            end_membership(membership=membership, by=self.user)
        except AccountChangeError as refusal:
            raise ConflictError(str(refusal)) from None
        remaining = Membership.objects.filter(pk=membership.pk).first()
        return (
            Response(status=status.HTTP_204_NO_CONTENT)
            if remaining is None
            else self.answer(remaining)
        )
