"""A worked portfolio as rows of the product's own tables: for an empty database in a transaction
that is rolled back.

Rows are written in the order of their ids, so that primary keys sort as the ids do: of two exit
tests of one day the one with the greater id is the later, and of two fallbacks of one place the
lesser id is named.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection, models

from apps.accounts.models import Team
from apps.catalog.footing import refresh_footing
from apps.catalog.models import (
    DateKind,
    Derivation,
    Foundation,
    Node,
    NodeKind,
    Offering,
    Price,
    Provider,
    ProviderRole,
    Region,
    Version,
)
from apps.common.time import start_of
from apps.exposure.models import ExposureSettings, Policy
from apps.inventory.models import Application, Criticality, Dependency, ExitPlan, ExitTest
from tools.worked_portfolios.nodes import PARTIES, NodeName
from tools.worked_portfolios.reader.inventory import round_to_places
from tools.worked_portfolios.records import (
    ApplicationRecord,
    DependencyRecord,
    ExitPlanRecord,
    ExitTestRecord,
    OfferingRecord,
    PolicyRecord,
    PortfolioRecord,
    PriceRecord,
)

# a dependency without a first day has always been there
ALWAYS = date(1970, 1, 1)

# What the product demands of people, and a worked portfolio need not heed: it describes what the
# definitions say of odd rows too (a soft date on a retired offering, a dependency that ended before
# it began, a circle of two).
WAIVED_CONSTRAINTS: Mapping[str, tuple[str, ...]] = {
    "catalog_provider": ("provider_not_its_own_parent",),
    "catalog_derivation": ("derivation_not_itself",),
    "catalog_offering": (
        "offering_date_has_kind",
        "offering_not_its_own_replacement",
        "offering_soft_date_never_retires",
    ),
    "inventory_dependency": ("dependency_until_after_since",),
    "inventory_exittest": ("exit_test_expires_after_test",),
}
# by model: triggers that refuse a circle of companies
WAIVED_TRIGGERS: Mapping[type[models.Model], str] = {Provider: "provider_no_circle"}


def waive_constraints() -> None:
    """Prepare an empty scratch database: no policies of ours, no constraints that only people need
    to meet.
    """
    Policy.objects.all().delete()
    with connection.cursor() as cursor:
        for table, constraints in WAIVED_CONSTRAINTS.items():
            for constraint in constraints:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        for model, name in WAIVED_TRIGGERS.items():
            [trigger] = [candidate for candidate in model._meta.triggers if candidate.name == name]  # type: ignore[attr-defined]
            cursor.execute(f"DROP TRIGGER {trigger.get_pgid(model)} ON {model._meta.db_table}")


@dataclass(frozen=True, slots=True)
class PortfolioIds:
    """The primary keys of the file's ids, and back."""

    providers: Mapping[str, int]
    foundations: Mapping[str, int]
    versions: Mapping[str, int]
    offerings: Mapping[str, int]
    applications: Mapping[str, int]
    dependencies: Mapping[str, int]
    policies: Mapping[str, int]
    regions: Mapping[tuple[str, str], int]

    def node_names(self) -> dict[int, NodeName]:
        """{node id: name} of every node there is."""
        names: dict[tuple[int, int], NodeName] = {}
        for kind, refs in self._refs().items():
            names |= {(kind.value, pk): NodeName(kind, name) for name, pk in refs.items()}
        for (host, region), pk in self.regions.items():
            names[NodeKind.REGION.value, pk] = NodeName(NodeKind.REGION, host, region)
        return {
            pk: names[kind, ref] for pk, kind, ref in Node.objects.values_list("pk", "kind", "ref")
        }

    def _refs(self) -> dict[NodeKind, Mapping[str, int]]:
        return {
            NodeKind.OFFERING: self.offerings,
            NodeKind.VERSION: self.versions,
            NodeKind.FOUNDATION: self.foundations,
            **dict.fromkeys(PARTIES, self.providers),
        }


