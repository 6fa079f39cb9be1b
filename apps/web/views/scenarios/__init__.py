"""What-ifs: asked from the address, picked from lists, saved, shared, answered by a worker,
compared."""
