"""Work on tickets: created, read and told, one ticket by one worker at a time.

A worker claims a ticket by its row. Every result is stored only while the claim is held, so that a
worker that hangs cannot overwrite a later one. A creation is noted (`sent_at`) before its request
leaves. If the answer is lost, or the worker ends, the next one looks for the ticket by its mark
before it sends another request. A message has a number, which the next worker looks for in the
comments. So nothing is created or written twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q

from apps.common.errors import DomainError
from apps.common.history.context import audit_context
from apps.common.jobs import MAX_SWEEP_TIME, Clock, running_clock
from apps.issues.models import Issue, Ticket, TicketConnection, TicketEvent
from apps.issues.models.tickets import TicketQuerySet
from apps.issues.tickets.connection_test import (
    check_connection,
    open_client,
    read_connection,
    store_problem,
)
from apps.issues.tickets.jira.client import COMMON_LABEL, JiraClient, JiraComment, JiraTicket
from apps.issues.tickets.jira.errors import (
    JiraCredentialsError,
    JiraError,
    JiraForbiddenError,
    JiraLimitedError,
    JiraMissingError,
    JiraRefusedError,
    JiraUnavailableError,
)
from apps.issues.tickets.jira.fields import (
    build_values,
    fields_to_enter,
    name_fields,
    stated_fields,
)
from apps.issues.tickets.requests import subject_url
from apps.issues.tickets.sentences import (
    ended_subject,
    reopening_message,
    resolution_message,
)

log = structlog.get_logger(__name__)

# longer than the calls of one ticket can take
CLAIM_TIME = timedelta(minutes=10)
# a search of Jira Cloud does not find a new ticket at once
SEARCH_DELAY = timedelta(minutes=2)
CREDENTIALS_DELAY = timedelta(minutes=15)
RETRY_MINUTES = (1, 2, 5, 15, 60)
RECHECK_AFTER = timedelta(days=1)
# a creation that could not be completed is given up after about a day
MAX_CREATION_ATTEMPTS = 24
RESOLVED = "resolved"
_RELATIONS = (
    "connection",
    "issue__cause",
    "issue__application",
    "task__campaign",
    "task__dependency__application",
)


class TicketClaimLostError(Exception):
    """Another worker has claimed the ticket, or it was removed: discard the result."""


@dataclass(slots=True)
class TicketClaim:
    """A worker's claim on a ticket."""

    ticket: Ticket
    clock: Clock

    def hold(self) -> Ticket:
        """Lock the row until the transaction ends, and return it; raise TicketClaimLostError if the
        claim is lost."""
        row = self._rows().select_for_update(no_key=True).first()
        if row is None:
            raise TicketClaimLostError
        return row

    def store(self, **values: Any) -> None:
        """Write columns of the ticket."""
        with audit_context(job="issues", reason="ticket synchronised"):
            if self._rows().update(**values) != 1:
                raise TicketClaimLostError
        for name, value in values.items():
            setattr(self.ticket, name, value)

    @transaction.atomic
    def release(self, *, due_at: datetime | None, **values: Any) -> None:
        """End the claim. A notice that came meanwhile makes the ticket due now."""
        row = self.hold()
        if due_at is None and row.changed_at != self.ticket.changed_at:
            due_at = self.clock()
        self.store(due_at=due_at, claimed_until=None, **values)

    def _rows(self) -> TicketQuerySet:
        return Ticket.objects.filter(
            pk=self.ticket.pk,
            claim_number=self.ticket.claim_number,
            claimed_until__isnull=False,
        )


def synchronise_tickets(*, at: datetime) -> int:
    """Create, read and tell the tickets with due work; return their number. Safe to run
    concurrently; starts no further ticket after MAX_SWEEP_TIME."""
    mark_untold(at=at)
    clock, n = running_clock(at), 0
    while clock() < at + MAX_SWEEP_TIME:
        claim = _claim_next(clock)
        if claim is None:
            break
        work_on(claim)
        n += 1
    return n


