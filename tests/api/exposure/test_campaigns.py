"""Campaigns over REST: who sees and does what, from opening to the signature."""

from datetime import timedelta

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.models import ProviderEvent
from apps.common.time import day_of, now
from apps.exposure.models import Campaign, CampaignTask
from apps.inventory.models import Dependency
from apps.risks.models import Evidence
from tests.builders import make_member, make_team, make_user
from tests.exposure.campaigns.payments_team import PaymentsTeam
from tests.http import problem_detail

pytestmark = pytest.mark.django_db

CAMPAIGNS, TASKS, STEPS = "/api/v1/campaigns/", "/api/v1/campaign-tasks/", "/api/v1/campaign-steps/"
SOON = (day_of(now()) + timedelta(days=20)).isoformat()


@pytest.fixture
def payments():
    return PaymentsTeam(at=now())


@pytest.fixture
def people(payments):
    return {
        "governance": payments.governance,
        "owner": payments.owner,
        "editor": payments.editor,
        "viewer": make_member(payments.team, TeamRole.VIEWER),
        "auditor": make_user(role="auditor"),
        "outsider": make_member(make_team(), TeamRole.OWNER),
    }


@pytest.fixture
def task(payments):
    return payments.task()


def evaluate(payments, **fields):
    """Evidence of today; the campaign of the builder was opened on a fixed day."""
    today = day_of(now())
    fields = {"value": "0.9", "passed": True, **fields}
    return Evidence.objects.create(
        kind="own_evaluation",
        metric="accuracy",
        run_on=today,
        recorded_at=now(),
        application=payments.dependency.application,
        offering=payments.target,
        **fields,
    )


class TestOpening:
    def test_governance_opens_one_by_an_event_and_opening_again_answers_with_it(
        self, api, payments
    ):
        client = api(payments.governance, "read", "write")

        first = client.post(
            CAMPAIGNS, {"event": payments.event.pk, "target": payments.target.pk, "title": "Spring"}
        )
        again = client.post(CAMPAIGNS, {"event": payments.event.pk})

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["id"] == again.json()["id"]
        assert client.get(f"{CAMPAIGNS}{first.json()['id']}/").json() == again.json()
        body = first.json()
        assert (body["title"], body["target_api_id"]) == ("Spring", payments.target.api_id)
        assert body["ends_on"] == payments.end.isoformat()

    @pytest.mark.proof
    @pytest.mark.parametrize("who", ["owner", "editor", "viewer", "auditor", "outsider"])
    def test_nobody_else_opens_one(self, api, payments, people, who):
        answer = api(people[who], "read", "write").post(CAMPAIGNS, {"event": payments.event.pk})

        assert answer.status_code == 403
        assert Campaign.objects.count() == 0

    def test_neither_event_nor_offering_is_refused_with_a_sentence(self, api, payments):
        answer = api(payments.governance, "write").post(CAMPAIGNS, {})

        assert "either an event, an offering or an announced" in problem_detail(answer, 409)

    def test_an_unknown_event_is_refused_by_its_field(self, api, payments):
        answer = api(payments.governance, "write").post(
            CAMPAIGNS, {"event": ProviderEvent.objects.count() + 10**6}
        )

        assert answer.json()["errors"][0]["field"] == "event"

    @pytest.mark.proof
    def test_it_is_changed_extended_dated_closed_and_opened_again(self, api, payments, task):
        client = api(payments.governance, "read", "write")
        address = f"{CAMPAIGNS}{task.campaign_id}/"
        payments.stand("Late")

        assert client.patch(address, {"title": "Summer"}).json()["title"] == "Summer"
        assert client.post(f"{address}extend/", {}).json() == {"n_tasks": 1}
        assert client.patch(address, {"due_on": "2026-12-01"}).json()["due_on"] == "2026-12-01"
        assert client.post(f"{address}reschedule/", {}).json() == {"n_tasks": 2}
        assert client.post(f"{address}close/", {}).status_code == 409
        assert (
            client.post(f"{address}close/", {"closing_note": "no longer"}).json()["state"]
            == "closed"
        )
        assert client.post(f"{address}reopen/", {}).status_code == 400
        assert client.post(f"{address}reopen/", {"reason": "again"}).json()["state"] == "open"


