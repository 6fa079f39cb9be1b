"""Pages and REST of tickets: the form with what Jira requires, the ticket on its issue and task,
many at once, the connection with its test, and who sees what."""

import pytest
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.exposure.campaigns.lifecycle import open_campaign
from apps.issues.models import Ticket, TicketConnection, TicketCredential
from tests.builders import make_member, make_team
from tests.http import signed_in_client, token_client
from tests.issues.tickets.connections import SECRET, work
from tests.issues.tickets.jira_server import ADDRESS, TOKEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(world):
    return make_member(world.team)


@pytest.fixture
def viewer(world):
    return make_member(world.team, TeamRole.VIEWER)


def text_of(response):
    return " ".join(response.content.decode().split())


def test_ticket_is_created_by_form_and_shown(jira, connection, issue, editor):
    jira.require("customfield_1", "Cost centre", allowedValues=[{"value": "A"}, {"value": "B"}])
    jira.create_fields[-1]["schema"] = {"type": "option"}
    client = signed_in_client(editor)
    url = reverse("tickets:create-for-issue", args=[issue.pk])
    detail = reverse("issues:detail", args=[issue.pk])
    assert url in text_of(client.get(detail))
    # Jira requires a field since: the worker learns it, and the form asks for it
    form = client.get(url).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields}
    assert client.post(url, sent).status_code == 302
    ticket = work(Ticket.objects.get(), now())
    assert "Cost centre is required." in text_of(client.get(detail))
    assert client.post(url, sent).status_code == 422
    assert client.post(url, {**sent, "field_customfield_1": "b"}).status_code == 422
    assert client.post(url, {**sent, "field_customfield_1": "B"}).status_code == 302
    ticket = work(ticket, now())
    (stored,) = jira.tickets.values()
    assert stored.fields["customfield_1"] == {"value": "B"}
    jira.comment(ticket.jira_id, "<b>Which</b> region?")
    client.post(reverse("tickets:refresh", args=[ticket.pk]))
    work(ticket, now())
    page = text_of(client.get(detail))
    assert f'href="{ticket.url}"' in page
    assert "Ada Lovelace (Jira) commented on MODELS-1." in page
    assert "&lt;b&gt;Which&lt;/b&gt; region?" in page
    # the same over REST
    activity = token_client(editor).get(f"/api/v1/issues/{issue.pk}/activity/").json()
    assert "ticket_comment" in {row["kind"] for row in activity}


def test_ticket_of_task_and_many(jira, connection, world, governance, editor):
    campaign = open_campaign(offering=world.offering, by=governance, at=now())
    (task,) = campaign.tasks.all()
    client = signed_in_client(editor)
    many = reverse("tickets:create-for-campaign", args=[campaign.pk])
    assert many in text_of(client.get(reverse("campaigns:detail", args=[campaign.pk])))
    page = client.get(many)
    assert "One task gets a ticket in MODELS." in text_of(page)
    assert client.post(many, {}).status_code == 422
    answer = client.post(many, {"pick": [task.pk]}, follow=True)
    assert "One ticket was requested." in text_of(answer)
    assert "Its ticket is waiting." in text_of(answer)
    answer = client.post(many, {"pick": [task.pk]}, follow=True)
    assert "Its ticket is waiting." in text_of(answer)
    ticket = work(Ticket.objects.get(), now())
    assert ticket.task == task
    detail = text_of(client.get(reverse("campaign-tasks:detail", args=[task.pk])))
    assert ticket.url in detail
    assert "The ticket MODELS-1 was created in Jira." in detail
    assert client.post(reverse("tickets:refresh", args=[ticket.pk])).status_code == 302
    assert client.post(reverse("tickets:remove", args=[ticket.pk])).status_code == 302
    assert not Ticket.objects.exists()
    assert len(jira.tickets) == 1


