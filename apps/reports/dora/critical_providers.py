"""Designated critical ICT third-party providers (Article 31 of Regulation (EU) 2022/2554).

Source: first list of the European supervisory authorities, published 2025-11-18, 19 companies;
their names as surefintech.eu/?p=28330 had them on 2026-11-30 (number and day also at
morganlewis.com and tlt.com). The authorities update the list every year; a later one is unknown
here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from apps.catalog.models import Provider

PUBLISHED_ON = date(2025, 11, 18)
SOURCE = "https://surefintech.eu/?p=28330"
# legal name as published: the beginning of names of companies of the same group
DESIGNATED_GROUPS: dict[str, str] = {
    "Accenture plc": "Accenture",
    "Amazon Web Services EMEA Sarl": "Amazon Web Services",
    "Bloomberg L.P.": "Bloomberg",
    "Capgemini SE": "Capgemini",
    "Colt Technology Services": "Colt Technology Services",
    "Deutsche Telekom AG": "Deutsche Telekom",
    "Equinix (EMEA) B.V.": "Equinix",
    "Fidelity National Information Services Inc": "Fidelity National Information Services",
    "Google Cloud EMEA Limited": "Google Cloud",
    "International Business Machine Corporation": "International Business Machine",
    "InterXion HeadQuarters B.V.": "InterXion",
    "Kyndryl Inc": "Kyndryl",
    "LSEG Data and Risk Limited": "LSEG",
    "Microsoft Ireland Operations Limited": "Microsoft",
    "NTT DATA Inc": "NTT DATA",
    "Oracle Nederland B.V.": "Oracle",
    "Orange SA": "Orange SA",
    "SAP SE": "SAP SE",
    "Tata Consultancy Services Limited": "Tata Consultancy Services",
}
_BY_NAME = {name.casefold().replace(".", "").replace(",", ""): name for name in DESIGNATED_GROUPS}


@dataclass(frozen=True, slots=True)
class Designation:
    """A provider and the designated company that it is, or by its name may belong to."""

    provider: Provider
    company: str
    is_certain: bool

    @property
    def sentence(self) -> str:
        if self.is_certain:
            return f"{self.provider.name} is the designated company {self.company}."
        return (
            f"{self.provider.name} may belong to the group of the designated company "
            f"{self.company}. Compare the company named in your contract."
        )


def find_designations(providers: Iterable[Provider]) -> list[Designation]:
    """Return the providers of the list, by legal name; without the same legal name a name that
    begins with that of the group is a hint. A provider found in neither way is not known to be
    designated, which does not mean that it is not."""
    designations = []
    for provider in providers:
        key = provider.legal_name.casefold().replace(".", "").replace(",", "")
        if company := _BY_NAME.get(key):
            designations.append(Designation(provider, company, is_certain=True))
            continue
        names = (provider.legal_name.casefold(), provider.name.casefold())
        for company, group in DESIGNATED_GROUPS.items():
            if any(name.startswith(group.casefold()) for name in names):
                designations.append(Designation(provider, company, is_certain=False))
                break
    return designations
