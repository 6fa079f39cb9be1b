"""A document's way into the register: observed, held against what is declared, and never taking
more than it saw."""

import json
from datetime import UTC, datetime

import pytest

from apps.accounts.actions import end_membership, issue_token
from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.common.time import now
from apps.intake.connections.service_links import bind_token
from apps.intake.documents import ingest
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import (
    IdempotencyKeyReusedError,
    receive_document,
    set_document_application,
)
from apps.intake.documents.records import (
    Document,
    DocumentFormat,
    Sighting,
    SkippedPart,
    UnreadableError,
)
from apps.intake.import_jobs import IntakePermissionError
from apps.intake.models import Confidence, Import, NameDecision, Observation, Service, TokenBinding
from apps.intake.observations.reconciliation import reconcile_waiting, reopen_observations
from apps.inventory.models import Application, Dependency
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db

State, Seen = Import.State, Observation.State


def read(body: bytes) -> Document:
    """A made-up format: {maker, made_at, subject, models: [{...Sighting}]}."""
    try:
        said = json.loads(body)
    except ValueError:
        raise UnreadableError("This is no JSON.") from None
    return Document(
        maker=said.get("maker", "scan"),
        made_at=datetime.fromisoformat(said["made_at"]) if "made_at" in said else None,
        subject=said.get("subject", ""),
        natural_key=said.get("key", ""),
        sightings=[Sighting(**{"places": (), **model}) for model in said["models"]],
        ignored=[SkippedPart("/x", "no model")] if said.get("odd") else [],
        schema_valid=said.get("valid"),
        profile=said.get("profile", ""),
        names_ai=said.get("names_ai", True),
    )


@pytest.fixture(autouse=True)
def form(monkeypatch):
    made = DocumentFormat("made-up", "Made up", read)
    monkeypatch.setitem(FORMATS, "made-up", made)
    return made


@pytest.fixture
def application():
    return make_application("Claims triage")


@pytest.fixture
@kept_world
def offering():
    version = make_version("acme/talker-1-20250101")
    return make_offering("talker-1-20250101", host=make_provider("acme"), version=version)


def send(form, application=None, by=None, **said):
    said.setdefault("models", [{"requested": "talker-1-20250101", "provider": "acme"}])
    options = {
        key: said.pop(key)
        for key in ("token", "idempotency_key", "strict", "environment")
        if key in said
    }
    body = json.dumps(said).encode()
    return receive_document(
        document_format=form, body=body, by=by, at=now(), application=application, **options
    )


def test_what_a_document_names_becomes_an_observed_dependency(form, application, offering):
    taken, is_new = send(form, application)

    dependency = Dependency.objects.get(application=application)
    assert is_new
    assert (taken.state, taken.counts["created"], taken.counts["unresolved"]) == (
        State.APPLIED,
        1,
        0,
    )
    assert (dependency.offering, dependency.origin, dependency.role) == (
        offering,
        "observed",
        "primary",
    )
    assert dependency.last_observed_on == now().date()
    assert Observation.objects.get().dependency == dependency


def test_the_same_document_again_is_the_first_import(form, application, offering):
    first, _ = send(form, application)
    again, is_new = send(form, application)

    assert (again.pk, is_new) == (first.pk, False)
    assert Import.objects.count() == 1


def test_a_key_of_the_sender_names_one_document(form, application, offering):
    first, _ = send(form, application, idempotency_key="build-7")
    again, is_new = send(form, application, idempotency_key="build-7")

    assert (again.pk, is_new) == (first.pk, False)
    with pytest.raises(IdempotencyKeyReusedError, match="another document"):
        send(form, application, idempotency_key="build-7", odd=True)


def test_what_is_declared_stays_as_it_is_and_gets_its_last_day(form, application, offering):
    declared = make_dependency(application, offering, origin="declared")
    entries = declared.history.count()

    send(form, application)

    declared.refresh_from_db()
    assert (declared.origin, declared.last_observed_on) == ("declared", now().date())
    assert Dependency.objects.count() == 1
    assert declared.history.count() == entries, "a day of being seen is no change anybody made"


