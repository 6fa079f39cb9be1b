"""The audit: every change with who, when, why, old and new, for whoever may see the record."""

import io
from datetime import UTC, datetime, timedelta

import pgtrigger
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from psycopg.errors import QueryCanceled
from rest_framework.test import APIClient

from apps.accounts.actions import issue_token, rotate_token
from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.accounts.tasks import purge_old_history
from apps.common.database.keyset_pagination import InvalidCursorError
from apps.common.history import log
from apps.common.history.context import audit_context
from apps.common.history.log import HistoryQuery, history_page, tracked_models
from apps.common.history.maintenance import create_history_indexes, history_models, purge_history
from apps.common.time import now
from apps.inventory.models import Application
from apps.reports import audit_log
from apps.reports.audit_log import AuditForm, audit_lines, audit_page, visible_kinds
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_team,
    make_user,
)
from tests.http import body_of, csv_rows, signed_in_client, text_of, token_client

pytestmark = pytest.mark.django_db


def changes(user, size=50, **said):
    form = AuditForm(said)
    assert form.is_valid(), form.errors
    return audit_page(user=user, cleaned=form.cleaned_data, size=size).rows


@pytest.fixture
def auditor():
    return make_user("aud", role="auditor")


@pytest.fixture
def changed():
    """An application that hana moves from one criticality to another, for a reason."""
    application = make_application("Claims triage")
    hana = make_user("hana", role="governance")
    with audit_context(user=hana, reason="board decision 7"):
        application.criticality = 0
        application.purpose = "Sorts claims"
        application.save()
    return application


class TestWhatItSays:
    def test_who_when_what_old_new_and_why(self, changed, auditor):
        change = changes(auditor, kind="inventory.application", record=changed.pk)[0]

        assert (change.actor, change.action, change.name, change.reason) == (
            "hana",
            "changed",
            "Claims triage",
            "board decision 7",
        )
        assert {one.field: (one.old, one.new) for one in change.differences} == {
            "criticality": ("Standard", "Critical"),
            "purpose": ("", "Sorts claims"),
        }

    def test_references_are_names_and_a_record_without_a_name_is_called_by_what_it_joins(
        self, changed, auditor
    ):
        offering = make_offering("model-9")
        make_dependency(changed, offering)

        change = changes(auditor, kind="inventory.dependency")[0]

        assert change.name == "Claims triage · model-9"
        assert ("application", "", "Claims triage") in [
            (one.field, one.old, one.new) for one in change.differences
        ]
        assert change.application == changed.slug

    def test_what_is_removed_says_what_it_was(self, auditor):
        team = make_team("Short-lived")
        team.delete()

        removed, added = changes(auditor, kind="accounts.team")

        assert (removed.action, added.action) == ("removed", "added")
        assert ("name", "Short-lived", "") in [
            (one.field, one.old, one.new) for one in removed.differences
        ]

    def test_secrets_are_told_of_and_not_shown(self, auditor):
        token, _ = issue_token(user=make_user(), name="x", scopes=["read"], at=now(), by=None)
        rotate_token(token=token, at=now(), by=token.user, old_until=now() + timedelta(hours=1))
        token.refresh_from_db()

        for change in changes(auditor, kind="accounts.apitoken"):
            assert token.digest not in str(change)
            assert token.old_digest not in str(change)
        assert {"digest", "old_digest"} <= {one.field for one in change.differences} | {
            one.field for one in changes(auditor, kind="accounts.apitoken")[0].differences
        }

    def test_a_program_a_job_and_a_request_are_told_apart(self, auditor):
        # within one transaction a context lasts, so what nobody wrote comes first
        application = make_application()
        admin = make_user("root", role="admin")
        client = token_client(admin, "read", "write")
        client.patch(
            f"/api/v1/applications/{application.slug}/", {"purpose": "by request"}, format="json"
        )
        with audit_context(job="nightly"):
            Application.objects.filter(pk=application.pk).update(purpose="by job")

        by_job, by_request, made = changes(
            auditor, kind="inventory.application", record=application.pk
        )

        assert (by_job.actor, by_job.job) == ("nightly", "nightly")
        assert (by_request.actor, by_request.job) == ("root", "")
        assert by_request.request
        assert (made.actor, made.change) == ("", None)


