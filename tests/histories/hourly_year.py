"""A year of hourly polls of the recorded feeds in full size, and what they cost and leave.

    REGISTRY_DATA=/tmp/year python -m tests.histories.hourly_year [--hours 8760] [--only litellm]
        [--noise 24] [--every 1]

Each feed shows its recorded bodies one after the other, in equal parts of the year, and between
them every fortnight one price that has changed. Most polls find nothing new: the publisher says
304, or sends (every `--noise` hours) other bytes that mean the same. Afterwards the events are
compared with those of a second database in which the same bodies were polled a few times only.
Both databases are scratch databases of the embedded server, which are dropped at the end.
"""

import argparse
import gzip
import hashlib
import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.histories.year import WRITES, make_source

if TYPE_CHECKING:
    from apps.catalog.models import Source

# as tests/conftest.py finds them
SHARED = Path(os.environ.get("SHARED") or Path(__file__).resolve().parents[3] / "shared")
FEEDS = SHARED / "feeds"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FORTNIGHT = 14 * 24
# of this process: its first scratch database builds the template of all others
STARTED = datetime.now(UTC).isoformat()
# the file of each feed that is polled
BODIES = {
    "litellm": "model_prices_and_context_window.json*",
    "openrouter": "models.json*",
    "genai-prices": "v2_data.json*",
    "models-dev": "api.json*",
    "deprecations-info": "deprecations.json*",
    "modeldeprecations": "models.json*",
}
# hours after a new body at which the second database polls it: as soon as each hold ends, because
# the events of prices and removals have the day on which they are accepted
LATER = (0, 1, 72, 144, 168, 12 * 24)
# how many events of one database only are printed
MAX_LISTED = 20
# how much the changed price is of the former, in turns
FACTORS = (1.5, 0.8, 1.25, 0.5)


def recorded_bodies(slug: str, root: Path = FEEDS) -> list[bytes]:
    """The recorded bodies of the feed, oldest first."""
    found = sorted((root / slug.replace("-", "_")).glob(f"*/{BODIES[slug]}"))
    return [
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in found
    ]


