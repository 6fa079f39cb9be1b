"""The report package of the DORA register, under the EBA checks of a program of others that has the
published module."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from apps.reports.actions import reporting_entity
from apps.reports.dora.filing.cells import FilingRule
from apps.reports.dora.filing.check_list import check_filing
from apps.reports.dora.filing.package import open_package
from apps.reports.dora.filing.parameters import FilingParameters, FilingScope
from apps.reports.dora.register import open_register
from tests.builders import NOW, TODAY
from tests.proof.senders.installation import python_client
from tests.reports.insurer import (
    Insurer,
    complete_register,
    give_valid_leis,
    make_insurer,
)

pytestmark = [pytest.mark.proof, pytest.mark.django_db]
_EMPTY_KEY = re.compile(r"(b_\d\d\.\d\d)\.csv row (\d+): key column 'c(\d{4})' is empty")


@pytest.fixture
def insurer() -> Insurer:
    insurer = make_insurer()
    give_valid_leis()
    return insurer


def findings_of(insurer: Insurer, folder: Path) -> dict[str, list[str]]:
    """Return {rule: details} that the program reports about the package."""
    content, name = open_package(_parameters(), user=insurer.governance)
    with content:
        (folder / name).write_bytes(content.read())
    said = subprocess.run(
        [
            str(python_client("xbridge") / "xbridge"),
            "validate",
            "--eba",
            "--json",
            str(folder / name),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    scopes = json.loads(said.stdout)
    return {
        rule: [one["context"]["detail"] for one in findings]
        for scope in scopes.values()
        for findings_by_rule in scope.values()
        for rule, findings in findings_by_rule.items()
    }


def _parameters() -> FilingParameters:
    return FilingParameters(
        entity=reporting_entity(),
        scope=FilingScope.CONSOLIDATED,
        reference_date=TODAY,
        currency="USD",
        at=NOW,
    )


def test_of_an_incomplete_package_it_finds_the_empty_keys_of_the_check_list_and_nothing_else(
    insurer: Insurer, tmp_path: Path
) -> None:
    found = findings_of(insurer, tmp_path)

    with open_register(user=insurer.governance, on=TODAY) as register:
        check_list = check_filing(register, _parameters(), limit=1_000)
    assert set(found) == {"CSV-044"}
    theirs = set()
    for detail in found["CSV-044"]:
        place = _EMPTY_KEY.search(detail)
        assert place is not None, detail
        # its rows count the header
        theirs.add((place[1].upper(), int(place[2]) - 1, place[3]))
    ours = {
        (one.template, one.row, one.column)
        for one in check_list.findings
        if one.rule is FilingRule.EMPTY_KEY
    }
    assert theirs == ours


def test_of_a_complete_package_it_finds_nothing(insurer: Insurer, tmp_path: Path) -> None:
    complete_register(insurer)

    assert findings_of(insurer, tmp_path) == {}
    with open_register(user=insurer.governance, on=TODAY) as register:
        assert check_filing(register, _parameters(), limit=1_000).n_rejecting == 0
