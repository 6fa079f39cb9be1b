"""Forms that choose a model: what each candidate breaks, and the confirmation before a choice that
breaks something is saved."""

from typing import Any

import pytest

from apps.catalog.models import Offering
from apps.inventory.models import Dependency, ExitPlan
from tests.builders import make_dependency, make_offering
from tests.http import text_of
from tests.worlds.fit import require, settle

DAY = "2026-12-01"


@pytest.fixture
def primary(world: Any) -> Dependency:
    dependency: Dependency = world.triage.dependencies.get(role="primary")
    require(dependency, vision=True)
    return dependency


@pytest.fixture
def blind(world: Any) -> Offering:
    offering = make_offering("sonnet-without-eyes")
    settle(offering, vision=False)
    return offering


class TestMarks:
    def test_each_candidate_says_whether_it_fits(
        self, world: Any, as_user: Any, primary: Dependency, blind: Offering
    ) -> None:
        seeing = make_offering("sonnet-with-eyes")
        settle(seeing, vision=True)
        make_offering("sonnet-unknown")

        page = as_user(world.editor).get(f"/dependencies/{primary.pk}/replace/", {"q": "sonnet-"})

        marks = {hit.offering.api_id: hit.fit for hit in page.context["picker"].hits}
        assert marks["sonnet-without-eyes"].phrase == "breaks: has no image input"
        assert marks["sonnet-with-eyes"].phrase == "fits"
        assert marks["sonnet-unknown"].phrase == "unknown: image input"
        assert "breaks: has no image input" in text_of(page)

    def test_without_needs_it_is_said_once(self, world: Any, as_user: Any) -> None:
        primary = world.triage.dependencies.get(role="primary")
        path = f"/dependencies/{primary.pk}/replace/"
        page = text_of(as_user(world.editor).get(path, {"q": "sonnet"}))
        assert page.count("Nothing is known of what this dependency uses.") == 1

    def test_a_replacement_that_is_the_judge_says_so(
        self, world: Any, as_user: Any, primary: Dependency
    ) -> None:
        replacement = make_offering("sonnet-of-the-judge")
        make_dependency(world.triage, make_offering(version=replacement.version), "judge")
        Offering.objects.filter(pk=primary.offering_id).update(replacement=replacement)

        page = text_of(as_user(world.editor).get(f"/dependencies/{primary.pk}/replace/"))

        assert "replacement named by the provider" in page
        assert "judge and primary model would be the same model" in page


def _facts(form: str, offering: Offering) -> dict[str, Any]:
    return {
        "replace": {"offering": offering.pk, "on": DAY},
        "declare": {
            "offering": offering.pk,
            "role": "fallback",
            "fallback_order": 2,
            "reached": "direct",
            "since": DAY,
        },
        "exit plan": {"target": offering.pk, "substitutability": "easily"},
    }[form]


def _path(form: str, primary: Dependency) -> str:
    return {
        "replace": f"/dependencies/{primary.pk}/replace/",
        "declare": f"/applications/{primary.application.slug}/declare/",
        "exit plan": f"/dependencies/{primary.pk}/plan/",
    }[form]


@pytest.mark.parametrize("form", ["replace", "declare", "exit plan"])
def test_a_choice_that_breaks_something_asks_first(
    world: Any, as_user: Any, primary: Dependency, blind: Offering, form: str
) -> None:
    client, path = as_user(world.editor), _path(form, primary)
    facts = _facts(form, blind)
    ExitPlan.objects.filter(dependency=primary).delete()

    asked = client.post(path, facts)
    page = text_of(asked)
    assert asked.status_code == 422
    assert "sonnet-without-eyes has no image input" in page
    assert f'name="confirm_breaks" value="{blind.pk}"' in page
    assert not _is_saved(blind)

    # a box that was ticked for another model confirms nothing
    other = {**facts, "confirm_breaks": str(blind.pk + 1)}
    assert client.post(path, other).status_code == 422

    done = client.post(path, {**facts, "confirm_breaks": str(blind.pk)})
    assert done.status_code == 302
    assert _is_saved(blind)


@pytest.mark.parametrize("form", ["replace", "declare", "exit plan"])
def test_a_choice_that_breaks_nothing_is_saved_at_once(
    world: Any, as_user: Any, primary: Dependency, form: str
) -> None:
    offering = make_offering("sonnet-unknown")
    ExitPlan.objects.filter(dependency=primary).delete()
    path = _path(form, primary)
    response = as_user(world.editor).post(path, _facts(form, offering))
    assert response.status_code == 302
    assert _is_saved(offering)


def _is_saved(offering: Offering) -> bool:
    return (
        Dependency.objects.filter(offering=offering).exists()
        or ExitPlan.objects.filter(target=offering).exists()
    )
