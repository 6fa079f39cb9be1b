"""Lifecycle pages on the form of sources, on the page of a source and on that of a run."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Source
from apps.common.time import now
from apps.feeds.models import PollState, SourceMapping
from apps.feeds.polls.pipeline import poll_source
from tests.feeds.sources.lifecycle_pages import HEADERS, models, page, table, two_tables
from tests.http import text_of

NEW = "/feeds/new/?kind=page"
ABOUT = {
    "name": "Acme page",
    "url": "https://acme.example/deprecations.md",
    "interval_minutes": "360",
    "stale_after_minutes": "2880",
    "trust_rank": "60",
}
BLANK = {"m-host": "acme", "m-absence": "notices", "t-TOTAL_FORMS": "0", "t-INITIAL_FORMS": "0"}
MAPPING = {
    **BLANK,
    "m-column_retires": "Shutdown date | Retirement date",
    "t-TOTAL_FORMS": "1",
    "t-0-heading": "Chat*",
}
SAMPLE = two_tables().decode()


@pytest.fixture
def client(world, as_user):
    return as_user(world.governance)


@pytest.fixture
def made(client):
    client.post(NEW, {**ABOUT, **MAPPING, "act": "save"})
    return Source.objects.get(slug="acme-page")


@pytest.fixture
def poll(made, tmp_path):
    """Poll a page as observed so many hours ago."""

    def polled(hours_ago, body):
        file = tmp_path / "page.md"
        file.write_bytes(body)
        at = now() - timedelta(hours=hours_ago)
        source = Source.objects.get(pk=made.pk)
        return poll_source(source, at=at, url=file.as_uri(), trigger="test").run

    return polled


def test_the_feeds_page_leads_to_the_form_which_says_what_a_lifecycle_page_is(client):
    assert "?kind=page" in text_of(client.get("/feeds/new/"))
    said = text_of(client.get(NEW))
    assert "A lifecycle page is the page on which a provider itself lists" in said
    assert "Provider of the page" in said


def test_a_sample_gives_a_preview_and_writes_nothing(client):
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(NEW, {**ABOUT, **MAPPING, "text": SAMPLE, "act": "read"})

    said = text_of(answer)
    assert answer.status_code == 200, said
    assert "12 rows are read" in said
    assert "Tables that are read: 1." in said
    assert "acme/acme-1" in said
    assert not any(
        re.match(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(?:catalog|feeds)_', query["sql"])
        for query in queries.captured_queries
    )


def test_wrong_input_is_said_at_its_field(client):
    wrong = {"m-host": "", "m-kinds": "endpoint", "m-stages": "Old = gone"}
    answer = client.post(NEW, {**ABOUT, **MAPPING, **wrong, "text": SAMPLE, "act": "save"})

    said = text_of(answer)
    assert answer.status_code == 422
    assert "Enter the provider that publishes the page" in said
    assert "Enter one per line, such as: endpoint = /v1/*." in said
    answer = client.post(
        NEW, {**ABOUT, **MAPPING, "m-stages": "Old = gone", "text": SAMPLE, "act": "save"}
    )
    assert "is not a stage" in text_of(answer)
    assert not Source.objects.filter(slug="acme-page").exists()


def test_a_page_of_prose_is_refused_with_a_sentence(client):
    answer = client.post(
        NEW, {**ABOUT, **BLANK, "text": "# News\n\nOld models retire.\n", "act": "enable"}
    )

    assert answer.status_code == 422
    assert "This mapping reads no rows" in text_of(answer)


def test_it_is_saved_edited_and_taken_back(client, made):
    assert (made.kind, made.enabled) == ("page", False)
    mapping = SourceMapping.objects.get(source=made)
    assert mapping.settings == {
        "host": "acme",
        "tables": [{"heading": "Chat*"}],
        "columns": {"retires": ["Shutdown date", "Retirement date"]},
        "announced_from": [],
        "absence": "notices",
    }
    form = client.get("/feeds/acme-page/change/")
    said = form.content.decode()
    assert 'value="Shutdown date | Retirement date"' in said
    assert 'value="Chat*"' in said
    carried = dict(re.findall(r'name="(seen|stamp)" value="([^"]+)"', said))
    changed = {**ABOUT, **MAPPING, **carried, "m-column_retires": "End", "act": "save"}
    answer = client.post("/feeds/acme-page/change/", changed)
    assert answer.status_code == 302, text_of(answer)
    mapping.refresh_from_db()
    assert mapping.settings["columns"] == {"retires": ["End"]}
    page_of_source = text_of(client.get("/feeds/acme-page/"))
    assert "Mapping: columns" in page_of_source
    undo = re.search(r'action="(/feeds/acme-page/undo/[^"]+)"', page_of_source)
    assert undo is not None
    client.post(undo[1])
    mapping.refresh_from_db()
    assert mapping.settings["columns"] == {"retires": ["Shutdown date", "Retirement date"]}


def test_the_form_on_hold_is_said_and_accepted(client, made, poll):
    Source.objects.filter(pk=made.pk).update(enabled=True)
    SourceMapping.objects.filter(source=made).update(settings={"host": "acme"})
    poll(30, two_tables())
    narrow = [[row[0], row[1]] for row in models(12)]
    run = poll(
        2,
        page(
            {"Chat models": table(narrow, HEADERS[:2]), "Audio models": table(models(4, first=12))}
        ),
    )
    sentence = "The column “Recommended replacement” of the table “Chat models” is missing."

    assert sentence in text_of(client.get(f"/feeds/runs/{run.pk}/"))
    assert sentence in text_of(client.get("/feeds/acme-page/"))
    on_hold = text_of(client.get("/feeds/acme-page/held/"))
    assert sentence in on_hold
    assert "Accept the new form" in on_hold
    refused = client.post("/feeds/acme-page/held/", {"action": "accept", "reason": ""})
    assert refused.status_code == 422
    accepted = client.post(
        "/feeds/acme-page/held/", {"action": "accept", "reason": "They dropped the column."}
    )
    assert accepted.status_code == 302, text_of(accepted)
    state = PollState.objects.get(source=made)
    assert (state.suspect, state.page_form.get("doubts")) == (False, None)


def test_the_page_of_the_source_says_what_was_read(client, made, poll):
    Source.objects.filter(pk=made.pk).update(enabled=True)
    SourceMapping.objects.filter(source=made).update(settings={"host": "acme"})
    poll(2, two_tables())

    with CaptureQueriesContext(connection) as queries:
        said = text_of(client.get("/feeds/acme-page/"))

    assert "the provider itself lists when its models retire" in said
    assert "Chat models" in said
    assert len(queries.captured_queries) <= 30
