"""Contracts with providers, and documents that developers owe (Annex XII)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.views import BY_ID
from apps.api.governance.base import GovernedViewSet
from apps.api.inventory.applications import ReasonMixin, today
from apps.catalog.models import Foundation, Provider
from apps.common.database.keyset_pagination import Keyset
from apps.inventory.governance.annex_documents import record_document_status, request_documents
from apps.inventory.governance.contracts import change_contract, register_contract
from apps.inventory.governance.filters import AnnexItemFilter, ContractFilter
from apps.inventory.models import AnnexItem, Contract


class ContractSerializer(ReasonMixin, serializers.ModelSerializer[Contract]):
    party = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Provider.objects.all(),
        help_text="Slug of the provider; cannot be changed.",
    )

    class Meta:
        model = Contract
        fields = [
            "id",
            "party",
            "ref",
            "name",
            "kind",
            "overarching",
            "ict_service_type",
            "starts_on",
            "ends_on",
            "currency",
            "annual_cost",
            "notice_days_ours",
            "notice_days_theirs",
            "deprecation_notice_days",
            "governing_law",
            "provision_country",
            "stores_data",
            "data_country",
            "processing_country",
            "termination_reason",
            "last_audit_on",
            "price_protection",
            "exit_clause",
            "termination_assistance",
            "audit_right",
            "ip_indemnity",
            "training_use",
            "terms_url",
            "terms_digest",
            "terms_read_on",
            "note",
            "created_at",
            "updated_at",
            "reason",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs = {"annual_cost": {"min_value": 0}}
        # the action reports a reference that is already used
        validators: list[Any] = []


class ContractViewSet(GovernedViewSet[Contract]):
    """Contracts with providers. Requires an organisation role."""

    model = Contract
    serializer_class = ContractSerializer
    filterset_class = ContractFilter

    @extend_schema(responses={201: ContractSerializer})
    def create(self, request: Request) -> Response:
        """Add a contract. Requires the governance role."""
        self.require_governance()
        facts = self.validated(ContractSerializer)
        contract = register_contract(
            party=facts.pop("party"),
            ref=facts.pop("ref"),
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
        )
        return self.answer(contract, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a contract. Requires the governance role. The party cannot be changed."""
        contract = self.governed("party")
        facts = self.validated(ContractSerializer, instance=contract, partial=True)
        if facts.pop("party", contract.party) != contract.party:
            raise serializers.ValidationError(
                {"party": "The party of a contract cannot be changed. Add another contract."}
            )
        return self.answer(
            change_contract(
                contract=contract, reason=facts.pop("reason", ""), facts=facts, by=self.user
            )
        )


class AnnexItemSerializer(serializers.ModelSerializer[AnnexItem]):
    foundation = serializers.CharField(
        source="foundation.slug", read_only=True, help_text="Slug of the foundation."
    )
    noted_by = serializers.CharField(source="noted_by.username", read_only=True, allow_null=True)

    class Meta:
        model = AnnexItem
        fields = [
            "id",
            "foundation",
            "item",
            "status",
            "requested_on",
            "due_on",
            "received_on",
            "link",
            "note",
            "noted_by",
            "updated_at",
        ]
        read_only_fields = fields


class FoundationMixin(ReasonMixin):
    foundation = serializers.SlugRelatedField(
        slug_field="slug", queryset=Foundation.objects.all(), help_text="Slug of the foundation."
    )
    on = serializers.DateField(required=False, help_text="Date; today if absent.")


class RequestItemsSerializer(FoundationMixin):
    items = serializers.ListField(
        child=serializers.ChoiceField(choices=AnnexItem.Item.choices),
        required=False,
        max_length=len(AnnexItem.Item.values),
        help_text="Items to request; all that are not on file if absent.",
    )


class NoteItemSerializer(FoundationMixin):
    item = serializers.ChoiceField(choices=AnnexItem.Item.choices)
    status = serializers.ChoiceField(choices=AnnexItem.Status.choices)
    link = serializers.URLField(required=False, max_length=500)
    note = serializers.CharField(required=False, max_length=10_000)


class AnnexItemViewSet(GovernedViewSet[AnnexItem]):
    """Items of Annex XII of the AI Act: requested, received, public or refused. Requires an
    organisation role. Items that were never requested or recorded have no row."""

    model = AnnexItem
    serializer_class = AnnexItemSerializer
    filterset_class = AnnexItemFilter
    orders = {"id": BY_ID, "-id": Keyset(("-id",))}

    @extend_schema(
        request=RequestItemsSerializer,
        responses=AnnexItemSerializer(many=True),
        parameters=[],
        filters=False,
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="request",
        pagination_class=None,
        filterset_class=None,
        picks_fields=False,
    )
    def ask(self, request: Request) -> Response:
        """Record that the items were requested from the developer, with an answer due within 14
        days. The answer lists them."""
        self.require_governance()
        data = self.validated(RequestItemsSerializer)
        rows = request_documents(by=self.user, on=data.pop("on", today()), **data)
        items = self.reader.select(
            self.get_queryset().filter(pk__in=[row.pk for row in rows]), self.reader.names
        )
        return Response(self.reader.rows(items.order_by("item"), self.reader.names))

    @extend_schema(request=NoteItemSerializer, responses=AnnexItemSerializer)
    @action(detail=False, methods=["post"])
    def note(self, request: Request) -> Response:
        """Record the status of an item."""
        self.require_governance()
        data = self.validated(NoteItemSerializer)
        return self.answer(record_document_status(by=self.user, on=data.pop("on", today()), **data))
