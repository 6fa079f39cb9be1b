"""What the synthetic dependencies use of their models, declared and observed."""

from datetime import date

import numpy as np

from apps.common.time import start_of
from apps.inventory.models import Requirement
from tools.seeding.distributions import count_days, mask_values
from tools.seeding.portfolio import SeededDependencies
from tools.seeding.rows import allocate_ids, copy_rows

_KNOWN = 0.4
# share of the dependencies of whose use anything is known: declared, observed
_FLAGS = {
    "tool_calling": (0.25, 0.35),
    "structured_output": (0.2, 0.3),
    "vision": (0.1, 0.12),
    "pdf": (0.08, 0.03),
    "reasoning": (0.05, 0.2),
    "caching": (0.02, 0.4),
}
_SIZES = {"context_window": (0.15, 0.6), "max_output": (0.15, 0.6)}
_NOT_USED = 0.3


def write_requirements(uses: SeededDependencies, rng: np.random.Generator, *, on: date) -> None:
    """Write requirements of about 40% of the dependencies, in the caller's transaction; a third of
    the declared flags say that something is not used."""
    known = uses.dependencies[rng.random(len(uses.dependencies)) < _KNOWN]
    moment = start_of(on).isoformat()
    for field, shares in {**_FLAGS, **_SIZES}.items():
        for origin, share in zip(("declared", "observed"), shares, strict=True):
            dependencies = known[rng.random(len(known)) < share]
            n = len(dependencies)
            is_declared = origin == "declared"
            nothing = np.full(n, is_declared)
            first = -rng.integers(10, 300, n)
            copy_rows(
                Requirement._meta.db_table,
                n,
                {
                    "id": allocate_ids(Requirement, n),
                    "dependency_id": dependencies,
                    "field": field,
                    "value": _values(field, n, rng, is_declared=is_declared),
                    "origin": origin,
                    "first_seen_on": mask_values(count_days(on, first), nothing),
                    "last_seen_on": mask_values(count_days(on, -rng.integers(0, 10, n)), nothing),
                    "n_requests": mask_values(rng.integers(1, 1_000_000, n), nothing),
                    "note": "",
                    "created_at": moment,
                    "updated_at": moment,
                },
            )


def _values(
    field: str, n: int, rng: np.random.Generator, *, is_declared: bool
) -> list[str] | list[int]:
    """Values in JSON: true or false, or a number of tokens, most of them small."""
    if field in _SIZES:
        typical = 20_000 if field == "context_window" else 1_500
        sizes: list[int] = (
            np.clip(rng.lognormal(np.log(typical), 1, n), 16, 900_000).astype(int).tolist()
        )
        return sizes
    not_used = rng.random(n) < (_NOT_USED if is_declared else 0)
    return ["false" if is_not_used else "true" for is_not_used in not_used.tolist()]
