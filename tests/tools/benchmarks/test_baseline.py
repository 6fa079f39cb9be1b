"""The baseline of REST lists answers with what the product serves; a lighter statement would be
none.
"""

import json

import pytest
from django.test import RequestFactory

from tests.builders import make_application, make_dependency, make_offering, make_user
from tools.benchmarks.baseline import urlpatterns

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda pattern: str(pattern.pattern))
def test_it_serves_the_columns_of_the_product(client, pattern):
    make_dependency(make_application("Number 17", criticality=0), make_offering())
    client.force_login(make_user(role="auditor"))
    resource = str(pattern.pattern).rstrip("/").replace("search", "applications")

    measured = json.loads(pattern.callback(RequestFactory().get("/")).content)["results"][0]
    served = client.get(f"/api/v1/{resource}/").json()["results"][0]

    assert sorted(measured) == sorted(served)
