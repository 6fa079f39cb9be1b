"""The same document twice at once, and several about one application: one import each, nothing
doubled."""

from functools import partial

import pytest

from apps.intake.models import Import, Observation
from apps.inventory.models import Dependency
from tests.api.retailer import bom, make_retailer, post
from tests.threads import call_at_once, run_in_threads

pytestmark = pytest.mark.django_db(transaction=True)


def test_documents_that_come_at_the_same_moment(api):
    retailer = make_retailer()
    client = api(retailer.editor, "intake")
    about = f"?application={retailer.shop.slug}"
    same = bom("gpt-4o", "gpt-4o-mini", "nobody-1", tool="one")
    different = [bom("gpt-4o", "gpt-4o-mini", tool=f"tool {n}") for n in range(4)]

    answers = run_in_threads(4, partial(post, client, same, about))
    others = call_at_once(*(partial(post, client, document, about) for document in different))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.status_code for answer in others] == [202] * 4
    assert set(Import.objects.values_list("state", flat=True)) == {"applied"}
    assert Dependency.objects.count() == 2
    assert Observation.objects.filter(stream="cyclonedx:one").count() == 3
