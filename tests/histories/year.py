"""A year of polls of all six feeds through the real pipeline, and what they leave in the database.

    REGISTRY_DATA=/tmp/year python -m tests.histories.year [--rows 400] [--days 365] [--seed 1]

LiteLLM and OpenRouter are polled hourly, the others every six hours. Each feed shows a made-up
world of about `--rows` models with a year of its usual events and faults (world.py, faults.py).
OpenRouter sends another body at every poll; the others say 304 between the moments at which their
publishers put out a new one. The daily work of beat (holds, disagreements, retention of payloads)
is done as well. Everything happens in a scratch database of the embedded server, which is dropped
at the end. Prints tables: rows written, sizes, seconds.
"""

import argparse
import hashlib
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.histories.faults import Fault, View, usual_faults
from tests.histories.feeds import FEEDS, Feed, Shown
from tests.histories.invented_models import START, InventedModels, mixed_models

if TYPE_CHECKING:
    from apps.catalog.models import Source
    from apps.feeds.polls.client import FetchResult

HOUR = timedelta(hours=1)
QUARTER_DAYS = 91
# hours between two polls, and between two bodies as the publishers put them out (feeds.md: several
# commits a day, a daily bot that changes the JSON on four days of ten, per merge, 5 to 28 commits a
# month, several deployments a day)
HABITS: dict[str, tuple[float, float]] = {
    "litellm": (1, 6),
    "openrouter": (1, 1),
    "deprecations-info": (6, 60),
    "modeldeprecations": (6, 24),
    "genai-prices": (6, 48),
    "models-dev": (6, 6),
}


@dataclass(slots=True)
class Publisher:
    """One feed over the year. `body_at` is what it serves at a moment, with a new one only every so
    often."""

    feed: Feed
    world: InventedModels
    faults: list[Fault]
    hours_between_bodies: float
    served: bytes = b""
    status: int = 200
    number: int = -1
    lasting: list[Fault] = field(default_factory=list)

    def body_at(self, at: datetime) -> tuple[int, bytes | None]:
        """(status, body); no body where nothing new has been put out since the last look."""
        number = int((at - self.world.start) / (self.hours_between_bodies * HOUR))
        active = [fault for fault in self.faults if fault.holds(at)]
        if number == self.number and active == self.lasting:
            return (304, None) if self.status == 200 else (self.status, None)
        self.number, self.lasting = number, active
        world_at = min([at, *(fault.start for fault in active if fault.frozen)])
        rows = [Shown(model, model.at(world_at)) for model in self.world.models]
        view = View(self.feed, at, [shown for shown in rows if self.feed.lists(shown.state)])
        for fault in active:
            fault.apply(view)
        self.status = 200 if view.status == 304 else view.status
        if view.status != 200:
            return view.status, None
        body = self.feed.render(view.rows, view.debris, at)
        self.served = view.edit(body) if view.edit else body
        return 200, self.served


