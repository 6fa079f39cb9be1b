"""Models of the catalogue, one module per subject."""

from apps.catalog.models.announcements import (
    AnnouncedOffering,
    AnnouncementScope,
    RetirementAnnouncement,
)
from apps.catalog.models.change_queue import ChangedOffering
from apps.catalog.models.claims import Assertion, ProviderEvent, Source
from apps.catalog.models.footing import Footing, Node, NodeKind, Via
from apps.catalog.models.foundations import Alias, Derivation, Foundation, IdentityDecision, Version
from apps.catalog.models.incidents import (
    FORGOTTEN_AFTER,
    Incident,
    IncidentEnd,
    IncidentImpact,
)
from apps.catalog.models.offerings import (
    Binding,
    DateKind,
    EndBehaviour,
    IdentityReason,
    Lifecycle,
    Offering,
    OfferingCandidate,
    OfferingKind,
    OfferingRegion,
    Price,
    Region,
)
from apps.catalog.models.products import ModelsKnown, Product, ProductModel
from apps.catalog.models.providers import NoticePolicy, Provider, ProviderRole, PublicQuerySet

__all__ = [
    "FORGOTTEN_AFTER",
    "Alias",
    "AnnouncedOffering",
    "AnnouncementScope",
    "Assertion",
    "Binding",
    "ChangedOffering",
    "DateKind",
    "Derivation",
    "EndBehaviour",
    "Footing",
    "Foundation",
    "IdentityDecision",
    "IdentityReason",
    "Incident",
    "IncidentEnd",
    "IncidentImpact",
    "Lifecycle",
    "ModelsKnown",
    "Node",
    "NodeKind",
    "NoticePolicy",
    "Offering",
    "OfferingCandidate",
    "OfferingKind",
    "OfferingRegion",
    "Price",
    "Product",
    "ProductModel",
    "Provider",
    "ProviderEvent",
    "ProviderRole",
    "PublicQuerySet",
    "Region",
    "RetirementAnnouncement",
    "Source",
    "Version",
    "Via",
]
