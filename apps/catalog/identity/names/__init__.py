"""Reads the names of models as people write them in spreadsheets, tickets and policies.

Plain Python over the known IDs of a `Resolver`: no database, no clock, no settings.
`reading.NameReader.read_name` returns what a cell says; it asks where the cell leaves something
open, and never answers with a similar name.
"""
