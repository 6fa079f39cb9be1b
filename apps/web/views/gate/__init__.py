"""Release gate pages: runs of pipelines, one application at the gate, waivers, the policy, and the
client."""
