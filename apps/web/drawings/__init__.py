"""Geometry of the drawings: numbers in, coordinates out, no database and no clock; templates turn
it to SVG."""
