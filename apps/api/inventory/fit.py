"""Fit: whether a candidate does what a dependency uses, and what the choice would break."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.validation import validate_data
from apps.api.framework.views import RegistryView
from apps.api.inventory.costs import decimal_text
from apps.catalog.capabilities.fit import Fit, FitVerdict, ItemVerdict
from apps.catalog.capabilities.offering_fits import list_prices, price_ratio
from apps.catalog.capabilities.phrases import describe_source
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.inventory.candidate_checks import BreakKind, check_candidates, replacement_of
from apps.inventory.candidate_costs import candidate_costs
from apps.inventory.costs import Money, UnknownDependencyCost
from apps.inventory.models import Dependency

FIT_RESULTS = [(verdict.value, verdict.value) for verdict in FitVerdict]
ITEM_RESULTS = [(verdict.value, verdict.value) for verdict in ItemVerdict]
BREAK_KINDS = [(kind.value, kind.value) for kind in BreakKind]


class FitItemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="Capability.")
    needed = serializers.JSONField(
        allow_null=True,
        help_text="Needed value: true, a number of tokens or a list of names; false if it is "
        "not used.",
    )
    new = serializers.JSONField(
        allow_null=True, help_text="Value of the candidate; null if it is unknown."
    )
    verdict = serializers.ChoiceField(choices=ITEM_RESULTS)
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="Source of the value of the candidate with its day, or why it is unknown."
    )


class BreakSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=BREAK_KINDS)
    detail = serializers.CharField()


class FitCostSerializer(serializers.Serializer[Any]):
    current = serializers.CharField(
        allow_null=True, help_text="Cost per month today, as a decimal; null if unknown."
    )
    candidate = serializers.CharField(
        allow_null=True,
        help_text="Cost per month of the candidate at the recorded volume; null if unknown.",
    )
    difference = serializers.CharField(
        allow_null=True, help_text="Candidate minus current; null if unknown."
    )
    currency = serializers.CharField(allow_null=True)
    detail = serializers.CharField(help_text="Why a cost is unknown; empty if both are known.")


class PriceRatioSerializer(serializers.Serializer[Any]):
    input = serializers.FloatField(allow_null=True)
    output = serializers.FloatField(allow_null=True)


class FitSerializer(serializers.Serializer[Any]):
    dependency = serializers.IntegerField()
    candidate = serializers.IntegerField(help_text="ID of the candidate offering.")
    verdict = serializers.ChoiceField(
        choices=FIT_RESULTS,
        help_text="`breaks` if a used item is lost, `fits` only if every used item is kept, "
        "otherwise `unknown`.",
    )
    items = FitItemSerializer(many=True)
    price_ratio = PriceRatioSerializer(
        help_text="List price of the candidate divided by that of today's model, by unit."
    )
    monthly_cost = FitCostSerializer()
    breaks = BreakSerializer(
        many=True,
        help_text="Reasons against the replacement of the model by the candidate. Such a choice "
        "needs `confirm_breaks`.",
    )


class _FitQuestion(serializers.Serializer[Any]):
    dependency = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    candidate = serializers.PrimaryKeyRelatedField(
        queryset=Offering.objects.select_related("host", "version__foundation")
    )


class FitView(RegistryView):
    reads = ("dependency", "candidate")

    @extend_schema(
        operation_id="fit",
        summary="Fit of a candidate",
        parameters=[
            OpenApiParameter("dependency", int, required=True, description="ID of a dependency."),
            OpenApiParameter(
                "candidate", int, required=True, description="ID of the candidate offering."
            ),
        ],
        responses=FitSerializer,
    )
    def get(self, request: Request) -> Response:
        """Whether the candidate does what the dependency is recorded to use, item by item, with the
        price difference at the recorded volume and what the choice would break."""
        question = validate_data(_FitQuestion(data=request.query_params))
        dependency = (
            Dependency.objects.visible_to(self.user)
            .select_related("application", "offering__version__foundation")
            .filter(pk=question["dependency"])
            .first()
        )
        if dependency is None:
            raise Http404
        candidate: Offering = question["candidate"]
        at = now()
        check = check_candidates(replacement_of(dependency), [candidate], on=day_of(at))[
            candidate.pk
        ]
        prices = list_prices([dependency.offering_id, candidate.pk], at=at)
        current, replaced = candidate_costs(
            [(dependency, dependency.offering_id), (dependency, candidate.pk)], on=day_of(at)
        )
        return Response(
            {
                "dependency": dependency.pk,
                "candidate": candidate.pk,
                **fit_body(check.fit),
                "price_ratio": price_ratio(
                    prices.get(dependency.offering_id, {}), prices.get(candidate.pk, {})
                ),
                "monthly_cost": cost_difference_body(current, replaced),
                "breaks": [
                    {"kind": found.kind.value, "detail": found.sentence} for found in check.breaks
                ],
            }
        )


def fit_body(fit: Fit) -> dict[str, Any]:
    """Return verdict and items as JSON."""
    return {
        "verdict": fit.verdict.value,
        "items": [
            {
                "field": item.field,
                "needed": item.needed,
                "new": item.new.value,
                "verdict": item.verdict.value,
                "source": describe_source(item.new),
            }
            for item in fit.items
        ],
    }


def cost_difference_body(
    current: Money | UnknownDependencyCost, candidate: Money | UnknownDependencyCost
) -> dict[str, Any]:
    """Return both costs per month and their difference, in one currency."""
    body: dict[str, Any] = dict.fromkeys(("current", "candidate", "difference", "currency"))
    if isinstance(current, Money):
        body |= {"current": decimal_text(current.amount), "currency": current.currency}
    if isinstance(candidate, Money):
        body |= {
            "candidate": decimal_text(candidate.amount),
            "currency": body["currency"] or candidate.currency,
        }
    body["detail"] = ""
    if isinstance(current, UnknownDependencyCost):
        body["detail"] = f"Today's model: {current.sentence}"
    elif isinstance(candidate, UnknownDependencyCost):
        body["detail"] = f"Candidate: {candidate.sentence}"
    elif None not in (current.currency, candidate.currency) and (
        current.currency != candidate.currency
    ):
        body |= {"candidate": None, "detail": "The prices are in different currencies."}
    else:
        body["difference"] = decimal_text(candidate.amount - current.amount)
    return body
