"""Discrepancies between declared and observed usage, and reported services."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.problems import ApiConflictError
from apps.api.framework.validation import FORMAT_PARAMETERS, refuse_unknown_parameters
from apps.api.framework.views import ReadViewSet
from apps.api.inventory.applications import ReasonMixin, VisibleApplicationField
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.common.validators import validate_plausible_date
from apps.intake.connections import service_links
from apps.intake.connections.service_tokens import (
    SendingToken,
    dropped_calls,
    last_dropped_at,
    tokens_of,
)
from apps.intake.filters import DiscrepancyFilter, ServiceFilter
from apps.intake.models import Discrepancy, Service
from apps.intake.observations import discrepancy_responses
from apps.inventory.models import Application


class SeenDiscrepancySerializer(serializers.ModelSerializer[Discrepancy]):
    application = serializers.CharField(
        source="application.slug", read_only=True, help_text="Slug of the application."
    )
    details = serializers.DictField(
        read_only=True, help_text="Names, versions and dates as observed."
    )
    closed_by = serializers.CharField(source="closed_by.username", read_only=True, allow_null=True)

    class Meta:
        model = Discrepancy
        fields = [
            "id",
            "kind",
            "application",
            "dependency",
            "observation",
            "details",
            "opened_at",
            "closed_at",
            "closed_as",
            "closed_by",
            "reason",
            "quiet_until",
        ]
        read_only_fields = fields


class DismissSerializer(ReasonMixin):
    until = serializers.DateField(
        validators=[validate_plausible_date],
        help_text="Date until which the discrepancy is not found again.",
    )
    reason = serializers.CharField(
        max_length=500, help_text="Reason why the discrepancy is acceptable."
    )


class DiscrepancyViewSet(ReadViewSet[Discrepancy]):
    """Discrepancies: undeclared use, unconfirmed use, version drift, a different model served, and
    retired applications in use."""

    model = Discrepancy
    serializer_class = SeenDiscrepancySerializer
    filterset_class = DiscrepancyFilter
    orders = {
        "-opened_at": Keyset(("-opened_at", "-id")),
        "-id": Keyset(("-id",)),
        "id": Keyset(("id",)),
    }

    @extend_schema(request=ReasonMixin, responses=SeenDiscrepancySerializer)
    @action(detail=True, methods=["post"])
    def declare(self, request: Request, pk: str) -> Response:
        """Declare observed usage, or confirm a declared dependency."""
        return self._respond_to_discrepancy(
            discrepancy_responses.declare_discrepancies,
            reason=self.validated(ReasonMixin).get("reason", ""),
        )

    @extend_schema(request=ReasonMixin, responses=SeenDiscrepancySerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """End the dependency as of today."""
        return self._respond_to_discrepancy(
            discrepancy_responses.end_discrepancies,
            reason=self.validated(ReasonMixin).get("reason", ""),
        )

    @extend_schema(request=DismissSerializer, responses=SeenDiscrepancySerializer)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        """Dismiss a discrepancy until a date, with a reason."""
        # a hidden discrepancy is 404 before an error in the body is 400
        self.subject()
        return self._respond_to_discrepancy(
            discrepancy_responses.dismiss_discrepancies, **self.validated(DismissSerializer)
        )

    def _respond_to_discrepancy(
        self, respond: Callable[..., discrepancy_responses.ResponseResult], **kwargs: Any
    ) -> Response:
        row = self.subject("application", "dependency", "observation__offering")
        result = respond(discrepancies=[row], by=self.user, at=now(), **kwargs)
        if result.refused:
            raise ApiConflictError(result.refused[0])
        return self.answer(row)


class ReportedServiceSerializer(serializers.ModelSerializer[Service]):
    application = serializers.CharField(
        source="application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the linked application; null if there is none.",
    )
    dropped_calls = serializers.IntegerField(
        read_only=True,
        help_text="Number of calls dropped because the user of the token cannot write to "
        "the application.",
    )
    last_dropped_at = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="Time of the last dropped call; null if there is none.",
    )

    class Meta:
        model = Service
        fields = [
            "id",
            "name",
            "scope",
            "application",
            "is_ignored",
            "first_seen_at",
            "last_seen_at",
            "dropped_calls",
            "last_dropped_at",
        ]
        read_only_fields = fields


class ReportedServiceTokenSerializer(serializers.Serializer[SendingToken]):
    token = serializers.CharField(
        source="row.token.prefix", help_text="Prefix of the token, as in lists."
    )
    name = serializers.CharField(source="row.token.name", help_text="Name of the token.")
    user = serializers.CharField(
        source="row.token.user.username", help_text="Username of the owner of the token."
    )
    last_sent_at = serializers.DateTimeField(
        source="row.last_sent_at", help_text="Time of the last request, to the hour."
    )
    may_write = serializers.BooleanField(
        allow_null=True,
        help_text="Whether its calls count for the application of the service, or the "
        "one in `application`; null without an application.",
    )
    dropped_calls = serializers.IntegerField(
        source="row.n_dropped", help_text="Number of calls dropped under this name."
    )
    first_dropped_at = serializers.DateTimeField(source="row.first_dropped_at", allow_null=True)
    last_dropped_at = serializers.DateTimeField(source="row.last_dropped_at", allow_null=True)


class LinkServiceSerializer(ReasonMixin):
    application = VisibleApplicationField(slug_field="slug", queryset=Application.objects.none())


class ReportedServiceViewSet(ReadViewSet[Service]):
    """Services as they name themselves in traces or at a gateway, and the application of each."""

    model = Service
    serializer_class = ReportedServiceSerializer
    filterset_class = ServiceFilter
    annotations = {"dropped_calls": dropped_calls(), "last_dropped_at": last_dropped_at()}
    orders = {
        "-last_seen_at": Keyset(("-last_seen_at", "-id")),
        "-id": Keyset(("-id",)),
        "id": Keyset(("id",)),
    }

    @extend_schema(
        summary="Tokens that send under the name of a service",
        parameters=[
            OpenApiParameter(
                "application",
                str,
                description="Slug of an application to check instead of the linked one.",
            )
        ],
        responses=ReportedServiceTokenSerializer(many=True),
    )
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def tokens(self, request: Request, pk: str) -> Response:
        """The 50 latest tokens, with their dropped calls. Before a service is linked,
        `?application=` shows whose calls would be dropped."""
        sender = self.subject("application")
        refuse_unknown_parameters(request.query_params, ("application", *FORMAT_PARAMETERS))
        application = sender.application
        if slug := request.query_params.get("application"):
            application = Application.objects.visible_to(self.user).filter(slug=slug).first()
            if application is None:
                raise NotFound("No application with this slug found. Check the slug.")
        tokens = tokens_of([sender.pk], application=application)
        return Response([ReportedServiceTokenSerializer(token).data for token in tokens])

    @extend_schema(request=LinkServiceSerializer, responses=ReportedServiceSerializer)
    @action(detail=True, methods=["post"])
    def link(self, request: Request, pk: str) -> Response:
        """Link a service to an application. Earlier observations are linked too, and the same name
        at every endpoint."""
        sender, data = self.subject("application"), self.validated(LinkServiceSerializer)
        return self._change_service_link(
            service_links.link_service,
            sender,
            application=data["application"],
            reason=data.get("reason", ""),
            at=now(),
        )

    @extend_schema(request=ReasonMixin, responses=ReportedServiceSerializer)
    @action(detail=True, methods=["post"])
    def unlink(self, request: Request, pk: str) -> Response:
        """Unlink a service at every endpoint. It is not linked automatically again."""
        data = self.validated(ReasonMixin)
        return self._change_service_link(
            service_links.unlink_service,
            self.subject("application"),
            reason=data.get("reason", ""),
            at=now(),
        )

    @extend_schema(request=ReasonMixin, responses=ReportedServiceSerializer)
    @action(detail=True, methods=["post"])
    def ignore(self, request: Request, pk: str) -> Response:
        """Ignore a service. Its calls are not evaluated any more."""
        return self._change_service_link(
            service_links.ignore_service,
            self.subject("application"),
            reason=self.validated(ReasonMixin).get("reason", ""),
        )

    def _change_service_link(
        self, change_service: Callable[..., Service], sender: Service, **kwargs: Any
    ) -> Response:
        change_service(service=sender, by=self.user, **kwargs)
        # the caller may no longer be able to view a service that has no application
        rows = self.reader.select(Service.objects.filter(pk=sender.pk), self.reader.names)
        return Response(self.reader.rows(rows, self.reader.names)[0])
