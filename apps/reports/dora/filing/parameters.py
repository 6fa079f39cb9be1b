"""Parameters of a report package: who files, for which day and in which currency, and the name that
follows from them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from django.core.exceptions import ValidationError

from apps.catalog.providers.facts import validate_lei
from apps.common.errors import ConflictError
from apps.reports.dora.filing.members import COUNTRIES, CURRENCIES
from apps.reports.dora.filing.taxonomy import MODULE
from apps.reports.models import ReportingEntity

# amounts are stored to the hundredth, the other numbers are whole
DECIMALS_MONETARY = 2
DECIMALS_INTEGER = 0
# the base currency of a request that names none
DEFAULT_CURRENCY = "EUR"
_ENTER_IT = "Governance enters it on the page Reporting entity (/reports/entity/)."


class FilingScope(StrEnum):
    """The level of the filing, as the name of a package has it
    (support.copla.com/how-does-copla-registry-handle-output-and-submission-format, 2026-11-30)."""

    INDIVIDUAL = "IND"
    CONSOLIDATED = "CON"


@dataclass(frozen=True, slots=True)
class FilingParameters:
    """What a package states about itself. `reference_date` is also the day whose contracts and
    dependencies the rows have."""

    entity: ReportingEntity
    scope: FilingScope
    reference_date: date
    currency: str
    at: datetime

    @property
    def problems(self) -> list[str]:
        """Return what prevents a package: without these parts it has no name."""
        problems = []
        if not self.entity.lei:
            problems.append(f"The LEI of the reporting entity is missing. {_ENTER_IT}")
        else:
            try:
                validate_lei(self.entity.lei)
            except ValidationError as error:
                problems.append(
                    f"The LEI of the reporting entity is wrong. {error.messages[0]} {_ENTER_IT}"
                )
        if self.entity.country not in COUNTRIES:
            problems.append(
                "The country of the reporting entity is missing or not a code of ISO 3166-1, such"
                f" as DE. {_ENTER_IT}"
            )
        if self.currency not in CURRENCIES:
            problems.append("Select a base currency of ISO 4217, such as EUR.")
        return problems

    @property
    def name(self) -> str:
        """Return the name of the package, of its root folder and, with `.zip`, of its file. Raises
        ConflictError if a part is missing.

        Parts: report subject, country, module, reference date, time of creation to the millisecond
        (github.com/intuitem/ciso-assistant-community/issues/4473, 2026-11-30)."""
        if problems := self.problems:
            raise ConflictError(" ".join(problems))
        created = self.at.astimezone(UTC)
        return (
            f"{self.entity.lei}.{self.scope}_{self.entity.country}_{MODULE}_{self.reference_date}"
            f"_{created:%Y%m%d%H%M%S}{created.microsecond // 1000:03d}"
        )

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Return the lines of parameters.csv: only what the module refers to
        (github.com/intuitem/ciso-assistant-community/pull/4501, 2026-11-30)."""
        return [
            ("entityID", f"rs:{self.entity.lei}.{self.scope}"),
            ("refPeriod", self.reference_date.isoformat()),
            ("baseCurrency", f"iso4217:{self.currency}"),
            ("decimalsInteger", str(DECIMALS_INTEGER)),
            ("decimalsMonetary", str(DECIMALS_MONETARY)),
        ]
