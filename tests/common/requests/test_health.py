"""Probes: the process answers always, readiness when pages can be served, every other part for
itself."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.catalog.models import Source
from apps.common import heartbeat
from apps.feeds.models import PollState
from registry.version import VERSION

UNREACHABLE = "redis://127.0.0.1:1/0"


@pytest.fixture
def beating() -> Iterator[None]:
    heartbeat.record_heartbeat(at=timezone.now())
    yield
    with heartbeat.client() as client:
        client.delete(heartbeat.KEY)


def checks(client: Client, path: str = "/readyz") -> tuple[int, dict[str, bool]]:
    response = client.get(path)
    return response.status_code, {
        name: check["ok"] for name, check in response.json()["checks"].items()
    }


def test_health_answers_without_database_or_login(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "version": VERSION}
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


def test_probes_answer_whatever_host_and_scheme_the_prober_names(
    client: Client, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["registry.example.org"]
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/healthz", headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.django_db
def test_pages_are_ready_with_database_and_migrations_whatever_broker_and_worker_do(
    client: Client, settings: Settings
) -> None:
    settings.CACHE_URL = UNREACHABLE

    assert checks(client) == (200, {"database": True, "migrations": True})


@pytest.mark.usefixtures("beating")
def test_broker_and_worker_have_probes_of_their_own(client: Client) -> None:
    assert checks(client, "/healthz/broker") == (200, {"broker": True})
    assert checks(client, "/healthz/worker") == (200, {"worker": True})


def test_a_worker_that_does_not_show_itself_fails_its_own_probe_alone(client: Client) -> None:
    with heartbeat.client() as server:
        server.delete(heartbeat.KEY)

    assert checks(client, "/healthz/worker") == (503, {"worker": False})
    assert checks(client, "/healthz/broker") == (200, {"broker": True})


def test_a_broker_that_is_away_fails_its_probe_with_a_sentence(
    client: Client, settings: Settings
) -> None:
    settings.CACHE_URL = UNREACHABLE

    response = client.get("/healthz/broker")

    assert response.status_code == 503
    assert response.json() == {
        "status": "failing",
        "checks": {"broker": {"ok": False, "detail": "The broker does not respond."}},
    }


@pytest.mark.django_db
def test_a_feed_that_was_not_read_within_its_interval_fails_the_probe_of_feeds(
    client: Client,
) -> None:
    Source.objects.update(enabled=False)
    source = Source.objects.create(
        slug="probe", name="Probe feed", kind="mapped", stale_after_minutes=60
    )
    state = PollState.objects.create(
        source=source, last_success_at=timezone.now() - timedelta(minutes=59)
    )

    assert checks(client, "/healthz/feeds") == (200, {"feeds": True})

    state.last_success_at = timezone.now() - timedelta(minutes=61)
    state.save()
    response = client.get("/healthz/feeds")

    assert response.status_code == 503
    assert response.json()["checks"]["feeds"]["detail"].startswith("Only 0 of 1 feeds up to date.")


@pytest.mark.django_db
def test_unready_while_a_migration_waits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: ["one"])

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == {
        "ok": False,
        "detail": "1 migrations are not applied. Run manage.py migrate.",
    }


@pytest.mark.django_db(transaction=True)
def test_unready_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    assert checks(client) == (503, {"database": False, "migrations": False})


def test_the_heartbeat_dies_by_itself() -> None:
    heartbeat.record_heartbeat(at=timezone.now())

    with heartbeat.client() as client:
        assert 0 < int(client.ttl(heartbeat.KEY)) <= heartbeat.LIFETIME_SECONDS
        client.delete(heartbeat.KEY)
