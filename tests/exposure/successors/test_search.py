"""The candidates of a dependency: where they come from, what each keeps, breaks and changes."""

import re
from datetime import timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.capabilities.fit import FitVerdict, ItemVerdict
from apps.common.time import day_of, now
from apps.exposure.engine.operations import Move
from apps.exposure.engine.scenarios import run_operations
from apps.exposure.engine.settings import engine_settings
from apps.exposure.models import Policy
from apps.exposure.successors.candidates import CandidateReason
from apps.exposure.successors.records import (
    ApprovalState,
    FallbackState,
    ObstacleKind,
    SuccessorSearch,
)
from apps.exposure.successors.search import RELATIONS, find_successors
from apps.inventory.models import Dependency, Requirement
from tests.builders import make_dependency, make_exit_plan, make_member, make_user
from tests.kept_worlds import kept_world
from tests.worlds.successors import SuccessorWorld, make_successor_world, settle


@pytest.fixture
@kept_world
def world(db: None) -> SuccessorWorld:
    return make_successor_world()


def search(world: SuccessorWorld, user=None, **options) -> SuccessorSearch:
    dependencies = Dependency.objects.filter(pk=world.dependency.pk).select_related(*RELATIONS)
    reader = user or make_user(role="governance")
    (found,) = find_successors(list(dependencies), user=reader, on=day_of(now()), **options)
    return found


def kinds_of(row) -> set[ObstacleKind]:
    return {obstacle.kind for obstacle in row.obstacles}


def test_what_fits_is_above_the_line_and_the_rest_says_why_it_is_not(world):
    found = search(world)
    assert [row.offering for row in found.successors] == [world.gpt]
    assert found.n_keeping == 1
    broken = {row.offering: row for row in found.broken}
    assert kinds_of(broken[world.replacement]) == {ObstacleKind.REGION}
    assert kinds_of(broken[world.flash]) == {ObstacleKind.RETIRES_FIRST}
    assert kinds_of(broken[world.mistral]) == {ObstacleKind.CAPABILITY}
    assert kinds_of(broken[world.grok]) == {ObstacleKind.BLOCKED}
    assert kinds_of(broken[world.elsewhere]) == {ObstacleKind.APPROVAL}
    assert broken[world.elsewhere].region == ItemVerdict.UNKNOWN
    assert world.gemini not in broken


def test_reasons_cost_approval_and_independence(world):
    found = search(world)
    (gpt,) = found.successors
    assert gpt.reasons == (CandidateReason.CLASS,)
    assert found.cost.amount == Fraction(16_850)
    assert gpt.cost.amount == Fraction(18_535)
    assert gpt.difference == Fraction(1_685)
    assert gpt.approval == ApprovalState.APPROVED
    assert gpt.independence == 5
    assert gpt.runway_days == 280
    replacement = found.find(world.replacement.pk)
    assert CandidateReason.REPLACEMENT in replacement.reasons
    assert replacement.independence == 3
    assert found.find(world.elsewhere.pk).reasons == (CandidateReason.SAME_VERSION,)


def test_effects_on_fallback_and_judge(world):
    found = search(world)
    (gpt,) = found.successors
    assert gpt.fallback.state == FallbackState.RETIRES
    assert gpt.fallback.offering == world.flash
    # no second candidate keeps everything
    assert gpt.fallback.proposed is None
    assert [judge.independence for judge in gpt.judges] == [5]
    replacement = found.find(world.replacement.pk)
    assert replacement.judges[0].independence == 0
    assert replacement.judges[0].shares_lineage
    assert found.find(world.flash.pk).fallback.state == FallbackState.SAME


def test_a_second_candidate_is_proposed_as_the_fallback(world):
    settle(world.mistral, vision=True, pdf=True, context_window=256_000)
    found = search(world)
    assert {row.offering for row in found.successors} == {world.gpt, world.mistral}
    by_offering = {row.offering: row for row in found.successors}
    assert by_offering[world.gpt].fallback.proposed == world.mistral
    assert by_offering[world.mistral].fallback.proposed == world.gpt


