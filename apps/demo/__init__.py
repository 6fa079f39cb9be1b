"""The demo organisation: Calder Mutual, a fictional insurer that uses real offerings of the
built-in catalogue.

Names of persons and companies, measurements and decisions are invented; model IDs, retirement dates
and prices are those of the catalogue. The data is in `fixtures/demo/`.
"""
