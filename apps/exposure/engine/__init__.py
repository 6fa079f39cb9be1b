"""The exposure engine: what stands on what, and what fails with it, as tables of one day and a few
statements on them.

docs/exposure.md gives the definitions. table_refresh.py fills the tables of models/engine.py;
states.py, concentration.py, single_points.py and reach.py answer from them, for pages, API, flags
and commands alike; scenarios.py asks them of a portfolio that is not the real one.
"""
