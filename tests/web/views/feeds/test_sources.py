"""Adding and changing sources: a sample is tried without writing anything, then saved, changed and
taken back."""

import gzip
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Source
from apps.common.time import now
from apps.feeds.models import FeedRun, Payload, SourceMapping
from tests.builders import make_user
from tests.feeds import loopback as server
from tests.http import text_of

NEW = "/feeds/new/"
SAMPLE = {
    "models": [
        {
            "provider": "Acme",
            "model_id": "m-1",
            "shutdown_date": "2027-01-01",
            "cost": {"input": 3},
        },
        {"provider": "Acme", "model_id": "m-2", "shutdown_date": "soon", "cost": {"input": 1}},
    ]
}
MAPPING = {
    "m-rows": "models[*]",
    "m-external_id": "provider + '/' + model_id",
    "m-host": "provider",
    "m-api_id": "model_id",
    "m-retires_on": "shutdown_date",
    "m-zero": "unknown",
    "m-absence": "notices",
    "p-TOTAL_FORMS": "2",
    "p-INITIAL_FORMS": "0",
    "p-0-unit": "input",
    "p-0-path": "cost.input",
    "p-0-per": "million",
    "p-1-per": "million",
}
ABOUT = {
    "name": "Acme ends",
    "url": "https://acme.example/ends.json",
    "interval_minutes": "1440",
    "stale_after_minutes": "2880",
    "trust_rank": "40",
}
BLANK = {"m-zero": "unknown", "m-absence": "notices", "p-TOTAL_FORMS": "0", "p-INITIAL_FORMS": "0"}


def seen_of(client, address):
    return seen_in(client.get(address))


def seen_in(page):
    """What the form carries of what it showed."""
    found = re.findall(r'name="(seen|stamp)" value="([^"]+)"', page.content.decode())
    return dict(found)


def written(queries):
    return [
        query["sql"]
        for query in queries.captured_queries
        if re.match(r'(?:INSERT INTO|UPDATE|DELETE FROM|COPY) "?(?:catalog|feeds)_', query["sql"])
    ]


@pytest.fixture
def client(world, as_user):
    return as_user(world.governance)


@pytest.fixture
def made(client):
    client.post(NEW, {**ABOUT, **MAPPING, "act": "save"})
    return Source.objects.get(slug="acme-ends")


def test_a_sample_alone_gives_a_proposal_and_its_rows_and_writes_nothing(client):
    with CaptureQueriesContext(connection) as queries:
        page = client.post(
            NEW,
            {**BLANK, "url": "https://acme.example/", "text": json.dumps(SAMPLE), "act": "read"},
        )

    said = text_of(page)
    assert page.status_code == 200
    assert "This mapping is proposed" in said
    assert 'value="provider + &#x27;/&#x27; + model_id"' in said
    assert "Two rows are read" in said or "2 rows are read" in said
    assert "contains no readable date." in said
    assert "Acme/m-1" in said
    assert written(queries) == []


def test_a_try_shows_rows_errors_and_paths_that_find_nothing(client):
    asked = {
        **ABOUT,
        **MAPPING,
        "m-successor": "replacement",
        "text": json.dumps(SAMPLE),
        "act": "read",
    }

    said = text_of(client.post(NEW, asked))

    assert "1 path finds nothing" in said
    assert (
        "The path &#x27;replacement&#x27; finds nothing. Available keys: &#x27;cost&#x27;, "
        "&#x27;model_id&#x27;" in said
    )
    assert Source.objects.filter(slug="acme-ends").count() == 0


def test_it_is_saved_and_switched_on_only_after_a_sample_could_be_read(client):
    blind = client.post(NEW, {**ABOUT, **MAPPING, "act": "enable"})
    assert blind.status_code == 422
    assert (
        "Test the mapping on a readable sample before you enable the source, or save it disabled"
    ) in text_of(blind)

    client.post(NEW, {**ABOUT, **MAPPING, "text": json.dumps(SAMPLE), "act": "enable"})

    source = Source.objects.get(slug="acme-ends")
    assert (source.enabled, source.interval_minutes, source.trust_rank) == (True, 1440, 40)
    assert SourceMapping.objects.get(source=source).settings == {
        "rows": "models[*]",
        "external_id": "provider + '/' + model_id",
        "host": "provider",
        "api_id": "model_id",
        "retires_on": "shutdown_date",
        "zero": "unknown",
        "absence": "notices",
        "prices": [{"unit": "input", "path": "cost.input", "per": "million"}],
    }


