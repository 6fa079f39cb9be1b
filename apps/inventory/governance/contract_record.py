"""Contracts as an editable record: their facts, and the deletion of one entered by mistake."""

from apps.catalog.models import Provider
from apps.common.errors import ConflictError
from apps.common.records.field_set import FieldSection, FieldSet
from apps.common.records.record_type import RecordType
from apps.inventory.models import Contract

# of the DORA register of information
SERVICE_TYPES = {
    "S01": "S01 ICT project management",
    "S02": "S02 ICT development",
    "S03": "S03 ICT help desk and first level support",
    "S04": "S04 ICT security management",
    "S05": "S05 Provision of data",
    "S06": "S06 Data analysis",
    "S07": "S07 ICT facilities and hosting, without cloud",
    "S08": "S08 Computation",
    "S09": "S09 Data storage, without cloud",
    "S10": "S10 Telecom carrier",
    "S11": "S11 Network infrastructure",
    "S12": "S12 Hardware and physical devices",
    "S13": "S13 Software licensing, without SaaS",
    "S14": "S14 ICT operation management",
    "S15": "S15 ICT consulting",
    "S16": "S16 ICT risk management",
    "S17": "S17 Cloud: IaaS",
    "S18": "S18 Cloud: PaaS",
    "S19": "S19 Cloud: SaaS",
}
CLAUSES = (
    "price_protection",
    "exit_clause",
    "termination_assistance",
    "audit_right",
    "ip_indemnity",
    "training_use",
)
CODES = ("governing_law", "provision_country", "data_country", "processing_country")
_MAX_ANCESTORS = 32


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
            "Dates and notice periods",
            (
                "starts_on",
                "ends_on",
                "notice_days_ours",
                "notice_days_theirs",
                "deprecation_notice_days",
                "termination_reason",
            ),
        ),
        FieldSection("Clauses", CLAUSES),
        FieldSection(
            "Locations",
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
        "party": "Provider",
        "ref": "Reference",
        "ict_service_type": "ICT service type",
        "overarching": "Parent contract",
        "starts_on": "Begins on",
        "notice_days_ours": "Our notice period",
        "notice_days_theirs": "Notice period of the provider",
        "deprecation_notice_days": "Notice of retirements",
        "termination_reason": "Reason for the end",
        "ip_indemnity": "IP indemnity",
        "training_use": "Use of our data for training",
        "provision_country": "Country of the service",
        "stores_data": "Data stored by the service",
        "data_country": "Country where data is stored",
        "processing_country": "Country where data is processed",
        "terms_url": "URL of the terms",
        "terms_digest": "Digest of the terms",
        "last_audit_on": "Last audit of the provider on",
    },
    help_texts={
        "notice_days_ours": "Days.",
        "notice_days_theirs": "Days.",
        "deprecation_notice_days": "Days between the announcement and the retirement of a model.",
        "stores_data": "",
        "termination_reason": "Only for a contract that ended.",
        "party": "The provider cannot be changed. Add another contract for another provider.",
        "ict_service_type": "As defined by the DORA register.",
        **dict.fromkeys(CLAUSES, "Empty: unknown."),
        **dict.fromkeys(CODES, "Country code of two letters, such as CH."),
    },
    choices={"ict_service_type": tuple(SERVICE_TYPES.items())},
    readers=dict.fromkeys((*CODES, "currency"), read_code),
    keys={Provider: "slug"},
)


class ContractRecord(RecordType[Contract]):
    """Contracts. The party stays: another party is another contract."""

    field_set = CONTRACT_FIELDS

    def validate(self, row: Contract) -> None:
        """Raise ConflictError if one of the overarching contracts is the contract itself."""
        ancestor, steps = row.overarching, 0
        while ancestor is not None:
            steps += 1
            if ancestor.pk == row.pk or steps > _MAX_ANCESTORS:
                raise ConflictError(
                    "This would place the contract under itself. Choose another overarching "
                    "contract."
                )
            ancestor = ancestor.overarching
