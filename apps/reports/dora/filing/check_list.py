"""Check list of a filing: per row and field what is missing or wrong, and where it is entered."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apps.catalog.models import Provider
from apps.inventory.models import Application, Contract
from apps.reports.dora.checks import CheckRule
from apps.reports.dora.filing.cells import REJECTING_RULES, FilingRule
from apps.reports.dora.filing.parameters import FilingParameters
from apps.reports.dora.filing.rows import FiledRow, stream_filed_rows
from apps.reports.dora.filing.taxonomy import FILED_TEMPLATES, FiledTemplate
from apps.reports.dora.register import InformationRegister
from apps.reports.tables import EntryPlace, ReportGap

_TABLE_RULES = {
    CheckRule.DUPLICATE_KEY: FilingRule.DUPLICATE_KEY,
    CheckRule.FOREIGN_KEY: FilingRule.BROKEN_REFERENCE,
}
# the two levels of which rule v8825_m wants a reason
_HARD_TO_SUBSTITUTE = frozenset({"not", "highly_complex"})


@dataclass(frozen=True, slots=True)
class FilingFinding:
    """One finding: `row` counts from 1 in the CSV of the template, 0 is the whole template, which
    is empty for the whole package. `entry` is the record where it is corrected, if there is one."""

    template: str
    row: int
    about: str
    column: str
    name: str
    rule: FilingRule
    sentence: str
    entry: ReportGap | None = None

    @property
    def rejects(self) -> bool:
        return self.rule in REJECTING_RULES

    @property
    def place(self) -> str:
        """Return the field, such as B_02.02.0130, or the template."""
        return f"{self.template}.{self.column}" if self.column else self.template


@dataclass(frozen=True, slots=True)
class FilingCheckList:
    """The findings of a filing, at most the requested number of each template; the counts are of
    all."""

    findings: list[FilingFinding]
    n_rows: Mapping[str, int]
    n_by_template: Mapping[str, int]
    n_rejecting: int
    problems: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        return sum(self.n_by_template.values())

    @property
    def filled(self) -> list[FiledTemplate]:
        return [one for one in FILED_TEMPLATES if self.n_rows.get(one.code)]

    @property
    def elsewhere(self) -> list[FiledTemplate]:
        """Return the templates of which the registry records nothing."""
        return [one for one in FILED_TEMPLATES if one.table is None]


def check_filing(
    register: InformationRegister, parameters: FilingParameters, *, limit: int
) -> FilingCheckList:
    """Check every row; one statement for each template, one for the references between them, and
    three for the records of the findings. At most `limit` findings of each template are listed."""
    findings: list[FilingFinding] = []
    n_rows: dict[str, int] = {}
    n_by_template: Counter[str] = Counter()
    n_rejecting = 0
    for finding in _find_all(register, parameters, n_rows):
        n_by_template[finding.template] += 1
        n_rejecting += finding.rejects
        if n_by_template[finding.template] <= limit:
            findings.append(finding)
    return FilingCheckList(
        _name_entries(findings), n_rows, n_by_template, n_rejecting, parameters.problems
    )


def _find_all(
    register: InformationRegister, parameters: FilingParameters, n_rows: dict[str, int]
) -> Iterator[FilingFinding]:
    """Generate the findings; fills `n_rows` with the number of rows of each template."""
    table_findings = _table_findings(register)
    for template in FILED_TEMPLATES:
        n_rows[template.code] = 0
        for row in stream_filed_rows(template):
            n_rows[template.code] = row.number
            yield from _row_findings(template, row, parameters)
        yield from table_findings.get(template.code, ())


def _table_findings(register: InformationRegister) -> dict[str, list[FilingFinding]]:
    """Return the findings that concern several rows, by template: repeated keys and broken
    references."""
    codes = {one.table.slug: one.code for one in FILED_TEMPLATES if one.table is not None}
    findings: dict[str, list[FilingFinding]] = {}
    for check in register.checks():
        rule = _TABLE_RULES.get(check.rule)
        if rule is None or check.passes:
            continue
        code = codes[check.table.slug]
        findings.setdefault(code, []).append(
            FilingFinding(code, 0, "", check.code, "", rule, check.sentence)
        )
    return findings


def _row_findings(
    template: FiledTemplate, row: FiledRow, parameters: FilingParameters
) -> Iterator[FilingFinding]:
    names = (
        {column.code: column for column in template.table.columns}
        if template.table is not None
        else {}
    )

    def make(column: str, rule: FilingRule, sentence: str) -> FilingFinding:
        report_column = names.get(column)
        return FilingFinding(
            template.code,
            row.number,
            row.about,
            column,
            str(report_column.name) if report_column else "",
            rule,
            sentence,
            _entry(report_column.place, report_column.at, row.record) if report_column else None,
        )

    relations = list(relation_findings(template.code, row.record, parameters))
    explained = {column for column, _rule, _sentence in relations}
    for column, cell in row.cells.items():
        # what the other fields say about an empty field says more than that it is empty
        if cell.rule is FilingRule.MISSING and column in explained:
            continue
        if cell.rule is not None:
            yield make(column, cell.rule, cell.sentence)
    if not any(cell.text for column, cell in row.cells.items() if column not in template.keys):
        yield make(
            "",
            FilingRule.ONLY_KEYS,
            "The row has values only in its key, which the format cannot hold. Enter another field,"
            " or leave the row out.",
        )
    for column, rule, sentence in relations:
        yield make(column, rule, sentence)


def relation_findings(
    template: str, record: Mapping[str, Any], parameters: FilingParameters
) -> Iterator[tuple[str, FilingRule, str]]:
    """Generate (column, rule, sentence) of what fields of one row say together."""
    match template:
        case "B_02.01":
            if record["c0020"] == "subsequent" and not record["c0030"]:
                yield (
                    "0030",
                    FilingRule.OVERARCHING,
                    "The contract is subsequent, but names no overarching contract. Enter its"
                    " parent contract.",
                )
            yield from _currency_findings("0040", "0050", record, parameters)
        case "B_02.02":
            starts, ends = record["c0070"], record["c0080"]
            if starts and ends and ends <= starts:
                yield (
                    "0080",
                    FilingRule.END_DATE,
                    f"The end date {ends} is not after the start date {starts}. Correct one of"
                    " them.",
                )
        case "B_05.01":
            yield from _currency_findings("0090", "0100", record, parameters)
        case "B_07.01":
            if record["c0050"] in _HARD_TO_SUBSTITUTE and not record["c0060"]:
                yield (
                    "0060",
                    FilingRule.REASON,
                    "The service is hard to substitute, but no reason is entered. Select it in the"
                    " exit plan.",
                )


def _currency_findings(
    currency: str, cost: str, record: Mapping[str, Any], parameters: FilingParameters
) -> Iterator[tuple[str, FilingRule, str]]:
    if record[f"c{cost}"] is None:
        return
    code = record[f"c{currency}"]
    if not code:
        yield (
            currency,
            FilingRule.CURRENCY_OF_COST,
            "The row has an annual cost without a currency. Enter the currency.",
        )
    elif code != parameters.currency:
        yield (
            cost,
            FilingRule.BASE_CURRENCY,
            f"The amount is in {code}, but the taxonomy states it in the base currency,"
            f" {parameters.currency}. Convert it in the CSV, or select {code} as base currency.",
        )


# --- records where findings are corrected ---------------------------------------------------------


def _entry(place: EntryPlace | None, at: str, record: Mapping[str, Any]) -> ReportGap | None:
    """Return the record where a field is entered, without its name and slug."""
    match place:
        case None:
            return None
        case EntryPlace.ORGANISATION:
            ref = None
        case EntryPlace.CONTRACT if record["at_contract"] is None:
            place, ref = EntryPlace.NO_CONTRACT, record["at_provider"]
        case EntryPlace.CONTRACT:
            ref = record["at_contract"]
        case EntryPlace.PROVIDER:
            ref = record[f"at_{at}" if at else "at_provider"]
        case _:
            ref = record["at_application"]
    return ReportGap(place, ref, "", "", (), 1)


_PROVIDER_PLACES = {EntryPlace.PROVIDER, EntryPlace.NO_CONTRACT}
_APPLICATION_PLACES = {EntryPlace.APPLICATION, EntryPlace.EXIT_PLAN}


def _name_entries(findings: Sequence[FilingFinding]) -> list[FilingFinding]:
    """Return the findings with the names and slugs of their records; at most three statements."""
    entries = [finding.entry for finding in findings if finding.entry is not None]
    providers = {
        pk: (slug, name)
        for pk, slug, name in Provider.objects.filter(
            pk__in=_refs(entries, _PROVIDER_PLACES)
        ).values_list("pk", "slug", "name")
    }
    applications = {
        pk: (slug, name)
        for pk, slug, name in Application.objects.filter(
            pk__in=_refs(entries, _APPLICATION_PLACES)
        ).values_list("pk", "slug", "name")
    }
    contracts = {
        pk: ("", f"{ref or 'without a reference'} with {party}")
        for pk, ref, party in Contract.objects.filter(
            pk__in=_refs(entries, {EntryPlace.CONTRACT})
        ).values_list("pk", "ref", "party__name")
    }

    def named(entry: ReportGap | None) -> ReportGap | None:
        if entry is None or entry.ref is None:
            return entry
        if entry.place in _PROVIDER_PLACES:
            slug, name = providers[entry.ref]
        elif entry.place in _APPLICATION_PLACES:
            slug, name = applications[entry.ref]
        else:
            slug, name = contracts[entry.ref]
        return replace(entry, slug=slug, name=name)

    return [replace(finding, entry=named(finding.entry)) for finding in findings]


def _refs(entries: Iterable[ReportGap], places: set[EntryPlace]) -> set[int]:
    return {entry.ref for entry in entries if entry.place in places and entry.ref is not None}
