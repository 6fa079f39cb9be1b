"""The synthetic portfolio: teams, applications and what they call, drawn so that few foundations carry most of it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from apps.accounts.models import Team
from apps.common.time import start_of
from apps.exposure.seeding.catalogue import MARK, Planted
from apps.exposure.seeding.copying import copy_rows, fresh_ids
from apps.exposure.seeding.drawing import Bools, Ints, days, masked, pick, zipf
from apps.exposure.seeding.sizes import Sizes
from apps.inventory.models import Application, Dependency

ROOT_TEAM = MARK  # slug; its name says what was planted
_FUNCTIONS = (
    "Claims triage", "Contract review", "Call summary", "Code assistant", "Fraud notes", "Invoice reading",
    "Knowledge search", "Letter drafting", "Mail routing", "Meeting minutes", "Policy questions", "Translation",
)  # fmt: skip
_ROLES = ("primary", "fallback", "judge", "guardrail", "embedding", "reranker", "tool")
PRIMARY, FALLBACK = 0, 1
# Skew of the offerings' use: one version then carries about half of a large portfolio, the tenth a twelfth.
_SKEW = 1.15


@dataclass(frozen=True, slots=True)
class Uses:
    """The planted dependencies, column by column, in the order of their applications."""

    dependencies: Ints
    applications: Ints
    offerings: Ints
    roles: Ints


def plant_portfolio(sizes: Sizes, planted: Planted, rng: np.random.Generator, *, on: date, name: str) -> Uses:
    """Write teams, applications and dependencies, in the transaction of the caller; `name` goes to the root team."""
    moment = start_of(on)
    teams = _teams(sizes, moment, name)
    applications = _applications(sizes, teams, rng, moment, on)
    return _dependencies(sizes, applications, planted, rng, moment, on)


def _teams(sizes: Sizes, moment: datetime, name: str) -> Ints:
    """A tree: one root, a department for twenty teams, then the teams, which alone own applications."""
    n_departments = max(1, sizes.teams // 20)
    n = 1 + n_departments + sizes.teams
    ids = fresh_ids(Team, n)
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


def _applications(sizes: Sizes, teams: Ints, rng: np.random.Generator, moment: datetime, on: date) -> Ints:
    n = sizes.applications
    ids = fresh_ids(Application, n)
    words = rng.integers(0, len(_FUNCTIONS), n)
    users = np.minimum(rng.lognormal(4, 2, n), 50_000_000).astype(np.int64)
    spend = np.round(rng.lognormal(5, 1.6, n), 2)
    copy_rows(
        Application._meta.db_table,
        n,
        {
            "id": ids,
            "name": [f"{_FUNCTIONS[word]} {number:06d}" for number, word in enumerate(words.tolist(), 1)],
            "slug": [f"{MARK}-application-{number:06d}" for number in range(1, n + 1)],
            "purpose": "Invented for measuring.",
            "team_id": teams[rng.choice(len(teams), n, p=zipf(len(teams), 0.6))],
            **dict.fromkeys(("business_owner", "technical_owner", "geography", "criticality_reason"), ""),
            "criticality": rng.choice(4, n, p=[0.05, 0.15, 0.45, 0.35]),
            "status": pick(rng, ("proposed", "pilot", "production", "retired"), n, (0.05, 0.1, 0.8, 0.05)),
            "ai_act_class": pick(rng, ("", "high", "limited", "minimal"), n, (0.3, 0.1, 0.3, 0.3)),
            "ai_act_role": pick(rng, ("", "deployer", "provider"), n, (0.3, 0.6, 0.1)),
            "data_classification": pick(rng, ("", "public", "internal", "confidential"), n, (0.2, 0.1, 0.5, 0.2)),
            "personal_data": pick(rng, (None, True, False), n, (0.2, 0.4, 0.4)),
            "business_function": [_FUNCTIONS[word] for word in words.tolist()],
            "autonomy": pick(rng, ("", "assists", "supervised", "autonomous"), n, (0.3, 0.5, 0.15, 0.05)),
            "impact_of_discontinuing": pick(rng, ("", "low", "medium", "high"), n, (0.4, 0.2, 0.2, 0.2)),
            "users_affected": masked(users, rng.random(n) < 0.05),
            "rto_hours": pick(rng, (None, 4, 24, 72), n, (0.4, 0.1, 0.3, 0.2)),
            "monthly_spend": masked(spend, rng.random(n) < 0.1),
            "external_refs": "{}",
            "next_review_on": masked(days(on, rng.integers(-60, 365, n)), rng.random(n) < 0.5),
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    return ids


def _dependencies(
    sizes: Sizes, applications: Ints, planted: Planted, rng: np.random.Generator, moment: datetime, on: date
) -> Uses:
    who, offering, role, order, share = _stacks(sizes, planted.popular, rng)
    n = len(who)
    ids = fresh_ids(Dependency, n)
    reached = rng.choice(3, n, p=[0.82, 0.14, 0.04])
    gateway = planted.gateways[rng.choice(len(planted.gateways), n, p=zipf(len(planted.gateways), 1.0))]
    vendor = planted.vendors[rng.integers(0, len(planted.vendors), n)]
    since = -rng.integers(1, 900, n)
    # most of what ended has ended already; a few ends are known ahead
    until = np.maximum(rng.integers(-400, 200, n), since + 1)
    ended: Bools = rng.random(n) < 0.06
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
            "application_id": applications[who],
            "offering_id": offering,
            "role": [_ROLES[place] for place in role.tolist()],
            "fallback_order": order,
            "traffic_share": share,
            "monthly_input_tokens": masked(n_in, unmeasured),
            "monthly_output_tokens": masked(n_out, unmeasured),
            "monthly_cache_read_tokens": masked(n_in // 3, uncached),
            "monthly_cache_write_tokens": masked(n_in // 20, uncached),
            "monthly_requests": masked(np.maximum(1, n_in // 2_000), unmeasured),
            "typical_request_tokens": masked(rng.integers(200, 20_000, n), unmeasured | (rng.random(n) < 0.5)),
            "monthly_spend": masked(np.round(rng.lognormal(4, 1.5, n), 2), rng.random(n) < 0.4),
            "reached": [("direct", "gateway", "embedded")[how] for how in reached.tolist()],
            "via_party_id": masked(np.where(reached == 1, gateway, vendor), reached == 0),
            "known": ["observed" if seen else "declared" for seen in observed.tolist()],
            "binding": "unknown",
            "since": days(on, since),
            "until": masked(days(on, until), ~ended),
            "last_observed_on": masked(days(on, -rng.integers(0, 60, n)), ~observed),
            "confirmed_on": masked(days(on, -rng.integers(0, 400, n)), rng.random(n) < 0.6),
            "tags": "{}",
            "created_at": moment.isoformat(),
            "updated_at": moment.isoformat(),
        },
    )
    return Uses(ids, applications[who], offering, role)


def _stacks(sizes: Sizes, popular: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints, list[Any]]:
    """(place of the application, offering, role, fallback order, declared share), by application.

    Three in five applications use a stack that their organisation has made a template of; the rest choose freely.
    One in fifty has no primary at all. Shares are as people declare them: missing, zero, not adding up.
    """
    n = sizes.applications
    chance = zipf(len(popular), _SKEW)

    def draw(count: int) -> Ints:
        return popular[rng.choice(len(popular), count, p=chance)]

    template = rng.choice(sizes.templates, n, p=zipf(sizes.templates, 1.0))
    templated: Bools = rng.random(n) < 0.6
    of_template = {role: draw(sizes.templates * 3).reshape(sizes.templates, 3) for role in (PRIMARY, FALLBACK)}
    counts = {
        PRIMARY: np.where(
            templated,
            rng.choice([1, 2], sizes.templates, p=[0.85, 0.15])[template],
            rng.choice([0, 1, 2, 3], n, p=[0.05, 0.77, 0.14, 0.04]),
        ),
        FALLBACK: np.where(
            templated,
            rng.choice([0, 1, 2], sizes.templates, p=[0.4, 0.4, 0.2])[template],
            rng.choice([0, 1, 2, 3], n, p=[0.45, 0.35, 0.15, 0.05]),
        ),
    }
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []
    for role, many in counts.items():
        for step in range(3):
            who = np.nonzero(many > step)[0]
            chosen = np.where(templated[who], of_template[role][template[who], step], draw(len(who)))
            order = np.full(len(who), step + 1 if role == FALLBACK else 0)
            parts.append((who, chosen, np.full(len(who), role), order))
    n_others = rng.choice(7, n, p=[0.05, 0.15, 0.2, 0.2, 0.2, 0.1, 0.1])
    for step in range(6):
        who = np.nonzero(n_others > step)[0]
        parts.append((who, draw(len(who)), rng.integers(2, len(_ROLES), len(who)), np.zeros(len(who), np.int64)))
    who, offering, role_of, order = (np.concatenate(column) for column in zip(*parts, strict=True))
    by_application = np.argsort(who, kind="stable")
    who, offering, role_of, order = (column[by_application] for column in (who, offering, role_of, order))
    alone = counts[PRIMARY][who] == 1
    declared = np.where(alone, 1.0, np.where(templated[who], 0.5, np.round(rng.random(len(who)), 2)))
    declared = np.where(~alone & (rng.random(len(who)) < 0.05), 0.0, declared)
    silent: Bools = (role_of != PRIMARY) | (rng.random(len(who)) < np.where(alone, 0.6, 0.15))
    return who, offering, role_of, order, masked(declared, silent)
