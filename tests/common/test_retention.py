"""Retention: every table is on the list, what has ended goes, and what something refers to
stays."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection

from apps.alerts.models import Alert, HandledRun
from apps.api.models import Job
from apps.common import retention
from apps.common.history.maintenance import history_models
from apps.common.retention import (
    GroupSize,
    PermanentTable,
    RetentionGroup,
    RetentionRule,
    TaskLimit,
    declare_retention,
    delete_expired_rows,
    format_days,
    group_sizes,
    retention_entries,
    table_sizes,
)
from apps.common.tasks import delete_expired_rows as task
from apps.common.time import now
from apps.exposure.models import LossRun, Scenario, ScenarioRun
from apps.feeds.models import FeedRun, QuarantinedRow
from apps.intake.models import Import, ImportContent, Observation
from apps.inventory.models import ListExport
from tests.builders import make_application, make_source, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
AGO = timedelta(days=400)


def tables_of_the_database():
    """Every table but partitions."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_class c
               WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
                 AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = c.oid)"""
        )
        return {name for (name,) in cursor.fetchall()}


class TestTheList:
    def test_every_table_is_kept_for_a_reason_or_has_a_limit(self):
        assert tables_of_the_database() - retention_entries().keys() == set()

    def test_it_names_no_table_that_is_not_there(self):
        assert retention_entries().keys() - tables_of_the_database() == set()

    def test_every_table_says_why_or_for_how_long(self):
        scheduled = {entry["task"] for entry in django_settings.CELERY_BEAT_SCHEDULE.values()}
        for entry in retention_entries().values():
            assert entry.limit()
            match entry:
                case PermanentTable():
                    assert entry.because
                case TaskLimit():
                    assert entry.task in scheduled, entry.table
                case RetentionRule():
                    assert entry.days or hasattr(django_settings, entry.setting), entry.table
        assert retention.JOB in scheduled

    def test_every_history_is_on_it(self):
        entries = retention_entries()
        for model in history_models():
            assert entries[model._meta.db_table].limit() == "7 years"

    def test_a_table_stands_on_it_once(self):
        with pytest.raises(ValueError, match="declared twice"):
            declare_retention(PermanentTable("django_session", RetentionGroup.ACCOUNTS, "nothing"))

    def test_limits_are_told_as_people_tell_them(self):
        assert [format_days(days) for days in (1, 90, 366, 730, 2557, None)] == [
            "1 day",
            "90 days",
            "1 year",
            "2 years",
            "7 years",
            "no end",
        ]


def make_run(source, *, finished_at, status=FeedRun.Status.UNCHANGED):
    return FeedRun.objects.create(
        source=source,
        status=status,
        trigger="schedule",
        queued_at=finished_at,
        finished_at=finished_at,
    )


def make_alert(run):
    return Alert.objects.create(
        key="k",
        kind="feed_stale",
        run=run,
        severity=1,
        raised_at=now(),
        user=make_user("alerted"),
    )


class TestWhatEnds:
    def test_old_polls_go_but_for_the_last_of_each_outcome_and_what_is_told_of_them_goes_too(self):
        source, at = make_source("feed"), now()
        old = [make_run(source, finished_at=at - AGO - DAY * n) for n in (3, 2, 1)]
        HandledRun.objects.create(run=old[0], handled_at=at - AGO)
        failed = make_run(source, finished_at=at - AGO, status=FeedRun.Status.FAILED)
        recent = make_run(source, finished_at=at - DAY)

        counts = delete_expired_rows(at=at)

        assert counts == {"feeds_feedrun": 3}
        assert set(FeedRun.objects.values_list("pk", flat=True)) == {failed.pk, recent.pk}
        assert not HandledRun.objects.exists()
        assert delete_expired_rows(at=at) == {}

    def test_a_poll_that_a_row_set_aside_refers_to_stays_until_that_is_over(self):
        source, at = make_source("feed"), now()
        run = make_run(source, finished_at=at - AGO)
        make_run(source, finished_at=at)
        row = QuarantinedRow.objects.create(
            source=source, external_id="x", reason="odd", run=run, first_seen=at - AGO
        )

        assert delete_expired_rows(at=at) == {}
        row.resolved_at = at - AGO
        row.save()
        delete_expired_rows(at=at)
        delete_expired_rows(at=at)
        assert not FeedRun.objects.filter(pk=run.pk).exists()

    def test_a_poll_that_an_alert_is_about_stays(self):
        source, at = make_source("feed"), now()
        run = make_run(source, finished_at=at - AGO)
        make_run(source, finished_at=at)
        make_alert(run)

        assert delete_expired_rows(at=at) == {}

    def test_what_waits_or_is_under_way_never_goes(self):
        user, at = make_user("asker"), now()
        for state in ("queued", "running", "done", "failed"):
            LossRun.objects.create(state=state, queued_at=at - AGO)
            LossRun.objects.create(state=state, queued_at=at - AGO)
            Job.objects.create(resource="applications", by=user, state=state, queued_at=at - AGO)

        counts = delete_expired_rows(at=at)

        assert counts == {"exposure_lossrun": 2, "api_job": 2}
        assert sorted(LossRun.objects.values_list("state", flat=True)) == [
            "done",
            "failed",
            "queued",
            "queued",
            "running",
            "running",
        ]

    def test_the_last_answer_of_each_scenario_stays_with_it(self):
        user, at = make_user("asker"), now()
        scenario = Scenario.objects.create(name="Gone", created_by=user, ops=[])
        runs = [
            ScenarioRun.objects.create(
                scenario=scenario,
                ops=[],
                requested_by=user,
                state="done",
                queued_at=at - AGO - n * DAY,
            )
            for n in (2, 1)
        ]

        delete_expired_rows(at=at)

        assert list(ScenarioRun.objects.values_list("pk", flat=True)) == [runs[1].pk]

    def test_sessions_that_have_ended_go(self):
        at = now()
        for name, ends in {"over": at - 2 * DAY, "open": at + DAY}.items():
            Session.objects.create(session_key=name, session_data="", expire_date=ends)

        assert delete_expired_rows(at=at) == {"django_session": 1}
        assert Session.objects.get().session_key == "open"

    def test_imports_are_kept_as_long_as_the_history_and_longer_where_something_was_seen_in_them(
        self,
    ):
        at = now()
        received = at - timedelta(days=3000)
        plain, seen, waiting = (
            Import.objects.create(
                format="csv", digest="d", n_bytes=1, received_at=received, state=state
            )
            for state in (Import.State.APPLIED, Import.State.APPLIED, Import.State.READ)
        )
        ImportContent.objects.create(import_record=plain, body=b"")
        Observation.objects.create(
            key="00000000-0000-0000-0000-000000000001",
            stream="cyclonedx:x",
            application=make_application("In use"),
            confidence=1,
            first_seen_at=received,
            last_seen_at=at,
            seen_in=seen,
        )

        assert delete_expired_rows(at=at)["intake_import"] == 1
        assert set(Import.objects.values_list("pk", flat=True)) == {seen.pk, waiting.pk}

    def test_zero_days_keep_for_ever(self, settings):
        settings.RUN_DAYS = 0
        LossRun.objects.create(state="done", queued_at=now() - 100 * AGO)
        LossRun.objects.create(state="done", queued_at=now() - 100 * AGO)

        assert delete_expired_rows(at=now()) == {}

    def test_what_is_recorded_leaves_its_end_in_the_history(self):
        at = now()
        ListExport.objects.create(
            kind="x",
            query="",
            name="x",
            requested_by=make_user("asker"),
            as_of=at - AGO,
            expires_on=(at - AGO).date(),
            state="done",
            finished_at=at - AGO,
            whole_organisation=True,
        )

        assert delete_expired_rows(at=at) == {"inventory_listexport": 1}
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT c.metadata->>'job' FROM inventory_listexporthistory h
                   JOIN pghistory_context c ON c.id = h.pgh_context_id
                   WHERE h.pgh_label = 'delete'"""
            )
            assert cursor.fetchall() == [("common.delete_expired_rows",)]

    def test_a_night_deletes_so_many_and_the_next_goes_on(self, monkeypatch):
        monkeypatch.setattr(retention, "DELETE_BATCH_SIZE", 2)
        at = now()
        for n in range(7):
            Session.objects.create(session_key=str(n), session_data="", expire_date=at - 9 * DAY)

        assert delete_expired_rows(at=at, max_rows=5) == {"django_session": 5}
        assert delete_expired_rows(at=at, max_rows=5) == {"django_session": 2}

    def test_the_task_says_what_it_deleted(self):
        Session.objects.create(session_key="over", session_data="", expire_date=now() - 9 * DAY)

        assert task() == {"django_session": 1}


