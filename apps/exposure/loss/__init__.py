"""Yearly loss with correlated causes: common-shock loss. Numbers in, numbers out; no rows, clock or
settings.

`shocks` describes the input, `simulation` draws years, `measures` reads them, `exact` computes
small portfolios without drawing (and so checks the simulator), `rates` holds the default rates with
their sources. docs/loss.md has the model.
"""
