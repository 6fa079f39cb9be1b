"""API tokens and service accounts."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.actions import (
    DEFAULT_TOKEN_LIFETIME,
    MAX_ROTATION_OVERLAP,
    MAX_TOKEN_LIFETIME,
    AccountChangeError,
    issue_token,
    revoke_token,
    rotate_token,
)
from apps.accounts.filters import ServiceFilter, TokenFilter
from apps.accounts.models import ApiToken, Team, User
from apps.accounts.roles import Scope
from apps.accounts.service_accounts import (
    SERVICE_ROLES,
    add_service,
    can_add_services,
    can_manage_service,
    visible_service_accounts,
)
from apps.api.framework.views import BY_ID, ReadViewSet
from apps.api.inventory.applications import VisibleApplicationField, VisibleTeamField
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.intake.connections.service_links import bind_token
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.inventory.actions.locks import ForbiddenChangeError
from apps.inventory.models import Application

_ORDERS = {"-id": Keyset(("-id",)), "id": BY_ID}


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    user = serializers.CharField(
        source="user.username",
        read_only=True,
        help_text="Username of the account that the token acts for.",
    )
    team = serializers.CharField(
        source="team.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the team that the token is bound to; null if it is not bound.",
    )
    application = serializers.CharField(
        source="binding.application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the only application that the token can write to; null if it "
        "is not bound.",
    )
    is_service = serializers.BooleanField(source="user.is_service", read_only=True)

    class Meta:
        model = ApiToken
        fields = [
            "id",
            "name",
            "prefix",
            "user",
            "is_service",
            "scopes",
            "team",
            "application",
            "per_minute",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
            "old_until",
            "old_last_used_at",
        ]
        read_only_fields = fields


class MakeTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, help_text="Name of the token, shown in lists.")
    scopes = serializers.MultipleChoiceField(choices=Scope.choices, allow_empty=False)
    days = serializers.IntegerField(
        min_value=1,
        max_value=MAX_TOKEN_LIFETIME.days,
        default=DEFAULT_TOKEN_LIFETIME.days,
        help_text="Validity in days.",
    )
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        allow_null=True,
        help_text="Slug of a team. The token is limited to this team and its sub-teams.",
    )
    application = VisibleApplicationField(
        slug_field="slug",
        queryset=Application.objects.none(),
        required=False,
        allow_null=True,
        help_text="Slug of an application, for a token with scope `intake`: everything "
        "it sends is about this application.",
    )
    environment = serializers.CharField(
        max_length=60,
        required=False,
        allow_blank=True,
        help_text="Environment of the data that the token sends, with `application`.",
    )
    per_minute = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True
    )
    service = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Username of a service account that you manage; your own account if absent.",
    )


class RotateTokenSerializer(serializers.Serializer[Any]):
    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=MAX_ROTATION_OVERLAP.days * 24,
        default=24,
        help_text="Hours for which the previous secret stays valid; 0 revokes it immediately.",
    )
    days = serializers.IntegerField(
        min_value=1,
        max_value=MAX_TOKEN_LIFETIME.days,
        required=False,
        help_text="Validity in days from now. If absent, the expiry date is unchanged.",
    )


class IssuedTokenSerializer(TokenSerializer):
    token = serializers.CharField(
        read_only=True, help_text="Secret of the token. Shown only in this answer."
    )

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
        read_only_fields = fields


class TokenViewSet(ReadViewSet[ApiToken]):
    """Your API tokens and those of the service accounts that you manage. A token can create only
    tokens with its own scopes or fewer, which expire no later than itself."""

    is_personal = True
    model = ApiToken
    serializer_class = TokenSerializer
    filterset_class = TokenFilter
    orders = _ORDERS

    @extend_schema(request=MakeTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """Create an API token. Only this answer contains its secret."""
        data = self.validated(MakeTokenSerializer)
        at = now()
        lifetime = timedelta(days=data["days"])
        self._refuse_wider_token(data["scopes"], at + lifetime)
        application = data.get("application")
        try:
            with transaction.atomic():
                token, text = issue_token(
                    user=self._find_token_owner(data.get("service")),
                    name=data["name"],
                    scopes=sorted(data["scopes"]),
                    at=at,
                    by=self.user,
                    lifetime=lifetime,
                    team=data.get("team"),
                    per_minute=data.get("per_minute"),
                )
                if application is not None:
                    bind_token(
                        token=token,
                        application=application,
                        by=self.user,
                        environment=data.get("environment", ""),
                    )
        except AccountChangeError as error:
            raise serializers.ValidationError({error.field or "team": str(error)}) from None
        except (IntakePermissionError, InvalidStateError, ForbiddenChangeError) as error:
            raise serializers.ValidationError({"application": str(error)}) from None
        return self._respond_with_secret(token, text, status.HTTP_201_CREATED)

    @extend_schema(request=RotateTokenSerializer, responses=IssuedTokenSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Replace the secret. Only this answer contains the new secret. The previous secret stays
        valid for `overlap_hours`. Only the owner can rotate a personal token."""
        token = self._load_changeable_token()
        if token.user_id != self.user.pk and not token.user.is_service:
            raise PermissionDenied(
                "Only its owner can rotate a personal API token. Revoke it instead."
            )
        data = self.validated(RotateTokenSerializer)
        at = now()
        lifetime = timedelta(days=data["days"]) if "days" in data else None
        self._refuse_wider_token(
            token.scopes, token.expires_at if lifetime is None else at + lifetime
        )
        token, text = rotate_token(
            token=token,
            at=at,
            by=self.user,
            old_until=at + timedelta(hours=data["overlap_hours"]),
            lifetime=lifetime,
        )
        return self._respond_with_secret(token, text)

    @extend_schema(request=None, responses=TokenSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Revoke the token immediately, with any previous secret. Repeating the request changes
        nothing."""
        token = self._load_changeable_token()
        revoke_token(token=token, at=now(), by=self.user)
        return self.answer(token)

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Return the tokens of the caller. They depend on team ownership, so the statement is not
        cached."""
        return super().get_queryset()

    def _load_changeable_token(self) -> ApiToken:
        token = self.subject("user", "team")
        if (
            token.user_id == self.user.pk
            or self.user.is_administrator
            or can_manage_token(self.user, token)
        ):
            return token
        raise PermissionDenied("Only its owner or an administrator can change an API token.")

    def _find_token_owner(self, service: str | None) -> User:
        if not service:
            return self.user
        service_account = visible_service_accounts(self.user).filter(username=service).first()
        if service_account is None or not can_manage_service(self.user, service_account):
            raise serializers.ValidationError(
                {
                    "service": "You do not manage a service account with this username. Enter the "
                    "username of one that you manage."
                }
            )
        return service_account

    def _refuse_wider_token(self, scopes: Any, expires_at: datetime) -> None:
        """Raise 403 if a token would create one with more scopes or a later expiry than its own."""
        caller_token = self.request.auth
        if not isinstance(caller_token, ApiToken):
            return
        extra_scopes = sorted(set(scopes) - set(caller_token.scopes))
        if extra_scopes:
            raise PermissionDenied(
                f"Your API token lacks {', '.join(extra_scopes)}, so it cannot create a token "
                "with more scopes. Create it under Account → API tokens."
            )
        if expires_at > caller_token.expires_at:
            raise PermissionDenied(
                f"Your API token expires on {caller_token.expires_at:%Y-%m-%d}, so it cannot "
                "create one that expires later. Enter fewer days, or create it under "
                "Account → API tokens."
            )

    def _respond_with_secret(
        self, token: ApiToken, text: str, code: int = status.HTTP_200_OK
    ) -> Response:
        response = Response(
            {**self.read_row(self.reader.names, pk=token.pk), "token": text}, status=code
        )
        response["Cache-Control"] = "no-store"
        return response


def can_manage_token(user: User, token: ApiToken) -> bool:
    return token.user.is_service and can_manage_service(user, token.user)


class ServiceAccountSerializer(serializers.ModelSerializer[User]):
    team = serializers.CharField(
        source="service_team.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the team that owns the service account; null for the whole "
        "organisation.",
    )

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "about",
            "team",
            "organisation_role",
            "is_active",
            "date_joined",
        ]
        read_only_fields = fields


class MakeServiceAccountSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(
        max_length=150, help_text="Username, as the audit log shows it."
    )
    about = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=300,
        help_text="Purpose of the service account.",
    )
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        allow_null=True,
        default=None,
        help_text="Slug of the owning team; null for the whole organisation, which "
        "requires the governance role.",
    )
    role = serializers.ChoiceField(
        choices=[(role.word, role.word) for role in SERVICE_ROLES],
        required=False,
        help_text="Role on the team; no role if absent.",
    )


class ServiceAccountViewSet(ReadViewSet[User]):
    """Service accounts: all of them for organisation roles, otherwise those of the teams you own.
    Create API tokens for one under `tokens/`, with its username as `service`."""

    is_personal = True
    model = User
    serializer_class = ServiceAccountSerializer
    filterset_class = ServiceFilter
    orders = _ORDERS

    @extend_schema(request=MakeServiceAccountSerializer, responses={201: ServiceAccountSerializer})
    def create(self, request: Request) -> Response:
        """Add a service account. Owners of the team and governance users can add one. It has no
        password and no email address. Organisation roles are assigned on its page."""
        if not can_add_services(self.user):
            raise PermissionDenied(
                "You need the owner role on a team, or the governance role, to add "
                "service accounts. Contact a team owner or a governance user."
            )
        data = self.validated(MakeServiceAccountSerializer)
        role = next((role for role in SERVICE_ROLES if role.word == data.get("role")), None)
        if role is not None and data["team"] is None:
            raise serializers.ValidationError(
                {"role": "A role requires a team. Enter the team, or omit the role."}
            )
        try:
            service = add_service(
                username=data["username"],
                about=data["about"],
                team=data["team"],
                role=role,
                by=self.user,
            )
        except AccountChangeError as error:
            raise PermissionDenied(str(error)) from None
        return self.answer(service, status.HTTP_201_CREATED)

    def get_queryset(self) -> QuerySet[User]:
        if getattr(self, "swagger_fake_view", False):
            return User.objects.none()
        return visible_service_accounts(self.user).select_related(None).order_by()