@pytest.mark.parametrize(
    "entry",
    [entry for entry in retention_entries().values() if isinstance(entry, RetentionRule)],
    ids=lambda entry: entry.table,
)
def test_each_rule_is_a_statement_that_the_database_runs(entry):
    list(entry.expired(at=now()).select_for_update(skip_locked=True, of=("self",)))


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_left_to_the_next_run():
    at = now()
    Session.objects.create(session_key="held", session_data="", expire_date=at - 9 * DAY)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "BEGIN; SELECT 1 FROM django_session WHERE session_key = 'held' FOR UPDATE"
            )
            assert delete_expired_rows(at=at) == {}
            cursor.execute("ROLLBACK")
        assert delete_expired_rows(at=at) == {"django_session": 1}
    finally:
        other.close()


class TestSizes:
    def test_every_table_has_a_size_and_partitions_are_summed(self):
        sizes = table_sizes()

        assert sizes.keys() == tables_of_the_database()
        assert all(size.n_bytes >= 0 and size.n_rows >= 0 for size in sizes.values())

    def test_they_cost_a_statement(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            table_sizes()

    def test_groups_add_up_to_all_tables(self):
        groups = group_sizes()

        assert {row.group for row in groups} == set(RetentionGroup)
        assert sum(row.n_tables for row in groups) == len(tables_of_the_database())
        history: GroupSize = next(row for row in groups if row.group == RetentionGroup.HISTORY)
        assert history.kept == "7 years"

    def test_the_command_prints_them_and_deletes_where_asked(self):
        Session.objects.create(session_key="over", session_data="", expire_date=now() - 9 * DAY)

        def run(*arguments):
            out = StringIO()
            call_command("retention", *arguments, stdout=out)
            return json.loads(out.getvalue())

        before = {row["table"]: row for row in run()["tables"]}
        assert before["django_session"]["ended"] == 1
        assert before["catalog_price"]["because"]
        assert run("--delete")["deleted"] == {"django_session": 1}
        assert not Session.objects.exists()
