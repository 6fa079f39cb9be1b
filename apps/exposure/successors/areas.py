"""Areas: where an application may have its data processed, and where an offering is served. Plain
Python.

An area is `EU` (with the EEA), `UK`, `CH`, `US`, `APAC`, another ISO country code, or `GLOBAL`,
which promises no place.
"""

import re
from collections.abc import Iterable

from apps.catalog.capabilities.fit import ItemVerdict
from apps.catalog.models import Offering
from apps.inventory.models import Application

GLOBAL = "GLOBAL"
AREA_NAMES = {GLOBAL: "all regions", "EU": "the EU", "UK": "the UK", "US": "the United States"}

_EEA = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
        *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)
# regions whose names begin with Europe and that are not in the EEA: London and Zurich. AWS:
# paessler.com/manuals/prtg/list_of_supported_aws_regions_and_their_codes; Google:
# docs.velt.dev/security/supported-regions; both read on 30 November 2026
_EXCEPTIONS = {
    "eu-west-2": "UK",
    "eu-central-2": "CH",
    "europe-west2": "UK",
    "europe-west6": "CH",
}
_PREFIXES = (
    (re.compile(r"switzerland|ch\b"), "CH"),
    (re.compile(r"uk|gb\b|united kingdom"), "UK"),
    (
        re.compile(
            r"eu|eea|europe|(?:west|north)europe|(?:sweden|france|germany|poland|italy|spain|"
            r"norway|austria|belgium|denmark|finland|ireland)"
        ),
        "EU",
    ),
    (
        re.compile(r"us\b|usgov|united states|(?:east|west|central|northcentral|southcentral)us"),
        "US",
    ),
    (re.compile(r"ap\b|apac|asia"), "APAC"),
    (re.compile(r"jp\b|japan"), "JP"),
    (re.compile(r"au\b|australia"), "AU"),
    (re.compile(r"ca\b|canada"), "CA"),
    (re.compile(r"global|world|all\b"), GLOBAL),
)
# model IDs of Amazon Bedrock begin with their geographic profile
_GEOGRAPHIC_PREFIX = re.compile(
    r"^(us-gov|us|eu|apac|au|jp|global|ca|in|sa|uk|me|af|kr|mx|il|ap)\.(?=[a-z0-9-]+\.)"
)


def service_region(offering: Offering) -> str:
    """Return the region that the offering is bound to: that of its row, or of its model ID; empty
    without one."""
    if offering.region_scope:
        return offering.region_scope
    prefix = _GEOGRAPHIC_PREFIX.match(offering.api_id)
    return prefix.group(1) if prefix else ""


def area_of(name: str) -> str:
    """Return the area of a region, country or bloc as hosts and users write it; empty if it is not
    known."""
    folded = name.strip().lower()
    if folded in _EXCEPTIONS:
        return _EXCEPTIONS[folded]
    if len(folded) == 2 and folded.upper() in _EEA:
        return "EU"
    for pattern, area in _PREFIXES:
        if pattern.match(folded):
            return area
    return folded.upper() if len(folded) == 2 else ""


def offered_areas(
    offering: Offering, regions: Iterable[str], residency: Iterable[str] | None
) -> frozenset[str]:
    """Return where calls of the offering are processed: as its region says, or else as the
    residency of its data terms, or else the regions in which its host serves it. Empty if nothing
    is known."""
    if region := service_region(offering):
        names: Iterable[str] = (region,)
    else:
        names = tuple(residency or ()) or regions
    return frozenset(filter(None, map(area_of, names)))


def required_areas(application: Application) -> frozenset[str]:
    """Return the areas of which one must process the data of the application. Empty: any may.

    These are the areas of its geography, unless its data are public or internal and not personal.
    """
    is_open = application.data_classification in (
        Application.DataClass.PUBLIC,
        Application.DataClass.INTERNAL,
    )
    if is_open and not application.personal_data:
        return frozenset()
    areas = frozenset(area_of(name) for name in re.split(r"[,;/]", application.geography))
    return frozenset() if GLOBAL in areas else areas - {""}


def judge_region(required: frozenset[str], offered: frozenset[str]) -> ItemVerdict:
    """Return whether an offering keeps the data where they must be. Unknown is never kept."""
    if not required:
        return ItemVerdict.NOT_USED
    if not offered:
        return ItemVerdict.UNKNOWN
    return ItemVerdict.KEPT if required & offered else ItemVerdict.LOST


def name_areas(areas: Iterable[str]) -> str:
    """Return areas as a phrase: `the EU or CH`."""
    names = sorted(AREA_NAMES.get(area, area) for area in areas)
    return " or ".join(names)
