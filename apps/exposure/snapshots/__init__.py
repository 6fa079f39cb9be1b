"""The daily snapshots of exposure, and the tables of a past day."""
