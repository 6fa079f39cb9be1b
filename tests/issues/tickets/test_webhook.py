"""Calls of Jira's webhook: signed notes, which lead to a reading by the API."""

import hashlib
import hmac
import json

import pytest
from django.core.cache import cache
from django.test import Client

from apps.issues.models import Ticket, TicketConnection
from apps.issues.tickets.webhooks import MAX_BODY_BYTES
from apps.web.views.tickets import webhook
from tests.builders import NOW
from tests.issues.tickets.connections import SECRET, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(connection, ask):
    return work(ask(connection))


def call(connection, content, *, secret=SECRET, signature=None):
    """Send what Jira sends."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Client(enforce_csrf_checks=True).post(
        f"/integrations/jira/{connection.webhook_id}/",
        body,
        content_type="application/json",
        headers={
            "X-Hub-Signature": f"sha256={digest}" if signature is None else signature,
            "X-Atlassian-Webhook-Identifier": "8a-1",
        },
    )


def due(ticket):
    return Ticket.objects.get(pk=ticket.pk).due_at is not None


def test_call_leads_to_reading(jira, connection, ticket):
    jira.set_status(ticket.jira_id, "In Progress")
    # the state in the body is not believed
    forged = {"status": {"name": "Done", "statusCategory": {"key": "done"}}}
    body = {"webhookEvent": "jira:issue_updated", "issue": {"id": ticket.jira_id, "fields": forged}}
    assert call(connection, body).status_code == 204
    # delivered twice
    assert call(connection, body).status_code == 204
    assert due(ticket)
    n_reads = jira.n_calls("GET", f"/issue/{ticket.jira_id}")
    stored = work(ticket, Ticket.objects.get(pk=ticket.pk).due_at)
    assert stored.status == "In Progress"
    assert jira.n_calls("GET", f"/issue/{ticket.jira_id}") == n_reads + 1
    connection.refresh_from_db()
    assert connection.notified_at is not None


def test_deletion_in_any_order_is_read(jira, connection, ticket):
    body = {"webhookEvent": "jira:issue_deleted", "issue": {"id": ticket.jira_id}}
    late = {"webhookEvent": "jira:issue_updated", "issue": {"id": int(ticket.jira_id)}}
    jira.tickets.clear()
    assert [call(connection, content).status_code for content in (body, late)] == [204, 204]
    assert work(ticket, Ticket.objects.get(pk=ticket.pk).due_at).state == "missing"


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=00", "sha1=00", "sha256=é"])
def test_unsigned_call_is_refused(connection, ticket, signature):
    body = {"issue": {"id": ticket.jira_id}}
    assert call(connection, body, signature=signature).status_code == 401
    assert not due(ticket)


def test_other_secret_or_connection_is_refused_alike(connection, ticket):
    body = {"issue": {"id": ticket.jira_id}}
    answers = [call(connection, body, secret="another-secret-of-a-webhook")]
    TicketConnection.objects.filter(pk=connection.pk).update(enabled=False)
    answers.append(call(connection, body))
    connection.webhook_id = "00000000-0000-4000-8000-000000000000"
    answers.append(call(connection, body))
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (401, answers[0].content)
    }
    assert not due(ticket)


def test_connection_without_webhook_secret_takes_no_call(connection, ticket, governance):
    from apps.issues.tickets.credentials import delete_secrets, set_secrets

    delete_secrets(connection=connection, by=governance)
    set_secrets(connection=connection, values={"token": "t"}, by=governance, at=NOW)
    TicketConnection.objects.filter(pk=connection.pk).update(enabled=True)
    assert call(connection, {"issue": {"id": ticket.jira_id}}, secret="").status_code == 401


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b'{"issue": 1}', b'{"issue": {"id": "1 OR 1"}}', b"[" * 100_000],
)
def test_body_without_ticket_is_refused(connection, ticket, body):
    assert call(connection, body).status_code == 400
    assert not due(ticket)


def test_foreign_ticket_is_no_error(connection, ticket):
    assert call(connection, {"issue": {"id": "777"}}).status_code == 204
    assert not due(ticket)


def test_large_and_frequent_calls_are_refused(connection, ticket, monkeypatch):
    assert call(connection, b" " * (MAX_BODY_BYTES + 1)).status_code == 413
    monkeypatch.setattr(webhook, "CALLS_PER_MINUTE", 1)
    cache.clear()
    body = {"issue": {"id": ticket.jira_id}}
    answers = [call(connection, body) for _ in range(3)]
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "60"
