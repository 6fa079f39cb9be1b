"""Scanner dialects of CycloneDX: where each scanner writes the model of a component; some call
everything a model.

Taken from the output of ai-bom 3.6, airom 0.5, cdxgen 12.8, cisco-aibom 1.10 and aisbom-cli 1.7,
and from the examples of the specification."""

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
# a scanner that is less sure than this guesses
_SURE = 0.6
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
    """Return the model of a component, or the reason why it is none."""
    properties = properties_of(component)
    if maker == "ai-bom" or any(name.startswith("trusera:") for name in properties):
        found: ComponentModel | str = _of_ai_bom(component, properties)
    elif "airom:model.id" in properties:
        found = _of_airom(component, properties)
    elif any(name.startswith("cdx:ai:") for name in properties):
        found = _of_cdxgen(component, properties)
    elif maker == "cisco-aibom" or any(name.startswith("cisco-aibom:") for name in properties):
        found = _of_cisco(component, properties)
    else:
        found = _of_other_scanner(component)
    if isinstance(found, ComponentModel):
        found.role = found.role or role_of(_task(component))
        if not found.name:
            return "The component has no name."
    return found


def raw_places(component: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return all locations that the component states: (path, line)."""
    properties = properties_of(component)
    places = []
    for occurrence in as_mappings(as_mapping(component.get("evidence")).get("occurrences")):
        path, mark, line = as_text(occurrence.get("location"), 500).rpartition("#L")
        places.append(
            (path, line)
            if mark and line.isdigit()
            else (as_text(occurrence.get("location"), 500), occurrence.get("line"))
        )
    for said in properties.get("trusera:source_location", []):
        path, colon, line = said.rpartition(":")
        if said != "dependency files":
            places.append((path, line) if colon and line.isdigit() else (said, None))
    lines = properties.get("cisco-aibom:line", [])
    for place, path in enumerate(properties.get("cisco-aibom:file", [])):
        places.append((path, lines[place] if place < len(lines) else None))
    return places


# --- one tool each --------------------------------------------------------------------------------


def _of_ai_bom(
    component: Mapping[str, Any], properties: Mapping[str, list[str]]
) -> ComponentModel | str:
    name = _first(properties, "trusera:model_name")
    if not name:
        component_name = clean(component.get("name"), 120)
        return f"'{component_name}' is an import or a call: ai-bom reports no model for it."
    usage = _first(properties, "trusera:usage_type")
    return ComponentModel(
        name,
        _first(properties, "trusera:provider"),
        role_of(usage),
        raw_places=raw_places(component),
        facts={"scanner": {"flags": _first(properties, "trusera:flags")}},
    )


def _of_airom(component: Mapping[str, Any], properties: Mapping[str, list[str]]) -> ComponentModel:
    """Read a component of airom: it splits dates off and writes lower case; the text of the source
    is in the evidence."""
    said = as_text(component.get("name")) or _first(properties, "airom:model.id")
    name = join_version(said, as_text(component.get("version"), 60))
    for identity in as_mappings(as_mapping(component.get("evidence")).get("identity")):
        concluded = as_text(identity.get("concludedValue"))
        if identity.get("field") == "name" and concluded.lower() in {said.lower(), name.lower()}:
            name = concluded
            break
    kind, provider = _first(properties, "airom:kind"), _first(properties, "airom:model.provider")
    if "/" in name and provider.lower() == name.partition("/")[0].lower():
        # the maker's name on the hub, not who serves it
        provider = "huggingface"
    sure = _number(_first(properties, "airom:confidence"))
    return ComponentModel(
        name,
        provider,
        role_of(kind),
        Confidence.GUESS if sure is not None and sure < _SURE else Confidence.BOM,
        raw_places(component),
        {
            "scanner": {
                "kind": kind,
                "confidence": sure,
                **{key: _first(properties, f"airom:{key}") for key in _AIROM_FACTS},
            }
        },
    )


def _of_cdxgen(component: Mapping[str, Any], properties: Mapping[str, list[str]]) -> ComponentModel:
    found = _of_other_scanner(component, groups_are_providers=True)
    found.provider = _first(properties, "cdx:ai:provider") or found.provider
    sure = _first(properties, "cdx:ai:confidence")
    if sure == "low":
        found.confidence = Confidence.GUESS
    found.facts["scanner"] = {"kind": _first(properties, "cdx:ai:kind"), "confidence": sure}
    return found


def _of_cisco(component: Mapping[str, Any], properties: Mapping[str, list[str]]) -> ComponentModel:
    """Read a component of cisco-aibom: its description is `name — kind — framework`, in which a
    name may hold dashes of its own."""
    kind = as_text(component.get("description"), 500).rpartition(" — ")[0].rpartition(" — ")[2]
    return ComponentModel(
        as_text(component.get("name")),
        _first(properties, "cisco-aibom:framework"),
        role_of(kind),
        raw_places=raw_places(component),
    )


def _of_other_scanner(
    component: Mapping[str, Any], *, groups_are_providers: bool = False
) -> ComponentModel:
    name = join_version(as_text(component.get("name")), as_text(component.get("version"), 60))
    group = as_text(component.get("group"), 120)
    provider = next(
        (
            named
            for key in ("manufacturer", "supplier", "publisher")
            if (named := party_name(component.get(key)))
        ),
        "",
    )
    purl = _purl(as_text(component.get("purl"), 500))
    if purl is not None and purl.type == "huggingface" and purl.name:
        own = as_text(component.get("name"))
        name, provider = (
            "/".join(part for part in (purl.namespace, purl.name) if part),
            "huggingface",
        )
        # the address may be in small letters only, the name as it is written
        name = own if own.lower() == name.lower() else name
        if purl.namespace and own.lower() == purl.name.lower():
            name = f"{group if group.lower() == purl.namespace.lower() else purl.namespace}/{own}"
    elif groups_are_providers:
        provider = group or provider
    elif group and "/" not in name:
        name = f"{group}/{name}"
    return ComponentModel(name, provider, raw_places=raw_places(component))


def _purl(said: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(said) if said else None
    except ValueError:
        return None


def _task(component: Mapping[str, Any]) -> str:
    return as_text(
        as_mapping(as_mapping(component.get("modelCard")).get("modelParameters")).get("task")
    )


def _first(properties: Mapping[str, list[str]], name: str) -> str:
    return next(iter(properties.get(name, [])), "")


def _number(said: str) -> float | None:
    try:
        return float(said)
    except ValueError:
        return None
