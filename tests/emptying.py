"""Empties a database after a test that really committed.

Django's `flush` truncates every table, which costs each of two hundred tables and their indexes a
new file, and makes content types and permissions anew: about a second. A test leaves a few rows in
a dozen tables, and those are deleted here in hundredths.
"""

from functools import cache

from django.db import connection, transaction

from tests import inserted

# the same before and after every test: `migrate` made them
_LEFT = {"django_migrations", "django_content_type", "auth_permission"}
# from about here on looking up what refers to a row, one by one, takes longer than new files
_MANY = 5_000


@transaction.atomic
def empty_tables() -> None:
    """All of the project's tables, down to what migrations inserted."""
    with connection.cursor() as cursor:
        few = (
            f"SELECT '%s', n FROM (SELECT count(*) FROM (SELECT FROM %s LIMIT {_MANY}) first) of(n)"
            " WHERE n > 0"
        )
        cursor.execute(" UNION ALL ".join(few % (table, table) for table in _tables()))
        filled = dict(cursor.fetchall())
        if sum(filled.values()) >= _MANY:
            cursor.execute(f"TRUNCATE {', '.join(_tables())}")
        elif filled:
            # triggers would write history and refuse to delete what is kept for ever
            cursor.execute(
                "; ".join(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in filled)
            )
            cursor.execute(
                "; ".join(
                    ["SET CONSTRAINTS ALL DEFERRED", *(f"DELETE FROM {table}" for table in filled)]
                )
            )
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(
                "; ".join(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in filled)
            )
    inserted.put_back()


@cache
def _tables() -> list[str]:
    return sorted(
        set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        - _LEFT
    )
