"""The open-weight posture: what counts as open, what as a fitting alternative, and what stays
unknown."""

import json
from random import Random
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, FLAG, LIMIT, MODALITIES, SET
from apps.catalog.capabilities.fit import FitVerdict, check_fit
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import Offering, SettledClaims
from apps.exposure.models import Basis, MeasuredOpenWeights
from apps.exposure.queries import open_weights
from apps.exposure.queries.open_weights import (
    OpenWeightState,
    _find_fitting_offerings,
    _read_groups,
    fitting_alternatives,
    open_weight_posture,
    primaries_by_state,
    state_of,
    store_open_weight_measurements,
    stored_posture,
)
from apps.inventory.models import Application, Requirement
from tests.builders import NOW, TODAY, make_offering, make_team
from tests.exposure.portfolio import bring_up_to_date, user_of

pytestmark = pytest.mark.django_db


def settle(offering: Offering, **values: Any) -> Offering:
    SettledClaims.objects.create(
        offering=offering,
        topic="capability",
        values={name: {"value": value} for name, value in values.items()},
        changed_at=NOW,
    )
    return offering


def needs(application: Application, **values: Any) -> None:
    for field, value in values.items():
        Requirement.objects.create(
            dependency=application.dependencies.get(role="primary"), field=field, value=value
        )


def counts(**options: Any) -> dict[str, int]:
    bring_up_to_date(TODAY)
    posture = open_weight_posture(Basis.COUNT, **options)
    return {state.value: n for state, n in posture.counts.items() if n}


def test_each_primary_model_counts_in_one_state() -> None:
    closed = settle(make_offering("closed"), open_weights=False, tool_calling=True)
    settle(make_offering("open-tools"), open_weights=True, tool_calling=True)
    settle(make_offering("open-unknown"), open_weights=True)
    user_of(settle(make_offering("open"), open_weights=True))
    needs(user_of(closed), tool_calling=True)
    needs(user_of(closed), vision=True)
    user_of(closed)  # nothing is known of its use
    user_of(make_offering("nothing-stated"))
    needs(user_of(make_offering("nothing-stated-2")), vision=True)
    needs(user_of(make_offering("nothing-stated-3")), tool_calling=True)

    assert counts() == {"open": 1, "alternative": 2, "none": 1, "unknown": 3}

    bring_up_to_date(TODAY)
    posture = open_weight_posture(Basis.COUNT)
    assert (posture.n, posture.total_weight) == (7, 7.0)
    assert posture.share(OpenWeightState.OPEN) == pytest.approx(1 / 7)
    assert posture.covered == pytest.approx(3 / 7)
    paths = list(primaries_by_state())
    fits = fitting_alternatives([path.pk for path in paths])
    assert {(path.effective_id, str(state_of(path, fits))) for path in paths} >= {
        (closed.pk, "alternative"),
        (closed.pk, "none"),
        (closed.pk, "unknown"),
    }


def test_unknown_is_never_yes() -> None:
    closed = settle(make_offering("closed"), open_weights=False)
    settle(make_offering("contradicted"), open_weights=True, tool_calling=None)
    settle(make_offering("open-not-known"), open_weights=None, tool_calling=True)
    settle(make_offering("retired", lifecycle="retired"), open_weights=True, tool_calling=True)
    needs(user_of(closed), tool_calling=True)
    needs(user_of(closed), tool_calling=False)  # declared as not used: nothing known of its use
    assert counts() == {"none": 1, "unknown": 1}


def test_teams_and_weights() -> None:
    closed = settle(make_offering("closed"), open_weights=False)
    ours, theirs = make_team("Ours"), make_team("Theirs")
    user_of(closed, team=ours, users_affected=10)
    user_of(settle(make_offering("open"), open_weights=True), team=theirs, users_affected=30)
    assert counts(team_ids=[ours.pk]) == {"unknown": 1}
    assert counts(team_ids=[theirs.pk]) == {"open": 1}
    assert counts(team_ids=[]) == {}
    posture = open_weight_posture(Basis.USERS)
    assert posture.weights[OpenWeightState.OPEN] == 30
    assert posture.covered == pytest.approx(0.75)
    assert open_weight_posture(Basis.SPEND).covered is None


def test_a_stored_posture_is_that_of_its_time_by_every_weight() -> None:
    cache.clear()
    closed = settle(make_offering("closed"), open_weights=False)
    settle(make_offering("open"), open_weights=True, context_window=100_000)
    needs(user_of(closed, users_affected=10), context_window=1_000)
    bring_up_to_date(TODAY)
    assert stored_posture(Basis.COUNT) is None

    store_open_weight_measurements()

    for basis in Basis:
        assert stored_posture(basis) == open_weight_posture(basis)
    needs(user_of(closed), context_window=1_000)
    bring_up_to_date(TODAY)
    stored = stored_posture(Basis.COUNT)
    assert stored is not None
    assert stored.n == 1


def test_groups_grow_with_what_models_state_not_with_applications() -> None:
    closed = settle(make_offering("closed"), open_weights=False)
    settle(make_offering("open"), open_weights=True, context_window=100_000)
    settle(make_offering("open-larger"), open_weights=True, context_window=200_000)
    for n in range(3):
        for size in (1_000, 150_000, 900_000):
            needs(user_of(closed), context_window=size + n)
    bring_up_to_date(TODAY)
    n_groups = len(_read_groups(None))
    for n in range(10):
        needs(user_of(closed), context_window=2_000 + n)
    bring_up_to_date(TODAY)
    assert len(_read_groups(None)) == n_groups == 3


