"""Few orders of joins for the planner to compare.

Most statements of tests read a handful of rows of many tables, and are planned anew each time: the
server took longer to compare orders of their joins than for everything else. Drills, some of which
measure statements over many rows, keep the planner's own limit.
"""

from contextlib import suppress
from typing import Any

import psycopg
from django.db.backends.signals import connection_created

_COMPARED = 3


def compare_few() -> None:
    """Have every connection of this process reorder at most so many joins at a time."""
    connection_created.connect(_set_limit)


def _set_limit(connection: Any, **_: Any) -> None:
    # beneath Django, which counts statements; a connection that is lost fails what it is made for
    with suppress(psycopg.Error):
        connection.connection.execute(f"SET join_collapse_limit = {_COMPARED}")
