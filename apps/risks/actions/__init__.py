"""Changes to risks, one module per subject. The caller has checked who may; see each module."""
