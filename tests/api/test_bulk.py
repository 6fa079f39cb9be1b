"""Many rows by natural key: a report on each, rights per row, history, all or nothing, jobs."""

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.roles import TeamRole
from apps.api.bulk import jobs
from apps.api.bulk.row_stream import holds_null_character
from apps.api.models import IdempotencyKey, Job, JobChunk
from apps.common.jobs import takeover_after
from apps.common.retention import delete_expired_rows
from apps.common.time import now
from apps.inventory.bulk.field_readers import InvalidValueError, reader_of
from apps.inventory.bulk.resources import BULK_RESOURCES
from apps.inventory.models import Adaptation, Application, Criticality, Dependency, ExitPlan
from apps.inventory.requirements import declared_requirements
from apps.issues.evaluation import evaluate_due_issues
from tests.builders import (
    TODAY,
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
)
from tests.http import problem_detail

pytestmark = pytest.mark.django_db

APPLICATIONS, DEPENDENCIES = "/api/v1/applications/bulk/", "/api/v1/dependencies/bulk/"
LINES = "application/x-ndjson"


@pytest.fixture
def team():
    return make_team("Claims")


@pytest.fixture
def editor(api, team):
    return api(make_member(team, TeamRole.EDITOR), "read", "write")


def sent(client, address, rows, **headers):
    answer = client.post(address, rows, format="json", headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def counts(report):
    return tuple(report[name] for name in ("created", "updated", "unchanged", "n_rejected"))


def lines(rows):
    return b"\n".join(json.dumps(row).encode() for row in rows)


class TestApplications:
    def test_new_ones_are_registered_known_ones_changed_and_the_same_again_changes_nothing(
        self, editor, team
    ):
        rows = [
            {
                "slug": "a",
                "name": "A",
                "team": team.slug,
                "criticality": "critical",
                "monthly_spend": "12.50",
                "external_refs": {"cmdb": "1"},
                "personal_data": True,
                "next_review_on": "2027-01-31",
            },
            {"slug": "b", "name": "B", "team": team.slug},
        ]

        assert counts(sent(editor, APPLICATIONS, rows)) == (2, 0, 0, 0)
        assert counts(sent(editor, APPLICATIONS, rows)) == (0, 0, 2, 0)
        assert counts(
            sent(editor, APPLICATIONS, [{"slug": "a", "criticality": "low"}, rows[1]])
        ) == (0, 1, 1, 0)

        a = Application.objects.get(slug="a")
        assert (a.criticality, a.monthly_spend, a.external_refs, a.personal_data) == (
            Criticality.LOW,
            Decimal("12.50"),
            {"cmdb": "1"},
            True,
        )

    def test_every_row_that_cannot_be_is_named_with_its_reason_and_the_others_are_applied(
        self, editor, team
    ):
        mine, other = make_application(team=team), make_application()
        rows = [
            {"slug": mine.slug, "purpose": "Answers"},
            {"slug": other.slug, "purpose": "Mine now"},
            {"slug": "new-1", "name": "New"},
            {"slug": "new-2", "name": "New", "team": other.team.slug},
            {"slug": "new-3", "name": "New", "team": team.slug, "status": "retired"},
            {"slug": "new-4", "name": "New", "team": team.slug, "users_affected": -1},
            {"slug": "new-5", "name": "New", "team": team.slug, "colour": "red"},
            {"slug": "new 6", "name": "New", "team": team.slug},
            {"name": "Nameless", "team": team.slug},
            {"slug": "new-7", "name": "New", "team": team.slug},
            {"slug": "new-7", "name": "Newer", "team": team.slug},
            "text",
        ]

        report = sent(editor, APPLICATIONS, rows)

        assert counts(report) == (1, 1, 0, 10)
        reasons = {one["where"].partition(":")[0]: one["reason"] for one in report["rejected"]}
        assert "already in use" in reasons["row 2"]
        assert "needs team" in reasons["row 3"]
        assert "was not found" in reasons["row 4"]
        assert "users_affected" in reasons["row 6"]
        assert "Row 10 describes the same record" in reasons["row 11"]
        other.refresh_from_db()
        assert other.purpose == ""

    def test_a_viewer_is_told_whom_to_ask_and_a_read_token_is_refused(self, api, team):
        mine = make_application(team=team)
        viewer = make_member(team, TeamRole.VIEWER)

        report = sent(
            api(viewer, "read", "write"), APPLICATIONS, [{"slug": mine.slug, "purpose": "X"}]
        )

        assert "You need the editor role on" in report["rejected"][0]["reason"]
        assert api(viewer).post(APPLICATIONS, [], format="json").status_code == 403

    def test_the_history_names_who_and_why_and_the_change_can_be_undone(self, editor, team):
        mine = make_application(team=team, purpose="Before")

        report = sent(
            editor, f"{APPLICATIONS}?reason=CMDB", [{"slug": mine.slug, "purpose": "After"}]
        )

        entry = mine.history.order_by("-pgh_id").first()
        assert (entry.pgh_context.metadata["reason"], entry.purpose) == ("CMDB", "After")
        assert str(entry.pgh_context_id) == report["change"]
        assert editor.post(f"/api/v1/changes/{report['change']}/undo/").status_code == 200
        mine.refresh_from_db()
        assert mine.purpose == "Before"

    def test_all_or_nothing_writes_nothing_where_one_row_cannot_be(self, editor, team):
        rows = [{"slug": "a", "name": "A", "team": team.slug}, {"slug": "b"}]

        answer = editor.post(f"{APPLICATIONS}?mode=all_or_nothing", rows, format="json")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "row 2: b"
        assert not Application.objects.exists()
        assert counts(sent(editor, f"{APPLICATIONS}?mode=all_or_nothing", rows[:1])) == (1, 0, 0, 0)

    def test_a_dry_run_says_what_would_be_and_writes_nothing(self, editor, team):
        report = sent(
            editor, f"{APPLICATIONS}?dry_run=true", [{"slug": "a", "name": "A", "team": team.slug}]
        )

        assert (counts(report), report["applied"], report["change"]) == ((1, 0, 0, 0), False, None)
        assert not Application.objects.exists()

    @pytest.mark.parametrize("n", [2, 60])
    def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(self, editor, team, n):
        known = [make_application(team=team) for _ in range(n)]
        rows = [{"slug": one.slug, "purpose": "X"} for one in known]
        rows += [{"slug": f"new-{k}", "name": "N", "team": team.slug} for k in range(n)]
        editor.get("/api/v1/teams/")
        evaluate_due_issues(at=now())

        with CaptureQueriesContext(connection) as queries:
            assert counts(sent(editor, APPLICATIONS, rows)) == (n, n, 0, 0)

        # token with roles; teams; savepoint; known, those of others, ids, name of the change, COPY,
        # UPDATE; release: 10; then the evaluation of issues, one statement for each kind
        assert len(queries) == 34


class TestDependencies:
    def test_they_are_recognised_by_application_offering_and_role(self, editor, team):
        application = make_application(team=team)
        offering = make_offering("model-1", host=make_provider("here"))
        row = {
            "application": application.slug,
            "host": "here",
            "api_id": "model-1",
            "traffic_share": "0.5",
            "since": "2026-01-01",
            "tags": ["x"],
        }

        assert counts(sent(editor, DEPENDENCIES, [row, {**row, "role": "judge"}])) == (2, 0, 0, 0)
        assert counts(sent(editor, DEPENDENCIES, [row])) == (0, 0, 1, 0)
        by_id = {
            "application": application.slug,
            "offering": offering.pk,
            "monthly_requests": 7,
            "tags": ["y"],
        }
        assert counts(sent(editor, DEPENDENCIES, [by_id])) == (0, 1, 0, 0)

        kept = Dependency.objects.get(role="primary")
        assert (kept.monthly_requests, kept.tags, kept.traffic_share, str(kept.since)) == (
            7,
            ["y"],
            Decimal("0.5"),
            "2026-01-01",
        )

    def test_an_end_is_recorded_and_what_follows_is_a_dependency_of_its_own(self, editor, team):
        old = make_dependency(make_application(team=team), make_offering())
        named = {"application": old.application.slug, "offering": old.offering_id}

        assert counts(sent(editor, DEPENDENCIES, [{**named, "until": "2026-06-01"}])) == (
            0,
            1,
            0,
            0,
        )
        assert counts(sent(editor, DEPENDENCIES, [{**named, "since": "2026-07-01"}])) == (
            1,
            0,
            0,
            0,
        )
        assert counts(sent(editor, DEPENDENCIES, [{**named, "until": "2026-06-01"}])) == (
            0,
            0,
            1,
            0,
        )
        late = sent(
            editor, DEPENDENCIES, [{**named, "since": str(old.since), "until": "2026-06-15"}]
        )
        assert "Reopen" in late["rejected"][0]["reason"]

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"api_id": "nowhere"}, "was not found"),
            ({"role": "boss"}, "not a valid value"),
            ({"reached": "gateway"}, "gateway or vendor that relays"),
            ({"via_party": "nobody"}, "Provider 'nobody' was not found"),
            ({"since": "2026-05-01", "until": "2026-05-01"}, "later than the start date"),
            ({"application": "nothing"}, "was not found"),
            ({"monthly_input_tokens": 2**63}, "whole number"),
            ({"traffic_share": "NaN"}, "number"),
            ({"since": "9999-12-31"}, "out of range"),
            ({"tags": ["x" * 61]}, "1 to 60"),
        ],
    )
    def test_what_cannot_be_is_refused_with_a_sentence(self, editor, team, change, reason):
        application = make_application(team=team)
        make_offering("model-1", host=make_provider("here"))

        report = sent(
            editor,
            DEPENDENCIES,
            [{"application": application.slug, "host": "here", "api_id": "model-1", **change}],
        )

        assert reason in report["rejected"][0]["reason"]

    def test_through_a_gateway_and_on_a_retired_application(self, editor, team):
        gateway = make_provider("gate")
        offering = make_offering()
        application, retired = (
            make_application(team=team),
            make_application(team=team, status="retired"),
        )
        through = {"offering": offering.pk, "reached": "gateway", "via_party": gateway.slug}

        report = sent(
            editor,
            DEPENDENCIES,
            [
                {"application": application.slug, **through},
                {"application": retired.slug, **through},
            ],
        )

        assert counts(report) == (1, 0, 0, 1)
        assert "retired" in report["rejected"][0]["reason"]
        assert Dependency.objects.get().via_party == gateway


