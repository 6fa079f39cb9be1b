"""SPDX: the AI profile of 3.0 (JSON-LD), what scanners make of it, and the packages of 2.3.

Read as plain JSON: the `@context` is never fetched, terms are known by their last part whatever
prefix they carry, ids are compared as they stand. (spdx.github.io/spdx-spec/v3.0.1; seen: airom
0.5, ai-bom 3.6, cisco-aibom 1.10, aisbom-cli 1.7.)
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from packageurl import PackageURL

from apps.intake.documents import Document, Part, Sighting, Unreadable, clean
from apps.intake.models import Confidence
from apps.intake.readers.cyclonedx_cards import within
from apps.intake.readers.json_text import listed, load_json, mapping, mappings, moment, text
from apps.intake.readers.merging import merged
from apps.intake.readers.model_ids import host_of, joined, role_of
from apps.intake.readers.places import Places

MOST_ELEMENTS = 100_000
_NOTHING = {"NOASSERTION", "NONE", "unknown"}
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


def read(body: bytes) -> Document:
    said = load_json(body)
    if isinstance(said, list):
        said = {"@graph": said}
    if not isinstance(said, Mapping):
        raise Unreadable("It is not SPDX: a document is one JSON object.")
    version = text(said.get("spdxVersion"), 20)
    if version.startswith("SPDX-"):
        return _read_2(said)
    if not (
        "@graph" in said or "elements" in said or "spdx.org" in str(said.get("@context"))[:500]
    ):
        other = " It looks like CycloneDX: send it as cyclonedx." if "bomFormat" in said else ""
        raise Unreadable(f"It is not SPDX: it has neither a spdxVersion nor an @graph.{other}")
    return _read_3(said)


# --- 3.0 ------------------------------------------------------------------------------------------


def _read_3(said: Element) -> Document:
    raw = [each for key in ("@graph", "elements", "element") for each in mappings(said.get(key))]
    if len(raw) > MOST_ELEMENTS:
        raise Unreadable(f"It has more than {MOST_ELEMENTS:,} elements. Send its AI packages only.")
    elements = [_plain(each) for each in raw]
    top = _plain(said)
    by_id = {text(each.get("spdxId") or each.get("@id"), 500): each for each in elements}
    document = _head_3(top, elements, by_id)
    related = _related(elements, by_id)
    places = Places(text(_source(each).get("file"), 500) for each in elements)
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
            others[text(each.get("primaryPurpose"), 40) or "package"] += 1
    _note_others(others, document)
    document.sightings = merged(sightings)
    document.names_ai = any(_kind(each) == "AIPackage" for each in elements)
    return document


def _plain(element: Element) -> dict[str, Any]:
    """Keys by their last part: ai_typeOfModel, ai-bom:modelName, a whole address. The first of a
    kind wins."""
    found: dict[str, Any] = {}
    for key, value in element.items():
        name = key if key.startswith("@") else re.split(r"[:_/#]", key)[-1]
        found.setdefault(name, value)
    return found


def _kind(element: Element) -> str:
    said = element.get("type") or element.get("@type")
    return re.split(r"[:_/#]", text(said[0] if isinstance(said, list) and said else said, 200))[-1]


def _head_3(top: Element, elements: list[dict[str, Any]], by_id: Mapping[str, Element]) -> Document:
    about = next((each for each in (top, *elements) if _kind(each) == "SpdxDocument"), top)
    info = _one(about.get("creationInfo"), by_id) or next(
        (each for each in elements if _kind(each) == "CreationInfo"), {}
    )
    maker, version = "", ""
    for key in ("createdUsing", "createdBy"):
        for said in _each(info.get(key)):
            tool = _plain(_one(said, by_id))
            if not maker and tool:
                maker = text(tool.get("name"), 60)
                version = text(tool.get("version") or tool.get("packageVersion"), 60)
    for said in listed(info.get("creators")):
        if not maker and (named := _tool_of(text(said))):
            maker, version = named
    return Document(
        maker=clean(maker, 60),
        maker_version=clean(version, 60),
        natural_key=text(about.get("spdxId"), 200) if _kind(about) == "SpdxDocument" else "",
        made_at=moment(info.get("created")),
        subject=_subject_3(top, elements, by_id),
    )


def _subject_3(top: Element, elements: list[dict[str, Any]], by_id: Mapping[str, Element]) -> str:
    """The root of the bill, else the only package that is said to be an application."""
    roots = [
        _one(said, by_id)
        for each in (top, *elements)
        if _kind(each) in {"Sbom", "Bom", "AIBom", "SpdxDocument"}
        for said in _each(each.get("rootElement"))
    ]
    packages = [each for each in roots if _kind(each) in {"Package", "File"}]
    packages = packages or [
        each for each in elements if text(each.get("primaryPurpose")) == "application"
    ]
    names = {text(each.get("name")) for each in packages} - {""}
    return names.pop() if len(names) == 1 else ""


def _related(
    elements: list[dict[str, Any]], by_id: Mapping[str, Element]
) -> dict[str, dict[str, list[str]]]:
    """{id: {fact: names}} of licences and data sets."""
    found: dict[str, dict[str, list[str]]] = {}
    for each in elements:
        kind = text(each.get("relationshipType"), 60)
        fact = "licences" if kind in _LICENCES else _DATA.get(kind, "")
        if not fact:
            continue
        names = found.setdefault(text(each.get("from"), 500), {}).setdefault(fact, [])
        for said in _each(each.get("to"))[:10]:
            target = _one(said, by_id)
            name = text(target.get("licenseExpression") or target.get("name"), 200) or _said(said)
            if name and len(names) < _MAX_RELATED and name not in names:
                names.append(name)
    return found


def _sighting_3(
    package: Element,
    where: str,
    by_id: Mapping[str, Element],
    related: Mapping[str, Mapping[str, list[str]]],
    places: Places,
    document: Document,
) -> Sighting | None:
    own = text(package.get("name"))
    version = _said(package.get("packageVersion"))
    supplier = _said(_one(package.get("suppliedBy"), by_id).get("name"))
    kind = _said(package.get("typeOfModel"))
    notes = dict(_AIROM.findall(text(package.get("comment"), 2_000)))
    if "componentType" in package or "modelName" in package or document.maker.lower() == "ai-bom":
        name = _said(package.get("modelName"))
        if not name:
            document.ignored.append(
                Part(
                    where,
                    f"'{clean(own, 120)}' is an import or a call: ai-bom names no model for it.",
                )
            )
            return None
    elif document.maker.lower().startswith("cisco") and kind and " " not in kind:
        name = kind
    else:
        name = _hub_name(_said(package.get("packageUrl"))) or joined(own, version)
        if "/" in name and supplier.lower() == name.partition("/")[0].lower():
            supplier = "huggingface"
    if not name:
        document.rejected.append(Part(where, "The AI package has no name."))
        return None
    provider = host_of(name, supplier)
    source = _source(package)
    place = places.place(text(source.get("file"), 500), source.get("line"))
    return Sighting(
        requested=name,
        provider=provider,
        role=role_of(
            notes.get("kind"),
            _said(package.get("usageType")),
            kind,
            *map(_said, _each(package.get("domain"))),
        ),
        confidence=Confidence.GUESS if _unsure(notes.get("confidence", "")) else Confidence.BOM,
        places=(place,) if place else (),
        facts=within(
            {
                **_facts_3(package, notes, supplier),
                **related.get(text(package.get("spdxId"), 500), {}),
            }
        ),
        where=where,
    )


def _facts_3(package: Element, notes: Mapping[str, str], supplier: str) -> dict[str, Any]:
    return {
        "version": _said(package.get("packageVersion")),
        "purl": _said(package.get("packageUrl")),
        "supplier": supplier,
        "download": _said(package.get("downloadLocation")),
        "description": _said(package.get("description")),
        "card": {
            "parameters": {
                "type_of_model": _each(package.get("typeOfModel")),
                "domain": _each(package.get("domain")),
            },
            "metrics": [
                {"type": each.get("key"), "value": each.get("value")}
                for each in map(_plain, mappings(package.get("metric"))[:25])
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
    return _plain(mapping(element.get("sourceLocation")))


def _one(said: Any, by_id: Mapping[str, Element]) -> Element:
    """An element inline, or the one an id means."""
    if isinstance(said, list):
        said = said[0] if said else None
    return _plain(said) if isinstance(said, Mapping) else by_id.get(text(said, 500), {})


def _tool_of(creator: str) -> tuple[str, str] | None:
    """(name, version) of `Tool: name-1.2`; None for a person or an organisation."""
    if not creator.startswith(_TOOL):
        return None
    tool = creator.removeprefix(_TOOL).strip()
    version = _TOOL_VERSION.search(tool, 1)
    if version is None:
        return (tool, "") if tool else None
    return tool[: version.start()], version[1]


def _each(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [] if said is None else [said]


def _said(value: Any) -> str:
    """The text; empty where it says that nothing is said."""
    found = text(value[0] if isinstance(value, list) and value else value, 500)
    return "" if found in _NOTHING else found


def _unsure(said: str) -> bool:
    try:
        return float(said) < 0.6
    except ValueError:
        return False


# --- 2.3 ------------------------------------------------------------------------------------------


def _read_2(said: Element) -> Document:
    document = Document(natural_key=text(said.get("documentNamespace"), 200))
    info = mapping(said.get("creationInfo"))
    document.made_at = moment(info.get("created"))
    for creator in listed(info.get("creators")):
        if not document.maker and (named := _tool_of(text(creator))):
            document.maker, document.maker_version = clean(named[0], 60), named[1]
    packages = mappings(said.get("packages"))
    if len(packages) > MOST_ELEMENTS:
        raise Unreadable(f"It has more than {MOST_ELEMENTS:,} packages. Send those of models only.")
    document.subject = _subject_2(said, packages)
    others: Counter[str] = Counter()
    sightings = []
    for place, package in enumerate(packages):
        sighting = _sighting_2(package, f"/packages/{place}")
        if sighting is None:
            others[_said(package.get("primaryPackagePurpose")).lower() or "package"] += 1
        else:
            sightings.append(sighting)
    _note_others(others, document)
    document.sightings = merged(sightings)
    document.names_ai = bool(sightings)
    return document


def _sighting_2(package: Element, where: str) -> Sighting | None:
    addresses = list(_purls(package))
    hub = next(filter(None, map(_hub_name, addresses)), "")
    if not hub and not _MODEL_ID_OF_23.search(text(package.get("SPDXID"), 300)):
        return None
    supplier = re.sub(r"^(Organization|Person):\s*", "", _said(package.get("supplier")))
    name = hub or joined(text(package.get("name")), _said(package.get("versionInfo")))
    if not name:
        return None
    licences = {_said(package.get(key)) for key in ("licenseDeclared", "licenseConcluded")} - {""}
    return Sighting(
        requested=name,
        provider="huggingface" if hub else host_of(name, supplier),
        role=role_of(_said(package.get("description"))),
        facts=within(
            {
                "version": _said(package.get("versionInfo")),
                "supplier": supplier,
                "licences": sorted(licences),
                "purl": next(iter(addresses), ""),
                "download": _said(package.get("downloadLocation")),
                "hashes": [
                    {
                        "alg": text(each.get("algorithm"), 20),
                        "content": text(each.get("checksumValue"), 200),
                    }
                    for each in mappings(package.get("checksums"))[:5]
                ],
            }
        ),
        where=where,
    )


def _purls(package: Element) -> Iterator[str]:
    for each in mappings(package.get("externalRefs")):
        if text(each.get("referenceType")).endswith("purl"):
            yield text(each.get("referenceLocator"), 500)


def _subject_2(said: Element, packages: list[Element]) -> str:
    """The one package the document describes, where it is an application or says no purpose."""
    described = {text(each, 300) for each in listed(said.get("documentDescribes"))} | {
        text(each.get("relatedSpdxElement"), 300)
        for each in mappings(said.get("relationships"))
        if text(each.get("relationshipType")) == "DESCRIBES"
    }
    found = [each for each in packages if text(each.get("SPDXID"), 300) in described]
    if len(found) != 1 or _said(found[0].get("primaryPackagePurpose")).upper() not in {
        "",
        "APPLICATION",
    }:
        return ""
    return text(found[0].get("name"))


# --- both -----------------------------------------------------------------------------------------


def _hub_name(purl: str) -> str:
    """`maker/model` of an address at Hugging Face."""
    try:
        parsed = PackageURL.from_string(purl) if purl.startswith("pkg:huggingface/") else None
    except ValueError:
        return ""
    return "/".join(part for part in (parsed.namespace, parsed.name) if part) if parsed else ""


def _note_others(others: Counter[str], document: Document) -> None:
    if others:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in others.most_common(8))
        document.ignored.append(Part("/packages", f"No models, and so not taken: {kinds}."))
