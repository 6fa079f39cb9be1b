"""A year of polls of feeds, lifecycle pages and status pages through the real pipeline, and what
they leave in the database.

    REGISTRY_DATA=/tmp/year python -m tests.histories.year [--rows 400] [--days 365] [--seed 1]
        [--only feed,page,status]

LiteLLM and OpenRouter are polled hourly, the other feeds and the lifecycle pages every six hours,
status pages every five minutes. Each feed shows a made-up world of about `--rows` models with a
year of its usual events and faults (invented_models.py, faults.py), and so do lifecycle pages in
each form (pages.py) and status pages in three (status_pages.py). OpenRouter and the pages in HTML
send another body at every poll; the others say 304 between the moments at which their publishers
put out a new one. The daily work of beat (holds, disagreements, retention of payloads) is done as
well. Everything happens in a scratch database of the embedded server, which is dropped at the end.
Prints tables: statements and seconds of polls, what an unchanged poll writes, rows written, sizes.
"""

import argparse
import hashlib
import heapq
import os
import random
import re
import sys
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from tests.histories.faults import Fault, View, usual_faults
from tests.histories.feeds import FEEDS, Feed, Shown
from tests.histories.invented_models import START, InventedModels, State, mixed_models
from tests.histories.page_seasons import page_faults
from tests.histories.pages import FORMS, HOST, PageForm
from tests.histories.status_pages import STATUS_FORMS, InventedTroubles, StatusForm

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
    "page-notices": (6, 72),
    "page-states": (6, 168),
    "page-labs": (6, 6),
    "page-regions": (6, 6),
    "page-families": (6, 168),
    **{f"status-{name}": (1 / 12, 0) for name in ("statuspage", "incidentio", "atom")},
}
KINDS = ("feed", "page", "status")
_STATUS_FORMS = {f"status-{name.replace('.', '')}": form for name, form in STATUS_FORMS.items()}
# What a poll may write where nothing has changed.
QUIET = frozenset({"feeds_feedrun", "feeds_pollstate"})
WRITES = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(\w{1,60})"?')


class Publishing(Protocol):
    """Whoever serves a body. `body_at` returns (status, body); no body where nothing new has been
    put out since the last look."""

    def body_at(self, at: datetime) -> tuple[int, bytes | None]: ...


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
    see: Callable[[State], State] = lambda state: state
    lists: Callable[[State, datetime], bool] = lambda state, at: True

    def body_at(self, at: datetime) -> tuple[int, bytes | None]:
        """(status, body); no body where nothing new has been put out since the last look."""
        number = int((at - self.world.start) / (self.hours_between_bodies * HOUR))
        active = [fault for fault in self.faults if fault.holds(at)]
        if number == self.number and active == self.lasting:
            return (304, None) if self.status == 200 else (self.status, None)
        self.number, self.lasting = number, active
        world_at = min([at, *(fault.start for fault in active if fault.frozen)])
        rows = [Shown(model, self.see(model.at(world_at))) for model in self.world.models]
        listed = [
            shown
            for shown in rows
            if self.feed.lists(shown.state) and self.lists(shown.state, world_at)
        ]
        view = View(self.feed, at, listed)
        for fault in active:
            fault.apply(view)
        self.status = 200 if view.status == 304 else view.status
        if view.status != 200:
            return view.status, None
        body = self.feed.render(view.rows, view.debris, at)
        self.served = view.edit(body) if view.edit else body
        return 200, self.served


@dataclass(slots=True)
class StatusPublisher:
    """A status page with its incidents: another body whenever one of them changes."""

    form: StatusForm
    world: InventedTroubles
    changes: list[datetime] = field(default_factory=list)
    number: int = -1

    def __post_init__(self) -> None:
        moments = (at for trouble in self.world.troubles for at in trouble.moments())
        self.changes = sorted(moments)

    def body_at(self, at: datetime) -> tuple[int, bytes | None]:
        number = bisect_right(self.changes, at)
        if number == self.number:
            return 304, None
        self.number = number
        return 200, self.form.render(self.world.troubles, at)


