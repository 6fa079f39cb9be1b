"""Filters of contracts, documents, approvals and selections, for pages and REST."""

from datetime import date
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.common.time import day_of, now
from apps.inventory.governance.annex_documents import Status
from apps.inventory.models import (
    AnnexItem,
    Approval,
    Contract,
    DecisionProposal,
    Selection,
    SelectionCandidate,
)
from apps.inventory.models.decisions import ApprovalQuerySet


class ContractFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search", label="Search")
    party = django_filters.CharFilter(field_name="party__slug", label="Provider (slug)")
    kind = django_filters.ChoiceFilter(choices=Contract.Kind.choices, label="Kind")
    ends_before = django_filters.DateFilter(
        field_name="ends_on", lookup_expr="lt", label="Ends before"
    )
    stores_data = django_filters.ChoiceFilter(choices=Contract.Stores.choices, label="Stores data")
    termination_reason = django_filters.ChoiceFilter(
        choices=Contract.Termination.choices, label="Reason for termination"
    )
    audited_before = django_filters.DateFilter(
        field_name="last_audit_on", lookup_expr="lt", label="Last audited before"
    )

    class Meta:
        model = Contract
        fields: list[str] = []

    def search(self, queryset: QuerySet[Contract], name: str, value: str) -> QuerySet[Contract]:
        return queryset.filter(
            Q(ref__icontains=value) | Q(name__icontains=value) | Q(party__name__icontains=value)
        )


class AnnexItemFilter(django_filters.FilterSet):  # type: ignore[misc]
    foundation = django_filters.CharFilter(field_name="foundation__slug", label="Foundation (slug)")
    status = django_filters.MultipleChoiceFilter(choices=Status.choices, label="Status")
    due_before = django_filters.DateFilter(
        field_name="due_on", lookup_expr="lt", label="Due before"
    )

    class Meta:
        model = AnnexItem
        fields: list[str] = []


class ApprovalFilter(django_filters.FilterSet):  # type: ignore[misc]
    provider = django_filters.CharFilter(field_name="provider__slug", label="Provider (slug)")
    foundation = django_filters.CharFilter(field_name="foundation__slug", label="Foundation (slug)")
    version = django_filters.CharFilter(
        field_name="version__identifier", label="Version (identifier)"
    )
    offering = django_filters.NumberFilter(field_name="offering_id", label="Offering (id)")
    decision = django_filters.MultipleChoiceFilter(
        choices=Approval.Decision.choices, label="Decision"
    )
    standing = django_filters.BooleanFilter(method="in_force", label="Valid today")
    expires_before = django_filters.DateFilter(
        field_name="expires_on", lookup_expr="lt", label="Expires before"
    )

    class Meta:
        model = Approval
        fields: list[str] = []

    def in_force(self, queryset: ApprovalQuerySet, name: str, value: bool) -> QuerySet[Approval]:
        current_approvals = Approval.objects.standing_on(_today())
        return (
            queryset.filter(pk__in=current_approvals)
            if value
            else queryset.exclude(pk__in=current_approvals)
        )


class DecisionProposalFilter(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.MultipleChoiceFilter(choices=DecisionProposal.Kind.choices, label="Kind")
    state = django_filters.MultipleChoiceFilter(
        choices=DecisionProposal.State.choices, label="State"
    )
    target = django_filters.CharFilter(label="Record (type:ID)")

    class Meta:
        model = DecisionProposal
        fields: list[str] = []


class SelectionFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.MultipleChoiceFilter(choices=Selection.State.choices, label="State")
    foundation = django_filters.CharFilter(
        method="considering", label="Candidate (slug of the foundation)"
    )
    review_before = django_filters.DateFilter(
        field_name="review_on", lookup_expr="lt", label="Review due before"
    )
    q = django_filters.CharFilter(field_name="title", lookup_expr="icontains", label="Search")

    class Meta:
        model = Selection
        fields: list[str] = []

    def considering(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        candidates = SelectionCandidate.objects.filter(foundation__slug=value)
        return queryset.filter(pk__in=candidates.values("selection"))


def _today() -> date:
    return day_of(now())
