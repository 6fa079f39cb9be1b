"""The DORA register: values worked out by hand, what is missing, and the rules on which it would be
rejected."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.inventory.models import Application, Contract, ExitPlan
from apps.reports.dora.register import RegisterCompleteness, open_register
from apps.reports.dora.templates import (
    ASSESSMENT,
    CONTRACTS,
    FUNCTIONS,
    PROVIDERS,
    SERVICES,
    SUPPLY_CHAIN,
    TEMPLATES,
)
from apps.reports.tables import EntryPlace, ReportCell, ReportTable
from tests.builders import TODAY, make_dependency
from tests.reports.insurer import Insurer, lei, more_applications


def cells(table: ReportTable, user: User) -> list[dict[str, ReportCell]]:
    with open_register(user=user, on=TODAY) as register:
        codes = [column.code for column in table.columns]
        return [dict(zip(codes, row.cells, strict=True)) for row in register.rows(table)]


def values(table: ReportTable, user: User) -> list[dict[str, Any]]:
    return [{code: cell.value for code, cell in row.items()} for row in cells(table, user)]


def completeness(user: User) -> RegisterCompleteness:
    with open_register(user=user, on=TODAY) as register:
        return register.completeness(gaps=50)


def test_a_contract_costs_what_is_entered_else_twelve_months_of_the_spend_on_record(
    insurer: Insurer,
) -> None:
    (row,) = cells(CONTRACTS, insurer.governance)
    assert row["0010"].value == "AWS-1"
    assert row["0050"].value == Decimal(12_000)
    assert row["0050"].how == "12 × the monthly spend recorded on 1 of 1 dependencies"
    assert (row["0030"].value, row["0030"].how) == (
        None,
        "only for a contract under an overarching one",
    )

    Contract.objects.update(annual_cost=Decimal(900))
    (row,) = cells(CONTRACTS, insurer.governance)
    assert (row["0050"].value, row["0050"].how) == (Decimal(900), "")


def test_a_service_says_who_relies_on_it_and_how_far(insurer: Insurer) -> None:
    by_provider = {row["0030"]: row for row in values(SERVICES, insurer.governance)}
    claims = by_provider[lei(3)]
    assert claims | {"0180": ""} == {
        "0010": "AWS-1",
        "0020": lei(1),
        "0030": lei(3),
        "0040": "LEI",
        "0050": "F1",
        "0060": "S19 Cloud: SaaS",
        "0070": date(2025, 1, 1),
        "0080": date(9999, 12, 31),
        "0090": None,
        "0100": 30,
        "0110": 90,
        "0120": "LU",
        "0130": "LU",
        "0140": "Yes",
        "0150": "DE",
        "0160": "DE",
        "0170": "Medium",
        "0180": "",
    }
    # every primary of the function has a tested way out that avoids Amazon
    assert claims["0180"] == "Low reliance"
    # the fallback at Azure is leaned on, and there is no contract with Azure
    assert by_provider[lei(5)]["0180"] == "Not significant"
    assert by_provider[lei(5)]["0010"] is None
    # nothing would take over for the drafter
    assert by_provider[None]["0180"] == "Full reliance"


def test_what_people_enter_outranks_what_is_derived(insurer: Insurer) -> None:
    ExitPlan.objects.update(
        reliance="material",
        substitutability="highly_complex",
        reason="migration",
        alternatives_identified="yes",
        alternatives="Two were looked at",
    )
    service = next(
        row for row in cells(SERVICES, insurer.governance) if row["0010"].value == "AWS-1"
    )
    assert service["0180"].value == "Material reliance"
    assert service["0180"].how == "entered for 1 of 1 primaries; the strongest"
    (row,) = cells(ASSESSMENT, insurer.governance)
    assert row["0050"].value == "Highly complex to substitute"
    assert row["0060"].value == "Migration is difficult"
    assert row["0120"].value == "Azure, Two were looked at"


def test_substitutability_comes_from_the_exit_test_and_says_so(insurer: Insurer) -> None:
    (row,) = cells(ASSESSMENT, insurer.governance)
    assert (row["0010"].value, row["0020"].value) == ("AWS-1", lei(3))
    assert row["0050"].value == "Easily substitutable"
    assert (
        row["0050"].how
        == "the hardest of the primaries: 0 entered, 1 derived from exit tests and fallbacks"
    )
    assert (row["0060"].value, row["0060"].how) == (None, "only where it is hard to substitute")
    assert row["0070"].value == date(2026, 5, 4)
    assert (row["0080"].value, row["0080"].how) == ("Yes", "primaries with an exit plan: 1 of 1")
    assert (row["0090"].value, row["0100"].value) == ("Difficult", "High")
    assert (row["0110"].value, row["0120"].value) == ("Yes", "Azure")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda insurer: insurer.primary.exit_tests.update(effort_days=60),
            "Medium complexity to substitute",
        ),
        (
            lambda insurer: insurer.primary.exit_tests.update(effort_days=120),
            "Highly complex to substitute",
        ),
        (lambda insurer: insurer.primary.exit_tests.all().delete(), "Highly complex to substitute"),
        (lambda insurer: _alone(insurer, "no"), "Not substitutable"),
        (lambda insurer: _alone(insurer, ""), None),
    ],
)
def test_the_harder_the_way_out_the_less_substitutable(
    insurer: Insurer, change: Callable[[Insurer], Any], said: str | None
) -> None:
    from apps.exposure.engine.table_refresh import refresh

    change(insurer)
    refresh(on=TODAY)
    (row,) = cells(ASSESSMENT, insurer.governance)
    assert row["0050"].value == said
    assert row["0050"].is_missing == (said is None)


def _alone(insurer: Insurer, alternatives: str) -> None:
    """Nothing would take over; `alternatives` is what somebody found when looking, or nobody
    looked."""
    insurer.primary.exit_tests.all().delete()
    insurer.triage.dependencies.filter(role="fallback").delete()
    ExitPlan.objects.update(target=None, alternatives_identified=alternatives)


def test_the_developer_behind_the_host_is_the_second_rank(insurer: Insurer) -> None:
    chain = {
        (row["0010"], row["0030"], row["0050"], row["0060"])
        for row in values(SUPPLY_CHAIN, insurer.governance)
    }
    assert ("AWS-1", lei(3), 1, None) in chain
    # Anthropic has no LEI on record: it is in the chain, and missing is said
    assert ("AWS-1", None, 2, lei(3)) in chain
    assert (None, lei(5), 1, None) in chain
    assert (None, lei(6), 2, lei(5)) in chain
    assert len(chain) == 5


def test_providers_come_with_their_ultimate_parent(insurer: Insurer) -> None:
    rows = {
        row["0050"].value or row["0080"].value: row for row in cells(PROVIDERS, insurer.governance)
    }
    bedrock, amazon = rows["AWS EMEA"], rows["Amazon"]
    assert (bedrock["0110"].value, bedrock["0100"].value, bedrock["0090"].value) == (
        lei(2),
        Decimal(12_000),
        "USD",
    )
    assert amazon["0110"].how == "the provider is its own ultimate parent"
    assert amazon["0100"].how == "not a direct provider"
    assert rows["FR"]["0010"].is_missing


def test_a_function_has_the_gravest_values_of_its_applications(insurer: Insurer) -> None:
    rows = {row["0010"].value: row for row in cells(FUNCTIONS, insurer.governance)}
    claims = rows["F1"]
    assert {code: cell.value for code, cell in claims.items()} == {
        "0010": "F1",
        "0020": "Liability insurance",
        "0030": "Claims",
        "0040": lei(1),
        "0050": "Yes",
        "0060": "Claims stand still",
        "0070": date(2026, 3, 1),
        "0080": 4,
        "0090": 24,
        "0100": "High",
    }
    assert rows[None]["0050"].value == "No"


def test_what_is_missing_is_listed_with_where_to_enter_it(insurer: Insurer) -> None:
    found = completeness(insurer.governance)
    gaps = {(gap.place, gap.name): gap.labels for gap in found.gaps}
    assert "RT.02.02.0010" in gaps[EntryPlace.NO_CONTRACT, "Mistral"]
    assert "RT.05.01.0010" in gaps[EntryPlace.PROVIDER, "Anthropic"]
    assert gaps[EntryPlace.APPLICATION, "Mail drafter"][:1] == ["RT.02.02.0050"]
    assert (EntryPlace.CONTRACT, "AWS-1 with Bedrock") not in gaps
    assert not any(gap.place == EntryPlace.ORGANISATION for gap in found.gaps)
    assert found.whole.n_missing == sum(fill.n_missing for fill in found.fills.values())
    assert found.whole.n_cells == found.whole.n_filled + found.whole.n_missing
    # each listed gap stands for cells that are really empty
    assert sum(gap.n_cells for gap in found.gaps) == found.whole.n_missing


def test_the_rules_that_reject_a_register_are_run(insurer: Insurer) -> None:
    found = completeness(insurer.governance)
    broken = {(str(check.rule), check.table.code, check.code): check.n for check in found.failed}
    assert broken["805", "RT.02.02", "0010"] == 2
    assert broken["805", "RT.02.02", "0050"] == 1
    assert ("806", "RT.05.01", "") not in broken
    assert not any(rule == "807" for rule, _, _ in broken)
    sentence = next(
        check.sentence for check in found.checks if check.rule == "808" and check.table is CONTRACTS
    )
    assert sentence == "File RT.02.01 as reported: it has 1 row."


def test_a_key_that_stands_twice_is_found(insurer: Insurer) -> None:
    # two parties with one LEI are one key
    insurer.mistral.lei = lei(3)
    insurer.mistral.save()
    found = completeness(insurer.governance)
    doubled = [check for check in found.failed if check.rule == "806" and check.table is PROVIDERS]
    assert [check.sentence for check in doubled] == ["1 row of RT.05.01 repeats a key."]


def test_the_completeness_follows_what_is_entered(insurer: Insurer) -> None:
    before = completeness(insurer.governance).whole
    insurer.anthropic.lei = lei(4)
    insurer.anthropic.save()
    Application.objects.filter(pk=insurer.drafter.pk).update(
        function_ref="F2", business_function="Mail"
    )
    after = completeness(insurer.governance).whole
    assert after.n_missing < before.n_missing
    assert after.share > before.share


def test_an_editor_reads_the_own_teams_functions_and_no_contract(insurer: Insurer) -> None:
    assert values(CONTRACTS, insurer.editor) == []
    services = cells(SERVICES, insurer.editor)
    assert {row["0050"].value for row in services} == {"F1"}
    assert {row["0010"].how for row in services} == {
        "read by governance, auditors and administrators"
    }
    assert all(row["0010"].value is None for row in services)
    assert "Mistral" not in {gap.name for gap in completeness(insurer.editor).gaps}
    for table in TEMPLATES:
        assert values(table, insurer.outsider) == []


@pytest.mark.proof
def test_two_organisations_have_different_registers(insurer: Insurer) -> None:
    before = {table.slug: values(table, insurer.governance) for table in TEMPLATES}
    Contract.objects.update(ref="AWS-2", governing_law="IE")
    Application.objects.filter(pk=insurer.triage.pk).update(function_ref="F9", rto_hours=8)
    make_dependency(insurer.drafter, insurer.primary.offering)
    after = {table.slug: values(table, insurer.governance) for table in TEMPLATES}
    assert all(before[slug] != after[slug] for slug in before if slug != PROVIDERS.slug)


def test_it_costs_the_same_statements_whatever_the_portfolio(insurer: Insurer) -> None:
    def count() -> int:
        with (
            CaptureQueriesContext(connection) as queries,
            open_register(user=insurer.governance, on=TODAY) as register,
        ):
            register.completeness(gaps=50)
            for table in TEMPLATES:
                list(register.rows(table))
        return len(queries)

    few = count()
    more_applications(insurer, 27)
    assert count() == few
