"""Declared requirements in a spreadsheet: a column, changed and cleared, exported as it is read."""

import pytest

from apps.common.time import day_of, now
from apps.intake.models import ImportRow
from apps.intake.spreadsheets.export import csv_lines, dependency_headers, dependency_rows
from apps.inventory.actions.requirements import declare_requirements
from apps.inventory.actions.undo import undo_change
from apps.inventory.models import Application, Dependency, Requirement
from apps.inventory.requirements import declared_requirements
from tests.builders import make_application, make_dependency
from tests.intake.spreadsheets.claims_team import confirm, outcomes, preview, reasons

pytestmark = pytest.mark.django_db

HEADS = ["Name", "Team", "Model ID", "Host", "Requirements"]


def row(requirements: str, name: str = "Bot") -> list[str]:
    return [name, "claims", "gpt-4o-2024-11-20", "openai", requirements]


def declared() -> dict[str, object]:
    pk = Dependency.objects.get().pk
    return declared_requirements([pk]).get(pk, {})


def test_a_new_use_with_its_requirements_changed_cleared_and_undone(claims):
    confirm(preview([HEADS, row("Tools; context window = 90 000; not PDF")], claims.by))
    assert declared() == {"tool_calling": True, "pdf": False, "context_window": 90_000}

    again = preview([HEADS, row("tool_calling; not pdf; context_window=90000")], claims.by)
    assert outcomes(again) == ["unchanged"]

    changed = confirm(preview([HEADS, row("tool_calling; pdf")], claims.by))
    assert declared() == {"tool_calling": True, "pdf": True}
    undo_change(change=changed.change, by=claims.by)
    assert declared() == {"tool_calling": True, "pdf": False, "context_window": 90_000}

    # an empty cell keeps what is recorded
    assert outcomes(preview([HEADS, row("")], claims.by)) == ["unchanged"]
    confirm(preview([HEADS, row("(none)")], claims.by))
    assert declared() == {}


def test_a_wrong_cell_is_said(claims):
    import_ = preview([HEADS, row("flying; tool_calling")], claims.by)
    rejected = ImportRow.objects.get(import_record=import_)
    told = " ".join(sentence for _, sentence in reasons(import_)) + str(rejected.reasons)
    assert "'flying' is not a requirement" in told


def test_an_export_is_read_as_unchanged(claims):
    dependency = make_dependency(make_application("Bot", team=claims.team), claims.gpt)
    other = make_dependency(make_application("Other", team=claims.team), claims.gpt)
    declare_requirements(
        dependency=dependency,
        values={"vision": False, "max_output": 8_000, "tool_calling": True},
        by=claims.by,
    )
    Requirement.objects.create(dependency=other, field="pdf", value=True, origin="observed")

    lines = list(
        csv_lines(
            dependency_headers(),
            dependency_rows(Application.objects.all(), on=day_of(now())),
        )
    )
    assert "tool_calling; not vision; max_output=8000" in lines[1]
    assert "pdf" not in lines[2]
    assert set(outcomes(preview("".join(lines).encode(), claims.by))) == {"unchanged"}
