"""Probes: the process answers always, readiness only when every part does."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.common import heartbeat

UNREACHABLE = "redis://127.0.0.1:1/0"


@pytest.fixture
def beating() -> Iterator[None]:
    heartbeat.beat(at=timezone.now())
    yield
    with heartbeat.client() as client:
        client.delete(heartbeat.KEY)


def checks(client: Client) -> tuple[int, dict[str, bool]]:
    response = client.get("/readyz")
    return response.status_code, {name: check["ok"] for name, check in response.json()["checks"].items()}


def test_health_answers_without_database_or_login(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert "no-store" in response.headers["Cache-Control"]


def test_probes_answer_whatever_host_and_scheme_the_prober_names(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["registry.example.org"]
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/healthz", headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("beating")
def test_ready_when_every_part_answers(client: Client) -> None:
    assert checks(client) == (200, {"database": True, "migrations": True, "broker": True, "worker": True})


@pytest.mark.django_db
def test_unready_without_a_worker(client: Client) -> None:
    with heartbeat.client() as server:
        server.delete(heartbeat.KEY)

    assert checks(client) == (503, {"database": True, "migrations": True, "broker": True, "worker": False})


@pytest.mark.django_db
def test_unready_without_a_broker(client: Client, settings: Settings) -> None:
    settings.CACHE_URL = UNREACHABLE

    assert checks(client) == (503, {"database": True, "migrations": True, "broker": False, "worker": False})


@pytest.mark.django_db
@pytest.mark.usefixtures("beating")
def test_unready_while_a_migration_waits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: ["one"])

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == {
        "ok": False,
        "detail": "1 migrations wait; run manage.py migrate.",
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("beating")
def test_unready_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    assert checks(client) == (503, {"database": False, "migrations": False, "broker": True, "worker": True})


def test_the_heartbeat_dies_by_itself() -> None:
    heartbeat.beat(at=timezone.now())

    with heartbeat.client() as client:
        assert 0 < int(client.ttl(heartbeat.KEY)) <= heartbeat.LIFETIME_SECONDS
        client.delete(heartbeat.KEY)
