"""Status pages that users add by their address."""

import pytest
from django.core.exceptions import PermissionDenied

from apps.catalog.models import Incident, Source
from apps.feeds.polls.pipeline import poll_source
from apps.feeds.sources.configuration import (
    InvalidSourceError,
    add_source,
    change_source,
    undo_source_change,
)
from tests.builders import make_provider, make_user
from tests.feeds import loopback as server
from tests.feeds.incidents.statuspages import AT, incident, summary
from tests.http import signed_in_client, text_of, token_client

URL = "https://status.acme.example/api/v2/incidents.json"

pytestmark = pytest.mark.django_db


def test_a_status_page_needs_its_host() -> None:
    governance = make_user(role="governance")
    with pytest.raises(InvalidSourceError, match="Select the host"):
        add_source(kind="status", by=governance, name="Acme", url=URL, interval_minutes=5)
    with pytest.raises(PermissionDenied):
        add_source(kind="status", by=make_user(), name="Acme", url=URL)


def test_it_is_polled_and_a_change_can_be_undone(feed: server.Loopback) -> None:
    governance, host = make_user(role="governance"), make_provider("acme", name="Acme")
    source = add_source(
        kind="status", by=governance, name="Acme", url=URL, host=host, interval_minutes=5
    )
    assert (source.slug, source.public_slug) == ("status-acme", "status:acme")

    poll_source(
        source, at=AT, url=feed.route("/s", server.plain(summary(incident()))), trigger="test"
    )
    assert Incident.objects.get().host == host

    other = make_provider("other", name="Other")
    change_source(source=source, by=governance, host=other)
    change = Source.history.rel.related_model.objects.order_by("-pgh_id")[0].pgh_context_id
    undo_source_change(source=source, change=change, by=governance)
    source.refresh_from_db()
    assert source.host == host


def test_a_page_and_rest_add_one() -> None:
    governance, host = make_user(role="governance"), make_provider("acme", name="Acme")
    client = signed_in_client(governance)
    page = text_of(client.get("/feeds/new/?kind=status"))
    assert "Add the status page of a host." in page
    assert "The host of this status page." in page

    answer = client.post(
        "/feeds/new/?kind=status",
        {
            "act": "enable",
            "name": "Acme status",
            "url": URL,
            "host": host.pk,
            "interval_minutes": "5",
            "stale_after_minutes": "60",
            "trust_rank": "60",
        },
    )
    assert answer.status_code == 302, text_of(answer)
    assert Source.objects.get(slug="status-acme").host == host

    api = token_client(governance, "read", "write")
    answer = api.post(
        "/api/v1/sources/",
        {"kind": "status", "name": "Acme again", "url": URL, "host": "acme"},
        format="json",
    )
    assert answer.status_code == 201, answer.content
    assert answer.json()["host"] == "acme"
    assert answer.json()["slug"] == "status-acme-2"
