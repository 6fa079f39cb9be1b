"""Months of a lifecycle page, with everything that happens to its rows and to its form.

    python -m tests.histories.page_seasons FORM SEED FOLDER

Writes the bodies, the manifest and the truth into the folder.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from tests.histories import faults as wrong
from tests.histories.faults import Chosen, Fault, View
from tests.histories.feeds import Shown
from tests.histories.history import History, observe, write_manifest
from tests.histories.invented_models import HOUR, InventedModels, Model, mixed_models
from tests.histories.pages import FORMS, PageForm
from tests.histories.score import truth_lines
from tests.histories.truth import truth_of

_PROSE = b"# Deprecations\n\nWe are moving this page. The list of models is back soon.\n"
_LOGIN = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action='/login'>"
    b"<label>E-mail <input name='email'></label><button>Continue</button></form></body></html>"
)


def page_season(name: str, seed: int) -> History:
    """The season that `seed` draws for this form; always the same one."""
    form = FORMS[name]
    feed = form.feed()
    world = mixed_models(seed, feed.providers, feed.habits, dress=form.dress)
    _add_stories(random.Random(seed + 7), world, form)
    faults = page_faults(form, world.models, world.start, feed.habits.days, seed + 1)
    return observe_page(world, form, faults, days=feed.habits.days, seed=seed)


def observe_page(
    world: InventedModels,
    form: PageForm,
    faults: Sequence[Fault] = (),
    *,
    days: int,
    seed: int = 1,
    at: Sequence[datetime] = (),
) -> History:
    """The history of a page, of whose models a reader sees what its form shows."""
    return observe(
        world, form.feed(), faults, days=days, seed=seed, at=at, see=form.seen, lists=form.lists
    )


def _add_stories(rng: random.Random, world: InventedModels, form: PageForm) -> None:
    """What pages do beside what feeds do: rows that leave before their day, ends that are put off
    on the very day, earliest days that become firm."""
    days = form.feed().habits.days
    quiet = [model for model in world.models if model.at(world.day(days)) == model.first]
    rng.shuffle(quiet)
    take = iter(quiet)
    # where each notice is a table, a table leaves with it: test_page_seasons.py has that alone
    for _ in range(0 if form.name == "notices" else 3):
        model, at = next(take), world.day(rng.uniform(3, days * 0.5))
        model.announce(at, (at + timedelta(days=rng.randint(70, 140))).date())
        model.delist(at + timedelta(days=rng.randint(8, 40)))
    for _ in range(3):
        model, at = next(take), world.day(rng.uniform(3, days * 0.4))
        lead = rng.randint(12, 50)
        model.announce(at, (at + timedelta(days=lead)).date())
        on = model.at(at).retires_on
        assert on is not None
        midnight = datetime(on.year, on.month, on.day, tzinfo=at.tzinfo)
        model.change(midnight + 0.5 * HOUR, retires_on=on + timedelta(days=rng.randint(14, 90)))
    for _ in range(4):
        model, at = next(take), world.day(rng.uniform(3, days * 0.4))
        on = (at + timedelta(days=rng.randint(60, 150))).date()
        model.announce(at, on, soft=True)
        if rng.random() < 0.7:
            firm_at = at + timedelta(days=rng.randint(10, 40))
            later = on + timedelta(days=rng.choice((0, 0, 30)))
            model.announce(firm_at, later)


# --- what goes wrong ------------------------------------------------------------------------------


def styled(
    style: str,
    start: datetime,
    end: datetime,
    chosen: Chosen | None = None,
    *,
    doubted: bool = False,
) -> Fault:
    """The same facts in another form of the page."""
    numbers = None if chosen is None else {model.number for model in chosen}

    def apply(view: View) -> None:
        view.doubted |= doubted
        for shown in view.rows:
            if numbers is None or shown.model.number in numbers:
                shown.style |= {style}

    return Fault(start, end, apply)


def lose_table(
    is_gone: Callable[[Shown], bool], start: datetime, end: datetime, *, by_header: bool = False
) -> Fault:
    """A table is gone from the page, or has another header above its ends."""

    def apply(view: View) -> None:
        view.doubted = True
        if not by_header:
            view.drop(is_gone)
            return
        for shown in view.rows:
            if is_gone(shown):
                shown.style |= {"lost-end"}
                view.hidden.add(shown.model.number)

    return Fault(start, end, apply)


def body(kind: str, start: datetime, end: datetime) -> Fault:
    """A body that is not the page: login form, prose, truncated, nothing."""

    def edit(whole: bytes) -> bytes:
        match kind:
            case "login":
                return _LOGIN
            case "prose":
                return _PROSE
            case "truncated":
                return _cut_in_a_row(whole)
            case _:
                return b""

    def apply(view: View) -> None:
        view.edit = edit

    return Fault(start, end, apply)


def _cut_in_a_row(whole: bytes) -> bytes:
    """The body without its last third and the end of the row before."""
    place = whole.find(b"atlas-", len(whole) * 2 // 3)
    return whole[: (place if place > 0 else len(whole) * 2 // 3) + 9]


def page_faults(
    form: PageForm, models: Sequence[Model], start: datetime, days: int, seed: int
) -> list[Fault]:
    """What a bad season brings to a page of this form, drawn from `seed`."""
    rng = random.Random(seed)

    def span(hours: float, *, low: float = 2) -> tuple[datetime, datetime]:
        at = start + timedelta(days=rng.uniform(low, days - 12))
        return at, at + timedelta(hours=hours)

    plain = list(models)
    faults = [wrong.vanish(rng.sample(plain, 2), *span(hours)) for hours in (13, 26, 72, 139)]
    faults += [
        body(kind, *span(hours))
        for kind in ("login", "prose", "truncated", "")
        for hours in (7, 26)
    ]
    faults += [wrong.status(code, *span(26)) for code in (500, 503, 404, 403)]
    faults += [wrong.frozen(*span(60)), wrong.not_modified(*span(30))]
    faults.append(wrong.clear_dates(rng.sample(plain, 4), *span(50)))
    faults += [styled("synonyms", *span(24 * 20)), styled("other-sections", *span(24 * 15))]
    if form.name not in ("families",):
        faults.append(styled("other-order", *span(24 * 15)))
    if form.name != "regions":
        faults.append(styled("twice", *span(24 * 30), rng.sample(plain, 6)))
    if form.name in ("labs", "families"):
        for hours, by_header in ((30, False), (120, False), (80, True)):
            lost = form.section(rng.choice(plain).first, rng.choice(plain).number)
            faults.append(
                lose_table(
                    lambda shown, lost=lost: form.section(shown.state, shown.model.number) == lost,
                    *span(hours),
                    by_header=by_header,
                )
            )
    elif form.name in ("states", "regions"):
        faults.append(lose_table(lambda shown: True, *span(70), by_header=True))
    if form.name == "states":
        faults.append(styled("lost-announcement", *span(100), doubted=True))
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a season's pages, manifest and truth.")
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("seed", type=int)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    history = page_season(arguments.form, arguments.seed)
    write_manifest(history, arguments.folder)
    (arguments.folder / "truth.jsonl").write_text(truth_lines(truth_of(history)))


if __name__ == "__main__":
    main()