def mark_untold(*, at: datetime) -> int:
    """Make the tickets due whose issue or task has ended or is open again, and that were not told;
    return their number."""
    ended = Q(issue__state=Issue.State.RESOLVED) | Q(task__state__in=("done", "obsolete"))
    tickets = Ticket.objects.filter(
        state=Ticket.State.LINKED, due_at=None, connection__enabled=True
    ).filter(ended & Q(told="") | ~ended & Q(told=RESOLVED))
    ids = list(tickets.values_list("pk", flat=True)[:1_000])
    return Ticket.objects.filter(pk__in=ids, due_at=None).update(due_at=at)


@transaction.atomic
def _claim_next(clock: Clock) -> TicketClaim | None:
    at = clock()
    ticket = (
        Ticket.objects.workable(at)
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .order_by("due_at", "pk")
        .first()
    )
    return _claim(ticket, clock) if ticket is not None else None


def _claim(ticket: Ticket, clock: Clock) -> TicketClaim:
    Ticket.objects.filter(pk=ticket.pk).update(
        claimed_until=clock() + CLAIM_TIME, claim_number=F("claim_number") + 1
    )
    return TicketClaim(Ticket.objects.select_related(*_RELATIONS).get(pk=ticket.pk), clock)


def work_on(claim: TicketClaim) -> None:
    """Do the due work of a claimed ticket, and end the claim: with the next time, and a sentence if
    it did not succeed."""
    ticket, connection = claim.ticket, claim.ticket.connection
    try:
        client = open_client(connection)
        if ticket.state == Ticket.State.WAITING and not _create(claim, client):
            return
        told_at = _read_and_tell(claim, client)
        claim.release(due_at=told_at, attempts=0)
    except TicketClaimLostError:
        log.warning("ticket claim lost", ticket=ticket.pk)
    except JiraLimitedError as error:
        wait_until = claim.clock() + timedelta(seconds=error.seconds)
        TicketConnection.objects.filter(pk=connection.pk).update(wait_until=wait_until)
        _end(claim, due_at=wait_until)
    except JiraCredentialsError as error:
        _stop_connection(connection, str(error), claim.clock())
        _end(claim, due_at=claim.clock() + CREDENTIALS_DELAY, problem=str(error))
    except (DomainError, JiraRefusedError, JiraForbiddenError, JiraMissingError) as error:
        _settle(claim, error)
    except JiraUnavailableError as error:
        _retry(claim, str(error))


def _stop_connection(connection: TicketConnection, problem: str, at: datetime) -> None:
    store_problem(connection, problem, at=at)
    TicketConnection.objects.filter(pk=connection.pk).update(wait_until=at + CREDENTIALS_DELAY)


def _settle(claim: TicketClaim, error: Exception) -> None:
    """Store a refusal: a ticket that is not created waits for a user, another for the next poll."""
    ticket = claim.ticket
    if ticket.state != Ticket.State.WAITING:
        _end(claim, due_at=None, problem=str(error), seen_at=claim.clock())
        return
    problem = _describe_refusal(ticket, error)
    _end(claim, due_at=None, state=Ticket.State.REFUSED, problem=problem, attempts=0)
    if isinstance(error, JiraRefusedError):
        # its fields were renamed or are required now: forms show them from now on
        try:
            check_connection(ticket.connection, at=claim.clock())
        except DomainError as problem_of_connection:
            log.warning("ticket connection fails", problem=str(problem_of_connection))


def _describe_refusal(ticket: Ticket, error: Exception) -> str:
    if isinstance(error, JiraMissingError):
        return (
            f"The project {ticket.connection.project} or its issue type does not exist any more, "
            f"or the account cannot see it. Test the connection. {error}"
        )
    if not isinstance(error, JiraRefusedError) or not error.fields:
        return str(error)
    names = {field.id: field.name for field in stated_fields(ticket.connection).values()}
    reasons = " ".join(
        f"{names.get(name, name)} ({name}): “{reason}”" for name, reason in error.fields.items()
    )
    return f"Jira refused these fields. {reasons} Create the ticket again with a value for each."


