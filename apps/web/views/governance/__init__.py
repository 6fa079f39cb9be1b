"""Pages of choosing what to build on: comparisons, selections, approvals, contracts, and documents
owed."""
