"""Which price changes are worth a mail: by percent, by month, and what begins or ends."""

from decimal import Decimal
from typing import Any

import pytest

from apps.alerts.actions import raise_alerts
from apps.alerts.models import Alert, AlertSettings
from apps.alerts.price_moves import move_of
from apps.inventory.models import Dependency
from tests.alerts.world import make_world
from tests.builders import NOW


def counts(old: Any, new: Any, used: dict[str, int] | None = None) -> bool:
    return move_of(old, new, used or {}, at_least_percent=Decimal(5), at_least_monthly=Decimal(100)).counts


@pytest.mark.parametrize(
    ("old", "new", "used", "told"),
    [
        ({"input": "1"}, {"input": "1.04"}, {}, False),
        ({"input": "1"}, {"input": "1.05"}, {}, True),
        ({"input": "1"}, {"input": "0.95"}, {}, True),
        ({"input": "1"}, {"input": "0.96"}, {}, False),
        ({"input": "100"}, {"input": "101"}, {"input": 100_000_000}, True),
        ({"input": "100"}, {"input": "101"}, {"input": 99_000_000}, False),
        ({"input": "1", "output": "4"}, {"input": "1.01", "output": "4.4"}, {}, True),
        ({}, {"input": "1"}, {}, True),
        ({"input": "1"}, {}, {}, True),
        ({"input": "0"}, {"input": "0.01"}, {}, True),
        ({"input": "0"}, {"input": "0"}, {}, False),
        (None, None, {}, True),
        ({"input": "NaN"}, {"input": "x"}, {}, True),
    ],
)
def test_a_move_counts_by_percent_or_by_what_it_makes_a_month(old: Any, new: Any, used: Any, told: bool) -> None:
    assert counts(old, new, used) is told


def test_what_it_makes_a_month_adds_up_over_the_units() -> None:
    move = move_of(
        {"input": "1", "output": "4"}, {"input": "2", "output": "3"}, {"input": 300_000_000, "output": 100_000_000},
        at_least_percent=Decimal(5), at_least_monthly=Decimal(100),
    )  # fmt: skip

    assert (move.monthly, move.percent) == (Decimal(200), Decimal(100))


@pytest.mark.django_db
def test_a_small_move_is_told_only_where_it_makes_enough_a_month() -> None:
    world = make_world()
    world.event("repriced", old={"input": "1.00"}, new={"input": "1.02"})
    assert raise_alerts(at=NOW) == 0
    Dependency.objects.update(monthly_input_tokens=6_000_000_000)
    world.event("repriced", old={"input": "1.00"}, new={"input": "1.02"})

    assert raise_alerts(at=NOW) == 1

    assert Alert.objects.get().details == {"percent": "2.0", "monthly_usd": "120.00"}


@pytest.mark.django_db
def test_the_lines_are_the_organisation_s_own() -> None:
    AlertSettings.objects.update(price_percent=50)
    world = make_world()
    world.event("repriced", old={"input": "1.00"}, new={"input": "1.40"})

    assert raise_alerts(at=NOW) == 0
