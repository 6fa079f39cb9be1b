"""Exposure: where the portfolio is correlated, what stands on what, the lines drawn, the flags
raised, the losses."""
