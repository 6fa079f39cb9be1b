"""CycloneDX bills of materials (SBOM, AIBOM), JSON and XML, 1.4 to 1.7: the models that the source
or the owner of an application names.

The meaning of a component differs by tool (scanners.py); its other content is stored as facts
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
# the version of the document is the only one that is a number
_VERSION_IN_TEXT = re.compile(
    rb'"version"\s*:\s*(\d{1,9})\s*[,}]|<(?:\w+:)?bom\b[^<>]*?\sversion="(\d{1,9})"'
)

# lifecycle phases of a scan of source code, which are not a kind of run
_DEVELOPMENT = {"design", "pre-build", "build", "post-build"}

type _Components = list[tuple[str, Mapping[str, Any]]]


def read_cyclonedx(body: bytes) -> Document:
    """Read a bill of materials in JSON or XML: the models among its components and services. JSON
    is also checked against the schema of its version, whose violations are only noted. Raises
    UnreadableError."""
    is_xml = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    bom = _check_document(load_xml(body) if is_xml else load_json(body))
    version = as_text(bom.get("specVersion"), 20)
    document = _build_document(bom)
    _note_version(version, document)
    components = _list_components(bom, document)
    if not is_xml:
        errors = schema.schema_errors(bom, version, is_large=body.count(b"{") > _MANY_MAPPINGS)
        document.schema_valid, document.schema_errors = (
            None if errors is None else not errors,
            errors or [],
        )
    models = _find_component_models(components, document)
    models += _find_service_models(bom, models, document)
    document.names_ai = bool(models) or _has_ai_signs(bom, components)
    places = SourcePaths(
        (path for _, component in components for path, _ in raw_places(component)),
        root=_find_scanned_folder(bom),
    )
    document.sightings = merge_sightings(
        _build_sighting(model, location, places) for location, model in models
    )
    return document


def natural_key_of(body: bytes) -> str:
    """Return `serial number/version` from the bytes, without parsing the document; empty if it has
    no serial number."""
    serial = _SERIAL_IN_TEXT.search(body)
    if serial is None:
        return ""
    version = _VERSION_IN_TEXT.search(body)
    version_number = int(version.group(1) or version.group(2)) if version else 1
    return f"{serial.group(1).decode().lower()}/{version_number}"


def _check_document(bom: Any) -> Mapping[str, Any]:
    """Return the document; UnreadableError if it is not CycloneDX."""
    if not isinstance(bom, Mapping):
        raise UnreadableError(
            "The document is not CycloneDX: a bill of materials is one JSON object."
        )
    if (
        as_text(bom.get("bomFormat")).lower() != "cyclonedx"
        and "cyclonedx" not in as_text(bom.get("$schema")).lower()
    ):
        hint = (
            " It looks like SPDX: send it as spdx."
            if "spdxVersion" in bom or "@context" in bom
            else ""
        )
        raise UnreadableError(f"The document is not CycloneDX: it has no valid bomFormat.{hint}")
    return bom


def _build_document(bom: Mapping[str, Any]) -> Document:
    """Return a document with tool, profile, id, date and subject, and without sightings."""
    metadata = as_mapping(bom.get("metadata"))
    subject = as_mapping(metadata.get("component"))
    maker, maker_version = _find_tool(metadata.get("tools"))
    serial = as_text(bom.get("serialNumber"), 60).lower()
    version = bom.get("version")
    return Document(
        maker=maker,
        maker_version=maker_version,
        profile=_find_profile(metadata),
        natural_key=f"{serial}/{version if isinstance(version, int) else 1}"
        if _SERIAL.fullmatch(serial)
        else "",
        made_at=as_moment(metadata.get("timestamp")),
        subject="" if as_text(subject.get("type")) == MODEL_TYPE else as_text(subject.get("name")),
        subject_version=as_text(subject.get("version"), 60),
    )


def _find_tool(value: Any) -> tuple[str, str]:
    """Return the name and version of the first tool: an object with components and services since
    1.5, a list before."""
    tools = (
        as_mappings(value)
        or as_mappings(as_mapping(value).get("components"))
        or as_mappings(as_mapping(value).get("services"))
    )
    return (
        (as_text(tools[0].get("name"), 60), as_text(tools[0].get("version"), 60))
        if tools
        else ("", "")
    )


def _note_version(version: str, document: Document) -> None:
    """Note in `document` that the version is invalid or newer than the supported ones; it is read
    anyway."""
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


def _list_components(bom: Mapping[str, Any], document: Document) -> _Components:
    """Return (JSON pointer, component) of all components in the order of the document, nested ones
    after their parent."""
    metadata = as_mapping(bom.get("metadata"))
    components: _Components = []
    subject = as_mapping(metadata.get("component"))
    if as_text(subject.get("type")) == MODEL_TYPE:
        components.append(("/metadata/component", subject))
    pending = [
        ("/components", bom.get("components")),
        ("/metadata/component/components", subject.get("components")),
    ]
    pending.reverse()
    while pending:
        pointer, value = pending.pop()
        if value is not None and not isinstance(value, list):
            document.rejected.append(SkippedPart(pointer, "The value is not a list of components."))
        inner = []
        for place, component in enumerate(as_list(value)):
            location = f"{pointer}/{place}"
            if not isinstance(component, Mapping):
                document.rejected.append(SkippedPart(location, "The value is not a component."))
                continue
            components.append((location, component))
            if len(components) > MAX_COMPONENTS:
                raise UnreadableError(
                    f"The document has more than {MAX_COMPONENTS:,} components. Send a bill of "
                    "materials of its models only."
                )
            if component.get("components"):
                inner.append((f"{location}/components", component["components"]))
        pending += reversed(inner)
    return components


def _find_component_models(
    components: _Components, document: Document
) -> list[tuple[str, ComponentModel]]:
    """Return (JSON pointer, model) of the components that are models; others are noted in
    `document`."""
    models: list[tuple[str, ComponentModel]] = []
    n_by_type: Counter[str] = Counter()
    for location, component in components:
        if not is_declared_model(component):
            n_by_type[as_text(component.get("type"), 40) or "without a type"] += 1
            continue
        model = model_of_component(component, document.maker.lower())
        if isinstance(model, str):
            document.ignored.append(SkippedPart(location, model))
            continue
        model.facts = {**facts_of(component), **limit_facts(model.facts)}
        models.append((location, model))
    if n_by_type:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in n_by_type.most_common(8))
        document.ignored.append(
            SkippedPart("/components", f"Ignored, because they are not models: {kinds}.")
        )
    return models


def _find_service_models(
    bom: Mapping[str, Any], models: list[tuple[str, ComponentModel]], document: Document
) -> list[tuple[str, ComponentModel]]:
    """Return the models that cdxgen lists under one service per provider, without those in
    `models`, and add the endpoints to the facts of all of them.

    Most of them repeat models of components, some under several providers; the provider of the
    component is used."""
    known_names = {model.name for _, model in models}
    # {(name of a model, provider): its hosts}; added to the models after the loop, since many
    # services may name the same model
    endpoints: dict[tuple[str, str], list[str]] = {}
    service_models: list[tuple[str, ComponentModel]] = []
    n_without_model = 0
    for location, service in _list_services(bom):
        properties, provider = properties_of(service), party_name(service.get("provider"))
        names = properties.get("cdx:ai:modelId", [])
        n_without_model += not names
        hosts = [host for host in map(_host_of, as_list(service.get("endpoints"))[:5]) if host]
        for name in names:
            if hosts:
                endpoints[name, provider.lower()] = hosts
            if name and name not in known_names:
                known_names.add(name)
                service_models.append(
                    (location, ComponentModel(name, provider, confidence=Confidence.GUESS))
                )
    for _, model in (*models, *service_models):
        if hosts_of_model := endpoints.get((model.name, model.provider.lower())):
            model.facts["endpoints"] = hosts_of_model
    if n_without_model:
        document.ignored.append(
            SkippedPart("/services", f"{n_without_model:,} services name no model.")
        )
    return service_models


def _has_ai_signs(bom: Mapping[str, Any], components: _Components) -> bool:
    """Return whether the scanner evidently searched for models: the document has a declared model,
    also one without a name, or an AI service."""
    if any(is_declared_model(component) for _, component in components):
        return True
    return any(
        name.startswith("cdx:ai:")
        for _, service in _list_services(bom)
        for name in properties_of(service)
    )


def _find_profile(metadata: Mapping[str, Any]) -> str:
    """Return the kind of run: the property called profile, else the lifecycle phases other than
    those of development."""
    for name, values in properties_of(metadata).items():
        if name.rpartition(":")[2].lower() == "profile" and values:
            return clean(values[0], 30)
    phases = {
        as_text(lifecycle.get("phase"), 30).lower()
        for lifecycle in as_mappings(metadata.get("lifecycles"))
    }
    return clean("+".join(sorted(phases - _DEVELOPMENT - {""})), 30)


def _list_services(bom: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (JSON pointer, service) of all services, nested ones included. Raises UnreadableError
    for more than MAX_COMPONENTS."""
    pending = [("/services", bom.get("services"))]
    n_services = 0
    while pending:
        pointer, value = pending.pop()
        for place, service in enumerate(as_list(value)):
            if isinstance(service, Mapping):
                n_services += 1
                if n_services > MAX_COMPONENTS:
                    raise UnreadableError(
                        f"The document has more than {MAX_COMPONENTS:,} "
                        "services. Send only those that use models."
                    )
                yield f"{pointer}/{place}", service
                pending.append((f"{pointer}/{place}/services", service.get("services")))


def _host_of(address: Any) -> str:
    try:
        return clean(urlsplit(as_text(address, 500)).hostname, 200)
    except ValueError:
        return ""


def _find_scanned_folder(bom: Mapping[str, Any]) -> str:
    folders = properties_of(as_mapping(bom.get("metadata"))).get("airom:source.target", [])
    return next(iter(folders), "")


def _build_sighting(model: ComponentModel, location: str, places: SourcePaths) -> Sighting:
    """Return the model of a component as a sighting, with its provider as the registry calls it and
    its places relative to the scanned folder. A provider that was replaced is kept in the facts."""
    provider = host_of(model.name, model.provider)
    facts = dict(model.facts)
    if provider != model.provider and model.provider:
        facts["provider_said"] = model.provider
    cleaned_places = (places.place(path, line) for path, line in model.raw_places)
    return Sighting(
        requested=model.name,
        provider=provider,
        role=model.role,
        confidence=model.confidence,
        places=tuple(dict.fromkeys(place for place in cleaned_places if place)),
        facts=facts,
        where=location,
    )
