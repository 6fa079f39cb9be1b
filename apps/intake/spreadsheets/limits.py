"""Limits of spreadsheet files; what exceeds them is rejected with a sentence."""

MIB = 1024 * 1024
# size of the file; a workbook of 100,000 applications with 500,000 dependencies is about 50 MiB
MAX_BYTES = 64 * MIB
# a workbook is a zip archive: total size of its parts once inflated, and their number
MAX_INFLATED_BYTES = 1024 * MIB
MAX_PARTS = 2_000
# texts that cells share, and format tables, are held in memory while the sheets stream
MAX_HELD_BYTES = 128 * MIB
MAX_SHEETS = 50
MAX_ROWS = 1_000_000  # of all sheets together
MAX_COLUMNS = 200
MAX_CELL_LENGTH = 32_767  # of one cell; also the limit of Excel
# of a whole file, including empty cells between others: 500,000 rows of 60 columns. A file of a few
# megabytes can unpack to more, and each cell takes some microseconds
MAX_CELLS = 30_000_000
# merged cells of a worksheet; the areas are stored, and their cells are never written out
MAX_MERGED_CELLS = 100_000
MAX_MERGED_AREAS = 20_000
# characters of a number or date; the longest valid ones have about 30
MAX_NUMBER_LENGTH = 64
# characters of a cell from which its meaning is guessed
MAX_GUESSED_LENGTH = 300
# characters of a column header that are used
MAX_HEADER_LENGTH = 200
# rows that are searched for the headers, since tables often have titles above them
MAX_ROWS_ABOVE_HEADER = 30
