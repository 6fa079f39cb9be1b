"""The overview: the sentence, the drawing, and whose applications they speak of."""

from datetime import timedelta

import pytest

from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import EngineState
from apps.inventory.models import Application, Dependency, ReadModelState
from apps.inventory.read_models import refresh_stale_applications
from apps.web.views import overview as module
from tests.builders import make_application, make_dependency
from tests.http import file_text, text_of


def brought_up_to_date(world):
    """As the jobs do every few minutes."""
    refresh(on=world.today)
    ReadModelState.objects.all().delete()
    refresh_stale_applications(on=world.today)


def test_the_sentence_names_the_developer_and_what_ends_soon(world, as_user):
    page = text_of(as_user(world.governance).get("/"))

    assert "100 % of critical applications" in page
    assert (
        "rest on one developer, Anthropic, and one application stands on a model that ends within "
        "30 days." in page
    )


def test_a_team_reads_the_same_page_over_its_own_applications_and_is_told_so(world, as_user):
    page = text_of(as_user(world.viewer).get("/"))

    assert "Applications of Claims" in page
    assert "2 applications above ground" in page
    assert "Clause finder" not in page


@pytest.mark.proof
def test_a_model_past_its_firm_date_counts_as_ended_and_a_soft_date_does_not(world, as_user):
    world.sonnet.retires_on = world.today - timedelta(5)
    world.sonnet.save()
    brought_up_to_date(world)
    firm = text_of(as_user(world.governance).get("/"))
    listed = text_of(as_user(world.governance).get("/applications/"))
    world.sonnet.date_kind = "not_before"
    world.sonnet.save()
    brought_up_to_date(world)
    soft = text_of(as_user(world.governance).get("/"))

    assert "one application still calls a model past its end" in firm
    assert "−5 d" in firm
    assert "<em>one ends before it can be moved</em>." in listed.replace(' class="short"', "")
    assert "past its end." not in soft
    assert "≥ 0 d" in soft


def test_the_drawing_is_there_in_both_shapes_with_every_application_named(world, as_user):
    page = text_of(as_user(world.governance).get("/"))

    assert page.count('<svg class="draw wide wide-only"') == 2
    assert page.count('<svg class="draw narrow-only"') == 2
    assert page.count("<title>Claims triage: Claude Sonnet 4.5, Anthropic</title>") == 2


def test_a_portfolio_too_large_to_draw_singly_is_grouped(world, as_user, monkeypatch):
    monkeypatch.setattr(module, "DRAWN_SINGLY", 2)

    page = text_of(as_user(world.governance).get("/"))
    # the second time they come out of the cache
    with monkeypatch.context() as broken:
        broken.setattr(module, "common_stacks", None)
        again = text_of(as_user(world.governance).get("/"))

    assert "1 applications, 1 critical: Claude Sonnet 4.5, Anthropic" in again
    assert "grouped by what they rest on" in page
    assert "1 applications, 1 critical: Claude Sonnet 4.5, Anthropic" in page


def test_an_empty_register_says_what_to_do_first(world, as_user):
    Dependency.objects.all().delete()
    Application.objects.all().delete()
    brought_up_to_date(world)

    page = text_of(as_user(world.governance).get("/"))

    assert "No application is registered yet" in page
    assert "Begin with what you run." in page


def test_before_the_first_refresh_nothing_is_said_of_what_they_stand_on(world, as_user):
    EngineState.objects.update(as_of=None, built_at=None)

    page = text_of(as_user(world.governance).get("/"))

    assert "Three applications are registered; what they stand on is being worked out." in page


def test_a_line_that_is_crossed_is_marked_and_counted(world, as_user):
    page = text_of(as_user(world.governance).get("/"))

    # all critical applications stand on Anthropic, where half is tolerated, and on its one
    # foundation
    assert page.count('<tr class="over">') >= 2
    assert "the tolerance is 50 %" in page


def test_the_overview_costs_the_same_however_many_applications_there_are(
    world, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    with django_assert_num_queries(25):
        client.get("/")
    for _ in range(5):
        make_dependency(make_application(team=world.team), world.sonnet)
    brought_up_to_date(world)

    with django_assert_num_queries(25):
        client.get("/")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/concentration.csv", "Developer,Anthropic,2,2,1.000000"),
        ("/runway.csv", "Claims triage,Claims,Critical,claude-sonnet-4-5,Anthropic"),
        ("/ends.csv", "Anthropic,claude-sonnet-4-5,Claude Sonnet 4.5"),
    ],
)
def test_each_picture_has_its_numbers_as_a_file(path, expected, world, as_user):
    body = file_text(as_user(world.governance).get(path))

    assert expected in body
