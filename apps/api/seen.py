"""What was seen against what is declared: disagreements with their answers, and senders with whose they are."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.base import ReadViewSet
from apps.api.inventory import ReasonMixin, VisibleApplicationField
from apps.api.problems import Conflict
from apps.common.pagination import Keyset
from apps.common.time import now
from apps.common.validators import sensible_day
from apps.intake import answering, claiming
from apps.intake.carrying import NotNow, NotYours
from apps.intake.filters import DiscrepancyFilter, ServiceFilter
from apps.intake.models import Discrepancy, Service
from apps.inventory.models import Application


class SeenDiscrepancySerializer(serializers.ModelSerializer[Discrepancy]):
    application = serializers.CharField(source="application.slug", read_only=True, help_text="Slug.")
    details = serializers.DictField(read_only=True, help_text="Names, versions and days as they were found.")
    closed_by = serializers.CharField(source="closed_by.username", read_only=True, allow_null=True)

    class Meta:
        model = Discrepancy
        fields = [
            "id", "kind", "application", "dependency", "observation", "details", "opened_at", "closed_at", "closed_as",
            "closed_by", "reason", "quiet_until",
        ]  # fmt: skip
        read_only_fields = fields


class DismissSerializer(ReasonMixin):
    until = serializers.DateField(validators=[sensible_day], help_text="Not found again before this day.")
    reason = serializers.CharField(max_length=500, help_text="Why it may stay as it is.")


class DiscrepancyViewSet(ReadViewSet[Discrepancy]):
    """Seen and not declared, declared and not seen, another version or model than before, retired and still called."""

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
        """It is used and meant to be: what was only seen is declared, what was not seen is confirmed."""
        return self._answered(answering.declare, reason=self.validated(ReasonMixin).get("reason", ""))

    @extend_schema(request=ReasonMixin, responses=SeenDiscrepancySerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """It is not used any more, from today on."""
        return self._answered(answering.end, reason=self.validated(ReasonMixin).get("reason", ""))

    @extend_schema(request=DismissSerializer, responses=SeenDiscrepancySerializer)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        """Leave it until a day, with a reason."""
        # what one may not see is not there, whatever the body says
        self.subject()
        return self._answered(answering.dismiss, **self.validated(DismissSerializer))

    def _answered(self, deed: Callable[..., answering.Answered], **said: Any) -> Response:
        row = self.subject("application", "dependency", "observation__offering")
        try:
            done = deed(discrepancies=[row], by=self.user, at=now(), **said)
        except NotYours as refused:
            raise PermissionDenied(str(refused)) from None
        except NotNow as refused:
            raise Conflict(str(refused)) from None
        if done.refused:
            raise Conflict(done.refused[0])
        return self.answer(row)


class SenderSerializer(serializers.ModelSerializer[Service]):
    application = serializers.CharField(source="application.slug", read_only=True, allow_null=True, help_text="Slug.")

    class Meta:
        model = Service
        fields = ["id", "name", "scope", "application", "is_ignored", "first_seen_at", "last_seen_at"]
        read_only_fields = fields


class ClaimSerializer(ReasonMixin):
    application = VisibleApplicationField(slug_field="slug", queryset=Application.objects.none())


class SenderViewSet(ReadViewSet[Service]):
    """Senders as they call themselves in traces or at a gateway, and the application each is."""

    model = Service
    serializer_class = SenderSerializer
    filterset_class = ServiceFilter
    orders = {
        "-last_seen_at": Keyset(("-last_seen_at", "-id")),
        "-id": Keyset(("-id",)),
        "id": Keyset(("id",)),
    }

    @extend_schema(request=ClaimSerializer, responses=SenderSerializer)
    @action(detail=True, methods=["post"])
    def claim(self, request: Request, pk: str) -> Response:
        """What calls itself so is this application: what it did so far counts for it, and what it will do."""
        sender, asked = self.subject("application"), self.validated(ClaimSerializer)
        return self._done(
            claiming.claim_service,
            sender, application=asked["application"], reason=asked.get("reason", ""), at=now(),
        )  # fmt: skip

    @extend_schema(request=ReasonMixin, responses=SenderSerializer)
    @action(detail=True, methods=["post"])
    def unclaim(self, request: Request, pk: str) -> Response:
        """It is not that application: it waits again."""
        said = self.validated(ReasonMixin)
        return self._done(
            claiming.unclaim_service, self.subject("application"), reason=said.get("reason", ""), at=now()
        )

    @extend_schema(request=ReasonMixin, responses=SenderSerializer)
    @action(detail=True, methods=["post"])
    def ignore(self, request: Request, pk: str) -> Response:
        """It is none of ours: what it does is not looked at any more."""
        return self._done(
            claiming.ignore_service, self.subject("application"), reason=self.validated(ReasonMixin).get("reason", "")
        )

    def _done(self, deed: Callable[..., Service], sender: Service, **said: Any) -> Response:
        try:
            deed(service=sender, by=self.user, **said)
        except NotYours as refused:
            raise PermissionDenied(str(refused)) from None
        except NotNow as refused:
            raise Conflict(str(refused)) from None
        # a sender that is nobody's any more may be out of the caller's sight
        found = self.reader.select(Service.objects.filter(pk=sender.pk), self.reader.names)
        return Response(self.reader.rows(found, self.reader.names)[0])
