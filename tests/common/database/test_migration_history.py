"""A database whose migrations do not lead here is refused with one sentence, and left as it is."""

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Value
from django.db.models.functions import Concat
from django.test import Client

from apps.common.database.migration_history import (
    UnsupportedDatabaseError,
    check_migration_history,
)
from registry.prepare import prepare_database

pytestmark = pytest.mark.django_db
SENTENCE = r"cannot be upgraded; nothing in it was changed.*start a new one"


def applied() -> set[tuple[str, str]]:
    return set(MigrationRecorder.Migration.objects.values_list("app", "name"))


@pytest.fixture
def of_before() -> set[tuple[str, str]]:
    """The database knows other migrations of one app than there are; what it knows."""
    MigrationRecorder.Migration.objects.filter(app="common").update(
        name=Concat("name", Value("_of_before"))
    )
    return applied()


def test_migrate_refuses_a_database_whose_migrations_are_no_more(
    of_before: set[tuple[str, str]],
) -> None:
    with pytest.raises(CommandError, match=SENTENCE) as error:
        call_command("migrate", verbosity=0)

    assert str(error.value).count(". ") == 0
    assert applied() == of_before


@pytest.mark.parametrize("option", ["plan", "check_unapplied"])
def test_so_does_migrate_where_it_would_only_look(
    of_before: set[tuple[str, str]], option: str
) -> None:
    with pytest.raises(CommandError, match=SENTENCE):
        call_command("migrate", verbosity=0, **{option: True})


def test_the_demo_and_other_commands_prepare_nothing_on_it(
    of_before: set[tuple[str, str]],
) -> None:
    with pytest.raises(UnsupportedDatabaseError, match=SENTENCE):
        prepare_database()

    assert applied() == of_before


def test_the_probe_of_readiness_says_it(client: Client, of_before: set[tuple[str, str]]) -> None:
    response = client.get("/readyz")

    assert response.status_code == 503
    assert "cannot be upgraded" in response.json()["checks"]["migrations"]["detail"]


def test_a_version_can_be_rolled_back_while_its_database_stays(client: Client) -> None:
    MigrationRecorder.Migration.objects.create(app="common", name="9999_of_a_later_version")

    check_migration_history()

    assert client.get("/readyz").status_code == 200


def test_a_database_of_this_version_that_waits_for_the_next_is_upgraded() -> None:
    MigrationRecorder.Migration.objects.filter(app="common").order_by("-pk")[:1].get().delete()

    check_migration_history()


def test_an_empty_database_is_not_refused() -> None:
    MigrationRecorder.Migration.objects.all().delete()

    check_migration_history()
