"""Each call once, by name and day, whoever sends it, however often, and wherever a worker ends."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection, connections
from kombu.exceptions import OperationalError

from apps.accounts.actions import issue_token
from apps.accounts.models import ApiToken
from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.models import (
    CallBatch,
    CountedCall,
    IntakeSettings,
    Observation,
    Service,
    TokenBinding,
    UsageDay,
)
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.telemetry import aggregation, aggregation_trigger, cardinality_limit, ingest
from apps.intake.telemetry.aggregation import aggregate_waiting
from apps.intake.telemetry.otlp.traces import read_traces
from apps.intake.telemetry.records import Call, CallNames, ReadRequest, digest64
from apps.intake.telemetry.retention import purge_calls
from apps.inventory.models import Dependency
from tests.builders import (
    make_application,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.intake.telemetry.span_builders import as_json, call, request

pytestmark = pytest.mark.django_db

NAMES = CallNames("", "web", "production", "", "talker", "talker-1", "acme", "", "", "", 7)


@pytest.fixture
def token() -> ApiToken:
    return issue_token(
        user=make_user(role="governance"), name="collector", scopes=["intake"], at=now(), by=None
    )[0]


def told(*, names: CallNames = NAMES, at: datetime | None = None, **fields) -> Call:
    moment = int((at or now()).timestamp() * 1e9)
    values = {
        "key": digest64(secrets.token_bytes(16)),
        "key_at": 0,
        "is_error": False,
        "input_tokens": 10,
        "output_tokens": 2,
        "cost_usd": None,
        "trace": "ab",
    } | fields
    return Call(names=names, at=moment, **values)


def take(token, *calls: Call, stream: str = "otlp", **options):
    return ingest.ingest_calls(
        request=ReadRequest(len(calls), list(calls)),
        stream=stream,
        token=token,
        at=now(),
        **options,
    )


def days() -> list[tuple]:
    return list(
        UsageDay.objects.order_by("day", "-n_calls", "pk").values_list(
            "n_calls", "n_errors", "n_without_usage", "input_tokens", "output_tokens"
        )
    )


def test_calls_are_counted_by_names_and_utc_day_with_tokens_only_where_told(token):
    midnight = datetime.combine(now().date(), datetime.min.time(), UTC)
    take(
        token,
        told(at=midnight - timedelta(seconds=1)),
        told(at=midnight, input_tokens=None, output_tokens=None),
        told(at=midnight, output_tokens=None),
        told(at=midnight, is_error=True, input_tokens=None, output_tokens=None),
        told(
            at=midnight,
            names=NAMES._replace(served="talker-2"),
            input_tokens=None,
            output_tokens=None,
        ),
    )

    assert aggregate_waiting(at=now()) == 1

    assert days() == [(1, 0, 0, 10, 2), (3, 1, 2, 10, None), (1, 0, 1, None, None)]
    assert Observation.objects.count() == 2
    assert not CallBatch.objects.exists()


def test_later_batches_add_to_the_same_rows(token):
    for number in range(3):
        take(token, told(), told(cost_usd=0.25, input_tokens=None if number else 5))
        aggregate_waiting(at=now())

    assert days() == [(6, 0, 0, 35, 12)]
    day = UsageDay.objects.get()
    assert (day.cost_usd, day.sample_trace) == (0.75, "ab")


def test_what_nobody_told_stays_unknown_however_often_it_is_added(token):
    for _ in range(2):
        take(token, told(input_tokens=None, output_tokens=None))
        aggregate_waiting(at=now())

    day = UsageDay.objects.get()
    assert (day.input_tokens, day.output_tokens, day.cost_usd, day.n_without_usage) == (
        None,
        None,
        None,
        2,
    )


def test_a_call_sent_again_counts_once_in_one_request_and_over_several(token):
    one = told()

    first = take(token, one, one)
    again = take(token, one, told())

    assert (first.n_counted, first.n_repeated) == (1, 1)
    assert (again.n_counted, again.n_repeated, again.n_dropped) == (1, 1, 0)
    aggregate_waiting(at=now())
    assert days() == [(2, 0, 0, 20, 4)]


def test_the_same_response_id_within_ten_minutes_is_the_same_call_and_later_another(token):
    key = digest64(b"response")
    moments = (0, 600, 601, 1_000, 1_202)

    taken = [take(token, told(key=key, key_at=10_000 + moment)).n_counted for moment in moments]

    # 601 is later than the one counted by more than ten minutes, and counts from then on
    assert taken == [1, 0, 1, 0, 1]


def test_a_service_waits_until_a_person_says_whose_it_is(token):
    offering = make_offering(
        "talker", host=make_provider("acme"), version=make_version("acme/talker-1")
    )
    take(token, told())
    aggregate_waiting(at=now())
    reconcile_waiting(at=now())

    service = Service.objects.get()
    assert (service.name, service.first_token, Observation.objects.get().state) == (
        "web",
        token,
        "unclaimed",
    )
    assert not Dependency.objects.exists()

    application = make_application()
    Service.objects.update(application=application)
    take(token, told(), told(names=NAMES._replace(environment="staging")))
    aggregate_waiting(at=now())
    reconcile_waiting(at=now())

    found = Dependency.objects.get()
    assert (found.application, found.offering, found.origin) == (application, offering, "observed")
    assert Observation.objects.get(environment="staging").application == application


def test_a_stranger_s_token_does_not_speak_for_a_foreign_application(token):
    """Names in traces are claims, and anybody who is signed in may make a token."""
    team = make_team()
    application = make_application(team=team)
    take(token, told())
    aggregate_waiting(at=now())
    Service.objects.update(application=application)
    viewer, editor = make_member(team, TeamRole.VIEWER), make_member(team, TeamRole.EDITOR)
    elsewhere = make_member(make_team(), TeamRole.OWNER)
    Observation.objects.all().delete()

    for person in (viewer, elsewhere):
        own, _ = issue_token(user=person, name="x", scopes=["intake"], at=now(), by=person)
        take(own, told(names=NAMES._replace(requested="made-up")))
        # bound while the person could edit it, and sent after that
        TokenBinding.objects.create(token=own, application=application)
        take(own, told(names=NAMES._replace(requested="made-up")))
    aggregate_waiting(at=now())
    assert not Observation.objects.exists()

    own, _ = issue_token(user=editor, name="x", scopes=["intake"], at=now(), by=editor)
    take(own, told())
    aggregate_waiting(at=now())
    assert Observation.objects.get().application == application


def test_a_name_that_two_people_s_tokens_bring_is_nobody_s_own(token):
    """Whoever used the name first would otherwise read, and could claim, what the other's token
    tells."""
    squatter = make_member(make_team(), TeamRole.OWNER)
    first, _ = issue_token(user=squatter, name="x", scopes=["intake"], at=now(), by=squatter)
    take(first, told())
    aggregate_waiting(at=now())
    assert Service.objects.visible_to(squatter).exists()
    assert Observation.objects.visible_to(squatter).exists()
    # a bound token stands for the team and not for the person
    assert not Service.objects.visible_to(
        squatter.bound_to(squatter.memberships.get().team)
    ).exists()

    # claimed for an application that its sender may not see, it does not tell which
    Service.objects.update(application=make_application())
    assert not Service.objects.visible_to(squatter).exists()
    Service.objects.update(application=None)

    take(token, told(names=NAMES._replace(requested="secret-project")))
    aggregate_waiting(at=now())

    assert not Service.objects.visible_to(squatter).exists()
    assert not Observation.objects.visible_to(squatter).exists()
    assert Service.objects.visible_to(token.user).exists()


def test_a_bound_token_s_calls_are_its_application_s_whatever_service_they_name(token):
    application = make_application()
    TokenBinding.objects.create(token=token, application=application, environment="staging")

    take(
        token,
        told(names=NAMES._replace(environment="")),
        told(names=NAMES._replace(service="someone-else")),
    )
    aggregate_waiting(at=now())

    assert not Service.objects.exists()
    assert set(Observation.objects.values_list("application", "environment")) == {
        (application.pk, "staging"),
        (application.pk, "production"),
    }


def test_what_a_gateway_calls_by_provider_and_name_is_known_at_the_provider_by_its_name(token):
    make_provider("azure")
    TokenBinding.objects.create(token=token, application=make_application())
    names = NAMES._replace(
        requested="azure/contact-centre-prod", served="", provider="azure", gateway="litellm"
    )

    take(token, told(names=names))
    aggregate_waiting(at=now())
    reconcile_waiting(at=now())

    assert Dependency.objects.get().offering.api_id == "contact-centre-prod"


def test_an_ignored_service_leaves_no_rows(token):
    take(token, told())
    aggregate_waiting(at=now())
    Observation.objects.all().delete()
    Service.objects.update(is_ignored=True)

    take(token, told())
    aggregate_waiting(at=now())

    assert not Observation.objects.exists()
    assert not CallBatch.objects.exists()


def test_a_clock_that_is_wrong_makes_up_no_days(token):
    take(token, told(at=datetime(1970, 1, 2, tzinfo=UTC)), told(at=now() + timedelta(days=30)))
    aggregate_waiting(at=now())

    assert list(UsageDay.objects.values_list("day", "n_calls")) == [(now().date(), 2)]


def test_many_requests_send_one_message_and_a_broker_that_is_away_stops_nobody(
    token, settings, monkeypatch, caplog
):
    settings.CELERY_TASK_ALWAYS_EAGER = False
    sent = []

    def away(**options):
        sent.append(options)
        raise OperationalError("connection refused")

    monkeypatch.setattr(aggregation_trigger.AGGREGATE_TASK, "apply_async", away)
    cache.clear()
    # of three processes
    for _ in range(3):
        monkeypatch.setitem(aggregation_trigger._last_request, "at", float("-inf"))
        take(token, told())
        take(token, told())

    assert sent == [{"countdown": aggregation_trigger.COUNTDOWN_SECONDS, "retry": False}]
    assert "the broker is not available; beat will start the aggregation" in caplog.text
    assert CallBatch.objects.count() == 6


def test_a_pass_that_fails_leaves_all_as_it_was_for_the_next(token, monkeypatch):
    take(token, told())
    whole = aggregation._add_days
    monkeypatch.setattr(aggregation, "_add_days", lambda rows: (whole(rows), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        aggregate_waiting(at=now())
    assert (CallBatch.objects.count(), UsageDay.objects.count()) == (1, 0)

    monkeypatch.setattr(aggregation, "_add_days", whole)
    aggregate_waiting(at=now())

    assert days() == [(1, 0, 0, 10, 2)]


def test_a_batch_that_cannot_be_written_is_dropped_and_told_and_holds_up_no_other(token, caplog):
    take(token, told())
    take(token, told())
    take(token, told())
    broken = CallBatch.objects.order_by("pk")[1]
    broken.groups["calls"][0][1] = 10**9
    broken.save()

    aggregate_waiting(at=now())

    assert days() == [(2, 0, 0, 20, 4)]
    assert not CallBatch.objects.exists()
    assert "calls that cannot be aggregated" in caplog.text


def test_whatever_a_sender_writes_can_be_written(token):
    odd = {"service.name": "\u200b", "service.namespace": "n" * 254 + "  x"}
    spans = [
        call("m" * 255 + " x", None, traceId="ab" * 500, **{"deployment.environment": "e" * 99}),
        call(
            "x",
            None,
            spanId="",
            **{"server.address": "bedrock-runtime." + "a" * 300 + ".amazonaws.com"},
        ),
        call("x", None, **{"gen_ai.cost.total_cost": 1e300, "gen_ai.provider.name": "p" * 300}),
    ]
    gateway = call(
        "x",
        None,
        **{"litellm.provider.model": "a/b", "metadata.requester_metadata": "'app:\u200b'"},
    )
    reads = [
        read_traces(as_json(request(*spans, **odd)), is_json=True),
        read_traces(as_json(request(gateway, scope="litellm", service="l" * 300)), is_json=True),
    ]
    for read in reads:
        ingest.ingest_calls(request=read, stream="otlp", token=token, at=now())

    aggregate_waiting(at=now())

    assert sum(row[0] for row in days()) == 4


def test_adding_up_costs_a_handful_of_statements_whatever_the_number_of_batches(
    token, django_assert_max_num_queries
):
    for number in range(20):
        take(
            token,
            *(told(names=NAMES._replace(requested=f"talker-{each}")) for each in range(number + 1)),
        )

    with django_assert_max_num_queries(16):
        aggregate_waiting(at=now())

    assert sum(row[0] for row in days()) == 210


@pytest.mark.django_db(transaction=True)
def test_the_same_batches_from_many_sides_at_once_and_in_any_order_are_counted_once(token):
    calls = [told(names=NAMES._replace(requested=f"talker-{number % 3}")) for number in range(60)]
    portions = [calls[0:40], calls[20:60], list(reversed(calls)), calls[10:30]] * 2

    def one(work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        taking = [pool.submit(one, lambda part=part: take(token, *part)) for part in portions]
        adding = [pool.submit(one, lambda: aggregate_waiting(at=now())) for _ in range(6)]
        for future in taking + adding:
            future.result()
    aggregate_waiting(at=now())

    assert sum(row[0] for row in days()) == 60
    assert CountedCall.objects.count() == 60


def test_while_one_pass_is_under_way_another_does_nothing(token, django_db_blocker):
    take(token, told())
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [aggregation.AGGREGATION_LOCK])
        assert aggregate_waiting(at=now()) == 0
        assert CallBatch.objects.count() == 1
    finally:
        other.close()


def test_made_up_names_are_dropped_beyond_the_cap_and_known_ones_go_on(token, monkeypatch, caplog):
    monkeypatch.setattr(cardinality_limit, "MAX_SERVICES", 2)
    monkeypatch.setattr(cardinality_limit, "MAX_NAMES", 3)
    cardinality_limit._accepted_names.clear()

    fine = take(token, told(), told(names=NAMES._replace(service="b")))
    services = take(token, told(names=NAMES._replace(service="c")), told())
    models = take(
        token, *(told(names=NAMES._replace(requested=f"m{number}")) for number in range(5)), told()
    )
    # another process knows nothing of it, and the cache does
    cardinality_limit._accepted_names.clear()
    elsewhere = take(token, told(names=NAMES._replace(service="c")), told())

    assert (fine.n_dropped, services.n_dropped, models.n_dropped, elsewhere.n_dropped) == (
        0,
        1,
        3,
        1,
    )
    assert (
        "Daily limit of distinct service or model names reached for this API token" in models.reason
    )
    assert "calls dropped" in caplog.text
    assert "m4" not in caplog.text


def test_too_much_that_waits_sends_senders_away_for_later(token, monkeypatch):
    monkeypatch.setattr(ingest, "MAX_WAITING_BATCHES", 1)
    monkeypatch.setitem(ingest._last_check, "at", float("-inf"))
    monkeypatch.setitem(ingest._last_check, "is_full", 0.0)
    take(token, told())
    monkeypatch.setitem(ingest._last_check, "at", float("-inf"))

    with pytest.raises(ingest.BacklogFullError):
        take(token, told())


def test_an_sdk_s_own_spans_are_known_for_a_second_telling_from_one_request_to_the_next(token):
    sdk = {"gen_ai.provider.name": "anthropic", "gen_ai.response.id": None}
    both = request(
        scopes={"com.anthropic.sdk.python": [call(**sdk)], "x.anthropic": [call(**sdk)]},
        service="legal",
    )
    alone = request(call(**sdk), scope="com.anthropic.sdk.python", service="legal")
    ingest._instrumented.clear()
    cache.clear()

    counted = [
        len(
            read_traces(
                as_json(made), is_json=True, find_instrumented=ingest.instrumented_services
            ).calls
        )
        for made in (alone, both, alone)
    ]

    assert counted == [1, 1, 0]


def test_what_need_not_be_known_any_more_goes_in_blocks(token, monkeypatch):
    monkeypatch.setattr("apps.intake.telemetry.retention.DELETE_BATCH_SIZE", 2)
    IntakeSettings.objects.update(usage_retention_days=30)
    take(token, *(told() for _ in range(5)), told(at=now() - timedelta(days=40)))
    aggregate_waiting(at=now())

    assert purge_calls(at=now()) == 1
    assert CountedCall.objects.count() == 6
    assert purge_calls(at=now() + timedelta(hours=50)) == 6
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM intake_countedcall")
        assert cursor.fetchone() == (0,)
    assert UsageDay.objects.get().day == now().date()
