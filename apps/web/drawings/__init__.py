"""Geometry of charts and diagrams: numbers in, coordinates out, no database and no clock; templates
turn it into SVG."""
