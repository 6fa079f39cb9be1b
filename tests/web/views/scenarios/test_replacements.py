"""The picker of a scenario tells equal model IDs apart, and replaces a foundation or host at
once."""

import re

import pytest

from apps.accounts.roles import OrganisationRole
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_offering,
    make_price,
    make_provider,
    make_user,
    make_version,
)
from tests.http import visible_text

pytestmark = pytest.mark.django_db


class TwoFoundations:
    """An application uses the old foundation in two regions of one host; the new one is offered on
    that host in one region, and the old one on a second host."""

    def __init__(self):
        self.host = make_provider("azure", name="Azure")
        self.second_host = make_provider("bedrock", name="Bedrock")
        self.old_version = make_version(foundation=make_foundation("maker/elder", name="Elder"))
        new_version = make_version(foundation=make_foundation("maker/newer", name="Newer"))
        self.old = [
            make_offering("elder", host=self.host, version=self.old_version, region_scope=region)
            for region in ("", "eu")
        ]
        self.new = make_offering("newer", host=self.host, version=new_version, region_scope="eu")
        self.elsewhere = make_offering("elder", host=self.second_host, version=self.old_version)
        for offering in self.old:
            make_dependency(make_application(), offering)
        make_price(self.old[1], "input", "2.5")
        make_price(self.old[1], "output", "10")
        self.governance = make_user("maren", role=OrganisationRole.GOVERNANCE)
        refresh(on=day_of(now()))


@pytest.fixture
def foundations():
    return TwoFoundations()


def links(page):
    return [url.replace("&amp;", "&") for url in re.findall(r'href="([^"]+)"', page)]


def test_equal_model_ids_show_host_region_and_price(foundations, as_user):
    page = visible_text(as_user(foundations.governance).get("/what-if/?pick=elder"))

    assert "elder offering on Azure, region eu, 2.5 USD in, 10 USD out" in page
    assert "elder offering on Azure, no list price" in page
    assert "elder offering on Bedrock, no list price" in page


def test_each_kind_that_can_be_replaced_links_to_its_mapping(foundations, as_user):
    client = as_user(foundations.governance)
    slug = foundations.old_version.foundation.slug

    found = links(client.get("/what-if/?pick=elder&remove=host:bedrock").content.decode())

    assert f"/what-if/replacement/?remove=host:bedrock&node=foundation:{slug}" in found
    version = foundations.old_version.identifier
    versions = links(client.get(f"/what-if/?pick={version}").content.decode())
    assert f"/what-if/replacement/?node=version:{version}" in versions
    hosts = links(client.get("/what-if/?pick=azure").content.decode())
    assert "/what-if/replacement/?node=host:azure" in hosts
