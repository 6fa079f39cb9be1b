"""Requirements over REST: declared and observed, replaced as a whole, with the caller's rights."""

from datetime import date

import pytest

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.inventory.models import Dependency, Requirement
from apps.inventory.requirements import declared_requirements
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_team,
    make_user,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def dependency() -> Dependency:
    return make_dependency(make_application(team=make_team()), make_offering())


@pytest.fixture
def editor(dependency) -> User:
    return make_member(dependency.application.team, TeamRole.EDITOR, make_user("eve"))


@pytest.fixture
def viewer(dependency) -> User:
    return make_member(dependency.application.team, TeamRole.VIEWER, make_user("vic"))


@pytest.fixture
def outsider() -> User:
    return make_user("olga")


@pytest.fixture
def address(dependency) -> str:
    return f"/api/v1/dependencies/{dependency.pk}/requirements/"


def test_declared_and_observed_are_read_together(api, viewer, dependency, address):
    client = api(viewer, "read", "write")
    assert client.get(address).json() == {"declared": {}, "observed": [], "needed": {}}

    for field, value, origin in (
        ("pdf", False, "declared"),
        ("context_window", 90_000, "declared"),
        ("context_window", 231_000, "observed"),
        ("pdf", True, "observed"),
    ):
        Requirement.objects.create(
            dependency=dependency,
            field=field,
            value=value,
            origin=origin,
            last_seen_on=date(2026, 11, 2) if origin == "observed" else None,
        )
    body = client.get(address).json()
    assert body["declared"] == {"pdf": False, "context_window": 90_000}
    assert body["needed"] == {"pdf": True, "context_window": 231_000}
    assert [
        (row["field"], row["value"], row["last_seen_on"], row["contradicts_declaration"])
        for row in body["observed"]
    ] == [("pdf", True, "2026-11-02", True), ("context_window", 231_000, "2026-11-02", False)]


def test_a_put_replaces_what_is_declared_and_can_be_undone(api, editor, dependency, address):
    client = api(editor, "read", "write")
    first = client.put(address, {"declared": {"vision": True, "max_output": 8_000}})
    assert first.json()["declared"] == {"vision": True, "max_output": 8_000}

    second = client.put(
        address, {"declared": {"vision": False, "max_output": None}, "reason": "measured"}
    )
    assert second.json()["needed"] == {"vision": False}

    client.post(f"/api/v1/changes/{second.json()['change']}/undo/", {})
    assert declared_requirements([dependency.pk])[dependency.pk] == first.json()["declared"]


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({}, "declared", "This field is required"),
        ({"declared": {"flying": True}}, "flying", "Unknown field. Use one of"),
        ({"declared": {"open_weights": True}}, "open_weights", "Unknown field. Use one of"),
        ({"declared": {"context_window": 0}}, "declared.context_window", "greater than or equal"),
        ({"declared": {"vision": "perhaps"}}, "declared.vision", "Must be a valid boolean"),
        ({"declared": 5}, "declared", "Invalid data"),
    ],
)
def test_a_wrong_body_is_answered_with_a_sentence(api, editor, address, body, field, sentence):
    answer = api(editor, "read", "write").put(address, body)
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert any(error["field"].startswith(field) for error in errors), errors
    assert any(sentence in error["detail"] for error in errors), errors
    assert not Requirement.objects.exists()


def test_what_another_user_declared_is_not_overwritten_unseen(api, editor, address):
    client = api(editor, "read", "write")
    etag = client.get(address)["ETag"]
    client.put(address, {"declared": {"pdf": True}})

    late = client.put(address, {"declared": {"pdf": False}}, headers={"If-Match": etag})
    assert late.status_code == 412

    etag = client.get(address)["ETag"]
    again = client.put(address, {"declared": {"pdf": False}}, headers={"If-Match": etag})
    assert again.json()["declared"] == {"pdf": False}


def test_readers_may_not_change_and_strangers_find_nothing(api, viewer, outsider, address):
    body = {"declared": {"pdf": True}}
    assert api(viewer, "read", "write").put(address, body).status_code == 403
    assert api(outsider, "read", "write").get(address).status_code == 404
    assert api(outsider, "read", "write").put(address, body).status_code == 404
