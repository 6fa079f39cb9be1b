"""What a choice of a model would break: capabilities, approvals, retirement, judges."""

from datetime import date
from typing import Any

import pytest

from apps.catalog.models import Offering
from apps.inventory.candidate_checks import (
    IntendedUse,
    UnconfirmedChoiceError,
    breaks_of,
    check_candidates,
    refuse_unconfirmed,
    replacement_of,
)
from apps.inventory.models import Application, Dependency
from tests.builders import (
    TODAY,
    make_application,
    make_approval,
    make_dependency,
    make_foundation,
    make_offering,
    make_version,
)
from tests.worlds.fit import require, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make_application("Claims triage")


@pytest.fixture
def primary(application: Application) -> Dependency:
    return make_dependency(
        application, make_offering("old", retires_on=date(2027, 3, 1), date_kind="firm")
    )


def _codes(use: IntendedUse, candidate: Offering) -> list[str]:
    return [str(found.kind) for found in breaks_of(use, candidate, on=TODAY)]


def test_a_candidate_that_breaks_nothing_has_no_breaks(primary: Dependency) -> None:
    require(primary, vision=True)
    candidate = make_offering("new")
    settle(candidate, vision=True)
    assert _codes(replacement_of(primary), candidate) == []


def test_unknown_is_no_break_and_no_fit(primary: Dependency) -> None:
    require(primary, vision=True)
    candidate = make_offering("new")
    check = check_candidates(replacement_of(primary), [candidate], on=TODAY)[candidate.pk]
    assert check.breaks == ()
    assert check.fit.verdict == "unknown"


def test_a_lost_capability_is_named(primary: Dependency) -> None:
    require(primary, vision=True)
    candidate = make_offering("new")
    settle(candidate, vision=False)
    (found,) = breaks_of(replacement_of(primary), candidate, on=TODAY)
    assert found.phrase == "breaks: has no image input"
    assert found.sentence == "Claims triage would lose what it uses: new has no image input."


def test_a_fallback_must_do_what_the_primary_model_does(
    application: Application, primary: Dependency
) -> None:
    require(primary, context_window=100_000)
    candidate = make_offering("new")
    settle(candidate, context_window=32_000)
    (found,) = breaks_of(IntendedUse(application, "fallback"), candidate, on=TODAY)
    assert found.sentence == (
        "The fallback of Claims triage would not do what the primary model does: new has a context "
        "window of 32,000 tokens (100,000 needed)."
    )
    # of another use nothing is known
    assert _codes(IntendedUse(application, "embedding"), candidate) == []


def test_a_replaced_fallback_needs_what_it_and_the_primary_model_need(
    application: Application, primary: Dependency
) -> None:
    fallback = make_dependency(application, make_offering(), "fallback")
    require(primary, vision=True)
    require(fallback, pdf=True)
    candidate = make_offering("new")
    settle(candidate, vision=False, pdf=False)
    (found,) = breaks_of(replacement_of(fallback), candidate, on=TODAY)
    assert found.phrase == "breaks: has no image input and has no PDF input"


def test_a_blocked_model_breaks_an_approval(primary: Dependency) -> None:
    candidate = make_offering("new")
    make_approval("blocked", offering=candidate, reason="no agreement")
    (found,) = breaks_of(replacement_of(primary), candidate, on=TODAY)
    assert found.phrase == "blocked by an approval"
    assert "no agreement" in found.sentence


@pytest.mark.parametrize(
    ("dates", "phrase"),
    [
        ({"retires_on": date(2027, 3, 1), "date_kind": "firm"}, "retires on the same date as old"),
        ({"retires_on": date(2027, 2, 1), "date_kind": "firm"}, "retires before old"),
        ({"lifecycle": "retired"}, "retired"),
        ({"retires_on": date(2027, 2, 1), "date_kind": "not_before"}, ""),
        ({"retires_on": date(2027, 4, 1), "date_kind": "firm"}, ""),
    ],
)
def test_a_replacement_must_outlive_what_it_replaces(
    primary: Dependency, dates: dict[str, Any], phrase: str
) -> None:
    candidate = make_offering("new", **dates)
    found = breaks_of(replacement_of(primary), candidate, on=TODAY)
    assert [row.phrase for row in found] == ([phrase] if phrase else [])
    # what is added replaces nothing
    assert _codes(IntendedUse(primary.application, "primary"), candidate) == []


def test_judge_and_judged_must_not_become_the_same_model(
    application: Application, primary: Dependency
) -> None:
    foundation = make_foundation("google/gemini-3.8-flash", name="Gemini 3.8 Flash")
    judging = make_version("google/gemini-3.8-flash-001", foundation=foundation)
    judge = make_dependency(application, make_offering("judge", version=judging), "judge")
    same = make_offering("same", version=judging)
    related = make_offering("related", version=make_version(foundation=foundation))
    (found,) = breaks_of(replacement_of(primary), same, on=TODAY)
    assert found.sentence == "Judge and primary model would be the same model: Gemini 3.8 Flash."
    (found,) = breaks_of(replacement_of(primary), related, on=TODAY)
    assert found.phrase == "judge and primary model would share a foundation"
    # the other way round
    assert primary.offering.version is not None
    own = make_offering("own", version=primary.offering.version)
    assert _codes(replacement_of(judge), own) == ["judge"]
    # a fallback is not what the judge was chosen for
    assert _codes(IntendedUse(application, "fallback"), same) == []


def test_what_judge_and_judged_share_already_is_no_consequence(application: Application) -> None:
    foundation = make_foundation()
    primary = make_dependency(
        application, make_offering("old", version=make_version(foundation=foundation))
    )
    judging = make_version(foundation=foundation)
    make_dependency(application, make_offering("judge", version=judging), "judge")
    related = make_offering("new", version=make_version(foundation=foundation))
    assert _codes(replacement_of(primary), related) == []
    same = make_offering("same", version=judging)
    assert _codes(replacement_of(primary), same) == ["judge"]


def test_many_candidates_take_few_statements(
    primary: Dependency, django_assert_max_num_queries: Any
) -> None:
    require(primary, vision=True)
    candidates = [make_offering() for _ in range(12)]
    for candidate in candidates:
        make_approval("blocked", offering=candidate)
    use = replacement_of(Dependency.objects.select_related("offering__version").get(pk=primary.pk))
    _ = use.application
    with django_assert_max_num_queries(5):
        check_candidates(use, candidates, on=TODAY)


def test_a_choice_that_breaks_something_is_confirmed(primary: Dependency) -> None:
    candidate = make_offering("new", lifecycle="retired")
    breaks = breaks_of(replacement_of(primary), candidate, on=TODAY)
    with pytest.raises(UnconfirmedChoiceError, match=r"new is retired\."):
        refuse_unconfirmed(breaks, confirmed=False)
    refuse_unconfirmed(breaks, confirmed=True)
    refuse_unconfirmed((), confirmed=False)
