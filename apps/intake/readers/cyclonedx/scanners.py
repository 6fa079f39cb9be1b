"""Scanner dialects of CycloneDX: where each scanner writes the model of a component; some mark
every component as a model.

Based on the output of ai-bom 3.6, airom 0.5, cdxgen 12.8, cisco-aibom 1.10 and aisbom-cli 1.7, and
on the examples of the specification."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from packageurl import PackageURL

from apps.intake.documents.records import clean
from apps.intake.models import Confidence
from apps.intake.readers.cyclonedx.model_cards import party_name, properties_of
from apps.intake.readers.json_text import as_mapping, as_mappings, as_text
from apps.intake.readers.model_ids import join_version, role_of

MODEL_TYPE = "machine-learning-model"
# detections below this confidence of the scanner count as guesses
_MIN_CERTAINTY = 0.6
_AIROM_FACTS = (
    "eol.state",
    "eol.shutdownDate",
    "eol.replacement",
    "eol.source",
    "eol.sourceUrl",
    "eol.verified",
)


@dataclass(slots=True)
class ComponentModel:
    """Model of a component: `name` is the id as it was written; `raw_places` are (path, line) as
    the scanner wrote them."""

    name: str
    provider: str = ""
    role: str = ""
    confidence: int = Confidence.BOM
    raw_places: list[tuple[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def is_declared_model(component: Mapping[str, Any]) -> bool:
    return as_text(component.get("type")) == MODEL_TYPE or bool(
        properties_of(component).keys() & {"trusera:model_name", "airom:model.id"}
    )


def model_of_component(component: Mapping[str, Any], maker: str) -> ComponentModel | str:
    """Return the model of a component, or the reason why the component names none."""
    properties = properties_of(component)
    if maker == "ai-bom" or any(name.startswith("trusera:") for name in properties):
        model: ComponentModel | str = _read_ai_bom(component, properties)
    elif "airom:model.id" in properties:
        model = _read_airom(component, properties)
    elif any(name.startswith("cdx:ai:") for name in properties):
        model = _read_cdxgen(component, properties)
    elif maker == "cisco-aibom" or any(name.startswith("cisco-aibom:") for name in properties):
        model = _read_cisco(component, properties)
    else:
        model = _read_other_scanner(component)
    if isinstance(model, ComponentModel):
        model.role = model.role or role_of(_find_task(component))
        if not model.name:
            return "The component has no name."
    return model


def raw_places(component: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the (path, line) pairs that the component states; a line may be None."""
    properties = properties_of(component)
    places = []
    for occurrence in as_mappings(as_mapping(component.get("evidence")).get("occurrences")):
        path, mark, line = as_text(occurrence.get("location"), 500).rpartition("#L")
        places.append(
            (path, line)
            if mark and line.isdigit()
            else (as_text(occurrence.get("location"), 500), occurrence.get("line"))
        )
    for source_location in properties.get("trusera:source_location", []):
        path, colon, line = source_location.rpartition(":")
        if source_location != "dependency files":
            places.append((path, line) if colon and line.isdigit() else (source_location, None))
    lines = properties.get("cisco-aibom:line", [])
    for place, path in enumerate(properties.get("cisco-aibom:file", [])):
        places.append((path, lines[place] if place < len(lines) else None))
    return places


# --- one function per tool ------------------------------------------------------------------------


def _read_ai_bom(
    component: Mapping[str, Any], properties: Mapping[str, list[str]]
) -> ComponentModel | str:
    """Return the model that ai-bom reports for a component; a sentence about it if it reports
    none."""
    name = _first_value(properties, "trusera:model_name")
    if not name:
        component_name = clean(component.get("name"), 120)
        return f"'{component_name}' is an import or a call: ai-bom reports no model for it."
    usage = _first_value(properties, "trusera:usage_type")
    return ComponentModel(
        name,
        _first_value(properties, "trusera:provider"),
        role_of(usage),
        raw_places=raw_places(component),
        facts={"scanner": {"flags": _first_value(properties, "trusera:flags")}},
    )


