"""Governance pages: comparisons, selection records, approvals, contracts, and developer
documents."""
