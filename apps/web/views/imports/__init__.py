"""Sheets in and out: upload, columns, preview, confirmation, result, undo; the inventory as
workbook and CSV."""

from apps.web.views.imports.documents import choose_application
from apps.web.views.imports.exports import (
    applications_csv,
    import_template,
    inventory_xlsx,
    refused_csv,
    uses_csv,
)
from apps.web.views.imports.one import import_page, rows_csv
from apps.web.views.imports.steps import columns, confirm, drop, progress, undo_import
from apps.web.views.imports.uploading import import_csv, imports

__all__ = [
    "applications_csv",
    "choose_application",
    "columns",
    "confirm",
    "drop",
    "import_csv",
    "import_page",
    "import_template",
    "imports",
    "inventory_xlsx",
    "progress",
    "refused_csv",
    "rows_csv",
    "undo_import",
    "uses_csv",
]