def publisher(slug: str, *, rows: int, days: int, seed: int) -> Publisher:
    """The feed with about `rows` models, and as much happening per day as its habits say."""
    feed = FEEDS[slug]
    scale = rows / sum(n for _, n in feed.providers)
    providers = tuple((name, max(4, round(n * scale))) for name, n in feed.providers)
    longer = days / feed.habits.days
    often = {
        name: round(getattr(feed.habits, name) * longer)
        for name in (
            "announced",
            "silent",
            "prices",
            "discounts",
            "scheduled",
            "floating",
            "releases",
            "promises",
        )
    }
    # names for new models are few
    often["releases"] = min(often["releases"], 30)
    world = mixed_models(seed, providers, replace(feed.habits, days=days, **often))
    faults: list[Fault] = []
    for quarter in range(max(1, days // QUARTER_DAYS)):
        start = world.day(quarter * QUARTER_DAYS)
        span = min(days, QUARTER_DAYS)
        faults += usual_faults(
            replace_providers(feed, providers), world.models, start, span, seed + quarter + 1
        )
    return Publisher(feed, world, faults, HABITS[slug][1])


def replace_providers(feed: Feed, providers: tuple[tuple[str, int], ...]) -> Feed:
    return replace(feed, providers=providers)


def moments(days: int, seed: int) -> Iterator[tuple[datetime, str]]:
    """(moment, feed) of every poll in the order of time, each a little late as pollers are."""
    rng = random.Random(seed)
    for hour in range(days * 24):
        for place, (slug, (interval, _)) in enumerate(HABITS.items()):
            if hour % int(interval) == 0:
                yield (
                    START + hour * HOUR + timedelta(minutes=2 * place, seconds=rng.randint(0, 90)),
                    slug,
                )


# --- what it costs --------------------------------------------------------------------------------


@dataclass(slots=True)
class Cost:
    """What the polls of one feed took; `seconds` by the status of the run."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    events: Counter[str] = field(default_factory=Counter)


def sizes() -> dict[str, tuple[int, int]]:
    """{table: (bytes with indexes and TOAST, rows)} of the tables that hold anything."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid), greatest(reltuples, 0)::bigint FROM "
            "pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {name: (size, rows) for name, size, rows in cursor.fetchall()}


def written() -> dict[str, tuple[int, int, int]]:
    """{table: (rows inserted, updated, deleted)} since the database was made."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables")
        return {name: (ins, upd, gone) for name, ins, upd, gone in cursor.fetchall()}


def database_size() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


# History rows that say no more than that a row went missing or came back: (table, columns that tell
# of it, all others that are history).
_ABSENCE = {
    "catalog_assertionhistory": (
        "missing_since, withdrawn_at, refused",
        'value, offering_id, "group"',
    ),
    "catalog_offeringhistory": (
        "lifecycle",
        "version_id, retires_on, announced_on, date_kind, replacement_id, replacement_text, "
        "end_behaviour, api_id",
    ),
}


def absence_only() -> dict[str, tuple[int, int]]:
    """{table of history: (rows that only tell of absence, rows that tell of a change at all)}."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for table, (absent, others) in _ABSENCE.items():
            cursor.execute(
                f"WITH step AS (SELECT row({absent}) AS a, row({others}) AS o, lag(row({absent})) "
                "OVER w AS a_before, "
                f"lag(row({others})) OVER w AS o_before, row_number() OVER w AS n FROM {table} "
                "WINDOW w AS (PARTITION BY pgh_obj_id ORDER BY pgh_id)) "
                "SELECT count(*) FILTER (WHERE a IS DISTINCT FROM a_before AND o IS NOT DISTINCT "
                "FROM o_before), "
                "count(*) FROM step WHERE n > 1"
            )
            found[table] = cursor.fetchone()
    return found


# --- the year -------------------------------------------------------------------------------------


def live(publishers: dict[str, Publisher], *, days: int, seed: int) -> None:
    """Do the year, then print what it cost."""
    from apps.catalog.models import Source
    from apps.feeds.actions import apply_expired_holds, purge_old_payloads, record_disagreements

    sources = {
        slug: Source.objects.get_or_create(slug=slug, defaults={"name": slug, "kind": slug})[0]
        for slug in FEEDS
    }
    for slug, source in sources.items():
        source.interval_minutes = int(HABITS[slug][0] * 60)
        source.enabled = True
        source.save()
    costs = {slug: Cost() for slug in FEEDS}
    began, size_before = time.monotonic(), database_size()
    baseline: dict[str, tuple[int, int, int]] | None = None
    size_baseline, day = 0, START.date()
    forgotten = 0
    for at, slug in moments(days, seed):
        if baseline is None and at > START + HOUR:
            # the six first payloads are in
            baseline, size_baseline = written(), database_size()
        if at.date() > day:
            day = at.date()
            forgotten += purge_old_payloads(at=at)
            for event in [*apply_expired_holds(at=at), *record_disagreements(at=at)]:
                costs[event.source.slug].events[event.kind] += 1
        _poll(sources[slug], publishers[slug], at, costs[slug])
        if at.hour == 0 and slug == "models-dev" and (at.date() - START.date()).days % 30 == 0:
            elapsed = time.monotonic() - began
            print(
                f"{at:%Y-%m-%d} {elapsed:.0f} s, {database_size() / 1e6:.1f} MB",
                file=sys.stderr,
                flush=True,
            )
    _report(costs, began, (size_before, size_baseline), baseline or {}, forgotten)


def _poll(source: "Source", publisher: Publisher, at: datetime, cost: Cost) -> None:
    from apps.common.time import now
    from apps.feeds.models import Payload
    from apps.feeds.polls.pipeline import poll_source

    fetched = _fetched(*publisher.body_at(at))
    before = now()
    start = time.perf_counter()
    polled = poll_source(source, at=at, fetch=lambda state, adapter: fetched, trigger="schedule")
    cost.seconds[str(polled.run.status)].append(time.perf_counter() - start)
    cost.events.update(event.kind for event in polled.events)
    if polled.run.payload_id is not None:
        # retention goes by the wall clock, which all but stands still here
        Payload.objects.filter(pk=polled.run.payload_id, received_at__gte=before).update(
            received_at=at
        )


def _fetched(status: int, body: bytes | None) -> "FetchResult":
    from apps.feeds.polls.client import FetchResult

    if body is not None:
        digest = hashlib.sha256(body).hexdigest()
        return FetchResult("new", 200, body=body, digest=digest, bytes_on_wire=len(body))
    if status == 304:
        return FetchResult("unchanged", 304)
    return FetchResult("failed", status, error=f"The server answers {status}.")


def _report(
    costs: dict[str, Cost],
    began: float,
    before: tuple[int, int],
    baseline: dict[str, tuple[int, int, int]],
    forgotten: int,
) -> None:
    elapsed = time.monotonic() - began
    print(f"\n{elapsed:.0f} s in all; raw bodies forgotten: {forgotten}")
    print(f"\n{'feed':<20}{'status':<11}{'polls':>7}{'median ms':>11}{'p95 ms':>9}{'max ms':>9}")
    for slug, cost in costs.items():
        for status, seconds in sorted(cost.seconds.items()):
            ms = sorted(1000 * second for second in seconds)
            print(
                f"{slug:<20}{status:<11}{len(ms):>7}{ms[len(ms) // 2]:>11.1f}"
                f"{ms[int(0.95 * (len(ms) - 1))]:>9.1f}{ms[-1]:>9.1f}"
            )
    print()
    for slug, cost in costs.items():
        print(f"{slug}: {dict(sorted(cost.events.items()))}")
    now_written, by_table = written(), sizes()
    print(f"\n{'table':<34}{'inserted':>10}{'updated':>10}{'deleted':>9}{'rows':>9}{'MB':>8}")
    order = sorted(now_written, key=lambda table: -by_table.get(table, (0, 0))[0])
    for table in order:
        ins, upd, gone = (
            a - b for a, b in zip(now_written[table], baseline.get(table, (0, 0, 0)), strict=True)
        )
        size, rows = by_table.get(table, (0, 0))
        if ins or upd or gone:
            print(f"{table:<34}{ins:>10}{upd:>10}{gone:>9}{rows:>9}{size / 1e6:>8.2f}")
    for table, (absence, n) in absence_only().items():
        print(f"{table}: {absence} of {n} changes only say that a row is missing, or back")
    empty, filled = before
    print(
        f"\ndatabase: {empty / 1e6:.1f} MB empty, {filled / 1e6:.1f} MB after the first payloads, ",
        end="",
    )
    print(f"{database_size() / 1e6:.1f} MB after the year")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=400, help="models per feed, about")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    os.environ.setdefault("REGISTRY_ENV", "demo")
    os.environ.setdefault("LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("DATABASE_POOL", "0")
    if not os.environ.get("DATABASE_URL"):
        from registry.embedded import ensure

        ensure(durable=False)
    import django

    django.setup()
    from apps.catalog.ingestion.builtin_catalogue import load_catalogue
    from apps.common.database.scratch_database import scratch_database

    made = {
        slug: publisher(slug, rows=arguments.rows, days=arguments.days, seed=arguments.seed + place)
        for place, slug in enumerate(FEEDS)
    }
    with scratch_database(
        lambda: load_catalogue(identities_only=True),
        purpose="year",
        fingerprint=datetime.now(UTC).isoformat(),
    ):
        live(made, days=arguments.days, seed=arguments.seed)


if __name__ == "__main__":
    main()
