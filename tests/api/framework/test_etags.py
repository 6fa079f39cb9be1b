"""Changes only to what was read, and requests that may be sent twice."""

import warnings
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.urls import path
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.roles import TeamRole
from apps.api.accounts.teams import TeamViewSet
from apps.api.framework.idempotency import RESPONSE_RETENTION, StreamKeyClaim
from apps.api.models import IdempotencyKey, Job
from apps.api.openapi.deprecation import Deprecation
from apps.common.database.leases import HeldLease
from apps.common.models import Lease
from apps.common.retention import delete_expired_rows
from apps.common.time import now
from apps.inventory.models import Application
from tests.builders import make_application, make_dependency, make_member, make_offering, make_team
from tests.processes import holding

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return make_team("Claims")


@pytest.fixture
def editor(api, team):
    return api(make_member(team, TeamRole.EDITOR), "read", "write")


class TestIfMatch:
    def test_a_change_is_made_where_nobody_was_faster_and_the_answer_has_the_new_etag(
        self, editor, team
    ):
        address = f"/api/v1/applications/{make_application(team=team).slug}/"
        seen = editor.get(address)["ETag"]

        first = editor.patch(address, {"purpose": "One"}, headers={"If-Match": seen})
        late = editor.patch(address, {"purpose": "Two"}, headers={"If-Match": seen})

        assert (first.status_code, first["ETag"]) == (200, editor.get(address)["ETag"])
        assert (late.status_code, late["Content-Type"]) == (412, "application/problem+json")
        assert "Read it again" in late.json()["detail"]
        assert Application.objects.get().purpose == "One"
        assert (
            editor.patch(
                address, {"purpose": "Two"}, headers={"If-Match": first["ETag"]}
            ).status_code
            == 200
        )

    def test_also_a_removal_and_a_star_means_whatever_is_there(self, editor, team):
        dependency = make_dependency(make_application(team=team), make_offering())
        made = editor.post(
            "/api/v1/exit-plans/", {"dependency": dependency.pk, "substitutability": "easily"}
        ).json()
        address = f"/api/v1/exit-plans/{made['id']}/"

        assert editor.delete(address, headers={"If-Match": '"other"'}).status_code == 412
        assert editor.delete(address, headers={"If-Match": "*"}).status_code == 204
        assert editor.delete(address, headers={"If-Match": "*"}).status_code == 404

    def test_what_is_refused_changes_nothing(self, editor, team):
        address = f"/api/v1/applications/{make_application(team=team, purpose='Before').slug}/"

        answer = editor.patch(
            address,
            {"purpose": "After", "users_affected": -1},
            headers={"If-Match": editor.get(address)["ETag"]},
        )

        assert (answer.status_code, Application.objects.get().purpose) == (400, "Before")


def test_an_address_that_will_go_says_when_and_what_comes_instead(editor, monkeypatch):
    retirement = Deprecation(
        since=datetime(2027, 1, 1, tzinfo=UTC),
        ends=datetime(2027, 7, 1, tzinfo=UTC),
        successor="/api/v2/teams/",
    )
    monkeypatch.setattr(TeamViewSet, "retires", retirement)

    answer = editor.get("/api/v1/teams/")

    assert (answer["Deprecation"], answer["Sunset"], answer["Link"]) == (
        "@1798761600",
        "Thu, 01 Jul 2027 00:00:00 GMT",
        '</api/v2/teams/>; rel="successor-version"',
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patterns = [path("api/v1/teams/", TeamViewSet.as_view({"get": "list"}))]
        document = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)
    assert document["paths"]["/api/v1/teams/"]["get"]["deprecated"] is True


def breaks(*_args, **_facts):
    raise RuntimeError


