"""Choosing the model ID of a name: what moves, what is remembered, and what the undo restores."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import Offering, OfferingKind
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.actions.locks import MissingRoleError
from apps.inventory.actions.named_models import (
    Identification,
    identify_named_model,
    undo_identification,
)
from apps.inventory.models import Dependency
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db
NAME = NamedModel("bedrock", "Haiku 3 / Bedrock")


@pytest.fixture
def named() -> Offering:
    return Offering.objects.get(pk=ensure_named_models([NAME], at=NOW)[NAME])


@pytest.fixture
def real() -> Offering:
    return make_offering("claude-3-haiku", host=make_provider("bedrock"), version=make_version())


def _choose(named: Offering, real: Offering) -> Identification:
    governance = make_user(role="governance")
    return identify_named_model(offering=named, real=real, by=governance, at=NOW)


def test_every_dependency_moves_and_the_next_import_takes_the_model_id(
    named: Offering, real: Offering
) -> None:
    rows = [make_dependency(make_application(), named) for _ in range(2)]

    result = _choose(named, real)

    assert set(result.moved_ids) == {row.pk for row in rows}
    assert set(Dependency.objects.values_list("offering", flat=True)) == {real.pk}
    assert ensure_named_models([NAME], at=NOW) == {NAME: real.pk}


def test_the_undo_returns_the_dependencies_that_were_not_changed_later(
    named: Offering, real: Offering
) -> None:
    kept, changed = (make_dependency(make_application(), named) for _ in range(2))
    result = _choose(named, real)
    with audit_context(user=make_user()):
        Dependency.objects.filter(pk=changed.pk).update(monthly_requests=5)

    n = undo_identification(offering=named, change=result.change, by=make_user(role="governance"))

    kept.refresh_from_db()
    changed.refresh_from_db()
    named.refresh_from_db()
    assert (n, kept.offering, changed.offering) == (1, named, real)
    assert named.resolved_to is None


def test_a_dependency_that_is_already_declared_ends_and_the_undo_reopens_it(
    named: Offering, real: Offering
) -> None:
    application = make_application()
    make_dependency(application, real)
    doubled = make_dependency(application, named)

    result = _choose(named, real)

    doubled.refresh_from_db()
    assert (result.merged_ids, doubled.until) == ((doubled.pk,), TODAY)
    undo_identification(offering=named, change=result.change, by=make_user(role="governance"))
    doubled.refresh_from_db()
    assert doubled.until is None


def test_a_dependency_that_lasts_longer_than_the_declared_one_begins_when_that_ends(
    named: Offering, real: Offering
) -> None:
    application = make_application()
    begun, ended = (TODAY - timedelta(days=days) for days in (300, 100))
    make_dependency(application, real, since=begun - timedelta(days=30), until=ended)
    used = make_dependency(application, named, since=begun)

    result = _choose(named, real)

    used.refresh_from_db()
    assert (result.moved_ids, result.merged_ids) == ((used.pk,), ())
    assert (used.offering, used.since, used.until) == (real, ended, None)
    undo_identification(offering=named, change=result.change, by=make_user(role="governance"))
    used.refresh_from_db()
    assert (used.offering, used.since) == (named, begun)


def test_exit_plans_and_tests_towards_the_name_lead_to_the_model_id_and_back(
    named: Offering, real: Offering
) -> None:
    dependency = make_dependency(make_application(), make_offering())
    rows = (make_exit_plan(dependency, target=named), make_exit_test(dependency, named))

    result = _choose(named, real)

    for row in rows:
        row.refresh_from_db()
        assert row.target == real
    undo_identification(offering=named, change=result.change, by=make_user(role="governance"))
    for row in rows:
        row.refresh_from_db()
        assert row.target == named


def test_an_editor_chooses_for_own_applications_only(named: Offering, real: Offering) -> None:
    team = make_team()
    editor = make_member(team, TeamRole.EDITOR)
    make_dependency(make_application(team=team), named)
    identify_named_model(offering=named, real=real, by=editor, at=NOW)

    other = NamedModel("bedrock", "another")
    offering = Offering.objects.get(pk=ensure_named_models([other], at=NOW)[other])
    make_dependency(make_application(), offering)
    with pytest.raises(MissingRoleError):
        identify_named_model(offering=offering, real=real, by=editor, at=NOW)


def test_a_model_id_cannot_be_identified_again(real: Offering) -> None:
    assert real.kind == OfferingKind.MODEL_ID
    with pytest.raises(ConflictError):
        _choose(real, make_offering())
