"""A synthetic portfolio to measure and to try things on."""

from apps.exposure.seeding.planting import Seeded, SeedRefused, seed_portfolio
from apps.exposure.seeding.removing import StillInUse, remove_portfolio

__all__ = ["SeedRefused", "Seeded", "StillInUse", "remove_portfolio", "seed_portfolio"]
