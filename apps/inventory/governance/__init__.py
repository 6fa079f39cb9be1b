"""Governance of models: contracts and documents of providers, approvals, and selection records."""
