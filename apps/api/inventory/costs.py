"""Monthly costs of applications: at current, announced and hypothetical prices."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.file_responses import FileRows
from apps.api.framework.validation import FORMAT_PARAMETERS, PAGING_PARAMETERS, validate_data
from apps.api.framework.views import RegistryView
from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.common.time import day_of, now
from apps.common.validators import validate_plausible_date
from apps.exposure.node_names import UnknownNodeError, find_nodes
from apps.inventory.costs import (
    InvalidPriceChangeError,
    MonthlyCosts,
    PriceChange,
    UnknownCost,
    monthly_totals,
)

_EXACT = Context(prec=60)
_PLACES = Decimal("1e-12")
_DECIMAL = re.compile(r"-?\d{1,18}(\.\d{1,18}|/\d{1,18})?", re.ASCII)

_CODES = f"Reason: one of {', '.join(UnknownCost)}."

COST_QUESTION = [
    OpenApiParameter("on", date, description="Date of the prices; today if absent."),
    OpenApiParameter(
        "node", str, description="Item whose prices change, for example `developer:anthropic`."
    ),
    OpenApiParameter(
        "unit",
        str,
        enum=list(PRICE_UNITS),
        description="Unit whose price changes; all units if absent.",
    ),
    OpenApiParameter("factor", str, description="Factor: `1.2`, or exactly `6/5`."),
    OpenApiParameter(
        "amount", str, description="New price per million units, instead of a factor."
    ),
    OpenApiParameter("currency", str, description="Currency of the amount."),
    OpenApiParameter("from", date, description="First date of the change; always if absent."),
]


class TotalSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    amount = serializers.CharField(help_text="Cost per month, as a decimal.")


class DependencyCostSerializer(serializers.Serializer[Any]):
    dependency = serializers.IntegerField()
    amount = serializers.CharField(help_text="Cost per month, as a decimal.")
    currency = serializers.CharField(
        allow_null=True, help_text="Currency of the amount; null if nothing was used."
    )


class UnknownCostSerializer(serializers.Serializer[Any]):
    dependency = serializers.IntegerField()
    code = serializers.CharField(help_text=_CODES)
    units = serializers.ListField(
        child=serializers.CharField(), help_text="Used units without a price."
    )
    detail = serializers.CharField()


class CostRowSerializer(serializers.Serializer[Any]):
    """A row of the file: the cost of a dependency, or the reason why it is unknown."""

    dependency = serializers.IntegerField()
    amount = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    unknown = serializers.CharField(allow_null=True, help_text=_CODES)
    detail = serializers.CharField(allow_null=True)


class CostSerializer(serializers.Serializer[Any]):
    on = serializers.DateField(help_text="Date of the prices.")
    totals = TotalSerializer(many=True, help_text="Known costs by currency.")
    per_dependency = DependencyCostSerializer(many=True)
    unknown = UnknownCostSerializer(many=True)


class UnknownCountSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text=_CODES)
    n_dependencies = serializers.IntegerField()


class CostTotalsSerializer(serializers.Serializer[Any]):
    on = serializers.DateField(help_text="Date of the prices.")
    whole_organisation = serializers.BooleanField(
        help_text="Whether the whole organisation is counted; false for the applications of "
        "your teams only."
    )
    totals = TotalSerializer(many=True, help_text="Known costs by currency.")
    n_known = serializers.IntegerField(
        help_text="Number of active dependencies whose cost is in the totals."
    )
    unknown = UnknownCountSerializer(many=True)


class _CostsQuestion(serializers.Serializer[Any]):
    on = serializers.DateField(required=False, validators=[validate_plausible_date])
    node = serializers.CharField(required=False, max_length=300)
    unit = serializers.CharField(required=False, max_length=20)
    factor = serializers.CharField(required=False, max_length=40)
    amount = serializers.CharField(required=False, max_length=40)
    currency = serializers.CharField(required=False, max_length=3)


def requested_prices(request: Request, today: date) -> tuple[date, list[PriceChange]]:
    """Return the date of the prices and the hypothetical changes of the query parameters.

    Raises ValidationError with the name of the parameter.
    """
    params: Mapping[str, Any] = validate_data(
        _CostsQuestion(data=request.query_params),
        extra_names=("from", *PAGING_PARAMETERS, *FORMAT_PARAMETERS),
    )
    on: date = params.get("on", today)
    starts_on = _parse_day(request.query_params.get("from"))
    if "node" not in params:
        if {"unit", "factor", "amount", "currency"} & set(params):
            raise serializers.ValidationError(
                {"node": "Enter the item whose prices change, for example host:azure."}
            )
        return on, []
    try:
        node_id = find_nodes([params["node"]])[params["node"]]
    except UnknownNodeError as error:
        raise serializers.ValidationError({"node": str(error)}) from error
    try:
        change = PriceChange(
            node_id=node_id,
            unit=params.get("unit"),
            factor=_parse_fraction(params, "factor"),
            amount=_parse_fraction(params, "amount"),
            currency=params.get("currency"),
            starts_on=starts_on,
        )
    except InvalidPriceChangeError as error:
        raise serializers.ValidationError({"node": str(error)}) from error
    return on, [change]


def cost_body(costs: MonthlyCosts, prices_on: date) -> dict[str, Any]:
    """Return the monthly costs at the prices of the day as JSON, with the reason for each unknown
    cost."""
    return {
        "on": prices_on,
        "totals": _totals_body(costs.totals),
        "per_dependency": [
            {"dependency": pk, "amount": decimal_text(money.amount), "currency": money.currency}
            for pk, money in costs.per_dependency.items()
        ],
        "unknown": [
            {
                "dependency": pk,
                "code": row.code.value,
                "units": list(row.units),
                "detail": row.sentence,
            }
            for pk, row in costs.unknown.items()
        ],
    }


def cost_rows(costs: MonthlyCosts) -> list[dict[str, Any]]:
    """Return the costs as rows of a file."""
    empty_row: dict[str, Any] = dict.fromkeys(("amount", "currency", "unknown", "detail"))
    return [
        *(
            {
                **empty_row,
                "dependency": pk,
                "amount": decimal_text(money.amount),
                "currency": money.currency,
            }
            for pk, money in costs.per_dependency.items()
        ),
        *(
            {**empty_row, "dependency": pk, "unknown": row.code.value, "detail": row.sentence}
            for pk, row in costs.unknown.items()
        ),
    ]


def decimal_text(amount: Fraction) -> str:
    """Return the exact decimal, or 12 places."""
    value = _EXACT.divide(Decimal(amount.numerator), Decimal(amount.denominator))
    if Fraction(value) != amount:
        value = value.quantize(_PLACES, context=_EXACT)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _totals_body(totals: Mapping[str, Fraction]) -> list[dict[str, str]]:
    return [
        {"currency": currency, "amount": decimal_text(amount)}
        for currency, amount in totals.items()
    ]


def _parse_fraction(params: Mapping[str, Any], name: str) -> Fraction | None:
    if name not in params:
        return None
    # no exponents: Fraction would compute a power of ten with a billion zeros
    if not _DECIMAL.fullmatch(params[name]):
        raise serializers.ValidationError({name: "Enter a number, for example 1.2 or 6/5."})
    try:
        return Fraction(params[name])
    except ZeroDivisionError as error:
        raise serializers.ValidationError(
            {name: "Enter a number, for example 1.2 or 6/5."}
        ) from error


def _parse_day(text: str | None) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        validate_plausible_date(day)
    except ValueError as error:
        raise serializers.ValidationError(
            {"from": "Enter a date, for example 2027-01-31."}
        ) from error
    except ModelValidationError as error:
        raise serializers.ValidationError({"from": error.messages}) from error
    return day


class CostsView(RegistryView):
    files = {"get": FileRows(TotalSerializer, "totals")}

    @extend_schema(
        operation_id="costs",
        summary="Monthly costs of all applications",
        parameters=COST_QUESTION,
        responses=CostTotalsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Totals over all active dependencies of applications in pilot or production that you can
        view. Unknown costs are counted separately, by reason."""
        today = day_of(now())
        prices_on, changes = requested_prices(request, today)
        can_read_all = self.user.can_read_all
        totals = monthly_totals(
            on=today,
            prices_on=prices_on,
            changes=changes,
            team_ids=None if can_read_all else list(self.user.team_roles()),
        )
        return Response(
            {
                "on": prices_on,
                "whole_organisation": can_read_all,
                "totals": _totals_body(totals.totals),
                "n_known": totals.n_known,
                "unknown": [
                    {"code": code.value, "n_dependencies": n}
                    for code, n in sorted(totals.n_unknown.items())
                ],
            }
        )
