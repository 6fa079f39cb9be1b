"""Queues of changed applications: one row for each change, and a row without an application that
stands for all of them.

They are processed in batches or in the database, so that memory does not grow with the number of
rows: an import of a million applications queues each of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models, transaction


def take_changes(queue: type[models.Model], limit: int) -> set[int]:
    """Delete at most `limit` rows of a queue, oldest first, and return their applications; rows
    that another process takes, and those that stand for all applications, are left.

    Call it in the transaction that processes them."""
    table = connection.ops.quote_name(queue._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH taken AS (
                SELECT id FROM {table} WHERE application_id IS NOT NULL
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
            )
            DELETE FROM {table} c USING taken t WHERE c.id = t.id RETURNING c.application_id
            """,
            [limit],
        )
        return {application_id for (application_id,) in cursor.fetchall()}


@contextmanager
def taking_everything(queue: type[models.Model]) -> Iterator[None]:
    """Process all applications in the block: the rows so far are replaced by one that stands for
    all, which is deleted at the end.

    A process that ends inside leaves that row, so that the next run processes everything."""
    with transaction.atomic():
        queue._default_manager.all().delete()
        all_applications = queue._default_manager.create(application_id=None)
    yield
    queue._default_manager.filter(pk=all_applications.pk).delete()
