"""The settings row: what it says is followed at once, and what cannot be meant never reaches the
tables."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from apps.catalog.models import NodeKind
from apps.exposure.engine.settings import engine_settings
from apps.exposure.engine.table_refresh import rebuild, refresh
from apps.exposure.models import ExposureSettings, ScopedApplication
from apps.exposure.threats import OUTAGE, needed_grade
from tests.builders import TODAY, make_application, make_dependency, make_offering

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "said",
    [
        {"statuses": ["proposed"]},
        {"criticality_points": {"standard": 3}},
        {"required_grade": {"outage": {"host": 2}}},
        {"test_validity_days": 30},
        {"horizon_days": 90},
    ],
)
def test_a_setting_that_decides_rows_builds_them_anew_and_one_that_does_not_leaves_them(
    said: dict[str, object],
) -> None:
    make_dependency(make_application(), make_offering())
    rebuild(on=TODAY)

    ExposureSettings.objects.create(pk=1, cut_threshold="0.25", state_factor={"portable": "1/5"})
    idle = refresh(on=TODAY)
    ExposureSettings.objects.update(**said)
    done = refresh(on=TODAY)

    assert not idle.rebuilt
    assert done.rebuilt
    assert not refresh(on=TODAY).rebuilt


def test_what_a_setting_leaves_out_is_the_default() -> None:
    ExposureSettings.objects.create(
        pk=1, criticality_points={"low": 0}, required_grade={"outage": {"region": 3}}
    )
    make_dependency(make_application(criticality=3), make_offering())
    rebuild(on=TODAY)
    settings = engine_settings()

    assert settings.points == (8, 4, 2, 0)
    assert ScopedApplication.objects.get().points == 0
    assert needed_grade(settings.required_grade, OUTAGE, NodeKind.REGION) == 3
    assert needed_grade(settings.required_grade, OUTAGE, NodeKind.GATEWAY) == 0


@pytest.mark.parametrize("said", [{"horizon_days": 10**7}, {"test_validity_days": 2 * 10**9}])
def test_days_that_no_calendar_has_are_refused_by_the_database(said: dict[str, int]) -> None:
    with pytest.raises(IntegrityError):
        ExposureSettings.objects.create(pk=1, **said)


@pytest.mark.parametrize("points", [10**10, -1, True, "8"])
def test_points_that_are_none_are_refused_with_a_sentence(points: object) -> None:
    with pytest.raises(ValidationError, match="whole number"):
        ExposureSettings(criticality_points={"critical": points}).full_clean()


def test_a_grade_that_is_no_number_is_no_sql() -> None:
    ExposureSettings.objects.create(pk=1, required_grade={"outage": {"*": "0) OR true --"}})
    make_dependency(make_application(), make_offering())

    with pytest.raises(ValueError, match="invalid literal"):
        rebuild(on=TODAY)
