"""A write that waits while its application moves to another team is refused, and writes nothing."""

import ast
import re
import threading
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from celery import Celery
from django.apps import apps
from django.db import connection
from pghistory.models import Event
from rest_framework.settings import api_settings
from rest_framework.test import APIClient

from apps.api.urls import VIEWSETS
from apps.common.time import day_of, now
from apps.exposure.models import CampaignTask, TaskStep
from apps.inventory.models import Application, Dependency
from apps.reports.models import ComponentAnswer
from apps.risks.models import Assessment
from tests.access.walking import WalkedRows, make_walked_rows
from tests.builders import make_application, make_offering, make_team
from tests.http import signed_in_client
from tests.processes import blocked_sessions, database_url, wait_until

pytestmark = pytest.mark.proof

# apps whose rows belong to applications
LABELS = {"inventory", "risks", "gate", "reports", "intake"}
# queues of jobs, which the move itself fills
OF_JOBS = {"ChangedApplication", "TouchedDependency"}
CHECKOUT = Path(__file__).resolve().parents[2]

# (method, address, body); {names} are filled in from the world
WRITES = (
    ("patch", "/api/v1/applications/{application}/", {"purpose": "written by an outsider"}),
    ("post", "/api/v1/applications/{application}/retire/", {}),
    ("post", "/api/v1/applications/{application}/reactivate/", {}),
    ("post", "/api/v1/applications/{application}/merge/", {"duplicate": "{other}"}),
    ("post", "/api/v1/applications/{other}/merge/", {"duplicate": "{application}"}),
    ("post", "/api/v1/dependencies/", {"application": "{application}", "offering": "{offering}"}),
    ("patch", "/api/v1/dependencies/{dependency}/", {"traffic_share": "0.5"}),
    ("post", "/api/v1/dependencies/{dependency}/confirm/", {}),
    ("post", "/api/v1/dependencies/{dependency}/end/", {}),
    ("post", "/api/v1/dependencies/{dependency}/reopen/", {}),
    ("post", "/api/v1/dependencies/{dependency}/replace/", {"offering": "{offering}"}),
    (
        "post",
        "/api/v1/adaptations/",
        {"dependency": "{dependency}", "kind": "prompt", "name": "of an outsider"},
    ),
    ("patch", "/api/v1/adaptations/{adaptation}/", {"note": "of an outsider"}),
    ("delete", "/api/v1/adaptations/{adaptation}/", None),
    ("patch", "/api/v1/exit-plans/{plan}/", {"note": "of an outsider"}),
    ("delete", "/api/v1/exit-plans/{plan}/", None),
    (
        "post",
        "/api/v1/exit-tests/",
        {
            "dependency": "{dependency}",
            "target": "{offering}",
            "tested_on": "{today}",
            "result": "passed",
        },
    ),
    ("patch", "/api/v1/exit-tests/{test}/", {"note": "of an outsider"}),
    (
        "post",
        "/api/v1/assessments/",
        {
            "risk": "{risk}",
            "dependency": "{dependency}",
            "version": "{version}",
            "plan": "of an outsider",
        },
    ),
    (
        "post",
        "/api/v1/assessments/not-applicable/",
        {
            "risk": "{risk}",
            "dependency": "{dependency}",
            "version": "{version}",
            "because": "of an outsider",
        },
    ),
    (
        "post",
        "/api/v1/assessments/accept/",
        {
            "risk": "{risk}",
            "dependency": "{dependency}",
            "version": "{version}",
            "because": "x",
            "until": "{later}",
        },
    ),
    ("post", "/api/v1/assessments/{assessment}/undo/", {"version": "{version}"}),
    (
        "post",
        "/api/v1/evidence/",
        {
            "kind": "own_evaluation",
            "run_on": "{today}",
            "application": "{application}",
            "note": "of an outsider",
        },
    ),
    (
        "post",
        "/api/v1/gate-waivers/",
        {
            "application": "{application}",
            "rule": "FR001",
            "model": "m",
            "reason": "of an outsider",
            "until": "{later}",
        },
    ),
    ("post", "/api/v1/gate-waivers/{waiver}/withdraw/", {"reason": "of an outsider"}),
    ("patch", "/api/v1/campaign-tasks/{task}/", {"finish_by": "{today}"}),
    ("post", "/api/v1/campaign-tasks/{task}/defer/", {"until": "{later}", "why": "of an outsider"}),
    ("post", "/api/v1/campaign-tasks/{task}/sign-off/", {}),
    ("post", "/api/v1/campaign-tasks/{task}/add-step/", {"title": "of an outsider"}),
    ("post", "/api/v1/campaign-steps/{step}/complete/", {}),
    ("post", "/api/v1/reported-services/{service}/unlink/", {}),
    ("form", "/applications/{application}/edit/", {"name": "of an outsider", "team": "{team}"}),
    ("form", "/applications/{application}/retire/", {"on": "{today}"}),
    ("form", "/dependencies/{dependency}/confirm/", {}),
    ("form", "/dependencies/{dependency}/end/", {"on": "{today}"}),
    ("form", "/adaptations/{adaptation}/remove/", {}),
    ("form", "/exit-plans/{plan}/remove/", {}),
    ("form", "/dependencies/{dependency}/plan/", {"note": "of an outsider"}),
    ("form", "/reports/models/{application}/statement/", {"intended_use": "of an outsider"}),
    (
        "form",
        "/reports/components/{application}/answers/",
        {"answer-{question}": "yes", "because-{question}": "x"},
    ),
    ("form", "/undo/{change}/", {}),
)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(Celery, "send_task", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", {})


def names_of(world: WalkedRows) -> dict[str, object]:
    """What the addresses and bodies are filled with."""
    keys = world.addresses
    assessment = Assessment.objects.get(pk=keys["assessments"])
    application = Application.objects.get(slug=keys["applications"])
    today = day_of(now())
    return {
        "application": application.slug,
        "other": make_application(team=application.team).slug,
        "team": application.team_id,
        "dependency": keys["dependencies"],
        "offering": make_offering("elsewhere").pk,
        "adaptation": keys["adaptations"],
        "plan": keys["exit-plans"],
        "test": keys["exit-tests"],
        "assessment": assessment.pk,
        "risk": assessment.risk_id,
        "version": assessment.version,
        "waiver": keys["gate-waivers"],
        "run": keys["gate-runs"],
        "task": keys["campaign-tasks"],
        "step": keys["campaign-steps"],
        "service": keys["reported-services"],
        "change": keys["changes"],
        "question": ComponentAnswer.Question.values[0],
        "today": today.isoformat(),
        "later": (today + timedelta(days=30)).isoformat(),
    }


def filled(value, names):
    if isinstance(value, dict):
        return {filled(key, names): filled(each, names) for key, each in value.items()}
    return value.format(**names) if isinstance(value, str) else value


def rows_on_record() -> dict[str, str]:
    """{table: a digest of its rows}, of what people write about applications and of its history."""
    models = [
        model
        for model in apps.get_models()
        if model._meta.app_label in LABELS and model._meta.managed and model.__name__ not in OF_JOBS
    ]
    models += [CampaignTask, TaskStep]
    with connection.cursor() as cursor:
        digests = {}
        for model in models:
            # the history of the move itself has no author
            written = " WHERE pgh_context_id IS NOT NULL" if issubclass(model, Event) else ""
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, '\n' ORDER BY t::text), '')) FROM"
                f" {connection.ops.quote_name(model._meta.db_table)} t{written}"
            )
            digests[model._meta.db_table] = cursor.fetchone()[0]
    return digests


