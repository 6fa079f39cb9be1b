"""Contracts as an editable record: their facts, and the deletion of one entered by mistake."""

from apps.common.records.field_set import FieldSection, FieldSet
from apps.common.records.record_type import RecordType
from apps.inventory.models import Contract


def read_code(text: str) -> str:
    """Return a code of a country or currency in capitals."""
    return text.strip().upper()


CONTRACT_FIELDS = FieldSet(
    model=Contract,
    sections=(
        FieldSection(
            "Contract",
            (
                "party",
                "ref",
                "name",
                "kind",
                "overarching",
                "ict_service_type",
                "currency",
                "annual_cost",
            ),
        ),
        FieldSection(
            "Term and notice",
            (
                "starts_on",
                "ends_on",
                "notice_days_ours",
                "notice_days_theirs",
                "deprecation_notice_days",
                "termination_reason",
            ),
        ),
        FieldSection(
            "Clauses",
            (
                "price_protection",
                "exit_clause",
                "termination_assistance",
                "audit_right",
                "ip_indemnity",
                "training_use",
            ),
        ),
        FieldSection(
            "Places",
            (
                "governing_law",
                "provision_country",
                "stores_data",
                "data_country",
                "processing_country",
            ),
        ),
        FieldSection(
            "Terms, audit, notes",
            ("terms_url", "terms_read_on", "terms_digest", "last_audit_on", "note"),
        ),
    ),
    fixed=frozenset({"party"}),
    labels={
        "ref": "Reference",
        "ict_service_type": "ICT service type",
        "overarching": "Overarching contract",
        "starts_on": "Starts on",
        "notice_days_ours": "Notice period for us",
        "notice_days_theirs": "Notice period for the party",
        "deprecation_notice_days": "Notice period of retirements",
        "termination_reason": "Reason for the termination",
        "ip_indemnity": "IP indemnity",
        "training_use": "Use of our data for training",
        "provision_country": "Country of the service",
        "stores_data": "The service stores data",
        "data_country": "Country where data is stored",
        "processing_country": "Country where data is processed",
        "terms_url": "URL of the terms",
        "terms_digest": "Digest of the terms",
        "last_audit_on": "Last audit of the party on",
    },
    help_texts={
        "notice_days_ours": "Days.",
        "notice_days_theirs": "Days.",
        "deprecation_notice_days": "Days between the announcement and the retirement of a model.",
        "stores_data": "",
        "termination_reason": "Only for a contract that has ended.",
        **dict.fromkeys(
            ("governing_law", "provision_country", "data_country", "processing_country"),
            "Country code of two letters, such as CH.",
        ),
    },
    readers=dict.fromkeys(
        ("governing_law", "provision_country", "data_country", "processing_country", "currency"),
        read_code,
    ),
)


class ContractRecord(RecordType[Contract]):
    """Contracts. The party stays: another party is another contract."""

    field_set = CONTRACT_FIELDS
