"""Editable records of the catalogue, with their declarations of facts."""
