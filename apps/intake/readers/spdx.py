"""SPDX documents: the AI profile of 3.0 (JSON-LD), its scanner dialects, and the packages of 2.3.

Read as plain JSON: the `@context` is never fetched, terms are identified by their last segment
whatever their prefix, ids are compared literally. (spdx.github.io/spdx-spec/v3.0.1; tested with the
output of airom 0.5, ai-bom 3.6, cisco-aibom 1.10, aisbom-cli 1.7.)"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from packageurl import PackageURL

from apps.intake.documents.records import Document, Sighting, SkippedPart, UnreadableError, clean
from apps.intake.models import Confidence
from apps.intake.readers.cyclonedx.model_cards import limit_facts
from apps.intake.readers.duplicates import merge_sightings
from apps.intake.readers.json_text import (
    as_list,
    as_mapping,
    as_mappings,
    as_moment,
    as_text,
    load_json,
)
from apps.intake.readers.model_ids import host_of, join_version, role_of
from apps.intake.readers.source_paths import SourcePaths

MAX_ELEMENTS = 100_000
_EMPTY_VALUES = {"NOASSERTION", "NONE", "unknown"}
_TOOL = "Tool:"
_TOOL_VERSION = re.compile(r"-(\d[\w.]*)$")
_AIROM = re.compile(r"airom:([\w.]+) ([^;]+)")
# SPDX 2.3 has no profile for models: they are recognised by identifier or package URL
_MODEL_ID_OF_23 = re.compile(r"-(?:ai)?model-", re.I)
# maximum of licences and of data sets that are stored per package
_MAX_RELATED = 25
_LICENCES = {"hasDeclaredLicense", "hasConcludedLicense"}
_DATA = {"trainedOn": "trained_on", "testedOn": "tested_on"}

type Element = Mapping[str, Any]


def read_spdx(body: bytes) -> Document:
    """Read the AI packages of an SPDX document in JSON, version 2 or 3. Raises UnreadableError for
    anything else."""
    data = load_json(body)
    if isinstance(data, list):
        data = {"@graph": data}
    if not isinstance(data, Mapping):
        raise UnreadableError("The document is not SPDX: a document is one JSON object.")
    version = as_text(data.get("spdxVersion"), 20)
    if version.startswith("SPDX-"):
        return _read_version_2(data)
    if not (
        "@graph" in data or "elements" in data or "spdx.org" in str(data.get("@context"))[:500]
    ):
        hint = " It looks like CycloneDX: send it as cyclonedx." if "bomFormat" in data else ""
        raise UnreadableError(
            f"The document is not SPDX: it has no spdxVersion and no @graph.{hint}"
        )
    return _read_version_3(data)


# --- 3.0 ------------------------------------------------------------------------------------------


def _read_version_3(data: Element) -> Document:
    """Read the AI packages of an SPDX 3 graph; other packages are only counted by their purpose."""
    raw = [
        element
        for key in ("@graph", "elements", "element")
        for element in as_mappings(data.get(key))
    ]
    if len(raw) > MAX_ELEMENTS:
        raise UnreadableError(
            f"The document has more than {MAX_ELEMENTS:,} elements. Send its AI packages only."
        )
    elements = [_strip_prefixes(element) for element in raw]
    top = _strip_prefixes(data)
    by_id = {
        as_text(element.get("spdxId") or element.get("@id"), 500): element for element in elements
    }
    document = _build_document_3(top, elements, by_id)
    related = _collect_related(elements, by_id)
    places = SourcePaths(
        as_text(_source_location(element).get("file"), 500) for element in elements
    )
    n_by_purpose: Counter[str] = Counter()
    sightings = []
    for place, element in enumerate(elements):
        location = f"/{'@graph' if '@graph' in data else 'elements'}/{place}"
        kind = _kind(element)
        if kind == "AIPackage":
            sighting = _build_sighting_3(element, location, by_id, related, places, document)
            if sighting is not None:
                sightings.append(sighting)
        elif kind == "Package":
            n_by_purpose[as_text(element.get("primaryPurpose"), 40) or "package"] += 1
    _note_ignored_packages(n_by_purpose, document)
    document.sightings = merge_sightings(sightings)
    document.names_ai = any(_kind(element) == "AIPackage" for element in elements)
    return document


def _strip_prefixes(element: Element) -> dict[str, Any]:
    """Return the element with keys reduced to their last segment: ai_typeOfModel, ai-bom:modelName
    and whole URLs. Of two equal keys the first is used."""
    properties: dict[str, Any] = {}
    for key, value in element.items():
        name = key if key.startswith("@") else re.split(r"[:_/#]", key)[-1]
        properties.setdefault(name, value)
    return properties


def _kind(element: Element) -> str:
    """Return the type of an element without its prefix, such as AIPackage."""
    type_value = element.get("type") or element.get("@type")
    return re.split(
        r"[:_/#]",
        as_text(type_value[0] if isinstance(type_value, list) and type_value else type_value, 200),
    )[-1]


def _build_document_3(
    top: Element, elements: list[dict[str, Any]], by_id: Mapping[str, Element]
) -> Document:
    """Return a document with tool, date, id and subject, and without sightings."""
    document_element = next(
        (element for element in (top, *elements) if _kind(element) == "SpdxDocument"), top
    )
    creation_info = _resolve_element(document_element.get("creationInfo"), by_id) or next(
        (element for element in elements if _kind(element) == "CreationInfo"), {}
    )
    maker, version = "", ""
    for key in ("createdUsing", "createdBy"):
        for agent in _as_elements(creation_info.get(key)):
            tool = _strip_prefixes(_resolve_element(agent, by_id))
            if not maker and tool:
                maker = as_text(tool.get("name"), 60)
                version = as_text(tool.get("version") or tool.get("packageVersion"), 60)
    for agent in as_list(creation_info.get("creators")):
        if not maker and (name_and_version := _parse_tool(as_text(agent))):
            maker, version = name_and_version
    return Document(
        maker=clean(maker, 60),
        maker_version=clean(version, 60),
        natural_key=as_text(document_element.get("spdxId"), 200)
        if _kind(document_element) == "SpdxDocument"
        else "",
        made_at=as_moment(creation_info.get("created")),
        subject=_find_subject_3(top, elements, by_id),
    )


def _find_subject_3(
    top: Element, elements: list[dict[str, Any]], by_id: Mapping[str, Element]
) -> str:
    """Return the name of the bill's root package, else of the only package with the purpose
    application; empty if there are several."""
    roots = [
        _resolve_element(reference, by_id)
        for element in (top, *elements)
        if _kind(element) in {"Sbom", "Bom", "AIBom", "SpdxDocument"}
        for reference in _as_elements(element.get("rootElement"))
    ]
    packages = [element for element in roots if _kind(element) in {"Package", "File"}]
    packages = packages or [
        element for element in elements if as_text(element.get("primaryPurpose")) == "application"
    ]
    names = {as_text(element.get("name")) for element in packages} - {""}
    return names.pop() if len(names) == 1 else ""


def _collect_related(
    elements: list[dict[str, Any]], by_id: Mapping[str, Element]
) -> dict[str, dict[str, list[str]]]:
    """Return {id of a package: {fact: names}} of its licences and data sets."""
    facts_by_id: dict[str, dict[str, list[str]]] = {}
    for relationship in elements:
        kind = as_text(relationship.get("relationshipType"), 60)
        fact = "licences" if kind in _LICENCES else _DATA.get(kind, "")
        if not fact:
            continue
        names = facts_by_id.setdefault(as_text(relationship.get("from"), 500), {}).setdefault(
            fact, []
        )
        for reference in _as_elements(relationship.get("to"))[:10]:
            target = _resolve_element(reference, by_id)
            name = as_text(
                target.get("licenseExpression") or target.get("name"), 200
            ) or _stated_text(reference)
            if name and len(names) < _MAX_RELATED and name not in names:
                names.append(name)
    return facts_by_id


def _build_sighting_3(
    package: Element,
    location: str,
    by_id: Mapping[str, Element],
    related: Mapping[str, Mapping[str, list[str]]],
    places: SourcePaths,
    document: Document,
) -> Sighting | None:
    """Return the model of an AI package; None, with the reason noted in `document`, if it names
    none."""
    package_name = as_text(package.get("name"))
    version = _stated_text(package.get("packageVersion"))
    supplier = _stated_text(_resolve_element(package.get("suppliedBy"), by_id).get("name"))
    kind = _stated_text(package.get("typeOfModel"))
    notes = dict(_AIROM.findall(as_text(package.get("comment"), 2_000)))
    if "componentType" in package or "modelName" in package or document.maker.lower() == "ai-bom":
        name = _stated_text(package.get("modelName"))
        if not name:
            document.ignored.append(
                SkippedPart(
                    location,
                    f"'{clean(package_name, 120)}' is an import or a call: ai-bom reports no model "
                    "for it.",
                )
            )
            return None
    elif document.maker.lower().startswith("cisco") and kind and " " not in kind:
        name = kind
    else:
        name = _parse_hub_name(_stated_text(package.get("packageUrl"))) or join_version(
            package_name, version
        )
        if "/" in name and supplier.lower() == name.partition("/")[0].lower():
            supplier = "huggingface"
    if not name:
        document.rejected.append(SkippedPart(location, "The AI package has no name."))
        return None
    provider = host_of(name, supplier)
    source = _source_location(package)
    place = places.place(as_text(source.get("file"), 500), source.get("line"))
    return Sighting(
        requested=name,
        provider=provider,
        role=role_of(
            notes.get("kind"),
            _stated_text(package.get("usageType")),
            kind,
            *map(_stated_text, _as_elements(package.get("domain"))),
        ),
        confidence=Confidence.GUESS
        if _is_unconfirmed(notes.get("confidence", ""))
        else Confidence.BOM,
        places=(place,) if place else (),
        facts=limit_facts(
            {
                **_build_facts_3(package, notes, supplier),
                **related.get(as_text(package.get("spdxId"), 500), {}),
            }
        ),
        where=location,
    )


def _build_facts_3(package: Element, notes: Mapping[str, str], supplier: str) -> dict[str, Any]:
    """Return the facts of an AI package in the shape of those from CycloneDX, so that pages show
    both alike. `notes` are the scanner's annotations."""
    return {
        "version": _stated_text(package.get("packageVersion")),
        "purl": _stated_text(package.get("packageUrl")),
        "supplier": supplier,
        "download": _stated_text(package.get("downloadLocation")),
        "description": _stated_text(package.get("description")),
        "card": {
            "parameters": {
                "type_of_model": _as_elements(package.get("typeOfModel")),
                "domain": _as_elements(package.get("domain")),
            },
            "metrics": [
                {"type": metric.get("key"), "value": metric.get("value")}
                for metric in map(_strip_prefixes, as_mappings(package.get("metric"))[:25])
            ],
            "considerations": {
                "limitation": package.get("limitation"),
                "information_about_training": package.get("informationAboutTraining"),
                "information_about_application": package.get("informationAboutApplication"),
                "standard_compliance": package.get("standardCompliance"),
                "safety_risk_assessment": package.get("safetyRiskAssessment"),
                "sensitive_personal_information": package.get("useSensitivePersonalInformation"),
            },
        },
        "scanner": {"kind": notes.get("kind"), "confidence": notes.get("confidence")},
    }


