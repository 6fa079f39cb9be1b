"""Which prices are worth a mail: the line in percent, the line in money a month, and who pays
it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.alerts.actions import raise_alerts
from apps.alerts.kinds.price_moves import measure_price_move
from apps.alerts.models import Alert, AlertSettings
from apps.catalog.models import Offering
from apps.inventory.models import Application
from tests.alerts.simulation import look, mail_out, texts
from tests.builders import NOW, make_application, make_dependency, make_member, make_team, make_user
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world


def counts(
    old: Any,
    new: Any,
    used: dict[str, int] | None = None,
    *,
    percent: str = "5",
    monthly: str = "100",
) -> bool:
    return measure_price_move(
        old, new, used or {}, at_least_percent=Decimal(percent), at_least_monthly=Decimal(monthly)
    ).counts


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"input": "100"}, {"input": "105"}, True),
        ({"input": "100"}, {"input": "104.999"}, False),
        ({"input": "100"}, {"input": "95"}, True),
        ({"input": "100"}, {"input": "95.001"}, False),
        ({"input": "1"}, {"input": "1.05"}, True),
        ({"input": "1"}, {"input": "0.96"}, False),
        ({"input": "100", "output": "100"}, {"input": "101", "output": "106"}, True),
        # a price that begins, ends, or costs something after it was free
        ({"input": "1"}, {"input": "1", "image": "0.01"}, True),
        ({"input": "1", "image": "0.01"}, {"input": "1"}, True),
        ({"input": "0"}, {"input": "0.0001"}, True),
        ({"input": "0"}, {"input": "0"}, False),
        ({}, {"input": "1"}, True),
        ({"input": "1"}, {}, True),
        ({"input": "3"}, {"input": "0"}, True),
        (None, {"input": "1"}, True),
        # what cannot be read is never kept back
        ({"input": "a lot"}, {"input": "more"}, True),
        (None, None, True),
        ({"input": "NaN"}, {"input": "1"}, True),
        ({"input": "NaN"}, {"input": "x"}, True),
    ],
)
def test_a_move_counts_from_five_percent_on_either_way(old: Any, new: Any, expected: bool) -> None:
    assert counts(old, new) is expected


@pytest.mark.parametrize(("tokens", "expected"), [(9_999_000_000, False), (10_000_000_000, True)])
def test_a_small_move_counts_where_it_makes_a_hundred_a_month(tokens: int, expected: bool) -> None:
    assert counts({"input": "1.00"}, {"input": "1.01"}, {"input": tokens}) is expected
    assert counts({"input": "1.01"}, {"input": "1.00"}, {"input": tokens}) is expected
    assert counts({"input": "100"}, {"input": "101"}, {"input": tokens // 100}) is expected


def test_what_gets_dearer_and_what_gets_cheaper_make_one_sum() -> None:
    used = {"input": 20_000_000_000, "output": 10_000_000_000}

    assert not counts(
        {"input": "1.00", "output": "2.00"}, {"input": "1.01", "output": "1.98"}, used
    )
    assert counts({"input": "1.00", "output": "2.00"}, {"input": "1.01", "output": "1.99"}, used)
    move = measure_price_move(
        {"input": "1", "output": "4"},
        {"input": "2", "output": "3"},
        {"input": 300_000_000, "output": 100_000_000},
        at_least_percent=Decimal(5),
        at_least_monthly=Decimal(100),
    )
    assert (move.monthly, move.percent) == (Decimal(200), Decimal(100))


@pytest.mark.proof
@given(
    old=st.decimals("0.01", "1000", places=4),
    new=st.decimals("0.01", "1000", places=4),
    tokens=st.integers(0, 10**13),
    percent=st.integers(0, 50),
    monthly=st.integers(0, 10_000),
)
def test_it_counts_exactly_where_one_of_the_lines_is_reached(
    old: Decimal, new: Decimal, tokens: int, percent: int, monthly: int
) -> None:
    move = measure_price_move(
        {"input": str(old)},
        {"input": str(new)},
        {"input": tokens},
        at_least_percent=Decimal(percent),
        at_least_monthly=Decimal(monthly),
    )

    by_percent = abs(new - old) * 100 >= percent * old
    by_month = abs(new - old) * tokens >= monthly * 1_000_000
    assert move.counts is (by_percent or by_month)


# --- who is told ----------------------------------------------------------------------------------


@pytest.fixture
@kept_world
def world(db: None) -> SmallWorld:
    """Claims' application uses six thousand million input tokens a month."""
    made = make_small_world()
    Offering.objects.update(retires_on=None, date_kind="")
    made.application.dependencies.update(monthly_input_tokens=6_000_000_000)
    return made


def one_percent_dearer(world: SmallWorld) -> None:
    world.event("repriced", old={"input": "1.00"}, new={"input": "1.01"}, effective_on=None)


def test_a_trifle_is_told_to_no_team_and_worked_through_once(world: SmallWorld) -> None:
    one_percent_dearer(world)

    assert raise_alerts(at=NOW) == 0
    AlertSettings.objects.update(price_percent=1)

    assert raise_alerts(at=NOW) == 0, "a line that is moved later makes no old news new"


def test_what_a_team_pays_is_added_up_over_its_applications_whoever_owns_them(
    world: SmallWorld,
) -> None:
    for name in ("lena", "henrik"):
        make_member(world.team, user=make_user(name))
    Application.objects.update(business_owner="lena")
    second = make_application("Fraud triage", team=world.team, business_owner="henrik")
    make_dependency(second, world.offering, monthly_input_tokens=6_000_000_000)
    other = make_application(team=make_team())
    make_dependency(other, world.offering, monthly_input_tokens=6_000_000_000)
    one_percent_dearer(world)

    look(NOW)
    mail_out(NOW)

    assert {
        alert.user.username: alert.details["monthly_usd"]
        for alert in Alert.objects.select_related("user")
    } == {
        "lena": "60.00",
        "henrik": "60.00",
    }
    assert (
        len(
            [text for text in texts("claims@example.org") if "about 120 USD per month more" in text]
        )
        == 1
    )
    assert (
        len([text for text in texts("lena@example.org") if "about 60 USD per month more" in text])
        == 1
    )


def test_the_organisation_sets_both_lines(world: SmallWorld) -> None:
    one_percent_dearer(world)
    AlertSettings.objects.update(price_monthly_usd=60)

    assert raise_alerts(at=NOW) == 1
    alert = Alert.objects.get()
    assert alert.details == {"percent": "1.0", "monthly_usd": "60.00"}
    assert (alert.state, alert.severity) == ("open", 3)
    AlertSettings.objects.update(price_percent=50, price_monthly_usd=10_000)
    world.event("repriced", old={"input": "1.00"}, new={"input": "1.40"}, effective_on=None)
    assert raise_alerts(at=NOW) == 0


def test_where_nobody_wrote_down_what_is_used_the_percent_decide(world: SmallWorld) -> None:
    world.application.dependencies.update(monthly_input_tokens=None)
    one_percent_dearer(world)
    world.event("repriced", old={"input": "1.00"}, new={"input": "1.10"}, effective_on=None)

    assert raise_alerts(at=NOW) == 1
    assert Alert.objects.get().details == {"percent": "10.0"}