def test_an_uploaded_sample_is_kept_for_its_giver_and_for_nobody_else(client, world, as_user):
    file = SimpleUploadedFile("ends.json.gz", gzip.compress(json.dumps(SAMPLE).encode()))
    page = client.post(NEW, {**ABOUT, **MAPPING, "file": file, "act": "read"})
    token = re.search(r'name="kept" value="([\w-]+)"', page.content.decode()).group(1)

    again = client.post(NEW, {**ABOUT, **MAPPING, "kept": token, "act": "read"})
    theirs = as_user(make_user(role="admin")).post(
        NEW, {**ABOUT, **MAPPING, "kept": token, "act": "read"}
    )

    assert "ends.json.gz" in text_of(again)
    assert "Acme/m-1" in text_of(again)
    assert theirs.status_code == 422
    assert "The sample is no longer stored" in text_of(theirs)


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        ("<html>", "a web page instead of JSON"),
        ("[" * 5000, "nothing can be read|nested too deeply|is incomplete"),
        ("{}", "finds nothing: the value is an empty map"),
        (
            json.dumps({"models": [{"provider": "x"}]}),
            "finds nothing. Available keys: &#x27;provider&#x27;",
        ),
    ],
)
def test_a_sample_that_cannot_be_read_says_why(sample, says, client):
    page = client.post(NEW, {**ABOUT, **MAPPING, "text": sample, "act": "read"})
    assert page.status_code == 200
    assert re.search(says, text_of(page))


@pytest.mark.proof
def test_a_bomb_is_not_unpacked(client):
    bomb = SimpleUploadedFile("bomb.gz", gzip.compress(b" " * (64 * 1024 * 1024)))
    page = client.post(NEW, {**ABOUT, **MAPPING, "file": bomb, "act": "read"})
    assert page.status_code == 422
    assert "larger than 32 MB unpacked" in text_of(page)


def test_fetching_a_sample_goes_nowhere_inside_the_house(client):
    with server.Loopback() as inside:
        url = inside.route("/ends", server.plain(json.dumps(SAMPLE).encode()))
        page = client.post(NEW, {**ABOUT, **MAPPING, "url": url, "act": "fetch"})
        assert "the server itself" in text_of(page)
        assert not inside.requests


