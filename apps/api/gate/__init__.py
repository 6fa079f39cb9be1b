"""The gate: the question pipelines ask, its policy, its runs and its waivers."""
