"""What scanners find in trees whose models are known: the figures of docs/intake.md."""

import pytest

from tests.intake.readers.detection import measure


@pytest.mark.proof
@pytest.mark.shared
def test_the_tools_together_find_more_than_any_alone(shared):
    rows = {row.tool: row for row in measure(shared / "samples")}

    assert {tool: (row.n_right, row.n_used) for tool, row in rows.items()} == {
        "ai-bom": (5, 27),
        "airom": (11, 27),
        "aisbom-cli": (0, 15),
        "cdxgen": (8, 27),
        "cisco-aibom": (6, 15),
        "all together": (15, 27),
    }
    assert rows["all together"].n_wrong == 2, "what cdxgen could not read, and asks a person about"
