"""Cost and usage files of the FinOps Open Cost and Usage Specification (FOCUS), as CSV."""
