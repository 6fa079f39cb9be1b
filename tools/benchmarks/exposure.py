"""How well the questions of docs/bench.md are answered, measured on the data present."""

import resource
from collections.abc import Iterator
from datetime import date

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from tools.benchmarks.handler import measure_handler
from tools.benchmarks.measurement import BenchmarkLine, rolled_back
from tools.benchmarks.queries import measure_queries
from tools.benchmarks.refreshes import measure_refreshes

PARTS = ("reading", "changing", "serving")


def measure_exposure(*, on: date, parts: tuple[str, ...] = PARTS) -> Iterator[BenchmarkLine]:
    """Ask everything, one line after the other; nothing that is written stays.

    Needs exposure to have been worked out once. Slow questions are asked once, quick ones a few times.
    """
    with rolled_back():
        user = User.objects.create_user("bench", organisation_role=OrganisationRole.AUDITOR)
        if "reading" in parts:
            yield from measure_queries(user=user, on=on)
        if "serving" in parts:
            yield from measure_handler(user=user)
    if "changing" in parts:
        yield from measure_refreshes(on=on)


def peak_memory_mb() -> float:
    """The most this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
