"""Tokens and service accounts: what programs come in with."""

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
from apps.api.framework.problems import ConflictError
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
        source="user.username", read_only=True, help_text="Who acts by it."
    )
    team = serializers.CharField(
        source="team.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the team it is bound to.",
    )
    application = serializers.CharField(
        source="binding.application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the one application that it speaks for.",
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
    name = serializers.CharField(max_length=100, help_text="So that you know later what it opens.")
    scopes = serializers.MultipleChoiceField(choices=Scope.choices, allow_empty=False)
    days = serializers.IntegerField(
        min_value=1,
        max_value=MAX_TOKEN_LIFETIME.days,
        default=DEFAULT_TOKEN_LIFETIME.days,
        help_text="How long it is good.",
    )
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        allow_null=True,
        help_text="Slug; binds it to this team and those below.",
    )
    application = VisibleApplicationField(
        slug_field="slug",
        queryset=Application.objects.none(),
        required=False,
        allow_null=True,
        help_text="Slug; of the scope intake: whatever it sends is about this application.",
    )
    environment = serializers.CharField(
        max_length=60,
        required=False,
        allow_blank=True,
        help_text="With `application`: where what it sends runs.",
    )
    per_minute = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True
    )
    service = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Username of a service account you look after; without it, yours.",
    )


class RotateTokenSerializer(serializers.Serializer[Any]):
    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=MAX_ROTATION_OVERLAP.days * 24,
        default=24,
        help_text="How long the secret before goes on working; 0: not at all.",
    )
    days = serializers.IntegerField(
        min_value=1,
        max_value=MAX_TOKEN_LIFETIME.days,
        required=False,
        help_text="From now; without it the end stays.",
    )


class IssuedTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True, help_text="The secret. Shown this once.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
        read_only_fields = fields