def test_networks_that_the_operator_opened_may_be_fetched_from(client, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with server.Loopback() as inside:
        url = inside.route("/ends", server.plain(json.dumps(SAMPLE).encode()))
        page = client.post(NEW, {**ABOUT, **MAPPING, "url": url, "act": "fetch"})
    assert "Acme/m-1" in text_of(page)


def test_wrong_settings_are_marked_where_they_stand(client):
    wrong = {
        **ABOUT,
        **MAPPING,
        "name": "",
        "m-host": "a..b",
        "p-0-path": "",
        "m-statuses": "x",
        "act": "save",
    }
    page = client.post(NEW, wrong)
    said = text_of(page)
    assert page.status_code == 422
    for sentence in (
        "Enter both the unit and the path of the price",
        "Enter one word per line, such as: sunset = deprecated",
        "This field is required",
    ):
        assert sentence in said
    page = client.post(NEW, {**ABOUT, **MAPPING, "m-host": "a..b", "act": "save"})
    assert "has a dot in place of a name" in text_of(page)
    page = client.post(NEW, {**ABOUT, **MAPPING, "url": "http://u:p@acme.example/", "act": "save"})
    assert "contains a username or password" in text_of(page)


# --- changing -------------------------------------------------------------------------------------


def test_a_source_is_changed_shown_in_its_history_and_put_back(client, made):
    address = f"/feeds/{made.slug}/change/"
    changed = {**ABOUT, **MAPPING, **seen_of(client, address)}
    changed |= {"m-retires_on": "ends", "trust_rank": "7", "reason": "moved"}

    client.post(address, {**changed, "act": "save"})

    page = text_of(client.get(f"/feeds/{made.slug}/"))
    assert "Priority: <del>40</del> <ins>7</ins>" in page
    assert "Mapping: retires_on: <del>shutdown_date</del> <ins>ends</ins>" in page
    assert "moved" in page
    undo = re.search(r'action="(/feeds/acme-ends/undo/[^"]+)"', page).group(1)
    client.post(undo)
    made.refresh_from_db()
    assert (made.trust_rank, made.mapping.settings["retires_on"]) == (40, "shutdown_date")
    assert "The source was changed later. Reload the page and set the values you want." in text_of(
        client.post(undo, follow=True)
    )


def test_nobody_overwrites_what_they_have_not_seen(client, made):
    address = f"/feeds/{made.slug}/change/"
    seen = seen_of(client, address)
    Source.objects.filter(pk=made.pk).update(trust_rank=9)

    page = client.post(address, {**ABOUT, **MAPPING, **seen, "act": "save"})

    assert page.status_code == 422
    assert "Values that another user changed" in text_of(page)
    assert Source.objects.get(pk=made.pk).trust_rank == 9

    Source.objects.filter(pk=made.pk).update(trust_rank=40)
    SourceMapping.objects.filter(source=made).update(
        settings={**made.mapping.settings, "name": "title"}
    )
    page = client.post(address, {**ABOUT, **MAPPING, **seen, "act": "save"})
    assert page.status_code == 422
    assert "Review it on the page of the source, then save again to use yours" in text_of(page)
    assert SourceMapping.objects.get(source=made).settings["name"] == "title"
    client.post(address, {**ABOUT, **MAPPING, **seen_in(page), "act": "save"})
    assert "name" not in SourceMapping.objects.get(source=made).settings


def test_the_last_body_that_was_polled_serves_as_sample_and_says_what_a_poll_would_do(client, made):
    body = json.dumps(SAMPLE).encode()
    Payload.objects.create(
        source=made, digest="d", body=gzip.compress(body), n_bytes=len(body), received_at=now()
    )
    FeedRun.objects.create(
        source=made, status="changed", trigger="test", queued_at=now(), finished_at=now()
    )

    page = text_of(client.post(f"/feeds/{made.slug}/change/", {**ABOUT, **MAPPING, "act": "last"}))

    assert "the body of" in page
    assert "At the next poll, with this sample:" in page


def test_a_source_is_switched_off_and_on_again_from_its_page(client, made):
    Source.objects.filter(pk=made.pk).update(enabled=True)
    client.post(f"/feeds/{made.slug}/switch/", {"enabled": "false"})
    assert not Source.objects.get(pk=made.pk).enabled
    page = text_of(client.get(f"/feeds/{made.slug}/"))
    assert "Enable feed" in page
    client.post(re.search(r'action="(/feeds/acme-ends/undo/[^"]+)"', page).group(1))
    assert Source.objects.get(pk=made.pk).enabled


def test_sources_that_come_with_the_product_are_changed_without_a_mapping(client, world):
    page = text_of(client.get("/feeds/litellm/change/"))
    assert "Paths" not in page
    assert "Priority" in page


@pytest.mark.proof
def test_only_governance_may_and_a_stranger_sees_nothing(world, as_user, made, client):
    paths = (NEW, f"/feeds/{made.slug}/change/")
    for user in (world.viewer, make_user(role="auditor")):
        other = as_user(user)
        for path in paths:
            assert other.get(path).status_code == 403
            assert other.post(path, {**ABOUT, **MAPPING, "act": "save"}).status_code == 403
        assert other.post(f"/feeds/{made.slug}/switch/", {"enabled": "true"}).status_code == 403
        page = text_of(other.get(f"/feeds/{made.slug}/"))
        assert "Edit mapping" not in page
        assert "Disable feed" not in page
    assert client.get("/feeds/nowhere/change/").status_code == 404
    assert client.post("/feeds/manual/switch/", {"enabled": "true"}).status_code == 404
