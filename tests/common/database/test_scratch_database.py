"""A database of its own, also where a pooler keeps connections to it open."""

import pytest
from django.db import connection

from apps.accounts.models import Team
from apps.common.database.scratch_database import drop_database, scratch_database
from tests.builders import make_team
from tests.pooler import Pooler
from tests.template_database import server_connection

pytestmark = pytest.mark.proof

PURPOSE = "drill"


def scratch_names() -> list[str]:
    with server_connection() as server:
        rows = server.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"%scratch_{PURPOSE}_%"]
        )
        return [name for (name,) in rows]


@pytest.mark.proof
@pytest.mark.pooler
@pytest.mark.django_db(transaction=True)
def test_behind_a_pooler_it_is_made_copied_and_dropped(pooler: Pooler) -> None:
    home = connection.settings_dict["NAME"]
    make_team("At home")
    try:
        with pooler.serving_tests():
            for _ in range(2):
                with scratch_database(
                    lambda: make_team("Of the template"), purpose=PURPOSE, fingerprint="1"
                ):
                    assert list(Team.objects.values_list("name", flat=True)) == ["Of the template"]
                    make_team("Of this run")
                assert list(Team.objects.values_list("name", flat=True)) == ["At home"]
        assert connection.settings_dict["NAME"] == home
        assert len(scratch_names()) == 1, "only the template stays"
    finally:
        with server_connection() as server:
            for name in scratch_names():
                drop_database(server.execute, name)
