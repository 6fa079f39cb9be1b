"""What only a browser can tell of lifecycle pages: the form proposes a mapping from a pasted page,
and the pages fit a phone."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from apps.catalog.models import Source
from apps.common.time import now
from apps.feeds.models import SourceMapping
from apps.feeds.polls.pipeline import poll_source
from tests.browsing import PHONE, sideways
from tests.builders import make_source
from tests.feeds.sources.lifecycle_pages import HEADERS, MAPPING, models, page, table, two_tables
from tests.worlds.portfolio import make_portfolio_world

pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def changed(transactional_db, tmp_path):
    """A world with a lifecycle page that lost a column."""
    world = make_portfolio_world()
    source = make_source("acme-page", kind="page", name="Acme deprecations")
    SourceMapping.objects.create(source=source, settings=MAPPING)
    narrow = table([[row[0], row[1]] for row in models(12)], HEADERS[:2])
    lost = page({"Chat models": narrow, "Audio models": table(models(4, first=12))})
    for hours_ago, body in ((30, two_tables()), (1, lost)):
        file = tmp_path / "page.md"
        file.write_bytes(body)
        at = now() - timedelta(hours=hours_ago)
        poll_source(Source.objects.get(pk=source.pk), at=at, url=file.as_uri(), trigger="test")
    return world


def test_a_pasted_page_gives_a_mapping_and_everything_fits_a_phone(signed_in, changed):
    tab = signed_in(changed.governance, size=PHONE)
    tab.goto("/feeds/new/?kind=page")
    tab.locator("[name=name]").fill("Zenith deprecations")
    tab.locator("[name=url]").fill("https://zenith.example/deprecations.md")
    tab.locator("[name=m-host]").fill("Zenith")
    tab.locator("[name=text]").fill(two_tables().decode())
    tab.get_by_role("button", name="Read sample").click()
    expect(tab.locator("#h-preview")).to_be_visible()
    expect(tab.locator("[name=m-column_retires]")).to_have_value("Shutdown date")
    wide = {"form": sideways(tab)}
    for path in ("/feeds/", "/feeds/acme-page/", "/feeds/acme-page/held/"):
        tab.goto(path)
        wide[path] = sideways(tab)

    assert set(wide.values()) == {0}, wide
