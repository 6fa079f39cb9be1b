"""manage.py fit: pairs of offerings as JSON lines, and how often it is right about recorded
pairs."""

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import SettledClaims
from tests.builders import NOW, make_claim, make_offering, make_price, make_provider, make_source
from tests.worlds.fit import settle

pytestmark = pytest.mark.django_db


def _ask(monkeypatch: pytest.MonkeyPatch, *questions: dict[str, Any]) -> list[dict[str, Any]]:
    lines = "\n".join(map(json.dumps, questions))
    monkeypatch.setattr("sys.stdin", io.StringIO(lines + "\n\n"))
    out = io.StringIO()
    call_command("fit", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def _pair(old: str, new: str, uses: Any = None, *, host: str = "openai") -> dict[str, Any]:
    return {
        "old": {"host": host, "api_id": old},
        "new": {"host": host, "api_id": new},
        "uses": uses,
    }


def _two_offerings() -> None:
    host = make_provider("openai")
    old = make_offering("gpt-4o", host=host)
    new = make_offering("gpt-5", host=host)
    settle(
        old,
        vision=True,
        tool_calling=True,
        audio_input=False,
        context_window=128_000,
        input_modalities=["image", "text"],
        knowledge_cutoff="2023-10",
    )
    settle(new, vision=False, tool_calling=True, context_window=122_000)
    make_price(old, "input", "2.5")
    make_price(new, "input", "1.25")
    make_price(old, "output", "10")
    make_price(new, "output", "10", currency="EUR")


def test_without_uses_everything_that_the_old_one_offers_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _two_offerings()
    (answer,) = _ask(monkeypatch, _pair("gpt-4o", "gpt-5"))
    verdicts = {item["field"]: item["verdict"] for item in answer["items"]}
    assert answer["verdict"] == "breaks"
    assert list(verdicts)[:3] == ["input_modalities", "output_modalities", "tool_calling"]
    assert "knowledge_cutoff" not in verdicts
    assert verdicts["vision"] == "lost"
    assert verdicts["tool_calling"] == "kept"
    assert verdicts["audio_input"] == "not_used"
    assert verdicts["context_window"] == "kept"  # smaller by less than 5 %
    assert verdicts["input_modalities"] == verdicts["pdf"] == "unknown"
    # another currency is no ratio
    assert answer["price_ratio"] == {"input": 0.5, "output": None}
    assert "reason" not in answer


def test_uses_are_fields_and_values(monkeypatch: pytest.MonkeyPatch) -> None:
    _two_offerings()
    uses = [{"context_window": 90_000}, "tool_calling", "knowledge_cutoff"]
    fitting, asked = _ask(
        monkeypatch, _pair("gpt-4o", "gpt-5", uses[:2]), _pair("gpt-4o", "gpt-5", uses)
    )
    assert fitting["verdict"] == "fits"
    assert fitting["items"] == [
        {"field": "tool_calling", "needed": True, "new": True, "verdict": "kept"},
        {"field": "context_window", "needed": 90_000, "new": 122_000, "verdict": "kept"},
    ]
    assert asked["verdict"] == "unknown"
    assert asked["items"][-1]["needed"] == "2023-10"


def test_an_unknown_offering_is_unknown_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _two_offerings()
    (answer,) = _ask(monkeypatch, _pair("gpt-4o", "gpt-9", ["vision"]))
    assert answer["verdict"] == "unknown"
    assert answer["items"] == [
        {"field": "vision", "needed": True, "new": None, "verdict": "unknown"}
    ]
    assert answer["price_ratio"] == {"input": None, "output": None}
    assert answer["reason"] == "The catalogue does not know gpt-9 at openai."


def test_ids_are_found_in_any_case_and_with_prefixes(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = make_provider("azure")
    settle(make_offering("gpt-4o", host=azure), vision=False)
    in_europe = make_offering("gpt-4o", host=azure, region_scope="eu")
    settle(in_europe, vision=True)
    named = make_offering("o9-preview", host=azure)
    settle(named, vision=True)
    make_claim(make_source(), "azure_ai/o9", offering=named, topic="price")
    answers = _ask(
        monkeypatch,
        *(
            _pair("x", name, ["vision"], host="Azure")
            for name in ("GPT-4o", "eu/gpt-4o", "azure/gpt-4o", "azure_ai/o9")
        ),
    )
    assert [answer["items"][0]["new"] for answer in answers] == [False, True, False, True]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("no json", "Line 1 is not a JSON object"),
        ('{"old": {"host": "openai"}}', "Line 1 is not a JSON object"),
        (json.dumps(_pair("a", "b", ["sight"])), "sight is not a field"),
        (json.dumps(_pair("a", "b", [{"context_window": -1}])), "Context window must be"),
        (json.dumps(_pair("a", "b", 7)), "Line 1 is not a JSON object"),
    ],
)
def test_a_wrong_line_says_what_to_correct(
    monkeypatch: pytest.MonkeyPatch, line: str, sentence: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(line))
    with pytest.raises(CommandError, match=sentence) as error:
        call_command("fit")
    assert error.value.returncode == 2


@pytest.mark.proof
@pytest.mark.shared
def test_recorded_successors_are_judged_as_their_sources_say(
    monkeypatch: pytest.MonkeyPatch, shared: Path
) -> None:
    """Nine of ten items of the recorded pairs are right, and hardly any lost or unknown one is said
    to be kept: only where the list of a provider says what the pairs do not know."""
    load_catalogue(at=NOW)
    if not SettledClaims.objects.exists():
        pytest.skip("The built-in catalogue ships no claims about capabilities.")
    lines = (shared / "capabilities" / "successors_dev.jsonl").read_text().splitlines()
    pairs = [json.loads(line) for line in lines]
    answers = _ask(
        monkeypatch,
        *(_pair(pair["old"], pair["new"] or "", host=pair["host"]) for pair in pairs),
    )
    outcomes: Counter[str] = Counter()
    for pair, answer in zip(pairs, answers, strict=True):
        said = {item["field"]: item["verdict"] for item in answer["items"]}
        for field, truth in pair["fields"].items():
            is_right = said[field] == truth["verdict"]
            outcomes["right" if is_right else f"{truth['verdict']} said {said[field]}"] += 1
    assert outcomes["lost said kept"] <= 1, outcomes
    assert outcomes["unknown said kept"] / outcomes.total() <= 0.015, outcomes
    assert outcomes["right"] / outcomes.total() >= 0.9, outcomes
