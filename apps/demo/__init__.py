"""A portfolio to look at: Calder Mutual, a fictional insurer, on real offerings of the built-in catalogue.

Names of people and companies are invented, and so is what they measured and decided; model ids, end dates and prices
are those of the catalogue. Higher floors add their own part: risks, and what follows from all of it.
"""
