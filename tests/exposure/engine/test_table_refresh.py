"""A refresh leaves what a full build would leave, whatever was done and by which road."""

import os

import pytest

from apps.exposure.engine.table_refresh import rebuild, refresh
from apps.exposure.models import EngineState, ScopedApplication
from tests.exposure.engine.random_changes import RandomChanges
from tests.exposure.engine.tables import contents, differences, rebuilt

pytestmark = pytest.mark.django_db
# more by hand: WANDERINGS=100:300 STEPS=40
FIRST, END = map(int, os.environ.get("WANDERINGS", "0:4").split(":"))
N_STEPS = int(os.environ.get("STEPS", "15"))


def wander(seed: int, *, n_steps: int, **world: int) -> None:
    wandering = RandomChanges(seed, **world)
    rebuild(on=wandering.day)
    for step in range(n_steps):
        done = [wandering.edit() for _ in range(wandering.random.choice([1, 1, 1, 2, 4]))]
        refresh(on=wandering.day)
        # counted from the applications that were due, not from the portfolio
        counted = EngineState.objects.get().n_applications
        assert counted == ScopedApplication.objects.count(), "; ".join(done)
        wrong = differences(contents(), rebuilt(wandering.day))
        assert wrong == [], f"seed {seed}, step {step}: {'; '.join(done)}"


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(FIRST, END))
def test_after_random_edits_a_refresh_equals_a_full_build(seed: int) -> None:
    wander(seed, n_steps=N_STEPS)
