"""The demo organisation: Calder Mutual, a fictional insurer, on real offerings of the built-in
catalogue.

Names of persons and companies are invented, and so is what they measured and decided; model IDs,
retirement dates and prices are those of the catalogue. The data is in `fixtures/demo/`."""
