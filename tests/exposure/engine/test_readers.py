"""Readers beside a rebuild, a refresh and a snapshot: none waits for a lock, and each sees the old
rows until the new ones are committed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.exposure.engine.table_refresh import rebuild, refresh
from apps.exposure.models import ConcentrationSnapshot, NodeSnapshot
from apps.exposure.snapshots.daily import create_partitions_ahead, take_snapshot
from apps.exposure.snapshots.historical_tables import engine_tables
from apps.inventory.models import Application
from tests.builders import TODAY, make_application, make_dependency, make_offering
from tests.processes import database_url

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]
_SNAPSHOTS = [model._meta.db_table for model in (NodeSnapshot, ConcentrationSnapshot)]


@contextmanager
def reading_before_every_statement() -> Iterator[list[dict[str, Any]]]:
    """A reader of a twentieth of a second's patience, before every statement of this connection;
    what it read each time, {table: its rows}."""
    readings: list[dict[str, Any]] = []
    tables = [*engine_tables(), *_SNAPSHOTS]
    with psycopg.connect(database_url(), autocommit=True) as reader:
        reader.execute("SET lock_timeout = '50ms'")

        def read(execute: Callable[..., Any], *arguments: Any) -> Any:
            readings.append(
                {
                    table: reader.execute(
                        f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text))"
                        f" FROM {table} t"
                    ).fetchone()
                    for table in tables
                }
            )
            return execute(*arguments)

        with connection.execute_wrapper(read):
            yield readings


def refresh_after_an_edit() -> None:
    Application.objects.filter(name="First").update(criticality=0)
    refresh(on=TODAY)


@pytest.mark.parametrize(
    "write",
    [lambda: rebuild(on=TODAY), refresh_after_an_edit, lambda: take_snapshot(on=TODAY)],
    ids=["rebuild", "refresh", "snapshot"],
)
def test_a_reader_waits_for_nothing_and_sees_the_rows_of_before(
    write: Callable[[], object],
) -> None:
    offering = make_offering()
    for name in ("First", "Second", "Third"):
        make_dependency(make_application(name), offering)
    rebuild(on=TODAY)
    create_partitions_ahead(on=TODAY)

    with reading_before_every_statement() as readings:
        write()

    assert len(readings) > 10
    assert all(reading == readings[0] for reading in readings)
    assert readings[0]["exposure_scopedapplication"][0] == 3


def test_a_reader_waits_for_no_partition() -> None:
    with reading_before_every_statement() as readings:
        create_partitions_ahead(on=date(2041, 1, 31))

    assert len(readings) > 4