class TestWhatHangsOnADependency:
    def test_adaptations_by_kind_and_name_and_one_exit_plan_each(self, editor, team):
        dependency = make_dependency(
            make_application(team=team), make_offering("model-1", host=make_provider("here"))
        )
        target = make_offering("model-2", host=make_provider("there"))
        named = {"application": dependency.application.slug, "host": "here", "api_id": "model-1"}
        rows = [
            {**named, "kind": "prompt", "name": "triage", "invested_days": 3},
            {"dependency": dependency.pk, "kind": "retrieval"},
        ]

        assert counts(sent(editor, "/api/v1/adaptations/bulk/", rows)) == (2, 0, 0, 0)
        assert counts(
            sent(editor, "/api/v1/adaptations/bulk/", [{**rows[0], "moves": "re_run"}, rows[1]])
        ) == (
            0,
            1,
            1,
            0,
        )
        assert counts(sent(editor, "/api/v1/adaptations/bulk/", [named])) == (0, 0, 0, 1)
        plan = {**named, "target_host": "there", "target_api_id": "model-2", "estimated_days": "20"}
        assert counts(sent(editor, "/api/v1/exit-plans/bulk/", [plan])) == (1, 0, 0, 0)
        assert counts(sent(editor, "/api/v1/exit-plans/bulk/", [plan])) == (0, 0, 1, 0)
        going_nowhere = sent(
            editor, "/api/v1/exit-plans/bulk/", [{**named, "target": dependency.offering_id}]
        )
        assert "offering in use today" in going_nowhere["rejected"][0]["reason"]

        assert Adaptation.objects.count() == 2
        assert ExitPlan.objects.get().target == target

    def test_nothing_of_others_is_touched(self, editor):
        foreign = make_dependency(make_application(), make_offering())

        report = sent(
            editor, "/api/v1/adaptations/bulk/", [{"dependency": foreign.pk, "kind": "prompt"}]
        )

        assert "was not found" in report["rejected"][0]["reason"]

    @pytest.mark.parametrize("kind", ["applications", "dependencies", "adaptations"])
    def test_what_others_own_is_not_even_locked(self, editor, team, kind):
        """Rows are worked through as they arrive: who sends slowly would keep the owners of what it
        names waiting."""
        offering, own, foreign = make_offering(), make_application(team=team), make_application()
        rows = [
            {
                "applications": {"slug": application.slug},
                "dependencies": {"application": application.slug, "offering": offering.pk},
                "adaptations": {
                    "application": application.slug,
                    "offering": offering.pk,
                    "kind": "prompt",
                },
            }[kind]
            for application in (own, foreign)
        ]

        sent(editor, f"/api/v1/{kind}/bulk/", rows)

        with connection.cursor() as cursor:
            # a locked row carries the transaction that holds it
            cursor.execute(
                "SELECT id, xmax::text <> '0' FROM inventory_application WHERE id IN (%s, %s)",
                [own.pk, foreign.pk],
            )
            assert dict(cursor.fetchall()) == {own.pk: True, foreign.pk: False}


