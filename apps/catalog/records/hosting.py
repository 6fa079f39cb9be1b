"""Regions and offerings: models as hosts serve them, and where."""

from django.core.exceptions import ValidationError

from apps.catalog.identity.resolution import resolve_identities
from apps.catalog.models import NodeKind, Offering, OfferingRegion, Region
from apps.catalog.records.base import RECORD_KEYS, CatalogueRecord
from apps.common.records.field_set import SOURCE_FIELDS, SOURCE_SECTION, FieldSection, FieldSet


class RegionRecord(CatalogueRecord[Region]):
    """Regions of hosts. Host and name stay: with another name it would be another region."""

    field_set = FieldSet(
        model=Region,
        sections=(FieldSection("Region", ("host", "name")), SOURCE_SECTION),
        fixed=frozenset({"host", "name"}),
        required=frozenset(SOURCE_FIELDS),
        help_texts={"name": "As the host writes it, such as eu-central-1."},
        keys=RECORD_KEYS,
    )
    node_kinds = frozenset({NodeKind.REGION})


class OfferingRegionRecord(CatalogueRecord[OfferingRegion]):
    """Links of offerings to regions. A link has no facts of its own, so it is not changed."""

    field_set = FieldSet(
        model=OfferingRegion,
        sections=(FieldSection("Region", ("offering", "region")),),
        fixed=frozenset({"offering", "region"}),
        help_texts={
            "offering": "Number of the offering.",
            "region": "A region of the host of the offering.",
        },
        keys={Offering: "pk", Region: "pk"},
    )
    footing_columns = frozenset({"region"})
    requires_reason = True

    def affected_by(self, row: OfferingRegion) -> set[int]:
        return {row.offering_id}

    def validate(self, row: OfferingRegion) -> None:
        if row.region.host_id != row.offering.host_id:
            raise ValidationError({"region": "Select a region of the host of this offering."})
        duplicates = OfferingRegion.objects.filter(offering=row.offering, region=row.region)
        if duplicates.exclude(pk=row.pk).exists():
            raise ValidationError({"region": "The offering is already served in this region."})


class OfferingRecord(CatalogueRecord[Offering]):
    """Offerings. Host, model ID, region and tier identify an offering and stay; its model is
    decided with the unresolved models, its dates and prices are values of sources."""

    field_set = FieldSet(
        model=Offering,
        sections=(
            FieldSection("Offering", ("host", "api_id", "region_scope", "service_tier")),
            FieldSection("Properties", ("name", "category", "gateway", "end_behaviour")),
        ),
        fixed=frozenset({"host", "api_id", "region_scope", "service_tier"}),
        labels={
            "api_id": "Model ID",
            "region_scope": "Region",
            "end_behaviour": "After the retirement",
        },
        help_texts={
            "api_id": "Exactly as applications send it to the host.",
            "region_scope": "Empty if the model ID is valid in every region.",
            "gateway": "The gateway through which the host is called, if there is one.",
        },
        keys=RECORD_KEYS,
    )
    derived_columns = (
        "version",
        "alias",
        "binding",
        "not_a_model",
        "identity_confidence",
        "identity_reason",
        "identity_explanation",
    )
    node_kinds = frozenset({NodeKind.OFFERING})
    footing_columns = frozenset({"host", "gateway", "end_behaviour"})
    requires_reason = True

    def affected_by(self, row: Offering) -> set[int]:
        return {row.pk}

    def derive(self, row: Offering) -> None:
        """Identify the model of a new offering by the rules."""
        if not row.pk:
            key = (row.host.slug, row.api_id)
            for name, value in resolve_identities([key])[key].items():
                setattr(row, name, value)