def send(person, write, names):
    method, address, body = write
    address, body = filled(address, names), filled(body, names)
    if method == "form":
        client = signed_in_client(person, raise_request_exception=False)
        return client.post(address, body)
    api = APIClient(raise_request_exception=False)
    api.force_login(person)
    return getattr(api, method)(address, body, format="json")


def answer_while_it_moves(person, write, names, application, there):
    """The status of `write`, sent while another session holds the row of the application and moves
    it to `there`; less than 0 where the write answered without waiting for that session."""
    statuses = []

    def run():
        try:
            statuses.append(send(person, write, names).status_code)
        finally:
            connection.close()

    sending = threading.Thread(target=run)
    with psycopg.connect(database_url()) as other:
        other.execute(
            "UPDATE inventory_application SET team_id = %s WHERE id = %s",
            [there.pk, application.pk],
        )
        sending.start()
        wait_until(
            lambda: bool(blocked_sessions()) or not sending.is_alive(),
            "the write to wait or to answer",
        )
        waited = sending.is_alive()
        other.commit()
    sending.join(timeout=30)
    return statuses[0] if waited and statuses else -statuses[0]


@pytest.mark.django_db(transaction=True)
def test_every_write_that_waits_while_its_application_changes_team_is_refused_and_writes_nothing():
    world = make_walked_rows()
    names, owner, there = names_of(world), world.people["owner"], make_team("Elsewhere")
    application = Application.objects.get(slug=names["application"])
    before = rows_on_record()
    wrong = []
    for write in WRITES:
        status = answer_while_it_moves(owner, write, names, application, there)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE inventory_application SET team_id = %s WHERE id = %s",
                [application.team_id, application.pk],
            )
        after = rows_on_record()
        written = [table for table in after if after[table] != before[table]]
        if status not in (403, 404) or written:
            wrong.append((*write[:2], status, written))
        before = after
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_the_one_that_moves_meanwhile_is_named_and_left_as_it_is():
    world = make_walked_rows()
    names, owner, there = names_of(world), world.people["owner"], make_team("Elsewhere")
    application = Application.objects.get(slug=names["application"])
    write = (
        "post",
        "/api/v1/applications/bulk-update/",
        {
            "applications": [names["application"], names["other"]],
            "facts": {"purpose": "by an outsider"},
        },
    )

    assert answer_while_it_moves(owner, write, names, application, there) == 200

    application.refresh_from_db()
    assert application.purpose != "by an outsider"
    assert Application.objects.get(slug=names["other"]).purpose == "by an outsider"