class TestBodies:
    @pytest.mark.parametrize("depth", [900, 1010])
    def test_a_null_character_far_inside_is_found_without_recursion(self, depth):
        nested = b"[" * depth + rb'"\u0000"' + b"]" * depth

        assert holds_null_character(nested, orjson.loads(nested))

    def test_a_null_character_inside_is_refused_in_one_thing_and_in_rows(self, editor):
        nested = b"[" * 60 + rb'"\u0000"' + b"]" * 60
        single = editor.post(
            "/api/v1/applications/", b'{"name": %b}' % nested, content_type="application/json"
        )
        report = editor.post(APPLICATIONS, b'{"slug": %b}' % nested, content_type=LINES).json()

        assert "null character" in problem_detail(single, 400)
        assert "null character" in report["rejected"][0]["reason"]

    def test_what_nests_deeper_than_anything_sent_here_is_refused_in_one_thing_and_in_rows(
        self, editor
    ):
        nested = b"[" * 300 + b"]" * 300
        single = editor.post(
            "/api/v1/applications/", b'{"name": %b}' % nested, content_type="application/json"
        )
        report = editor.post(APPLICATIONS, b'{"slug": %b}' % nested, content_type=LINES).json()

        assert "nested more than" in problem_detail(single, 400)
        assert "nested more than" in report["rejected"][0]["reason"]

    def test_a_row_a_line_plain_or_gzipped_and_a_broken_line_is_named(self, editor, team):
        rows = [{"slug": f"a{n}", "name": "A", "team": team.slug} for n in range(3)]

        plain = editor.post(APPLICATIONS, lines(rows) + b"\n{oops\n", content_type=LINES)
        packed = editor.post(
            APPLICATIONS,
            gzip.compress(lines(rows)),
            content_type=LINES,
            headers={"Content-Encoding": "gzip"},
        )

        assert counts(plain.json()) == (3, 0, 0, 1)
        assert plain.json()["rejected"] == [
            {"where": "row 4", "reason": plain.json()["rejected"][0]["reason"]}
        ]
        assert counts(packed.json()) == (0, 0, 3, 0)

    @pytest.mark.parametrize(
        ("body", "kind", "encoding", "status"),
        [
            (b"{}", "application/json", "", 400),
            (b"[1", "application/json", "", 400),
            (b"slug=a", "application/x-www-form-urlencoded", "", 415),
            (b"{}", LINES, "br", 415),
            (b"not gzip", LINES, "gzip", 400),
            pytest.param(gzip.compress(b"{}" * 9)[:20], LINES, "gzip", 400, id="half a gzip file"),
            (b'"' + b"x" * 600_000, LINES, "", 413),
        ],
    )
    def test_what_is_no_rows_is_refused(self, editor, body, kind, encoding, status):
        answer = editor.post(
            APPLICATIONS,
            body,
            content_type=kind,
            headers={"Content-Encoding": encoding} if encoding else {},
        )

        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")

    def test_what_unpacks_to_too_much_is_given_up_early(self, editor, monkeypatch):
        monkeypatch.setattr("apps.api.bulk.row_stream.MAX_BYTES", 1_000_000)
        bomb = gzip.compress(b"\n" * 50_000_000)

        answer = editor.post(
            APPLICATIONS, bomb, content_type=LINES, headers={"Content-Encoding": "gzip"}
        )

        assert answer.status_code == 413


