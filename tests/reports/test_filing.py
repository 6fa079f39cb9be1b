"""The register of information as it is filed: layout, names, codes and check list."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook

from apps.catalog.models import Provider
from apps.common.errors import ConflictError
from apps.inventory.models import Application, Contract
from apps.reports.actions import reporting_entity
from apps.reports.dora.files import register_workbook
from apps.reports.dora.filing.cells import RULE_SOURCES, FilingRule, file_cell
from apps.reports.dora.filing.check_list import FilingCheckList, check_filing, relation_findings
from apps.reports.dora.filing.members import activity_member
from apps.reports.dora.filing.package import write_package
from apps.reports.dora.filing.parameters import FilingParameters, FilingScope
from apps.reports.dora.filing.taxonomy import ENTRY_POINT, FILED_TEMPLATES
from apps.reports.dora.register import open_register
from apps.reports.models import ReportingEntity
from tests.builders import NOW, TODAY
from tests.reports.insurer import Insurer, complete_register, give_valid_leis, valid_lei

# every value of xBRL-CSV here: a code of a published list, a day, a number or text
QNAME = re.compile(r"eba_[A-Za-z]{1,4}:[A-Za-z0-9]{2,8}")


@pytest.fixture
def filer(insurer: Insurer) -> Insurer:
    give_valid_leis()
    Application.objects.filter(pk=insurer.triage.pk).update(
        licensed_activity="Lending activities (eba_TA:x163)"
    )
    return insurer


def parameters(**changes: Any) -> FilingParameters:
    return FilingParameters(
        **{
            "entity": reporting_entity(),
            "scope": FilingScope.INDIVIDUAL,
            "reference_date": TODAY,
            "currency": "USD",
            "at": NOW,
            **changes,
        }
    )


def package_of(insurer: Insurer, **changes: Any) -> zipfile.ZipFile:
    target = io.BytesIO()
    with open_register(user=insurer.governance, on=TODAY):
        write_package(target, parameters(**changes))
    return zipfile.ZipFile(target)


def table_of(package: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    [path] = [one for one in package.namelist() if one.endswith(f"/{name}")]
    text = package.read(path).decode("utf-8")
    assert (text[-2:], text[0]) == ("\r\n", text.lstrip("\ufeff")[0])
    return list(csv.DictReader(io.StringIO(text, newline="")))


def check(insurer: Insurer, **changes: Any) -> FilingCheckList:
    with open_register(user=insurer.governance, on=TODAY) as register:
        return check_filing(register, parameters(**changes), limit=100)


def said(result: FilingCheckList) -> Iterator[tuple[str, str]]:
    return ((one.place, str(one.rule)) for one in result.findings)


def test_the_package_has_the_published_layout_and_name(filer: Insurer) -> None:
    package = package_of(filer)

    root = f"{valid_lei(1)}.IND_DE_DORA010100_DORA_{TODAY}_{NOW:%Y%m%d%H%M%S}000"
    assert {name.partition("/")[0] for name in package.namelist()} == {root}
    assert {name.partition("/")[2] for name in package.namelist()} == {
        "META-INF/reportPackage.json",
        "reports/report.json",
        "reports/parameters.csv",
        "reports/FilingIndicators.csv",
        *(f"reports/{one.code.lower()}.csv" for one in FILED_TEMPLATES if one.table is not None),
    }
    assert json.loads(package.read(f"{root}/META-INF/reportPackage.json")) == {
        "documentInfo": {"documentType": "https://xbrl.org/report-package/2023"}
    }
    assert json.loads(package.read(f"{root}/reports/report.json")) == {
        "documentInfo": {
            "documentType": "https://xbrl.org/2021/xbrl-csv",
            "extends": [ENTRY_POINT],
        }
    }
    assert table_of(package, "parameters.csv") == [
        {"name": "entityID", "value": f"rs:{valid_lei(1)}.IND"},
        {"name": "refPeriod", "value": str(TODAY)},
        {"name": "baseCurrency", "value": "iso4217:USD"},
        {"name": "decimalsInteger", "value": "0"},
        {"name": "decimalsMonetary", "value": "2"},
    ]


def test_indicators_say_which_templates_have_rows(filer: Insurer) -> None:
    package = package_of(filer)

    indicators = {
        row["templateID"]: row["reported"] for row in table_of(package, "FilingIndicators.csv")
    }
    assert set(indicators) == {one.code for one in FILED_TEMPLATES}
    for template in FILED_TEMPLATES:
        is_filed = any(name.endswith(template.file_name) for name in package.namelist())
        assert indicators[template.code] == ("true" if is_filed else "false")
        assert not is_filed or table_of(package, template.file_name)
    assert {code for code, value in indicators.items() if value == "true"} == {
        "B_02.01",
        "B_02.02",
        "B_05.01",
        "B_05.02",
        "B_06.01",
        "B_07.01",
    }


def test_values_are_codes_of_the_published_lists(filer: Insurer) -> None:
    package = package_of(filer)

    [contract] = table_of(package, "b_02.01.csv")
    assert contract == {
        "c0010": "AWS-1",
        "c0020": "eba_CO:x1",
        "c0030": "",
        "c0040": "eba_CU:USD",
        "c0050": "12000.00",
    }
    service = next(row for row in table_of(package, "b_02.02.csv") if row["c0010"] == "AWS-1")
    assert (service["c0020"], service["c0040"], service["c0060"]) == (
        valid_lei(1),
        "eba_qCO:qx2000",
        "eba_TA:S19",
    )
    assert (service["c0070"], service["c0080"]) == ("2025-01-01", "9999-12-31")
    assert (service["c0120"], service["c0140"], service["c0150"]) == (
        "eba_GA:LU",
        "eba_BT:x28",
        "eba_GA:DE",
    )
    assert (service["c0170"], service["c0180"]) == ("eba_ZZ:x792", "eba_ZZ:x795")
    amazon = next(row for row in table_of(package, "b_05.01.csv") if row["c0050"] == "AWS EMEA")
    assert (amazon["c0060"], amazon["c0070"], amazon["c0080"], amazon["c0120"]) == (
        "AWS EMEA",
        "eba_CT:x212",
        "eba_GA:LU",
        "eba_qCO:qx2000",
    )
    ranks = {
        row["c0050"]: row["c0060"]
        for row in table_of(package, "b_05.02.csv")
        if row["c0010"] == "AWS-1"
    }
    assert (ranks["1"], ranks["2"]) == ("Not Applicable", filer_lei("bedrock"))
    function = next(row for row in table_of(package, "b_06.01.csv") if row["c0010"] == "F1")
    assert (function["c0020"], function["c0050"], function["c0100"]) == (
        "eba_TA:x163",
        "eba_BT:x28",
        "eba_ZZ:x793",
    )
    [assessment] = table_of(package, "b_07.01.csv")
    assert (assessment["c0050"], assessment["c0080"], assessment["c0110"]) == (
        "eba_ZZ:x962",
        "eba_BT:x28",
        "eba_BT:x28",
    )


def filer_lei(slug: str) -> str:
    return Provider.objects.get(slug=slug).lei


def test_the_csv_keeps_the_rules_of_the_format(filer: Insurer) -> None:
    """Column codes once each and in order, no line longer or shorter than the header, members with
    a prefix."""
    package = package_of(filer)

    for template in (one for one in FILED_TEMPLATES if one.table is not None):
        [path] = [name for name in package.namelist() if name.endswith(template.file_name)]
        lines = list(csv.reader(io.StringIO(package.read(path).decode(), newline="")))
        assert lines[0] == [f"c{column}" for column in template.columns]
        assert len(set(lines[0])) == len(lines[0])
        assert template.keys <= set(template.columns)
        assert all(len(line) == len(lines[0]) for line in lines)
        for line in lines[1:]:
            assert all(QNAME.fullmatch(cell) for cell in line if cell.startswith("eba_")), line


def test_the_keys_of_a_package_are_whole_where_the_check_list_says_so(filer: Insurer) -> None:
    """The keys by their own rules: filled, once each, and found where they refer to."""
    keys_of = {template.code: template.keys for template in FILED_TEMPLATES}

    def problems() -> tuple[set[tuple[str, int, str]], list[tuple[str, ...]], set[str]]:
        package = package_of(filer)
        tables = {
            one.code: table_of(package, one.file_name)
            for one in FILED_TEMPLATES
            if any(name.endswith(one.file_name) for name in package.namelist())
        }
        empty = {
            (code, number, column)
            for code, rows in tables.items()
            for number, row in enumerate(rows, start=1)
            for column in keys_of[code]
            if not row[f"c{column}"]
        }
        keys = [
            (code, *(row[f"c{column}"] for column in sorted(keys_of[code])))
            for code, rows in tables.items()
            for row in rows
        ]
        lost = {
            f"{child}.{column} {row[column]}"
            for child, column, parent, target in (
                ("B_02.02", "c0010", "B_02.01", "c0010"),
                ("B_02.02", "c0030", "B_05.01", "c0010"),
                ("B_02.02", "c0050", "B_06.01", "c0010"),
                ("B_05.02", "c0010", "B_02.01", "c0010"),
                ("B_05.02", "c0030", "B_05.01", "c0010"),
                ("B_07.01", "c0020", "B_05.01", "c0010"),
            )
            for row in tables[child]
            if row[column] and row[column] not in {one[target] for one in tables[parent]}
        }
        doubled = [key for key in set(keys) if "" not in key and keys.count(key) > 1]
        return empty, doubled, lost

    found = {
        (one.template, one.row, one.column)
        for one in check(filer).findings
        if one.rule is FilingRule.EMPTY_KEY
    }
    assert found
    assert problems() == (found, [], set())
    complete_register(filer)
    assert problems() == (set(), [], set())
    assert check(filer).n_rejecting == 0


def test_a_package_needs_an_entity_with_valid_check_digits_and_a_country(insurer: Insurer) -> None:
    with pytest.raises(ConflictError, match="check digits"):
        package_of(insurer)
    ReportingEntity.objects.update(lei="", country="")
    with pytest.raises(ConflictError, match=r"LEI .* is missing.* country"):
        package_of(insurer)
    assert check(insurer).problems


def test_the_check_list_names_row_field_and_record(insurer: Insurer) -> None:
    result = check(insurer)

    found = set(said(result))
    # the LEI of the fixture have wrong check digits; Mistral has none, and no contract
    assert ("B_05.01.0010", "ISO 17442") in found
    assert ("B_05.01.0010", "805") in found
    assert ("B_06.01.0020", "closed list") in found
    assert ("B_06.01.0010", "805") in found
    missing = next(
        one
        for one in result.findings
        if one.place == "B_02.02.0010" and one.about.startswith("Mistral")
    )
    assert missing.entry is not None
    assert (missing.entry.place, missing.entry.slug) == ("no_contract", "mistral")
    assert missing.row >= 1
    assert missing.rejects
    assert result.n_rejecting >= 1
    # the drafter's function has neither a reference nor a name
    function = next(one for one in result.findings if one.place == "B_06.01.0010" and one.rejects)
    assert function.entry is not None
    assert function.entry.name == "Mail drafter"
    assert [one.code for one in result.elsewhere] == [
        "B_01.01",
        "B_01.02",
        "B_01.03",
        "B_02.03",
        "B_03.01",
        "B_03.02",
        "B_03.03",
        "B_04.01",
        "B_99.01",
    ]


@pytest.mark.parametrize("level", ["not", "highly_complex"])
def test_a_service_that_is_hard_to_substitute_needs_a_reason(filer: Insurer, level: str) -> None:
    record = {"c0050": level, "c0060": None}

    assert [
        (column, rule) for column, rule, _ in relation_findings("B_07.01", record, parameters())
    ] == [("0060", FilingRule.REASON)]


def test_fields_of_one_row_are_compared(filer: Insurer) -> None:
    contract = Contract.objects.get()
    contract.kind, contract.ends_on = "subsequent", TODAY + timedelta(days=1)
    contract.starts_on = contract.ends_on = None
    contract.save()
    Application.objects.filter(pk=filer.triage.pk).update(function_ref="Claims-7")

    found = set(said(check(filer, currency="EUR")))

    assert ("B_02.01.0030", "v8805_m") in found
    assert ("B_02.01.0050", "base currency") in found
    assert ("B_06.01.0010", "function identifier") in found
    assert ("B_02.01.0050", "base currency") not in set(said(check(filer)))


@pytest.mark.parametrize(
    ("template", "column", "value", "text", "rule"),
    [
        ("B_02.02", "0130", "XX", "", FilingRule.COUNTRY),
        ("B_02.01", "0040", "ABC", "", FilingRule.CURRENCY),
        ("B_07.01", "0110", "na", "", FilingRule.CLOSED_LIST),
        ("B_05.01", "0010", valid_lei(4), valid_lei(4), None),
        ("B_06.01", "0070", date(2026, 3, 1), "2026-03-01", None),
        ("B_06.01", "0060", "=1+1", "'=1+1", FilingRule.FORMULA),
        ("B_06.01", "0060", "#nil", "'#nil", FilingRule.RESERVED),
        ("B_05.02", "0050", 2, "2", None),
    ],
)
def test_a_value_without_a_code_is_said_and_not_invented(
    template: str, column: str, value: Any, text: str, rule: FilingRule | None
) -> None:
    cell = file_cell(template, column, value, is_key=False, applies=True)

    assert (cell.text, cell.rule) == (text, rule)


def test_a_key_that_does_not_apply_is_filed_as_such_and_an_unknown_one_stays_empty() -> None:
    def key(template: str, column: str, *, applies: bool) -> str:
        return file_cell(template, column, None, is_key=True, applies=applies).text

    assert key("B_02.02", "0150", applies=False) == "eba_GA:qx2007"
    assert key("B_02.02", "0150", applies=True) == ""
    assert key("B_05.02", "0060", applies=False) == "Not Applicable"


def test_every_rule_has_its_source() -> None:
    assert set(RULE_SOURCES) == set(FilingRule)
    assert all(
        "2026-11-30" in source
        for rule, source in RULE_SOURCES.items()
        if rule is not FilingRule.FORMULA
    )
    assert activity_member("Lending (eba_TA:x163)") == "eba_TA:x163"
    assert activity_member("Lending (eba_TA:x999)") is None


def test_the_workbook_lists_the_findings_too(insurer: Insurer) -> None:
    with open_register(user=insurer.governance, on=TODAY) as register:
        content = register_workbook(
            register, as_of=NOW, for_whom="The whole organisation", filing=parameters()
        )

    lines = list(load_workbook(io.BytesIO(content))["Filed form"].iter_rows(values_only=True))
    assert lines[1][0] == "package"
    assert "check digits" in str(lines[1][3])
    listed = {(line[0], line[5], line[7]) for line in lines}
    assert ("B_06.01.0020", "closed list", "Application: Claims triage") in listed
