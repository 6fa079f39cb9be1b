"""DORA register as files: a CSV for each template, one workbook for all."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apps.reports.dora.derivation_sql import MAX_EASY_DAYS, MAX_MEDIUM_DAYS
from apps.reports.dora.filing.cells import RULE_SOURCES
from apps.reports.dora.filing.check_list import check_filing
from apps.reports.dora.filing.parameters import FilingParameters
from apps.reports.dora.register import InformationRegister
from apps.reports.dora.templates import TEMPLATES
from apps.reports.entry_places import place_name
from apps.reports.files import Workbook, csv_lines, table_cells, table_headers, workbook_bytes
from apps.reports.tables import ReportTable

# gaps and findings of each template in the workbook
MAX_LISTED_GAPS = 20_000
_FILING_HEADERS = (
    "Field",
    "Row of the CSV",
    "Record",
    "Finding",
    "Rejected for it",
    "Rule",
    "Source of the rule",
    "Corrected at",
)


def template_lines(register: InformationRegister, table: ReportTable) -> Iterator[str]:
    """Generate the CSV line by line, read while it is sent."""
    return csv_lines(table_headers(table), table_cells(table, register.rows(table)))


def register_workbook(
    register: InformationRegister,
    *,
    as_of: datetime,
    for_whom: str,
    filing: FilingParameters | None = None,
) -> bytes:
    """Build a workbook with a sheet for each template, then the missing fields and where to enter
    them, the checks, the check list of a filing with these parameters, and an explanation."""
    completeness = register.completeness(gaps=MAX_LISTED_GAPS)

    def write(book: Workbook) -> None:
        for table in TEMPLATES:
            book.sheet(table.code, table_headers(table), table_cells(table, register.rows(table)))
        book.sheet(
            "Missing",
            ["Enter it at", "Record", "Fields", "Empty cells"],
            (
                [place_name(gap.place), gap.name, ", ".join(gap.labels), gap.n_cells]
                for gap in completeness.gaps
            ),
        )
        book.sheet(
            "Checks",
            ["Rule", "Template", "Field", "Rows that break it", "In words"],
            (
                [str(check.rule), check.table.code, check.code, check.n, check.sentence]
                for check in completeness.checks
            ),
        )
        if filing is not None:
            book.sheet("Filed form", _FILING_HEADERS, _filing_lines(register, filing))
        overall = completeness.whole
        book.sheet(
            "Notes",
            ["Note", "Value"],
            [
                ["As of", as_of.isoformat(timespec="seconds")],
                ["Whose applications", for_whom],
                ["Cells filled", overall.n_filled],
                ["Cells missing", overall.n_missing],
                *([f"{table.code} {table.name}", str(table.about)] for table in TEMPLATES),
                *derivation_notes(),
            ],
        )

    return workbook_bytes(write, created=as_of)


def _filing_lines(register: InformationRegister, filing: FilingParameters) -> Iterator[list[Any]]:
    """Generate a line for each finding of the filed form."""
    check_list = check_filing(register, filing, limit=MAX_LISTED_GAPS)
    for problem in check_list.problems:
        yield ["package", "", "", problem, "yes", "", "", "Reporting entity"]
    for finding in check_list.findings:
        entry = finding.entry
        record = place_name(entry.place) if entry else ""
        yield [
            finding.place,
            finding.row or "all",
            finding.about,
            finding.sentence,
            "yes" if finding.rejects else "no",
            str(finding.rule),
            RULE_SOURCES[finding.rule],
            f"{record}: {entry.name}" if entry and entry.name else record,
        ]


def derivation_notes() -> list[list[str]]:
    """Return how values are derived; also on the page."""
    days = {"easy": MAX_EASY_DAYS, "medium": MAX_MEDIUM_DAYS}
    return [
        [
            "Scope",
            (
                "Applications in pilot or production and what they call on that day: the AI"
                " slice, not the whole register."
            ),
        ],
        [
            "Whom a service is under contract with",
            (
                "The vendor of a product, a gateway with a contract, else the host; the contract"
                " in force with it or with its nearest parent."
            ),
        ],
        [
            "Substitutability",
            (
                "What the exit plan says. Else, by a way out that avoids the provider: easy when"
                " tested, in date and done in {easy} days, medium in up to {medium} or"
                " unmeasured, highly complex when longer or untested; not substitutable when one"
                " looked and found none. Missing while nobody has looked."
            ).format(**days),
        ],
        [
            "Level of reliance",
            (
                "What the exit plan says. Else full where a primary has no way out that avoids"
                " the provider, material where one is untested, low where all are tested and in"
                " date, not significant in no primary role."
            ),
        ],
        [
            "Annual cost",
            (
                "What the contract says. Else 12 × the monthly spend recorded on its"
                " dependencies, for contracts in US dollars."
            ),
        ],
        [
            "Supply chain",
            (
                "Rank 1 is under contract; then the host behind a gateway or vendor, then the"
                " developer of the model behind the host."
            ),
        ],
        [
            "An empty cell",
            "Its row says in the last three columns whether the field is missing, does not apply, "
            "or was derived.",
        ],
    ]