def test_what_somebody_added_at_the_same_moment_is_found_at_the_second_try(
    editor, team, monkeypatch
):
    merge, tries = BULK_RESOURCES["applications"].merge, []

    def is_late_once(rows, said, report):
        merge(rows, said, report)
        tries.append(len(rows))
        if len(tries) == 1:
            raise IntegrityError

    monkeypatch.setitem(
        BULK_RESOURCES, "applications", replace(BULK_RESOURCES["applications"], merge=is_late_once)
    )

    report = sent(editor, APPLICATIONS, [{"slug": "a", "name": "A", "team": team.slug}])

    assert (counts(report), tries, Application.objects.count()) == ((1, 0, 0, 0), [1, 1], 1)


class TestJobs:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr("apps.api.bulk.views.MAX_SYNC_ROWS", 3)
        monkeypatch.setattr("apps.api.bulk.jobs.MERGE_BATCH_SIZE", 2)

    def asked(self, client, team, n=5, query="", **headers):
        rows = [{"slug": f"a{k}", "name": "A", "team": team.slug} for k in range(n)]
        rows[1]["name"] = ""
        answer = client.post(
            f"{APPLICATIONS}{query}", lines(rows), content_type=LINES, headers=headers
        )
        assert answer.status_code == 202, answer.content
        return answer

    def test_many_rows_are_a_job_that_a_worker_does_block_by_block(self, editor, team):
        answer = self.asked(editor, team, query="?reason=CMDB")

        address = answer["Location"].removeprefix("http://testserver")
        assert (
            answer["Retry-After"],
            answer.json()["n_rows"],
            editor.get(address).json()["state"],
        ) == (
            "2",
            5,
            "queued",
        )
        assert editor.get(address)["Retry-After"] == "2"
        assert jobs.run_waiting_jobs() == 1

        told = editor.get(address).json()
        assert (told["state"], told["n_done"], counts(told), told["applied"]) == (
            "done",
            5,
            (4, 0, 0, 1),
            True,
        )
        assert told["rejected"][0]["where"] == "row 2: a1"
        entry = Application.objects.get(slug="a4").history.get()
        assert (entry.pgh_context.metadata["reason"], str(entry.pgh_context_id)) == (
            "CMDB",
            told["change"],
        )
        assert not JobChunk.objects.exists()
        assert jobs.run_waiting_jobs() == 0

    def test_all_or_nothing_and_dry_runs_stay_one_transaction(self, editor, team):
        for query in ("?mode=all_or_nothing", "?dry_run=true"):
            address = self.asked(editor, team, query=query)["Location"]
            jobs.run_waiting_jobs()
            told = editor.get(address).json()
            assert (told["state"], counts(told), told["applied"]) == ("done", (4, 0, 0, 1), False)
        assert not Application.objects.exists()

    def test_what_a_worker_left_is_taken_up_where_it_stood(self, editor, team, monkeypatch):
        self.asked(editor, team)
        merge = jobs._merge_block

        def dies(resource, block, *rest):
            if block[0].number == 3:
                raise MemoryError
            merge(resource, block, *rest)

        monkeypatch.setattr(jobs, "_merge_block", dies)
        with pytest.raises(MemoryError):
            jobs.run_waiting_jobs()
        assert (Job.objects.get().state, Job.objects.get().n_done, jobs.run_waiting_jobs()) == (
            "running",
            2,
            0,
        )

        monkeypatch.setattr(jobs, "_merge_block", merge)
        Job.objects.update(heartbeat_at=Job.objects.get().heartbeat_at - takeover_after())
        assert jobs.run_waiting_jobs() == 1

        told = Job.objects.get()
        assert (told.state, told.n_done, told.created, told.n_rejected) == ("done", 5, 4, 1)

    def test_the_rest_of_one_that_was_given_up_is_kept_and_resumed(
        self, editor, team, api, monkeypatch
    ):
        address = self.asked(editor, team)["Location"]
        merge = jobs._merge_block

        def dies(resource, block, *rest):
            if block[0].number == 3:
                raise MemoryError
            merge(resource, block, *rest)

        monkeypatch.setattr(jobs, "_merge_block", dies)
        # progress in the first attempt, three in all without any
        for _ in range(3):
            with pytest.raises(MemoryError):
                jobs.run_waiting_jobs()
            Job.objects.update(heartbeat_at=Job.objects.get().heartbeat_at - takeover_after())
        assert jobs.run_waiting_jobs() == 0
        told = editor.get(address).json()
        assert (told["state"], told["n_done"], Application.objects.count()) == ("failed", 2, 1)
        assert "Rows 1 to 2 are written" in told["error"]
        assert "rows 3 to 5 again" in told["error"]

        monkeypatch.setattr(jobs, "_merge_block", merge)
        assert api(make_user(role="auditor")).post(f"{address}resume/").status_code == 403
        assert editor.post(f"{address}resume/").json()["state"] == "queued"
        assert editor.post(f"{address}resume/").status_code == 409
        assert jobs.run_waiting_jobs() == 1

        told = editor.get(address).json()
        assert (told["state"], told["n_done"], counts(told), told["error"]) == (
            "done",
            5,
            (4, 0, 0, 1),
            "",
        )
        assert editor.post(f"{address}resume/").status_code == 409

    def test_who_would_rather_wait_says_so_and_few_rows_may_be_a_job(self, editor, team):
        rows = [{"slug": f"a{k}", "name": "A", "team": team.slug} for k in range(5)]

        waited = editor.post(
            APPLICATIONS, lines(rows), content_type=LINES, headers={"Prefer": "wait=30"}
        )
        self.asked(editor, team, n=2, Prefer="respond-async")

        assert (waited.status_code, counts(waited.json())) == (200, (5, 0, 0, 0))

    def test_a_job_is_seen_by_who_asked_and_by_offices_and_cancelled_before_it_begins(
        self, editor, team, api
    ):
        address = self.asked(editor, team)["Location"]

        assert api(make_member(team, TeamRole.OWNER)).get(address).status_code == 404
        assert api(make_user(role="auditor")).get(address).status_code == 200
        assert editor.post(f"{address}cancel/").json()["state"] == "cancelled"
        assert editor.post(f"{address}cancel/").status_code == 409
        assert jobs.run_waiting_jobs() == 0

    def test_rights_are_those_at_the_time_it_is_done(self, editor, team):
        address = self.asked(editor, team)["Location"]
        Job.objects.get().by.memberships.all().delete()

        jobs.run_waiting_jobs()

        assert counts(editor.get(address).json()) == (0, 0, 0, 5)

    def test_old_reports_go_after_a_year(self, editor, team):
        self.asked(editor, team)
        jobs.run_waiting_jobs()
        moment = Job.objects.get().finished_at

        assert "api_job" not in delete_expired_rows(at=moment + timedelta(days=365))
        assert delete_expired_rows(at=moment + timedelta(days=367))["api_job"] == 1


