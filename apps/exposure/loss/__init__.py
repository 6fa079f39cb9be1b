"""Yearly loss with correlated causes: common-shock loss, as functions of numbers, without rows,
clock or settings.

`shocks` describes the input, `simulation` draws years, `measures` evaluates them, `exact` computes
small portfolios without drawing (and so checks the simulator), `rates` holds the default rates with
their sources. docs/loss.md describes the model.
"""
