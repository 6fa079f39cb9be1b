"""Costs as billed: charges of one day, by the names of an observation."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from apps.intake.models.imports import Import
from apps.intake.models.observations import Observation

_AMOUNT: dict[str, Any] = {"max_digits": 38, "decimal_places": 18}
_QUANTITY: dict[str, Any] = {"max_digits": 38, "decimal_places": 6, "null": True, "blank": True}


class BilledCostQuerySet(models.QuerySet["BilledCost"]):
    def visible_to(self, user: Any) -> "BilledCostQuerySet":
        """Return those of applications the user can view; organisation roles see all."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        teams = user.team_roles()
        return self.filter(
            Q(
                observation__application__merged_into__isnull=True,
                observation__application__team__in=teams,
            )
            | Q(observation__application__merged_into__team__in=teams)
        )

    def current(self) -> "BilledCostQuerySet":
        """Return those that no later file has replaced."""
        return self.filter(is_current=True)


class BilledCost(models.Model):
    """Sum of the charges of one day with the same names, as the latest file states them. Not in the
    history: it is no decision.

    Application and model are those of the observation. A later file of the same `scope` replaces
    it, and takes over its place again when that file is undone."""

    class Category(models.TextChoices):
        USAGE = "Usage", "Usage"
        PURCHASE = "Purchase", "Purchase"
        TAX = "Tax", "Tax"
        CREDIT = "Credit", "Credit"
        ADJUSTMENT = "Adjustment", "Adjustment"

    observation = models.ForeignKey(Observation, on_delete=models.CASCADE, related_name="charges")
    import_record = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="charges")
    scope = models.UUIDField(
        help_text="Digest of what a later file replaces as a whole: account, billing period, day."
    )
    is_current = models.BooleanField(default=True)
    day = models.DateField()
    category = models.CharField(max_length=10, choices=Category)
    is_correction = models.BooleanField(
        default=False, help_text="Corrects a billing period that was already invoiced."
    )
    currency = models.CharField(max_length=3)
    billed = models.DecimalField(**_AMOUNT)
    effective = models.DecimalField(**_AMOUNT)
    listed = models.DecimalField(
        **_AMOUNT, null=True, blank=True, help_text="At list prices of the bill; empty: not stated."
    )
    contracted = models.DecimalField(
        **_AMOUNT, null=True, blank=True, help_text="At contracted prices; empty: not stated."
    )
    input_tokens = models.DecimalField(**_QUANTITY)
    output_tokens = models.DecimalField(**_QUANTITY)
    cache_read_tokens = models.DecimalField(**_QUANTITY)
    cache_write_tokens = models.DecimalField(**_QUANTITY)
    other_tokens = models.DecimalField(
        **_QUANTITY, help_text="Tokens of which the bill does not state the kind."
    )
    requests = models.DecimalField(**_QUANTITY)
    n_rows = models.PositiveBigIntegerField(help_text="Rows of the file.")

    objects = BilledCostQuerySet.as_manager()

    class Meta:
        ordering = ["-day", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["scope"], name="billed_cost_by_scope"),
            models.Index(
                fields=["day", "observation"],
                name="billed_cost_by_day",
                condition=Q(is_current=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.billed} {self.currency} on {self.day}"
