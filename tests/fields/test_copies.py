"""What goes along when a row goes on as another one: every column, unless records.py says why
not."""

from datetime import date, timedelta

import pytest
from django.db.models import Model
from django.urls import reverse
from rest_framework.test import APIClient

from apps.exposure.campaigns.lifecycle import open_campaign
from apps.exposure.campaigns.task_actions import choose_target, switch_task
from apps.inventory.actions.application_merge import merge_applications
from apps.inventory.actions.applications import reactivate_application, retire_application
from apps.inventory.actions.dependencies import replace_offering
from apps.inventory.governance.approvals import replace_decision
from apps.inventory.models import Adaptation, Approval, Dependency, ExitPlan, Selection
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_offering,
    make_provider,
    make_user,
)
from tests.fields.filled_rows import filled
from tests.fields.places import BROUGHT_BACK, MERGED, RENEWED, REPLACED, Record
from tests.fields.records import RECORDS
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

ONE_DAY = timedelta(days=1)
BY_MODEL = {record.model: record for record in RECORDS}


@pytest.fixture
def by():
    return make_user("gus", role="governance")


@pytest.fixture
@kept_world
def dependency():
    """A dependency with plan and adaptation, every column of them filled; its offering is called
    directly."""
    party = make_provider("litellm", roles=("gateway",))
    dependency = filled(
        Dependency,
        application=make_application(status="production"),
        offering=make_offering(),
        reached="gateway",
        via_party=party,
        since=date(2026, 1, 1),
        until=None,
    )
    filled(ExitPlan, dependency=dependency)
    filled(Adaptation, dependency=dependency, moves="rebuild")
    return dependency


def values(row: Model) -> dict[str, object]:
    row.refresh_from_db()
    return {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}


def assert_copied(record: Record, kind: str, old: Model, new: Model) -> None:
    """Every column is the same, but for those excepted, each of which differs."""
    before, after = values(old), values(new)
    reasons = record.excepted(kind)
    lost = sorted(name for name in before if before[name] != after[name] and name not in reasons)
    kept = sorted(name for name in reasons if before[name] == after[name])
    assert (lost, kept) == ([], [])


def assert_all_copied(kind: str, old: Dependency, new: Dependency) -> None:
    assert_copied(BY_MODEL[Dependency], kind, old, new)
    assert_copied(BY_MODEL[ExitPlan], kind, old.exit_plan, new.exit_plan)
    assert_copied(BY_MODEL[Adaptation], kind, old.adaptations.get(), new.adaptations.get())


def test_every_column_of_the_old_row_holds_something(dependency):
    """Else a column that is lost would not be noticed."""
    for row in (dependency, dependency.exit_plan, dependency.adaptations.get()):
        plain = type(row)()
        empty = {
            field.name
            for field in row._meta.concrete_fields
            if getattr(row, field.attname) == getattr(plain, field.attname)
        }
        assert empty <= {"until"}
    assert set(BY_MODEL[Dependency].copies) == {REPLACED, BROUGHT_BACK, MERGED}


class TestReplacing:
    def test_by_the_action_of_the_page(self, by, dependency):
        # an end that was planned goes along, and the old row's becomes the day of the change
        Dependency.objects.filter(pk=dependency.pk).update(until=TODAY + 90 * ONE_DAY)
        dependency.refresh_from_db()

        new = replace_offering(dependency=dependency, successor=make_offering(), on=TODAY, by=by)

        assert_all_copied(REPLACED, dependency, new)

    def test_through_rest(self, by, dependency):
        client = APIClient()
        client.force_login(by)

        answer = client.post(
            f"/api/v1/dependencies/{dependency.pk}/replace/",
            {"offering": make_offering().pk, "on": TODAY.isoformat()},
            format="json",
        )

        assert_all_copied(REPLACED, dependency, Dependency.objects.get(pk=answer.json()["id"]))

    def test_by_the_switch_of_a_campaign(self, by, dependency):
        campaign = open_campaign(offering=dependency.offering, by=by, at=NOW)
        task = campaign.tasks.get()
        choose_target(task=task, target=make_offering(), at=NOW, by=by)

        switched = switch_task(task=task, on=TODAY, at=NOW, by=by)

        assert_all_copied(REPLACED, dependency, switched.successor)


def test_bringing_back_after_a_gap(by, dependency):
    application = dependency.application
    retire_application(application=application, on=TODAY, by=by)

    reactivate_application(application=application, on=TODAY + 9 * ONE_DAY, by=by)

    assert_all_copied(BROUGHT_BACK, dependency, application.dependencies.get(until=None))


def test_merging_fills_what_the_kept_row_does_not_know(by, dependency):
    kept = make_application()
    own = make_dependency(
        kept,
        dependency.offering,
        dependency.role,
        reached="gateway",
        via_party=dependency.via_party,
    )

    merge_applications(survivor=kept, duplicate=dependency.application, on=TODAY, by=by)

    assert_copied(BY_MODEL[Dependency], MERGED, dependency, own)
    assert own.exit_plan.reliance
    assert own.adaptations.get().note


class TestRenewing:
    """The form of the next one is filled in with what the present one says."""

    def assert_filled_in(self, client, address: str, row: Model) -> None:
        record = BY_MODEL[type(row)]
        form = client.get(address).context["form"]
        shown = {name for name in form.fields if form[name].value() not in (None, "", [])}
        columns = record.columns
        assert sorted(columns - shown - record.excepted(RENEWED).keys()) == []
        assert sorted(shown & record.excepted(RENEWED).keys()) == []

    def test_a_decision(self, client, by):
        client.force_login(by)
        approval = filled(
            Approval,
            provider=make_provider("acme"),
            **dict.fromkeys(("foundation", "version", "offering", "revoked_at", "revoked_by")),
            decision="restricted",
            criticalities=[0],
            data_classes=["public"],
            terms_data_classes=["public"],
            revoked_reason="",
            expires_on=date(2027, 1, 1),
        )

        self.assert_filled_in(client, reverse("approvals:detail", args=[approval.pk]), approval)

        made = replace_decision(
            approval=approval,
            decision="blocked",
            reason="later",
            at=NOW,
            by=by,
            expires_on=date(2027, 2, 1),
        )
        assert made.target == approval.target

    def test_a_selection(self, client, by):
        client.force_login(by)
        decided = filled(Selection, supersedes=None, state="decided")

        self.assert_filled_in(
            client, f"{reverse('selections:create')}?supersedes={decided.pk}", decided
        )
