"""CycloneDX bills of materials, JSON and XML, 1.4 to 1.7: the models an application's source or
owner names.

What a component means differs by tool (cyclonedx_tools); what else it says is kept as facts
(cyclonedx_cards). A document that breaks its schema is read all the same, and says so.
(cyclonedx.org/specification, bom-1.7.)
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from apps.common.processes.lazy_import import lazy_import
from apps.intake.documents import Document, Part, Sighting, Unreadable, clean
from apps.intake.models import Confidence
from apps.intake.readers.cyclonedx_cards import facts_of, party_name, properties_of, within
from apps.intake.readers.cyclonedx_tools import (
    MODEL,
    Found,
    found_in,
    is_said_to_be_a_model,
    raw_places,
)
from apps.intake.readers.cyclonedx_xml import load_xml
from apps.intake.readers.json_text import listed, load_json, mapping, mappings, moment, text
from apps.intake.readers.merging import merged
from apps.intake.readers.model_ids import host_of
from apps.intake.readers.places import Places

if TYPE_CHECKING:
    from apps.intake.readers import cyclonedx_schema
else:
    cyclonedx_schema = lazy_import("apps.intake.readers.cyclonedx_schema")

MOST_COMPONENTS = 50_000
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


def read(body: bytes) -> Document:
    is_xml = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    bom = _checked(load_xml(body) if is_xml else load_json(body))
    version = text(bom.get("specVersion"), 20)
    document = _head(bom)
    _note_version(version, document)
    components = _components(bom, document)
    if not is_xml:
        errors = cyclonedx_schema.schema_errors(
            bom, version, is_large=body.count(b"{") > _MANY_MAPPINGS
        )
        document.schema_valid, document.schema_errors = (
            None if errors is None else not errors,
            errors or [],
        )
    found = _found(components, document)
    found += _found_in_services(bom, found, document)
    document.names_ai = bool(found) or _names_ai(bom, components)
    places = Places(
        (path for _, component in components for path, _ in raw_places(component)),
        root=_scanned_folder(bom),
    )
    document.sightings = merged(_sighting(each, where, places) for where, each in found)
    return document


def natural_key_of(body: bytes) -> str:
    """Serial number and version, without reading the document; empty where it has no serial
    number."""
    serial = _SERIAL_IN_TEXT.search(body)
    if serial is None:
        return ""
    version = _VERSION_IN_TEXT.search(body)
    number = int(version.group(1) or version.group(2)) if version else 1
    return f"{serial.group(1).decode().lower()}/{number}"


def _checked(bom: Any) -> Mapping[str, Any]:
    if not isinstance(bom, Mapping):
        raise Unreadable("It is not CycloneDX: a bill of materials is one JSON object.")
    if (
        text(bom.get("bomFormat")).lower() != "cyclonedx"
        and "cyclonedx" not in text(bom.get("$schema")).lower()
    ):
        other = (
            " It looks like SPDX: send it as spdx."
            if "spdxVersion" in bom or "@context" in bom
            else ""
        )
        raise Unreadable(f"It is not CycloneDX: its bomFormat does not say so.{other}")
    return bom


def _head(bom: Mapping[str, Any]) -> Document:
    metadata = mapping(bom.get("metadata"))
    subject = mapping(metadata.get("component"))
    maker, maker_version = _tool(metadata.get("tools"))
    serial = text(bom.get("serialNumber"), 60).lower()
    version = bom.get("version")
    return Document(
        maker=maker,
        maker_version=maker_version,
        profile=_profile(metadata),
        natural_key=f"{serial}/{version if isinstance(version, int) else 1}"
        if _SERIAL.fullmatch(serial)
        else "",
        made_at=moment(metadata.get("timestamp")),
        subject="" if text(subject.get("type")) == MODEL else text(subject.get("name")),
        subject_version=text(subject.get("version"), 60),
    )


def _tool(said: Any) -> tuple[str, str]:
    """The first one's name and version: an object of components and services since 1.5, a list
    before."""
    tools = (
        mappings(said)
        or mappings(mapping(said).get("components"))
        or mappings(mapping(said).get("services"))
    )
    return (
        (text(tools[0].get("name"), 60), text(tools[0].get("version"), 60)) if tools else ("", "")
    )


def _note_version(version: str, document: Document) -> None:
    major, _, minor = version.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        document.ignored.append(
            Part("/specVersion", f"'{version}' is no version of CycloneDX: read as a late 1.x.")
        )
    elif (int(major), int(minor)) > _NEWEST:
        document.ignored.append(
            Part(
                "/specVersion",
                f"Version {version} is newer than what is known here: read as far as it is "
                "understood.",
            )
        )


def _components(bom: Mapping[str, Any], document: Document) -> _Components:
    """Every component with its JSON pointer, in the document's order, nested ones after the one
    they are part of."""
    metadata = mapping(bom.get("metadata"))
    found: _Components = []
    subject = mapping(metadata.get("component"))
    if text(subject.get("type")) == MODEL:
        found.append(("/metadata/component", subject))
    waiting = [
        ("/components", bom.get("components")),
        ("/metadata/component/components", subject.get("components")),
    ]
    waiting.reverse()
    while waiting:
        pointer, value = waiting.pop()
        if value is not None and not isinstance(value, list):
            document.rejected.append(Part(pointer, "It is no list of components."))
        inner = []
        for place, component in enumerate(listed(value)):
            where = f"{pointer}/{place}"
            if not isinstance(component, Mapping):
                document.rejected.append(Part(where, "It is no component."))
                continue
            found.append((where, component))
            if len(found) > MOST_COMPONENTS:
                raise Unreadable(
                    f"It has more than {MOST_COMPONENTS:,} components. Send a bill of materials of "
                    "its models only."
                )
            if component.get("components"):
                inner.append((f"{where}/components", component["components"]))
        waiting += reversed(inner)
    return found


def _found(components: _Components, document: Document) -> list[tuple[str, Found]]:
    found: list[tuple[str, Found]] = []
    others: Counter[str] = Counter()
    for where, component in components:
        if not is_said_to_be_a_model(component):
            others[text(component.get("type"), 40) or "without a type"] += 1
            continue
        model = found_in(component, document.maker.lower())
        if isinstance(model, str):
            document.ignored.append(Part(where, model))
            continue
        model.facts = {**facts_of(component), **within(model.facts)}
        found.append((where, model))
    if others:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in others.most_common(8))
        document.ignored.append(Part("/components", f"No models, and so not taken: {kinds}."))
    return found


def _found_in_services(
    bom: Mapping[str, Any], models: list[tuple[str, Found]], document: Document
) -> list[tuple[str, Found]]:
    """cdxgen lists model ids under a service a provider, mostly those of its components once more,
    some under several providers; a component's own provider counts."""
    known = {model.name for _, model in models}
    # (name of a model, provider) -> its hosts; put to the models once, since services may name a
    # model again and again
    endpoints: dict[tuple[str, str], list[str]] = {}
    more: list[tuple[str, Found]] = []
    n_without = 0
    for where, service in _services(bom):
        properties, provider = properties_of(service), party_name(service.get("provider"))
        names = properties.get("cdx:ai:modelId", [])
        n_without += not names
        hosts = [host for host in map(_host, listed(service.get("endpoints"))[:5]) if host]
        for name in names:
            if hosts:
                endpoints[name, provider.lower()] = hosts
            if name and name not in known:
                known.add(name)
                more.append((where, Found(name, provider, confidence=Confidence.GUESS)))
    for _, model in (*models, *more):
        if hosts_of_model := endpoints.get((model.name, model.provider.lower())):
            model.facts["endpoints"] = hosts_of_model
    if n_without:
        document.ignored.append(Part("/services", f"{n_without:,} services name no model."))
    return more


