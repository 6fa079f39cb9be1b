import pytest

from apps.alerts.kinds.severity import (
    event_severity,
    flag_severity,
    highest_severity,
    is_price_increase,
)
from apps.inventory.models import Criticality


@pytest.mark.parametrize(
    ("days_left", "criticality", "severity"),
    [
        (20, Criticality.CRITICAL, 5),
        (30, Criticality.IMPORTANT, 4),
        (31, Criticality.IMPORTANT, 3),
        (90, Criticality.CRITICAL, 4),
        (180, Criticality.STANDARD, 1),
        (400, Criticality.CRITICAL, 2),
        (400, Criticality.LOW, 1),
        (None, Criticality.CRITICAL, 3),
        (-5, Criticality.LOW, 2),
    ],
)
def test_an_end_is_the_louder_the_nearer_it_is_and_the_graver_the_application(
    days_left: int | None, criticality: Criticality, severity: int
) -> None:
    assert event_severity("announced", days_left=days_left, criticality=criticality) == severity


def test_a_retirement_is_as_loud_as_the_application_is_grave() -> None:
    assert [event_severity("retired", days_left=0, criticality=each) for each in Criticality] == [
        5,
        4,
        3,
        2,
    ]


@pytest.mark.parametrize("kind", ["moved_later", "withdrawn"])
def test_relief_is_a_note(kind: str) -> None:
    assert event_severity(kind, days_left=3, criticality=Criticality.CRITICAL) == 1


def test_only_a_price_that_rises_is_more_than_a_note() -> None:
    assert (
        event_severity("repriced", days_left=0, criticality=Criticality.CRITICAL, is_dearer=True)
        == 3
    )
    assert (
        event_severity("repriced", days_left=0, criticality=Criticality.CRITICAL, is_dearer=False)
        == 1
    )


def test_who_only_leans_counts_one_step_less_unless_a_primary_is_as_loud() -> None:
    assert (
        highest_severity("retired", days_left=0, primary=None, supporting=Criticality.CRITICAL) == 4
    )
    assert (
        highest_severity(
            "retired", days_left=0, primary=Criticality.CRITICAL, supporting=Criticality.LOW
        )
        == 5
    )
    assert (
        highest_severity("announced", days_left=400, primary=None, supporting=Criticality.LOW) == 1
    )


def test_a_flag_far_over_its_line_is_louder() -> None:
    assert flag_severity(value=0.51, limit=0.5) == 3
    assert flag_severity(value=0.75, limit=0.5) == 4


def test_where_nothing_is_tolerated_a_breach_is_medium() -> None:
    assert flag_severity(value=7, limit=0) == 3


@pytest.mark.parametrize(
    ("old", "new", "dearer"),
    [
        ({"input": "3"}, {"input": "3.01"}, True),
        ({"input": "3"}, {"input": "2.9"}, False),
        ({"input": "3", "output": "15"}, {"input": "2", "output": "16"}, True),
        ({}, {"input": "1"}, True),
        ({"input": "1"}, {}, False),
        ({"input": "NaN"}, {"input": "text"}, False),
        (None, None, False),
        ("3", ["4"], False),
    ],
)
def test_a_price_is_dearer_where_any_unit_rose(old: object, new: object, dearer: bool) -> None:
    assert is_price_increase(old, new) is dearer
