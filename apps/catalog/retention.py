"""Retention of the catalogue: its tables are permanent, because evidence refers to them."""

from apps.common.retention import RetentionGroup, declare_retention, permanent_tables

declare_retention(
    *permanent_tables(
        RetentionGroup.CATALOGUE,
        "catalogue data with its sources; alerts, costs and track records refer to it",
        "catalog_alias",
        "catalog_announcedoffering",
        "catalog_assertion",
        "catalog_derivation",
        "catalog_foundation",
        "catalog_identitydecision",
        "catalog_incident",
        "catalog_incident_offerings",
        "catalog_incident_versions",
        "catalog_noticepolicy",
        "catalog_offering",
        "catalog_offering_regions",
        "catalog_offeringcandidate",
        "catalog_offeringstage",
        "catalog_price",
        "catalog_product",
        "catalog_productmodel",
        "catalog_provider",
        "catalog_providerevent",
        "catalog_providerevent_evidence",
        "catalog_region",
        "catalog_regionalretirement",
        "catalog_retirementannouncement",
        "catalog_source",
        "catalog_version",
    ),
    *permanent_tables(
        RetentionGroup.DERIVED,
        "derived from the catalogue; deleted when the catalogue changes",
        "catalog_footing",
        "catalog_node",
        "catalog_changedoffering",
        "catalog_settledclaims",
    ),
)
