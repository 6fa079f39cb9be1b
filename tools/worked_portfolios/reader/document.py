"""A file of worked portfolios as records; what cannot be meant is refused with BadPortfolio, which
says where.

The shape is docs/worked-portfolios.md. Every reference must be to something the portfolio holds,
every id stands once in its list, numbers are not negative and days are likely ones. An `expected`
is not read.
"""

import json
from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.models import DateKind, Derivation, EndBehaviour, Lifecycle
from apps.exposure.models import StandingState
from apps.exposure.threats import THREATS
from apps.inventory.models import Application, Criticality
from tools.worked_portfolios.nodes import KINDS
from tools.worked_portfolios.reader.inventory import (
    KnownIds,
    read_application,
    read_dependency,
    read_exit_test,
    round_to_places,
)
from tools.worked_portfolios.reader.questions import (
    read_lifecycle,
    read_loss,
    read_policy,
    read_scenario,
)
from tools.worked_portfolios.reader.rows import JsonRow, PortfolioFileError, parse_day
from tools.worked_portfolios.records import (
    DerivationRecord,
    ExitPlanRecord,
    FoundationRecord,
    OfferingRecord,
    PortfolioRecord,
    PriceRecord,
    ProviderRecord,
    VersionRecord,
)

CRITICALITIES: tuple[str, ...] = tuple(criticality.name.lower() for criticality in Criticality)
MAX_HORIZON_DAYS = 3650
MAX_POINTS = 10**6


