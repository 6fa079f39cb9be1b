"""Seeding in its order: catalogue, portfolio, exits, risks, then exposure and the counts of
risks."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from apps.accounts.models import Team
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.exposure.engine.table_refresh import rebuild
from apps.inventory.models import Application, Dependency
from apps.risks.actions.counts import count_inherited_risk
from tools.seeding.catalog import MARK, write_catalog
from tools.seeding.exits import write_exits
from tools.seeding.portfolio import ROOT_TEAM, write_portfolio
from tools.seeding.removal import StillInUseError, remove_portfolio
from tools.seeding.requirements import write_requirements
from tools.seeding.risks import write_risks
from tools.seeding.sizes import scale_sizes

MAX_APPLICATIONS = 5_000_000
_TABLES = (
    "accounts_team",
    "catalog_price",
    "catalog_node",
    "catalog_footing",
    "inventory_application",
    "inventory_dependency",
    "inventory_exittest",
    "inventory_exitplan",
    "inventory_adaptation",
    "inventory_requirement",
    "risks_foundationrisk",
)


class SeedError(Exception):
    """No synthetic portfolio is written; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class SeedResult:
    applications: int
    dependencies: int
    is_new: bool


@transaction.atomic
def seed_portfolio(*, n_applications: int, seed: int, on: date) -> SeedResult:
    """Make the synthetic portfolio that of `n_applications` and `seed`; one that is here for others
    is replaced.

    The same numbers on the same day give the same portfolio, ids aside. Where it is here already
    nothing is done. Real catalogue and applications are not touched. Raises SeedRefused in
    production, outside 1 to 5,000,000, and where people have recorded things on the portfolio that
    would be replaced.
    """
    if settings.REGISTRY_ENV == "production":
        raise SeedError(
            "A synthetic portfolio is not for production. Set REGISTRY_ENV to demo to try one."
        )
    if not 1 <= n_applications <= MAX_APPLICATIONS:
        raise SeedError(f"Ask for 1 to {MAX_APPLICATIONS:,} applications, not {n_applications:,}.")
    if seed < 0:
        raise SeedError("A seed is a whole number from 0 on.")
    catalogue_lock()
    name = f"Synthetic portfolio: {n_applications} applications, seed {seed}"
    root = Team.objects.filter(slug=ROOT_TEAM).values_list("name", flat=True).first()
    if root == name:
        return SeedResult(*_counts(), is_new=False)
    sizes = scale_sizes(n_applications)
    rng = np.random.default_rng(seed)
    _set_trigger_setting()
    with audit_context(job="seed_portfolio", reason=name):
        if root is not None:
            try:
                remove_portfolio()
            except StillInUseError as error:
                raise SeedError(str(error)) from error
        catalog = write_catalog(sizes, rng, on=on)
        write_risks(sizes, catalog, rng, on=on)
        _check_constraints_immediately()
        n_dependencies = 0
        for uses in write_portfolio(sizes, catalog, rng, on=on, name=name):
            write_exits(uses, catalog, rng, on=on)
            write_requirements(uses, rng, on=on)
            n_dependencies += len(uses.dependencies)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        # the planner knows nothing of a million rows written a moment ago
        cursor.execute(f"ANALYZE {', '.join(_TABLES)}")
    rebuild(on=on)
    count_inherited_risk(now())
    return SeedResult(n_applications, n_dependencies, is_new=True)


def _set_trigger_setting() -> None:
    """Spare every trigger a failing look-up.

    Triggers ask the setting `pgtrigger.ignore` whether to be silent; while it is unset that raises
    inside them, and each such abort walks all checks that are still deferred: with a million of
    them, twenty thousand times.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL pgtrigger.ignore = '{}'")


def _check_constraints_immediately() -> None:
    """Check what was written so far, and from now on at the end of each statement: PostgreSQL keeps
    deferred checks in memory, and a million applications need tens of millions of them."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _counts() -> tuple[int, int]:
    synthetic = Application.objects.filter(slug__startswith=f"{MARK}-")
    return synthetic.count(), Dependency.objects.filter(application__in=synthetic).count()
