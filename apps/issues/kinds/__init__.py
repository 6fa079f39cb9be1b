"""Kinds of causes: one class a kind. `registry.py` lists them."""
