"""Editable records: the facts of a record, declared once, and the actions on them."""
