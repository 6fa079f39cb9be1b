"""manage.py retention [--delete]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.common.retention import (
    PermanentTable,
    RetentionRule,
    delete_expired_rows,
    retention_entries,
    table_sizes,
)
from apps.common.time import now


class Command(BaseCommand):
    help = (
        "Print every table with its estimated size and retention as JSON. With --delete, "
        "first delete expired rows, as the daily job does, and print the number of "
        "deleted rows."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete", action="store_true", help="delete expired rows")

    def handle(self, *args: Any, **options: Any) -> None:
        moment = now()
        n_deleted_by_table = delete_expired_rows(at=moment) if options["delete"] else {}
        sizes = table_sizes()
        tables = [
            {
                "table": table,
                "group": entry.group.value,
                "rows": sizes[table].n_rows,
                "bytes": sizes[table].n_bytes,
                "kept": entry.limit(),
                **({"because": entry.because} if isinstance(entry, PermanentTable) else {}),
                **(
                    {"ended": entry.expired(at=moment).count()}
                    if isinstance(entry, RetentionRule)
                    else {}
                ),
            }
            for table, entry in sorted(retention_entries().items())
            if table in sizes
        ]
        self.stdout.write(json.dumps({"deleted": n_deleted_by_table, "tables": tables}, indent=1))