def _source_location(element: Element) -> Element:
    return _strip_prefixes(as_mapping(element.get("sourceLocation")))


def _resolve_element(reference: Any, by_id: Mapping[str, Element]) -> Element:
    """Return the element that a value contains or refers to by id; empty if there is none."""
    if isinstance(reference, list):
        reference = reference[0] if reference else None
    return (
        _strip_prefixes(reference)
        if isinstance(reference, Mapping)
        else by_id.get(as_text(reference, 500), {})
    )


def _parse_tool(creator: str) -> tuple[str, str] | None:
    """Parse `Tool: name-1.2` into (name, version); None for a person or an organisation."""
    if not creator.startswith(_TOOL):
        return None
    tool = creator.removeprefix(_TOOL).strip()
    version = _TOOL_VERSION.search(tool, 1)
    if version is None:
        return (tool, "") if tool else None
    return tool[: version.start()], version[1]


def _as_elements(value: Any) -> list[Any]:
    """Return a list of the values, which SPDX writes without a list if there is only one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _stated_text(value: Any) -> str:
    """Return the text; empty for values that state nothing (NONE, NOASSERTION, unknown)."""
    text = as_text(value[0] if isinstance(value, list) and value else value, 500)
    return "" if text in _EMPTY_VALUES else text


def _is_unconfirmed(confidence: str) -> bool:
    try:
        return float(confidence) < 0.6
    except ValueError:
        return False


# --- 2.3 ------------------------------------------------------------------------------------------


def _read_version_2(data: Element) -> Document:
    """Read the models among the packages of an SPDX 2 document; other packages are only counted by
    their purpose."""
    document = Document(natural_key=as_text(data.get("documentNamespace"), 200))
    creation_info = as_mapping(data.get("creationInfo"))
    document.made_at = as_moment(creation_info.get("created"))
    for creator in as_list(creation_info.get("creators")):
        if not document.maker and (name_and_version := _parse_tool(as_text(creator))):
            document.maker, document.maker_version = (
                clean(name_and_version[0], 60),
                name_and_version[1],
            )
    packages = as_mappings(data.get("packages"))
    if len(packages) > MAX_ELEMENTS:
        raise UnreadableError(
            f"The document has more than {MAX_ELEMENTS:,} packages. Send those of models only."
        )
    document.subject = _find_subject_2(data, packages)
    n_by_purpose: Counter[str] = Counter()
    sightings = []
    for place, package in enumerate(packages):
        sighting = _build_sighting_2(package, f"/packages/{place}")
        if sighting is None:
            n_by_purpose[
                _stated_text(package.get("primaryPackagePurpose")).lower() or "package"
            ] += 1
        else:
            sightings.append(sighting)
    _note_ignored_packages(n_by_purpose, document)
    document.sightings = merge_sightings(sightings)
    document.names_ai = bool(sightings)
    return document


def _build_sighting_2(package: Element, location: str) -> Sighting | None:
    """Return the model of a package; None if the package is not a model."""
    purls = list(_list_purls(package))
    hub = next(filter(None, map(_parse_hub_name, purls)), "")
    if not hub and not _MODEL_ID_OF_23.search(as_text(package.get("SPDXID"), 300)):
        return None
    supplier = re.sub(r"^(Organization|Person):\s*", "", _stated_text(package.get("supplier")))
    name = hub or join_version(
        as_text(package.get("name")), _stated_text(package.get("versionInfo"))
    )
    if not name:
        return None
    licences = {
        _stated_text(package.get(key)) for key in ("licenseDeclared", "licenseConcluded")
    } - {""}
    return Sighting(
        requested=name,
        provider="huggingface" if hub else host_of(name, supplier),
        role=role_of(_stated_text(package.get("description"))),
        facts=limit_facts(
            {
                "version": _stated_text(package.get("versionInfo")),
                "supplier": supplier,
                "licences": sorted(licences),
                "purl": next(iter(purls), ""),
                "download": _stated_text(package.get("downloadLocation")),
                "hashes": [
                    {
                        "alg": as_text(checksum.get("algorithm"), 20),
                        "content": as_text(checksum.get("checksumValue"), 200),
                    }
                    for checksum in as_mappings(package.get("checksums"))[:5]
                ],
            }
        ),
        where=location,
    )


def _list_purls(package: Element) -> Iterator[str]:
    for reference in as_mappings(package.get("externalRefs")):
        if as_text(reference.get("referenceType")).endswith("purl"):
            yield as_text(reference.get("referenceLocator"), 500)


def _find_subject_2(data: Element, packages: list[Element]) -> str:
    """Return the name of the package that the document describes, if there is exactly one and its
    purpose is empty or application."""
    described_ids = {
        as_text(element_id, 300) for element_id in as_list(data.get("documentDescribes"))
    } | {
        as_text(relationship.get("relatedSpdxElement"), 300)
        for relationship in as_mappings(data.get("relationships"))
        if as_text(relationship.get("relationshipType")) == "DESCRIBES"
    }
    described_packages = [
        package for package in packages if as_text(package.get("SPDXID"), 300) in described_ids
    ]
    if len(described_packages) != 1 or _stated_text(
        described_packages[0].get("primaryPackagePurpose")
    ).upper() not in {
        "",
        "APPLICATION",
    }:
        return ""
    return as_text(described_packages[0].get("name"))


# --- both -----------------------------------------------------------------------------------------


def _parse_hub_name(purl: str) -> str:
    """Return `maker/model` of a package URL at Hugging Face; empty for others."""
    try:
        package_url = PackageURL.from_string(purl) if purl.startswith("pkg:huggingface/") else None
    except ValueError:
        return ""
    return (
        "/".join(segment for segment in (package_url.namespace, package_url.name) if segment)
        if package_url
        else ""
    )


def _note_ignored_packages(n_by_purpose: Counter[str], document: Document) -> None:
    if n_by_purpose:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in n_by_purpose.most_common(8))
        document.ignored.append(
            SkippedPart("/packages", f"Ignored, because they are not models: {kinds}.")
        )
