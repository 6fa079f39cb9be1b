"""manage.py capabilities: JSON lines in and out."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS
from apps.catalog.capabilities.settlement import settle_values
from tests.builders import make_claim, make_offering, make_provider, make_source

pytestmark = pytest.mark.django_db


def answers(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    call_command("capabilities", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def offering_with_claims() -> None:
    offering = make_offering("one", host=make_provider("openai"))
    value = {"vision": {"value": True, "at": "2026-08-01"}}
    make_claim(make_source(), "one", offering=offering, topic="capability", value=value)
    settle_values([offering.pk], at=datetime(2026, 9, 1, tzinfo=UTC))


@pytest.mark.usefixtures("offering_with_claims")
def test_each_line_has_all_fields_and_unknown_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    question = json.dumps({"host": "openai", "api_id": "one"})

    [line] = answers(monkeypatch, question, "")

    assert (line["host"], line["api_id"]) == ("openai", "one")
    assert list(line["capabilities"]) == list(CAPABILITY_FIELDS)
    assert line["capabilities"]["vision"]["value"] is True
    assert line["capabilities"]["vision"]["at"] == "2026-08-01"
    assert line["capabilities"]["vision"]["agreed"] == 1
    assert line["capabilities"]["pdf"] is None


def test_an_unknown_offering_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = answers(monkeypatch, json.dumps({"host": "openai", "api_id": "two"}))

    assert set(line["capabilities"].values()) == {None}
    assert line["reason"] == "The catalogue does not know two at openai."


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"host": "openai"}', '{"host": 1}', "3"])
def test_a_bad_line_ends_the_command_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    with pytest.raises(CommandError, match="Line 1 is not a JSON object") as error:
        answers(monkeypatch, line)
    assert error.value.returncode == 2


def test_a_prefix_names_the_host_or_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    host = make_provider("azure")
    make_offering("one", host=host)
    make_offering("one", host=host, region_scope="eu")

    spellings = ["eu/one", "azure/one", "ONE", "us/one", "1024-x-1024/one"]
    found = answers(
        monkeypatch, *(json.dumps({"host": "azure", "api_id": each}) for each in spellings)
    )

    assert ["reason" in line for line in found] == [False, False, False, True, True]