def test_another_id_of_the_same_model_at_the_same_host_is_the_same_use(form, application, offering):
    other = make_offering("talker-latest", host=offering.host, version=offering.version)
    declared = make_dependency(application, other)

    send(form, application)

    assert Observation.objects.get().dependency == declared
    assert Dependency.objects.count() == 1


def test_what_one_tool_no_longer_sees_takes_nothing_from_another(form, application, offering):
    second = make_offering("writer-2", host=offering.host)
    both = [{"requested": each.api_id, "provider": "acme"} for each in (offering, second)]
    send(form, application, maker="one", models=both)
    send(form, application, maker="two", models=both)

    taken, _ = send(form, application, maker="one", models=both[:1])

    missing = Observation.objects.filter(missing_since__isnull=False)
    assert [(each.stream, each.requested) for each in missing] == [("made-up:one", "writer-2")]
    assert taken.counts["missing"] == 1
    assert Dependency.objects.filter(until__isnull=True).count() == 2


def test_a_document_without_any_model_or_ai_service_confirms_and_ends_nothing_and_says_so(
    form, application, offering
):
    send(form, application, made_at="2026-11-20T10:00:00+00:00")
    seen = Observation.objects.get()

    taken, _ = send(
        form, application, models=[], names_ai=False, made_at="2026-11-21T10:00:00+00:00"
    )

    seen.refresh_from_db()
    assert (taken.state, taken.counts["missing"], taken.counts["names_ai"]) == (
        State.APPLIED,
        0,
        False,
    )
    assert seen.missing_since is None
    assert any(
        "If the application uses models, send a document of a scanner that detects them, such as "
        "cdxgen's command aibom" in part["reason"]
        for part in taken.problems["ignored"]
    )
    # nor does it make what comes after it look older
    late, _ = send(form, application, made_at="2026-11-20T12:00:00+00:00")
    assert not late.is_older
    # one that looked for models, and found none any more, does end them
    gone, _ = send(form, application, models=[], made_at="2026-11-22T10:00:00+00:00")
    assert gone.counts["missing"] == 1


def test_two_kinds_of_run_of_one_tool_end_nothing_of_each_other(form, application, offering):
    second = make_offering("writer-2", host=offering.host)
    send(form, application, maker="scan", profile="research", made_at="2026-11-20T10:00:00+00:00")

    other, _ = send(
        form,
        application,
        maker="scan",
        profile="operations",
        made_at="2026-11-19T10:00:00+00:00",
        models=[{"requested": second.api_id, "provider": "acme"}],
    )

    assert (other.is_older, other.tool) == (False, "scan operations")
    assert not Observation.objects.filter(missing_since__isnull=False).exists()
    streams = Observation.objects.order_by("stream").values_list("stream", flat=True)
    assert list(streams) == ["made-up:scan operations", "made-up:scan research"]


def test_an_older_document_that_comes_late_ends_nothing_and_brings_back_nothing(
    form, application, offering
):
    second = make_offering("writer-2", host=offering.host)
    send(form, application, made_at="2026-11-20T10:00:00+00:00")
    late, _ = send(
        form,
        application,
        made_at="2026-11-01T10:00:00+00:00",
        models=[{"requested": second.api_id, "provider": "acme"}],
    )

    seen = {each.requested: each for each in Observation.objects.all()}
    assert late.is_older
    assert seen[offering.api_id].missing_since is None
    assert seen[second.api_id].last_seen_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_a_name_nobody_knows_in_a_bill_of_materials_waits_and_makes_nothing_up(
    form, application, offering
):
    taken, _ = send(
        form,
        application,
        models=[
            {"requested": "process.env.REVIEW_MODEL", "provider": "acme"},
            {"requested": "nope", "provider": ""},
        ],
    )

    assert taken.counts["unresolved"] == 2
    assert {part["reason"].split(":")[0] for part in taken.problems["unresolved"]} == {
        "process.env.REVIEW_MODEL",
        "nope",
    }
    assert not Dependency.objects.exists()
    assert (
        not type(offering).objects.filter(api_id__in=["process.env.REVIEW_MODEL", "nope"]).exists()
    )


