"""Where what was seen and what is declared disagree: found once, closed when it is over, never
acted on by a job."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import Offering
from apps.common.history.context import audit_context
from apps.common.time import day_of, now
from apps.intake.import_jobs import InvalidStateError
from apps.intake.models import (
    Confidence,
    Discrepancy,
    IntakeSettings,
    Observation,
    Service,
    UsageDay,
)
from apps.intake.observations.discrepancies import find_discrepancies
from apps.intake.observations.discrepancy_responses import (
    declare_discrepancies,
    dismiss_discrepancies,
    end_discrepancies,
    reopen_discrepancies,
)
from apps.intake.observations.propagation import propagate_changes, reopen_recognised_names
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.inventory.actions.application_merge import merge_applications
from apps.inventory.actions.applications import retire_application
from apps.inventory.actions.locks import ForbiddenChangeError
from apps.inventory.actions.undo import undo_change
from apps.inventory.models import Dependency
from apps.web.views.intake.presenters import describe_discrepancy
from tests.builders import (
    NOW,
    TODAY,
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)

pytestmark = pytest.mark.django_db

Kind, Closed = Discrepancy.Kind, Discrepancy.Closed


def days(n):
    return timedelta(days=n)


@pytest.fixture
def acme():
    return make_provider("acme")


@pytest.fixture
def talker(acme):
    return make_offering("talker-1", host=acme, version=make_version("acme/talker-1"))


@pytest.fixture
def application():
    return make_application("Claims triage")


def see(application, requested="talker-1", *, served="", at=NOW, since=None, calls=None, **fields):
    """An observation as a door would have left it; `calls` {day: number}."""
    fields = {
        "stream": "otlp",
        "provider": "acme",
        "confidence": Confidence.SERVED,
        "key": uuid4(),
        **fields,
    }
    seen = Observation.objects.create(
        application=application,
        requested=requested,
        served=served,
        first_seen_at=since or at,
        last_seen_at=at,
        **fields,
    )
    for day, n in (calls or {}).items():
        UsageDay.objects.create(
            observation=seen, day=day, n_calls=n, first_seen_at=at, last_seen_at=at
        )
    return seen


def find(at=NOW):
    propagate_changes(at=at)
    reconcile_waiting(at=at)
    return find_discrepancies(at=at)


def open_kinds():
    return sorted(Discrepancy.objects.open().values_list("kind", flat=True))


# --- seen, not declared ---------------------------------------------------------------------------


def test_what_is_seen_and_nobody_declared_is_asked_about_once(
    application, talker, django_assert_num_queries
):
    see(application)

    assert find().opened == {Kind.SHADOW: 1}
    assert find().n == 0
    found = Discrepancy.objects.get()
    assert (found.application, found.dependency.origin) == (application, "observed")
    assert found.details["api_id"] == "talker-1"
    # whatever is there to find, the pass is the same few statements
    with django_assert_num_queries(30):
        find_discrepancies(at=NOW)


def test_declaring_it_closes_it_and_undo_brings_the_question_back(application, talker):
    see(application)
    find()
    editor = make_member(application.team)

    with audit_context(user=editor) as change:
        answered = declare_discrepancies(
            discrepancies=list(Discrepancy.objects.all()), by=editor, at=NOW
        )

    found = Discrepancy.objects.get()
    assert (answered.done, found.closed_as, found.closed_by) == (1, Closed.DECLARED, editor)
    assert Dependency.objects.get().origin == "declared"
    assert find(NOW + days(1)).n == 0

    undo_change(change=change, by=editor)
    assert Dependency.objects.get().origin == "observed"
    assert find(NOW + days(1)).opened == {Kind.SHADOW: 1}


def test_ending_it_lasts_until_it_is_seen_again(application, talker):
    see(application, at=NOW - days(3))
    find()
    editor = make_member(application.team)

    end_discrepancies(discrepancies=list(Discrepancy.objects.all()), by=editor, at=NOW)
    assert Dependency.objects.get().until == TODAY
    assert find().n == 0

    Observation.objects.update(last_seen_at=NOW + days(1), state="new")
    assert find(NOW + days(1)).opened == {Kind.SHADOW: 1}
    # it begins where the one that was ended ends
    assert Dependency.objects.get(until__isnull=True).since == TODAY


def test_what_was_seen_before_its_end_brings_nothing_back(application, talker):
    ended = make_dependency(application, talker, since=TODAY - days(90), until=TODAY - days(5))
    see(application, at=NOW - days(6))
    assert find().n == 0
    assert Observation.objects.get().dependency == ended


def test_where_sightings_do_not_become_dependencies_they_are_asked_about_themselves(
    application, talker
):
    IntakeSettings.objects.update(declares_shadows=False)
    see(application)
    assert find().opened == {Kind.SHADOW: 1}
    assert not Dependency.objects.exists()

    editor = make_member(application.team)
    declare_discrepancies(discrepancies=list(Discrepancy.objects.all()), by=editor, at=NOW)
    assert Dependency.objects.get().origin == "declared"


def test_a_dismissal_holds_until_its_day_and_can_be_taken_back(application, talker):
    see(application)
    find()
    editor = make_member(application.team)
    rows = list(Discrepancy.objects.all())

    with pytest.raises(InvalidStateError, match="Enter a reason"):
        dismiss_discrepancies(
            discrepancies=rows, until=TODAY + days(9), reason=" ", by=editor, at=NOW
        )
    with pytest.raises(InvalidStateError, match="after today"):
        dismiss_discrepancies(discrepancies=rows, until=TODAY, reason="trial", by=editor, at=NOW)
    dismiss_discrepancies(
        discrepancies=rows, until=TODAY + days(9), reason="trial", by=editor, at=NOW
    )
    assert find(NOW + days(8)).n == 0
    assert reopen_discrepancies(discrepancies=list(Discrepancy.objects.all()), by=editor) == 1
    dismiss_discrepancies(
        discrepancies=rows, until=TODAY + days(9), reason="trial", by=editor, at=NOW
    )
    assert find(NOW + days(9)).opened == {Kind.SHADOW: 1}
    # by now it is asked again: the old dismissal has nothing to take back
    assert reopen_discrepancies(discrepancies=rows, by=editor) == 0


def test_only_editors_of_the_owning_team_answer(application, talker):
    see(application)
    find()
    rows = list(Discrepancy.objects.all())
    for user in (
        make_member(application.team, TeamRole.VIEWER),
        make_user(role="auditor"),
        make_user(),
    ):
        with pytest.raises(ForbiddenChangeError):
            declare_discrepancies(discrepancies=rows, by=user, at=NOW)
    assert not Discrepancy.objects.visible_to(make_user()).exists()
    assert (
        Discrepancy.objects.visible_to(make_member(application.team, TeamRole.VIEWER)).count() == 1
    )


# --- declared, not seen ---------------------------------------------------------------------------


def test_what_is_declared_and_not_seen_while_others_are(application, talker, acme):
    other = make_offering("writer-1", host=acme)
    quiet = make_dependency(application, other, since=TODAY - days(90))
    make_dependency(application, talker, since=TODAY - days(90))
    see(application, at=NOW - days(2))

    assert find().opened == {Kind.UNSEEN: 1}
    assert Discrepancy.objects.get().dependency == quiet

    quiet.refresh_from_db()
    assert quiet.until is None
    see(application, "writer-1")
    assert find(NOW + days(1)).closed == {Kind.UNSEEN: 1}
    assert Discrepancy.objects.get().closed_as == Closed.ENDED


def test_what_could_not_be_seen_is_not_asked_about(application, acme, talker):
    """Nobody watches it, it stands by, it is inside a vendor's product, it is new, or a person just
    confirmed it."""
    make_dependency(make_application(), talker, since=TODAY - days(90))
    see(application, at=NOW - days(1))
    vendor = make_provider("vendor")
    old = {"since": TODAY - days(90)}
    make_dependency(application, talker, **old)
    for extra in (
        {"role": "fallback", "fallback_order": 1, **old},
        {"reached": "embedded", "via_party": vendor, **old},
        {"traffic_share": 0, **old},
        {"since": TODAY - days(10)},
        {"confirmed_on": TODAY - days(5), **old},
    ):
        make_dependency(
            application, make_offering(host=acme), extra.pop("role", "primary"), **extra
        )
    assert find().n == 0


def test_what_was_seen_at_run_time_and_fell_silent_is_asked_about(application, talker):
    make_dependency(application, talker, since=TODAY - days(200))
    see(application, at=NOW - days(40))
    assert find().opened == {Kind.UNSEEN: 1}
    assert Discrepancy.objects.get().details["last_on"] == (TODAY - days(40)).isoformat()


# --- drift ----------------------------------------------------------------------------------------


def test_another_version_behind_the_same_name_is_told_once(application, acme):
    line = make_foundation("acme/talker")
    old, new = (make_version(f"acme/talker-{n}", foundation=line) for n in (1, 2))
    for version in (old, new):
        make_offering(version.identifier.split("/")[1], host=acme, version=version)
    make_offering("talker", host=acme, version=old)
    make_dependency(
        application,
        Dependency._meta.get_field("offering").related_model.objects.get(api_id="talker"),
    )
    see(application, "talker", served="talker-1", calls={TODAY - days(n): 5 for n in range(3, 14)})
    assert find().n == 0

    see(application, "talker", served="talker-2", calls={TODAY - days(1): 7, TODAY: 2})
    found = find()
    assert found.opened[Kind.DRIFT] == 1
    drift = Discrepancy.objects.get(kind=Kind.DRIFT)
    assert (drift.details["was"], drift.details["now"]) == ("acme/talker-1", "acme/talker-2")
    assert (drift.details["n_calls"], drift.details["first_on"]) == (
        9,
        (TODAY - days(1)).isoformat(),
    )
    assert find(NOW + days(1)).n == 0
    # a week later it is what one is used to
    UsageDay.objects.create(
        observation=drift.observation,
        day=TODAY + days(8),
        n_calls=1,
        first_seen_at=NOW,
        last_seen_at=NOW,
    )
    assert find(NOW + days(8)).closed[Kind.DRIFT] == 1
    assert find(NOW + days(8)).opened == {}


def test_another_environment_or_only_failures_are_no_drift(application, talker):
    make_dependency(application, talker)
    see(application, served="talker-1", environment="prod", calls={TODAY - days(10): 5, TODAY: 5})
    see(application, served="talker-9", environment="test", calls={TODAY: 5})
    failing = see(application, served="talker-8", environment="prod", calls={TODAY: 5})
    UsageDay.objects.filter(observation=failing).update(n_errors=5)
    find()
    assert Kind.DRIFT not in open_kinds()


# --- another model than asked for -----------------------------------------------------------------


def test_a_pinned_id_answered_by_another_version_is_told(application, acme):
    pinned = make_offering(
        "talker-1", host=acme, version=make_version("acme/talker-1"), binding="pinned"
    )
    other = make_offering("mumbler-1", host=acme, version=make_version("acme/mumbler-1"))
    make_dependency(application, pinned)
    see(application, served="talker-1")
    assert find().n == 0

    see(application, served="mumbler-1")
    assert find().opened[Kind.OTHER_SERVED] == 1
    told = Discrepancy.objects.get(kind=Kind.OTHER_SERVED)
    assert (told.details["stands_for"], told.details["now"]) == ("acme/talker-1", "acme/mumbler-1")

    # where the application says that it falls back to it, that is no news
    make_dependency(application, other, "fallback", fallback_order=1)
    assert find().closed[Kind.OTHER_SERVED] == 1


def test_a_moving_name_may_move_within_its_foundation_only(application, acme):
    line = make_foundation("acme/talker")
    latest = make_offering(
        "talker-latest", host=acme, version=make_version("acme/talker-latest", foundation=line)
    )
    for identifier, foundation in (
        ("acme/talker-2", line),
        ("acme/mumbler-1", make_foundation("acme/mumbler")),
    ):
        make_offering(
            identifier[5:], host=acme, version=make_version(identifier, foundation=foundation)
        )
    make_dependency(application, latest)
    see(application, "talker-latest", served="talker-2")
    assert find().n == 0
    see(application, "talker-latest", served="mumbler-1")
    assert find().opened == {Kind.OTHER_SERVED: 1}


# --- not in use -----------------------------------------------------------------------------------


def test_a_retired_application_that_still_calls_is_told(application, talker):
    make_dependency(application, talker, since=TODAY - days(90))
    # the history has the moment at which it was retired
    retire_application(application=application, on=day_of(now()), by=make_user(role="admin"))
    later = now() + timedelta(hours=1)
    see(application, at=now() - days(1))
    see(application, at=later, confidence=Confidence.BOM)
    assert find(later).n == 0

    see(application, at=later)
    assert find(later).opened == {Kind.OUT_OF_USE: 1}
    assert Discrepancy.objects.get().details["called"] == "talker-1"
    assert find(later + days(40)).closed == {Kind.OUT_OF_USE: 1}


# --- following ------------------------------------------------------------------------------------


def test_what_was_seen_of_a_merged_application_is_of_the_one_that_stays(application, talker):
    twin = make_application("Claims triage (old)", team=application.team)
    service = Service.objects.create(
        name="claims", application=twin, first_seen_at=NOW, last_seen_at=NOW
    )
    see(twin, service=service)
    find()
    merge_applications(
        survivor=application, duplicate=twin, on=day_of(NOW), by=make_user(role="admin")
    )

    find()
    service.refresh_from_db()
    seen = Observation.objects.get()
    assert (seen.application, service.application) == (application, application)
    assert (seen.state, seen.dependency.application) == ("matched", application)


def test_a_name_the_catalogue_has_learnt_is_read_anew(application, acme):
    see(application, "talker-3", confidence=Confidence.BOM)
    reconcile_waiting(at=NOW)
    assert Observation.objects.get().state == "unresolved"
    assert reopen_recognised_names() == 0

    make_offering("talker-3", host=acme, version=make_version("acme/talker-3"))
    assert reopen_recognised_names() == 1
    find()
    assert Observation.objects.get().dependency.offering.api_id == "talker-3"


# --- a model ID that answers a name ---------------------------------------------------------------


def _name_that_may_be(*offerings):
    versions = tuple(offering.version.identifier for offering in offerings)
    name = NamedModel("acme", "Talker at Acme", versions=versions)
    return Offering.objects.get(pk=ensure_named_models([name], at=NOW)[name])


@pytest.fixture
def named(talker, acme):
    """A name that can be the talker or another version of its foundation."""
    other = make_version("acme/talker-2", foundation=talker.version.foundation)
    return _name_that_may_be(talker, make_offering("talker-2", host=acme, version=other))


def test_an_observed_model_id_answers_the_name_and_is_no_second_dependency(
    application, talker, named
):
    dependency = make_dependency(application, named)
    see(application, since=NOW - days(3))

    find()

    assert Dependency.objects.get() == dependency
    [row] = Discrepancy.objects.open()
    assert (row.kind, row.dependency) == (Kind.SHADOW, dependency)
    assert describe_discrepancy(row) == (
        "calls talker-1 on Acme, which answers the name “Talker at Acme”"
    )


def test_declaring_the_answer_chooses_the_model_id_of_the_name(application, talker, named):
    dependency = make_dependency(application, named)
    see(application)
    find()

    result = declare_discrepancies(
        discrepancies=list(Discrepancy.objects.open()), by=make_user(role="governance"), at=NOW
    )

    dependency.refresh_from_db()
    named.refresh_from_db()
    assert (result.done, dependency.offering, named.resolved_to) == (1, talker, talker)
    assert not Discrepancy.objects.open().exists()
    find(NOW + days(1))
    assert not Discrepancy.objects.open().exists()


def test_a_name_that_is_declared_after_the_calls_were_seen_is_answered_too(
    application, talker, named
):
    see(application)
    find()
    observed = Dependency.objects.get()
    declared = make_dependency(application, named)

    find(NOW + days(1))
    row = Discrepancy.objects.open().get(kind=Kind.SHADOW)
    assert row.details["answers"] == "Talker at Acme"
    declare_discrepancies(discrepancies=[row], by=make_user(role="governance"), at=NOW + days(1))

    observed.refresh_from_db()
    declared.refresh_from_db()
    assert observed.origin == Dependency.Origin.DECLARED
    # the application has one live dependency on the model
    assert declared.until is not None


def test_an_editor_of_one_team_cannot_answer_a_name_of_others(application, talker, named):
    make_dependency(application, named)
    make_dependency(make_application(), named)
    see(application)
    find()
    editor = make_member(application.team, TeamRole.EDITOR)

    result = declare_discrepancies(
        discrepancies=list(Discrepancy.objects.open()), by=editor, at=NOW
    )

    assert result.refused == (
        "Claims triage: Other teams use the name Talker at Acme too. Ask governance to choose its "
        "model ID.",
    )
    assert Discrepancy.objects.open().exists()


def test_a_document_does_not_answer_a_name(application, talker, named):
    make_dependency(application, named)
    see(application, confidence=Confidence.BOM)

    find()

    assert not Discrepancy.objects.open().exists()
    assert Dependency.objects.count() == 1