class TestSeeing:
    @pytest.mark.parametrize(
        ("who", "seen"),
        [
            ("governance", True),
            ("auditor", True),
            ("owner", True),
            ("viewer", True),
            ("outsider", False),
        ],
    )
    def test_campaign_tasks_and_steps_are_for_the_offices_and_the_teams(
        self, api, people, task, who, seen
    ):
        client = api(people[who])
        step = task.steps.first()

        for address in (
            f"{CAMPAIGNS}{task.campaign_id}/",
            f"{CAMPAIGNS}{task.campaign_id}/progress/",
            f"{TASKS}{task.pk}/",
            f"{TASKS}{task.pk}/sign-off-requirements/",
            f"{STEPS}{step.pk}/",
        ):
            assert client.get(address).status_code == (200 if seen else 404), address
        for address in (CAMPAIGNS, TASKS, STEPS):
            assert bool(client.get(address).json()["results"]) is seen, address

    def test_a_team_sees_its_tasks_only(self, api, payments):
        other = make_team("Other")
        payments.stand("Theirs", team=other)
        campaign = payments.open()
        client = api(make_member(other, TeamRole.VIEWER))

        [row] = client.get(f"{TASKS}?campaign={campaign.pk}").json()["results"]
        found = client.get(f"{CAMPAIGNS}{campaign.pk}/progress/").json()

        assert row["team"] == other.slug
        assert (found["n_tasks"], found["whole_campaign"]) == (1, False)

    @pytest.mark.proof
    @pytest.mark.parametrize(
        ("question", "n"),
        [
            ("state=open", 2),
            ("state=done", 0),
            ("overdue=true", 1),
            ("overdue=false", 1),
            ("unowned=false", 2),
            ("too_late=true", 0),
            ("ordering=finish_by", 2),
        ],
    )
    def test_tasks_are_narrowed_and_ordered(self, api, payments, question, n):
        payments.stand("Second")
        campaign = payments.open()
        CampaignTask.objects.filter(dependency=payments.dependency).update(
            finish_by="2020-01-01", scheduled_on="2019-01-01"
        )

        rows = (
            api(payments.governance)
            .get(f"{TASKS}?campaign={campaign.pk}&{question}")
            .json()["results"]
        )

        assert len(rows) == n
        assert [row["finish_by"] for row in rows] == sorted(row["finish_by"] for row in rows)

    def test_a_list_costs_one_statement(self, api, payments, django_assert_num_queries):
        payments.open()
        client = api(payments.governance)
        client.get(TASKS)

        # the token's user, and when it was last used, stand beside the list's own statement
        with django_assert_num_queries(2):
            assert client.get(TASKS).json()["results"]
        for number in range(5):
            payments.stand(f"More {number}")
        payments.open(offering=payments.ending)
        with django_assert_num_queries(2):
            assert len(client.get(TASKS).json()["results"]) == 7


class TestAssigning:
    def test_the_tasks_of_a_team_are_assigned_together(self, api, payments, people):
        payments.stand("Second")
        campaign = payments.open()
        client = api(payments.governance, "read", "write")

        answer = client.post(
            f"{TASKS}bulk-assign/",
            {
                "campaign": campaign.pk,
                "team": payments.team.slug,
                "owner": payments.editor.username,
            },
        )

        assert answer.json() == {"n_assigned": 2, "n_unchanged": 0, "rejected": []}
        assert set(campaign.tasks.values_list("owner__username", flat=True)) == {
            payments.editor.username
        }

    def test_without_a_selection_or_for_an_outsider_nothing_is_assigned(
        self, api, payments, people, task
    ):
        owner = payments.editor.username
        governance = api(payments.governance, "read", "write")
        assert governance.post(f"{TASKS}bulk-assign/", {"owner": owner}).status_code == 400
        outsider = api(people["outsider"], "read", "write")
        for body in ({"campaign": task.campaign_id}, {"team": payments.team.slug}):
            answer = outsider.post(f"{TASKS}bulk-assign/", {**body, "owner": owner})
            assert answer.status_code == 404
        answer = outsider.post(f"{TASKS}bulk-assign/", {"ids": [task.pk], "owner": owner})
        assert answer.status_code == 409

    def test_a_task_says_by_how_much_it_is_too_late(self, api, payments):
        type(payments.ending).objects.filter(pk=payments.ending.pk).update(
            retires_on=payments.today + timedelta(days=5)
        )
        task = payments.task()

        row = api(payments.governance).get(f"{TASKS}{task.pk}/").json()

        assert (row["overdue"], row["too_late_days"]) == (False, 39)


