"""The schema of a session's temporary tables, made before its first test.

PostgreSQL makes it with the first temporary table of a session, and forgets all plans of the
session then, those of triggers and foreign keys too. A test that is rolled back takes it away
again: each test that refreshed or evaluated anything made it anew, and planned everything anew.
"""

from contextlib import suppress
from typing import Any

import psycopg
from django.db.backends.signals import connection_created


def keep_their_schema() -> None:
    """Have every connection of this process make the schema outside the transactions of tests."""
    connection_created.connect(_make_schema)


def _make_schema(connection: Any, **_: Any) -> None:
    # beneath Django, which counts statements; a connection that is lost fails what it is made for
    with suppress(psycopg.Error):
        connection.connection.execute("CREATE TEMPORARY TABLE first (); DROP TABLE first")
