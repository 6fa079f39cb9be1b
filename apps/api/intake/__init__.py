"""Intake over REST: documents, spreadsheets, uploads in the format of Dependency-Track, and their
imports."""
