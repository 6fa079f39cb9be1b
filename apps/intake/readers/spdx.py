"""SPDX documents: the AI profile of 3.0 (JSON-LD), its scanner dialects, and the packages of 2.3.

Read as plain JSON: the `@context` is never fetched, terms are identified by their last part
whatever their prefix, IDs are compared literally. (spdx.github.io/spdx-spec/v3.0.1; tested with the
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
# 2.3 has no profile for models: what an identifier or an address says
_MODEL_ID_OF_23 = re.compile(r"-(?:ai)?model-", re.I)
# licences or data sets of one package; more are not kept of any list
_MAX_RELATED = 25
_LICENCES = {"hasDeclaredLicense", "hasConcludedLicense"}
_DATA = {"trainedOn": "trained_on", "testedOn": "tested_on"}

type Element = Mapping[str, Any]


def read_spdx(body: bytes) -> Document:
    said = load_json(body)
    if isinstance(said, list):
        said = {"@graph": said}
    if not isinstance(said, Mapping):
        raise UnreadableError("The document is not SPDX: a document is one JSON object.")
    version = as_text(said.get("spdxVersion"), 20)
    if version.startswith("SPDX-"):
        return _read_2(said)
    if not (
        "@graph" in said or "elements" in said or "spdx.org" in str(said.get("@context"))[:500]
    ):
        other = " It looks like CycloneDX: send it as cyclonedx." if "bomFormat" in said else ""
        raise UnreadableError(
            f"The document is not SPDX: it has no spdxVersion and no @graph.{other}"
        )
    return _read_3(said)


# --- 3.0 ------------------------------------------------------------------------------------------


def _read_3(said: Element) -> Document:
    raw = [each for key in ("@graph", "elements", "element") for each in as_mappings(said.get(key))]
    if len(raw) > MAX_ELEMENTS:
        raise UnreadableError(
            f"The document has more than {MAX_ELEMENTS:,} elements. Send its AI packages only."
        )
    elements = [_plain(each) for each in raw]
    top = _plain(said)
    by_id = {as_text(each.get("spdxId") or each.get("@id"), 500): each for each in elements}
    document = _head_3(top, elements, by_id)
    related = _related(elements, by_id)
    places = SourcePaths(as_text(_source(each).get("file"), 500) for each in elements)
    others: Counter[str] = Counter()
    sightings = []
    for place, each in enumerate(elements):
        where = f"/{'@graph' if '@graph' in said else 'elements'}/{place}"
        kind = _kind(each)
        if kind == "AIPackage":
            sighting = _sighting_3(each, where, by_id, related, places, document)
            if sighting is not None:
                sightings.append(sighting)
        elif kind == "Package":
            others[as_text(each.get("primaryPurpose"), 40) or "package"] += 1
    _note_others(others, document)
    document.sightings = merge_sightings(sightings)
    document.names_ai = any(_kind(each) == "AIPackage" for each in elements)
    return document


def _plain(element: Element) -> dict[str, Any]:
    """Return keys by their last part: ai_typeOfModel, ai-bom:modelName, a whole URL. The first of a
    kind wins."""
    found: dict[str, Any] = {}
    for key, value in element.items():
        name = key if key.startswith("@") else re.split(r"[:_/#]", key)[-1]
        found.setdefault(name, value)
    return found


def _kind(element: Element) -> str:
    said = element.get("type") or element.get("@type")
    return re.split(r"[:_/#]", as_text(said[0] if isinstance(said, list) and said else said, 200))[
        -1
    ]


def _head_3(top: Element, elements: list[dict[str, Any]], by_id: Mapping[str, Element]) -> Document:
    about = next((each for each in (top, *elements) if _kind(each) == "SpdxDocument"), top)
    info = _resolve_element(about.get("creationInfo"), by_id) or next(
        (each for each in elements if _kind(each) == "CreationInfo"), {}
    )
    maker, version = "", ""
    for key in ("createdUsing", "createdBy"):
        for said in _as_elements(info.get(key)):
            tool = _plain(_resolve_element(said, by_id))
            if not maker and tool:
                maker = as_text(tool.get("name"), 60)
                version = as_text(tool.get("version") or tool.get("packageVersion"), 60)
    for said in as_list(info.get("creators")):
        if not maker and (named := _tool_of(as_text(said))):
            maker, version = named
    return Document(
        maker=clean(maker, 60),
        maker_version=clean(version, 60),
        natural_key=as_text(about.get("spdxId"), 200) if _kind(about) == "SpdxDocument" else "",
        made_at=as_moment(info.get("created")),
        subject=_subject_3(top, elements, by_id),
    )


def _subject_3(top: Element, elements: list[dict[str, Any]], by_id: Mapping[str, Element]) -> str:
    """Return the root of the bill of materials, else the only package that is marked as an
    application."""
    roots = [
        _resolve_element(said, by_id)
        for each in (top, *elements)
        if _kind(each) in {"Sbom", "Bom", "AIBom", "SpdxDocument"}
        for said in _as_elements(each.get("rootElement"))
    ]
    packages = [each for each in roots if _kind(each) in {"Package", "File"}]
    packages = packages or [
        each for each in elements if as_text(each.get("primaryPurpose")) == "application"
    ]
    names = {as_text(each.get("name")) for each in packages} - {""}
    return names.pop() if len(names) == 1 else ""


def _related(
    elements: list[dict[str, Any]], by_id: Mapping[str, Element]
) -> dict[str, dict[str, list[str]]]:
    """Return {id: {fact: names}} of licences and data sets."""
    found: dict[str, dict[str, list[str]]] = {}
    for each in elements:
        kind = as_text(each.get("relationshipType"), 60)
        fact = "licences" if kind in _LICENCES else _DATA.get(kind, "")
        if not fact:
            continue
        names = found.setdefault(as_text(each.get("from"), 500), {}).setdefault(fact, [])
        for said in _as_elements(each.get("to"))[:10]:
            target = _resolve_element(said, by_id)
            name = as_text(
                target.get("licenseExpression") or target.get("name"), 200
            ) or _stated_text(said)
            if name and len(names) < _MAX_RELATED and name not in names:
                names.append(name)
    return found


def _sighting_3(
    package: Element,
    where: str,
    by_id: Mapping[str, Element],
    related: Mapping[str, Mapping[str, list[str]]],
    places: SourcePaths,
    document: Document,
) -> Sighting | None:
    own = as_text(package.get("name"))
    version = _stated_text(package.get("packageVersion"))
    supplier = _stated_text(_resolve_element(package.get("suppliedBy"), by_id).get("name"))
    kind = _stated_text(package.get("typeOfModel"))
    notes = dict(_AIROM.findall(as_text(package.get("comment"), 2_000)))
    if "componentType" in package or "modelName" in package or document.maker.lower() == "ai-bom":
        name = _stated_text(package.get("modelName"))
        if not name:
            document.ignored.append(
                SkippedPart(
                    where,
                    f"'{clean(own, 120)}' is an import or a call: ai-bom reports no model for it.",
                )
            )
            return None
    elif document.maker.lower().startswith("cisco") and kind and " " not in kind:
        name = kind
    else:
        name = _hub_name(_stated_text(package.get("packageUrl"))) or join_version(own, version)
        if "/" in name and supplier.lower() == name.partition("/")[0].lower():
            supplier = "huggingface"
    if not name:
        document.rejected.append(SkippedPart(where, "The AI package has no name."))
        return None
    provider = host_of(name, supplier)
    source = _source(package)
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
        if _unconfirmed(notes.get("confidence", ""))
        else Confidence.BOM,
        places=(place,) if place else (),
        facts=limit_facts(
            {
                **_facts_3(package, notes, supplier),
                **related.get(as_text(package.get("spdxId"), 500), {}),
            }
        ),
        where=where,
    )


def _facts_3(package: Element, notes: Mapping[str, str], supplier: str) -> dict[str, Any]:
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
                {"type": each.get("key"), "value": each.get("value")}
                for each in map(_plain, as_mappings(package.get("metric"))[:25])
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


def _source(element: Element) -> Element:
    return _plain(as_mapping(element.get("sourceLocation")))


def _resolve_element(said: Any, by_id: Mapping[str, Element]) -> Element:
    """Return an inline element, or the one that an id refers to."""
    if isinstance(said, list):
        said = said[0] if said else None
    return _plain(said) if isinstance(said, Mapping) else by_id.get(as_text(said, 500), {})


def _tool_of(creator: str) -> tuple[str, str] | None:
    """Return (name, version) of `Tool: name-1.2`; None for a person or an organisation."""
    if not creator.startswith(_TOOL):
        return None
    tool = creator.removeprefix(_TOOL).strip()
    version = _TOOL_VERSION.search(tool, 1)
    if version is None:
        return (tool, "") if tool else None
    return tool[: version.start()], version[1]


def _as_elements(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [] if said is None else [said]


def _stated_text(value: Any) -> str:
    """Return the text; empty for values that mean no statement (NONE, NOASSERTION, unknown)."""
    found = as_text(value[0] if isinstance(value, list) and value else value, 500)
    return "" if found in _EMPTY_VALUES else found


def _unconfirmed(said: str) -> bool:
    try:
        return float(said) < 0.6
    except ValueError:
        return False


# --- 2.3 ------------------------------------------------------------------------------------------


def _read_2(said: Element) -> Document:
    document = Document(natural_key=as_text(said.get("documentNamespace"), 200))
    info = as_mapping(said.get("creationInfo"))
    document.made_at = as_moment(info.get("created"))
    for creator in as_list(info.get("creators")):
        if not document.maker and (named := _tool_of(as_text(creator))):
            document.maker, document.maker_version = clean(named[0], 60), named[1]
    packages = as_mappings(said.get("packages"))
    if len(packages) > MAX_ELEMENTS:
        raise UnreadableError(
            f"The document has more than {MAX_ELEMENTS:,} packages. Send those of models only."
        )
    document.subject = _subject_2(said, packages)
    others: Counter[str] = Counter()
    sightings = []
    for place, package in enumerate(packages):
        sighting = _sighting_2(package, f"/packages/{place}")
        if sighting is None:
            others[_stated_text(package.get("primaryPackagePurpose")).lower() or "package"] += 1
        else:
            sightings.append(sighting)
    _note_others(others, document)
    document.sightings = merge_sightings(sightings)
    document.names_ai = bool(sightings)
    return document


def _sighting_2(package: Element, where: str) -> Sighting | None:
    addresses = list(_purls(package))
    hub = next(filter(None, map(_hub_name, addresses)), "")
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
                "purl": next(iter(addresses), ""),
                "download": _stated_text(package.get("downloadLocation")),
                "hashes": [
                    {
                        "alg": as_text(each.get("algorithm"), 20),
                        "content": as_text(each.get("checksumValue"), 200),
                    }
                    for each in as_mappings(package.get("checksums"))[:5]
                ],
            }
        ),
        where=where,
    )


def _purls(package: Element) -> Iterator[str]:
    for each in as_mappings(package.get("externalRefs")):
        if as_text(each.get("referenceType")).endswith("purl"):
            yield as_text(each.get("referenceLocator"), 500)


def _subject_2(said: Element, packages: list[Element]) -> str:
    """Return the one package that the document describes, if it is an application or has no
    purpose."""
    described = {as_text(each, 300) for each in as_list(said.get("documentDescribes"))} | {
        as_text(each.get("relatedSpdxElement"), 300)
        for each in as_mappings(said.get("relationships"))
        if as_text(each.get("relationshipType")) == "DESCRIBES"
    }
    found = [each for each in packages if as_text(each.get("SPDXID"), 300) in described]
    if len(found) != 1 or _stated_text(found[0].get("primaryPackagePurpose")).upper() not in {
        "",
        "APPLICATION",
    }:
        return ""
    return as_text(found[0].get("name"))


# --- both -----------------------------------------------------------------------------------------


def _hub_name(purl: str) -> str:
    """Return `maker/model` of a URL at Hugging Face."""
    try:
        parsed = PackageURL.from_string(purl) if purl.startswith("pkg:huggingface/") else None
    except ValueError:
        return ""
    return "/".join(part for part in (parsed.namespace, parsed.name) if part) if parsed else ""


def _note_others(others: Counter[str], document: Document) -> None:
    if others:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in others.most_common(8))
        document.ignored.append(
            SkippedPart("/packages", f"Ignored, because they are not models: {kinds}.")
        )
