"""Proposed use cases: links to the form, answers, risk tier, and the decision of governance."""
