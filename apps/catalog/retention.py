"""What is kept of the catalogue: all of it, since evidence rests on it."""

from apps.common.retention import RetentionGroup, declare_retention, permanent_tables

declare_retention(
    *permanent_tables(
        RetentionGroup.CATALOGUE,
        "facts about the world with who stated them; alerts, costs and records of providers refer "
        "to them",
        "catalog_alias",
        "catalog_assertion",
        "catalog_derivation",
        "catalog_foundation",
        "catalog_identitydecision",
        "catalog_noticepolicy",
        "catalog_offering",
        "catalog_offering_regions",
        "catalog_price",
        "catalog_provider",
        "catalog_providerevent",
        "catalog_providerevent_evidence",
        "catalog_region",
        "catalog_source",
        "catalog_version",
    ),
    *permanent_tables(
        RetentionGroup.DERIVED,
        "derived from the catalogue; what no longer holds is deleted with the change",
        "catalog_footing",
        "catalog_node",
        "catalog_touchedoffering",
    ),
)