def _names_ai(bom: Mapping[str, Any], components: _Components) -> bool:
    """Whether anything shows that the scanner looked for models: one it has no name for, or a
    service of AI."""
    if any(is_said_to_be_a_model(component) for _, component in components):
        return True
    return any(
        name.startswith("cdx:ai:")
        for _, service in _services(bom)
        for name in properties_of(service)
    )


def _profile(metadata: Mapping[str, Any]) -> str:
    """The kind of run: what a property called profile says, else a phase of life other than
    development."""
    for name, values in properties_of(metadata).items():
        if name.rpartition(":")[2].lower() == "profile" and values:
            return clean(values[0], 30)
    phases = {text(each.get("phase"), 30).lower() for each in mappings(metadata.get("lifecycles"))}
    return clean("+".join(sorted(phases - _DEVELOPMENT - {""})), 30)


def _services(bom: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    waiting = [("/services", bom.get("services"))]
    n_services = 0
    while waiting:
        pointer, value = waiting.pop()
        for place, service in enumerate(listed(value)):
            if isinstance(service, Mapping):
                n_services += 1
                if n_services > MOST_COMPONENTS:
                    raise Unreadable(f"It has more than {MOST_COMPONENTS:,} services.")
                yield f"{pointer}/{place}", service
                waiting.append((f"{pointer}/{place}/services", service.get("services")))


def _host(address: Any) -> str:
    try:
        return clean(urlsplit(text(address, 500)).hostname, 200)
    except ValueError:
        return ""


def _scanned_folder(bom: Mapping[str, Any]) -> str:
    said = properties_of(mapping(bom.get("metadata"))).get("airom:source.target", [])
    return next(iter(said), "")


def _sighting(found: Found, where: str, places: Places) -> Sighting:
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