def _read_airom(
    component: Mapping[str, Any], properties: Mapping[str, list[str]]
) -> ComponentModel:
    """Read a component of airom, which splits dates off names and writes lower case; the text of
    the source is part of the evidence."""
    stated_name = as_text(component.get("name")) or _first_value(properties, "airom:model.id")
    name = join_version(stated_name, as_text(component.get("version"), 60))
    for identity in as_mappings(as_mapping(component.get("evidence")).get("identity")):
        concluded = as_text(identity.get("concludedValue"))
        if identity.get("field") == "name" and concluded.lower() in {
            stated_name.lower(),
            name.lower(),
        }:
            name = concluded
            break
    kind, provider = (
        _first_value(properties, "airom:kind"),
        _first_value(properties, "airom:model.provider"),
    )
    if "/" in name and provider.lower() == name.partition("/")[0].lower():
        # the maker's name at Hugging Face, not the host
        provider = "huggingface"
    certainty = _parse_number(_first_value(properties, "airom:confidence"))
    return ComponentModel(
        name,
        provider,
        role_of(kind),
        Confidence.GUESS
        if certainty is not None and certainty < _MIN_CERTAINTY
        else Confidence.BOM,
        raw_places(component),
        {
            "scanner": {
                "kind": kind,
                "confidence": certainty,
                **{key: _first_value(properties, f"airom:{key}") for key in _AIROM_FACTS},
            }
        },
    )


def _read_cdxgen(
    component: Mapping[str, Any], properties: Mapping[str, list[str]]
) -> ComponentModel:
    model = _read_other_scanner(component, groups_are_providers=True)
    model.provider = _first_value(properties, "cdx:ai:provider") or model.provider
    certainty = _first_value(properties, "cdx:ai:confidence")
    if certainty == "low":
        model.confidence = Confidence.GUESS
    model.facts["scanner"] = {
        "kind": _first_value(properties, "cdx:ai:kind"),
        "confidence": certainty,
    }
    return model


def _read_cisco(
    component: Mapping[str, Any], properties: Mapping[str, list[str]]
) -> ComponentModel:
    """Read a component of cisco-aibom, whose description is `name — kind — framework`; the name may
    contain dashes."""
    kind = as_text(component.get("description"), 500).rpartition(" — ")[0].rpartition(" — ")[2]
    return ComponentModel(
        as_text(component.get("name")),
        _first_value(properties, "cisco-aibom:framework"),
        role_of(kind),
        raw_places=raw_places(component),
    )


def _read_other_scanner(
    component: Mapping[str, Any], *, groups_are_providers: bool = False
) -> ComponentModel:
    """Return the model of a component of any other scanner, named by package URL, group and name.
    `groups_are_providers`: the scanner writes the provider into the group, which is otherwise part
    of the name."""
    name = join_version(as_text(component.get("name")), as_text(component.get("version"), 60))
    group = as_text(component.get("group"), 120)
    provider = next(
        (
            party
            for key in ("manufacturer", "supplier", "publisher")
            if (party := party_name(component.get(key)))
        ),
        "",
    )
    purl = _parse_purl(as_text(component.get("purl"), 500))
    if purl is not None and purl.type == "huggingface" and purl.name:
        component_name = as_text(component.get("name"))
        name, provider = (
            "/".join(segment for segment in (purl.namespace, purl.name) if segment),
            "huggingface",
        )
        # the package URL may be in lower case; the name has the original spelling
        name = component_name if component_name.lower() == name.lower() else name
        if purl.namespace and component_name.lower() == purl.name.lower():
            namespace = group if group.lower() == purl.namespace.lower() else purl.namespace
            name = f"{namespace}/{component_name}"
    elif groups_are_providers:
        provider = group or provider
    elif group and "/" not in name:
        name = f"{group}/{name}"
    return ComponentModel(name, provider, raw_places=raw_places(component))


def _parse_purl(text: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(text) if text else None
    except ValueError:
        return None


def _find_task(component: Mapping[str, Any]) -> str:
    return as_text(
        as_mapping(as_mapping(component.get("modelCard")).get("modelParameters")).get("task")
    )


def _first_value(properties: Mapping[str, list[str]], name: str) -> str:
    return next(iter(properties.get(name, [])), "")


def _parse_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
