"""Ends in sentences: a notice above a table of models without dates, or one that names models."""

from apps.feeds.pages.definition import PageMapping
from apps.feeds.pages.records import PageRow, TableReading
from apps.feeds.pages.tables import PageBlocks, Table


def rows_of_notices(
    blocks: PageBlocks, tables: list[Table], mapping: PageMapping, host: str
) -> tuple[list[PageRow], list[TableReading]]:
    """Return the rows of models whose end a sentence states, and what each table gave."""
    return [], []
