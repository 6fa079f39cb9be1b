"""The gate: what pipelines asked, one application at the gate, waivers, the policy, and the
client."""
