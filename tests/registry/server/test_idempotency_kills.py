"""A web worker killed in the middle of a POST with a key has done nothing, and the same request
does it once."""

import json
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from apps.accounts.actions import issue_token
from apps.api.models import IdempotencyKey
from apps.common.time import now
from apps.inventory.models import Application
from tests.builders import make_team, make_user
from tests.processes import blocked_sessions, database_url, holding
from tests.web_server import WebServer, wait_until, web_server

pytestmark = pytest.mark.django_db(transaction=True)


def is_listening(server: WebServer) -> bool:
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.proof
def test_a_post_whose_worker_is_killed_between_the_work_and_its_answer_is_done_once(tmp_path: Path):
    team = make_team("Claims")
    person = make_user("gov", role="governance")
    _, token = issue_token(
        user=person, name="x", scopes=["read", "write"], at=now(), by=None, lifetime=timedelta(1)
    )
    body = json.dumps({"name": "Probe", "team": team.slug}).encode()
    head = (
        "POST /api/v1/applications/ HTTP/1.1\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nIdempotency-Key: "
        "k-1\r\n"
        f"Content-Length: {len(body)}"
    )
    environment = {"DATABASE_URL": database_url(), "DATABASE_POOL": "8", "TMPDIR": str(tmp_path)}
    with web_server(tmp_path, "--workers", "1", environment=environment) as server:

        def send_in_vain():
            with suppress(OSError, ValueError, IndexError, AssertionError):
                server.ask(head, body)

        # the row is written; what the answer is made of cannot be read
        with holding("LOCK TABLE inventory_dependency IN ACCESS EXCLUSIVE MODE"):
            sending = threading.Thread(target=send_in_vain)
            sending.start()
            wait_until(lambda: bool(blocked_sessions()))
            [worker] = server.workers()
            worker.kill()
            sending.join(timeout=30)
        wait_until(lambda: not blocked_sessions())
        # the new worker listens a moment after its fork
        wait_until(
            lambda: (
                bool(server.workers())
                and server.workers()[0].pid != worker.pid
                and is_listening(server)
            )
        )
        assert not Application.objects.exists()
        assert not IdempotencyKey.objects.exists()

        answers = [server.ask(head, body) for _ in range(2)]

    assert [answer[0] for answer in answers] == [201, 201]
    assert answers[0][2] == answers[1][2]
    assert Application.objects.count() == 1