def test_unknown_is_never_kept(world):
    settle(world.gpt, vision=True, context_window=400_000)
    (gpt,) = search(world).successors
    assert gpt.fit.verdict == FitVerdict.UNKNOWN
    assert not gpt.keeps_everything

    Requirement.objects.all().delete()
    found = search(world)
    assert found.n_keeping == 0
    assert found.needs == {}
    assert all(row.fit.verdict == FitVerdict.UNKNOWN for row in found.successors)


def test_tests_of_other_teams_have_no_name_for_those_who_cannot_view_them(world):
    (gpt,) = search(world).successors
    (test,) = gpt.tests
    assert (test.application, test.result) == ("Underwriting copilot", "passed")
    # nothing is recorded of what the tested use needs
    assert test.missing == ()

    member = make_member(world.team)
    (gpt,) = search(world, member).successors
    (test,) = gpt.tests
    assert (test.application, test.slug, test.result) == ("", "", "passed")
    assert gpt.exposure == ()


def test_a_tested_use_without_a_requirement_is_named(world):
    Requirement.objects.create(
        dependency=Dependency.objects.get(application=world.hidden, role="primary"),
        field="vision",
        value=True,
    )
    (gpt,) = search(world).successors
    assert gpt.tests[0].missing == ("pdf", "context_window")


def test_the_target_of_the_exit_plan_and_what_others_moved_to_are_candidates(world):
    today = day_of(now())
    make_exit_plan(world.dependency, target=world.grok)
    make_dependency(world.hidden, world.gemini, "guardrail", until=today - timedelta(days=3))
    make_dependency(world.hidden, world.gpt, "guardrail", since=today - timedelta(days=3))
    found = search(world)
    assert CandidateReason.PLANNED in found.find(world.grok.pk).reasons
    assert CandidateReason.MOVED in found.find(world.gpt.pk).reasons


def test_data_terms_that_allow_training_break_a_confidential_use(world):
    settle(world.gpt, "data_terms", training_use=True)
    row = search(world).find(world.gpt.pk)
    assert kinds_of(row) == {ObstacleKind.DATA_TERMS}


def test_values_of_policies_are_those_of_the_what_if_engine(world):
    Policy.objects.update(enabled=True)
    found = search(world)
    settings = engine_settings()
    enabled = {policy.pk: policy.name for policy in Policy.objects.filter(enabled=True)}
    n_compared = 0
    for row in found.all:
        answer = run_operations(
            [Move(world.dependency.pk, row.offering.pk)], settings=settings, with_breaches=True
        )
        breaches = {
            (enabled[policy], value.value.value)
            for (policy, _node), value in answer.after.policy_values.items()
            if value.is_breach
        }
        for change in row.exposure:
            if change.is_breach:
                assert (change.policy, change.after) in breaches
                n_compared += 1
        opened = set(answer.after.breaches) - set(answer.before.breaches)
        assert len(opened) == sum(
            change.opens_flag and change.before <= change.tolerance for change in row.exposure
        ), row.offering
    assert n_compared > 5


def test_statements_do_not_grow_with_dependencies(world):
    first = search(world)
    assert first.all
    reader = make_user(role="governance")
    for _ in range(3):
        make_dependency(world.hidden, world.gemini, "tool", since=day_of(now()) - timedelta(9))
        break

    def count(n: int) -> int:
        rows = list(Dependency.objects.filter(offering=world.gemini).select_related(*RELATIONS)[:n])
        assert len(rows) == n
        with CaptureQueriesContext(connection) as queries:
            find_successors(rows, user=reader, on=day_of(now()))
        return len(queries)

    assert count(1) == count(2) <= 26


def test_only_the_candidates_that_are_shown_are_loaded_in_full(world):
    with CaptureQueriesContext(connection) as queries:
        found = search(world, max_candidates=2)
    assert len(found.all) == 2
    [loaded] = [
        query["sql"].partition(" WHERE ")[2]
        for query in queries
        if 'FROM "catalog_offering"' in query["sql"]
        and 'JOIN "catalog_foundation"' in query["sql"]
        and '"catalog_offering"."api_id"' in query["sql"].partition(" FROM ")[0]
    ]
    assert {int(number) for number in re.findall(r"\d+", loaded)} == {
        row.offering.pk for row in found.all
    }