def test_a_name_seen_at_run_time_at_a_known_host_waits_in_the_identity_inbox(
    form, application, offering
):
    send(
        form,
        application,
        models=[
            {
                "requested": "contact-centre-prod",
                "provider": "acme",
                "alias": "chat",
                "confidence": Confidence.SERVED,
            }
        ],
    )

    dependency = Dependency.objects.get()
    assert (dependency.offering.api_id, dependency.offering.version) == (
        "contact-centre-prod",
        None,
    )
    assert not type(offering).objects.filter(api_id="chat").exists(), (
        "what the gateway is asked for is no model"
    )


def test_what_was_served_tells_what_an_unknown_deployment_is(form, application, offering):
    send(
        form,
        application,
        models=[
            {
                "requested": "prod-deployment",
                "served": offering.api_id,
                "provider": "acme",
                "confidence": Confidence.SERVED,
            }
        ],
    )

    seen = Observation.objects.get()
    assert (seen.offering, seen.served_version) == (offering, offering.version)


def test_a_name_that_is_decided_applies_backwards(form, application, offering):
    send(form, application, models=[{"requested": "our talker", "provider": ""}])
    seen = Observation.objects.get()
    assert seen.state == Seen.UNRESOLVED
    person = make_member(application.team)

    NameDecision.objects.create(name="Our Talker", offering=offering, decided_by=person)
    reopen_observations([seen.pk])
    reconcile_waiting(at=now())

    seen.refresh_from_db()
    assert (seen.state, seen.dependency.offering) == (Seen.MATCHED, offering)


def test_a_sender_nobody_has_claimed_waits_and_its_application_gets_all_of_it_once_named(
    form, application, offering
):
    model = {"requested": offering.api_id, "provider": "acme", "service": "shop/triage"}
    taken, _ = send(form, models=[model])
    seen = Observation.objects.get()
    assert (seen.state, taken.counts["unclaimed"]) == (Seen.UNCLAIMED, 1)

    Service.objects.filter(name="shop/triage").update(application=application)
    Observation.objects.update(application=application)
    reopen_observations([seen.pk])
    reconcile_waiting(at=now())
    send(form, models=[model], odd=True)

    assert Observation.objects.count() == 1, "claimed or not, it is the same sender's view"
    assert Dependency.objects.get().application == application


def test_a_document_about_nobody_waits_until_a_person_names_the_application(
    form, application, offering
):
    editor = make_member(application.team)
    taken, _ = send(form, by=editor, subject="claims-frontend")
    assert taken.state == State.RECEIVED
    assert "claims-frontend" in taken.error

    set_document_application(import_=taken, application=application, by=editor)

    assert taken.state == State.APPLIED
    assert Dependency.objects.get().application == application


def test_a_document_may_name_its_application_itself(form, application, offering):
    taken, _ = send(form, by=make_member(application.team), subject="claims triage")

    assert (taken.state, taken.application) == (State.APPLIED, application)


def test_a_stranger_cannot_send_about_an_application_nor_by_its_name(form, application, offering):
    stranger = make_member(make_application().team, TeamRole.OWNER)

    with pytest.raises(IntakePermissionError, match="editor role on the owning team"):
        send(form, application, by=stranger)
    named, _ = send(form, by=stranger, subject=application.slug)

    assert named.state == State.RECEIVED
    assert not Dependency.objects.exists()


