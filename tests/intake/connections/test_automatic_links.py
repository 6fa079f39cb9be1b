"""A sender that says exactly which application it is, by a token that may write there, is linked
without a person."""

import orjson
import pytest

from apps.accounts.actions import issue_token
from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.connections.service_links import ignore_service, link_service, unlink_service
from apps.intake.models import Observation, Service
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.ingest import ingest_calls
from apps.intake.telemetry.litellm import read_records
from apps.intake.telemetry.otlp.traces import read_traces
from apps.inventory.models import Application, Dependency
from tests.builders import (
    make_application,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_version,
)
from tests.intake.telemetry.span_builders import as_json, call, request
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def application():
    make_offering("gpt-4o", host=make_provider("openai"), version=make_version("openai/gpt-4o"))
    made = make_application("Support assistant")
    Application.objects.filter(pk=made.pk).update(slug="support-assistant")
    made.refresh_from_db()
    return made


@pytest.fixture
def editor(application):
    return make_member(application.team)


def token_of(user, **options):
    return issue_token(user=user, name="gateway", scopes=["intake"], at=now(), by=None, **options)[
        0
    ]


def send_traces(token, service="support-assistant"):
    read = read_traces(as_json(request(call(), service=service)), is_json=True)
    ingest_calls(request=read, stream="otlp", token=token, at=now())
    aggregate_waiting(at=now())


def send_callback(token, app="support-assistant", gateway="litellm"):
    record = {
        "litellm_call_id": f"{token.pk}{app}{gateway}{now()}",
        "status": "success",
        "model": "gpt-4o",
        "custom_llm_provider": "openai",
        "startTime": now().timestamp(),
        "request_tags": [f"app:{app}"],
    }
    read = read_records(orjson.dumps([record]), gateway=gateway)
    ingest_calls(request=read, stream=f"litellm:{gateway}", token=token, at=now())
    aggregate_waiting(at=now())


def applications():
    return {
        (each.scope, each.name): each.application
        for each in Service.objects.select_related("application")
    }


def last_words(service):
    history = Service.history.rel.related_model  # the table of versions
    row = history.objects.filter(pgh_obj_id=service.pk).order_by("-pgh_id").first()
    return row.pgh_context.metadata


def test_a_slug_by_a_token_that_may_write_is_linked_at_every_endpoint_and_the_history_says_why(
    application, editor
):
    token = token_of(editor)
    send_traces(token)
    send_callback(token)
    send_callback(token, gateway="eu")

    assert applications() == dict.fromkeys(
        [("", "support-assistant"), ("litellm", "support-assistant"), ("eu", "support-assistant")],
        application,
    )
    reconcile_waiting(at=now())
    assert Dependency.objects.get().application == application
    told = last_words(Service.objects.get(scope=""))
    assert told["job"] == "intake"
    assert token.prefix in told["reason"]
    assert "its name equals the slug of support-assistant" in told["reason"]


@pytest.mark.parametrize(
    "name", ["support", "Support assistant", "shop/support-assistant", "support-assistant-2"]
)
def test_a_name_that_is_only_like_it_waits_for_a_person(application, editor, name):
    send_traces(token_of(editor), name)

    assert list(applications().values()) == [None]


def test_a_token_without_the_right_links_nothing_nor_does_one_bound_to_another_team(
    application, editor
):
    elsewhere = make_team()
    for user, options in (
        (make_member(elsewhere, TeamRole.OWNER), {}),
        (make_member(application.team, TeamRole.VIEWER), {}),
        (make_member(elsewhere, user=editor), {"team": elsewhere}),
    ):
        send_traces(token_of(user, **options))
        assert list(applications().values()) == [None]
        Observation.objects.all().delete()
        Service.objects.all().delete()


def test_a_name_that_a_strangers_token_brought_too_is_left_to_a_person(application, editor):
    """What the stranger sent under it would count for the application."""
    send_traces(token_of(make_member(make_team())))
    send_traces(token_of(editor))
    send_traces(token_of(editor))

    assert list(applications().values()) == [None]


def test_what_is_retired_or_ignored_is_not_linked(application, editor):
    token = token_of(editor)
    Application.objects.update(status=Application.Status.RETIRED)
    send_traces(token)
    assert list(applications().values()) == [None]
    ignore_service(service=Service.objects.get(), by=editor)
    Application.objects.update(status=Application.Status.PRODUCTION)
    send_traces(token)
    assert list(applications().values()) == [None]


def test_a_link_that_a_person_took_back_does_not_come_back_by_itself(application, editor):
    token = token_of(editor)
    send_traces(token)
    unlink_service(service=Service.objects.get(), by=editor, at=now())
    send_traces(token)
    assert list(applications().values()) == [None]

    link_service(service=Service.objects.get(), application=application, by=editor, at=now())
    assert Service.objects.get().unlinked_at is None


def test_one_link_by_a_person_holds_for_every_endpoint_also_those_that_come_later(
    application, editor
):
    token = token_of(editor)
    send_traces(token, "helpdesk")
    send_callback(token, "helpdesk")
    link_service(
        service=Service.objects.get(scope=""), application=application, by=editor, at=now()
    )
    send_callback(token, "helpdesk", gateway="eu")

    assert set(applications().values()) == {application}
    assert len(applications()) == 3
    assert set(Observation.objects.values_list("application", flat=True)) == {application.pk}
    assert (
        "'helpdesk' is already linked to support-assistant"
        in last_words(Service.objects.get(scope="eu"))["reason"]
    )

    unlink_service(service=Service.objects.get(scope="eu"), by=editor, at=now())
    assert set(applications().values()) == {None}
    assert set(Observation.objects.values_list("application", flat=True)) == {None}


def test_a_link_reaches_no_service_that_its_person_does_not_see(application, editor):
    send_traces(token_of(editor), "helpdesk")
    send_callback(token_of(make_member(make_team())), "helpdesk")

    link_service(
        service=Service.objects.get(scope=""), application=application, by=editor, at=now()
    )

    assert applications() == {("", "helpdesk"): application, ("litellm", "helpdesk"): None}
