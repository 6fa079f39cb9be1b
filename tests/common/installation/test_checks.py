"""manage.py doctor: what is wrong with an installation, in sentences that say what to do."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from apps.accounts.models import User
from apps.alerts.models import Delivery
from apps.catalog.models import Source
from apps.common import heartbeat
from apps.common.installation.diagnosis import Level, diagnose_installation
from apps.common.models import PeriodicJob
from apps.exposure.models import EngineState
from apps.feeds.models import PollState
from apps.inventory.models import Application
from registry.environment import mailer
from tests.builders import make_source, make_team, make_user
from tests.intake.accounts.accounts import make_account
from tests.ports import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker() -> Iterator[None]:
    heartbeat.record_heartbeat(at=timezone.now())
    yield
    with heartbeat.client() as client:
        client.delete(heartbeat.KEY)


def problems() -> dict[str, list[str]]:
    """Return {part: sentences} of what is not in order."""
    return {
        part.name: [d.sentence for d in part.diagnoses if d.level is not Level.OK]
        for part in diagnose_installation(at=timezone.now())
        if part.level is not Level.OK
    }


def run_doctor(*arguments: str) -> tuple[int, str]:
    """Return (exit code, output)."""
    output = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=output)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


@pytest.fixture
def complete(worker: None) -> None:
    """An installation in which everything is in order."""
    make_team("Payments")
    source = make_source("read", name="Read")
    PollState.objects.update_or_create(
        source=source, defaults={"last_success_at": timezone.now(), "failures": 0}
    )
    make_user(role="admin")
    make_user(role="governance")
    EngineState.objects.update_or_create(pk=1, defaults={"as_of": timezone.now().date()})


def test_an_installation_in_order_is_described_part_by_part(complete, settings):
    settings.INSTALLATION_CHECKS = {
        name: path
        for name, path in settings.INSTALLATION_CHECKS.items()
        # the built-in data are not loaded here
        if name not in {"catalogue", "risk catalogue"}
    }
    code, text = run_doctor()

    assert code == 0, text
    assert "PostgreSQL " in text
    assert "All migrations are applied." in text
    assert text.endswith("0 errors, 0 warnings\n")


def test_each_part_names_its_remedy_and_json_says_the_same(settings):
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    code, text = run_doctor("--json")
    parts = {part["name"]: part for part in json.loads(text)["parts"]}

    assert code == 1
    assert list(parts) == list(settings.INSTALLATION_CHECKS)
    assert parts["worker"]["level"] == "error"
    for part in parts.values():
        for diagnosis in part["diagnoses"]:
            assert (diagnosis["level"] == "ok") == (diagnosis["remedy"] == ""), diagnosis
            assert diagnosis["sentence"].endswith("."), diagnosis


def test_an_empty_installation_lacks_data_accounts_and_a_worker():
    found = problems()

    assert found["catalogue"] == ["The catalogue is empty."]
    assert found["risk catalogue"] == ["The risk catalogue is empty."]
    assert found["accounts"] == ["No active user is an administrator."]
    assert found["exposure"] == [
        "The exposure tables were never derived, so no page shows exposure."
    ]
    assert found["feeds"] == ["No source is enabled, so no retirement and no price is noticed."]
    assert found["worker"] == ["No worker has sent a heartbeat for 100 seconds."]


def test_accounts_need_governance_and_a_team():
    make_user(role="admin")
    assert problems()["accounts"] == [
        "No active user has the governance role, so changes on hold stay undecided."
    ]
    make_user(role="governance")
    assert problems()["accounts"] == ["There is no team, so no application can be recorded."]
    User.objects.filter(organisation_role="admin").update(organisation_role="")
    assert problems()["accounts"] == ["No active user is an administrator."]


def test_pending_migrations_are_counted(complete):
    MigrationRecorder(connection).migration_qs.filter(app="gate", name__startswith="0004").delete()

    assert problems()["database"] == ["1 migrations are not applied. Run manage.py migrate."]


def test_a_disabled_trigger_is_named(complete):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
            " ORDER BY tgname LIMIT 1",
            [Application._meta.db_table],
        )
        [trigger] = cursor.fetchone()
        cursor.execute(f'ALTER TABLE {Application._meta.db_table} DISABLE TRIGGER "{trigger}"')

    [sentence] = problems()["database"]
    assert f"{Application._meta.db_table}.{trigger} is disabled" in sentence


def test_a_broker_that_does_not_answer_is_said_once_for_each_part(settings):
    settings.BROKER_CLIENT_URL = settings.CACHE_URL = "redis://127.0.0.1:1/0"
    found = problems()

    for part in ("broker", "worker"):
        [sentence] = found[part]
        assert sentence.startswith("Not checked, because the broker does not answer ("), sentence


def test_late_periodic_jobs_are_named(complete):
    PeriodicJob.objects.create(
        name="exposure.take_snapshot", succeeded_at=timezone.now() - timedelta(days=4)
    )

    assert problems()["worker"] == ["The periodic job exposure.take_snapshot is late."]


def test_an_email_server_that_cannot_be_reached_is_an_error(complete, settings):
    settings.MAILERS = {"default": mailer(f"smtp://127.0.0.1:{free_port()}", timeout_seconds=1)}

    [sentence] = problems()["email"]
    assert sentence.startswith("The email server cannot be used: ")


def test_sources_that_are_not_read_are_named(complete):
    for name in ("Alpha", "Beta", "Gamma", "Delta"):
        make_source(name.lower(), name=name)
    good = Source.objects.get(name="Beta")
    PollState.objects.update_or_create(
        source=good, defaults={"last_success_at": timezone.now(), "failures": 0}
    )

    assert problems()["feeds"] == ["3 of 5 enabled sources are not read: Alpha, Delta, Gamma."]


def test_messages_that_are_late_or_failed_are_counted(complete):
    now = timezone.now()
    message: dict[str, Any] = {
        "user": make_user(),
        "address": "a@example.org",
        "subject": "s",
        "body_text": "b",
    }
    Delivery.objects.create(message_id="1", due_at=now - timedelta(hours=1), **message)
    Delivery.objects.create(
        message_id="2", due_at=now, state=Delivery.State.FAILED, reason="refused", **message
    )

    assert problems()["messages"] == [
        "One message has been due for more than 15 minutes.",
        "One message of the last 24 hours failed.",
    ]


def test_old_exposure_tables_are_an_error(complete):
    EngineState.objects.update(as_of=timezone.now().date() - timedelta(days=3))

    [sentence] = problems()["exposure"]
    assert sentence.startswith("The exposure tables describe ")


def test_no_statement_of_a_check_changes_anything(complete):
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        found = problems()
        # so that the next test can write again
        transaction.set_rollback(True)

    assert set(found) == {"catalogue", "risk catalogue"}


def test_credentials_that_no_key_or_a_former_one_opens_are_named(complete, settings):
    settings.CREDENTIAL_KEYS = ["a-key-of-the-tests-with-enough-characters"]
    make_account("azure", name="Azure of the bank")
    assert "credentials" not in problems()

    former = settings.CREDENTIAL_KEYS[0]
    settings.CREDENTIAL_KEYS = ["another-key-of-the-tests-with-enough-characters", former]
    assert problems()["credentials"] == ["Some credentials are encrypted with a former key."]

    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    assert problems()["credentials"] == [
        "No configured key opens the credentials of Azure of the bank."
    ]