class TestWorking:
    @pytest.mark.proof
    def test_from_target_to_signature(self, api, payments, people, task):
        editor, owner = api(payments.editor, "read", "write"), api(payments.owner, "read", "write")
        address = f"{TASKS}{task.pk}/"

        assert (
            editor.patch(address, {"owner": payments.editor.username, "finish_by": SOON}).json()[
                "finish_by"
            ]
            == SOON
        )
        assert (
            editor.post(f"{address}target/", {"target": payments.target.pk}).json()["state"]
            == "in_progress"
        )
        assert editor.post(f"{address}add-step/", {"title": "Tell the users"}).status_code == 201
        switched = editor.post(f"{address}switch/", {"on": SOON}).json()
        assert switched["successor"] == Dependency.objects.latest("pk").pk
        editor.post(
            f"{address}measurements/", {"before": {"accuracy": 0.91}, "after": {"accuracy": 0.92}}
        )
        refused = owner.post(f"{address}sign-off/", {})
        assert refused.status_code == 409
        assert "No passed evaluation" in refused.json()["detail"]
        evidence = evaluate(payments)
        for step in editor.get(f"{STEPS}?task={task.pk}&done=false&required=true").json()[
            "results"
        ]:
            if step["kind"] != "own_evaluation":
                assert editor.post(f"{STEPS}{step['id']}/complete/", {"note": "done"}).json()[
                    "done_by"
                ]
        gate = editor.get(f"{address}sign-off-requirements/").json()
        assert (gate["is_open"], gate["missing"], gate["evidence"]) == (True, [], [evidence.pk])
        assert gate["measures"] == [{"metric": "accuracy", "before": 0.91, "after": 0.92}]
        assert gate["dates"]["basis"] == "assumed"

        assert editor.post(f"{address}sign-off/", {}).status_code == 403
        signed = owner.post(f"{address}sign-off/", {})

        assert (signed.status_code, signed.json()["state"]) == (200, "done")
        assert (
            f"{payments.owner} signed off the task on "
            in owner.post(f"{address}sign-off/", {}).json()["detail"]
        )
        assert (
            owner.post(f"{address}reopen/", {"reason": "it fails"}).json()["state"] == "in_progress"
        )

    def test_waiving_and_lifting(self, api, payments, task):
        owner, address = api(payments.owner, "read", "write"), f"{TASKS}{task.pk}/"

        waived = owner.post(f"{address}defer/", {"until": SOON, "why": "it ends anyway"}).json()
        lifted = owner.post(f"{address}cancel-deferral/", {}).json()

        assert (waived["state"], waived["waived_until"], waived["waived_by"]) == (
            "waived",
            SOON,
            payments.owner.username,
        )
        assert lifted["state"] == "in_progress"

    def test_a_tick_is_taken_back(self, api, payments, task):
        editor, step = api(payments.editor, "read", "write"), task.steps.get(kind="watch")

        editor.post(f"{STEPS}{step.pk}/complete/", {})

        assert editor.post(f"{STEPS}{step.pk}/reopen/", {}).json()["done_on"] is None

    @pytest.mark.proof
    @pytest.mark.parametrize("who", ["viewer", "auditor", "outsider"])
    def test_readers_and_strangers_change_nothing(self, api, people, task, who):
        client, refusal = api(people[who], "read", "write"), 404 if who == "outsider" else 403
        step = task.steps.first()

        assert client.patch(f"{TASKS}{task.pk}/", {}).status_code == refusal
        for deed in (
            "target",
            "measurements",
            "add-step",
            "switch",
            "sign-off",
            "defer",
            "cancel-deferral",
            "reopen",
        ):
            assert client.post(f"{TASKS}{task.pk}/{deed}/", {}).status_code == refusal, deed
        for deed in ("complete", "reopen"):
            assert client.post(f"{STEPS}{step.pk}/{deed}/", {}).status_code == refusal, deed
        for deed in ("extend", "reschedule", "close", "reopen"):
            assert (
                client.post(f"{CAMPAIGNS}{task.campaign_id}/{deed}/", {}).status_code == refusal
            ), deed

    @pytest.mark.parametrize(
        ("deed", "body", "field"),
        [
            ("target", {"target": 0}, "target"),
            ("switch", {"on": "soon"}, "on"),
            ("measurements", {"before": {"accuracy": "much"}}, "before.accuracy"),
            ("defer", {"until": SOON}, "why"),
            ("add-step", {"title": ""}, "title"),
        ],
    )
    def test_a_wrong_value_is_refused_by_its_field(self, api, payments, task, deed, body, field):
        answer = api(payments.governance, "write").post(f"{TASKS}{task.pk}/{deed}/", body)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
