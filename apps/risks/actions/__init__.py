"""Changes to risks, one module per subject. The callers check permissions; see each module."""