def test_groups_and_rows_agree_in_every_state() -> None:
    random = Random(11)
    windows = [8_000, 95_000, 100_000, 105_000, 105_264, 200_000]
    models = [
        settle(
            make_offering(f"model-{n}"),
            **{
                key: value
                for key, value in {
                    "open_weights": random.choice([True, True, False, None]),
                    "context_window": random.choice([None, *windows]),
                    "input_modalities": random.sample(MODALITIES, random.randint(1, 3)),
                    "knowledge_cutoff": random.choice([None, "2024-01", "2025-06"]),
                    "tool_calling": random.choice([True, False, None]),
                }.items()
                if random.random() < 0.8
            },
        )
        for n in range(10)
    ]
    for _ in range(60):
        dependency = user_of(random.choice(models)).dependencies.get()
        for field, value in {
            "context_window": lambda: random.choice(windows),
            "input_modalities": lambda: sorted(random.sample(MODALITIES, random.randint(1, 2))),
            "knowledge_cutoff": lambda: random.choice(["2024-01", "2025-01", "2025-06"]),
            "tool_calling": lambda: random.choice([True, False]),
        }.items():
            for origin in ("declared", "observed"):
                if random.random() < 0.3:
                    Requirement.objects.create(
                        dependency=dependency, field=field, value=value(), origin=origin
                    )
    bring_up_to_date(TODAY)

    paths = list(primaries_by_state())
    fits = fitting_alternatives([path.pk for path in paths])
    states = {path.pk: state_of(path, fits) for path in paths}

    posture = open_weight_posture(Basis.COUNT)
    assert posture.counts == {state: [*states.values()].count(state) for state in OpenWeightState}
    assert all(posture.counts.values())
    for state in OpenWeightState:
        assert {path.pk for path in primaries_by_state(state=state)} == {
            pk for pk, of_path in states.items() if of_path == state
        }


def test_a_large_portfolio_has_its_states_as_they_were_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = settle(make_offering("closed"), open_weights=False)
    opened = settle(make_offering("open"), open_weights=True, context_window=100_000)
    fits, too_large, gone = user_of(closed), user_of(closed), user_of(opened)
    needs(fits, context_window=1_000)
    needs(too_large, context_window=900_000)

    def applications(state: OpenWeightState, **options: Any) -> set[int]:
        return {path.application_id for path in primaries_by_state(state=state, **options)}

    bring_up_to_date(TODAY)
    store_open_weight_measurements()
    assert not MeasuredOpenWeights.objects.exists()

    monkeypatch.setattr(open_weights, "MAX_MEASURED_NOW", 2)
    # before the first measurement they are compared now
    assert applications(OpenWeightState.OPEN) == {gone.pk}
    store_open_weight_measurements()
    Requirement.objects.filter(dependency__application=too_large).update(value=1_000)
    gone.dependencies.all().delete()
    late = user_of(opened)
    bring_up_to_date(TODAY)
    with CaptureQueriesContext(connection) as queries:
        assert applications(OpenWeightState.ALTERNATIVE) == {fits.pk}
        assert applications(OpenWeightState.NONE) == {too_large.pk}
        assert applications(OpenWeightState.NONE, team_ids=[fits.team_id]) == set()
        # open weights need no comparison
        assert applications(OpenWeightState.OPEN) == {late.pk}
    assert not any("inventory_requirement" in query["sql"] for query in queries)

    store_open_weight_measurements()
    assert applications(OpenWeightState.ALTERNATIVE) == {fits.pk, too_large.pk}
    states = MeasuredOpenWeights.objects.values_list("state", flat=True)
    assert sorted(states) == ["alternative", "alternative", "open"]


def test_the_number_of_statements_does_not_grow() -> None:
    closed = settle(make_offering("closed"), open_weights=False)
    settle(make_offering("open"), open_weights=True, context_window=100_000)
    for n in range(3):
        needs(user_of(closed), context_window=1_000 + n)
    bring_up_to_date(TODAY)
    with CaptureQueriesContext(
        connection,
    ) as few:
        open_weight_posture(Basis.COUNT)
    for n in range(10):
        needs(user_of(closed), context_window=5_000 + n)
    bring_up_to_date(TODAY)
    with CaptureQueriesContext(connection) as many:
        posture = open_weight_posture(Basis.COUNT)
    assert posture.counts[OpenWeightState.ALTERNATIVE] == 13
    assert len(few) == len(many) == 2


def test_the_statement_fits_as_check_fit_does() -> None:
    random = Random(7)

    def some_value(key: str) -> Any:
        form = CAPABILITY_FIELDS[key].form
        if form == FLAG:
            return True
        if form == LIMIT:
            return random.choice([8_000, 100_000, 105_000, 200_000])
        if form == SET:
            return sorted(random.sample(MODALITIES, random.randint(1, 3)))
        return random.choice(["2024-01", "2025-06"])

    candidates: dict[int, dict[str, Any]] = {}
    for n in range(8):
        values = {
            key: random.choice([None, False if field.form == FLAG else None, some_value(key)])
            for key, field in CAPABILITY_FIELDS.items()
            if random.random() < 0.7
        } | {"open_weights": True}
        candidates[settle(make_offering(f"open-{n}"), **values).pk] = values
    wanted = []
    for _ in range(150):
        keys = random.sample(list(CAPABILITY_FIELDS), random.randint(1, 2))
        wanted.append({key: some_value(key) for key in keys})

    texts = list(dict.fromkeys(json.dumps(need, sort_keys=True) for need in wanted))
    found = _find_fitting_offerings(texts)

    for text in texts:
        fitting = {
            pk
            for pk, values in candidates.items()
            if check_fit(
                json.loads(text), {key: SettledValue(value) for key, value in values.items()}
            ).verdict
            == FitVerdict.FITS
        }
        assert (text in found) == bool(fitting), text
        assert text not in found or found[text] in fitting
    assert 0 < len(found) < len(texts)
