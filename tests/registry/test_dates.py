"""The drill that runs the tests on other days."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests import dates

TODAY = date(2026, 11, 24)


def test_the_days_are_ends_of_months_and_years_the_leap_day_and_changes_of_summer_time() -> None:
    starts = {day.name: day.start for day in dates.DAYS}

    assert (starts["month-end"] + timedelta(days=1)).month != starts["month-end"].month
    assert (starts["year-end"].date(), starts["year-begin"].date()) == (
        date(2026, 12, 31),
        date(2027, 1, 1),
    )
    assert starts["leap-day"].date() == date(2028, 2, 29)
    assert len(starts) == len(dates.DAYS)


@pytest.mark.parametrize(
    ("zone", "names"),
    [
        ("Europe/Berlin", ["spring-europe", "autumn-europe"]),
        ("America/New_York", ["spring-america", "autumn-america"]),
    ],
)
def test_the_clock_of_a_zone_changes_on_the_days_that_are_named_after_it(
    zone: str, names: list[str]
) -> None:
    for name in names:
        [day] = dates.chosen_days(name, today=TODAY)
        midnight = datetime(day.start.year, day.start.month, day.start.day, tzinfo=ZoneInfo(zone))
        hours = (
            (midnight + timedelta(days=1)).astimezone(UTC) - midnight.astimezone(UTC)
        ) / timedelta(hours=1)
        assert hours == (23 if "spring" in name else 25)


def test_every_day_has_its_turn_within_as_many_days() -> None:
    turns = [
        dates.chosen_days("turn", today=TODAY + timedelta(days=n)) for n in range(len(dates.DAYS))
    ]

    assert {day.name for [day] in turns} == {day.name for day in dates.DAYS}


def test_files_that_read_the_clock_are_there_and_none_of_the_longest_or_of_others_programs() -> (
    None
):
    files = dates.reading_files()

    assert "tests/access/test_audit.py" in files
    assert not [name for name in files if name.startswith(("tests/proof", "tests/alerts/faults"))]


def test_every_file_that_reads_the_clock_meets_every_day_within_a_round_of_thirds() -> None:
    met = {
        (dates.chosen_days("turn", today=today)[0].name, name)
        for n in range(3 * len(dates.DAYS))
        for today in [TODAY + timedelta(days=n)]
        for name in dates.files_of_turn(today)
    }

    assert met == {(day.name, name) for day in dates.DAYS for name in dates.reading_files()}


def test_a_run_beside_leaves_out_what_runs_on_the_other_day_and_nothing_without_such_a_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dates, "shifting_library", lambda: Path("datefudge.so"))
    dates.main(["--ignored"])
    shifted = capsys.readouterr().out.split()
    monkeypatch.setattr(dates, "shifting_library", lambda: None)
    dates.main(["--ignored"])

    assert shifted == [f"--ignore={name}" for name in dates.files_of_turn(date.today())]
    assert len(shifted) > 30
    assert not capsys.readouterr().out.split()


def test_an_unknown_day_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        dates.main(["--days", "easter"])

    assert (
        "There is no day 'easter'. There are all, turn and month-end, " in capsys.readouterr().err
    )


def test_without_the_package_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dates, "shifting_library", lambda: None)

    assert dates.main([]) == 1
    assert "apt-get install datefudge" in capsys.readouterr().err


def test_for_a_process_of_the_drill_it_is_that_day(tmp_path: Path) -> None:
    library = dates.shifting_library()
    if library is None:
        pytest.skip(dates.MISSING)
    start = datetime(2028, 2, 29, 10, tzinfo=UTC)

    program = "import datetime, time; print(datetime.date.today(), int(time.time()))"
    environment = dates.environment_from(start, library, tmp_path)
    output = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)

    assert "DJANGO_SETTINGS_MODULE" not in environment
    day, seconds = output.split()
    assert day == "2028-02-29"
    assert int(seconds) == pytest.approx(start.timestamp(), abs=60)


def test_a_file_that_reads_the_clock_is_found_and_one_that_only_speaks_of_it_is_not() -> None:
    names = dates.reading_files()

    assert "tests/web/views/reports/test_pages.py" in names
    assert "tests/catalog/identity/test_resolver.py" not in names
