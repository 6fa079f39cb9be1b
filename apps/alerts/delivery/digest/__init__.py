"""What a digest says, before it is laid out: entries in, sentence and sections out. No queries, no
clock."""
