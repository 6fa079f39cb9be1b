"""Content of a digest before its layout: entries in, sentence and sections out. No queries, no
clock."""
