"""What was built on the synthetic dependencies, and how one would leave them."""

from datetime import date

import numpy as np

from apps.common.time import start_of
from apps.exposure.seeding.catalogue import Planted
from apps.exposure.seeding.copying import copy_rows, fresh_ids
from apps.exposure.seeding.drawing import Bools, Ints, days, masked, pick, zipf
from apps.exposure.seeding.portfolio import FALLBACK, PRIMARY, Uses
from apps.inventory.models import Adaptation, ExitPlan, ExitTest


def plant_exits(uses: Uses, planted: Planted, rng: np.random.Generator, *, on: date) -> None:
    """Write exit tests (about one for two applications), exit plans and adaptations, in the caller's transaction."""
    primaries = np.nonzero(uses.roles == PRIMARY)[0]
    if len(primaries):
        _exit_tests(uses, planted, primaries, rng, on)
        _exit_plans(uses, planted, primaries, rng, on)
        _adaptations(uses, primaries, rng, on)


def _exit_tests(uses: Uses, planted: Planted, primaries: Ints, rng: np.random.Generator, on: date) -> None:
    """Half of the fallbacks were tried, as were some offerings that nobody has as a fallback."""
    first = dict(
        zip(uses.applications[primaries][::-1].tolist(), uses.dependencies[primaries][::-1].tolist(), strict=True)
    )
    fallbacks = np.nonzero(uses.roles == FALLBACK)[0]
    tried = fallbacks[rng.random(len(fallbacks)) < 0.55]
    pairs = [
        (first[application], target)
        for application, target in zip(uses.applications[tried].tolist(), uses.offerings[tried].tolist(), strict=True)
        if application in first
    ]
    elsewhere = primaries[rng.random(len(primaries)) < 0.08]
    targets = planted.popular[rng.choice(len(planted.popular), len(elsewhere), p=zipf(len(planted.popular), 1.0))]
    pairs += zip(uses.dependencies[elsewhere].tolist(), targets.tolist(), strict=True)
    n = len(pairs)
    tested = -rng.integers(0, 500, n)
    valid = rng.choice([180, 365], n)
    openended: Bools = rng.random(n) < 0.3
    # who answered is on record for two in three; in one of twenty it was another release than today's
    known: Bools = rng.random(n) < 0.66
    other: Bools = rng.random(n) < 0.05
    versions = planted.versions[rng.integers(0, len(planted.versions), n)].tolist()
    answered = [
        (version if strays else planted.version_of[target]) if noted else None
        for (_, target), version, strays, noted in zip(pairs, versions, other.tolist(), known.tolist(), strict=True)
    ]
    moment = start_of(on).isoformat()
    effort = rng.integers(1, 120, n)
    copy_rows(
        ExitTest._meta.db_table,
        n,
        {
            "id": fresh_ids(ExitTest, n),
            "dependency_id": [dependency for dependency, _ in pairs],
            "target_id": [target for _, target in pairs],
            "tested_version_id": answered,
            "tested_on": days(on, tested),
            "result": pick(rng, ("passed", "partial", "failed"), n, (0.85, 0.08, 0.07)),
            "effort_days": masked(effort, rng.random(n) < 0.15),
            "cost": masked(effort * 900, rng.random(n) < 0.5),
            "quality_delta": masked(np.round(rng.normal(-0.01, 0.03, n), 4), rng.random(n) < 0.3),
            "expires_on": masked(days(on, tested + valid), openended),
            **dict.fromkeys(("quality_metric", "evidence_ref", "note"), ""),
            "created_at": moment,
            "updated_at": moment,
        },
    )


def _exit_plans(uses: Uses, planted: Planted, primaries: Ints, rng: np.random.Generator, on: date) -> None:
    chosen = primaries[rng.random(len(primaries)) < 0.3]
    n = len(chosen)
    values = ("", "not", "highly_complex", "medium", "easily")
    substitutable = pick(rng, values, n, (0.2, 0.05, 0.15, 0.4, 0.2))
    moment = start_of(on).isoformat()
    targets = planted.popular[rng.choice(len(planted.popular), n, p=zipf(len(planted.popular), 1.0))]
    copy_rows(
        ExitPlan._meta.db_table,
        n,
        {
            "id": fresh_ids(ExitPlan, n),
            "dependency_id": uses.dependencies[chosen],
            "target_id": masked(targets, rng.random(n) < 0.4),
            "substitutability": substitutable,
            "reason": ["migration" if word in ("not", "highly_complex") else "" for word in substitutable],
            "reintegration": pick(rng, ("", "easy", "difficult"), n, (0.5, 0.25, 0.25)),
            "alternatives_identified": pick(rng, ("", "yes", "no"), n, (0.4, 0.4, 0.2)),
            **dict.fromkeys(("alternatives", "blockers", "note"), ""),
            "estimated_days": masked(rng.integers(2, 200, n), rng.random(n) < 0.3),
            "next_test_on": masked(days(on, rng.integers(-30, 300, n)), rng.random(n) < 0.6),
            "created_at": moment,
            "updated_at": moment,
        },
    )


def _adaptations(uses: Uses, primaries: Ints, rng: np.random.Generator, on: date) -> None:
    """Prompts for most primaries, dearer things for some; what they cost is known for half."""
    kinds = ("prompt", "few_shot", "fine_tune", "retrieval", "agentic_tools")
    chosen = np.concatenate([primaries[rng.random(len(primaries)) < part] for part in (0.6, 0.12, 0.06, 0.15, 0.07)])
    counted = rng.random(len(chosen))
    n = len(chosen)
    moment = start_of(on).isoformat()
    invested = np.round(rng.lognormal(2, 1, n), 1)
    copy_rows(
        Adaptation._meta.db_table,
        n,
        {
            "id": fresh_ids(Adaptation, n),
            "dependency_id": uses.dependencies[chosen],
            "kind": pick(rng, kinds, n, (0.6, 0.12, 0.06, 0.15, 0.07)),
            **dict.fromkeys(("name", "artefact_ref", "note"), ""),
            "moves": pick(rng, ("", "portable", "re_run", "rebuild"), n, (0.3, 0.3, 0.3, 0.1)),
            "invested_days": masked(invested, counted < 0.5),
            "invested_cost": masked(np.round(invested * 900, 2), counted < 0.6),
            "created_at": moment,
            "updated_at": moment,
        },
    )
