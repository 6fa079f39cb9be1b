"""Decisions that a second governance person confirms, and the settings that require it."""

from datetime import datetime
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.validation import validate_data
from apps.api.framework.views import BY_ID, ReadViewSet, RegistryView
from apps.common.database.fields import MAX_REASON_LENGTH
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import now
from apps.inventory.governance import proposals
from apps.inventory.governance.filters import DecisionProposalFilter
from apps.inventory.models import ConfirmationSettings, DecisionProposal
from apps.issues.evaluation import evaluate_kinds
from apps.issues.models import CauseKind


class DecisionProposalSerializer(serializers.ModelSerializer[DecisionProposal]):
    dependency = serializers.IntegerField(
        source="dependency_id",
        read_only=True,
        allow_null=True,
        help_text="ID of the dependency whose risk is accepted; null for other decisions.",
    )
    before = serializers.DictField(
        read_only=True, help_text="Values of the record when the decision was proposed."
    )
    after = serializers.DictField(read_only=True, help_text="Values that the decision sets.")
    proposed_by = serializers.CharField(source="proposed_by.username", read_only=True)
    decided_by = serializers.CharField(
        source="decided_by.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the user who confirmed, rejected or withdrew it.",
    )

    class Meta:
        model = DecisionProposal
        fields = [
            "id",
            "kind",
            "target",
            "target_name",
            "dependency",
            "before",
            "after",
            "reason",
            "proposed_by",
            "proposed_at",
            "state",
            "decided_by",
            "decided_at",
            "decision_reason",
        ]
        read_only_fields = fields


# the answer of an operation whose decision a second person must confirm
PROPOSED = OpenApiResponse(
    DecisionProposalSerializer,
    description="Proposed: the decision applies once a second governance user confirms it.",
)


def proposal_response(proposal: DecisionProposal, *, at: datetime) -> Response:
    """Return the answer 202, and open the issue of the proposal."""
    evaluate_kinds({CauseKind.TOLERANCE_CHANGE}, at=at)
    return Response(DecisionProposalSerializer(proposal).data, status=status.HTTP_202_ACCEPTED)


class DecisionReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_REASON_LENGTH
    )


class RejectionSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=MAX_REASON_LENGTH)


class DecisionProposalViewSet(ReadViewSet[DecisionProposal]):
    """Decisions that a second governance user must confirm: tolerances loosened during a breach,
    acceptances of critical risks, blocks, and removed requirements. Members of a team see the
    acceptances of its risks."""

    model = DecisionProposal
    serializer_class = DecisionProposalSerializer
    filterset_class = DecisionProposalFilter
    orders = {"-id": Keyset(("-id",)), "id": BY_ID}

    @extend_schema(request=DecisionReasonSerializer, responses=DecisionProposalSerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Confirm a proposal: the decision applies. Requires the governance role; the author cannot
        confirm. The answer is 409 if the record changed since."""
        return self._decide(proposals.confirm_proposal, DecisionReasonSerializer)

    @extend_schema(request=RejectionSerializer, responses=DecisionProposalSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Reject a proposal, with a reason. Requires the governance role."""
        return self._decide(proposals.reject_proposal, RejectionSerializer)

    @extend_schema(request=DecisionReasonSerializer, responses=DecisionProposalSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Withdraw a proposal. Only its author can."""
        return self._decide(proposals.withdraw_proposal, DecisionReasonSerializer)

    def _decide(self, decide: Any, serializer: type[serializers.Serializer[Any]]) -> Response:
        proposal, at = self.subject(), now()
        if serializer is RejectionSerializer and not self.user.is_governance:
            # before the input is checked, whose errors are for those who can decide
            proposals.require_second_person(self.user, proposal)
        decided = decide(proposal=proposal, by=self.user, at=at, **self.validated(serializer))
        evaluate_kinds({CauseKind.TOLERANCE_CHANGE}, at=at)
        return self.answer(decided)


class ConfirmationSettingsSerializer(serializers.ModelSerializer[ConfirmationSettings]):
    reason = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=MAX_REASON_LENGTH,
        help_text="Reason for the change; required if it is proposed.",
    )

    class Meta:
        model = ConfirmationSettings
        fields = ["tolerances", "acceptances", "blocks", "reason"]


class ConfirmationSettingsView(RegistryView):
    """Decisions that a second governance user must confirm, for the whole organisation."""

    reads = ()

    @extend_schema(operation_id="confirmation_settings", responses=ConfirmationSettingsSerializer)
    def get(self, request: Request) -> Response:
        """Decisions that a second governance user must confirm. Requires an organisation role."""
        self._require_reader()
        return Response(ConfirmationSettingsSerializer(proposals.confirmation_settings()).data)

    @extend_schema(
        operation_id="confirmation_settings_change",
        request=ConfirmationSettingsSerializer,
        responses={200: ConfirmationSettingsSerializer, 202: PROPOSED},
    )
    def patch(self, request: Request) -> Response:
        """Change the settings. Requires the governance role. A second governance user, if there is
        one, must confirm that a requirement is removed: the answer is 202 with the proposal."""
        self._require_reader()
        at = now()
        facts = dict(
            validate_data(
                ConfirmationSettingsSerializer(
                    instance=proposals.confirmation_settings(), data=request.data, partial=True
                )
            )
        )
        outcome = proposals.submit_confirmation_settings(
            reason=facts.pop("reason", ""), facts=facts, by=self.user, at=at
        )
        if isinstance(outcome, DecisionProposal):
            return proposal_response(outcome, at=at)
        return Response(ConfirmationSettingsSerializer(outcome).data)

    def _require_reader(self) -> None:
        if not self.user.can_read_all:
            raise Http404
