"""Results of evaluation tools: read, resolved to what was tested, kept as evidence."""
