"""Approvals, contracts, documents, selection records and scorecards, over REST."""
