"""Days between the releases of a developer."""

from datetime import date, timedelta

from apps.catalog.providers.releases import RELEASE_WINDOW, measure_releases

TODAY = date(2026, 11, 29)


def days_ago(*numbers: int) -> list[date]:
    return [TODAY - timedelta(number) for number in numbers]


def test_versions_of_one_day_are_one_release_day() -> None:
    measured = measure_releases([*days_ago(100, 100, 90, 60, 50, 0), None], today=TODAY)

    assert (measured.n_versions, measured.n_days, measured.n_undated) == (6, 5, 1)
    assert (measured.median_days, measured.shortest_days, measured.longest_days) == (20, 10, 50)
    assert (measured.first_on, measured.last_on) == (TODAY - timedelta(100), TODAY)


def test_four_intervals_make_a_statistic_and_three_do_not() -> None:
    assert measure_releases(days_ago(40, 30, 20, 10, 0), today=TODAY).median_days == 10
    few = measure_releases(days_ago(40, 30, 20, 10), today=TODAY)
    assert (few.median_days, few.shortest_days, few.n_days) == (None, None, 4)


def test_releases_of_more_than_two_years_ago_and_of_the_future_are_left_out() -> None:
    measured = measure_releases(
        [TODAY - RELEASE_WINDOW, TODAY - RELEASE_WINDOW + timedelta(1), TODAY + timedelta(1)],
        today=TODAY,
    )

    assert (measured.n_versions, measured.n_days) == (1, 1)


def test_no_release_is_no_error() -> None:
    measured = measure_releases([], today=TODAY)

    assert (measured.n_versions, measured.first_on, measured.median_days) == (0, None, None)