# files that lock applications and do not go through `locking`, each with its reason
OTHERWISE = {
    "apps/inventory/actions/locks.py": "the one place",
    "apps/inventory/actions/bulk_update.py": "locks and reads in one statement, and asks the role "
    "of each locked row",
    "apps/inventory/bulk/references.py": "as above, a block of rows at a time",
    "apps/inventory/bulk/applications.py": "as above, a block of rows at a time",
    "apps/inventory/bulk/dependency_children.py": "as above, a block of rows at a time",
    "apps/intake/observations/reconciliation.py": "a job: what was observed becomes part of what "
    "is on record",
    "apps/intake/spreadsheets/plan/execution.py": "locks what a preview names in one statement, "
    "and plans every row again",
}


def test_applications_are_locked_in_one_place():
    found = set()
    for path in sorted((CHECKOUT / "apps").rglob("*.py")):
        name = str(path.relative_to(CHECKOUT))
        if "/migrations/" in name:
            continue
        tree = ast.parse(path.read_text())
        if any(_locks_applications(node) for node in ast.walk(tree)):
            found.add(name)
    assert found == set(OTHERWISE)


def _locks_applications(node: ast.AST) -> bool:
    """`Application.objects....select_for_update()`, or SQL that locks its table."""
    if isinstance(node, ast.Attribute) and node.attr == "select_for_update":
        return ast.unparse(node.value).startswith("Application.")
    text = ast.unparse(node) if isinstance(node, ast.JoinedStr) else getattr(node, "value", None)
    if not isinstance(text, str):
        return False
    return "inventory_application " in text and bool(
        re.search(r"FOR (NO KEY )?UPDATE|FOR \{strength\}", text)
    )


# where rows below an application are locked: after the application, by an action that asks the role
BELOW = (
    "Dependency",
    "Adaptation",
    "ExitPlan",
    "ExitTest",
    "Assessment",
    "ModelStatement",
    "ComponentAnswer",
    "Waiver",
    "CampaignTask",
    "TaskStep",
    "Discrepancy",
)


