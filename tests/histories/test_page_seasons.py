"""Made-up histories of lifecycle pages through the pipeline: each real event once and on its day,
whatever the page does to its form."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.models import ProviderEvent, Source
from apps.feeds.models import SourceMapping
from apps.feeds.polls.replay import read_manifest, replay_history
from tests.builders import make_source
from tests.histories import faults as wrong
from tests.histories import page_seasons as seasons
from tests.histories.faults import Fault
from tests.histories.history import History, write_manifest
from tests.histories.invented_models import InventedModels
from tests.histories.page_seasons import observe_page, page_season
from tests.histories.pages import FORMS, HOST, PageForm
from tests.histories.score import Score, score
from tests.histories.truth import truth_of

pytestmark = pytest.mark.django_db

# SEEDS=1,2,3 in the environment measures other seasons
SEEDS = [int(seed) for seed in os.environ.get("SEEDS", "11").split(",")]


def make_page(form: PageForm) -> Source:
    source = make_source(f"page-{form.name}", kind="page", url="https://acme.example/page")
    SourceMapping.objects.create(source=source, settings={"host": HOST, **form.settings})
    return source


def raised(history: History, form: PageForm, folder: Path) -> list[dict[str, Any]]:
    """The events of this history, as `manage.py replay` prints them."""
    observed = read_manifest(write_manifest(history, folder))
    keys = [
        event.pk for polled in replay_history(make_page(form), observed) for event in polled.events
    ]
    rows = ProviderEvent.objects.filter(pk__in=keys).select_related("source", "offering__host")
    return [event.as_line() for event in rows.order_by("detected_at", "pk")]


# --- small histories ------------------------------------------------------------------------------


class Stage:
    """A page with eighteen quiet rows that have ends ahead, and what a test adds; looks are daily
    at 06:00."""

    def __init__(self, name: str, folder: Path) -> None:
        self.form, self.folder = FORMS[name], folder
        self.world = InventedModels()
        self.faults: list[Fault] = []
        for place, model in enumerate(self.world.fill(HOST, 18, family="still-1-1")):
            model.announce(self.world.day(-60), self.world.on(200 + place))

    def day(self, n: float, hour: float = 0) -> datetime:
        return self.world.day(n, hour)

    def score(self, days: int) -> Score:
        history = observe_page(
            self.world, self.form, self.faults, days=days, at=[self.day(n, 6) for n in range(days)]
        )
        return score(truth_of(history), raised(history, self.form, self.folder))


def test_a_fortnight_of_a_page_is_told_exactly(tmp_path: Path) -> None:
    stage = Stage("states", tmp_path)
    world = stage.world
    moved, ends, extended = (world.add(HOST, f"actor-2-{n}-moved") for n in range(3))
    moved.announce(stage.day(1), world.on(60)).change(stage.day(4), retires_on=world.on(90))
    ends.announce(stage.day(1), world.on(6))
    extended.announce(stage.day(1), world.on(7)).change(stage.day(7, 1), retires_on=world.on(80))
    stage.faults += [
        seasons.styled("synonyms", stage.day(2), stage.day(5)),
        seasons.styled("other-order", stage.day(3), stage.day(6)),
        seasons.body("login", stage.day(5), stage.day(6)),
        wrong.status(503, stage.day(8), stage.day(9)),
    ]

    result = stage.score(10)

    assert result.is_perfect, str(result)
    assert sorted(event["kind"] for _, event in result.found) == [
        "announced",
        "announced",
        "announced",
        "moved_later",
        "moved_later",
        "retired",
    ]


def test_a_notice_that_leaves_does_not_silence_the_page(tmp_path: Path) -> None:
    stage = Stage("notices", tmp_path)
    gone, moved = (stage.world.add(HOST, f"actor-2-{n}-gone") for n in range(2))
    gone.announce(stage.day(1), stage.world.on(150)).delist(stage.day(3))
    moved.announce(stage.day(2), stage.world.on(60)).change(
        stage.day(12), retires_on=stage.world.on(90)
    )

    result = stage.score(16)

    # the removal of the table of that notice waits for a decision, the rest of the page does not
    assert [wanted.kind for wanted in result.missed] == ["delisted"], str(result)
    assert "moved_later" in [event["kind"] for _, event in result.found]
    assert [*result.false, *result.duplicates] == [], str(result)


# --- months of everything -------------------------------------------------------------------------


@pytest.mark.proof
@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_months_of_a_lifecycle_page_reach_the_aim(name: str, seed: int, tmp_path: Path) -> None:
    history = page_season(name, seed)

    result = score(truth_of(history), raised(history, FORMS[name], tmp_path))

    assert result.n_wanted >= 40
    assert result.found_share >= 0.98, f"{name} {seed}\n{result}"
    assert result.false_share < 0.02, f"{name} {seed}\n{result}"
    assert not result.duplicates, f"{name} {seed}\n{result}"
