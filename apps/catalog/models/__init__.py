"""Models of the catalogue, one module per subject."""

from apps.catalog.models.announcements import (
    AnnouncedOffering,
    AnnouncementScope,
    RetirementAnnouncement,
)
from apps.catalog.models.change_queue import ChangedOffering
from apps.catalog.models.claims import Assertion, ProviderEvent, SettledClaims, Source, Topic
from apps.catalog.models.footing import Footing, Node, NodeKind, Via
from apps.catalog.models.foundations import Alias, Derivation, Foundation, IdentityDecision, Version
from apps.catalog.models.incidents import (
    FORGOTTEN_AFTER,
    Incident,
    IncidentEnd,
    IncidentImpact,
)
from apps.catalog.models.offerings import (
    FEATURE_KINDS,
    NAMED_KINDS,
    Binding,
    DateKind,
    DueStatus,
    EndBehaviour,
    IdentityReason,
    Lifecycle,
    Offering,
    OfferingCandidate,
    OfferingKind,
    OfferingRegion,
    OfferingStage,
    Price,
    Region,
    RegionalRetirement,
    Stage,
)
from apps.catalog.models.products import ModelsKnown, Product, ProductModel
from apps.catalog.models.providers import NoticePolicy, Provider, ProviderRole, PublicQuerySet

__all__ = [
    "FEATURE_KINDS",
    "FORGOTTEN_AFTER",
    "NAMED_KINDS",
    "Alias",
    "AnnouncedOffering",
    "AnnouncementScope",
    "Assertion",
    "Binding",
    "ChangedOffering",
    "DateKind",
    "Derivation",
    "DueStatus",
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
    "OfferingStage",
    "Price",
    "Product",
    "ProductModel",
    "Provider",
    "ProviderEvent",
    "ProviderRole",
    "PublicQuerySet",
    "Region",
    "RegionalRetirement",
    "RetirementAnnouncement",
    "SettledClaims",
    "Source",
    "Stage",
    "Topic",
    "Version",
    "Via",
]