def load_portfolio(portfolio: PortfolioRecord) -> PortfolioIds:
    """Write all rows and the footing of the day; the tables must be empty."""
    ExposureSettings.objects.create(pk=ExposureSettings.ONLY, **portfolio.settings)
    providers = _providers(portfolio)
    foundations = _write_rows(
        {
            f.id: Foundation(developer_id=providers[f.developer], name=f.id, slug=f.id, line=f.id)
            for f in portfolio.foundations
        }
    )
    versions = _write_rows(
        {
            v.id: Version(foundation_id=foundations[v.foundation], identifier=v.id, name=v.id)
            for v in portfolio.versions
        }
    )
    Derivation.objects.bulk_create(
        Derivation(child_id=versions[d.child], parent_id=versions[d.parent], kind=d.kind)
        for d in portfolio.derivations
    )
    offerings, regions = _offerings(portfolio.offerings, providers, versions)
    Price.objects.bulk_create(_price(price, offerings) for price in portfolio.prices)
    applications = _applications(portfolio.applications)
    dependencies = _write_rows(
        {d.id: _dependency(d, applications, offerings, providers) for d in portfolio.dependencies}
    )
    _write_rows(
        {t.id: _exit_test(t, dependencies, offerings, versions) for t in portfolio.exit_tests}
    )
    _write_rows({p.id: _exit_plan(p, dependencies, offerings) for p in portfolio.exit_plans})
    policies = _write_rows({p.id: _policy(p) for p in portfolio.policies})
    refresh_footing(today=portfolio.as_of)
    return PortfolioIds(
        providers, foundations, versions, offerings, applications, dependencies, policies, regions
    )


def _write_rows[M: models.Model](rows: Mapping[str, M]) -> dict[str, int]:
    """{id: primary key} after writing them in the order of their ids."""
    sorted_rows = dict(sorted(rows.items()))
    if not sorted_rows:
        return {}
    saved_rows: Sequence[M] = next(
        iter(sorted_rows.values())
    ).__class__._default_manager.bulk_create(sorted_rows.values())
    return {name: row.pk for name, row in zip(sorted_rows, saved_rows, strict=True)}


def _providers(portfolio: PortfolioRecord) -> dict[str, int]:
    roles: dict[str, set[ProviderRole]] = {provider.id: set() for provider in portfolio.providers}
    for foundation in portfolio.foundations:
        roles[foundation.developer].add(ProviderRole.DEVELOPER)
    for offering in portfolio.offerings:
        roles[offering.host].add(ProviderRole.HOST)
        if offering.gateway is not None:
            roles[offering.gateway].add(ProviderRole.GATEWAY)
    for dependency in portfolio.dependencies:
        if dependency.via_party is not None:
            gateway = dependency.via == Dependency.Reached.GATEWAY
            roles[dependency.via_party].add(
                ProviderRole.GATEWAY if gateway else ProviderRole.RESELLER
            )
    rows = {
        provider.id: Provider(
            name=provider.id,
            slug=provider.id,
            roles=sorted(roles[provider.id] or {ProviderRole.RESELLER}),
        )
        for provider in portfolio.providers
    }
    ids = _write_rows(rows)
    child_rows = []
    for provider in portfolio.providers:
        if provider.parent is not None:
            rows[provider.id].parent_id = ids[provider.parent]
            child_rows.append(rows[provider.id])
    Provider.objects.bulk_update(child_rows, ["parent"])
    return ids


