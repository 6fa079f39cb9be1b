"""Sheets in and out: upload, columns, preview, confirmation, result, undo; the inventory as
workbook and CSV."""