class TestReaders:
    """Rows are held to what single changes are held to."""

    @pytest.mark.parametrize(
        ("model", "name", "values"),
        [
            (Application, "name", ["A", " A ", "", "x" * 201, "x" * 200, None, 5, "a\x00"]),
            (Application, "status", ["pilot", "", "PILOT", None, 1]),
            (
                Application,
                "users_affected",
                [0, 5, -1, 2**31, 2**31 - 1, None, "7", True, 1.5, "x"],
            ),
            (
                Application,
                "monthly_spend",
                [0, "1.5", 1.5, "1.555", "9" * 13, -1, None, "x", "Infinity"],
            ),
            (
                Application,
                "next_review_on",
                ["2026-05-31", "2026-5-31", "20260531", "2026-02-30", "9999-12-31", None, 5],
            ),
            (Application, "personal_data", [True, False, None, "x"]),
            (Dependency, "monthly_input_tokens", [2**63 - 1, 2**63, -1]),
            (Dependency, "fallback_order", [1, 40_000, None]),
        ],
    )
    def test_they_refuse_what_a_single_change_refuses(self, model, name, values, team, api):
        from apps.api.inventory.applications import ApplicationFactsSerializer
        from apps.api.inventory.dependencies import DependencyChangeSerializer

        serializer = (
            ApplicationFactsSerializer if model is Application else DependencyChangeSerializer
        )
        read = reader_of(model._meta.get_field(name))
        for value in values:
            single = serializer(data={name: value}, partial=True)
            refusal = ""
            try:
                told = read(value)
            except InvalidValueError as refused:
                told, refusal = None, str(refused)
            if refusal:
                assert not single.is_valid() or value in LENIENT, (name, value)
            else:
                assert single.is_valid(), (name, value, single.errors)
                assert single.validated_data[name] == told, (name, value)


