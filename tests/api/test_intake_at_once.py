"""The same document twice at once, and several about one application: one import each, nothing doubled."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.intake.models import Import, Observation
from apps.inventory.models import Dependency
from tests.api.intake_worlds import bom, make_world, post

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(client_of, documents):
    """Each sent by a thread of its own, all begun at the same moment."""
    begin = Barrier(len(documents))

    def send(said):
        begin.wait(timeout=30)
        try:
            return post(client_of(), *said)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(documents)) as threads:
        return list(threads.map(send, documents))


def test_documents_that_come_at_the_same_moment(api):
    world = make_world()
    client = api(world.editor, "intake")
    about = f"?application={world.shop.slug}"
    same = bom("gpt-4o", "gpt-4o-mini", "nobody-1", tool="one")

    answers = at_once(lambda: client, [(same, about)] * 4)
    others = at_once(
        lambda: client, [(bom("gpt-4o", "gpt-4o-mini", tool=f"tool {n}"), about) for n in range(4)]
    )  # fmt: skip

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.status_code for answer in others] == [202] * 4
    assert set(Import.objects.values_list("state", flat=True)) == {"applied"}
    assert Dependency.objects.count() == 2
    assert Observation.objects.filter(stream="cyclonedx:one").count() == 3
