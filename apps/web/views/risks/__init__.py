"""The pages of risks, one module per subject."""
