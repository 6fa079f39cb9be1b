"""Release gate: checks in CI whether the models of a build are approved and will not retire
soon."""