def read_file(path: Path) -> tuple[dict[str, Any], list[PortfolioRecord | PortfolioFileError]]:
    """The document as it is, and its portfolios in their order, or why one cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PortfolioFileError(f"{path} cannot be read: {error}.") from None
    except (ValueError, RecursionError) as error:
        raise PortfolioFileError(f"{path} is not JSON: {error}.") from None
    return document, read_each(document)


def read_document(document: Any) -> list[PortfolioRecord]:
    """All portfolios; raises the first refusal."""
    portfolios = []
    for portfolio in read_each(document):
        if isinstance(portfolio, PortfolioFileError):
            raise portfolio
        portfolios.append(portfolio)
    return portfolios


def read_each(document: Any) -> list[PortfolioRecord | PortfolioFileError]:
    """The portfolios in their order, or why one cannot be read."""
    if not isinstance(document, dict) or not isinstance(document.get("portfolios"), list):
        raise PortfolioFileError('The file must be an object with a list "portfolios".')
    portfolios: list[PortfolioRecord | PortfolioFileError] = []
    for index, values in enumerate(document["portfolios"]):
        if not isinstance(values, dict):
            raise PortfolioFileError(f"portfolios[{index}] is no object.")
        name = values.get("name")
        place = f"portfolio '{name}'" if isinstance(name, str) else f"portfolios[{index}]"
        try:
            portfolios.append(
                read_portfolio(
                    JsonRow(place, values), name if isinstance(name, str) else str(index)
                )
            )
        except PortfolioFileError as refusal:
            portfolios.append(refusal)
    return portfolios


def read_portfolio(top: JsonRow, name: str) -> PortfolioRecord:
    providers = _providers(top)
    known_providers = {provider.id for provider in providers}
    foundations = top.records("foundations", partial(_foundation, providers=known_providers))
    known_foundations = {foundation.id for foundation in foundations}
    versions = top.records("versions", partial(_version, foundations=known_foundations))
    known_versions = {version.id for version in versions}
    offerings = top.records(
        "offerings", partial(_offering, providers=known_providers, versions=known_versions)
    )
    applications = top.records("applications", read_application)
    known_ids = KnownIds(
        providers=frozenset(known_providers),
        foundations=frozenset(known_foundations),
        versions=frozenset(known_versions),
        offerings=frozenset(offering.id for offering in offerings),
        applications=frozenset(application.id for application in applications),
    )
    dependencies = top.records("dependencies", partial(read_dependency, known=known_ids))
    known_ids = known_ids.with_dependencies(dependencies)
    exit_tests = top.records("exit_tests", partial(read_exit_test, known=known_ids))
    return PortfolioRecord(
        name=name,
        as_of=top.day("as_of"),
        settings=_settings(top),
        providers=providers,
        foundations=foundations,
        versions=versions,
        derivations=_derivations(top, known_versions),
        offerings=offerings,
        applications=applications,
        dependencies=dependencies,
        exit_tests=exit_tests,
        exit_plans=_plans(top, known_ids),
        prices=_prices(top, known_ids),
        cost_days=tuple(
            parse_day(day, f"{top.at}: 'cost_days'") for day in top.listed("cost_days")
        ),
        policies=top.records("policies", read_policy),
        lifecycles=top.records("lifecycles", read_lifecycle),
        scenarios=top.records("scenarios", partial(read_scenario, known=known_ids)),
        loss=read_loss(top, known_ids) if top.get("loss") else None,
    )


def _providers(top: JsonRow) -> tuple[ProviderRecord, ...]:
    ids = {row.text("id") for row in top.rows("providers")}

    def read(row: JsonRow) -> ProviderRecord:
        return ProviderRecord(row.text("id"), row.ref_or_none("parent", ids, "provider"))

    return top.records("providers", read)


def _foundation(row: JsonRow, *, providers: Collection[str]) -> FoundationRecord:
    return FoundationRecord(row.text("id"), row.ref("developer", providers, "provider"))


def _version(row: JsonRow, *, foundations: Collection[str]) -> VersionRecord:
    return VersionRecord(row.text("id"), row.ref("foundation", foundations, "foundation"))


def _derivations(top: JsonRow, versions: Collection[str]) -> tuple[DerivationRecord, ...]:
    """Each edge once: saying it twice says nothing more."""
    edges = (
        DerivationRecord(
            row.ref("child", versions, "version"),
            row.ref("parent", versions, "version"),
            row.one_of("kind", Derivation.Kind.values),
        )
        for row in top.rows("derivations")
    )
    return tuple(dict.fromkeys(edges))


def _offering(
    row: JsonRow, *, providers: Collection[str], versions: Collection[str]
) -> OfferingRecord:
    regions = row.listed("regions")
    for region in regions:
        if not isinstance(region, str) or not region or len(region) > 60:
            raise row.refuse(
                f"'regions' names {region!r}; a region is a text of at most 60 characters."
            )
    return OfferingRecord(
        id=row.text("id"),
        host=row.ref("host", providers, "provider"),
        version=row.ref_or_none("version", versions, "version"),
        gateway=row.ref_or_none("gateway", providers, "provider"),
        regions=tuple(sorted(set(regions))),
        lifecycle=row.one_of("lifecycle", Lifecycle.values, Lifecycle.ACTIVE),
        retires_on=row.day_or_none("retires_on"),
        date_kind=row.one_of("date_kind", DateKind.values, DateKind.FIRM),
        end_behaviour=row.one_of("end_behaviour", EndBehaviour.values, EndBehaviour.UNKNOWN),
        replacement=None if row.get("replacement") is None else row.text("replacement"),
    )


def _plans(top: JsonRow, known_ids: KnownIds) -> tuple[ExitPlanRecord, ...]:
    planned: set[str] = set()

    def read(row: JsonRow) -> ExitPlanRecord:
        dependency = row.ref("dependency", known_ids.dependencies, "dependency")
        if dependency in planned:
            raise row.refuse(f"the dependency '{dependency}' has an exit plan already.")
        planned.add(dependency)
        target = row.ref_or_none("target", known_ids.offerings, "offering")
        return ExitPlanRecord(
            row.text("id"), dependency, target, row.decimal_or_none("estimated_days", 1, 999_999)
        )

    return top.records("exit_plans", read)


def _prices(top: JsonRow, known_ids: KnownIds) -> tuple[PriceRecord, ...]:
    """Prices of the base tier: a file says nothing of the size of requests, so no other can
    matter."""
    prices = [
        (
            row,
            PriceRecord(
                offering=row.ref("offering", known_ids.offerings, "offering"),
                unit=row.one_of("unit", PRICE_UNITS),
                amount=row.decimal("amount", 8, 10**11),
                currency=row.text("currency"),
                since=row.day("from"),
                until=row.day_or_none("to"),
            ),
        )
        for row in top.rows("prices")
        if not row.get("tier")
    ]
    for row, price in prices:
        if len(price.currency) != 3:
            raise row.refuse(
                f"'currency' is '{price.currency}'; use the three letters of ISO 4217."
            )
        if price.until is not None and price.until <= price.since:
            raise row.refuse("the price ends before it begins.")
    sorted_prices = sorted(
        prices, key=lambda entry: (entry[1].offering, entry[1].unit, entry[1].since)
    )
    for (_, before), (row, after) in pairwise(sorted_prices):
        is_same_line = (before.offering, before.unit) == (after.offering, after.unit)
        if is_same_line and (before.until is None or after.since < before.until):
            raise row.refuse(
                f"another price of {after.unit} at '{after.offering}' holds on {after.since}."
            )
    return tuple(price for _, price in prices)


def _settings(top: JsonRow) -> dict[str, Any]:
    row = top.mapped("settings")
    settings: dict[str, Any] = {"horizon_days": top.whole("horizon_days", 180, MAX_HORIZON_DAYS)}
    if unknown := sorted(set(row.values) - _SETTINGS):
        raise row.refuse(f"there is no setting '{unknown[0]}'; use {', '.join(sorted(_SETTINGS))}.")
    if "statuses" in row.values:
        settings["statuses"] = list(row.some_of("statuses", Application.Status.values))
    if "criticality_points" in row.values:
        points = row.mapped("criticality_points")
        settings["criticality_points"] = {
            name: points.whole(name, at_most=MAX_POINTS)
            for name in _known_keys(points, CRITICALITIES)
        }
    if "test_validity_days" in row.values:
        settings["test_validity_days"] = row.whole("test_validity_days", at_most=36500)
    if "required_grade" in row.values:
        grades = row.mapped("required_grade")
        settings["required_grade"] = {
            threat: {
                kind: table.whole(kind, at_most=5) for kind in _known_keys(table, (*KINDS, "*"))
            }
            for threat in _known_keys(grades, THREATS)
            for table in (grades.mapped(threat),)
        }
    if "cut_kinds" in row.values:
        settings["cut_kinds"] = list(row.some_of("cut_kinds", KINDS))
    if "cut_threshold" in row.values:
        settings["cut_threshold"] = _read_fraction(row, "cut_threshold")
    if "state_factor" in row.values:
        factors = row.mapped("state_factor")
        states = [str(state) for state in StandingState if state is not StandingState.PARTIAL]
        settings["state_factor"] = {
            state: str(factors.number(state)) for state in _known_keys(factors, states)
        }
    return settings


_SETTINGS = {
    "statuses",
    "criticality_points",
    "test_validity_days",
    "required_grade",
    "cut_kinds",
    "cut_threshold",
    "state_factor",
}


def _known_keys(row: JsonRow, known_keys: Collection[str]) -> list[str]:
    if unknown := sorted(set(row.values) - set(known_keys)):
        raise row.refuse(f"'{unknown[0]}' is not known here; use {', '.join(known_keys)}.")
    return list(row.values)


def _read_fraction(row: JsonRow, key: str) -> Decimal:
    fraction = row.number(key)
    if not Fraction(0) < fraction <= 1:
        raise row.refuse(f"'{key}' must lie above 0 and at most at 1.")
    return round_to_places(fraction, 15)