class TestFilters:
    def test_by_people_leaves_out_what_jobs_did_by_themselves(self, changed, auditor):
        hana = User.objects.get(username="hana")
        for words in ({"job": "feeds.poll"}, {"user": hana, "job": "sheets.import"}):
            with audit_context(**words):
                changed.purpose += "."
                changed.save()
        asked = {"kind": "inventory.application", "record": changed.pk}

        assert [(one.actor, one.job) for one in changes(auditor, by="people", **asked)] == [
            ("hana", "sheets.import"),
            ("hana", ""),
        ]
        assert [(one.actor, one.job) for one in changes(auditor, by="jobs", **asked)] == [
            ("feeds.poll", "feeds.poll")
        ]
        answer = signed_in_client(auditor).get(reverse("audit:list"), {"by": "people"})
        assert "sheets.import" in answer.text
        assert "feeds.poll" not in answer.text

    def test_by_person_reason_job_kind_period_and_change(self, changed, auditor):
        with audit_context(job="nightly", reason="100% of_it"):
            Team.objects.update(name="By the job")

        assert {change.actor for change in changes(auditor, actor="hana")} == {"hana"}
        applications = {"kind": "inventory.application"}
        assert [
            change.name for change in changes(auditor, reason="DECISION 7", **applications)
        ] == ["Claims triage"]
        assert [change.kind.label for change in changes(auditor, job="nightly")] == [
            "accounts.team"
        ]
        assert [change.kind.label for change in changes(auditor, reason="100% of_")] == [
            "accounts.team"
        ]
        assert changes(auditor, reason="100%%of_") == []
        today = now().date()
        assert changes(auditor, since=today.isoformat(), until=today.isoformat())
        assert changes(auditor, until=(today - timedelta(days=1)).isoformat()) == []
        one = changes(auditor, actor="hana")[0]
        assert changes(auditor, change=str(one.change)) == changes(auditor, actor="hana")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"kind": "inventory.nothing"},
            {"record": "7"},
            {"since": "2026-02-02", "until": "2026-01-01"},
            {"change": "x"},
            {"reason": "a\x00"},
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, auditor, wrong):
        assert not AuditForm(wrong).is_valid()
        # a null character is refused before any page is asked
        assert signed_in_client(auditor).get(reverse("audit:list"), wrong).status_code == (
            400 if "\x00" in "".join(wrong.values()) else 422
        )

    def test_somebody_who_wrote_very_much_is_found_all_the_same(self, auditor, monkeypatch):
        monkeypatch.setattr(log, "MAX_CONTEXTS_AT_A_TIME", 3)
        monkeypatch.setattr(log, "_FIRST_STEP", 3)
        application = make_application()
        hana = make_user("hana")
        for n in range(9):
            with audit_context(user=hana, reason=f"step {n}"):
                Application.objects.filter(pk=application.pk).update(purpose=str(n))
        with audit_context(user=make_user("other"), reason="step x"):
            Application.objects.filter(pk=application.pk).update(purpose="x")

        assert [
            change.reason
            for change in changes(auditor, kind="inventory.application", actor="hana", size=5)
        ] == [f"step {n}" for n in range(8, 3, -1)]
        asked = HistoryQuery(kinds={"inventory.application": None}, actor="hana")
        first = history_page(asked, size=4)
        second = history_page(asked, size=4, cursor=first.next)
        third = history_page(asked, size=4, cursor=second.next)
        assert [
            entry.words["reason"][-1] for page in (first, second, third) for entry in page.rows
        ] == list("876543210")
        assert history_page(asked, size=4, cursor=second.previous).rows == first.rows


class TestPages:
    def test_leafing_meets_every_line_once_in_both_directions_also_within_one_moment(self, auditor):
        # one transaction is one moment, so that kinds and ids alone keep the lines apart
        team = make_team()
        for _ in range(6):
            make_dependency(make_application(team=team), make_offering())
        asked = HistoryQuery(kinds=visible_kinds(auditor))
        whole = [(e.kind.label, e.id) for e in history_page(asked, size=500).rows]

        pages, cursor = [], ""
        while True:
            page = history_page(asked, size=7, cursor=cursor)
            pages.append([(e.kind.label, e.id) for e in page.rows])
            if page.next is None:
                break
            cursor = page.next
        assert [line for lines in pages for line in lines] == whole
        assert len(set(whole)) == len(whole) > 20

        back = []
        while page.previous is not None:
            page = history_page(asked, size=7, cursor=page.previous)
            back.append([(e.kind.label, e.id) for e in page.rows])
        assert back[::-1] == pages[:-1]

    @pytest.mark.parametrize("cursor", ["x", "WyIrIl0", "é", "WyIrIiwgIjIwMjYtMDEtMDEiLCAwLCAxXQ"])
    def test_a_cursor_of_somewhere_else_is_refused(self, auditor, cursor):
        with pytest.raises(InvalidCursorError):
            history_page(HistoryQuery(kinds=visible_kinds(auditor)), size=5, cursor=cursor)

    def test_a_page_is_a_handful_of_statements_however_long_the_history_is(self, auditor):
        def n_statements():
            with CaptureQueriesContext(connection) as queries:
                changes(auditor, kind="inventory.application")
            return len(queries)

        make_application(team=make_team())
        few = n_statements()
        team = make_team()
        for _ in range(20):
            make_application(team=team)

        assert n_statements() == few <= 5

    def test_every_history_table_is_read_by_its_index_on_time(self):
        create_history_indexes()
        assert create_history_indexes() == 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%%(pgh_created_at, pgh_id)'"
            )
            indexed = {table for (table,) in cursor.fetchall()}

        assert indexed == {model._meta.db_table for model in history_models()}


