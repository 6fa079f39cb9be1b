"""The admin of flags, lines and settings: decisions go the way of every decision, refusals are
said."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.common.time import day_of, now
from apps.exposure.actions.flags import evaluate_flags
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.models import ExposureFlag, ExposureSettings, FlagEvent, Policy
from tests.admin_forms import admin_form_data, save_admin_form
from tests.builders import make_offering, make_provider, make_user
from tests.exposure.portfolio import critical_on, only
from tests.http import flash_messages, signed_in_client

pytestmark = pytest.mark.django_db
FLAGS = reverse("admin:exposure_exposureflag_changelist")


def signed_in(role="governance"):
    return signed_in_client(make_user(f"the-{role}", role=role))


@pytest.fixture
def flag():
    only()
    critical_on(make_offering(host=make_provider("here")))
    refresh(on=day_of(now()))
    evaluate_flags(at=now())
    return ExposureFlag.objects.get()


def decide(client, action, flag, **beside):
    data = {"action": action, "_selected_action": [flag.pk], **beside}
    answer = client.post(FLAGS, data, follow=True)
    flag.refresh_from_db()
    return flash_messages(answer)


def test_flags_are_acknowledged_accepted_and_opened_again_by_name(flag):
    client, until = signed_in(), day_of(now()) + timedelta(30)

    assert decide(client, "acknowledge", flag) == ["1 flag acknowledged."]
    assert decide(client, "accept", flag, until=until.isoformat(), reason="none else") == [
        f"1 flag accepted until {until.isoformat()}."
    ]
    assert (flag.state, flag.accepted_by.username, flag.accepted_why) == (
        "accepted",
        "the-governance",
        "none else",
    )
    assert decide(client, "revoke", flag, reason="one more") == ["1 flag reopened."]

    assert list(FlagEvent.objects.order_by("pk").values_list("kind", flat=True)) == [
        "opened",
        "acknowledged",
        "accepted",
        "acceptance_revoked",
    ]


@pytest.mark.parametrize(
    ("action", "beside", "words"),
    [
        ("accept", {"reason": "none else"}, "Enter the expiry date"),
        ("accept", {"until": "2020-01-01", "reason": "none else"}, "must expire after today"),
        ("accept", {"until": "2099-01-01"}, "Enter a reason for the acceptance"),
        ("revoke", {"reason": "x"}, "Only an accepted flag"),
        ("revoke", {}, "Enter a reason for revoking"),
    ],
)
def test_what_is_no_decision_is_refused_with_a_sentence(flag, action, beside, words):
    [message] = decide(signed_in(), action, flag, **beside)

    assert words in message
    assert flag.state == "open"


def test_an_auditor_reads_and_decides_nothing(flag):
    client = signed_in("auditor")

    decide(client, "acknowledge", flag)
    page = client.get(reverse("admin:exposure_exposureflag_change", args=[flag.pk]))

    assert (page.status_code, flag.state) == (200, "open")


def test_switching_a_line_off_in_its_form_resolves_its_flags(flag):
    save_admin_form(signed_in(), flag.policy, enabled=None, change_reason="no longer ours")

    flag.refresh_from_db()
    assert flag.state == "resolved"
    event = FlagEvent.objects.get(kind="resolved")
    assert (event.by.username, event.reason) == ("the-governance", "no longer ours")


def test_a_line_that_is_moved_keeps_why_it_lies_there_apart_from_why_it_moved(flag):
    save_admin_form(
        signed_in(),
        flag.policy,
        tolerance="0.7",
        reason="what we can bear",
        change_reason="a second host is there",
    )

    flag.policy.refresh_from_db()
    newest = flag.policy.history.order_by("pgh_id").last()
    assert (flag.policy.reason, newest.pgh_context.metadata["reason"]) == (
        "what we can bear",
        "a second host is there",
    )


def test_a_line_is_drawn_in_the_admin():
    client = signed_in()
    address = reverse("admin:exposure_policy_add")
    data = admin_form_data(client.get(address)) | {
        "slug": "new",
        "name": "New",
        "kinds": "host",
        "states": "exposed,cushioned",
        "measure": "n_critical",
        "tolerance": "3",
    }

    answer = client.post(address, data)

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Policy.objects.get(slug="new").states == ["exposed", "cushioned"]


def test_the_settings_are_one_row():
    client = signed_in()
    address = reverse("admin:exposure_exposuresettings_add")

    answer = client.post(address, admin_form_data(client.get(address)) | {"horizon_days": "90"})

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert ExposureSettings.objects.get().pk == ExposureSettings.ONLY
    assert client.get(address).status_code == 403
