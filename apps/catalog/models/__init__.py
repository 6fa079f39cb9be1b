"""The records of the catalogue, one module per subject."""

from apps.catalog.models.claims import Assertion, ProviderEvent, Source
from apps.catalog.models.footing import Footing, Node, NodeKind, Via
from apps.catalog.models.foundations import Alias, Derivation, Foundation, IdentityDecision, Version
from apps.catalog.models.offerings import DateKind, EndBehaviour, Lifecycle, Offering, Price, Region
from apps.catalog.models.providers import NoticePolicy, Provider, ProviderRole

__all__ = [
    "Alias",
    "Assertion",
    "DateKind",
    "Derivation",
    "EndBehaviour",
    "Footing",
    "Foundation",
    "IdentityDecision",
    "Lifecycle",
    "Node",
    "NodeKind",
    "NoticePolicy",
    "Offering",
    "Price",
    "Provider",
    "ProviderEvent",
    "ProviderRole",
    "Region",
    "Source",
    "Version",
    "Via",
]
