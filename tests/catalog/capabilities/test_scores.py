"""Scores of the shipped catalogue against providers' own words, and of fits against known pairs.

The figures without single facts are those of a catalogue that was built from feeds and providers'
lists alone."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS
from apps.catalog.capabilities.fit import judge_item
from apps.catalog.capabilities.offering_lookup import find_offerings
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.settlement import settle_values
from apps.catalog.capabilities.values import UNKNOWN
from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import Assertion
from apps.common.time import now

pytestmark = [pytest.mark.django_db, pytest.mark.proof, pytest.mark.shared]

SHARED = Path(__file__).parents[4] / "shared" / "capabilities"
LIMITS = {"context_window", "max_output"}
_NAMES = {"speech": "audio", "file": "pdf", "document": "pdf", "embeddings": "embedding"}


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SHARED / name).read_text().splitlines()]


def is_right(field: str, truth: Any, answer: Any) -> bool:
    if field.endswith("modalities"):
        return {_NAMES.get(name, name) for name in truth} == set(answer)
    if field in LIMITS:
        return bool(abs(answer - truth) <= 0.05 * truth)
    return bool(answer == truth)


@pytest.fixture
def loaded() -> None:
    load_catalogue()


def score_claims() -> dict[str, Counter[str]]:
    """{"flags" or "limits": counts of right, wrong, unknown and contradicted}."""
    truth = lines("truth_dev.jsonl")
    found = find_offerings({(fact["host"], fact["model_id"]) for fact in truth})
    values = settled_values(list(found.values()))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for fact in truth:
        offering_id = found.get((fact["host"], fact["model_id"]), 0)
        value = values.get(offering_id, {}).get(fact["field"], UNKNOWN)
        if value.value is None:
            answer = "contradicted" if value.contradicted else "unknown"
        else:
            answer = "right" if is_right(fact["field"], fact["value"], value.value) else "wrong"
        counts["limits" if fact["field"] in LIMITS else "flags"][answer] += 1
    return counts


def share_right(counts: Counter[str]) -> float:
    return counts["right"] / (counts["right"] + counts["wrong"])


@pytest.mark.usefixtures("loaded")
def test_claims_are_right_where_they_answer() -> None:
    counts = score_claims()
    total = counts["flags"] + counts["limits"]
    print(dict(counts))

    assert share_right(counts["flags"]) >= 0.97
    assert share_right(counts["limits"]) >= 0.95
    assert (total["right"] + total["wrong"]) / total.total() >= 0.8


@pytest.mark.usefixtures("loaded")
def test_claims_are_right_without_the_providers_pages() -> None:
    """Pages give the facts of one half of the models; the others have feeds and lists only."""
    paged = Assertion.objects.filter(
        topic="capability", external_id__regex="^models-(anthropic|cohere|mistral|openai):"
    )
    offering_ids = set(paged.values_list("offering_id", flat=True))
    paged.update(withdrawn_at=now())
    settle_values(offering_ids, at=now())

    counts = score_claims()
    total = counts["flags"] + counts["limits"]
    print(dict(counts))

    assert share_right(counts["flags"]) >= 0.97
    assert share_right(counts["limits"]) >= 0.95
    # of what a source states, which leaves out what no feed and no list says
    stated = total.total() - total["unknown"]
    assert (total["right"] + total["wrong"]) / stated >= 0.8


@pytest.mark.usefixtures("loaded")
def test_fits_of_known_pairs_are_right() -> None:
    pairs = lines("successors_dev.jsonl")
    written = {(pair["host"], pair[side]) for pair in pairs for side in ("old", "new")}
    found = find_offerings({(host, api_id) for host, api_id in written if api_id})
    values = settled_values(list(found.values()))
    counts: Counter[str] = Counter()
    for pair in pairs:
        old, new = (
            values.get(found.get((pair["host"], pair[side] or ""), 0), {})
            for side in ("old", "new")
        )
        for field, truth in pair["fields"].items():
            assert field in CAPABILITY_FIELDS
            verdict = judge_item(field, old.get(field, UNKNOWN).value, new.get(field))
            known = truth["verdict"]
            counts["right" if verdict == known else f"{known} said {verdict}"] += 1
    print(dict(counts))

    assert counts["right"] / counts.total() >= 0.9
    # the list of its provider contradicts the feed that the pairs rest on, for one old model
    assert counts["lost said kept"] <= 1
    # providers' lists of models whose facts the pairs do not know
    assert counts["unknown said kept"] / counts.total() <= 0.015
