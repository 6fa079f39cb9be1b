"""The registry behind a pooler in transaction mode, set up as docs/operator.md tells: lists, files,
changes."""

import csv
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from apps.accounts.models import User
from apps.common.history.context import audit_context
from apps.inventory.models import Application, ApplicationHistory
from tests.builders import make_application, make_team, make_user
from tests.pooler import Pooler

pytestmark = [pytest.mark.pooler, pytest.mark.django_db(transaction=True)]

N = 60
N_CLIENTS = 4
N_ROUNDS = 5
ONE = "applications/?q=Application+07"
PATHS = ("applications/", ONE, "teams/")


@pytest.fixture
def auditor() -> User:
    team = make_team("Claims")
    for number in range(N):
        make_application(f"Application {number:02}", team=team)
    return make_user(role="auditor")


@pytest.fixture
def other_clients(pooler: Pooler, auditor: User) -> Iterator[None]:
    """Through the pooler, with clients in between that take and give back its connections."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.003)")
        connection.close()

    with pooler.serving_tests():
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        yield
        stop.set()
        for thread in threads:
            thread.join()


def test_lists_of_many_callers_at_once_are_whole(api, auditor, other_clients):
    answers = []

    def read() -> None:
        client = api(auditor)
        for _ in range(N_ROUNDS):
            answers.extend((path, client.get(f"/api/v1/{path}")) for path in PATHS)
        connection.close()

    threads = [threading.Thread(target=read) for _ in range(N_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == N_CLIENTS * N_ROUNDS * len(PATHS)
    assert {answer.status_code for _, answer in answers} == {200}
    found = {
        path: {tuple(row["id"] for row in answer.json()["results"])} for path, answer in answers
    }
    assert {path: len(ids) for path, ids in found.items()} == dict.fromkeys(found, 1)
    assert [len(ids) for ids in found[ONE]] == [1]


def test_a_file_that_is_streamed_is_whole(api, client, auditor, other_clients):
    """Rows come by a cursor that would stay open on one connection of the server."""
    client.force_login(auditor)

    for answer in (
        api(auditor).get("/api/v1/applications/?format=csv"),
        client.get("/applications.csv"),
    ):
        assert answer.status_code == 200
        rows = list(csv.reader(answer.getvalue().decode().splitlines()))
        assert len(rows) == N + 1


def test_who_changed_what_is_kept_with_the_change_and_with_no_other(auditor, other_clients):
    """The name travels in settings of the transaction; one of the session would colour the changes
    of others."""
    ids = list(Application.objects.values_list("pk", flat=True))

    for pk in ids[:20]:
        with audit_context(job=f"drill {pk}"):
            Application.objects.filter(pk=pk).update(name=f"Renamed {pk}")
        Application.objects.filter(pk=pk).update(name=f"Renamed by nobody {pk}")

    for pk in ids[:20]:
        named, unnamed = ApplicationHistory.objects.filter(
            pgh_obj_id=pk, pgh_label="update"
        ).order_by("pgh_id")
        assert named.pgh_context.metadata["job"] == f"drill {pk}"
        assert unnamed.pgh_context is None
