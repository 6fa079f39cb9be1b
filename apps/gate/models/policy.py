"""Gate policy: one row for the organisation, and the horizons in days before a retirement."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from apps.common.history.context import track_history
from apps.gate.rules.definitions import Level, Rule, default_levels
from apps.inventory.models import Criticality

# every environment that has no horizons of its own
ANY_ENVIRONMENT = "*"


def _critical() -> list[int]:
    return [Criticality.CRITICAL.value]


@track_history(exclude=("updated_at",))
class GatePolicy(models.Model):
    """The policy, a single row. `version` is incremented with every change of it or of a horizon;
    each run stores the version that decided it."""

    version = models.PositiveIntegerField(default=1, editable=False)
    levels = models.JSONField(
        default=default_levels, help_text="{rule: error, warning, note or off}"
    )
    stale_after_days = models.PositiveSmallIntegerField(
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text="Days without a poll of any source after which the gate cannot decide.",
    )
    requires_approval = models.BooleanField(
        default=False, help_text="Models without an approval are not approved (FR001)."
    )
    evidence_days = models.PositiveSmallIntegerField(
        default=365,
        validators=[MinValueValidator(1), MaxValueValidator(3660)],
        help_text="Days after which an evaluation is stale (FR006).",
    )
    evidence_criticalities = ArrayField(
        models.PositiveSmallIntegerField(choices=Criticality),
        default=_critical,
        blank=True,
        help_text="Applications of these criticalities need evidence (FR006).",
    )
    keep_runs_days = models.PositiveSmallIntegerField(
        default=400,
        validators=[MinValueValidator(7), MaxValueValidator(3660)],
        help_text="Days for which runs are stored; the last released run is stored longer.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "gate policies"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="gate_policy_one_row", condition=Q(pk=1))
        ]

    def __str__(self) -> str:
        return f"gate policy {self.version}"

    def clean(self) -> None:
        """Require a valid level for each rule."""
        if not isinstance(self.levels, dict) or set(self.levels) != set(Rule.values):
            raise ValidationError(
                {"levels": f"Set a level for each of the rules {', '.join(Rule.values)}."}
            )
        invalid_levels = sorted(
            str(level) for level in self.levels.values() if level not in Level.values
        )
        if invalid_levels:
            raise ValidationError(
                {
                    "levels": f"'{invalid_levels[0]}' is not a valid level. Use one of: "
                    f"{', '.join(Level.values)}."
                }
            )

    def level(self, rule: str) -> str:
        return str(self.levels.get(rule, Level.OFF))


@track_history()
class Horizon(models.Model):
    """A horizon of FR003: the days before retirement at which it warns and blocks, by environment
    and criticality."""

    environment = models.CharField(
        max_length=60, default=ANY_ENVIRONMENT, help_text="As named in pipelines; * for all others."
    )
    criticality = models.PositiveSmallIntegerField(choices=Criticality)
    warning_days = models.PositiveSmallIntegerField(validators=[MaxValueValidator(1500)])
    error_days = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(1500)],
        help_text="0: an upcoming retirement never blocks.",
    )

    class Meta:
        ordering = ["environment", "criticality"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["environment", "criticality"], name="horizon_once"),
            models.CheckConstraint(
                name="horizon_warns_before_it_blocks",
                condition=Q(error_days__lte=F("warning_days")),
                violation_error_message="The days to block must be fewer than the days to warn.",
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.environment}, {self.get_criticality_display()}: "
            f"{self.warning_days} / {self.error_days} days"
        )


def horizon_for(rows: Any, environment: str, criticality: int) -> tuple[int, int]:
    """Return (warning days, error days) of the environment, otherwise of any environment; (0, 0) if
    nothing is set."""
    row = _find_horizon(rows, environment, criticality)
    return (row.warning_days, row.error_days) if row is not None else (0, 0)


def describe_horizon(rows: Any, environment: str, criticality: int) -> dict[str, Any]:
    """Return the horizon of FR003 as responses contain it: the environment for which it is set, the
    criticality and both days."""
    row = _find_horizon(rows, environment, criticality)
    warning_days, error_days = horizon_for(rows, environment, criticality)
    return {
        "environment": row.environment if row is not None else ANY_ENVIRONMENT,
        "criticality": Criticality(criticality).name.lower(),
        "warning_days": warning_days,
        "error_days": error_days,
    }


def spell_horizon(horizon: Mapping[str, Any]) -> str:
    """Return the sentence about the result of `describe_horizon`."""
    warning, error = horizon["warning_days"], horizon["error_days"]
    environment = (
        "other environments"
        if horizon["environment"] == ANY_ENVIRONMENT
        else horizon["environment"]
    )
    scope_text = f"({horizon['criticality']} applications, {environment})"
    if not warning:
        return f"An upcoming retirement is not a finding {scope_text}."
    blocks = f"and blocks from {error} days before it" if error else "and does not block"
    return f"A retirement warns from {warning} days before its date {blocks} {scope_text}."


def _find_horizon(rows: Any, environment: str, criticality: int) -> Any:
    by_environment = {row.environment: row for row in rows if row.criticality == criticality}
    return by_environment.get(environment) or by_environment.get(ANY_ENVIRONMENT)
