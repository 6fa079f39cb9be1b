"""`make dates`: the tests on other days, to see that none depends on the day it is run.

Debian's `datefudge` is loaded into pytest and, by inheritance, into every server, worker and
browser that the tests start: they all read the time of day of `Day.start`, and it passes. Timeouts
are measured by the monotonic clock, which stays. Nothing else on the machine notices. The servers
and databases of these runs lie in .data/dates, apart from those of `make test`; addresses of
servers that run elsewhere (DATABASE_URL, BROKER_URL) are not used, because such a server keeps its
own time.

    python -m tests.dates [--days all|turn|NAME,NAME] [--files all|reading|turn] [arguments of
    pytest]

`libfaketime` does not serve: inside its own waiting calls it shows a signal handler the real time,
so that PostgreSQL never ends a statement, a wait for a lock or a deadlock in time.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from registry import embedded

CHECKOUT = embedded.CHECKOUT
TESTS = CHECKOUT / "tests"
# as `make test`
PYTEST = (
    "--numprocesses=auto",
    "--dist=loadfile",
    "--no-loadscope-reorder",
    "-p",
    "no:cacheprovider",
    # both lanes, but for the clients of others: they are no part of what is drilled here
    "-m",
    "",
    "--ignore=tests/proof",
)
# servers that keep their own time, and what the package registry sets; tests/conftest.py has its
# own
NOT_PASSED_ON = frozenset({"DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE"})
MISSING = (
    "The clock of the tests cannot be shifted: Debian's package datefudge is not installed."
    " Install it (apt-get install datefudge) and start again."
)


@dataclass(frozen=True, slots=True)
class Day:
    """A moment at which a run of the tests begins."""

    name: str
    start: datetime
    reason: str


def _utc(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


DAYS = (
    Day("month-end", _utc(2027, 1, 31, 23, 5), "31 January, and 1 February already in Berlin"),
    Day("month-begin", _utc(2027, 3, 1, 0, 10), "1 March, and still 28 February in New York"),
    Day("year-end", _utc(2026, 12, 31, 23, 57), "the year ends while the tests run"),
    Day("year-begin", _utc(2027, 1, 1, 0, 5), "1 January, and still 31 December in New York"),
    Day(
        "leap-day", _utc(2028, 2, 29, 10, 0), "29 February, more than a year from the recorded data"
    ),
    Day(
        "spring-europe",
        _utc(2027, 3, 28, 0, 55),
        "Berlin has a day of 23 hours; its clock is set at 01:00 UTC",
    ),
    Day(
        "autumn-europe",
        _utc(2027, 10, 31, 0, 30),
        "Berlin has a day of 25 hours; 02:30 comes twice",
    ),
    Day(
        "spring-america",
        _utc(2027, 3, 14, 6, 30),
        "New York has a day of 23 hours; its clock is set at 07:00 UTC",
    ),
    Day(
        "autumn-america",
        _utc(2027, 11, 7, 5, 30),
        "New York has a day of 25 hours; 01:30 comes twice",
    ),
)
_NAMED = {day.name: day for day in DAYS}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run said at its end; `failed` names the tests."""

    day: Day
    n_tests: int
    n_skipped: int
    failed: tuple[str, ...]
    is_whole: bool
    seconds: float

    @property
    def is_good(self) -> bool:
        return self.is_whole and self.n_tests > 0 and not self.failed


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.dates", allow_abbrev=False)
    parser.add_argument(
        "--days",
        default="all",
        help=f"all, turn (another one every day), or some of {', '.join(_NAMED)}",
    )
    parser.add_argument(
        "--files",
        choices=["all", "reading", "turn"],
        default="all",
        help="reading: those that read the clock; turn: a third of them, another one in each round"
        " of days",
    )
    parser.add_argument(
        "--where-possible",
        action="store_true",
        help="a machine without datefudge is no failure: say that the drill is skipped",
    )
    parser.add_argument(
        "--ignored",
        action="store_true",
        help="print the arguments by which another run of pytest leaves out what `--files turn`"
        " runs; nothing where the clock cannot be shifted",
    )
    chosen, rest = parser.parse_known_args(given)
    today = date.today()
    if chosen.ignored:
        print(" ".join(ignoring_arguments(today)))
        return 0
    try:
        days = chosen_days(chosen.days, today=today)
    except KeyError as error:
        parser.error(f"There is no day {error}. There are all, turn and {', '.join(_NAMED)}.")
    library = shifting_library()
    if library is None:
        print(MISSING, file=sys.stderr)
        return 0 if chosen.where_possible else 1
    files = {"all": [], "reading": reading_files(), "turn": files_of_turn(today)}[chosen.files]
    arguments = [*rest, *files]
    outcomes = [run(day, library=library, arguments=arguments) for day in days]
    print_outcomes(outcomes)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def ignoring_arguments(today: date) -> list[str]:
    """Return arguments of pytest, so that `make proof` runs no drill twice."""
    if shifting_library() is None:
        return []
    return [f"--ignore={name}" for name in files_of_turn(today)]


