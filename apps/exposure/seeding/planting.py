"""The order in which a synthetic portfolio is made, from the catalogue to exposure and the counts of risks."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from apps.accounts.models import Team
from apps.catalog.settlement import catalogue_lock
from apps.common.history import acting
from apps.common.time import now
from apps.exposure.engine.building import rebuild
from apps.exposure.seeding.catalogue import MARK, plant_catalogue
from apps.exposure.seeding.exits import plant_exits
from apps.exposure.seeding.portfolio import ROOT_TEAM, plant_portfolio
from apps.exposure.seeding.removing import StillInUse, remove_portfolio
from apps.exposure.seeding.risks import plant_risks
from apps.exposure.seeding.sizes import sizes_for
from apps.inventory.models import Application, Dependency
from apps.risks.actions import count_inherited_risk

LARGEST = 5_000_000
_TABLES = (
    "accounts_team", "catalog_price", "catalog_node", "catalog_footing", "inventory_application",
    "inventory_dependency", "inventory_exittest", "inventory_exitplan", "inventory_adaptation", "risks_foundationrisk",
)  # fmt: skip


class SeedRefused(Exception):
    """No synthetic portfolio is planted; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Seeded:
    applications: int
    dependencies: int
    is_new: bool


@transaction.atomic
def seed_portfolio(*, n_applications: int, seed: int, on: date) -> Seeded:
    """Make the synthetic portfolio that of `n_applications` and `seed`; one that is here for others is replaced.

    The same numbers on the same day give the same portfolio, ids aside. Where it is here already nothing is done.
    Real catalogue and applications are not touched. Raises SeedRefused in production, outside 1 to 5,000,000, and
    where people have recorded things on the portfolio that would be replaced.
    """
    if settings.REGISTRY_ENV == "production":
        raise SeedRefused("A synthetic portfolio is not for production. Set REGISTRY_ENV to demo to try one.")
    if not 1 <= n_applications <= LARGEST:
        raise SeedRefused(f"Ask for 1 to {LARGEST:,} applications, not {n_applications:,}.")
    if seed < 0:
        raise SeedRefused("A seed is a whole number from 0 on.")
    catalogue_lock()
    name = f"Synthetic portfolio: {n_applications} applications, seed {seed}"
    root = Team.objects.filter(slug=ROOT_TEAM).values_list("name", flat=True).first()
    if root == name:
        return Seeded(*_counts(), is_new=False)
    sizes = sizes_for(n_applications)
    rng = np.random.default_rng(seed)
    _plain_triggers()
    with acting(job="seed_portfolio", reason=name):
        if root is not None:
            try:
                remove_portfolio()
            except StillInUse as refused:
                raise SeedRefused(str(refused)) from refused
        planted = plant_catalogue(sizes, rng, on=on)
        uses = plant_portfolio(sizes, planted, rng, on=on, name=name)
        plant_exits(uses, planted, rng, on=on)
        plant_risks(sizes, planted, rng, on=on)
    with connection.cursor() as cursor:
        # the planner knows nothing of a million rows written a moment ago
        cursor.execute(f"ANALYZE {', '.join(_TABLES)}")
    rebuild(on=on)
    count_inherited_risk(now())
    return Seeded(n_applications, len(uses.dependencies), is_new=True)


def _plain_triggers() -> None:
    """Spare every trigger a failing look-up.

    Triggers ask the setting `pgtrigger.ignore` whether to be silent; while it is unset that raises inside them, and
    each such abort walks all checks that are still deferred: with a million of them, twenty thousand times.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL pgtrigger.ignore = '{}'")


def _counts() -> tuple[int, int]:
    mine = Application.objects.filter(slug__startswith=f"{MARK}-")
    return mine.count(), Dependency.objects.filter(application__in=mine).count()
