"""How much of a file is read; what goes beyond is refused with a sentence."""

MIB = 1024 * 1024
# as it is sent; a workbook of 100,000 applications with 500,000 dependencies is about 50 MiB
MOST_BYTES = 64 * MIB
# a workbook is a zip archive: what its parts may hold once inflated, all together, and how many there may be
MOST_INFLATED_BYTES = 1024 * MIB
MOST_PARTS = 2_000
# texts that cells share, and format tables, are held in memory while the sheets stream
MOST_HELD_BYTES = 128 * MIB
MOST_SHEETS = 50
MOST_ROWS = 1_000_000  # of all sheets together
MOST_COLUMNS = 200
MOST_CHARACTERS = 32_767  # of one cell, which is also what a spreadsheet can hold
# heads are looked for in the first rows: people put titles above their tables
ROWS_ABOVE_HEADS = 30