class TestWhoSeesWhat:
    def test_a_member_sees_the_records_of_the_own_teams_alone(self):
        team, other = make_team("Ours"), make_team("Theirs")
        make_dependency(make_application("Own", team=team), make_offering())
        make_application("SECRET-OF-OTHERS", team=other)
        viewer = make_member(team, TeamRole.VIEWER)

        seen = changes(viewer)

        assert {change.kind.label for change in seen} == {
            "accounts.team",
            "accounts.membership",
            "inventory.application",
            "inventory.dependency",
        }
        assert "SECRET-OF-OTHERS" not in str(seen)
        assert changes(viewer, kind="catalog.offering") == []
        page = signed_in_client(viewer).get(reverse("audit:list"))
        assert page.status_code == 200
        assert "SECRET-OF-OTHERS" not in page.content.decode()

    def test_a_stranger_and_a_closed_account_see_nothing(self):
        make_application()

        assert changes(make_user()) == []
        assert changes(make_user(role="admin", is_active=False)) == []
        assert signed_in_client(make_user()).get(reverse("audit:list")).status_code == 200

    @pytest.mark.parametrize("role", ["admin", "governance", "auditor"])
    def test_the_offices_see_everything(self, role):
        make_dependency(make_application(), make_offering())

        assert set(visible_kinds(make_user(role=role))) == set(tracked_models())

    def test_an_office_through_a_token_bound_to_a_team_sees_that_team(self):
        team = make_team("Ours")
        make_application("Own", team=team)
        make_application("Other")
        admin = make_user(role="admin")

        seen = changes(admin.bound_to(team), kind="inventory.application")

        assert [change.name for change in seen] == ["Own"]


class TestDoors:
    def test_the_page_links_to_the_record_and_to_what_was_written_with_it(self, changed, auditor):
        page = text_of(signed_in_client(auditor).get(reverse("audit:list")))

        assert f'href="/applications/{changed.slug}/"' in page
        assert "board decision 7" in page
        assert "?change=" in page

    def test_the_file_has_a_line_for_each_column_and_no_formula(self, changed, auditor):
        changed.purpose = '=HYPERLINK("x")'
        changed.save()

        answer = signed_in_client(auditor).get(
            reverse("audit:csv"), {"kind": "inventory.application"}
        )
        lines = csv_rows(answer)

        assert {line["field"] for line in lines if line["reason"] == "board decision 7"} == {
            "criticality",
            "purpose",
        }
        assert lines[0]["new"].startswith("'=")

    def test_rest_gives_the_same_lines_with_a_cursor(self, changed, auditor):
        client = token_client(auditor)

        first = client.get(
            "/api/v1/audit/", {"kind": "inventory.application", "page_size": 1}
        ).json()

        [row] = first["results"]
        assert {one["field"] for one in row["differences"]} == {"criticality", "purpose"}
        assert client.get(first["next"]).json()["results"][0]["action"] == "added"
        assert client.get("/api/v1/audit/", {"kind": "x.y"}).status_code == 400
        assert client.get("/api/v1/audit/", {"cursor": "x"}).status_code == 400

    def test_long_files_are_read_some_hundred_lines_at_a_time(self, auditor):
        team = make_team()
        for _ in range(30):
            make_application(team=team)

        form = AuditForm({"kind": "inventory.application"})
        form.is_valid()

        def names(**limits):
            with pytest.MonkeyPatch.context() as patch:
                for name, value in limits.items():
                    patch.setattr(audit_log, name, value)
                lines = list(audit_lines(user=auditor, cleaned=form.cleaned_data))
            return len({line[5] for line in lines}) - (lines[-1][5] == ""), lines[-1][0]

        assert names(FILE_BATCH_SIZE=7)[0] == 30
        n, last = names(FILE_BATCH_SIZE=7, MAX_FILE_CHANGES=10)
        assert (n, "it contains 14 changes" in last) == (14, True)
        n, last = names(FILE_BATCH_SIZE=7, MAX_FILE_SECONDS=-1)
        assert (n, last) == (
            7,
            "The file is incomplete: reading further would take longer than -1 seconds. Request "
            "a shorter period, or a single record type.",
        )

    def test_a_file_that_takes_too_long_ends_with_a_line_that_says_so(self, auditor, monkeypatch):
        for _ in range(3):
            make_application()
        form = AuditForm({"kind": "inventory.application"})
        form.is_valid()
        monkeypatch.setattr(audit_log, "FILE_BATCH_SIZE", 1)
        lines = audit_lines(user=auditor, cleaned=form.cleaned_data)
        monkeypatch.setattr(audit_log, "history_page", lambda *_, **__: _too_long())

        *_, last = list(lines)
        asked = signed_in_client(auditor).get(reverse("audit:csv"))
        _, text = issue_token(user=auditor, name="x", scopes=["read"], at=now(), by=None)
        rest = APIClient().get("/api/v1/audit/?format=csv", HTTP_AUTHORIZATION=f"Bearer {text}")

        assert last[0].startswith("The file is incomplete: the next changes take too long to find.")
        assert (asked.status_code, rest.status_code) == (302, 400)
        assert "takes too long" in rest.json()["detail"]

    def test_rest_gives_the_same_file_as_the_page(self, changed, auditor):
        _, text = issue_token(user=auditor, name="x", scopes=["read"], at=now(), by=None)

        page = signed_in_client(auditor).get(
            reverse("audit:csv"), {"kind": "inventory.application"}
        )
        rest = APIClient().get(
            "/api/v1/audit/?format=csv&kind=inventory.application",
            HTTP_AUTHORIZATION=f"Bearer {text}",
        )

        assert body_of(rest).splitlines() == body_of(page).splitlines()


