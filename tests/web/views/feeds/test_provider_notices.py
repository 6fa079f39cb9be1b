"""The inbox of notices: whom they may concern, what becomes of them, and who may decide."""

import re
from datetime import UTC, datetime

import pytest

from apps.catalog.models import Offering, ProviderEvent
from apps.common.time import now
from apps.feeds.models import ProviderNotice
from apps.feeds.sources.configuration import add_source
from tests.builders import make_application, make_dependency, make_offering
from tests.http import file_lines, text_of

LIST = "/feeds/notices/"


@pytest.fixture
def client(world, as_user):
    return as_user(world.governance)


@pytest.fixture
def notice(world):
    source = add_source(
        kind="notices", by=world.governance, name="Acme news", url="https://acme.example/feed.xml"
    )
    offering = make_offering(api_id="acme-big-1")
    make_dependency(make_application(team=world.team), offering)
    return ProviderNotice.objects.create(
        source=source,
        external_id="n-1",
        title="Big 1 <b>goes</b>",
        link="https://acme.example/1",
        published_at=datetime(2026, 9, 1, 6, tzinfo=UTC),
        excerpt="acme-big-1 ends.",
        names=["acme-big-1"],
        first_seen=now(),
        changed_at=now(),
    )


def test_without_a_feed_it_teaches_how_to_follow_one(client):
    page = text_of(client.get(LIST))
    assert "No feed of provider notices yet." in page
    assert 'href="/feeds/new/?kind=notices"' in page


def test_a_notice_shows_whom_it_may_concern_and_leads_to_the_form_with_what_is_known(
    client, notice
):
    page = text_of(client.get(LIST))

    offering = Offering.objects.get(api_id="acme-big-1")
    assert "1 provider notice is unread" in page
    assert "View provider notices (1 unread)" in text_of(client.get("/feeds/"))
    assert "Big 1 &lt;b&gt;goes&lt;/b&gt;" in page
    assert re.search(r"acme-big-1</a>.*?(one|1) application", page)
    address = (
        re.search(rf'href="(/offerings/{offering.pk}/\?[^"]+)"', page)
        .group(1)
        .replace("&amp;", "&")
    )
    form = text_of(client.get(address))
    assert 'value="2026-09-01"' in form
    assert 'value="https://acme.example/1"' in form
    assert "Acme news: Big 1 &lt;b&gt;goes&lt;/b&gt;" in form
    assert Offering.objects.get(pk=offering.pk).retires_on is None


def test_nothing_to_do_is_said_once_and_taken_back(client, notice, world):
    said = client.post(
        "/feeds/notices/settle/",
        {"pick": notice.pk, "outcome": "nothing", "reason": "old"},
        follow=True,
    )

    assert "1 notice closed." in text_of(said)
    assert "No provider notices are unread." in text_of(said)
    shown = text_of(client.get(f"{LIST}?state=done"))
    assert "No action" in shown
    assert "old" in shown
    undo = re.search(r'action="(/feeds/notices/reopen/\?pick=\d+)"', text_of(said)).group(1)
    client.post(undo)
    notice.refresh_from_db()
    assert notice.state == "unread"
    again = client.post("/feeds/notices/reopen/", {"pick": notice.pk}, follow=True)
    assert "The notice is already unread" in text_of(again)


@pytest.mark.parametrize(
    "said", [{}, {"pick": "x"}, {"pick": "1"}, {"pick": "9" * 30, "outcome": "nothing"}]
)
def test_what_cannot_be_meant_changes_nothing(said, client, notice):
    answer = client.post("/feeds/notices/settle/", said, follow=True)
    assert "Select at least one provider notice and an outcome" in text_of(answer)
    notice.refresh_from_db()
    assert notice.state == "unread"


@pytest.mark.proof
def test_new_terms_become_an_event_on_the_offering_that_is_named(client, notice):
    offering, other = Offering.objects.get(api_id="acme-big-1"), make_offering(api_id="other-1")
    said = {"kind": "terms_changed", "offering": other.pk, "reason": "No training on inputs"}
    address = f"/feeds/notices/{notice.pk}/tell/"

    refused = client.post(address, said, follow=True)
    assert "The notice does not mention this offering" in text_of(refused)
    client.post(address, said | {"offering": offering.pk, "effective_on": "2026-10-01"})

    event = ProviderEvent.objects.get(kind="terms_changed")
    assert (event.offering, str(event.effective_on)) == (offering, "2026-10-01")
    again = client.post(address, said | {"offering": offering.pk}, follow=True)
    assert "already been recorded for this offering" in text_of(again)
    assert client.get(f"/events/{event.pk}/").status_code == 200


def test_the_same_rows_are_a_file_and_filters_narrow_both(client, notice):
    assert len(file_lines(client.get("/feeds/notices.csv"))) == 2
    assert len(file_lines(client.get("/feeds/notices.csv?named=false"))) == 1
    assert len(file_lines(client.get("/feeds/notices.csv?q=nowhere"))) == 1
    assert len(file_lines(client.get("/feeds/notices.csv?state=done"))) == 1


@pytest.mark.parametrize("n", [1, 12])
def test_the_inbox_costs_the_same_however_much_lies_in_it(
    n, client, notice, django_assert_num_queries
):
    ProviderNotice.objects.filter(pk=notice.pk).update(names=["acme-big-1", "acme-1"])
    for number in range(2, n + 1):
        ProviderNotice.objects.create(
            source=notice.source,
            external_id=f"n-{number}",
            title="t",
            names=["acme-big-1", f"acme-{number}"],
            first_seen=now(),
            changed_at=now(),
        )
    with django_assert_num_queries(11):
        client.get(LIST)


def test_everybody_reads_and_only_governance_decides(world, as_user, notice):
    other = as_user(world.viewer)
    page = text_of(other.get(LIST))
    assert "Big 1" in page
    assert "No action" not in page
    assert "Record a date" not in page
    assert (
        other.post("/feeds/notices/settle/", {"pick": notice.pk, "outcome": "nothing"}).status_code
        == 403
    )
    assert other.post("/feeds/notices/reopen/", {"pick": notice.pk}).status_code == 403
    assert other.post(f"/feeds/notices/{notice.pk}/tell/", {}).status_code == 403
    # of applications that a reader may not see nothing is said
    assert "application" not in re.search(
        r"acme-big-1</a>(.*?)</td>", text_of(as_user(world.outsider).get(LIST))
    ).group(1)
