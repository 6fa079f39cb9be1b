"""The admin: what is odd is saved and said, what cannot be is refused, and offices only."""

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest
from tests.builders import (
    make_adaptation,
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_offering,
    make_user,
)
from tests.http import flash_messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client):
    client.force_login(make_user("gov", role="governance"))
    return client


def edit(client, row, **changes):
    """Open the form, change some fields, save."""
    address = reverse(f"admin:inventory_{row._meta.model_name}_change", args=[row.pk])
    page = client.get(address)
    form = page.context["adminform"].form
    body = {
        bound.html_name: "" if bound.value() is None else bound.value()
        for bound in form
        if not (isinstance(bound.value(), bool) and not bound.value())
    }
    for formset in page.context["inline_admin_formsets"]:
        body |= {bound.html_name: bound.value() for bound in formset.formset.management_form}
    return client.post(address, body | changes)


def test_every_model_of_the_inventory_is_there():
    for model in (Application, Dependency, Adaptation, ExitPlan, ExitTest):
        assert admin.site.is_registered(model)


@pytest.mark.parametrize(
    "model", ["application", "dependency", "adaptation", "exitplan", "exittest"]
)
def test_lists_and_forms_open(office, model):
    dependency = make_dependency(make_application(), make_offering())
    make_adaptation(dependency, "prompt")
    make_exit_plan(dependency, target=make_offering())
    make_exit_test(dependency, make_offering())

    for address in ("changelist", "add"):
        assert office.get(reverse(f"admin:inventory_{model}_{address}")).status_code == 200


def test_retiring_what_is_in_use_is_saved_and_warned_about(office):
    application = make_application()
    dependency = make_dependency(application, make_offering("gpt"))

    answer = edit(office, application, status="retired", external_refs="{}")

    application.refresh_from_db()
    dependency.refresh_from_db()
    assert (answer.status_code, application.status, dependency.until) == (302, "retired", None)
    assert (
        "The application is retired but still uses gpt. End the dependency, or reactivate "
        "the application."
    ) in flash_messages(answer)


def test_a_share_that_does_not_sum_is_saved_and_warned_about(office):
    dependency = make_dependency(make_application(), make_offering(), monthly_input_tokens=1)

    answer = edit(office, dependency, traffic_share="0.4")

    assert answer.status_code == 302
    assert (
        "The traffic shares of the primary models add up to 0.4, not 1, and are scaled to 1. "
        "Correct the shares."
    ) in flash_messages(answer)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"monthly_input_tokens": "-1"}, "greater than or equal to 0"),
        ({"since": "9999-12-31"}, "out of range"),
        ({"traffic_share": "-1"}, "0 or more"),
    ],
)
def test_what_cannot_be_is_refused(office, wrong, word):
    dependency = make_dependency(make_application(), make_offering())

    answer = edit(office, dependency, **wrong)

    assert answer.status_code == 200
    assert word in answer.content.decode()


def test_the_same_use_twice_is_refused(office):
    application, offering = make_application(), make_offering()
    make_dependency(application, offering)
    other = make_dependency(application, make_offering())

    answer = edit(office, other, offering=offering.pk)

    assert "already declared for that period" in answer.content.decode()


def test_who_recorded_a_test_is_kept_and_the_reason_is_in_the_history(office):
    dependency = make_dependency(make_application(), make_offering())
    body = {
        "dependency": dependency.pk,
        "target": make_offering().pk,
        "tested_on": "2026-01-05",
        "result": "failed",
        "reason": "from the drill",
    }

    answer = office.post(reverse("admin:inventory_exittest_add"), body)

    test = ExitTest.objects.get()
    assert (answer.status_code, test.recorded_by.username) == (302, "gov")
    assert test.history.get().pgh_context.metadata["reason"] == "from the drill"
    assert any("failed. Repeat the test." in sentence for sentence in flash_messages(answer))


def test_a_plan_keeps_both_reasons_apart(office):
    dependency = make_dependency(make_application(), make_offering())

    office.post(
        reverse("admin:inventory_exitplan_add"),
        {
            "dependency": dependency.pk,
            "substitutability": "not",
            "reason": "migration",
            "history_reason": "audit",
        },
    )

    plan = ExitPlan.objects.get()
    assert (plan.reason, plan.history.get().pgh_context.metadata["reason"]) == (
        "migration",
        "audit",
    )


def test_many_are_retired_and_confirmed_by_the_actions(office):
    dependency = make_dependency(make_application(), make_offering(), known="observed")

    office.post(
        reverse("admin:inventory_dependency_changelist"),
        {"action": "confirm", "_selected_action": [dependency.pk]},
    )
    office.post(
        reverse("admin:inventory_application_changelist"),
        {"action": "retire", "_selected_action": [dependency.application_id]},
    )

    dependency.refresh_from_db()
    assert (dependency.known, dependency.until is not None) == ("declared", True)


@pytest.mark.parametrize(
    "model", ["application", "dependency", "adaptation", "exitplan", "exittest"]
)
def test_an_auditor_reads_and_a_member_does_not_enter(client, model):
    auditor, member = make_user(role="auditor"), make_user()
    address = reverse(f"admin:inventory_{model}_changelist")

    client.force_login(auditor)
    assert client.get(address).status_code == 200
    assert client.get(reverse(f"admin:inventory_{model}_add")).status_code == 403
    client.force_login(member)
    assert client.get(address).status_code == 302
