"""The health checks of containers, asked as compose.yaml does, of a real worker and broker."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import redis

from apps.common import heartbeat
from registry import embedded
from registry.environment import redis_client_url
from tests.processes import CHECKOUT, Worker, own_broker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]


def check(name: str, broker_url: str) -> tuple[int, str]:
    """(exit code, sentence)"""
    environment = {
        **os.environ,
        "REGISTRY_ENV": "demo",
        "SECRET_KEY": "for-tests-only",
        "BROKER_URL": broker_url,
    }
    environment.pop("CACHE_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "registry.container_checks", name],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == "" or done.returncode == 2, done.stderr
    return done.returncode, done.stdout.strip()


def test_a_worker_is_healthy_while_it_answers(tmp_path):
    folder = tmp_path / "broker"
    with own_broker(folder) as broker_url:
        with Worker(broker_url, tmp_path / "worker.log") as worker:
            code, sentence = check("worker", broker_url)
            assert (code, sentence.endswith(" answers.")) == (0, True), sentence
            worker.pause()
            code, sentence = check("worker", broker_url)
            worker.go_on()
            assert (code, "did not respond" in sentence) == (1, True), sentence
        embedded.stop(folder)
        code, sentence = check("worker", broker_url)
        assert (code, "broker does not respond" in sentence) == (1, True), sentence


def test_beat_is_healthy_while_its_tasks_reach_a_worker(tmp_path):
    with own_broker(tmp_path / "broker") as broker_url:
        assert check("beat", broker_url)[0] == 1
        with redis.Redis.from_url(redis_client_url(broker_url, database=1)) as client:
            client.set(
                heartbeat.KEY, datetime.now(tz=UTC).isoformat(), ex=heartbeat.LIFETIME_SECONDS
            )
        assert check("beat", broker_url)[0] == 0


def test_another_name_is_refused(tmp_path):
    assert check("web", "redis://127.0.0.1:1/0")[0] == 2