def kind_of(slug: str) -> str:
    """One of `KINDS`."""
    prefix = slug.partition("-")[0]
    return prefix if prefix in KINDS else "feed"


def publisher_of(slug: str, *, rows: int, days: int, seed: int) -> Publishing:
    """Whoever publishes what the source with this slug polls."""
    match kind_of(slug):
        case "page":
            return page_publisher(FORMS[slug.removeprefix("page-")], days=days, seed=seed)
        case "status":
            # as many as OpenAI's page told of in a year (incidents.md: 82 to 107, all components)
            world = InventedTroubles(seed, days=days, n=max(3, days * 100 // 365), start=START)
            return StatusPublisher(_STATUS_FORMS[slug], world)
    return publisher(slug, rows=rows, days=days, seed=seed)


def page_publisher(form: PageForm, *, days: int, seed: int) -> Publisher:
    """The lifecycle page with as much happening per day as its habits say."""
    feed = form.feed()
    providers = ((HOST, max(64, days // 2)),)
    often = _scaled(feed, days)
    world = mixed_models(
        seed, providers, replace(feed.habits, days=days, **often), dress=form.dress
    )
    faults = page_faults(form, world.models, world.start, max(20, days), seed + 1)
    hours = HABITS[feed.slug][1]
    return Publisher(feed, world, faults, hours, see=form.seen, lists=form.lists)


def _scaled(feed: Feed, days: int) -> dict[str, Any]:
    """How often what happens over `days` days, by the habits of the feed."""
    longer = days / feed.habits.days
    names = ("announced", "silent", "prices", "discounts", "scheduled", "floating", "releases")
    often = {name: round(getattr(feed.habits, name) * longer) for name in (*names, "promises")}
    # names for new models are few
    often["releases"] = min(often["releases"], 30)
    return often


def publisher(slug: str, *, rows: int, days: int, seed: int) -> Publisher:
    """The feed with about `rows` models, and as much happening per day as its habits say."""
    feed = FEEDS[slug]
    scale = rows / sum(n for _, n in feed.providers)
    providers = tuple((name, max(4, round(n * scale))) for name, n in feed.providers)
    often = _scaled(feed, days)
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


def moments(slugs: Iterable[str], days: int, seed: int) -> Iterator[tuple[datetime, str]]:
    """(moment, source) of every poll in the order of time, each a little late as pollers are."""

    def of(place: int, slug: str) -> Iterator[tuple[datetime, str]]:
        rng = random.Random(f"{seed} {slug}")
        interval = HABITS[slug][0] * HOUR
        for number in range(int(days * 24 * HOUR / interval)):
            late = timedelta(minutes=2 * place % 30, seconds=rng.randint(0, 90))
            yield START + number * interval + late, slug

    return heapq.merge(*(of(place, slug) for place, slug in enumerate(slugs)))


# --- what it costs --------------------------------------------------------------------------------


@dataclass(slots=True)
class Cost:
    """What the polls of one source took; `seconds` and `statements` by the status of the run.
    `written` are the tables that polls without a change wrote to."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statements: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    written: Counter[str] = field(default_factory=Counter)
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


def make_source(slug: str) -> "Source":
    """The source that polls the publisher of this slug."""
    from apps.catalog.models import Provider, Source
    from apps.feeds.models import SourceMapping

    kind = slug if kind_of(slug) == "feed" else kind_of(slug)
    source, _ = Source.objects.get_or_create(slug=slug, defaults={"name": slug, "kind": kind})
    if kind == "status":
        source.host, _ = Provider.objects.get_or_create(
            slug=f"{HOST}-{slug}", defaults={"name": slug, "roles": ["host"]}
        )
    if kind == "page":
        # each page is of a host of its own
        settings = {**FORMS[slug.removeprefix("page-")].settings, "host": f"{HOST}-{slug}"}
        SourceMapping.objects.get_or_create(source=source, defaults={"settings": settings})
    source.interval_minutes = max(1, round(HABITS[slug][0] * 60))
    source.enabled = True
    source.save()
    return source


def live(publishers: Mapping[str, Publishing], *, days: int, seed: int) -> None:
    """Do the year, then print what it cost."""
    from apps.feeds.actions import apply_expired_holds, purge_old_payloads, record_disagreements

    sources = {slug: make_source(slug) for slug in publishers}
    costs = {slug: Cost() for slug in publishers}
    began, size_before = time.monotonic(), database_size()
    baseline: dict[str, tuple[int, int, int]] | None = None
    size_baseline, day = 0, START.date()
    forgotten = 0
    for at, slug in moments(publishers, days, seed):
        if baseline is None and at > START + HOUR:
            # the first payloads are in
            baseline, size_baseline = written(), database_size()
        if at.date() > day:
            day = at.date()
            if day.day == 1:
                elapsed = time.monotonic() - began
                print(
                    f"{day} {elapsed:.0f} s, {database_size() / 1e6:.1f} MB",
                    file=sys.stderr,
                    flush=True,
                )
            forgotten += purge_old_payloads(at=at)
            for event in [*apply_expired_holds(at=at), *record_disagreements(at=at)]:
                costs[event.source.slug].events[event.kind] += 1
        poll(sources[slug], publishers[slug], at, costs[slug])
    _report(costs, began, (size_before, size_baseline), baseline or {}, forgotten)


def poll(source: "Source", publisher: Publishing, at: datetime, cost: Cost) -> None:
    """Poll once, and add what it took to `cost`."""
    from django.db import connection

    from apps.common.time import now
    from apps.feeds.models import Payload
    from apps.feeds.polls.pipeline import poll_source

    fetched = _fetched(*publisher.body_at(at))
    before = now()
    statements: list[str] = []

    def count(execute: Any, sql: str, *arguments: Any) -> Any:
        statements.append(sql)
        return execute(sql, *arguments)

    start = time.perf_counter()
    with connection.execute_wrapper(count):
        polled = poll_source(
            source, at=at, fetch=lambda state, adapter: fetched, trigger="schedule"
        )
    status = str(polled.run.status)
    cost.seconds[status].append(time.perf_counter() - start)
    cost.statements[status].append(len(statements))
    if status == "unchanged":
        cost.written.update({table for sql in statements for table in WRITES.findall(sql)})
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
    heads = ("polls", "statements", "most", "median ms", "p95 ms", "max ms")
    print(f"\n{'source':<20}{'status':<11}{heads[0]:>7}" + "".join(f"{h:>11}" for h in heads[1:]))
    for slug, cost in costs.items():
        for status, seconds in sorted(cost.seconds.items()):
            ms = sorted(1000 * second for second in seconds)
            counts = sorted(cost.statements[status])
            print(
                f"{slug:<20}{status:<11}{len(ms):>7}{counts[len(counts) // 2]:>11}{counts[-1]:>11}"
                f"{ms[len(ms) // 2]:>11.1f}{ms[int(0.95 * (len(ms) - 1))]:>11.1f}{ms[-1]:>11.1f}"
            )
    print("\nwritten by polls without a change:")
    for kind in KINDS:
        tables = Counter[str]()
        for slug, cost in costs.items():
            if kind_of(slug) == kind:
                tables.update(cost.written)
        if tables:
            print(f"  {kind}: {dict(tables.most_common())}")
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
    parser.add_argument("--only", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    arguments = parser.parse_args()
    kinds = arguments.only.split(",")
    if not set(kinds) <= set(KINDS):
        parser.error(f"--only must name some of {', '.join(KINDS)}, with commas between them.")
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
        slug: publisher_of(
            slug, rows=arguments.rows, days=arguments.days, seed=arguments.seed + place
        )
        for place, slug in enumerate(HABITS)
        if kind_of(slug) in kinds
    }
    with scratch_database(
        lambda: load_catalogue(identities_only=True),
        purpose="year",
        fingerprint=datetime.now(UTC).isoformat(),
    ):
        live(made, days=arguments.days, seed=arguments.seed)


if __name__ == "__main__":
    main()
