"""Spreadsheets: applications and what they call, read from CSV and XLSX and written in the same
shape.

The way of a file: `tables` (bytes -> rows of cells), `mapping` (heads -> fields), `parsing` (cells
-> values), `planning` (values against what is on record -> what would be done), `previewing` and
`applying` (the same, stored). `exporting` writes what these read.
"""