def _too_long():
    words = "canceling statement due to statement timeout"
    raise OperationalError(words) from QueryCanceled(words)


class TestForgetting:
    @pytest.fixture
    def aged(self):
        """A team with versions of 100, 60 and 0 days ago, one that was removed 90 days ago, and who
        wrote them."""
        team, gone = make_team("First"), make_team("Gone")
        for name in ("Second", "Third"):
            with audit_context(job=name):
                team.name = name
                team.save()
        pk = gone.pk
        gone.delete()
        history = Team.history.rel.related_model
        ages = {"First": 100, "Second": 60}
        with pgtrigger.ignore("accounts.TeamHistory:append_only"):
            for name, days in ages.items():
                history.objects.filter(name=name).update(
                    pgh_created_at=now() - timedelta(days=days)
                )
            history.objects.filter(pgh_obj_id=pk).update(pgh_created_at=now() - timedelta(days=90))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE pghistory_context SET created_at = %s", [now() - timedelta(days=100)]
            )
        return history

    def test_versions_that_ended_before_go_and_the_one_that_held_then_stays(self, aged):
        purge_history(before=now() - timedelta(days=30))

        assert list(aged.objects.order_by("pgh_id").values_list("name", flat=True)) == [
            "Second",
            "Third",
        ]

    def test_who_wrote_what_is_left_stays_known_and_the_rest_goes(self, aged):
        with audit_context(job="of nothing"):
            make_team("Removed").delete()
        with pgtrigger.ignore("accounts.TeamHistory:append_only"):
            aged.objects.filter(name="Removed").update(pgh_created_at=now() - timedelta(days=99))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE pghistory_context SET created_at = %s", [now() - timedelta(days=100)]
            )

        counts = purge_history(before=now() - timedelta(days=30))

        with connection.cursor() as cursor:
            cursor.execute("SELECT metadata->>'job' FROM pghistory_context")
            assert {job for (job,) in cursor.fetchall()} == {"Second", "Third"}
        assert counts["pghistory_context"] == 1
        assert purge_history(before=now() - timedelta(days=30)) == {}

    def test_by_default_it_is_kept_for_seven_years_and_for_ever_where_asked(self, aged, settings):
        n_before = aged.objects.count()
        assert (settings.HISTORY_DAYS, purge_old_history()) == (2557, 0)
        settings.HISTORY_DAYS = 0
        assert purge_old_history() == 0
        assert aged.objects.count() == n_before

        settings.HISTORY_DAYS = 30
        assert purge_old_history() == n_before - 2

    def test_nobody_else_removes_a_line(self, aged):
        with pytest.raises(Exception, match="Cannot update or delete"):
            aged.objects.all().delete()


def test_the_schedule_names_the_task(settings):
    assert "accounts.purge_old_history" in {
        entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()
    }


def test_the_token_command_is_on_record(auditor):
    User.objects.filter(pk=auditor.pk).update(username="ada")
    call_command("token", "ada", stdout=io.StringIO())

    change = changes(auditor, kind="accounts.apitoken")[0]

    assert (change.actor, change.reason) == ("manage.py token", "token for ada")
    assert change.at <= datetime.now(UTC)
