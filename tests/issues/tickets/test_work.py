"""Tickets from request to message: created once, read as they are in Jira, told what ended."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from apps.common.errors import ConflictError
from apps.issues.models import Issue, Ticket, TicketConnection, TicketEvent
from apps.issues.responses import reopen_issue, resolve_issue
from apps.issues.tickets import work as ticket_work
from apps.issues.tickets.jira.client import JiraClient
from apps.issues.tickets.polls import poll_due_connections
from apps.issues.tickets.sentences import event_sentence, ticket_sentence
from tests.builders import NOW
from tests.issues.tickets.connections import make_connection, work
from tests.issues.tickets.jira_server import ACCOUNT, Person, running_jira

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=10)


def changed(ticket, at=LATER):
    """What a webhook or poll notes."""
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=at, due_at=at)
    return work(ticket, at)


def entries(ticket, *kinds):
    events = TicketEvent.objects.filter(ticket=ticket)
    return list(events.filter(kind__in=kinds) if kinds else events)


def test_ticket_of_issue_is_created(jira, connection, ask, issue):
    jira.people.append(Person("ilse-1", "Ilse Brandt", "ilse@example.org"))
    ticket = work(ask(connection, assignee_address="ilse@example.org"))
    assert ticket.state == "linked"
    assert (ticket.key, ticket.status, ticket.progress) == ("MODELS-1", "To Do", "to_do")
    assert (ticket.assignee, ticket.note, ticket.due_at) == ("Ilse Brandt", "", None)
    (stored,) = jira.tickets.values()
    assert "retires on 15 January 2027" in stored.fields["summary"]
    assert stored.fields["labels"] == ["foundation-registry", ticket.mark]
    assert stored.fields["duedate"] == ticket.due_on.isoformat()
    assert f"/issues/{issue.pk}/" in json.dumps(stored.fields["description"])
    (link,) = stored.links.values()
    assert link["url"].endswith(f"/issues/{issue.pk}/")
    assert ticket.url == f"{jira.address}/browse/MODELS-1"
    assert ticket_sentence(ticket) == "MODELS-1 is To Do and assigned to Ilse Brandt."


def test_data_center_is_spoken_as_well(settings, governance, ask):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with running_jira(is_cloud=False) as jira:
        jira.people.append(Person("ilse", "Ilse Brandt", "ilse@example.org"))
        connection = make_connection(jira, governance)
        ticket = work(ask(connection, assignee_address="ilse@example.org"))
        (stored,) = jira.tickets.values()
        assert stored.fields["assignee"] == {"name": "ilse"}
        assert isinstance(stored.fields["description"], str)
        jira.set_status(ticket.jira_id, "In Progress")
        jira.set_status(ticket.jira_id, "Done")
        jira.comment(ticket.jira_id, "Done, see the wiki.")
        poll_due_connections(at=LATER)
        ticket = work(ticket, LATER)
        assert (ticket.progress, ticket.status_by) == ("done", "Ada Lovelace")
        assert entries(ticket, "ticket_comment")[0].text == "Done, see the wiki."


def test_one_ticket_for_two_requests(jira, connection, ask):
    ticket = ask(connection)
    with pytest.raises(ConflictError, match="requested already"), transaction.atomic():
        ask(connection)
    work(ticket)
    with pytest.raises(ConflictError, match="MODELS-1"), transaction.atomic():
        ask(connection)
    assert len(jira.tickets) == 1


@pytest.mark.parametrize("status", [0, 502])
def test_lost_answer_creates_no_second_ticket(jira, connection, ask, status):
    ticket = ask(connection)
    # stored there, and the answer is lost
    original = jira._create

    def create(fields):
        original(fields)
        return status, {}

    jira._create = create
    ticket = work(ticket)
    assert (ticket.state, ticket.attempts, ticket.key) == ("waiting", 1, "")
    assert ticket.sent_at is not None
    assert "not created yet" in ticket_sentence(ticket)
    jira._create = original
    # before the search can find it, nothing is sent
    assert work(ticket, NOW + timedelta(seconds=90)).state == "waiting"
    ticket = work(ticket, LATER)
    assert (ticket.state, ticket.key, len(jira.tickets)) == ("linked", "MODELS-1", 1)
    assert entries(ticket)[0].kind == TicketEvent.Kind.FOUND


def test_worker_that_ends_after_creation_is_continued(jira, connection, ask, monkeypatch):
    ticket = ask(connection)

    def end(*_):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(ticket_work, "_store_created", end)
        with pytest.raises(SystemExit):
            work(ticket)
    # its claim lasts until it is over
    assert work(ticket, NOW + timedelta(minutes=5)).state == "waiting"
    ticket = work(ticket, NOW + ticket_work.CLAIM_TIME + timedelta(minutes=1))
    assert (ticket.state, ticket.key, len(jira.tickets)) == ("linked", "MODELS-1", 1)


def test_worker_that_lost_its_claim_stores_nothing(jira, connection, ask, monkeypatch):
    ticket = ask(connection)
    create = JiraClient.create_ticket

    def create_slowly(client, fields):
        Ticket.objects.filter(pk=ticket.pk).update(claim_number=99)
        return create(client, fields)

    monkeypatch.setattr(JiraClient, "create_ticket", create_slowly)
    ticket_work.synchronise_tickets(at=NOW)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.key) == ("waiting", "")


def test_limit_is_waited_for(jira, connection, ask):
    ticket = ask(connection)
    jira.fail("POST", "/issue", 429, Retry_After="120")
    ticket = work(ticket)
    connection.refresh_from_db()
    assert connection.wait_until >= NOW + timedelta(seconds=120)
    assert (ticket.state, ticket.attempts, ticket.sent_at) == ("waiting", 0, None)
    assert work(ticket, NOW + timedelta(seconds=60)).state == "waiting"
    assert work(ticket, NOW + timedelta(seconds=150)).state == "linked"


def test_newly_required_field_is_said_and_asked_for(jira, connection, ask):
    ticket = ask(connection)
    jira.require("customfield_1", "Cost centre")
    ticket = work(ticket)
    assert ticket.state == "refused"
    assert "Cost centre is required." in ticket.problem
    # the next form asks for it
    connection.refresh_from_db()
    assert [f["id"] for f in connection.create_fields][-1] == "customfield_1"
    with pytest.raises(Exception, match="Enter a value for Cost centre"), transaction.atomic():
        ask(connection)
    ticket = work(ask(connection, field_values={"customfield_1": "4711"}))
    assert (ticket.state, ticket.problem) == ("linked", "")
    assert next(iter(jira.tickets.values())).fields["customfield_1"] == "4711"


def test_removed_field_is_said(jira, connection, ask):
    TicketConnection.objects.filter(pk=connection.pk).update(
        field_values=["customfield_9 = Platform"]
    )
    connection.refresh_from_db()
    ticket = work(ask(connection))
    assert ticket.state == "refused"
    assert "has no field customfield_9" in ticket.problem


def test_lost_permission_is_said(jira, connection, ask):
    jira.denied.add("CREATE_ISSUES")
    ticket = work(ask(connection))
    assert ticket.state == "refused"
    assert "lacks a permission" in ticket_sentence(ticket)


def test_rejected_token_stops_the_connection(jira, connection, ask):
    jira.token = "another"
    ticket = work(ask(connection))
    connection.refresh_from_db()
    assert (ticket.state, connection.status) == ("waiting", "failed")
    assert "expired or revoked" in connection.problem
    n_calls = len(jira.calls)
    work(ticket, NOW + timedelta(minutes=5))
    assert len(jira.calls) == n_calls


@pytest.mark.parametrize(
    ("people", "denied"),
    [
        ([], set()),
        ([Person("a", "A", "a@x.org", True), Person("b", "B", "a@x.org", True)], set()),
        ([Person("a", "A", "a@x.org")], {"BROWSE_USERS"}),
    ],
)
def test_person_who_is_not_found_is_said(jira, connection, ask, people, denied):
    jira.people, jira.denied = people, denied
    ticket = work(ask(connection, assignee_address="a@x.org"))
    assert ticket.state == "linked"
    assert "unassigned" in ticket.note


def test_person_with_hidden_address_is_assigned(jira, connection, ask):
    jira.people = [Person("a", "A", "a@x.org", is_hidden=True)]
    assert work(ask(connection, assignee_address="a@x.org")).assignee == "A"


def test_status_and_comments_come_back(jira, connection, ask, issue):
    ticket = work(ask(connection))
    jira.set_status(ticket.jira_id, "In Progress")
    comment = jira.comment(ticket.jira_id, "Which region?")
    jira.set_status(ticket.jira_id, "Done")
    ticket = changed(ticket)
    assert (ticket.status, ticket.progress) == ("Done", "done")
    (status,) = entries(ticket, "ticket_status")
    sentence = event_sentence(status, ticket.key)
    assert sentence == "Ada Lovelace (Jira) set MODELS-1 from To Do to Done."
    (said,) = entries(ticket, "ticket_comment")
    assert (said.text, said.author) == ("Which region?", "Ada Lovelace")
    # a fact is not resolved by a ticket
    issue.refresh_from_db()
    assert issue.state == Issue.State.OPEN
    assert "The issue stays open until" in ticket_sentence(ticket)
    # a second notice adds nothing; what is edited or deleted there is here as well
    changed(ticket)
    assert len(entries(ticket, "ticket_status", "ticket_comment")) == 2
    (stored,) = jira.tickets.values()
    stored.comments[0]["body"]["content"][0]["content"][0]["text"] = "Which regions?"
    changed(ticket)
    assert entries(ticket, "ticket_comment")[0].text == "Which regions?"
    stored.comments.clear()
    changed(ticket)
    assert not entries(ticket, "ticket_comment")
    assert comment


def test_older_answer_changes_nothing(jira, connection, ask):
    ticket = work(ask(connection))
    jira.set_status(ticket.jira_id, "Done")
    ticket = changed(ticket)
    (stored,) = jira.tickets.values()
    stored.updated -= timedelta(hours=1)
    stored.status = "To Do"
    assert changed(ticket).status == "Done"


def test_moved_ticket_keeps_its_link(jira, connection, ask):
    ticket = work(ask(connection))
    jira.move(ticket.jira_id, "OTHER-7")
    ticket = changed(ticket)
    assert (ticket.key, ticket.url) == ("OTHER-7", f"{jira.address}/browse/OTHER-7")
    (event,) = entries(ticket, "ticket_moved")
    assert event_sentence(event, ticket.key) == "The ticket MODELS-1 is now OTHER-7 in Jira."


def test_deleted_ticket_is_said_and_created_again(jira, connection, ask):
    ticket = work(ask(connection))
    jira.tickets.clear()
    ticket = changed(ticket)
    assert ticket.state == "missing"
    assert "was deleted in Jira" in ticket_sentence(ticket)
    changed(ticket)
    assert len(entries(ticket, "ticket_missing")) == 1
    mark = ticket.mark
    ticket = work(ask(connection, at=LATER), LATER)
    assert (ticket.state, len(jira.tickets)) == ("linked", 1)
    assert ticket.mark != mark


def test_ticket_that_can_be_read_again_returns(jira, connection, ask):
    ticket = work(ask(connection))
    hidden = dict(jira.tickets)
    jira.tickets.clear()
    assert changed(ticket).state == "missing"
    jira.tickets.update(hidden)
    # once a day it is looked for
    tomorrow = NOW + timedelta(days=1, minutes=30)
    poll_due_connections(at=tomorrow)
    assert work(ticket, tomorrow).state == "linked"


def test_resolved_issue_is_told_and_moved(jira, connection, ask, issue, governance):
    TicketConnection.objects.filter(pk=connection.pk).update(done_transition="Done")
    ticket = work(ask(connection))
    resolve_issue(issue=issue, by=governance, at=LATER, reason="Migrated.")
    ticket = work(ticket, LATER)
    (stored,) = jira.tickets.values()
    assert (stored.status, len(stored.comments)) == ("Done", 1)
    assert ticket.told == "resolved"
    # our own change comes back, and leads to nothing
    ticket = changed(ticket, LATER + timedelta(minutes=1))
    for minutes in range(2, 5):
        changed(ticket, LATER + timedelta(minutes=minutes))
    assert len(stored.comments) == 1
    assert jira.n_calls("POST", "/issue/.*/comment") == 1
    assert jira.n_calls("POST", "/issue/.*/transitions") == 1
    assert not entries(ticket, "ticket_comment")
    (status,) = entries(ticket, "ticket_status")
    assert status.is_ours
    # and open again
    reopen_issue(issue=issue, by=governance, at=LATER)
    work(ticket, LATER + timedelta(minutes=10))
    assert [c["author"] for c in stored.comments] == [ACCOUNT, ACCOUNT]


def test_message_is_not_written_twice(jira, connection, ask, issue, governance, monkeypatch):
    ticket = work(ask(connection))
    resolve_issue(issue=issue, by=governance, at=LATER, reason="Migrated.")

    def end(*_):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(ticket_work, "_store_told", end)
        with pytest.raises(SystemExit):
            work(ticket, LATER)
    ticket = work(ticket, LATER + ticket_work.CLAIM_TIME + timedelta(minutes=1))
    assert ticket.told == "resolved"
    assert len(next(iter(jira.tickets.values())).comments) == 1
    assert len(entries(ticket, "ticket_told")) == 1


def test_message_that_is_not_permitted_is_said_once(jira, connection, ask, issue, governance):
    ticket = work(ask(connection))
    jira.denied.add("ADD_COMMENTS")
    resolve_issue(issue=issue, by=governance, at=LATER, reason="Migrated.")
    ticket = work(ticket, LATER)
    assert "could not comment" in ticket.problem
    work(ticket, LATER + timedelta(minutes=5))
    assert jira.n_calls("POST", "/issue/.*/comment") == 1


def test_notice_during_the_work_is_not_lost(jira, connection, ask):
    ticket = work(ask(connection))
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=LATER, due_at=LATER)
    claim = ticket_work._claim_next(lambda: LATER)
    notice = LATER + timedelta(seconds=1)
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=notice, due_at=notice)
    ticket_work.work_on(claim)
    ticket.refresh_from_db()
    assert ticket.due_at is not None


def test_poll_finds_what_changed_page_by_page(jira, connection, ask):
    ticket = work(ask(connection))
    (stored,) = jira.tickets.values()
    # tickets of others under the same label come first
    copies = {f"9{n}": type(stored)(f"9{n}", f"X-{n}", stored.fields) for n in range(120)}
    jira.tickets = {**copies, ticket.jira_id: stored}
    jira.set_status(ticket.jira_id, "In Progress")
    assert poll_due_connections(at=LATER) == 1
    assert work(ticket, LATER).progress == "in_progress"
    # nothing changed: nothing is read
    n_reads = jira.n_calls("GET", f"/issue/{ticket.jira_id}")
    assert poll_due_connections(at=LATER + timedelta(minutes=5)) == 0
    assert poll_due_connections(at=LATER + timedelta(minutes=15)) == 1
    work(ticket, LATER + timedelta(minutes=15))
    assert jira.n_calls("GET", f"/issue/{ticket.jira_id}") == n_reads


def test_project_without_labels_is_polled_ticket_by_ticket(jira, governance, ask):
    jira.create_fields = [f for f in jira.create_fields if f["fieldId"] != "labels"]
    connection = make_connection(jira, governance)
    ticket = work(ask(connection))
    assert "labels" not in next(iter(jira.tickets.values())).fields
    jira.set_status(ticket.jira_id, "Done")
    at = NOW + timedelta(minutes=20)
    poll_due_connections(at=at)
    assert work(ticket, at).progress == "done"


def test_untested_connection_is_read_first_and_waits_for_jira(jira, connection, ask):
    ticket = ask(connection)
    TicketConnection.objects.filter(pk=connection.pk).update(issue_type_id="", create_fields=[])
    jira.fail("GET", "/myself", 503)
    ticket = work(ticket)
    assert (ticket.state, ticket.attempts) == ("waiting", 1)
    assert work(ticket, LATER).state == "linked"


def test_unreachable_jira_fails_a_poll_and_is_polled_again(jira, connection):
    jira.fail("GET", "/search/jql", 500)
    assert poll_due_connections(at=LATER) == 0
    connection.refresh_from_db()
    assert (connection.status, connection.polled_at) == ("failed", None)
    assert poll_due_connections(at=LATER + timedelta(minutes=6)) == 1
    connection.refresh_from_db()
    assert (connection.status, connection.problem) == ("works", "")