def _offerings(
    records: Iterable[OfferingRecord], providers: Mapping[str, int], versions: Mapping[str, int]
) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    rows = {
        record.id: Offering(
            host_id=providers[record.host],
            api_id=record.id,
            version_id=None if record.version is None else versions[record.version],
            gateway_id=None if record.gateway is None else providers[record.gateway],
            lifecycle=record.lifecycle,
            retires_on=record.retires_on,
            # a firm end without a day is no end; a soft one is remembered, for what retired without
            # a day
            date_kind=""
            if record.retires_on is None and record.date_kind == DateKind.FIRM
            else record.date_kind,
            end_behaviour=record.end_behaviour,
            replacement_text=record.replacement or "",
        )
        for record in records
    }
    ids = _write_rows(rows)
    replaced = []
    for record in records:
        if record.replacement in ids:
            rows[record.id].replacement_id = ids[record.replacement]
            replaced.append(rows[record.id])
    Offering.objects.bulk_update(replaced, ["replacement"])
    names = sorted({(record.host, region) for record in records for region in record.regions})
    regions = Region.objects.bulk_create(
        Region(host_id=providers[host], name=region) for host, region in names
    )
    region_ids = {name: region.pk for name, region in zip(names, regions, strict=True)}
    Offering.regions.through.objects.bulk_create(
        Offering.regions.through(
            offering_id=ids[record.id], region_id=region_ids[record.host, region]
        )
        for record in records
        for region in record.regions
    )
    return ids, region_ids


def _price(record: PriceRecord, offerings: Mapping[str, int]) -> Price:
    ends_at = None if record.until is None else start_of(record.until)
    return Price(
        offering_id=offerings[record.offering],
        unit=record.unit,
        amount=record.amount,
        currency=record.currency,
        valid=(start_of(record.since), ends_at),
    )


def _applications(records: Iterable[ApplicationRecord]) -> dict[str, int]:
    teams = _write_rows(
        {name: Team(name=name, slug=name) for name in {record.team for record in records}}
    )
    return _write_rows({record.id: application_row(record, teams) for record in records})


def application_row(record: ApplicationRecord, teams: Mapping[str, int]) -> Application:
    return Application(
        name=record.id,
        slug=record.id,
        team_id=teams[record.team],
        criticality=Criticality[record.criticality.upper()],
        status=record.status,
        users_affected=record.users,
        monthly_spend=record.monthly_spend,
    )


def _dependency(
    record: DependencyRecord,
    applications: Mapping[str, int],
    offerings: Mapping[str, int],
    providers: Mapping[str, int],
) -> Dependency:
    party = None if record.via_party is None else providers[record.via_party]
    return Dependency(
        application_id=applications[record.application],
        offering_id=offerings[record.offering],
        role=record.role,
        fallback_order=record.order,
        traffic_share=None if record.share is None else round_to_places(record.share, 15),
        # through a gateway or vendor that nobody has named: the same as directly
        reached=record.via if party is not None else Dependency.Reached.DIRECT,
        via_party_id=party,
        since=record.since or ALWAYS,
        until=record.until,
        monthly_input_tokens=record.input_tokens,
        monthly_output_tokens=record.output_tokens,
        monthly_spend=record.spend,
    )


def _exit_test(
    record: ExitTestRecord,
    dependencies: Mapping[str, int],
    offerings: Mapping[str, int],
    versions: Mapping[str, int],
) -> ExitTest:
    return ExitTest(
        dependency_id=dependencies[record.dependency],
        target_id=offerings[record.target],
        tested_on=record.tested_on,
        result=record.result,
        expires_on=record.expires_on,
        effort_days=record.effort_days,
        tested_version_id=None
        if record.tested_version is None
        else versions[record.tested_version],
    )


def _exit_plan(
    record: ExitPlanRecord, dependencies: Mapping[str, int], offerings: Mapping[str, int]
) -> ExitPlan:
    return ExitPlan(
        dependency_id=dependencies[record.dependency],
        target_id=None if record.target is None else offerings[record.target],
        estimated_days=record.estimated_days,
    )


def _policy(record: PolicyRecord) -> Policy:
    return Policy(
        slug=record.id,
        name=record.id,
        kinds=list(record.kinds),
        threat=record.threat or "",
        states=list(record.states),
        measure=record.measure,
        basis=record.basis,
        tolerance=record.tolerance,
    )
