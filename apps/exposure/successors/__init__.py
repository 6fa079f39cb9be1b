"""Successors of a dependency: which offerings could take its place, what each keeps or breaks, and
what the move would change."""
