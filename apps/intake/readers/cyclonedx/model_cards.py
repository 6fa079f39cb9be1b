"""Model cards of CycloneDX components, kept beside the sighting as facts: bounded, and without
pictures."""

from collections.abc import Mapping
from typing import Any

import orjson

from apps.intake.documents.records import clean
from apps.intake.readers.json_text import as_list, as_mapping, as_mappings, as_text, trim_value

MAX_FACT_BYTES = 24 * 1024
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
    """Return version, parties, licences, digests, URLs and the model card, as far as they exist."""
    facts: dict[str, Any] = {
        "version": as_text(component.get("version"), 120),
        "group": as_text(component.get("group"), 120),
        "purl": _purl(as_text(component.get("purl"), 300)),
        "description": as_text(component.get("description"), 500),
        **{party: party_name(component.get(party)) for party in _PARTIES},
        "licences": [
            licence
            for licence in map(_licence, as_mappings(component.get("licenses"))[:10])
            if licence
        ],
        "hashes": [
            {"alg": as_text(each.get("alg"), 20), "content": as_text(each.get("content"), 200)}
            for each in as_mappings(component.get("hashes"))[:5]
        ],
        "references": [
            {"type": as_text(each.get("type"), 60), "url": as_text(each.get("url"), 300)}
            for each in as_mappings(component.get("externalReferences"))[:10]
        ],
        "card": card_of(as_mapping(component.get("modelCard"))),
    }
    return limit_facts(facts)


def limit_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts without empty ones, cut until they are within the size limit."""
    kept: dict[str, Any] = trim_value(dict(facts))
    for longest, most in ((300, 12), (100, 6)):
        if len(orjson.dumps(kept)) <= MAX_FACT_BYTES:
            return kept
        kept = trim_value(kept, longest=longest, most=most)
    return (
        kept
        if len(orjson.dumps(kept)) <= MAX_FACT_BYTES
        else trim_value(kept, longest=60, most=4, depth=3)
    )


def card_of(card: Mapping[str, Any]) -> dict[str, Any]:
    parameters, considerations = (
        as_mapping(card.get("modelParameters")),
        as_mapping(card.get("considerations")),
    )
    metrics = as_mappings(as_mapping(card.get("quantitativeAnalysis")).get("performanceMetrics"))
    return {
        "parameters": {
            "approach": as_mapping(parameters.get("approach")).get("type"),
            "task": parameters.get("task"),
            "architecture_family": parameters.get("architectureFamily"),
            "architecture": parameters.get("modelArchitecture"),
            "datasets": [_dataset(each) for each in as_list(parameters.get("datasets"))[:25]],
            "inputs": [
                as_text(each.get("format"), 120) for each in as_mappings(parameters.get("inputs"))
            ],
            "outputs": [
                as_text(each.get("format"), 120) for each in as_mappings(parameters.get("outputs"))
            ],
        },
        "metrics": [_metric(each) for each in metrics[:25]],
        "considerations": {name: considerations.get(key) for key, name in _CONSIDERATIONS},
    }


def _metric(said: Mapping[str, Any]) -> dict[str, Any]:
    interval = as_mapping(said.get("confidenceInterval"))
    return {
        "type": said.get("type"),
        "value": said.get("value"),
        "slice": said.get("slice"),
        "lower": interval.get("lowerBound"),
        "upper": interval.get("upperBound"),
    }


def _dataset(said: Any) -> dict[str, Any]:
    """Read a dataset, inline or a reference to a component that is one."""
    if not isinstance(said, Mapping):
        return {}
    return {
        "name": as_text(said.get("name")),
        "ref": as_text(said.get("ref")),
        "url": as_text(as_mapping(said.get("contents")).get("url"), 300),
        "classification": as_text(said.get("classification"), 120),
    }


def _purl(said: str) -> str:
    """Return the package URL, without those that a scanner made up by putting a sentence behind
    pkg:."""
    return "" if " " in said else said


def _licence(said: Mapping[str, Any]) -> str:
    licence = as_mapping(said.get("license"))
    return as_text(licence.get("id") or licence.get("name") or said.get("expression"), 120)


def party_name(said: Any) -> str:
    """Return the name of a party: a publisher is a text, a manufacturer or supplier an
    organisation."""
    return (
        as_text(as_mapping(said).get("name"), 120)
        if isinstance(said, Mapping)
        else as_text(said, 120)
    )


def properties_of(said: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return {name: values}: a name may occur several times."""
    found: dict[str, list[str]] = {}
    for each in as_mappings(said.get("properties")):
        found.setdefault(clean(each.get("name"), 120), []).append(as_text(each.get("value"), 500))
    return found
