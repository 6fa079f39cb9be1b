"""The release gate: checks of pipelines, policy, runs and waivers."""
