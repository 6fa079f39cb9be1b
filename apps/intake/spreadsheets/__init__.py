"""Spreadsheet import and export: applications and their dependencies, read from CSV and XLSX,
written in the same shape.

Steps of an import: `files` (bytes -> rows of cells), `columns.mapping` (column headers -> fields),
`columns.rows` and `columns.values` (cells -> values), `plan.planner` (values compared with the
inventory -> planned changes), `plan.storage` and `plan.execution` (the plan stored, then applied).
`export` writes what these read."""
