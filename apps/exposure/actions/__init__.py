"""What changes on this floor: events worked through, flags evaluated and decided, lines and
settings drawn."""
