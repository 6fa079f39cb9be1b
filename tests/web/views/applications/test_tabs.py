"""The tabs of an application: the verdict above them, what each shows and what it costs."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import SettledClaims
from apps.common.time import now
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import CampaignTask
from apps.inventory.models import Application, Dependency
from apps.inventory.read_models import refresh_stale_applications
from apps.issues.evaluation import evaluate_everything
from apps.issues.models import Issue
from tests.builders import (
    make_adaptation,
    make_application,
    make_campaign,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_offering,
    make_task,
)
from tests.http import csv_rows, text_of, visible_text
from tests.worlds.fit import require, settle

TABS = ("overview", "dependencies", "exit-readiness", "risks", "cost", "history")
MAX_STATEMENTS = 30


@pytest.fixture
def primary(world):
    return world.triage.dependencies.get(role="primary")


@pytest.fixture
def evaluated(world):
    refresh_stale_applications(on=world.today)
    evaluate_everything(at=now())
    return world


@pytest.fixture
def page_of(world, as_user):
    def read(tab="", user=None, application=None):
        slug = (application or world.triage).slug
        return as_user(user or world.editor).get(f"/applications/{slug}/?tab={tab}")

    return read


def test_an_application_with_an_embedding_model_only_says_how_it_becomes_part_of_concentration(
    world, page_of
):
    application = make_application("Semantic search", team=world.team)
    offering = make_offering("text-embedding-ada-002")
    make_dependency(application, offering, "embedding")
    refresh(on=world.today)
    refresh_stale_applications(on=world.today)
    evaluate_everything(at=now())

    page = visible_text(page_of(application=application))

    assert (
        "No primary model is declared, so the application is not part of concentration. Declare a "
        "primary model, or change the role of text-embedding-ada-002 to Primary if the application "
        "depends on it." in page
    )


def test_a_declared_fallback_is_not_missing_before_the_tables_are_current(world, page_of):
    world.triage.dependencies.filter(role="fallback").delete()
    evaluate_everything(at=now())
    make_dependency(
        world.triage, make_offering("second-choice"), Dependency.Role.FALLBACK, fallback_order=1
    )

    for tab in TABS:
        page = visible_text(page_of(tab))
        assert "No alternatives declared" not in page, tab
        assert "Declare a fallback" not in page, tab
    assert "Being calculated after the last change." in visible_text(page_of("dependencies"))


class TestVerdict:
    """The model of the portfolio retires in 10 days."""

    def test_a_migration_that_takes_longer_is_too_late_by_the_missing_days(
        self, world, primary, page_of
    ):
        make_exit_test(primary, world.sonnet_bedrock, tested_on=world.today, effort_days=33)

        page = text_of(page_of())

        assert ", in 10 days. <em" in page
        assert "Migration is 23 days too late</em>. It takes 33 days (last exit test)." in page

    def test_a_migration_that_cannot_finish_two_weeks_before_should_have_started(
        self, world, primary, page_of
    ):
        make_exit_plan(primary, estimated_days=4)

        page = text_of(page_of())

        assert "Migration takes 4 days (exit plan): <em>it should have started by" in page

    def test_a_migration_that_fits_has_a_start_date(self, world, primary, page_of):
        make_exit_plan(primary, estimated_days=4)
        world.sonnet.retires_on = world.today + timedelta(200)
        world.sonnet.save()

        page = text_of(page_of())

        assert "The migration fits: it takes 4 days (exit plan), start by" in page

    def test_a_date_that_has_come_is_due_until_it_is_confirmed(self, world, page_of):
        world.sonnet.retires_on = world.today
        world.sonnet.due_status = "still_listed"
        world.sonnet.save()

        page = text_of(page_of())

        assert "which is due today, still listed by its host" in page
        assert "which retired" not in page

    def test_a_retired_model_is_said_with_its_day(self, world, page_of):
        world.sonnet.retires_on = world.today - timedelta(3)
        world.sonnet.lifecycle = "retired"
        world.sonnet.save()

        assert "which retired on" in text_of(page_of())
        assert "3 days ago." in text_of(page_of())

    def test_an_undated_model_id_does_not_hide_the_date_of_its_version(
        self, world, as_user, page_of
    ):
        alias = make_offering(
            "claude-sonnet-latest", host=world.sonnet.host, version=world.sonnet.version
        )
        world.drafter.dependencies.all().delete()
        make_dependency(world.drafter, alias)
        refresh(on=world.today)
        evaluate_everything(at=now())

        page = text_of(page_of(application=world.drafter))

        assert "No retirement date announced" not in page
        assert "there under its other model IDs, in 10 days." in page


class TestWork:
    def test_issues_and_tasks_are_one_list_with_owner_and_acts(
        self, evaluated, primary, as_user, page_of
    ):
        campaign = make_campaign(evaluated.sonnet)
        task = make_task(campaign, primary)
        evaluate_everything(at=now())

        work = page_of().context["work"]
        (retirement,) = [item for item in work.items if item.tasks]

        assert [entry.task for entry in retirement.tasks] == [task]
        assert retirement.acts[0].label == "Open task"
        assert retirement.owner == ""
        assert 'class="unowned">Unassigned' in text_of(page_of())

    def test_the_most_urgent_is_first(self, evaluated, page_of):
        work = page_of().context["work"]

        marks = [item.mark for item in work.items]
        assert marks == sorted(marks, reverse=True)
        assert work.items[0].title.startswith("Claude Sonnet 4.5 retires on")

    def test_a_finding_is_either_work_or_a_note(self, evaluated, page_of):
        unresolved = evaluated.drafter

        overview = page_of(application=unresolved).context["work"]
        notes = page_of("history", application=unresolved).context["notes"]

        assert any("unresolved model" in item.title for item in overview.items)
        assert {finding.code for _name, finding, _row in notes} <= {
            "tokens_missing",
            "observed_only",
            "requirement_contradicted",
            "exit_untested",
            "fallback_order",
        }

    def test_readers_see_the_work_without_acts(self, evaluated, page_of):
        work = page_of(user=evaluated.viewer).context["work"]

        assert work.items
        assert not any(item.acts for item in work.items)

    def test_a_long_list_says_that_it_is_cut(self, evaluated, page_of, monkeypatch):
        monkeypatch.setattr("apps.web.views.applications.work.MAX_ISSUES", 0)
        n = Issue.objects.unresolved().filter(application=evaluated.triage).count()

        response = page_of()

        assert response.context["work"].n_issues == n
        assert "The most urgent" in text_of(response)


class TestDependencies:
    def test_right_after_a_replacement_alternatives_are_being_calculated(
        self, world, primary, as_user, page_of
    ):
        new = make_offering("another-model")
        as_user(world.editor).post(
            f"/dependencies/{primary.pk}/replace/",
            {"offering": new.pk, "on": world.today.isoformat()},
        )

        dependencies = text_of(page_of("dependencies"))
        readiness = text_of(page_of("exit-readiness"))

        assert "No alternatives declared or tested." not in dependencies
        assert "Being calculated after the last change." in dependencies
        assert "Being calculated after the last change." in readiness

    def test_after_the_calculation_they_are_shown(self, world, page_of):
        page = text_of(page_of("dependencies"))

        assert "Being calculated" not in page
        assert "same version, another host" in page

    def test_what_an_alternative_lacks_stands_beside_its_independence(
        self, world, primary, as_user, page_of
    ):
        fallback = world.triage.dependencies.get(role="fallback")
        require(primary, vision=True, audio_input=True)
        settle(fallback.offering, audio_input=True)
        assert "has no image input" not in visible_text(page_of("dependencies"))
        SettledClaims.objects.all().delete()
        settle(fallback.offering, vision=False, audio_input=True)

        assert "same version, another host has no image input" in visible_text(
            page_of("dependencies")
        )
        rows = csv_rows(
            as_user(world.editor).get(f"/applications/{world.triage.slug}/fallbacks.csv")
        )
        assert [row["Lacks"] for row in rows] == ["has no image input"]

    def test_without_any_the_page_offers_one(self, world, page_of):
        world.triage.dependencies.filter(role="fallback").delete()
        refresh(on=world.today)

        page = text_of(page_of("dependencies"))

        assert "No alternatives declared or tested." in page
        assert "?role=fallback" in page


class TestCost:
    def test_booked_spend_and_list_prices_are_explained_together(self, world, primary, page_of):
        Dependency.objects.filter(pk=primary.pk).update(monthly_input_tokens=1_000_000_000)
        Application.objects.filter(pk=world.triage.pk).update(monthly_spend=Decimal(2000))

        page = text_of(page_of("cost"))

        # 1,000 million tokens at 3 USD
        assert "2,000 USD" in page
        assert "3,000 USD" in page
        assert "1,000 USD (33%) less booked than at list prices" in page
        assert "without 1 dependency of unknown cost" in page

    def test_without_booked_spend_the_gap_is_visible(self, world, page_of):
        assert "Not recorded" in text_of(page_of("cost"))


class TestAddresses:
    @pytest.mark.parametrize("tab", TABS)
    def test_a_tab_has_an_address_and_is_marked(self, tab, world, page_of):
        response = page_of(tab)

        assert response.context["tab"].name == tab
        current = re.findall(
            r'href="\?tab=([a-z-]+)" data-anchors="[^"]+" aria-current="page"', text_of(response)
        )
        assert current == [tab]

    def test_an_unknown_tab_is_the_overview(self, world, page_of):
        assert page_of("nonsense").context["tab"].name == "overview"

    def test_print_has_every_tab(self, world, as_user):
        page = text_of(as_user(world.viewer).get(f"/applications/{world.triage.slug}/?print=all"))

        for anchor in ("work", "dependencies", "exits", "risks", "cost", "history"):
            assert f'id="{anchor}"' in page
        assert 'class="tabs"' not in page

    def test_sections_of_before_name_their_tab(self, world, page_of):
        page = text_of(page_of())

        anchors = {name for entry, _n in page_of().context["tabs"] for name in entry.anchors}
        assert anchors >= {
            "section",
            "todo",
            "runway",
            "ways-out",
            "risks",
            "exits",
            "cost",
            "seen",
            "findings",
            "history",
            "decisions",
        }
        assert 'data-anchors="risks"' in page


class TestStatements:
    @pytest.mark.parametrize("tab", TABS)
    def test_a_tab_costs_at_most_thirty_however_much_it_calls(
        self, tab, evaluated, primary, as_user
    ):
        client = as_user(evaluated.editor)
        path = f"/applications/{evaluated.triage.slug}/?tab={tab}"
        with CaptureQueriesContext(connection) as few:
            client.get(path)
        for order in range(2, 6):
            made = make_dependency(
                evaluated.triage, make_offering(), "fallback", fallback_order=order
            )
            make_exit_test(made, evaluated.sonnet, tested_on=evaluated.today)
            make_adaptation(made, "prompt")
        refresh(on=evaluated.today)
        refresh_stale_applications(on=evaluated.today)
        evaluate_everything(at=now())
        with CaptureQueriesContext(connection) as many:
            client.get(path)

        assert len(few) <= MAX_STATEMENTS
        assert len(many) <= MAX_STATEMENTS
        # further kinds of issues are about further kinds of records
        assert len(many) <= len(few) + 3


def test_unfinished_tasks_of_no_issue_are_work_too(world, primary, page_of):
    campaign = make_campaign(world.sonnet)
    task = make_task(campaign, primary, state=CampaignTask.State.OPEN)

    (item,) = [item for item in page_of().context["work"].items if item.tasks]

    assert item.url == f"/campaigns/tasks/{task.pk}/"
