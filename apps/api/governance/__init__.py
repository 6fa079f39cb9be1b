"""Choosing what to build on, over REST: contracts, documents, decisions, selections and
scorecards."""