@dataclass(slots=True)
class YearOfBodies:
    """What a feed serves in each hour: `served` are the hours at which another body begins."""

    slug: str
    hours: int
    bodies: list[bytes]
    served: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.served = sorted({*self._recorded(), *self._changed()})

    def _recorded(self) -> list[int]:
        return [place * self.hours // len(self.bodies) for place in range(len(self.bodies))]

    def _changed(self) -> list[int]:
        """Hours of price changes: only of feeds whose format is edited here, and a fortnight from
        every recorded body. A body that ends before its holds would be polled at other hours by the
        second database when these end under the next body, and their events have other days."""
        if self.slug != "litellm":
            return []
        others = [*self._recorded(), self.hours]
        return [
            hour
            for hour in range(FORTNIGHT, self.hours, FORTNIGHT)
            if all(abs(hour - other) >= FORTNIGHT for other in others)
        ]

    def body_from(self, hour: int) -> bytes:
        """The body that begins at this hour of `served`."""
        place = sum(begin <= hour for begin in self._recorded()) - 1
        body = self.bodies[place]
        n_changes = sum(change <= hour for change in self._changed())
        return edited(body, n_changes) if self.slug == "litellm" else body


def edited(body: bytes, n_changes: int) -> bytes:
    """The body after that many price changes, of one model after the other."""
    rows = json.loads(body)
    priced = sorted(
        name
        for name, row in rows.items()
        if isinstance(row.get("input_cost_per_token"), float)
        and row.get("mode") == "chat"
        and row.get("litellm_provider") == "openai"
        and "/" not in name
    )
    for number in range(n_changes):
        row = rows[priced[number * 7 % len(priced)]]
        row["input_cost_per_token"] *= FACTORS[number % len(FACTORS)]
    return json.dumps(rows).encode()


@dataclass(slots=True)
class Figures:
    """Processor milliseconds of the unchanged polls in their order, statements and tables that
    they wrote, and events by what they say: kind, row, old and new value, day."""

    unchanged_ms: list[float] = field(default_factory=list)
    noise_ms: list[float] = field(default_factory=list)
    changed_ms: list[float] = field(default_factory=list)
    statements: Counter[int] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    events: Counter[tuple[str, ...]] = field(default_factory=Counter)


def poll_year(year: YearOfBodies, *, noise: int, every: int = 1) -> Figures:
    """Poll the feed in every hour of the year, or every `every` hours from the begin of a body."""
    figures, source = Figures(), make_source(year.slug)
    begins = set(year.served)
    body, begin = b"", 0
    for hour in range(year.hours):
        if hour % 1000 == 999:
            print(f"{year.slug}: {hour + 1} polls", file=sys.stderr, flush=True)
        if hour in begins:
            body, begin = year.body_from(hour), hour
            _poll(source, hour, body, figures)
        elif noise and hour % noise == 0:
            # white space after the JSON: other bytes that mean the same
            _poll(source, hour, body + b" " * (1 + hour % 97), figures)
        elif (hour - begin) % every == 0:
            _poll(source, hour, None, figures)
    return figures


def poll_seldom(year: YearOfBodies) -> Figures:
    """Poll each body when it begins and after each hold, and not between."""
    figures, source = Figures(), make_source(year.slug)
    ends = [*year.served[1:], year.hours]
    for begin, end in zip(year.served, ends, strict=True):
        body = year.body_from(begin)
        for later in LATER:
            if begin + later < end:
                _poll(source, begin + later, None if later else body, figures)
        if end - 1 > begin + LATER[-1]:
            _poll(source, end - 1, None, figures)
    return figures


def _poll(source: "Source", hour: int, body: bytes | None, figures: Figures) -> None:
    from django.db import connection

    from apps.feeds.polls.client import FetchResult
    from apps.feeds.polls.pipeline import poll_source

    fetched = (
        FetchResult("unchanged", 304)
        if body is None
        else FetchResult(
            "new",
            200,
            body=body,
            digest=hashlib.sha256(body).hexdigest(),
            bytes_on_wire=len(body),
        )
    )
    statements: list[str] = []

    def count(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        statements.append(sql)
        return execute(sql, *arguments)

    began = time.process_time()
    with connection.execute_wrapper(count):
        polled = poll_source(
            source,
            at=START + hour * HOUR,
            fetch=lambda state, adapter: fetched,
            trigger="schedule",
        )
    ms = 1000 * (time.process_time() - began)
    if polled.run.status == "failed":
        # the next 304 would confirm the body before this one, and the events would be others
        raise RuntimeError(f"{source.slug}, hour {hour}: {polled.run.error}")
    if polled.run.status == "unchanged":
        (figures.unchanged_ms if body is None else figures.noise_ms).append(ms)
        figures.statements[len(statements)] += 1
        figures.written.update({table for sql in statements for table in WRITES.findall(sql)})
    else:
        figures.changed_ms.append(ms)
    for event in polled.events:
        values = (json.dumps(value, sort_keys=True) for value in (event.old, event.new))
        told = (event.kind, event.external_id, *values, str(event.effective_on))
        figures.events[told] += 1


# --- the databases --------------------------------------------------------------------------------

TABLES = (
    "feeds_feedrun",
    "feeds_payload",
    "catalog_assertion",
    "catalog_assertionhistory",
    "catalog_offering",
    "catalog_offeringhistory",
    "catalog_price",
    "catalog_providerevent",
)


def row_counts() -> dict[str, int]:
    from django.db import connection

    with connection.cursor() as cursor:
        counts = {}
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts[table] = cursor.fetchone()[0]
    return counts


def date_rows() -> None:
    """Give runs and bodies the days of the simulated year, by which retention goes; the wall clock
    has all but stood still."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE feeds_feedrun SET queued_at = observed_at, started_at = observed_at,"
            " finished_at = observed_at WHERE observed_at IS NOT NULL"
        )
        cursor.execute(
            "UPDATE feeds_payload p SET received_at = r.observed_at FROM feeds_feedrun r"
            " WHERE r.payload_id = p.id AND r.observed_at IS NOT NULL"
        )


def apply_retention(at: datetime) -> None:
    """Delete what is expired at that moment, in as many runs of the job as that takes."""
    from apps.common.retention import delete_expired_rows
    from apps.feeds.actions import purge_old_payloads

    date_rows()
    purge_old_payloads(at=at)
    while any(delete_expired_rows(at=at).values()):
        pass


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--every", type=int, default=1, help="hours between polls")
    parser.add_argument("--only", default=",".join(BODIES), help=f"of {', '.join(BODIES)}")
    parser.add_argument("--noise", type=int, default=24, help="hours between bodies of other bytes")
    arguments = parser.parse_args()
    slugs = arguments.only.split(",")
    if not set(slugs) <= set(BODIES):
        parser.error(f"--only must name some of {', '.join(BODIES)}, with commas between them.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    os.environ.setdefault("REGISTRY_ENV", "demo")
    os.environ.setdefault("LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("DATABASE_POOL", "0")
    if not os.environ.get("DATABASE_URL"):
        from registry.embedded import ensure

        ensure(durable=False)
    import django

    from registry.process_kind import ProcessKind, declare_process

    # before the settings are read: without time limits no poll fails because of other work
    declare_process(ProcessKind.COMMAND)
    django.setup()
    years = [YearOfBodies(slug, arguments.hours, recorded_bodies(slug)) for slug in slugs]
    for year in years:
        (hourly, sizes), (seldom, _) = (
            _in_database(
                lambda year=year: poll_year(year, noise=arguments.noise, every=arguments.every),
                year,
            ),
            _in_database(lambda year=year: poll_seldom(year), year),
        )
        for line in describe(year, hourly, seldom):
            print(line, flush=True)
        for word, counts in sizes:
            print(f"  rows {word}: {counts}", flush=True)


def _in_database(
    work: Callable[[], Figures], year: YearOfBodies
) -> tuple[Figures, list[tuple[str, dict[str, int]]]]:
    from apps.catalog.ingestion.builtin_catalogue import load_catalogue
    from apps.common.database.scratch_database import scratch_database

    with scratch_database(
        lambda: load_catalogue(identities_only=True),
        purpose="hourly_year",
        fingerprint=STARTED,
    ):
        sizes = [("before", row_counts())]
        figures = work()
        sizes.append(("after the year", row_counts()))
        apply_retention(START + year.hours * HOUR)
        sizes.append(("after retention", row_counts()))
    return figures, sizes


def describe(year: YearOfBodies, hourly: Figures, seldom: Figures) -> Iterator[str]:
    """Lines of figures: processor milliseconds by poll, and the events of one database only."""

    def mean(values: list[float]) -> str:
        return f"{sum(values) / len(values):.1f}" if values else "none"

    unchanged = hourly.unchanged_ms
    n_polls = len(hourly.unchanged_ms) + len(hourly.noise_ms) + len(hourly.changed_ms)
    yield f"{year.slug}: {n_polls} polls in {year.hours} hours, {len(year.served)} bodies"
    yield (
        f"  processor ms of a poll: first 100 unchanged {mean(unchanged[:100])}, last 100 "
        f"{mean(unchanged[-100:])}; other bytes {mean(hourly.noise_ms)}; changed "
        f"{mean(hourly.changed_ms)}"
    )
    yield f"  statements {dict(hourly.statements)}, written {dict(hourly.written)}"
    yield (
        f"  events {hourly.events.total()}, repeated "
        f"{sum(n > 1 for n in hourly.events.values())}, not in the other database "
        f"{(hourly.events - seldom.events).total()}, only there "
        f"{(seldom.events - hourly.events).total()}"
    )
    for place, events in (
        ("here", hourly.events - seldom.events),
        ("there", seldom.events - hourly.events),
    ):
        for told in sorted(events)[:MAX_LISTED]:
            yield f"  only {place}: {' '.join(told)}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    yield f"  peak memory of the process {peak} MB"


if __name__ == "__main__":
    main()
