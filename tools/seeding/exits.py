"""What was built on the synthetic dependencies, and how one would leave them."""

from datetime import date

import numpy as np

from apps.common.time import start_of
from apps.inventory.models import Adaptation, ExitPlan, ExitTest
from tools.seeding.catalog import SeededCatalog
from tools.seeding.distributions import (
    Bools,
    Ints,
    count_days,
    draw_values,
    mask_values,
    zipf_probabilities,
)
from tools.seeding.portfolio import FALLBACK, PRIMARY, SeededDependencies
from tools.seeding.rows import allocate_ids, copy_rows


def write_exits(
    uses: SeededDependencies, catalog: SeededCatalog, rng: np.random.Generator, *, on: date
) -> None:
    """Write exit tests (about one for two applications), exit plans and adaptations, in the
    caller's transaction.
    """
    primaries = np.nonzero(uses.roles == PRIMARY)[0]
    if len(primaries):
        _exit_tests(uses, catalog, primaries, rng, on)
        _exit_plans(uses, catalog, primaries, rng, on)
        _adaptations(uses, primaries, rng, on)


def _exit_tests(
    uses: SeededDependencies,
    catalog: SeededCatalog,
    primaries: Ints,
    rng: np.random.Generator,
    on: date,
) -> None:
    """Half of the fallbacks were tried, as were some offerings that nobody has as a fallback."""
    first_primary = dict(
        zip(
            uses.applications[primaries][::-1].tolist(),
            uses.dependencies[primaries][::-1].tolist(),
            strict=True,
        )
    )
    fallbacks = np.nonzero(uses.roles == FALLBACK)[0]
    tried = fallbacks[rng.random(len(fallbacks)) < 0.55]
    tested_pairs = [
        (first_primary[application], target)
        for application, target in zip(
            uses.applications[tried].tolist(), uses.offerings[tried].tolist(), strict=True
        )
        if application in first_primary
    ]
    elsewhere = primaries[rng.random(len(primaries)) < 0.08]
    targets = catalog.popular[
        rng.choice(
            len(catalog.popular), len(elsewhere), p=zipf_probabilities(len(catalog.popular), 1.0)
        )
    ]
    tested_pairs += zip(uses.dependencies[elsewhere].tolist(), targets.tolist(), strict=True)
    n = len(tested_pairs)
    tested = -rng.integers(0, 500, n)
    valid = rng.choice([180, 365], n)
    openended: Bools = rng.random(n) < 0.3
    # who answered is on record for two in three; in one of twenty it was another release than
    # today's
    is_recorded: Bools = rng.random(n) < 0.66
    is_other_version: Bools = rng.random(n) < 0.05
    versions = catalog.versions[rng.integers(0, len(catalog.versions), n)].tolist()
    answered = [
        (version if strays else catalog.version_of[target]) if noted else None
        for (_, target), version, strays, noted in zip(
            tested_pairs, versions, is_other_version.tolist(), is_recorded.tolist(), strict=True
        )
    ]
    moment = start_of(on).isoformat()
    effort = rng.integers(1, 120, n)
    copy_rows(
        ExitTest._meta.db_table,
        n,
        {
            "id": allocate_ids(ExitTest, n),
            "dependency_id": [dependency for dependency, _ in tested_pairs],
            "target_id": [target for _, target in tested_pairs],
            "tested_version_id": answered,
            "tested_on": count_days(on, tested),
            "result": draw_values(rng, ("passed", "partial", "failed"), n, (0.85, 0.08, 0.07)),
            "effort_days": mask_values(effort, rng.random(n) < 0.15),
            "cost": mask_values(effort * 900, rng.random(n) < 0.5),
            "quality_delta": mask_values(
                np.round(rng.normal(-0.01, 0.03, n), 4), rng.random(n) < 0.3
            ),
            "expires_on": mask_values(count_days(on, tested + valid), openended),
            **dict.fromkeys(("quality_metric", "evidence_ref", "note"), ""),
            "created_at": moment,
            "updated_at": moment,
        },
    )


def _exit_plans(
    uses: SeededDependencies,
    catalog: SeededCatalog,
    primaries: Ints,
    rng: np.random.Generator,
    on: date,
) -> None:
    planned = primaries[rng.random(len(primaries)) < 0.3]
    n = len(planned)
    values = ("", "not", "highly_complex", "medium", "easily")
    substitutable = draw_values(rng, values, n, (0.2, 0.05, 0.15, 0.4, 0.2))
    moment = start_of(on).isoformat()
    targets = catalog.popular[
        rng.choice(len(catalog.popular), n, p=zipf_probabilities(len(catalog.popular), 1.0))
    ]
    copy_rows(
        ExitPlan._meta.db_table,
        n,
        {
            "id": allocate_ids(ExitPlan, n),
            "dependency_id": uses.dependencies[planned],
            "target_id": mask_values(targets, rng.random(n) < 0.4),
            "substitutability": substitutable,
            "reason": [
                "migration" if substitutability in ("not", "highly_complex") else ""
                for substitutability in substitutable
            ],
            "reintegration": draw_values(rng, ("", "easy", "difficult"), n, (0.5, 0.25, 0.25)),
            "alternatives_identified": draw_values(rng, ("", "yes", "no"), n, (0.4, 0.4, 0.2)),
            **dict.fromkeys(("alternatives", "blockers", "note"), ""),
            "estimated_days": mask_values(rng.integers(2, 200, n), rng.random(n) < 0.3),
            "next_test_on": mask_values(
                count_days(on, rng.integers(-30, 300, n)), rng.random(n) < 0.6
            ),
            "created_at": moment,
            "updated_at": moment,
        },
    )


def _adaptations(
    uses: SeededDependencies, primaries: Ints, rng: np.random.Generator, on: date
) -> None:
    """Prompts for most primaries, dearer things for some; what they cost is known for half."""
    kinds = ("prompt", "few_shot", "fine_tune", "retrieval", "agentic_tools")
    adapted = np.concatenate(
        [primaries[rng.random(len(primaries)) < share] for share in (0.6, 0.12, 0.06, 0.15, 0.07)]
    )
    cost_draw = rng.random(len(adapted))
    n = len(adapted)
    moment = start_of(on).isoformat()
    invested = np.round(rng.lognormal(2, 1, n), 1)
    copy_rows(
        Adaptation._meta.db_table,
        n,
        {
            "id": allocate_ids(Adaptation, n),
            "dependency_id": uses.dependencies[adapted],
            "kind": draw_values(rng, kinds, n, (0.6, 0.12, 0.06, 0.15, 0.07)),
            **dict.fromkeys(("name", "artefact_ref", "note"), ""),
            "moves": draw_values(
                rng, ("", "portable", "re_run", "rebuild"), n, (0.3, 0.3, 0.3, 0.1)
            ),
            "invested_days": mask_values(invested, cost_draw < 0.5),
            "invested_cost": mask_values(np.round(invested * 900, 2), cost_draw < 0.6),
            "created_at": moment,
            "updated_at": moment,
        },
    )
