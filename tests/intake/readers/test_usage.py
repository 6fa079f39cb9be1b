"""Reports of usage: read by their titles, counted by application, model and day, and never
twice."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.documents.records import Sighting, UnreadableError
from apps.intake.documents.undo import undo_document
from apps.intake.models import Confidence, Import, Observation, UsageDay
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.observations.storage import AttributedSighting, store_observations
from apps.intake.readers.usage import read_usage
from apps.intake.telemetry.volumes import call_volumes
from apps.inventory.models import Dependency
from tests.builders import (
    make_application,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
)

HEAD = "date,application,model,provider,requests,input_tokens,output_tokens,cost,currency"
DAY = now().date() - timedelta(days=2)


def rows_of(document):
    return [
        (
            said.names.service,
            said.names.environment,
            said.names.requested,
            said.names.provider,
            on,
            *counted,
        )
        for said in document.usage
        for on, counted in said.days.items()
    ]


def test_rows_are_summed_by_application_model_and_day_whatever_the_order_of_columns():
    body = """Usage of November
Model;Requests;Date;App;Host;Prompt tokens;Completion tokens;Spend;Currency;Env
gpt-4o;1.000;2026-11-01;Assistant;azure;20;3;1,50;USD;prod
gpt-4o;5;01.11.2026;Assistant;azure;;4;0,25;;prod
gpt-4o;7;2026-11-02;Assistant;azure;;;3;EUR;prod
;7;2026-11-02;Assistant;azure;;;;;
gpt-4o;many;2026-11-02;Assistant;azure;;;;;
gpt-4o;;;Assistant;;;;;;"""

    document = read_usage(body.encode())

    names = ("Assistant", "prod", "gpt-4o", "azure")
    assert rows_of(document) == [
        (*names, date(2026, 11, 1), 1005, 20, 7, Decimal("1.75")),
        (*names, date(2026, 11, 2), 7, None, None, None),
    ]
    assert [part.where for part in document.rejected] == ["row 6", "row 7", "row 8"]
    assert document.ignored[0].reason.startswith("1 costs in EUR are ignored")
    assert document.is_complete is False


@pytest.mark.parametrize("body", ["", "{}", "a,b\n1,2", "date,application,model\n2026-11-01,a,b"])
def test_what_has_no_such_titles_is_refused_with_a_sentence(body):
    with pytest.raises(UnreadableError):
        read_usage(body.encode())


@pytest.fixture
def talker(db):
    return make_offering("talker-1", host=make_provider("acme"))


def take(*lines, by=None, **more):
    body = "\n".join([HEAD, *lines]).encode()
    return receive_document(
        document_format=FORMATS["usage"], body=body, by=by, at=now(), at_once=True, **more
    )[0]


def line(
    application="assistant", *, day=DAY, model="talker-1", requests=10, tokens=(20, 3), cost="0.5"
):
    return f"{day},{application},{model},acme,{requests},{tokens[0]},{tokens[1]},{cost},USD"


def days():
    return list(
        UsageDay.objects.order_by("day").values_list(
            "n_calls", "input_tokens", "output_tokens", "cost_usd"
        )
    )


def test_a_report_shows_what_is_used_and_how_much_and_a_corrected_one_replaces_it(talker):
    application = make_application("Assistant")

    done = take(line(), line(day=DAY - timedelta(days=1), tokens=("", "")))

    dependency = Dependency.objects.get()
    assert (dependency.application, dependency.offering, dependency.origin) == (
        application,
        talker,
        "observed",
    )
    assert (done.state, done.counts["created"], done.counts["sightings"]) == (
        Import.State.APPLIED,
        1,
        1,
    )
    assert days() == [(10, None, None, Decimal("0.5")), (10, 20, 3, Decimal("0.5"))]
    assert UsageDay.objects.order_by("day").first().n_without_usage == 10

    take(line(requests=12, cost="0.75"))
    assert days()[1] == (12, 20, 3, Decimal("0.75"))

    undone = undo_document(import_=Import.objects.latest("pk"), by=make_user(role="governance"))
    assert (undone.state, UsageDay.objects.count()) == (Import.State.UNDONE, 0)


def test_names_nobody_has_wait_and_nobody_writes_to_another_s_application(talker):
    mine, others = make_application("Mine"), make_application("Theirs")
    editor = make_member(mine.team, TeamRole.EDITOR)

    done = take(line("Mine"), line("Theirs"), line("unheard-of"), line(""), by=editor)

    told = {
        (each.application, each.service and each.service.name) for each in Observation.objects.all()
    }
    assert told == {(mine, None), (None, "Theirs"), (None, "unheard-of")}
    assert (done.counts["unclaimed"], done.counts["rejected"]) == (2, 1)
    assert not Dependency.objects.filter(application=others).exists()

    about = take(line("", requests=4), line("Theirs", requests=5), by=editor, application=mine)
    assert about.problems["rejected"][0]["reason"].endswith("the report was sent for Mine.")
    assert [each.n_calls for each in UsageDay.objects.filter(observation__application=mine)] == [4]


def test_days_to_come_are_not_taken(talker):
    make_application("Assistant")

    done = take(line(day=now().date() + timedelta(days=9)), line())

    assert "dates in the future" in done.problems["rejected"][0]["reason"]
    assert len(days()) == 1


def test_a_report_is_not_added_to_what_traces_and_gateways_told_of_the_same_day(talker):
    application = make_application("Assistant", team=make_team())
    at = now()
    said = Sighting(requested="talker-1", provider="acme", confidence=Confidence.SERVED)
    for stream in ("otlp", "litellm:proxy"):
        store_observations(stream, [AttributedSighting(said, application.pk, None, at, at)])
    for each in Observation.objects.all():
        UsageDay.objects.create(
            observation=each, day=DAY, n_calls=3, first_seen_at=at, last_seen_at=at
        )
    reconcile_waiting(at=at)

    take(line())

    (counted,) = call_volumes(
        Observation.objects.values_list("pk", flat=True), since=DAY, until=DAY + timedelta(days=1)
    )
    assert (counted.kind, counted.n_calls, counted.cost_usd) == ("usage", 10, Decimal("0.5"))
