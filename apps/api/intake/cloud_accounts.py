"""Cloud accounts: settings, credentials that are only written, pulls, and what the accounts
state."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.api.framework.record_views import RecordViewSet, record_schema
from apps.api.framework.views import ReadViewSet
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.intake.accounts.account_record import CloudAccountRecord
from apps.intake.accounts.credentials import (
    MAX_SECRET_LENGTH,
    delete_credentials,
    set_credentials,
)
from apps.intake.accounts.pulls import queue_pull
from apps.intake.filters import AccountDeploymentFilter, CloudAccountFilter, CloudPullFilter
from apps.intake.models import AccountDeployment, CloudAccount, CloudPull


class CloudAccountSerializer(serializers.ModelSerializer[CloudAccount]):
    team = serializers.CharField(
        source="team.slug", read_only=True, allow_null=True, help_text="Slug of the team."
    )
    application = serializers.CharField(
        source="application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application.",
    )
    credentials_set_at = serializers.DateTimeField(
        source="credential.set_at",
        read_only=True,
        allow_null=True,
        help_text="Time at which credentials were entered; null if there are none.",
    )

    class Meta:
        model = CloudAccount
        fields = [
            "id",
            "kind",
            "name",
            "team",
            "tenant",
            "client",
            "subscription",
            "project",
            "organisation",
            "regions",
            "link_rule",
            "link_key",
            "application",
            "interval_hours",
            "enabled",
            "credentials_set_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class SetCloudCredentialsSerializer(serializers.Serializer[Any]):
    secrets = serializers.DictField(
        child=serializers.CharField(max_length=MAX_SECRET_LENGTH, trim_whitespace=True),
        write_only=True,
        help_text="Secrets by name. Azure: client_secret. AWS: access_key_id, secret_access_key, "
        "session_token. Google: service_account. OpenAI and Anthropic: admin_key, api_key. "
        "Mistral: api_key. They replace all former ones and are never returned.",
    )


class CloudPullSerializer(serializers.ModelSerializer[CloudPull]):
    account = serializers.IntegerField(source="account_id", read_only=True)
    requested_by = serializers.CharField(
        source="requested_by.username",
        read_only=True,
        allow_null=True,
        help_text="Username; null for a pull at the interval.",
    )

    class Meta:
        model = CloudPull
        fields = [
            "id",
            "account",
            "state",
            "error",
            "step",
            "requested_by",
            "queued_at",
            "started_at",
            "finished_at",
            "n_requests",
            "n_found",
            "n_added",
            "n_changed",
            "n_gone",
            "n_models",
            "problems",
        ]
        read_only_fields = fields


class AccountDeploymentSerializer(serializers.ModelSerializer[AccountDeployment]):
    account = serializers.IntegerField(source="account_id", read_only=True)

    class Meta:
        model = AccountDeployment
        fields = [
            "id",
            "account",
            "kind",
            "external_id",
            "name",
            "model",
            "version",
            "region",
            "upgrades",
            "service",
            "facts",
            "lifecycle",
            "first_seen_at",
            "last_seen_at",
            "gone_at",
        ]
        read_only_fields = fields


@extend_schema_view(**record_schema(CloudAccountRecord, CloudAccountSerializer))
class CloudAccountViewSet(RecordViewSet[CloudAccount]):
    """Cloud accounts whose deployments are read with read-only credentials. Requires the
    governance role."""

    model = CloudAccount
    record = CloudAccountRecord()
    serializer_class = CloudAccountSerializer
    filterset_class = CloudAccountFilter

    @extend_schema(request=SetCloudCredentialsSerializer, responses=CloudAccountSerializer)
    @action(detail=True, methods=["post"], url_path="credentials")
    def set_credentials(self, request: Request, pk: str) -> Response:
        """Store credentials in place of the former ones, encrypted. They are never returned."""
        account = self.governed()
        data = self.validated(SetCloudCredentialsSerializer)
        set_credentials(account=account, values=data["secrets"], by=self.user, at=now())
        return self.answer(account)

    @extend_schema(request=None, responses=CloudAccountSerializer)
    @action(detail=True, methods=["post"], url_path="delete-credentials")
    def delete_credentials(self, request: Request, pk: str) -> Response:
        """Delete the credentials and disable the account."""
        account = self.governed()
        delete_credentials(account=account, by=self.user)
        return self.answer(account)

    @extend_schema(request=None, responses={202: CloudPullSerializer})
    @action(detail=True, methods=["post"])
    def pull(self, request: Request, pk: str) -> Response:
        """Queue a pull, or return the one that is open; a worker completes it."""
        pull = queue_pull(account=self.governed(), by=self.user, at=now())
        response = Response(
            CloudPullSerializer(pull).data,
            status=status.HTTP_202_ACCEPTED,
        )
        response["Location"] = reverse("api:cloud-pull-detail", args=[pull.pk], request=request)
        return response


class CloudPullViewSet(ReadViewSet[CloudPull]):
    """Pulls of cloud accounts, latest first. Requires the governance role."""

    model = CloudPull
    serializer_class = CloudPullSerializer
    filterset_class = CloudPullFilter
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}


class AccountDeploymentViewSet(ReadViewSet[AccountDeployment]):
    """Deployments and models in use, as cloud accounts state them. Their lifecycle is that of the
    account and no source of the catalogue. Requires the governance role."""

    model = AccountDeployment
    serializer_class = AccountDeploymentSerializer
    filterset_class = AccountDeploymentFilter
