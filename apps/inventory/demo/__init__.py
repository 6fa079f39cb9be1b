"""A portfolio to look at: Calder Mutual, a fictional insurer, on real offerings of the built-in catalogue.

Names of people and companies are invented, and so is what they measured and decided; model ids, end dates and prices
are those of the catalogue. Higher floors add their own part: risks, and what follows from all of it.
"""

from apps.inventory.demo.choosing import load_choosing
from apps.inventory.demo.exits import load_exits
from apps.inventory.demo.portfolio import Login, load_portfolio
from apps.inventory.demo.reading import PASSWORD, Day, DemoRefused, Named, Record, read, was_never_used

__all__ = [
    "PASSWORD",
    "Day",
    "DemoRefused",
    "Login",
    "Named",
    "Record",
    "load_choosing",
    "load_exits",
    "load_portfolio",
    "read",
    "was_never_used",
]
