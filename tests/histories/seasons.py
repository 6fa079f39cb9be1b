"""Months of mixed history per feed, with everything that happens and everything that goes wrong.

python -m tests.histories.seasons FEED SEED FOLDER
manage.py replay FEED FOLDER/manifest.jsonl > FOLDER/events.jsonl
python -m tests.histories.score FOLDER/truth.jsonl FOLDER/events.jsonl
"""

import argparse
from pathlib import Path

from tests.histories.faults import usual_faults
from tests.histories.feeds import FEEDS, Feed
from tests.histories.history import History, observe, write_manifest
from tests.histories.invented_models import InventedModels, mixed_models
from tests.histories.score import truth_lines
from tests.histories.truth import truth_of


def season(slug: str, seed: int) -> History:
    """The season that `seed` draws for this feed; always the same one."""
    feed = FEEDS[slug]
    world = mixed_models(seed, feed.providers, feed.habits)
    if feed.pointers:
        _point(world, feed)
    faults = usual_faults(feed, world.models, world.start, feed.habits.days, seed + 1)
    return observe(world, feed, faults, days=feed.habits.days, seed=seed)


def _point(world: InventedModels, feed: Feed) -> None:
    """Two pointers that move twice each, between models that stay."""
    stay = [model for model in world.models if model.at(world.day(200)) == model.first]
    for place in range(2):
        targets = stay[5 * place : 5 * place + 3]
        provider, name = targets[0].first.provider, f"family-{place}-latest"
        if feed.slug == "openrouter":
            provider = f"~{provider}"
        to = [feed.external_id(model.first) for model in targets]
        pointer = world.add(provider, name, points_to=to[0], prices=targets[0].first.prices)
        for step, model in enumerate(targets[1:], start=1):
            pointer.change(
                world.day(20 * step + place), points_to=to[step], prices=model.first.prices
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a season's payloads, manifest and truth.")
    parser.add_argument("feed", choices=FEEDS)
    parser.add_argument("seed", type=int)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    history = season(arguments.feed, arguments.seed)
    write_manifest(history, arguments.folder)
    (arguments.folder / "truth.jsonl").write_text(truth_lines(truth_of(history)))


if __name__ == "__main__":
    main()
