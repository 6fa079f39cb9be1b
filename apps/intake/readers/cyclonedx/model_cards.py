"""Model cards of CycloneDX components, stored as facts of the sighting: limited in size, and
without pictures."""

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
    """Return version, parties, licences, digests, URLs and the model card, without empty values."""
    facts: dict[str, Any] = {
        "version": as_text(component.get("version"), 120),
        "group": as_text(component.get("group"), 120),
        "purl": _clean_purl(as_text(component.get("purl"), 300)),
        "description": as_text(component.get("description"), 500),
        **{party: party_name(component.get(party)) for party in _PARTIES},
        "licences": [
            licence
            for licence in map(_licence_name, as_mappings(component.get("licenses"))[:10])
            if licence
        ],
        "hashes": [
            {"alg": as_text(entry.get("alg"), 20), "content": as_text(entry.get("content"), 200)}
            for entry in as_mappings(component.get("hashes"))[:5]
        ],
        "references": [
            {"type": as_text(entry.get("type"), 60), "url": as_text(entry.get("url"), 300)}
            for entry in as_mappings(component.get("externalReferences"))[:10]
        ],
        "card": card_of(as_mapping(component.get("modelCard"))),
    }
    return limit_facts(facts)


def limit_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts without empty values, with texts and lists cut until they are within
    MAX_FACT_BYTES."""
    limited: dict[str, Any] = trim_value(dict(facts))
    for max_length, max_entries in ((300, 12), (100, 6)):
        if len(orjson.dumps(limited)) <= MAX_FACT_BYTES:
            return limited
        limited = trim_value(limited, max_length=max_length, max_entries=max_entries)
    return (
        limited
        if len(orjson.dumps(limited)) <= MAX_FACT_BYTES
        else trim_value(limited, max_length=60, max_entries=4, depth=3)
    )


def card_of(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a CycloneDX model card that are kept, under the names of the registry.
    Values are as published: strings, lists or None."""
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
            "datasets": [
                _read_dataset(entry) for entry in as_list(parameters.get("datasets"))[:25]
            ],
            "inputs": [
                as_text(entry.get("format"), 120) for entry in as_mappings(parameters.get("inputs"))
            ],
            "outputs": [
                as_text(entry.get("format"), 120)
                for entry in as_mappings(parameters.get("outputs"))
            ],
        },
        "metrics": [_read_metric(entry) for entry in metrics[:25]],
        "considerations": {name: considerations.get(key) for key, name in _CONSIDERATIONS},
    }


def _read_metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    interval = as_mapping(metric.get("confidenceInterval"))
    return {
        "type": metric.get("type"),
        "value": metric.get("value"),
        "slice": metric.get("slice"),
        "lower": interval.get("lowerBound"),
        "upper": interval.get("upperBound"),
    }


def _read_dataset(dataset: Any) -> dict[str, Any]:
    """Return the facts of a dataset, which is inline or a reference to a component."""
    if not isinstance(dataset, Mapping):
        return {}
    return {
        "name": as_text(dataset.get("name")),
        "ref": as_text(dataset.get("ref")),
        "url": as_text(as_mapping(dataset.get("contents")).get("url"), 300),
        "classification": as_text(dataset.get("classification"), 120),
    }


def _clean_purl(purl: str) -> str:
    """Return the package URL; empty if it contains spaces, as where a scanner puts a sentence after
    `pkg:`."""
    return "" if " " in purl else purl


def _licence_name(entry: Mapping[str, Any]) -> str:
    licence = as_mapping(entry.get("license"))
    return as_text(licence.get("id") or licence.get("name") or entry.get("expression"), 120)


def party_name(party: Any) -> str:
    """Return the name of a party: a publisher is a text, a manufacturer or supplier an
    organisation."""
    return (
        as_text(as_mapping(party).get("name"), 120)
        if isinstance(party, Mapping)
        else as_text(party, 120)
    )


def properties_of(element: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return {name: values} of the properties; a name may occur several times."""
    values_by_name: dict[str, list[str]] = {}
    for entry in as_mappings(element.get("properties")):
        values_by_name.setdefault(clean(entry.get("name"), 120), []).append(
            as_text(entry.get("value"), 500)
        )
    return values_by_name
