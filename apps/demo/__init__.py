"""Calder Mutual, a fictional insurer, on real offerings of the built-in catalogue.

Names of people and companies are invented, and so is what they measured and decided; model ids, end
dates and prices are those of the catalogue. The data lies in `fixtures/demo/`.
"""
