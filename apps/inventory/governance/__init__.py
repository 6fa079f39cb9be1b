"""Choosing what to build on: contracts and documents of the parties, approvals, and platform bets
written down."""