def test_a_bound_token_speaks_of_one_application_only(form, application, offering):
    user = add_service(username="ci", about="", team=None, by=make_user(role="governance"))
    token, _ = issue_token(user=user, name="ci", scopes=["intake"], at=now(), by=None)
    TokenBinding.objects.create(token=token, application=application, environment="prod")

    taken, _ = send(form, by=user, token=token)
    assert (taken.application, Observation.objects.get().environment) == (application, "prod")
    with pytest.raises(IntakePermissionError, match=r"limited to"):
        send(form, make_application(), by=user, token=token)


def test_a_sender_claimed_for_a_foreign_application_is_not_spoken_for(form, application, offering):
    stranger = make_member(make_application().team)
    models = [
        {
            "requested": "talker-1-20250101",
            "provider": "acme",
            "service": "claims",
            "where": "/models/0",
        }
    ]
    send(form, models=models)
    Service.objects.update(application=application)
    Observation.objects.all().delete()

    taken, _ = send(form, by=stranger, models=models, odd=True)

    assert not Observation.objects.exists()
    assert not Dependency.objects.exists()
    said = taken.problems["rejected"][0]
    assert (said["where"], "that you cannot edit" in said["reason"]) == ("/models/0", True)
    assert application.slug not in str(taken.problems)


def test_a_person_who_has_left_the_team_sends_nothing_for_it_by_the_token_bound_before(
    form, application, offering
):
    editor = make_member(application.team)
    token, _ = issue_token(user=editor, name="ci", scopes=["intake"], at=now(), by=editor)
    bind_token(token=token, application=application, by=editor)
    assert send(form, by=editor, token=token)[0].state == State.APPLIED

    end_membership(membership=editor.memberships.get(), by=make_user(role="governance"))

    with pytest.raises(IntakePermissionError, match="You need the editor role"):
        send(form, by=User.objects.get(pk=editor.pk), token=token, odd=True)


def test_what_breaks_its_schema_is_taken_and_marked_or_refused_where_asked(
    form, application, offering
):
    taken, _ = send(form, application, valid=False)
    assert (taken.state, taken.schema_valid) == (State.APPLIED, False)

    refused, _ = send(form, application, valid=False, strict=True, odd=True)
    assert refused.state == State.FAILED
    assert "does not match its schema" in refused.error


def test_an_unreadable_body_says_so_and_may_be_sent_again(form, application):
    failed, _ = receive_document(
        document_format=form, body=b"<html>", by=None, at=now(), application=application
    )
    again, is_new = receive_document(
        document_format=form, body=b"<html>", by=None, at=now(), application=application
    )

    assert (failed.state, failed.error) == (State.FAILED, "This is no JSON.")
    assert (again.pk != failed.pk, is_new) == (True, True)


def test_an_import_taken_back_does_not_come_back_by_itself(form, application, offering):
    editor = make_member(application.team)
    taken, _ = send(form, application, by=editor)
    Import.objects.filter(pk=taken.pk).update(state=State.UNDOING, undone_by=editor)

    ingest.run_document_import(taken.pk)
    reconcile_waiting(at=now())

    taken.refresh_from_db()
    assert (taken.state, taken.error) == (State.UNDONE, "")
    assert not Dependency.objects.exists()
    assert Observation.objects.get().state == Seen.SET_ASIDE


def test_an_application_out_of_use_gets_no_dependency(form, application, offering):
    Application.objects.filter(pk=application.pk).update(status=Application.Status.RETIRED)

    send(form, application)

    assert Observation.objects.get().state == Seen.OUT_OF_USE
    assert not Dependency.objects.exists()


def test_names_lose_what_cannot_be_seen(form, application, offering):
    send(
        form, application, models=[{"requested": "talker-1\u202e-20250101\x00", "provider": "acme"}]
    )

    assert Observation.objects.get().requested == "talker-1-20250101"


def test_a_second_look_on_the_same_day_leaves_the_dependency_alone(form, application, offering):
    send(form, application)
    before = Dependency.objects.values().get()

    send(form, application, odd=True)

    assert Dependency.objects.values().get() == before
    assert Observation.objects.get().state == Seen.MATCHED
