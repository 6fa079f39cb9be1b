"""Import and export pages: upload, columns, preview, confirmation, result, undo; the inventory as
workbook and CSV."""