@contextmanager
def monkeypatched_release():
    """The lease stays, as that of a process which is still at work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeldLease, "release", lambda _: None)
        yield


class TestIdempotencyKey:
    ADDRESS = "/api/v1/applications/"

    def post(self, client, body, key="k-1"):
        return client.post(self.ADDRESS, body, headers={"Idempotency-Key": key})

    def test_the_same_request_again_is_done_once_and_answered_alike(self, editor, team):
        body = {"name": "New", "team": team.slug}

        first, again = self.post(editor, body), self.post(editor, body)

        assert (first.status_code, again.status_code) == (201, 201)
        assert (again.content, again["ETag"]) == (first.content, first["ETag"])
        assert (again["Idempotency-Replayed"], first.has_header("Idempotency-Replayed")) == (
            "true",
            False,
        )
        assert Application.objects.count() == 1
        assert self.post(editor, body, key="k-2").json()["slug"] == "new-2"

    def test_another_request_with_the_key_is_refused(self, editor, team):
        self.post(editor, {"name": "New", "team": team.slug})

        answer = self.post(editor, {"name": "Other", "team": team.slug})

        assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")

    def test_a_refusal_is_an_answer_too(self, editor, team):
        first, again = self.post(editor, {"name": ""}), self.post(editor, {"name": ""})

        assert (first.status_code, again.content, again["Content-Type"]) == (
            400,
            first.content,
            first["Content-Type"],
        )

    def test_while_the_first_is_at_work_the_second_is_refused_and_after_its_death_done(
        self, editor, team
    ):
        person = team.memberships.get().user
        words = f"idempotency:u{person.pk}:k-1"
        # another process in the middle of the work
        with holding(f"SELECT pg_advisory_xact_lock(hashtextextended('{words}', 0))"):
            assert self.post(editor, {"name": "New", "team": team.slug}).status_code == 409
        assert not Application.objects.exists()

        assert self.post(editor, {"name": "New", "team": team.slug}).json()["slug"] == "new"

    def test_what_breaks_after_the_work_leaves_neither_the_work_nor_an_answer(
        self, editor, team, monkeypatch
    ):
        body = {"name": "New", "team": team.slug}
        with monkeypatch.context() as patch:
            patch.setattr(IdempotencyKey.objects, "bulk_create", breaks)
            with pytest.raises(RuntimeError):
                self.post(editor, body)

        assert not Application.objects.exists()
        assert self.post(editor, body).json()["slug"] == "new"

    def test_of_a_stream_the_key_is_a_lease_that_a_dead_process_leaves_soon(self, editor, team):
        address, rows = f"{self.ADDRESS}bulk/", [{"slug": "one", "name": "One", "team": team.slug}]
        headers = {"Idempotency-Key": "k-1"}

        def send():
            return editor.post(address, rows, format="json", headers=headers)

        with monkeypatched_release():
            first = send()
        IdempotencyKey.objects.update(status=None)
        at_work = send()
        Lease.objects.update(expires_at=now() - timedelta(seconds=1))
        again = send()

        assert (first.json()["created"], at_work.status_code) == (1, 409)
        assert (again.json()["created"], again.json()["unchanged"]) == (0, 1)
        assert not Lease.objects.filter(name__startswith="idempotency:").exists()

    def test_a_job_of_many_rows_notes_its_answer_in_the_transaction_that_makes_it(
        self, editor, team, monkeypatch
    ):
        headers = {"Idempotency-Key": "k-1", "Prefer": "respond-async"}

        def send():
            rows = [{"slug": "one", "name": "One", "team": team.slug}]
            return editor.post(f"{self.ADDRESS}bulk/", rows, format="json", headers=headers)

        with monkeypatch.context() as patch:
            # a process that dies after the job was made
            patch.setattr(StreamKeyClaim, "keep", lambda *_: None)
            first = send()
        again = send()

        assert (first.status_code, again.status_code) == (202, 202)
        assert (again.json(), again["Location"]) == (first.json(), first["Location"])
        assert Job.objects.count() == 1

    def test_a_failure_of_ours_may_be_tried_again(self, editor, team, monkeypatch):
        from apps.inventory.actions import applications

        with monkeypatch.context() as patch:
            patch.setattr(applications, "register_application", breaks)
            with pytest.raises(RuntimeError):
                self.post(editor, {"name": "New", "team": team.slug})

        assert self.post(editor, {"name": "New", "team": team.slug}).status_code == 201

    def test_a_key_is_given_back_also_where_the_database_goes_away_with_the_request(
        self, editor, team, monkeypatch
    ):
        from apps.inventory.actions import applications

        def gone(**_):
            raise OperationalError

        with monkeypatch.context() as patch:
            patch.setattr(applications, "register_application", gone)
            assert self.post(editor, {"name": "New", "team": team.slug}).status_code == 503

        assert not IdempotencyKey.objects.exists()
        assert self.post(editor, {"name": "New", "team": team.slug}).status_code == 201

    def test_a_secret_is_kept_nowhere_and_shown_once(self, api, team):
        person = make_member(team, TeamRole.EDITOR)
        client = api(person, "read", "write", lifetime=timedelta(days=9))
        asked = {"name": "ci", "scopes": ["read"], "days": 1}
        headers = {"Idempotency-Key": "k-1"}

        first = client.post("/api/v1/tokens/", asked, format="json", headers=headers)
        again = client.post("/api/v1/tokens/", asked, format="json", headers=headers)

        assert first.status_code == 201, first.content
        assert first.json()["token"].encode() not in bytes(IdempotencyKey.objects.get().body)
        assert (again.status_code, again["Content-Type"]) == (409, "application/problem+json")
        assert "shown once" in again.json()["detail"]
        assert person.api_tokens.filter(name="ci").count() == 1

    def test_each_caller_has_keys_of_its_own(self, editor, team, api):
        body = {"name": "New", "team": team.slug}
        other = api(make_member(team, TeamRole.OWNER), "write")

        assert self.post(editor, body).json()["slug"] != self.post(other, body).json()["slug"]

    def test_keys_are_kept_for_a_day(self, editor, team):
        body = {"name": "New", "team": team.slug}
        self.post(editor, body)
        IdempotencyKey.objects.update(created_at=now() - RESPONSE_RETENTION - timedelta(minutes=1))

        assert self.post(editor, body).json()["slug"] == "new-2"
        assert delete_expired_rows(at=now() + 2 * RESPONSE_RETENTION)["api_idempotencykey"] == 1

    def test_a_body_too_large_to_compare_is_refused(self, editor, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

        assert self.post(editor, {"name": "x" * 200}).status_code == 413

    @pytest.mark.parametrize("key", ["", "x" * 256])
    def test_a_key_that_is_none_is_refused(self, editor, team, key):
        assert self.post(editor, {"name": "New", "team": team.slug}, key=key).status_code == 400
