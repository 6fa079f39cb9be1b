"""How well the questions of docs/bench.md are answered, measured on the data present."""

import resource
from collections.abc import Iterator
from datetime import date

from apps.accounts.models import User
from apps.accounts.roles import OrganisationRole
from apps.exposure.benching.changes import changing
from apps.exposure.benching.measuring import Line, Timing, nothing_stays
from apps.exposure.benching.questions import reading
from apps.exposure.benching.serving import PageFailed, serving

PARTS = ("reading", "changing", "serving")


def bench(*, on: date, parts: tuple[str, ...] = PARTS) -> Iterator[Line]:
    """Ask everything, one line after the other; nothing that is written stays.

    Needs exposure to have been worked out once. Slow questions are asked once, quick ones a few times.
    """
    with nothing_stays():
        user = User.objects.create_user("bench", organisation_role=OrganisationRole.AUDITOR)
        if "reading" in parts:
            yield from reading(user=user, on=on)
        if "serving" in parts:
            yield from serving(user=user)
    if "changing" in parts:
        yield from changing(on=on)


def peak_memory_mb() -> float:
    """The most this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


__all__ = ["PARTS", "Line", "PageFailed", "Timing", "bench", "peak_memory_mb"]
