"""No page takes more than thirty statements, for governance, an owner and a viewer."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from tests.http import signed_in_client
from tests.web.routes import stops

pytestmark = pytest.mark.proof

MAX_STATEMENTS = 30
# a print-out of all tabs, which are six pages
PRINTED = ("applications-detail-all",)
# measured by the engine over the whole portfolio, in a fixed number of statements
MEASURED = ("use-cases-exposure",)
MAX_MEASURED = 120


@pytest.mark.parametrize("name", ["maren", "ilse", "hana"])
def test_a_page_takes_at_most_thirty_statements(demo, name):
    user = User.objects.get(username=name)
    client = signed_in_client(user)
    too_many = {}
    for stop in stops(user, empty=[]):
        if stop.name in PRINTED:
            continue
        with CaptureQueriesContext(connection) as statements:
            client.get(stop.path)
        limit = MAX_MEASURED if stop.name in MEASURED else MAX_STATEMENTS
        if len(statements) > limit:
            too_many[stop.name] = len(statements)

    assert too_many == {}
