"""Refusals: what an action raises where it does not do what was asked."""


class ConflictError(Exception):
    """A change that contradicts what is recorded; the text says why and what to do instead."""