def _retry(claim: TicketClaim, problem: str) -> None:
    """Try again later; a creation is given up in the end."""
    attempts = claim.ticket.attempts + 1
    if claim.ticket.state == Ticket.State.WAITING and attempts >= MAX_CREATION_ATTEMPTS:
        _end(
            claim,
            due_at=None,
            state=Ticket.State.REFUSED,
            problem=f"{problem} The registry tried {attempts} times. Create it again later.",
            attempts=0,
        )
        return
    minutes = RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1]
    due_at = claim.clock() + timedelta(minutes=minutes)
    if claim.ticket.sent_at is not None:
        due_at = max(due_at, claim.ticket.sent_at + SEARCH_DELAY)
    _end(claim, due_at=due_at, attempts=attempts, problem=problem)


def _end(claim: TicketClaim, *, due_at: datetime | None, **values: Any) -> None:
    if "problem" in values:
        values["problem"] = values["problem"][:2_000]
    try:
        claim.release(due_at=due_at, **values)
    except TicketClaimLostError:
        log.warning("ticket claim lost", ticket=claim.ticket.pk)


# --- creation -------------------------------------------------------------------------------------


def _create(claim: TicketClaim, client: JiraClient) -> bool:
    """Create the ticket, or find the one of an earlier request; False if it must wait."""
    ticket = claim.ticket
    connection = ticket.connection
    if not connection.issue_type_id:
        read_connection(connection, client, at=claim.clock())
    stated = stated_fields(connection)
    if ticket.sent_at is not None:
        if claim.clock() < ticket.sent_at + SEARCH_DELAY:
            claim.release(due_at=ticket.sent_at + SEARCH_DELAY)
            return False
        found = client.find_marked(ticket.mark, is_labelled="labels" in stated)
        if found is not None:
            _store_created(claim, TicketEvent.Kind.FOUND, found.id, found.key)
            _link(claim, client)
            return True
    to_enter = [f for f in fields_to_enter(connection) if not ticket.field_values.get(f.id)]
    if to_enter:
        raise DomainError(
            f"Jira requires {name_fields(to_enter)} since the ticket was requested. Create the "
            "ticket again with a value for each."
        )
    note, person = _find_assignee(client, ticket, stated)
    fields: dict[str, Any] = {
        **build_values(client, connection, ticket.field_values),
        "project": {"key": connection.project},
        "issuetype": {"id": connection.issue_type_id},
        "summary": ticket.summary,
    }
    text = f"{ticket.description}\n\nReference: {ticket.mark}"
    optional = {
        "description": client.as_text_value(text),
        "labels": [COMMON_LABEL, ticket.mark],
        "duedate": ticket.due_on.isoformat() if ticket.due_on else None,
        "assignee": client.as_person(person) if person else None,
    }
    fields |= {name: value for name, value in optional.items() if value and name in stated}
    # stored before the request leaves: whoever continues knows that a ticket may exist
    claim.store(sent_at=claim.clock(), note=note)
    try:
        created = client.create_ticket(fields)
    except JiraUnavailableError:
        raise
    except JiraError:
        claim.store(sent_at=None)
        raise
    _store_created(claim, TicketEvent.Kind.CREATED, created.id, created.key)
    _link(claim, client)
    return True


def _find_assignee(
    client: JiraClient, ticket: Ticket, stated: Mapping[str, Any]
) -> tuple[str, str]:
    """Return (what to say, ID of the person): a ticket without assignee is better than none."""
    address = ticket.assignee_address
    if not address:
        return "", ""
    if "assignee" not in stated:
        return "New tickets of this type have no assignee, so that it is unassigned.", ""
    try:
        person = client.find_assignee(address, ticket.connection.project)
    except (JiraForbiddenError, JiraMissingError, JiraRefusedError):
        return (
            "The account of the connection may not search for persons, so that the ticket is "
            f"unassigned. Assign it to {address} in Jira.",
            "",
        )
    if person:
        return "", person
    return (
        f"Jira found no person with the address {address} who can be assigned, or hides it. The "
        "ticket is unassigned. Assign it in Jira.",
        "",
    )


@transaction.atomic
def _store_created(claim: TicketClaim, kind: str, jira_id: str, key: str) -> None:
    at = claim.clock()
    claim.store(
        state=Ticket.State.LINKED,
        jira_id=jira_id,
        key=key,
        created_at=at,
        sent_at=None,
        problem="",
        attempts=0,
    )
    TicketEvent.objects.create(
        ticket=claim.ticket, kind=kind, at=at, new=key, is_ours=True, external_id=f"new:{jira_id}"
    )


