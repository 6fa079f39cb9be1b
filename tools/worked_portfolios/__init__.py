"""Worked portfolios answered by the product itself: `manage.py evaluate_portfolio`.

A file of small portfolios goes in, every number about them comes out. `records.py` says what a
portfolio is, `reader/` makes it of JSON and refuses what cannot be meant, `loader.py` writes it
into the product's own tables, `answers.py` asks the engine. Nothing here computes exposure.
"""