def test_connection_from_page_to_test(jira, governance):
    client = signed_in_client(governance)
    facts = {
        "kind": "cloud",
        "name": "Jira",
        "base_url": "http://jira.example.org",
        "account": ADDRESS,
        "project": "MODELS",
        "issue_type": "Task",
        "new_means": "to_do",
        "indeterminate_means": "in_progress",
        "done_means": "done",
        "poll_minutes": "15",
        "reason": "",
    }
    new = reverse("ticket-connections:create")
    assert client.get(new).status_code == 200
    refused = client.post(new, facts)
    assert "begins with https://" in text_of(refused)
    answer = client.post(new, {**facts, "base_url": "https://jira.example.org/"}, follow=True)
    connection = TicketConnection.objects.get()
    assert connection.base_url == "https://jira.example.org"
    assert "No token yet" in text_of(answer)
    TicketConnection.objects.update(base_url=jira.address)
    secrets = {"token": TOKEN, "webhook_secret": "short"}
    path = reverse("ticket-connections:secrets", args=[connection.pk])
    assert client.post(path, secrets).status_code == 422
    client.post(path, {**secrets, "webhook_secret": SECRET})
    # the secret that is left empty stays
    client.post(path, {"token": TOKEN, "webhook_secret": ""})
    assert TicketCredential.objects.get().names == ["token", "webhook_secret"]
    tested = client.post(reverse("ticket-connections:test", args=[connection.pk]), follow=True)
    assert "The connection works: tickets are created in Models." in text_of(tested)
    page = text_of(tested)
    assert TOKEN not in page
    assert SECRET not in page
    assert f"/integrations/jira/{connection.webhook_id}/" in page
    TicketConnection.objects.update(base_url="https://jira.example.org")
    toggle = reverse("ticket-connections:toggle", args=[connection.pk])
    client.post(toggle, {"enabled": "true"})
    connection.refresh_from_db()
    assert (connection.enabled, connection.status) == (True, "works")
    sealed = TicketCredential.objects.get().sealed
    history = client.get(reverse("records:history", args=["ticket-connections", connection.pk]))
    assert TOKEN not in text_of(history)
    assert sealed not in text_of(history)
    client.post(reverse("ticket-connections:delete-secrets", args=[connection.pk]))
    assert not TicketCredential.objects.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda jira: setattr(jira, "project", "GONE"), "does not see the project MODELS"),
        (lambda jira: jira.denied.add("CREATE_ISSUES"), "may not create tickets in Models"),
        (lambda jira: jira.types.clear(), "has no issue type “Task”"),
        (lambda jira: setattr(jira, "token", "x"), "expired or revoked"),
        (lambda jira: jira.fail("GET", "/myself", 200, []), ""),
        (lambda jira: jira.fail("GET", "/myself", 302, Location="https://x.org"), "redirects"),
        (lambda jira: jira.fail("GET", "/myself", 503), "status 503"),
        (lambda jira: jira.denied.add("ASSIGN_ISSUES"), "may not assign tickets"),
    ],
)
def test_test_says_what_is_wrong(jira, connection, governance, change, sentence):
    change(jira)
    path = reverse("ticket-connections:test", args=[connection.pk])
    assert sentence in text_of(signed_in_client(governance).post(path, follow=True))


def test_who_sees_and_requests(connection, issue, ask, editor, viewer, world):
    ticket = work(ask(connection))
    other = make_team("Elsewhere")
    outsider = make_member(other)
    path = f"/api/v1/tickets/{ticket.pk}/"
    seen = {
        user.username: token_client(user).get(path).status_code
        for user in (editor, viewer, outsider)
    }
    assert list(seen.values()) == [200, 200, 404]
    body = {"connection": connection.pk, "issue": issue.pk}
    refusals = [
        token_client(user, "read", "write").post("/api/v1/tickets/", body, format="json")
        for user in (viewer, outsider)
    ]
    assert [answer.status_code for answer in refusals] == [400, 404]
    # a connection of another team serves this one no more
    TicketConnection.objects.filter(pk=connection.pk).update(team=other)
    Ticket.objects.all().delete()
    answer = token_client(editor, "read", "write").post("/api/v1/tickets/", body, format="json")
    assert answer.status_code == 400
    page = text_of(signed_in_client(editor).get(reverse("issues:detail", args=[issue.pk])))
    assert "Create a ticket" not in page
    # that of a team above does
    world.team.parent = other
    world.team.save()
    make_member(other, user=editor)
    answer = token_client(editor, "read", "write").post("/api/v1/tickets/", body, format="json")
    assert answer.status_code == 201
    assert answer.json()["state"] == "waiting"
    assert token_client(editor).get("/api/v1/ticket-connections/").json()["results"]
    listed = token_client(viewer).get("/api/v1/ticket-connections/").json()["results"]
    assert listed == []


def test_list_of_tickets(connection, ask, editor):
    ticket = work(ask(connection))
    client = signed_in_client(editor)
    assert ticket.summary in text_of(client.get(reverse("tickets:list")))
    file = client.get(reverse("tickets:csv"))
    assert ticket.url.encode() in b"".join(file.streaming_content)
