"""Costs as billed: charges by day, application and model, and the bill of an application beside
list prices."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rest_framework import serializers

from apps.api.framework.views import ReadViewSet
from apps.api.inventory.costs import decimal_text
from apps.common.database.keyset_pagination import Keyset
from apps.intake.billed_costs import BilledOffering, CostComparison
from apps.intake.filters import BilledCostFilter
from apps.intake.models import BilledCost, Import
from apps.inventory.cost_differences import DifferencePart, DifferenceReason


class BilledCostSerializer(serializers.ModelSerializer[BilledCost]):
    application = serializers.CharField(
        source="observation.application.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application; null if no tag names one.",
    )
    host = serializers.CharField(
        source="observation.offering.host.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the host; null if the model is not identified.",
    )
    api_id = serializers.CharField(
        source="observation.offering.api_id", read_only=True, allow_null=True
    )
    name = serializers.CharField(
        source="observation.requested", read_only=True, help_text="Model as the bill states it."
    )
    provider = serializers.CharField(
        source="observation.provider", read_only=True, help_text="Host as the bill states it."
    )

    seen_in = serializers.PrimaryKeyRelatedField[Import](
        source="import_record", read_only=True, help_text="Import that brought the charge."
    )

    class Meta:
        model = BilledCost
        fields = [
            "id",
            "application",
            "observation",
            "host",
            "api_id",
            "name",
            "provider",
            "day",
            "category",
            "is_correction",
            "currency",
            "billed",
            "effective",
            "listed",
            "contracted",
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "other_tokens",
            "requests",
            "n_rows",
            "is_current",
            "seen_in",
        ]
        read_only_fields = fields


class BilledCostViewSet(ReadViewSet[BilledCost]):
    """One row per day, application, model and kind of charge, latest day first. `is_current` is
    false if a later file has replaced the row."""

    model = BilledCost
    serializer_class = BilledCostSerializer
    filterset_class = BilledCostFilter
    orders = {
        "-day": Keyset(("-day", "-id")),
        "-id": Keyset(("-id",)),
        "id": Keyset(("id",)),
    }


class DifferencePartSerializer(serializers.Serializer[Any]):
    reasons = serializers.ListField(
        child=serializers.CharField(),
        help_text=f"Reasons that the bill does not separate: {', '.join(DifferenceReason)}.",
    )
    amount = serializers.CharField(help_text="Part of the difference, as a decimal.")
    detail = serializers.CharField()


class BilledModelSerializer(serializers.Serializer[Any]):
    offering = serializers.IntegerField(
        allow_null=True, help_text="Null if the model is not identified."
    )
    name = serializers.CharField(help_text="Model ID, or the name in the bill.")
    provider = serializers.CharField()
    billed = serializers.CharField()
    effective = serializers.CharField(help_text="With payments in advance spread over months.")
    listed = serializers.CharField(
        allow_null=True, help_text="Usage at the list prices of the bill; null if not stated."
    )
    corrections = serializers.CharField(help_text="Part of billed that corrects earlier invoices.")
    tokens = serializers.DictField(
        child=serializers.CharField(), help_text="Billed tokens by unit; empty if not stated."
    )
    requests = serializers.CharField(allow_null=True)
    recorded = serializers.CharField(
        allow_null=True, help_text="Recorded tokens at list prices; null if not comparable."
    )
    difference = serializers.CharField(allow_null=True)
    parts = DifferencePartSerializer(many=True)
    detail = serializers.CharField(allow_blank=True, help_text="Reason if not comparable.")


class BillSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    billed = serializers.CharField()
    effective = serializers.CharField()
    recorded = serializers.CharField(
        help_text="Recorded tokens of all dependencies at list prices in this currency."
    )
    difference = serializers.CharField(help_text="Billed minus recorded: the sum of the parts.")
    parts = DifferencePartSerializer(many=True)
    models = BilledModelSerializer(many=True)


class BilledCostsOfApplicationSerializer(serializers.Serializer[Any]):
    month = serializers.DateField(
        allow_null=True, help_text="First day of the month; null without a bill."
    )
    bills = BillSerializer(many=True, help_text="One per currency.")


class BilledMonthQuestion(serializers.Serializer[Any]):
    month = serializers.RegexField(
        r"\A20\d\d-(0[1-9]|1[0-2])\Z",
        required=False,
        error_messages={"invalid": "Enter a month such as 2026-10."},
    )


def bills_body(month: date | None, bills: dict[str, CostComparison]) -> dict[str, Any]:
    return {"month": month, "bills": [_bill_body(bills[currency]) for currency in sorted(bills)]}


def _bill_body(bill: CostComparison) -> dict[str, Any]:
    return {
        "currency": bill.currency,
        "billed": decimal_text(bill.billed),
        "effective": decimal_text(bill.effective),
        "recorded": decimal_text(bill.recorded),
        "difference": decimal_text(bill.difference),
        "parts": _parts_body(bill.parts),
        "models": [_model_body(row) for row in bill.offerings],
    }


def _model_body(row: BilledOffering) -> dict[str, Any]:
    return {
        "offering": None if row.offering is None else row.offering.pk,
        "name": row.name,
        "provider": row.provider,
        "billed": decimal_text(row.billed),
        "effective": decimal_text(row.amounts.effective + row.amounts.charges),
        "listed": _optional_text(row.amounts.listed),
        "corrections": decimal_text(row.corrections),
        "tokens": {unit: _number_text(amount) for unit, amount in row.tokens.items()},
        "requests": None if row.requests is None else _number_text(row.requests),
        "recorded": _optional_text(row.recorded),
        "difference": _optional_text(row.difference),
        "parts": _parts_body(row.parts),
        "detail": row.reason,
    }


def _parts_body(parts: tuple[DifferencePart, ...]) -> list[dict[str, Any]]:
    return [
        {
            "reasons": [str(reason) for reason in part.reasons],
            "amount": decimal_text(part.amount),
            "detail": part.sentence,
        }
        for part in parts
    ]


def _optional_text(amount: Fraction | None) -> str | None:
    return None if amount is None else decimal_text(amount)


def _number_text(number: Decimal) -> str:
    return decimal_text(Fraction(number))