def _link(claim: TicketClaim, client: JiraClient) -> None:
    """Show the registry in the ticket. Its description has the address as well, so that a failure
    is only said."""
    ticket = claim.ticket
    try:
        client.link_ticket(
            ticket.jira_id, mark=ticket.mark, url=subject_url(ticket), title=ticket.summary
        )
    except JiraLimitedError:
        raise
    except JiraError as error:
        note = f"{ticket.note} The link in the ticket could not be added. {error}".strip()
        claim.store(note=note[:2_000])


# --- reading --------------------------------------------------------------------------------------


def _read_and_tell(claim: TicketClaim, client: JiraClient) -> datetime | None:
    """Read the ticket, and write to it what it was not told; return the time at which it is due
    again, None if nothing is left to do."""
    ticket = claim.ticket
    try:
        seen = client.read_ticket(ticket.jira_id)
        comments = client.list_comments(ticket.jira_id)
    except (JiraMissingError, JiraForbiddenError) as error:
        _store_missing(claim, str(error))
        return None
    _store_seen(claim, seen, comments)
    if tell(claim, client, comments):
        # a transition changed the status
        return claim.clock() + timedelta(seconds=5)
    return None


@transaction.atomic
def _store_missing(claim: TicketClaim, problem: str) -> None:
    at = claim.clock()
    ticket = claim.hold()
    if ticket.state != Ticket.State.MISSING:
        TicketEvent.objects.create(
            ticket=ticket, kind=TicketEvent.Kind.MISSING, at=at, old=ticket.key
        )
    claim.store(state=Ticket.State.MISSING, problem=problem[:2_000], seen_at=at)


@transaction.atomic
def _store_seen(claim: TicketClaim, seen: JiraTicket, comments: Sequence[JiraComment]) -> None:
    """Store the ticket as it is now, with the differences as events. A state that is older than the
    stored one is left out: an answer of a slower server."""
    at, ticket = claim.clock(), claim.hold()
    connection = claim.ticket.connection
    if (
        ticket.jira_updated_at is not None
        and seen.updated_at is not None
        and seen.updated_at < ticket.jira_updated_at
    ):
        return
    events = _events_of(ticket, connection, seen, at)
    if ticket.seen_at is None:
        # what a new ticket is like is no change
        events = []
    for event in events:
        _add_event(event)
    _store_comments(ticket, connection, comments, at)
    claim.store(
        state=Ticket.State.LINKED,
        key=seen.key or ticket.key,
        summary_seen=seen.summary,
        status=seen.status,
        status_category=seen.category,
        progress=connection.progress_of(seen.category),
        status_by=seen.status_by,
        status_at=seen.status_at,
        assignee=seen.assignee,
        jira_updated_at=seen.updated_at,
        seen_at=at,
        problem="",
    )


def _events_of(
    ticket: Ticket, connection: TicketConnection, seen: JiraTicket, at: datetime
) -> list[TicketEvent]:
    """Return the differences between the stored and the read ticket, not stored."""
    events = []
    if seen.key and seen.key != ticket.key:
        events.append(
            TicketEvent(
                ticket=ticket, kind=TicketEvent.Kind.MOVED, at=at, old=ticket.key, new=seen.key
            )
        )
    if seen.status != ticket.status:
        events.append(
            TicketEvent(
                ticket=ticket,
                kind=TicketEvent.Kind.STATUS,
                at=seen.status_at or at,
                author=seen.status_by,
                is_ours=_is_ours(connection, seen.status_author),
                old=ticket.status,
                new=seen.status,
                external_id=f"status:{seen.status_change}" if seen.status_change else "",
            )
        )
    if seen.assignee != ticket.assignee:
        events.append(
            TicketEvent(
                ticket=ticket,
                kind=TicketEvent.Kind.ASSIGNEE,
                at=seen.updated_at or at,
                old=ticket.assignee,
                new=seen.assignee,
            )
        )
    return events


