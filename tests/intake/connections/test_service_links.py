"""Senders are claimed, names are decided: from now on and backwards, and taken back without a trace
left in use."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.accounts.actions import issue_token
from apps.accounts.roles import TeamRole
from apps.catalog.actions import decide_identity
from apps.intake.connections.service_links import (
    bind_token,
    ignore_service,
    link_service,
    unbind_token,
    unignore_service,
    unlink_service,
)
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Confidence, NameDecision, Observation, Service, TokenBinding
from apps.intake.observations.name_decisions import decide_name, revoke_name
from apps.intake.observations.propagation import propagate_changes
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.inventory.actions.locks import HiddenApplicationError, MissingRoleError
from apps.inventory.models import Dependency
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return make_provider("acme")


@pytest.fixture
def talker(acme):
    return make_offering("talker-1", host=acme, version=make_version("acme/talker-1"))


@pytest.fixture
def application():
    return make_application("Claims triage")


@pytest.fixture
def editor(application):
    return make_member(application.team)


@pytest.fixture
def governance():
    return make_user(role="governance")


@pytest.fixture
def service():
    return Service.objects.create(name="shop/claims-api", first_seen_at=NOW, last_seen_at=NOW)


def see(requested="talker-1", *, at=NOW - timedelta(days=3), **fields):
    fields = {
        "stream": "otlp",
        "provider": "acme",
        "confidence": Confidence.SERVED,
        "key": uuid4(),
        **fields,
    }
    seen = Observation.objects.create(
        requested=requested, first_seen_at=at, last_seen_at=at, **fields
    )
    reconcile_waiting(at=NOW)
    seen.refresh_from_db()
    return seen


def test_claiming_brings_what_was_seen_before_and_unclaiming_takes_it_back(
    service, application, editor, talker
):
    seen = see(service=service)
    assert seen.state == "unclaimed"

    link_service(service=service, application=application, by=editor, at=NOW)
    seen.refresh_from_db()
    assert (seen.state, seen.dependency.application) == ("matched", application)

    unlink_service(service=service, by=editor, at=NOW)
    seen.refresh_from_db()
    assert (seen.state, seen.application, seen.dependency) == ("unclaimed", None, None)
    assert Dependency.objects.get().until == TODAY

    # taken back the same day, the use goes on as it was
    link_service(service=service, application=application, by=editor, at=NOW)
    assert Dependency.objects.get().until is None


def test_what_was_declared_or_seen_by_others_outlives_the_claim(
    service, application, editor, talker, acme
):
    declared = make_dependency(application, talker, since=TODAY - timedelta(days=90))
    writer = make_offering("writer-1", host=acme, version=make_version("acme/writer-1"))
    for requested, own in (
        ("talker-1", {}),
        ("writer-1", {}),
        ("writer-1", {"application": application}),
    ):
        see(requested, service=None if own else service, **own)
    link_service(service=service, application=application, by=editor, at=NOW)
    unlink_service(service=service, by=editor, at=NOW)
    declared.refresh_from_db()
    assert declared.until is None
    assert Dependency.objects.get(offering=writer).until is None


def test_who_may_claim_and_ignore(service, application, editor, governance):
    viewer = make_member(application.team, TeamRole.VIEWER)
    with pytest.raises(MissingRoleError):
        link_service(service=service, application=application, by=viewer, at=NOW)
    with pytest.raises(IntakePermissionError, match="governance role to ignore"):
        ignore_service(service=service, by=editor)
    link_service(service=service, application=application, by=editor, at=NOW)
    with pytest.raises(InvalidStateError, match="This service is linked to an application"):
        ignore_service(service=service, by=governance)


def test_an_ignored_service_is_set_aside_until_it_is_looked_at_again(service, governance, talker):
    seen = see(service=service)
    ignore_service(service=service, by=governance)
    seen.refresh_from_db()
    assert seen.state == "set_aside"
    unignore_service(service=service, by=governance, at=NOW)
    seen.refresh_from_db()
    assert seen.state == "unclaimed"


def test_a_decided_name_holds_backwards_and_lifting_it_opens_the_question(
    application, governance, talker
):
    seen = see(
        "our-claims-deployment", application=application, provider="", confidence=Confidence.BOM
    )
    assert seen.state == "unresolved"
    asked = {"name": "Our-Claims-Deployment", "provider": "", "stream": "", "at": NOW}
    with pytest.raises(IntakePermissionError):
        decide_name(**asked, offering=talker, by=make_member(application.team))

    decision = decide_name(**asked, offering=talker, by=governance, reason="deployment list")
    seen.refresh_from_db()
    assert (seen.state, seen.dependency.offering) == ("matched", talker)

    revoke_name(decision=decision, by=governance, at=NOW)
    seen.refresh_from_db()
    assert (seen.state, seen.dependency) == ("unresolved", None)
    assert Dependency.objects.get().until == TODAY
    with pytest.raises(InvalidStateError):
        revoke_name(decision=decision, by=governance, at=NOW)


def test_no_model_sets_aside_and_a_second_decision_replaces_the_first(
    application, governance, talker
):
    seen = see("helper", application=application, provider="", confidence=Confidence.BOM)
    asked = {"provider": "", "by": governance, "at": NOW}
    decide_name(name="helper", stream="", offering=None, **asked)
    seen.refresh_from_db()
    assert seen.state == "set_aside"
    decide_name(name="HELPER", stream="", offering=talker, **asked)
    seen.refresh_from_db()
    assert (seen.state, NameDecision.objects.filter(revoked_at__isnull=True).count()) == (
        "matched",
        1,
    )


def test_a_decision_about_one_sender_leaves_the_others(application, governance, talker):
    one = see(
        "helper",
        application=application,
        provider="",
        confidence=Confidence.BOM,
        stream="cyclonedx:a",
    )
    two = see(
        "helper",
        application=application,
        provider="",
        confidence=Confidence.BOM,
        stream="cyclonedx:b",
    )
    decide_name(
        name="helper", provider="", stream="cyclonedx:a", offering=talker, by=governance, at=NOW
    )
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, two.state) == ("matched", "unresolved")


def test_what_the_identity_inbox_decides_is_followed_once(application, governance, acme):
    seen = see("talker-9", application=application)
    assert seen.offering.version is None
    version = make_version("acme/talker-9")
    decide_identity(
        raw="talker-9", host=acme, version=version, alias=None, not_a_model=False, by=governance
    )

    assert propagate_changes(at=NOW) == 1
    reconcile_waiting(at=NOW)
    seen.refresh_from_db()
    assert (seen.state, seen.dependency.offering.version) == ("matched", version)
    assert propagate_changes(at=NOW) == 0


def test_a_token_speaks_for_one_application(application, editor, governance):
    token, _ = issue_token(user=editor, name="traces", scopes=["intake"], at=NOW, by=editor)
    reader, _ = issue_token(user=editor, name="reads", scopes=["read"], at=NOW, by=editor)
    with pytest.raises(InvalidStateError, match="lacks the scope"):
        bind_token(token=reader, application=application, by=editor)
    with pytest.raises(HiddenApplicationError):
        bind_token(token=token, application=make_application(), by=editor)
    with pytest.raises(IntakePermissionError):
        bind_token(token=token, application=application, by=make_member(application.team))
    bound = bind_token(token=token, application=application, by=editor, environment="prod")
    assert (TokenBinding.objects.get(), bound.environment) == (bound, "prod")
    unbind_token(binding=bound, by=editor)
    assert not TokenBinding.objects.exists()
