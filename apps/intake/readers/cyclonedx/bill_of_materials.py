"""CycloneDX bills of materials (SBOM, AIBOM), JSON and XML, 1.4 to 1.7: the models that an
application's source or owner names.

The meaning of a component differs by tool (scanners.py); what else it states is kept as facts
(model_cards.py). A document that violates its schema is read anyway, and the violation is reported.
(cyclonedx.org/specification, bom-1.7.)"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from apps.common.processes.lazy_import import lazy_import
from apps.intake.documents.records import Document, Sighting, SkippedPart, UnreadableError, clean
from apps.intake.models import Confidence
from apps.intake.readers.cyclonedx.model_cards import (
    facts_of,
    limit_facts,
    party_name,
    properties_of,
)
from apps.intake.readers.cyclonedx.scanners import (
    MODEL_TYPE,
    ComponentModel,
    is_declared_model,
    model_of_component,
    raw_places,
)
from apps.intake.readers.cyclonedx.xml_document import load_xml
from apps.intake.readers.duplicates import merge_sightings
from apps.intake.readers.json_text import (
    as_list,
    as_mapping,
    as_mappings,
    as_moment,
    as_text,
    load_json,
)
from apps.intake.readers.model_ids import host_of
from apps.intake.readers.source_paths import SourcePaths

if TYPE_CHECKING:
    from apps.intake.readers.cyclonedx import schema
else:
    schema = lazy_import("apps.intake.readers.cyclonedx.schema")

MAX_COMPONENTS = 50_000
_MANY_MAPPINGS = 50_000
_NEWEST = (1, 7)
_SERIAL = re.compile(r"urn:uuid:[0-9a-f-]{36}")
_SERIAL_IN_TEXT = re.compile(rb'serialNumber"?\s*[:=]\s*"(urn:uuid:[0-9a-fA-F-]{36})"')
# of everything called version only the document's own is a number
_VERSION_IN_TEXT = re.compile(
    rb'"version"\s*:\s*(\d{1,9})\s*[,}]|<(?:\w+:)?bom\b[^<>]*?\sversion="(\d{1,9})"'
)

# of a scan of source code, whatever was built on the way
_DEVELOPMENT = {"design", "pre-build", "build", "post-build"}

type _Components = list[tuple[str, Mapping[str, Any]]]


def read_cyclonedx(body: bytes) -> Document:
    is_xml = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    bom = _checked(load_xml(body) if is_xml else load_json(body))
    version = as_text(bom.get("specVersion"), 20)
    document = _head(bom)
    _note_version(version, document)
    components = _components(bom, document)
    if not is_xml:
        errors = schema.schema_errors(bom, version, is_large=body.count(b"{") > _MANY_MAPPINGS)
        document.schema_valid, document.schema_errors = (
            None if errors is None else not errors,
            errors or [],
        )
    found = _models_of_components(components, document)
    found += _models_of_services(bom, found, document)
    document.names_ai = bool(found) or _names_ai(bom, components)
    places = SourcePaths(
        (path for _, component in components for path, _ in raw_places(component)),
        root=_scanned_folder(bom),
    )
    document.sightings = merge_sightings(_sighting(each, where, places) for where, each in found)
    return document


def natural_key_of(body: bytes) -> str:
    """Return serial number and version, without reading the document; empty if it has no serial
    number."""
    serial = _SERIAL_IN_TEXT.search(body)
    if serial is None:
        return ""
    version = _VERSION_IN_TEXT.search(body)
    number = int(version.group(1) or version.group(2)) if version else 1
    return f"{serial.group(1).decode().lower()}/{number}"


def _checked(bom: Any) -> Mapping[str, Any]:
    if not isinstance(bom, Mapping):
        raise UnreadableError(
            "The document is not CycloneDX: a bill of materials is one JSON object."
        )
    if (
        as_text(bom.get("bomFormat")).lower() != "cyclonedx"
        and "cyclonedx" not in as_text(bom.get("$schema")).lower()
    ):
        other = (
            " It looks like SPDX: send it as spdx."
            if "spdxVersion" in bom or "@context" in bom
            else ""
        )
        raise UnreadableError(f"The document is not CycloneDX: it has no valid bomFormat.{other}")
    return bom


def _head(bom: Mapping[str, Any]) -> Document:
    metadata = as_mapping(bom.get("metadata"))
    subject = as_mapping(metadata.get("component"))
    maker, maker_version = _tool(metadata.get("tools"))
    serial = as_text(bom.get("serialNumber"), 60).lower()
    version = bom.get("version")
    return Document(
        maker=maker,
        maker_version=maker_version,
        profile=_profile(metadata),
        natural_key=f"{serial}/{version if isinstance(version, int) else 1}"
        if _SERIAL.fullmatch(serial)
        else "",
        made_at=as_moment(metadata.get("timestamp")),
        subject="" if as_text(subject.get("type")) == MODEL_TYPE else as_text(subject.get("name")),
        subject_version=as_text(subject.get("version"), 60),
    )


def _tool(said: Any) -> tuple[str, str]:
    """Return the first tool's name and version: an object of components and services since 1.5, a
    list before."""
    tools = (
        as_mappings(said)
        or as_mappings(as_mapping(said).get("components"))
        or as_mappings(as_mapping(said).get("services"))
    )
    return (
        (as_text(tools[0].get("name"), 60), as_text(tools[0].get("version"), 60))
        if tools
        else ("", "")
    )


def _note_version(version: str, document: Document) -> None:
    major, _, minor = version.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        document.ignored.append(
            SkippedPart(
                "/specVersion",
                f"'{version}' is not a version of CycloneDX: the document was read as a late 1.x.",
            )
        )
    elif (int(major), int(minor)) > _NEWEST:
        document.ignored.append(
            SkippedPart(
                "/specVersion",
                f"Version {version} is newer than the supported versions: unknown parts were "
                "ignored.",
            )
        )


def _components(bom: Mapping[str, Any], document: Document) -> _Components:
    """Return every component with its JSON pointer, in the document's order, nested ones after the
    one they are part of."""
    metadata = as_mapping(bom.get("metadata"))
    found: _Components = []
    subject = as_mapping(metadata.get("component"))
    if as_text(subject.get("type")) == MODEL_TYPE:
        found.append(("/metadata/component", subject))
    waiting = [
        ("/components", bom.get("components")),
        ("/metadata/component/components", subject.get("components")),
    ]
    waiting.reverse()
    while waiting:
        pointer, value = waiting.pop()
        if value is not None and not isinstance(value, list):
            document.rejected.append(SkippedPart(pointer, "The value is not a list of components."))
        inner = []
        for place, component in enumerate(as_list(value)):
            where = f"{pointer}/{place}"
            if not isinstance(component, Mapping):
                document.rejected.append(SkippedPart(where, "The value is not a component."))
                continue
            found.append((where, component))
            if len(found) > MAX_COMPONENTS:
                raise UnreadableError(
                    f"The document has more than {MAX_COMPONENTS:,} components. Send a bill of "
                    "materials of its models only."
                )
            if component.get("components"):
                inner.append((f"{where}/components", component["components"]))
        waiting += reversed(inner)
    return found


def _models_of_components(
    components: _Components, document: Document
) -> list[tuple[str, ComponentModel]]:
    found: list[tuple[str, ComponentModel]] = []
    others: Counter[str] = Counter()
    for where, component in components:
        if not is_declared_model(component):
            others[as_text(component.get("type"), 40) or "without a type"] += 1
            continue
        model = model_of_component(component, document.maker.lower())
        if isinstance(model, str):
            document.ignored.append(SkippedPart(where, model))
            continue
        model.facts = {**facts_of(component), **limit_facts(model.facts)}
        found.append((where, model))
    if others:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in others.most_common(8))
        document.ignored.append(
            SkippedPart("/components", f"Ignored, because they are not models: {kinds}.")
        )
    return found


def _models_of_services(
    bom: Mapping[str, Any], models: list[tuple[str, ComponentModel]], document: Document
) -> list[tuple[str, ComponentModel]]:
    """Return models that cdxgen lists under a service per provider.

    Mostly they repeat those of its components, some under several providers; a component's own
    provider counts."""
    known = {model.name for _, model in models}
    # (name of a model, provider) -> its hosts; put to the models once, since services may name a
    # model again and again
    endpoints: dict[tuple[str, str], list[str]] = {}
    more: list[tuple[str, ComponentModel]] = []
    n_without = 0
    for where, service in _services(bom):
        properties, provider = properties_of(service), party_name(service.get("provider"))
        names = properties.get("cdx:ai:modelId", [])
        n_without += not names
        hosts = [host for host in map(_host, as_list(service.get("endpoints"))[:5]) if host]
        for name in names:
            if hosts:
                endpoints[name, provider.lower()] = hosts
            if name and name not in known:
                known.add(name)
                more.append((where, ComponentModel(name, provider, confidence=Confidence.GUESS)))
    for _, model in (*models, *more):
        if hosts_of_model := endpoints.get((model.name, model.provider.lower())):
            model.facts["endpoints"] = hosts_of_model
    if n_without:
        document.ignored.append(SkippedPart("/services", f"{n_without:,} services name no model."))
    return more


def _names_ai(bom: Mapping[str, Any], components: _Components) -> bool:
    """Return whether anything shows that the scanner looked for models: one without a name, or an
    AI service."""
    if any(is_declared_model(component) for _, component in components):
        return True
    return any(
        name.startswith("cdx:ai:")
        for _, service in _services(bom)
        for name in properties_of(service)
    )


def _profile(metadata: Mapping[str, Any]) -> str:
    """Return the kind of run: the value of a property called profile, else a lifecycle phase other
    than development."""
    for name, values in properties_of(metadata).items():
        if name.rpartition(":")[2].lower() == "profile" and values:
            return clean(values[0], 30)
    phases = {
        as_text(each.get("phase"), 30).lower() for each in as_mappings(metadata.get("lifecycles"))
    }
    return clean("+".join(sorted(phases - _DEVELOPMENT - {""})), 30)


def _services(bom: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    waiting = [("/services", bom.get("services"))]
    n_services = 0
    while waiting:
        pointer, value = waiting.pop()
        for place, service in enumerate(as_list(value)):
            if isinstance(service, Mapping):
                n_services += 1
                if n_services > MAX_COMPONENTS:
                    raise UnreadableError(
                        f"The document has more than {MAX_COMPONENTS:,} "
                        "services. Send only those that use models."
                    )
                yield f"{pointer}/{place}", service
                waiting.append((f"{pointer}/{place}/services", service.get("services")))


def _host(address: Any) -> str:
    try:
        return clean(urlsplit(as_text(address, 500)).hostname, 200)
    except ValueError:
        return ""


def _scanned_folder(bom: Mapping[str, Any]) -> str:
    said = properties_of(as_mapping(bom.get("metadata"))).get("airom:source.target", [])
    return next(iter(said), "")


def _sighting(found: ComponentModel, where: str, places: SourcePaths) -> Sighting:
    provider = host_of(found.name, found.provider)
    facts = dict(found.facts)
    if provider != found.provider and found.provider:
        facts["provider_said"] = found.provider
    named = (places.place(path, line) for path, line in found.raw_places)
    return Sighting(
        requested=found.name,
        provider=provider,
        role=found.role,
        confidence=found.confidence,
        places=tuple(dict.fromkeys(place for place in named if place)),
        facts=facts,
        where=where,
    )
