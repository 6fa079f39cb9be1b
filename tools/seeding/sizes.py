"""Sizes of the synthetic catalogue for a number of applications."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeedSizes:
    """Counts of everything that is written.

    At 100,000 applications it is the scale of reference (docs/bench.md).
    """

    applications: int
    teams: int
    templates: int
    developers: int
    hosts: int
    gateways: int
    vendors: int
    foundations: int
    versions: int
    offerings: int
    risks: int


def scale_sizes(n_applications: int) -> SeedSizes:
    """Scale the catalogue with the square root of the portfolio: ten times the applications do not
    use ten times the models.

    Above 100,000 applications the catalogue does not grow: there are no more models in the
    world."""
    factor = min(1.0, math.sqrt(n_applications / 100_000))

    def scaled(at_reference: int, least: int) -> int:
        return max(least, round(at_reference * factor))

    return SeedSizes(
        applications=n_applications,
        teams=min(5_000, max(3, n_applications // 50)),
        templates=min(3_000, max(5, n_applications * 3 // 100)),
        developers=scaled(28, 8),
        hosts=scaled(40, 10),
        gateways=5,
        vendors=scaled(7, 3),
        foundations=scaled(600, 30),
        versions=scaled(4_000, 120),
        offerings=scaled(20_000, 400),
        risks=scaled(2_000, 40),
    )
