"""Exchange rates: dated settings with a source. Without one, an amount in another currency is not
converted."""

from datetime import date
from typing import Any

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from apps.common.history.context import track_history


class ExchangeRateQuerySet(models.QuerySet["ExchangeRate"]):
    def visible_to(self, user: Any) -> "ExchangeRateQuerySet":
        """Return all rates for signed-in users: they are public facts."""
        return self if user.is_authenticated and user.is_active else self.none()

    def at(self, day: date) -> dict[str, "ExchangeRate"]:
        """Return {currency: the latest rate on or before the day}; one statement."""
        rates = self.filter(on__lte=day).order_by("currency", "-on").distinct("currency")
        return {rate.currency: rate for rate in rates}


@track_history()
class ExchangeRate(models.Model):
    """US dollars for one unit of a currency, on a day."""

    currency = models.CharField(
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}\Z", "Enter three capital letters, such as EUR.")],
        help_text="Code of the currency, such as EUR.",
    )
    usd = models.DecimalField(
        "US dollars",
        max_digits=16,
        decimal_places=8,
        validators=[MinValueValidator(0)],
        help_text="US dollars for one unit.",
    )
    on = models.DateField("day", help_text="Day of the rate.")
    source = models.CharField(max_length=300, help_text="Publisher of the rate, or its URL.")

    objects = ExchangeRateQuerySet.as_manager()

    class Meta:
        ordering = ["currency", "-on"]
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "on"],
                name="exchange_rate_once",
                violation_error_message="This currency already has a rate on that day.",
            )
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.usd.normalize():f} USD on {self.on}"
