"""What else a CycloneDX component tells of a model, kept beside the sighting as facts: capped, and
without pictures."""

from collections.abc import Mapping
from typing import Any

import orjson

from apps.intake.documents import clean
from apps.intake.readers.json_text import listed, mapping, mappings, text, trimmed

MOST_BYTES = 24 * 1024
_PARTIES = ("publisher", "manufacturer", "supplier")
_CONSIDERATIONS = (
    ("users", "users"),
    ("useCases", "use_cases"),
    ("technicalLimitations", "technical_limitations"),
    ("performanceTradeoffs", "performance_tradeoffs"),
    ("ethicalConsiderations", "ethical_considerations"),
    ("fairnessAssessments", "fairness_assessments"),
    ("environmentalConsiderations", "environmental_considerations"),
)


def facts_of(component: Mapping[str, Any]) -> dict[str, Any]:
    """Version, parties, licences, digests, addresses and the model card, as far as they are
    there."""
    facts: dict[str, Any] = {
        "version": text(component.get("version"), 120),
        "group": text(component.get("group"), 120),
        "purl": _purl(text(component.get("purl"), 300)),
        "description": text(component.get("description"), 500),
        **{party: party_name(component.get(party)) for party in _PARTIES},
        "licences": [
            licence
            for licence in map(_licence, mappings(component.get("licenses"))[:10])
            if licence
        ],
        "hashes": [
            {"alg": text(each.get("alg"), 20), "content": text(each.get("content"), 200)}
            for each in mappings(component.get("hashes"))[:5]
        ],
        "references": [
            {"type": text(each.get("type"), 60), "url": text(each.get("url"), 300)}
            for each in mappings(component.get("externalReferences"))[:10]
        ],
        "card": card_of(mapping(component.get("modelCard"))),
    }
    return within(facts)


def within(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty, and cut shorter until it is no larger than we keep."""
    kept: dict[str, Any] = trimmed(dict(facts))
    for longest, most in ((300, 12), (100, 6)):
        if len(orjson.dumps(kept)) <= MOST_BYTES:
            return kept
        kept = trimmed(kept, longest=longest, most=most)
    return (
        kept
        if len(orjson.dumps(kept)) <= MOST_BYTES
        else trimmed(kept, longest=60, most=4, depth=3)
    )


def card_of(card: Mapping[str, Any]) -> dict[str, Any]:
    parameters, considerations = (
        mapping(card.get("modelParameters")),
        mapping(card.get("considerations")),
    )
    metrics = mappings(mapping(card.get("quantitativeAnalysis")).get("performanceMetrics"))
    return {
        "parameters": {
            "approach": mapping(parameters.get("approach")).get("type"),
            "task": parameters.get("task"),
            "architecture_family": parameters.get("architectureFamily"),
            "architecture": parameters.get("modelArchitecture"),
            "datasets": [_dataset(each) for each in listed(parameters.get("datasets"))[:25]],
            "inputs": [
                text(each.get("format"), 120) for each in mappings(parameters.get("inputs"))
            ],
            "outputs": [
                text(each.get("format"), 120) for each in mappings(parameters.get("outputs"))
            ],
        },
        "metrics": [_metric(each) for each in metrics[:25]],
        "considerations": {name: considerations.get(key) for key, name in _CONSIDERATIONS},
    }


def _metric(said: Mapping[str, Any]) -> dict[str, Any]:
    interval = mapping(said.get("confidenceInterval"))
    return {
        "type": said.get("type"),
        "value": said.get("value"),
        "slice": said.get("slice"),
        "lower": interval.get("lowerBound"),
        "upper": interval.get("upperBound"),
    }


def _dataset(said: Any) -> dict[str, Any]:
    """By itself, or a reference to a component that is one."""
    if not isinstance(said, Mapping):
        return {}
    return {
        "name": text(said.get("name")),
        "ref": text(said.get("ref")),
        "url": text(mapping(said.get("contents")).get("url"), 300),
        "classification": text(said.get("classification"), 120),
    }


def _purl(said: str) -> str:
    """Without those that a scanner made up by putting a sentence behind pkg:."""
    return "" if " " in said else said


def _licence(said: Mapping[str, Any]) -> str:
    licence = mapping(said.get("license"))
    return text(licence.get("id") or licence.get("name") or said.get("expression"), 120)


def party_name(said: Any) -> str:
    """A publisher is a text, a manufacturer or supplier an organisation."""
    return text(mapping(said).get("name"), 120) if isinstance(said, Mapping) else text(said, 120)


def properties_of(said: Mapping[str, Any]) -> dict[str, list[str]]:
    """{name: values}: a name may stand several times."""
    found: dict[str, list[str]] = {}
    for each in mappings(said.get("properties")):
        found.setdefault(clean(each.get("name"), 120), []).append(text(each.get("value"), 500))
    return found
