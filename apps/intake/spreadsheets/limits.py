"""Limits of spreadsheet files; what exceeds them is rejected with a sentence."""

MIB = 1024 * 1024
# as it is sent; a workbook of 100,000 applications with 500,000 dependencies is about 50 MiB
MAX_BYTES = 64 * MIB
# a workbook is a zip archive: what its parts may hold once inflated, all together, and how many
# there may be
MAX_INFLATED_BYTES = 1024 * MIB
MAX_PARTS = 2_000
# texts that cells share, and format tables, are held in memory while the sheets stream
MAX_HELD_BYTES = 128 * MIB
MAX_SHEETS = 50
MAX_ROWS = 1_000_000  # of all sheets together
MAX_COLUMNS = 200
MAX_CELL_LENGTH = 32_767  # of one cell, which is also what a spreadsheet can hold
# of a whole file, empty ones between others counted: 500,000 rows of 60 columns. A file of a few
# megabytes can unpack to more, and each costs some microseconds
MAX_CELLS = 30_000_000
# cells that show the value of another one, of a sheet; the areas are kept, and their cells never
# written out
MAX_MERGED_CELLS = 100_000
MAX_MERGED_AREAS = 20_000
# signs of a cell that is read as a number or a date, the longest of which have about 30
MAX_NUMBER_LENGTH = 64
# signs of a column's header that are looked at and kept
MAX_HEADER_LENGTH = 200
# heads are looked for in the first rows: people put titles above their tables
MAX_ROWS_ABOVE_HEADER = 30