def test_views_lock_nothing_below_an_application_by_themselves():
    found = []
    for folder in ("apps/web", "apps/api"):
        for path in sorted((CHECKOUT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                is_lock = isinstance(node, ast.Attribute) and node.attr == "select_for_update"
                if is_lock and ast.unparse(node.value).partition(".")[0] in BELOW:
                    found.append(f"{path.relative_to(CHECKOUT)}:{node.lineno}")
    assert found == []


# (method, address, body, table): changes of a row below an application, with If-Match
CONDITIONAL_WRITES = (
    (
        "patch",
        "/api/v1/dependencies/{dependency}/",
        {"traffic_share": "0.5"},
        "inventory_dependency",
    ),
    ("patch", "/api/v1/adaptations/{adaptation}/", {"note": "n"}, "inventory_adaptation"),
    ("patch", "/api/v1/exit-plans/{plan}/", {"note": "n"}, "inventory_exitplan"),
    ("patch", "/api/v1/exit-tests/{test}/", {"target": "{offering}"}, "inventory_exittest"),
    ("patch", "/api/v1/campaign-tasks/{task}/", {"finish_by": "{today}"}, "exposure_campaigntask"),
    ("delete", "/api/v1/adaptations/{adaptation}/", None, "inventory_adaptation"),
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", CONDITIONAL_WRITES, ids=lambda write: f"{write[0]} {write[1]}")
def test_a_conditional_change_waits_for_the_application_and_holds_no_row_below_it_meanwhile(write):
    world = make_walked_rows()
    names = names_of(world)
    method, address, body, table = write
    address = filled(address, names)
    api = APIClient(raise_request_exception=False)
    api.force_login(world.people["owner"])
    statuses = []

    def change():
        try:
            answer = getattr(api, method)(
                address, filled(body, names), format="json", headers={"If-Match": "*"}
            )
            statuses.append(answer.status_code)
        finally:
            connection.close()

    changing = threading.Thread(target=change)
    with psycopg.connect(database_url()) as action:
        action.execute(
            "SELECT FROM inventory_application WHERE slug = %s FOR UPDATE", [names["application"]]
        )
        changing.start()
        wait_until(
            lambda: bool(blocked_sessions()) or not changing.is_alive(),
            "the change to wait or to answer",
        )
        # the second lock of an action: held by the change, the two would wait for each other
        action.execute(
            f"SELECT FROM {table} WHERE id = %s FOR UPDATE NOWAIT", [int(address.split("/")[-2])]
        )
        action.rollback()
    changing.join(timeout=30)

    assert statuses == [204 if method == "delete" else 200]


# The application is a setting of these records, which are not part of it.
NOT_BELOW = {"cloud-accounts"}


def test_every_resource_below_an_application_with_conditional_changes_locks_the_application_first():
    unnamed = []
    for name, view in VIEWSETS.items():
        relations = {
            field.related_model for field in view.model._meta.get_fields() if field.many_to_one
        }
        is_changed = any(
            hasattr(view, change) for change in ("update", "partial_update", "destroy")
        )
        is_below = view.model is not Application and relations & {Application, Dependency}
        if is_changed and is_below and not view.application_path and name not in NOT_BELOW:
            unnamed.append(name)
    assert unnamed == []


@pytest.mark.django_db(transaction=True)
def test_a_conditional_change_of_what_one_may_not_see_waits_for_no_row_of_others():
    world = make_walked_rows()
    names = names_of(world)
    api = APIClient(raise_request_exception=False)
    api.force_login(world.people["outsider"])
    with psycopg.connect(database_url()) as other:
        other.execute(
            "SELECT FROM inventory_dependency WHERE id = %s FOR UPDATE", [names["dependency"]]
        )
        connection.cursor().execute("SET lock_timeout = '2s'")

        address = filled("/api/v1/dependencies/{dependency}/", names)
        answer = api.patch(
            address, {"traffic_share": "0.5"}, format="json", headers={"If-Match": "*"}
        )

        other.rollback()
    assert answer.status_code == 404
