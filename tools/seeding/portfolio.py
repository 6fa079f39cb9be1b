"""The synthetic portfolio: teams, applications and what they call, drawn so that few foundations
carry most of it.

Applications are written in blocks, so that memory does not grow with the portfolio.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from apps.accounts.models import Team
from apps.common.time import start_of
from apps.inventory.models import Application, Dependency
from tools.seeding.catalog import MARK, SeededCatalog
from tools.seeding.distributions import (
    Bools,
    Ints,
    count_days,
    draw_values,
    mask_values,
    zipf_probabilities,
)
from tools.seeding.rows import allocate_ids, copy_rows
from tools.seeding.sizes import SeedSizes

ROOT_TEAM = MARK  # slug; its name says what was written
_FUNCTIONS = (
    "Claims triage",
    "Contract review",
    "Call summary",
    "Code assistant",
    "Fraud notes",
    "Invoice reading",
    "Knowledge search",
    "Letter drafting",
    "Mail routing",
    "Meeting minutes",
    "Policy questions",
    "Translation",
)
_ROLES = ("primary", "fallback", "judge", "guardrail", "embedding", "reranker", "tool")
PRIMARY, FALLBACK = 0, 1
# Skew of the offerings' use: one version then carries about half of a large portfolio, the tenth a
# twelfth.
_SKEW = 1.15
BLOCK_SIZE = 100_000  # applications whose columns are in memory at the same time


@dataclass(frozen=True, slots=True)
class SeededDependencies:
    """The synthetic dependencies of a block of applications, column by column, in the order of
    their applications."""

    dependencies: Ints
    applications: Ints
    offerings: Ints
    roles: Ints


@dataclass(frozen=True, slots=True)
class _StackTemplates:
    """Stacks that applications of an organisation share: offerings and their number, by role."""

    offerings: dict[int, Ints]
    counts: dict[int, Ints]


def write_portfolio(
    sizes: SeedSizes, catalog: SeededCatalog, rng: np.random.Generator, *, on: date, name: str
) -> Iterator[SeededDependencies]:
    """Write teams, then applications and dependencies block by block, in the transaction of the
    caller; `name` goes to the root team. Yield the dependencies of each block.
    """
    moment = start_of(on)
    teams = _teams(sizes, moment, name)
    templates = _draw_templates(sizes, catalog.popular, rng)
    for first in range(1, sizes.applications + 1, BLOCK_SIZE):
        numbers = range(first, min(first + BLOCK_SIZE, sizes.applications + 1))
        applications = _applications(numbers, teams, rng, moment, on)
        yield _dependencies(applications, catalog, templates, rng, moment, on)


def _teams(sizes: SeedSizes, moment: datetime, name: str) -> Ints:
    """A tree: one root, a department for twenty teams, then the teams, which alone own
    applications.
    """
    n_departments = max(1, sizes.teams // 20)
    n = 1 + n_departments + sizes.teams
    ids = allocate_ids(Team, n)
    numbers = range(1, sizes.teams + 1)
    copy_rows(
        Team._meta.db_table,
        n,
        {
            "id": ids,
            "name": [
                name,
                *(f"Synthetic department {number:03d}" for number in range(1, n_departments + 1)),
                *(f"Synthetic team {number:04d}" for number in numbers),
            ],
            "slug": [
                ROOT_TEAM,
                *(f"{MARK}-department-{number:03d}" for number in range(1, n_departments + 1)),
                *(f"{MARK}-team-{number:04d}" for number in numbers),
            ],
            "parent_id": [
                None,
                *[int(ids[0])] * n_departments,
                *(int(ids[1 + number % n_departments]) for number in numbers),
            ],
            "email": "",
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    return ids[1 + n_departments :]


def _applications(
    numbers: range, teams: Ints, rng: np.random.Generator, moment: datetime, on: date
) -> Ints:
    n = len(numbers)
    ids = allocate_ids(Application, n)
    functions = rng.integers(0, len(_FUNCTIONS), n)
    users = np.minimum(rng.lognormal(4, 2, n), 50_000_000).astype(np.int64)
    spend = np.round(rng.lognormal(5, 1.6, n), 2)
    copy_rows(
        Application._meta.db_table,
        n,
        {
            "id": ids,
            "name": [
                f"{_FUNCTIONS[function]} {number:06d}"
                for number, function in zip(numbers, functions.tolist(), strict=True)
            ],
            "slug": [f"{MARK}-application-{number:06d}" for number in numbers],
            "purpose": "Invented for measuring.",
            "team_id": teams[rng.choice(len(teams), n, p=zipf_probabilities(len(teams), 0.6))],
            **dict.fromkeys(
                ("business_owner", "technical_owner", "geography", "criticality_reason"), ""
            ),
            "criticality": rng.choice(4, n, p=[0.05, 0.15, 0.45, 0.35]),
            "status": draw_values(
                rng, ("proposed", "pilot", "production", "retired"), n, (0.05, 0.1, 0.8, 0.05)
            ),
            "ai_act_class": draw_values(
                rng, ("", "high", "limited", "minimal"), n, (0.3, 0.1, 0.3, 0.3)
            ),
            "ai_act_role": draw_values(rng, ("", "deployer", "provider"), n, (0.3, 0.6, 0.1)),
            "data_classification": draw_values(
                rng, ("", "public", "internal", "confidential"), n, (0.2, 0.1, 0.5, 0.2)
            ),
            "personal_data": draw_values(rng, (None, True, False), n, (0.2, 0.4, 0.4)),
            "business_function": [_FUNCTIONS[function] for function in functions.tolist()],
            "autonomy": draw_values(
                rng, ("", "assists", "supervised", "autonomous"), n, (0.3, 0.5, 0.15, 0.05)
            ),
            "impact_of_discontinuing": draw_values(
                rng, ("", "low", "medium", "high"), n, (0.4, 0.2, 0.2, 0.2)
            ),
            "users_affected": mask_values(users, rng.random(n) < 0.05),
            "rto_hours": draw_values(rng, (None, 4, 24, 72), n, (0.4, 0.1, 0.3, 0.2)),
            "monthly_spend": mask_values(spend, rng.random(n) < 0.1),
            "external_refs": "{}",
            "next_review_on": mask_values(
                count_days(on, rng.integers(-60, 365, n)), rng.random(n) < 0.5
            ),
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    return ids


def _dependencies(
    applications: Ints,
    catalog: SeededCatalog,
    templates: _StackTemplates,
    rng: np.random.Generator,
    moment: datetime,
    on: date,
) -> SeededDependencies:
    application_places, offering, role, order, share = _stacks(
        len(applications), catalog.popular, templates, rng
    )
    n = len(application_places)
    ids = allocate_ids(Dependency, n)
    reached = rng.choice(3, n, p=[0.82, 0.14, 0.04])
    gateway = catalog.gateways[
        rng.choice(len(catalog.gateways), n, p=zipf_probabilities(len(catalog.gateways), 1.0))
    ]
    vendor = catalog.vendors[rng.integers(0, len(catalog.vendors), n)]
    since = -rng.integers(1, 900, n)
    # most of what ended has ended already; a few ends are known ahead
    until = np.maximum(rng.integers(-400, 200, n), since + 1)
    is_ended: Bools = rng.random(n) < 0.06
    observed: Bools = rng.random(n) < 0.2
    n_in = rng.lognormal(15, 2, n).astype(np.int64)
    n_out = rng.lognormal(13, 2, n).astype(np.int64)
    unmeasured: Bools = rng.random(n) < 0.2
    uncached: Bools = unmeasured | (rng.random(n) < 0.7)
    copy_rows(
        Dependency._meta.db_table,
        n,
        {
            "id": ids,
            "application_id": applications[application_places],
            "offering_id": offering,
            "role": [_ROLES[place] for place in role.tolist()],
            "fallback_order": order,
            "traffic_share": share,
            "monthly_input_tokens": mask_values(n_in, unmeasured),
            "monthly_output_tokens": mask_values(n_out, unmeasured),
            "monthly_cache_read_tokens": mask_values(n_in // 3, uncached),
            "monthly_cache_write_tokens": mask_values(n_in // 20, uncached),
            "monthly_requests": mask_values(np.maximum(1, n_in // 2_000), unmeasured),
            "typical_request_tokens": mask_values(
                rng.integers(200, 20_000, n), unmeasured | (rng.random(n) < 0.5)
            ),
            "monthly_spend": mask_values(
                np.round(rng.lognormal(4, 1.5, n), 2), rng.random(n) < 0.4
            ),
            "reached": [("direct", "gateway", "embedded")[route] for route in reached.tolist()],
            "via_party_id": mask_values(np.where(reached == 1, gateway, vendor), reached == 0),
            "origin": [
                "observed" if is_observed else "declared" for is_observed in observed.tolist()
            ],
            "binding": "unknown",
            "since": count_days(on, since),
            "until": mask_values(count_days(on, until), ~is_ended),
            "last_observed_on": mask_values(count_days(on, -rng.integers(0, 60, n)), ~observed),
            "confirmed_on": mask_values(
                count_days(on, -rng.integers(0, 400, n)), rng.random(n) < 0.6
            ),
            "tags": "{}",
            "features": "{}",
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    return SeededDependencies(ids, applications[application_places], offering, role)


def _draw_templates(sizes: SeedSizes, popular: Ints, rng: np.random.Generator) -> _StackTemplates:
    n = sizes.templates
    return _StackTemplates(
        offerings={
            role: _draw_offerings(popular, n * 3, rng).reshape(n, 3) for role in (PRIMARY, FALLBACK)
        },
        counts={
            PRIMARY: rng.choice([1, 2], n, p=[0.85, 0.15]),
            FALLBACK: rng.choice([0, 1, 2], n, p=[0.4, 0.4, 0.2]),
        },
    )


def _draw_offerings(popular: Ints, n: int, rng: np.random.Generator) -> Ints:
    return popular[rng.choice(len(popular), n, p=zipf_probabilities(len(popular), _SKEW))]


def _stacks(
    n: int, popular: Ints, templates: _StackTemplates, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints, Ints, list[Any]]:
    """(place of the application, offering, role, fallback order, declared share) of `n`
    applications, by application.

    Three in five applications use a stack that their organisation has made a template of; the rest
    choose freely. One in fifty has no primary at all. Shares are as people declare them: missing,
    zero, not adding up.
    """
    n_templates = len(templates.counts[PRIMARY])
    template = rng.choice(n_templates, n, p=zipf_probabilities(n_templates, 1.0))
    templated: Bools = rng.random(n) < 0.6
    counts = {
        PRIMARY: np.where(
            templated,
            templates.counts[PRIMARY][template],
            rng.choice([0, 1, 2, 3], n, p=[0.05, 0.77, 0.14, 0.04]),
        ),
        FALLBACK: np.where(
            templated,
            templates.counts[FALLBACK][template],
            rng.choice([0, 1, 2, 3], n, p=[0.45, 0.35, 0.15, 0.05]),
        ),
    }
    columns: list[tuple[Ints, Ints, Ints, Ints]] = []
    for role, n_uses in counts.items():
        for step in range(3):
            application_places = np.nonzero(n_uses > step)[0]
            chosen_offerings = np.where(
                templated[application_places],
                templates.offerings[role][template[application_places], step],
                _draw_offerings(popular, len(application_places), rng),
            )
            order = np.full(len(application_places), step + 1 if role == FALLBACK else 0)
            columns.append(
                (
                    application_places,
                    chosen_offerings,
                    np.full(len(application_places), role),
                    order,
                )
            )
    n_others = rng.choice(7, n, p=[0.05, 0.15, 0.2, 0.2, 0.2, 0.1, 0.1])
    for step in range(6):
        application_places = np.nonzero(n_others > step)[0]
        columns.append(
            (
                application_places,
                _draw_offerings(popular, len(application_places), rng),
                rng.integers(2, len(_ROLES), len(application_places)),
                np.zeros(len(application_places), np.int64),
            )
        )
    application_places, offering, role_of, order = (
        np.concatenate(column) for column in zip(*columns, strict=True)
    )
    by_application = np.argsort(application_places, kind="stable")
    application_places, offering, role_of, order = (
        column[by_application] for column in (application_places, offering, role_of, order)
    )
    alone = counts[PRIMARY][application_places] == 1
    declared = np.where(
        alone,
        1.0,
        np.where(
            templated[application_places], 0.5, np.round(rng.random(len(application_places)), 2)
        ),
    )
    declared = np.where(~alone & (rng.random(len(application_places)) < 0.05), 0.0, declared)
    silent: Bools = (role_of != PRIMARY) | (
        rng.random(len(application_places)) < np.where(alone, 0.6, 0.15)
    )
    return application_places, offering, role_of, order, mask_values(declared, silent)