def files_of_turn(today: date) -> list[str]:
    """Return a third of the files that read the clock. While the thirds change, every day of the
    round has its turn, so that each file meets each day within 27 days."""
    return reading_files()[today.toordinal() // len(DAYS) % 3 :: 3]


def chosen_days(text: str, *, today: date) -> list[Day]:
    """KeyError for a name that no day has."""
    if text == "all":
        return list(DAYS)
    if text == "turn":
        return [DAYS[today.toordinal() % len(DAYS)]]
    return [_NAMED[name] for name in text.split(",")]


def shifting_library() -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob("*/datefudge/datefudge.so"))), None)


def run(day: Day, *, library: Path, arguments: Sequence[str]) -> Outcome:
    """Run pytest from `day.start` on, on servers and databases of its own: one left from another
    day would keep that day's time, and hold rows of what is still to come."""
    data = embedded.data_folder() / "dates"
    embedded.stop(data / "tests")
    shutil.rmtree(data / "tests", ignore_errors=True)
    data.mkdir(parents=True, exist_ok=True)
    report = data / f"{day.name}.xml"
    report.unlink(missing_ok=True)
    print(f"\n{day.name}: {day.start:%Y-%m-%d %H:%M} UTC, {day.reason}", flush=True)
    command = [sys.executable, "-m", "pytest", *PYTEST, f"--junitxml={report}", *arguments]
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment_from(day.start, library, data), check=False
    )
    return _outcome(
        day, report, is_whole=done.returncode in (0, 1), seconds=time.monotonic() - begun
    )


def real_time() -> float:
    """The machine's time, also for a process whose own is shifted."""
    return time.time() + int(os.environ.get("DATEFUDGE", "0"))


def environment_from(start: datetime, library: Path, data: Path) -> dict[str, str]:
    """The environment of a process for which it is `start` now."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    # by how many seconds the time of day goes back
    back = round(real_time() - start.timestamp())
    return kept | {"LD_PRELOAD": str(library), "DATEFUDGE": str(back), "REGISTRY_DATA": str(data)}


def _outcome(day: Day, report: Path, *, is_whole: bool, seconds: float) -> Outcome:
    if not report.exists():
        return Outcome(day, 0, 0, (), is_whole=False, seconds=seconds)
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = [
        case for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    names = dict.fromkeys(f"{case.get('classname')}::{case.get('name')}" for case in failed)
    n_skipped = sum(case.find("skipped") is not None for case in cases)
    return Outcome(day, len(cases), n_skipped, tuple(names), is_whole=is_whole, seconds=seconds)


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    print(f"\n{'day':<16}{'starts (UTC)':<18}{'tests':>7}{'skipped':>9}{'failed':>8}{'seconds':>9}")
    for outcome in outcomes:
        broken = "" if outcome.is_whole else "  the run broke off"
        print(
            f"{outcome.day.name:<16}{outcome.day.start:%Y-%m-%d %H:%M}  "
            f"{outcome.n_tests:>7}{outcome.n_skipped:>9}"
            f"{len(outcome.failed):>8}{outcome.seconds:>9.0f}{broken}"
        )
        for name in outcome.failed:
            print(f"    {name}")


# now(), date.today(), timezone.localdate(), time.time() and the like; only calls, so that words do
# not count
_READ = re.compile(r"\b(?:now|today|utcnow|localdate|time\.time)\(\)")
# minutes of processes that are killed and started again, which the whole run has, and clients of
# others
_LONG = (
    "tests/proof",
    "tests/alerts/faults",
    "tests/access/test_matrix.py",
    "tests/api/openapi/test_fuzzing.py",
    "tests/feeds/polls/test_worker.py",
)


def reading_files() -> list[str]:
    """The test files that read the clock: what they expect moves with the day. The others give the
    product fixed days; that no page or task behind them reads the clock, only the whole run can
    tell."""
    paths = [path for path in sorted(TESTS.rglob("test_*.py")) if _READ.search(path.read_text())]
    return [
        name for path in paths if not (name := str(path.relative_to(CHECKOUT))).startswith(_LONG)
    ]


if __name__ == "__main__":
    sys.exit(main())
