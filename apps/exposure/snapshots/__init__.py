"""The daily snapshots of exposure, and the tables as they stood on a past day."""
