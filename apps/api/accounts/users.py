"""Users: accounts of people, their organisation roles and their invitations."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.actions import add_user, change_user, set_membership
from apps.accounts.filters import UserFilter
from apps.accounts.models import Membership, Team, User
from apps.accounts.queries import visible_users
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.accounts.sign_in.invitations import invitation_url, send_invitation
from apps.accounts.sign_in.second_factors import second_factor_of_row
from apps.api.framework.problems import ApiConflictError
from apps.api.framework.row_reader import ComputedField, EnumNameField
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import VisibleTeamField
from apps.common.database.keyset_pagination import Keyset


class RoleOnTeamSerializer(serializers.Serializer[Any]):
    team = serializers.CharField(read_only=True, help_text="Slug of the team.")
    role = EnumNameField(TeamRole, read_only=True)


class UserSerializer(serializers.ModelSerializer[User]):
    organisation_role = serializers.ChoiceField(
        choices=OrganisationRole.choices,
        read_only=True,
        help_text="Effective organisation role; empty for none.",
    )
    organisation_role_by_sign_on = serializers.ChoiceField(
        source="sso_organisation_role",
        choices=OrganisationRole.choices,
        read_only=True,
        help_text="Organisation role from a single sign-on group. It is removed when the "
        "group no longer grants it.",
    )
    has_second_factor = serializers.BooleanField(
        read_only=True,
        help_text="Whether two-factor authentication is set up (authenticator app or "
        "security key).",
    )
    memberships = RoleOnTeamSerializer(
        many=True, read_only=True, help_text="Roles on teams. Change them under `memberships/`."
    )

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "first_name",
            "last_name",
            "email",
            "organisation_role",
            "organisation_role_by_sign_on",
            "is_superuser",
            "is_active",
            "state",
            "has_second_factor",
            "last_login",
            "date_joined",
            "memberships",
        ]
        read_only_fields = fields


class AddUserSerializer(serializers.ModelSerializer[User]):
    email = serializers.EmailField(max_length=254)
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        allow_null=True,
        default=None,
        help_text="Slug of the first team of the user.",
    )
    role = EnumNameField(
        TeamRole, required=False, help_text="Role on the first team; viewer if absent."
    )
    invite = serializers.BooleanField(
        default=True, help_text="Whether to send an email with a link to set a password."
    )

    class Meta:
        model = User
        fields = [
            "username",
            "email",
            "first_name",
            "last_name",
            "organisation_role",
            "team",
            "role",
            "invite",
        ]
        extra_kwargs = {
            "username": {
                "help_text": "Username for sign-in. It cannot be changed because the "
                "audit log names users by it."
            }
        }


class ChangeUserSerializer(serializers.ModelSerializer[User]):
    username = serializers.CharField(
        max_length=150,
        required=False,
        help_text="Username, which cannot be changed. If sent, it must be the current one.",
    )

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "organisation_role", "is_active"]
        extra_kwargs = {
            "is_active": {
                "help_text": "Whether the user can sign in. Accounts are closed, not deleted."
            }
        }


class InvitationSerializer(serializers.Serializer[Any]):
    sent = serializers.BooleanField(read_only=True, help_text="Whether the email was sent.")
    detail = serializers.CharField(read_only=True)
    link = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="Invitation link if the email was not sent. Send it to the user "
        "yourself; only this answer contains it.",
    )


class AddedUserSerializer(UserSerializer):
    invitation = InvitationSerializer(read_only=True, allow_null=True)

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "invitation"]
        read_only_fields = fields


def _describe_roles(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"team": row["team"], "role": TeamRole(row["role"]).word} for row in rows]


class UserViewSet(ReadViewSet[User]):
    """Accounts of people, for users with an organisation role. Administrators add and change them.
    Service accounts are under `service-accounts/`. Accounts are closed (`is_active`), not deleted,
    because the audit log names them."""

    is_personal = True
    model = User
    serializer_class = UserSerializer
    filterset_class = UserFilter
    orders = {
        "username": Keyset(("username",)),
        "-username": Keyset(("-username",)),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
    }
    annotations = {
        "has_second_factor": second_factor_of_row(),
        "roles_on_teams": ArraySubquery(
            Membership.objects.filter(user=OuterRef("pk"))
            .order_by("team__slug")
            .values(pair=JSONObject(team="team__slug", role="role"))
        ),
    }
    computed = {"memberships": ComputedField(("roles_on_teams",), _describe_roles)}

    @extend_schema(request=AddUserSerializer, responses={201: AddedUserSerializer})
    def create(self, request: Request) -> Response:
        """Add a user with a role on a first team, and send the invitation. Requires the
        administrator role."""
        self._require_administrator()
        data = self.validated(AddUserSerializer)
        team, role, invites = data.pop("team"), data.pop("role", None), data.pop("invite")
        if role is not None and team is None:
            raise serializers.ValidationError(
                {"role": "A role requires a team. Enter the team, or omit the role."}
            )
        with transaction.atomic():
            person = add_user(facts=data, by=self.user)
            if team is not None:
                set_membership(
                    user=person,
                    team=team,
                    role=TeamRole(role or TeamRole.VIEWER.rank),
                    by=self.user,
                )
        response = self.answer(person, status.HTTP_201_CREATED)
        response.data["invitation"] = self._send_invitation(person, response) if invites else None
        return response

    @extend_schema(request=ChangeUserSerializer, responses=UserSerializer)
    @transaction.atomic
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a user, or close and reopen the account. Requires the administrator role; only a
        superuser can change a superuser. The username cannot be changed. The answer is 409 if no
        administrator would remain."""
        self._load_changeable_user()
        self.lock(pk=pk)
        person = self.subject()
        facts = self.validated(ChangeUserSerializer, instance=person, partial=True)
        if facts.pop("username", person.username) != person.username:
            raise serializers.ValidationError(
                {
                    "username": "The username cannot be changed because the audit log names users "
                    "by it. Omit the username."
                }
            )
        return self.answer(change_user(person=person, facts=facts, by=self.user, request=request))

    @extend_schema(request=None, responses=InvitationSerializer)
    @action(detail=True, methods=["post"])
    def invite(self, request: Request, pk: str) -> Response:
        """Send the invitation, or send it again. Requires the administrator role. The link works
        once and expires with the next sign-in."""
        person = self._load_changeable_user()
        if not person.is_active:
            raise ApiConflictError(f"The account of {person.username} is closed. Reopen it first.")
        if not person.email:
            raise ApiConflictError(f"{person.username} has no email address. Enter one first.")
        response = Response()
        response.data = self._send_invitation(person, response)
        return response

    def get_queryset(self) -> QuerySet[User]:
        if getattr(self, "swagger_fake_view", False):
            return User.objects.none()
        return visible_users(self.user).order_by()

    def _require_administrator(self) -> None:
        if not self.user.is_administrator:
            raise PermissionDenied(
                "You need the administrator role to add or change users. Contact an administrator."
            )

    def _load_changeable_user(self) -> User:
        """Return the user in the URL; a hidden user is 404 before a missing role is 403."""
        person = self.subject()
        self._require_administrator()
        if person.is_superuser and not self.user.is_superuser:
            raise PermissionDenied("Only a superuser can change a superuser. Contact a superuser.")
        return person

    def _send_invitation(self, person: User, response: Response) -> dict[str, Any]:
        """Send the invitation; if the email fails, the answer contains the link, which is not
        stored."""
        try:
            send_invitation(person=person, by=self.user)
        except OSError as error:
            response["Cache-Control"] = "no-store"
            detail = (
                f"The email was not sent ({error}). Send {person.username} the link "
                "yourself; it works once."
            )
            return {"sent": False, "detail": detail, "link": invitation_url(person)}
        return {
            "sent": True,
            "detail": f"An invitation was sent to {person.email}.",
            "link": None,
        }