# a form may say True for "1"; rows say what they mean
LENIENT = (True, 5, "x", "20260531", "2026-5-31")


def test_a_bulk_request_that_is_sent_again_is_done_once(editor, team):
    body = lines([{"slug": "a", "name": "A", "team": team.slug}])
    post = {"content_type": LINES, "headers": {"Idempotency-Key": "k-1"}}

    first, again = editor.post(APPLICATIONS, body, **post), editor.post(APPLICATIONS, body, **post)
    other = editor.post(APPLICATIONS, body + b"\n", **post)

    assert (first.json(), again["Idempotency-Replayed"], other.status_code) == (
        again.json(),
        "true",
        422,
    )
    assert IdempotencyKey.objects.count() == 1
    assert TODAY


def test_requirements_of_dependencies_are_set_with_their_rows(api):
    editor = make_user("una", role="governance")
    client = api(editor, "read", "write")
    offering = make_offering()
    row = {
        "application": make_application("Bot").slug,
        "offering": offering.pk,
        "requirements": {"tool_calling": True, "context_window": 90_000},
    }
    assert client.post(DEPENDENCIES, [row]).json()["created"] == 1
    pk = Dependency.objects.get().pk
    assert declared_requirements([pk])[pk] == row["requirements"]

    assert client.post(DEPENDENCIES, [row]).json()["unchanged"] == 1
    changed = client.post(DEPENDENCIES, [row | {"requirements": "tools; not pdf"}]).json()
    assert (changed["updated"], changed["unchanged"]) == (1, 0)
    assert declared_requirements([pk])[pk] == {"tool_calling": True, "pdf": False}
    # a row that does not state them keeps them
    kept = {name: value for name, value in row.items() if name != "requirements"}
    assert client.post(DEPENDENCIES, [kept]).json()["unchanged"] == 1

    for value, sentence in (
        ({"flying": True}, "'flying' cannot be declared"),
        ({"vision": 3}, "Image input must be yes or no."),
        ([], "must be an object"),
    ):
        report = client.post(DEPENDENCIES, [row | {"requirements": value}]).json()
        assert sentence in report["rejected"][0]["reason"]