class TokenViewSet(ReadViewSet[ApiToken]):
    """Your own tokens, and those of the service accounts you look after. A token hands on no more
    than it has: neither further scopes nor a later end."""

    is_personal = True
    model = ApiToken
    serializer_class = TokenSerializer
    filterset_class = TokenFilter
    orders = _ORDERS

    @extend_schema(request=MakeTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token. The answer holds its secret, which no later answer will."""
        asked = self.validated(MakeTokenSerializer)
        at = now()
        lifetime = timedelta(days=asked["days"])
        self._hands_on(asked["scopes"], at + lifetime)
        application = asked.get("application")
        try:
            with transaction.atomic():
                token, text = issue_token(
                    user=self._whose(asked.get("service")),
                    name=asked["name"],
                    scopes=sorted(asked["scopes"]),
                    at=at,
                    by=self.user,
                    lifetime=lifetime,
                    team=asked.get("team"),
                    per_minute=asked.get("per_minute"),
                )
                if application is not None:
                    bind_token(
                        token=token,
                        application=application,
                        by=self.user,
                        environment=asked.get("environment", ""),
                    )
        except AccountChangeError as refusal:
            raise serializers.ValidationError({"team": str(refusal)}) from None
        except (IntakePermissionError, InvalidStateError, ForbiddenChangeError) as refusal:
            raise serializers.ValidationError({"application": str(refusal)}) from None
        return self._issued(token, text, status.HTTP_201_CREATED)

    @extend_schema(request=RotateTokenSerializer, responses=IssuedTokenSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Give it a new secret, shown this once; the one before goes on working for a while. A
        person's token is rotated by that person alone."""
        token = self._changeable()
        if token.user_id != self.user.pk and not token.user.is_service:
            raise PermissionDenied(
                "A person's token is rotated by that person alone. Revoke it instead."
            )
        asked = self.validated(RotateTokenSerializer)
        at = now()
        lifetime = timedelta(days=asked["days"]) if "days" in asked else None
        self._hands_on(token.scopes, token.expires_at if lifetime is None else at + lifetime)
        try:
            token, text = rotate_token(
                token=token,
                at=at,
                by=self.user,
                old_until=at + timedelta(hours=asked["overlap_hours"]),
                lifetime=lifetime,
            )
        except AccountChangeError as refusal:
            raise ConflictError(str(refusal)) from None
        return self._issued(token, text)

    @extend_schema(request=None, responses=TokenSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End it now, with the secret from before a rotation. Doing it twice changes nothing."""
        token = self._changeable()
        revoke_token(token=token, at=now(), by=self.user)
        return self.answer(token)

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Depends on who owns which team, and so is put together for each request
        (apps/api/framework/statement_cache.py)."""
        return super().get_queryset()

    def _changeable(self) -> ApiToken:
        token = self.subject("user", "team")
        if (
            token.user_id == self.user.pk
            or self.user.is_administrator
            or can_manage_token(self.user, token)
        ):
            return token
        raise PermissionDenied("Tokens are changed by whom they belong to, and by administrators.")

    def _whose(self, service: str | None) -> User:
        if not service:
            return self.user
        found = visible_service_accounts(self.user).filter(username=service).first()
        if found is None or not can_manage_service(self.user, found):
            raise serializers.ValidationError(
                {"service": "You look after no service account of this name."}
            )
        return found

    def _hands_on(self, scopes: Any, end: datetime) -> None:
        held = self.request.auth
        if not isinstance(held, ApiToken):
            return
        beyond = sorted(set(scopes) - set(held.scopes))
        if beyond:
            raise PermissionDenied(
                f"The token you came with lacks {', '.join(beyond)}, and a token hands on no more "
                "than it has."
                " Do this on the page of your keys."
            )
        if end > held.expires_at:
            raise PermissionDenied(
                f"The token you came with ends on {held.expires_at:%Y-%m-%d}, and hands on nothing "
                "that lasts longer."
                " Give fewer days, or do this on the page of your keys."
            )

    def _issued(self, token: ApiToken, text: str, code: int = status.HTTP_200_OK) -> Response:
        answer = Response({**self.one(self.reader.names, pk=token.pk), "token": text}, status=code)
        answer["Cache-Control"] = "no-store"
        return answer


def can_manage_token(user: User, token: ApiToken) -> bool:
    return token.user.is_service and can_manage_service(user, token.user)


class ServiceAccountSerializer(serializers.ModelSerializer[User]):
    team = serializers.CharField(
        source="service_team.slug",
        read_only=True,
        allow_null=True,
        help_text="Whose it is; null: the organisation's.",
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
    username = serializers.CharField(max_length=150, help_text="What the history calls it.")
    about = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=300, help_text="What it does."
    )
    team = VisibleTeamField(
        slug_field="slug",
        queryset=Team.objects.none(),
        required=False,
        allow_null=True,
        default=None,
        help_text="Slug of the team whose program it is; null: the organisation's, which "
        "governance adds.",
    )
    role = serializers.ChoiceField(
        choices=[(role.word, role.word) for role in SERVICE_ROLES],
        required=False,
        help_text="What it is on that team; nothing where absent.",
    )


class ServiceAccountViewSet(ReadViewSet[User]):
    """Users that are programs: all for the offices, else those of the teams you own. Tokens for one
    are made under `tokens/`, with its username as `service`."""

    is_personal = True
    model = User
    serializer_class = ServiceAccountSerializer
    filterset_class = ServiceFilter
    orders = _ORDERS

    @extend_schema(request=MakeServiceAccountSerializer, responses={201: ServiceAccountSerializer})
    def create(self, request: Request) -> Response:
        """Add one; for owners of the team, and governance. It has no password and no address;
        offices are given on its page."""
        if not can_add_services(self.user):
            raise PermissionDenied(
                "Programs are added by owners of a team and by governance. Ask one of them."
            )
        asked = self.validated(MakeServiceAccountSerializer)
        role = next((role for role in SERVICE_ROLES if role.word == asked.get("role")), None)
        if role is not None and asked["team"] is None:
            raise serializers.ValidationError(
                {"role": "A role is one on a team. Name the team, or leave it out."}
            )
        try:
            service = add_service(
                username=asked["username"],
                about=asked["about"],
                team=asked["team"],
                role=role,
                by=self.user,
            )
        except AccountChangeError as refusal:
            raise PermissionDenied(str(refusal)) from None
        return self.answer(service, status.HTTP_201_CREATED)

    def get_queryset(self) -> QuerySet[User]:
        if getattr(self, "swagger_fake_view", False):
            return User.objects.none()
        return visible_service_accounts(self.user).select_related(None).order_by()
