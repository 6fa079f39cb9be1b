"""The exposure engine: upstream dependencies and joint failures, as tables of one day and a few
statements on them.

docs/exposure.md gives the definitions. table_refresh.py fills the tables of models/engine.py;
states.py, concentration.py, single_points.py and reach.py query them, for pages, API, flags and
commands alike; scenarios.py queries them for a changed portfolio.
"""