def _is_ours(connection: TicketConnection, account: str) -> bool:
    return bool(account) and account == connection.jira_account


def _add_event(event: TicketEvent) -> None:
    """Store an event, unless it is stored under its ID in Jira."""
    if event.external_id:
        TicketEvent.objects.bulk_create([event], ignore_conflicts=True)
    else:
        event.save(force_insert=True)


def _store_comments(
    ticket: Ticket, connection: TicketConnection, comments: Sequence[JiraComment], at: datetime
) -> None:
    """Store new and changed comments, and remove those that were deleted in Jira. What the registry
    wrote itself is no comment from Jira: it is recognised by its account and its reference."""
    stored = {
        event.external_id: event
        for event in ticket.events.filter(external_id__startswith="comment:")
    }
    found: dict[str, JiraComment] = {f"comment:{c.id}": c for c in comments if c.id}
    added = []
    for key, comment in found.items():
        event = stored.get(key)
        is_told = _is_ours(connection, comment.author_account) and f"({ticket.mark}/" in (
            comment.text
        )
        if event is None:
            added.append(
                TicketEvent(
                    ticket=ticket,
                    kind=TicketEvent.Kind.TOLD if is_told else TicketEvent.Kind.COMMENT,
                    at=comment.at or at,
                    author=comment.author,
                    is_ours=_is_ours(connection, comment.author_account),
                    text=comment.text,
                    external_id=key,
                )
            )
        elif event.text != comment.text:
            event.text = comment.text
            event.save(update_fields=["text"])
    TicketEvent.objects.bulk_create(added, ignore_conflicts=True)
    deleted = [event.pk for key, event in stored.items() if key not in found]
    if deleted:
        TicketEvent.objects.filter(pk__in=deleted).delete()


# --- messages to the ticket -----------------------------------------------------------------------


def tell(claim: TicketClaim, client: JiraClient, comments: Sequence[JiraComment]) -> bool:
    """Write to the ticket that its issue or task has ended or is open again, if it was not told;
    return whether the ticket was moved."""
    ticket = claim.ticket
    state = RESOLVED if ended_subject(ticket) else ""
    if state == ticket.told:
        return False
    reference = f"({ticket.mark}/{ticket.n_told + 1})"
    url = subject_url(ticket)
    message = resolution_message(ticket, url) if state else reopening_message(ticket, url)
    problem = ""
    is_written = any(
        reference in comment.text and _is_ours(ticket.connection, comment.author_account)
        for comment in comments
    )
    if not is_written:
        try:
            comment_id = client.add_comment(ticket.jira_id, f"{message}\n{reference}")
            _store_told(claim, comment_id, f"{message}\n{reference}")
        except (JiraForbiddenError, JiraRefusedError, JiraMissingError) as error:
            problem = f"The registry could not comment on the ticket. {error}"
    is_moved = False
    if state and not problem:
        problem, is_moved = _move(claim, client)
    claim.store(told=state, n_told=ticket.n_told + 1, problem=problem[:2_000])
    return is_moved


def _store_told(claim: TicketClaim, comment_id: str, text: str) -> None:
    if comment_id:
        _add_event(
            TicketEvent(
                ticket=claim.ticket,
                kind=TicketEvent.Kind.TOLD,
                at=claim.clock(),
                is_ours=True,
                text=text,
                external_id=f"comment:{comment_id}",
            )
        )


def _move(claim: TicketClaim, client: JiraClient) -> tuple[str, bool]:
    """Carry out the transition of the connection; return (problem, whether it was carried out). A
    ticket that is done stays as it is."""
    ticket = claim.ticket
    name = ticket.connection.done_transition
    if not name or ticket.status_category == "done":
        return "", False
    try:
        transition = client.find_transition(ticket.jira_id, name)
        if not transition:
            return (
                f"The ticket has no transition “{name}” from {ticket.status}. Move it in Jira, or "
                "correct the transition of the connection.",
                False,
            )
        client.move_ticket(ticket.jira_id, transition)
    except (JiraForbiddenError, JiraRefusedError, JiraMissingError) as error:
        return f"The ticket could not be moved. {error}", False
    return "", True
