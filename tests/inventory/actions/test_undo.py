"""An action is taken back while everything is as it left it, and refused with a name where it is
not."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.inventory.actions.application_merge import merge_applications
from apps.inventory.actions.applications import (
    change_application,
    register_application,
    retire_application,
)
from apps.inventory.actions.bulk_update import change_applications
from apps.inventory.actions.dependencies import (
    change_dependency,
    declare_dependency,
    end_dependency,
    replace_offering,
)
from apps.inventory.actions.exits import (
    add_adaptation,
    record_exit_test,
    remove_adaptation,
    set_exit_plan,
)
from apps.inventory.actions.undo import teams_of_change, undo_change
from apps.inventory.bulk.requirements import write_declared
from apps.inventory.models import (
    Adaptation,
    Application,
    Dependency,
    ExitPlan,
    ExitTest,
    Requirement,
)
from apps.inventory.queries import changes_of_application, last_change_id
from tests.builders import (
    TODAY,
    make_adaptation,
    make_application,
    make_dependency,
    make_exit_plan,
    make_offering,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)
TABLES = (Application, Dependency, Adaptation, ExitPlan, ExitTest)


@pytest.fixture
def by():
    return make_user("eve", role="governance")


@pytest.fixture
def application():
    return make_application()


def all_rows():
    """Every row of the inventory, without the moment it was last written."""
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name != "updated_at"}
            for row in model.objects.order_by("pk").values()
        ]
        for model in TABLES
    }


def actions_on(application, by):
    """Each action with a world for it: (prepare, act); act answers with a row that it wrote."""
    offering, other = make_offering(), make_offering()
    used = make_dependency(application, offering)
    duplicate = make_application()
    make_dependency(duplicate, offering, monthly_input_tokens=9)
    make_exit_plan(make_dependency(duplicate, other))
    adaptation = make_adaptation(used, "prompt", name="p")
    return {
        "change": lambda: change_application(
            application=application, facts={"purpose": "new", "team": duplicate.team}, by=by
        ),
        "retire": lambda: retire_application(application=application, on=TODAY, by=by),
        "declare": lambda: declare_dependency(
            application=application, offering=other, since=TODAY, by=by
        ),
        "correct": lambda: change_dependency(dependency=used, facts={"tags": ["a", "b"]}, by=by),
        "end": lambda: end_dependency(dependency=used, on=TODAY, by=by),
        "replace": lambda: replace_offering(dependency=used, successor=other, on=TODAY, by=by),
        "plan": lambda: set_exit_plan(dependency=used, facts={"target": other}, by=by),
        "test": lambda: record_exit_test(
            dependency=used, target=other, tested_on=TODAY, result="passed", by=by
        ),
        "adapt": lambda: add_adaptation(dependency=used, kind="prompt", by=by),
        "unadapt": lambda: remove_adaptation(adaptation=adaptation, by=by),
        "merge": lambda: merge_applications(
            survivor=application, duplicate=duplicate, on=TODAY, by=by
        ),
        "bulk": lambda: change_applications(
            facts_by_id={application.pk: {"geography": "EU"}, duplicate.pk: {"geography": "EU"}},
            by=by,
        ),
        "register": lambda: register_application(name="New", team=application.team, by=by),
    }


ACTIONS = (
    "change",
    "retire",
    "declare",
    "correct",
    "end",
    "replace",
    "plan",
    "test",
    "adapt",
    "unadapt",
    "merge",
    "bulk",
    "register",
)


@pytest.mark.parametrize("name", ACTIONS)
def test_everything_is_as_it_was_and_undoing_that_does_it_again(application, by, name):
    act = actions_on(application, by)[name]
    before = all_rows()
    act()
    after = all_rows()

    undone = undo_change(change=only_change(), by=by)
    assert before == all_rows()

    undo_change(change=undone.change, by=by)
    assert after == all_rows()


def only_change():
    """The one change that anything was written in."""
    found = {
        change
        for model in TABLES
        for change in model.history.rel.related_model.objects.filter(
            pgh_context__isnull=False
        ).values_list("pgh_context_id", flat=True)
    }
    [change] = found
    return change


class TestRefusals:
    def test_who_changed_it_since_is_named(self, application, by):
        bob = make_user("bob", role="governance")
        change_application(application=application, facts={"purpose": "mine"}, by=by)
        change = last_change_id(application)
        change_application(
            application=application, facts={"geography": "EU"}, by=bob, reason="moved office"
        )

        with pytest.raises(
            ConflictError,
            match=r"bob has changed the application on .* since \(moved office\)",
        ):
            undo_change(change=change, by=by)

    def test_also_where_a_job_did(self, application, by):
        change_application(application=application, facts={"purpose": "mine"}, by=by)
        change = last_change_id(application)
        with audit_context(job="import"):
            Application.objects.update(geography="EU")

        with pytest.raises(ConflictError, match="import has changed"):
            undo_change(change=change, by=by)

    def test_what_was_built_on_a_new_row_keeps_it(self, application, by):
        dependency = declare_dependency(
            application=application, offering=make_offering(), since=TODAY, by=by
        )
        change = last_change_id(dependency)
        add_adaptation(dependency=dependency, kind="prompt", by=by)

        with pytest.raises(ConflictError, match="adaptations have been added to the record"):
            undo_change(change=change, by=by)
        assert Dependency.objects.count() == 1

    def test_a_row_put_back_does_not_double_a_newer_one(self, application, by):
        dependency = make_dependency(application, make_offering())
        end_dependency(dependency=dependency, on=TODAY, by=by)
        change = last_change_id(dependency)
        declare_dependency(
            application=application, offering=dependency.offering, since=TODAY, by=by
        )

        with pytest.raises(ConflictError, match="declared again after this change"):
            undo_change(change=change, by=by)
        dependency.refresh_from_db()
        assert dependency.until == TODAY

    def test_a_change_that_also_wrote_elsewhere_is_left_to_people(self, application, by):
        with audit_context(user=by):
            change_application(application=application, facts={"purpose": "x"}, by=by)
            application.team.name = "Other"
            application.team.save()

        with pytest.raises(ConflictError, match="also wrote to teams"):
            undo_change(change=last_change_id(application), by=by)

    def test_what_is_no_change_of_the_inventory(self, by):
        with pytest.raises(ConflictError, match="Change not found"):
            undo_change(change=uuid4(), by=by)


def test_the_history_says_that_it_was_undone_and_why(application, by):
    change_application(application=application, facts={"purpose": "x"}, by=by)

    undone = undo_change(change=last_change_id(application), by=by, reason="wrong one")

    [told] = [
        row.reason
        for row in changes_of_application(application=application)
        if row.id == undone.change
    ]
    assert told == "undone: wrong one"


def test_the_teams_concerned_are_those_before_and_after(application, by):
    before, after = application.team, make_team()
    change_application(application=application, facts={"team": after}, by=by)

    assert teams_of_change(change=last_change_id(application)) == {before.pk, after.pk}


def test_the_changes_of_an_application_are_listed(application, by):
    offering, other = make_offering(), make_application()
    make_dependency(application, make_offering())
    dependency = declare_dependency(
        application=application, offering=offering, since=TODAY, by=by, reason="one"
    )
    add_adaptation(dependency=dependency, kind="prompt", by=by, reason="two")
    change_application(application=other, facts={"purpose": "x"}, by=by)

    changes = changes_of_application(application=application)

    assert {(row.actor, row.reason, row.n_rows) for row in changes} == {
        ("eve", "two", 1),
        ("eve", "one", 1),
    }
    assert changes_of_application(application=application, limit=1) == changes[:1]


def test_what_wrote_very_many_rows_is_undone_set_by_set_by_the_same_rules(monkeypatch):
    monkeypatch.setattr("apps.inventory.actions.bulk_undo.BULK_CHANGE_ROWS", 1)
    by, team, other = make_user(role="governance"), make_team(), make_team()
    known = make_application(team=team, geography="EU")
    used = make_dependency(known, make_offering(), monthly_requests=5, tags=["a"])
    with audit_context(user=by, reason="a large import") as change:
        new = make_application(team=team)
        make_dependency(new, used.offering)
        Application.objects.filter(pk=known.pk).update(geography="US", team=other)
        Dependency.objects.filter(pk=used.pk).update(monthly_requests=6, tags=[])

    assert teams_of_change(change=change) == {team.pk, other.pk}
    with audit_context(user=by):
        built = make_dependency(new, make_offering())
    with pytest.raises(ConflictError, match="dependencies have been added to the record"):
        undo_change(change=change, by=by)
    with audit_context(user=by):
        built.delete()
        Dependency.objects.filter(pk=used.pk).update(monthly_requests=7)
    with pytest.raises(ConflictError, match="has changed the dependency"):
        undo_change(change=change, by=by)
    with audit_context(user=by) as again:
        make_application(team=team, name="Second")
        Application.objects.filter(pk=known.pk).update(geography="Asia")
    undone = undo_change(change=again, by=by)

    known.refresh_from_db()
    assert (known.geography, known.team, undone.n_rows) == ("US", other, 2)
    assert not Application.objects.filter(name="Second").exists()
    assert known.history.order_by("-pgh_id").first().pgh_context_id == undone.change
    undo_change(change=undone.change, by=by)
    known.refresh_from_db()
    assert known.geography == "Asia"
    assert Application.objects.filter(name="Second").exists()


def test_requirements_of_a_large_import_are_undone_with_it(monkeypatch):
    monkeypatch.setattr("apps.inventory.actions.bulk_undo.BULK_CHANGE_ROWS", 1)
    by, offering, team = make_user(role="governance"), make_offering(), make_team()
    used = make_dependency(make_application(), make_offering())
    known = Requirement.objects.create(dependency=used, field="pdf", value=True)
    with audit_context(user=by, reason="a large import") as change:
        new = make_dependency(make_application(team=team), offering)
        write_declared(
            {new.pk: {"vision": True}, used.pk: {"pdf": False, "max_output": 800}}, at=now()
        )
    # observed later, which does not stand in the way
    Requirement.objects.create(dependency=new, field="vision", value=True, origin="observed")

    undo_change(change=change, by=by)

    assert list(Requirement.objects.values_list("pk", "field", "value")) == [
        (known.pk, "pdf", True)
    ]
    assert not Dependency.objects.filter(pk=new.pk).exists()


def test_a_requirement_that_was_declared_later_keeps_a_large_import(monkeypatch):
    monkeypatch.setattr("apps.inventory.actions.bulk_undo.BULK_CHANGE_ROWS", 1)
    by, offering, team = make_user(role="governance"), make_offering(), make_team()
    with audit_context(user=by, reason="a large import") as change:
        new = make_dependency(make_application(team=team), offering)
        write_declared({new.pk: {"vision": True}}, at=now())
    with audit_context(user=by):
        Requirement.objects.create(dependency=new, field="pdf", value=True)

    with pytest.raises(ConflictError, match="requirements have been added to the record"):
        undo_change(change=change, by=by)
