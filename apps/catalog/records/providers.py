"""Providers and their published notice policies."""

from apps.catalog.models import NodeKind, NoticePolicy, Provider
from apps.catalog.providers.facts import read_country, read_lei, validate_country, validate_lei
from apps.catalog.records.base import RECORD_KEYS, CatalogueRecord
from apps.common.records.field_set import SOURCE_FIELDS, SOURCE_SECTION, FieldSection, FieldSet


class ProviderRecord(CatalogueRecord[Provider]):
    """Providers. The slug stays, since URLs and feeds name it. A parent company is an upstream
    dependency."""

    field_set = FieldSet(
        model=Provider,
        sections=(
            FieldSection("Company", ("slug", "name", "roles", "parent")),
            FieldSection("Legal entity", ("legal_name", "person_type", "lei", "country")),
            FieldSection(
                "Notice and terms",
                (
                    "promised_notice_days",
                    "deprecation_policy_url",
                    "terms_url",
                    "status_page_url",
                ),
            ),
            FieldSection(
                "Article 31 of DORA", ("critical_third_party", "critical_third_party_source")
            ),
            SOURCE_SECTION,
        ),
        fixed=frozenset({"slug"}),
        labels={
            "person_type": "Type of person",
            "promised_notice_days": "Notice period, days",
            "deprecation_policy_url": "Deprecation policy",
            "terms_url": "Terms",
            "status_page_url": "Status page",
            "critical_third_party_source": "Published at",
            "parent": "Parent company",
        },
        help_texts={
            "slug": "Short name in lower case for URLs and feeds, such as acme-ai.",
            "legal_name": "As in the commercial register. Required for the register of "
            "information.",
            "person_type": "As required by RT.05.01.",
            "lei": "20 characters (ISO 17442), as in the public register of GLEIF.",
            "country": "Country of the headquarters, two letters such as IE (ISO 3166-1).",
            "promised_notice_days": "Days between the announcement of a retirement and the "
            "retirement.",
            "critical_third_party": "Designated by the European supervisors.",
        },
        readers={"lei": read_lei, "country": read_country},
        keys=RECORD_KEYS,
    )
    node_kinds = frozenset({NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR})
    footing_columns = frozenset({"parent"})

    def validate(self, row: Provider) -> None:
        validate_country(row.country)
        validate_lei(row.lei)


class NoticePolicyRecord(CatalogueRecord[NoticePolicy]):
    """Notice policies, from which earliest retirements are calculated."""

    field_set = FieldSet(
        model=NoticePolicy,
        sections=(
            FieldSection("Policy", ("provider", "scope", "notice_days", "life_days", "note")),
            SOURCE_SECTION,
        ),
        fixed=frozenset({"provider"}),
        required=frozenset(SOURCE_FIELDS),
        labels={
            "scope": "Applies to",
            "notice_days": "Minimum notice, days",
            "life_days": "Minimum life, days",
        },
        keys=RECORD_KEYS,
    )
