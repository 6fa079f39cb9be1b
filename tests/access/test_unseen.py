"""What a stranger is told does not depend on what another team has: no rows, counts, shares, orders
or names."""

import logging
import re
from functools import partial

import pytest
from celery import Celery
from rest_framework.settings import api_settings

from apps.accounts.actions import issue_token
from apps.accounts.models import Team
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.exposure.snapshots.daily import take_snapshot
from apps.inventory.models import Criticality
from apps.inventory.read_models import refresh_stale_applications
from apps.risks.actions.counts import count_inherited_risk
from apps.risks.actions.refresh import refresh_risks
from tests.access.walking import api_routes, make_walked_rows
from tests.builders import make_application, make_dependency, make_offering
from tests.http import bearer_client, body_of, signed_in_client

pytestmark = pytest.mark.django_db

# where much is added up, ordered or offered; every list over REST is asked beside them
PAGES = (
    "/",
    "/applications/",
    "/applications.csv",
    "/exposure/",
    "/exposure.csv",
    "/exposure/single-points/",
    "/exposure/ways-out/",
    "/exposure/flow/",
    "/findings/",
    "/risks/",
    "/risks/heat.csv",
    "/reports/board/",
    "/calendar/",
    "/offerings/",
    "/offerings/{offering}/",
    "/foundations/{foundation}/",
    "/providers/",
    "/providers/{host}/",
    "/choosing/",
    "/what-if/?remove=host:{host}",
    "/what-if/find/?pick=model",
    "/exposure/nodes/offering/{offering}/",
    "/exposure/nodes/offering/{idle}/",
    "/intake/",
    "/gate/",
    "/search/?q=mod",
    "/events/",
)
# their own last use, and pages of time that goes on
ABOUT_NOW = {"tokens/", "audit/"}
CHANGING = re.compile(
    r'csrf[^>]*?(?:value|content)="[^"]*"|X-CSRFToken&quot;: &quot;\w+'
    r"|\d\d:\d\d(?::\d\d(?:\.\d+)?)?|\d+ seconds"
)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(Celery, "send_task", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", {})
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def settle():
    """What jobs work out of what is on record."""
    today = day_of(now())
    refresh(on=today)
    refresh_stale_applications(on=today)
    refresh_risks(now())
    count_inherited_risk(now())
    take_snapshot(on=today)


def told(person, addresses):
    """{address: what the person is answered there}"""
    pages = signed_in_client(person, raise_request_exception=False)
    _, text = issue_token(user=person, name="x", scopes=["read"], at=now(), by=None)
    program = bearer_client(text, raise_request_exception=False)
    found = {}
    for address in addresses:
        answer = (program if address.startswith("/api/") else pages).get(address)
        content = body_of(answer)
        found[address] = f"{answer.status_code} {CHANGING.sub('', content.decode())}"
    return found


@pytest.mark.proof
def test_what_a_stranger_is_told_is_the_same_whatever_another_team_has():
    world = make_walked_rows()
    outsider = world.people["outsider"]
    offering, idle = make_offering("model-shared"), make_offering("model-idle")
    own = make_application(
        "My own",
        team=Team.objects.get(memberships__user=outsider),
        criticality=Criticality.CRITICAL,
    )
    make_dependency(own, offering)
    keys = {
        "offering": offering.pk,
        "idle": idle.pk,
        "host": offering.host.slug,
        "foundation": offering.version.foundation.slug,
    }
    lists = [
        route.path
        for route in api_routes(world)
        if "get" in route.methods and "<" not in route.pattern and route.key not in ABOUT_NOW
    ]
    asked = partial(told, addresses=[*(page.format(**keys) for page in PAGES), *lists])
    settle()
    before, of_governance = asked(outsider), asked(world.people["governance"])

    team = Team.objects.get(slug=world.addresses["teams"])
    for stands_on in (offering, idle, None):
        application = make_application(
            team=team, criticality=Criticality.CRITICAL, monthly_spend=90_000
        )
        if stands_on is not None:
            make_dependency(application, stands_on, monthly_input_tokens=10**9)
    settle()

    after = asked(outsider)
    differing = [address for address in before if after[address] != before[address]]
    assert not differing, "\n".join(
        f"{each}\n{before[each][:400]}\n{after[each][:400]}" for each in differing
    )
    assert not [address for address in before if before[address].startswith("5")]
    # the same addresses tell it to those who may know
    governed = asked(world.people["governance"])
    assert sum(governed[address] != of_governance[address] for address in governed) >= 20
