"""Reader of applications, dependencies and exit tests, in a portfolio or added to one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from apps.inventory.models import Application, Criticality, Dependency, ExitTest
from tools.worked_portfolios.reader.rows import JsonRow
from tools.worked_portfolios.records import ApplicationRecord, DependencyRecord, ExitTestRecord

MAX_SHARE = 999
# the largest number the database's columns of users take
MAX_USERS = 2_147_483_647
MAX_MONEY = 10**11


@dataclass(frozen=True, slots=True)
class KnownIds:
    """The ids that a reference may name."""

    providers: frozenset[str] = frozenset()
    foundations: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    offerings: frozenset[str] = frozenset()
    applications: frozenset[str] = frozenset()
    dependencies: frozenset[str] = frozenset()

    def with_applications(self, applications: Iterable[ApplicationRecord]) -> "KnownIds":
        return replace(
            self, applications=self.applications | {application.id for application in applications}
        )

    def with_dependencies(self, dependencies: Iterable[DependencyRecord]) -> "KnownIds":
        return replace(
            self, dependencies=self.dependencies | {dependency.id for dependency in dependencies}
        )


def read_application(row: JsonRow) -> ApplicationRecord:
    return ApplicationRecord(
        id=row.text("id"),
        team=row.text("team", "team"),
        criticality=row.one_of(
            "criticality", [criticality.name.lower() for criticality in Criticality]
        ),
        status=row.one_of("status", Application.Status.values),
        users=row.whole_or_none("users", at_most=MAX_USERS),
        monthly_spend=row.decimal_or_none("monthly_spend", 2, MAX_MONEY),
    )


def read_dependency(row: JsonRow, *, known: KnownIds) -> DependencyRecord:
    share = row.number_or_none("share")
    if share is not None and share > MAX_SHARE:
        raise row.refuse(f"'share' is at most {MAX_SHARE}; shares are taken in proportion.")
    via = row.one_of("via", Dependency.Reached.values, Dependency.Reached.DIRECT)
    party = row.ref_or_none("via_party", known.providers, "provider")
    if via == Dependency.Reached.DIRECT and party is not None:
        raise row.refuse(
            f"it is called directly and through '{party}'; say 'gateway' or 'embedded', or no "
            "party."
        )
    return DependencyRecord(
        id=row.text("id"),
        application=row.ref("application", known.applications, "application"),
        offering=row.ref("offering", known.offerings, "offering"),
        role=row.one_of("role", Dependency.Role.values),
        order=row.whole("order", 0, at_most=32_767),
        share=share,
        via=via,
        via_party=party,
        since=row.day_or_none("since"),
        until=row.day_or_none("until"),
        input_tokens=row.whole_or_none("input_tokens"),
        output_tokens=row.whole_or_none("output_tokens"),
        spend=row.decimal_or_none("spend", 2, MAX_MONEY),
    )


def read_exit_test(row: JsonRow, *, known: KnownIds) -> ExitTestRecord:
    return ExitTestRecord(
        id=row.text("id"),
        dependency=row.ref("dependency", known.dependencies, "dependency"),
        target=row.ref("target", known.offerings, "offering"),
        tested_on=row.day("tested_on"),
        result=row.one_of("result", ExitTest.Result.values),
        expires_on=row.day_or_none("expires_on"),
        effort_days=row.decimal_or_none("effort_days", 1, 999_999),
        tested_version=row.ref_or_none("tested_version", known.versions, "version"),
    )


def round_to_places(number: Fraction, places: int) -> Decimal:
    """As a column with so many decimal places keeps it."""
    return Decimal(round(number * 10**places)).scaleb(-places)
