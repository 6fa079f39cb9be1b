"""Worked portfolios answered by the product itself: a file of small portfolios in, every number about them out.

records.py says what a portfolio is, reading.py makes it of JSON and refuses what cannot be meant, loading.py writes it
into the product's own tables, answering.py asks the engine. Nothing here computes exposure.
"""
