"""A world seen through a feed and its faults: the payloads of an observed history, and what each of
them showed."""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from tests.histories.faults import Fault, View
from tests.histories.feeds import Feed, Shown
from tests.histories.invented_models import InventedModels, Prices, State


@dataclass(frozen=True, slots=True)
class Sight:
    """What one payload shows of one model, and whether that is the truth."""

    external_id: str
    provider: str
    retires_on: date | None
    soft: bool
    announced_on: date | None
    status: str
    prices: Prices
    scheduled: tuple[date, Prices] | None
    points_to: str
    true_dates: bool
    true_prices: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer. `sights` by model number; `hidden` are those that only a fault has taken away.
    `readable` is whether anything can be concluded from it, `doubted` whether what it no longer
    says may be the fault of its form."""

    at: datetime
    status: int
    body: bytes
    readable: bool
    sights: Mapping[int, Sight]
    hidden: frozenset[int]
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class History:
    feed: Feed
    world: InventedModels
    observations: list[Observation]


def observe(
    world: InventedModels,
    feed: Feed,
    faults: Iterable[Fault] = (),
    *,
    days: int,
    seed: int = 1,
    at: Iterable[datetime] = (),
    see: Callable[[State], State] = lambda state: state,
    lists: Callable[[State, datetime], bool] = lambda state, at: True,
) -> History:
    """The history of `days` days. `at` gives the moments themselves; otherwise the feed's habit
    does. `see` reduces a state to what the publisher shows of it, `lists` says whether it has a
    row at a moment."""
    faults = list(faults)
    moments = list(at) or list(feed.observed(random.Random(seed), world.start, days))
    seen: list[Observation] = []
    for moment in moments:
        last = seen[-1] if seen else None
        seen.append(_look(world, feed, faults, moment, last, see=see, lists=lists))
    return History(feed, world, seen)


def _look(
    world: InventedModels,
    feed: Feed,
    faults: list[Fault],
    at: datetime,
    last: Observation | None,
    *,
    see: Callable[[State], State] = lambda state: state,
    lists: Callable[[State, datetime], bool] = lambda state, at: True,
) -> Observation:
    active = [fault for fault in faults if fault.holds(at)]
    world_at = min([at, *(fault.start for fault in active if fault.frozen)])
    rows = [Shown(model, see(model.at(world_at))) for model in world.models]
    listed = [shown for shown in rows if feed.lists(shown.state) and lists(shown.state, world_at)]
    view = View(feed, at, listed)
    for fault in active:
        fault.apply(view)
    if view.status == 304 and last is not None and last.readable:
        return Observation(at, 304, b"", True, last.sights, last.hidden, last.doubted)
    body = feed.render(view.rows, view.debris, at)
    readable = view.status == 200 and view.edit is None
    if view.edit is not None:
        body = view.edit(body)
    sights = {shown.model.number: _sight(feed, shown, at) for shown in view.rows}
    status = 500 if view.status == 304 else view.status
    hidden = frozenset(view.hidden)
    return Observation(at, status, body, readable, sights, hidden, view.doubted)


def _sight(feed: Feed, shown: Shown, at: datetime) -> Sight:
    state = shown.state
    return Sight(
        external_id=feed.external_id(state),
        provider=state.provider,
        retires_on=state.retires_on if feed.dates else None,
        soft=state.soft,
        announced_on=state.announced_on,
        status=state.status,
        prices=state.prices_on(at.date()) if feed.prices else {},
        scheduled=state.scheduled if feed.schedules else None,
        points_to=state.points_to,
        true_dates=shown.true_dates,
        true_prices=shown.true_prices,
    )


def write_manifest(history: History, folder: Path) -> Path:
    """The history as `manage.py replay` reads it: a manifest of JSON lines and a file per body."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.jsonl"
    with manifest.open("w", encoding="utf-8") as out:
        for number, seen in enumerate(history.observations):
            name = f"{number:04d}.json"
            line = {"at": seen.at.isoformat(), "status": seen.status, "headers": {}}
            if seen.status == 200:
                (folder / name).write_bytes(seen.body)
                line["path"] = name
            out.write(json.dumps(line) + "\n")
    return manifest
