"""CycloneDX XML converted to the mapping of its JSON form, so that one reader reads both.

Parsed as a stream, without entities, document types or external references; depth and number of
elements are counted while parsing."""

from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from apps.intake.documents.records import UnreadableError
from apps.intake.readers.json_text import MAX_CONTAINERS, MAX_DEPTH

NAMESPACE = "http://cyclonedx.org/schema/bom/"
_CHUNK = 256 * 1024

# {element: name of the children that make it a list in JSON}; empty: it is never a list
_LISTS = {
    "components": "component",
    "services": "service",
    "properties": "property",
    "hashes": "hash",
    "externalReferences": "reference",
    "dependencies": "dependency",
    "occurrences": "occurrence",
    "endpoints": "endpoint",
    "datasets": "dataset",
    "inputs": "input",
    "outputs": "output",
    "performanceMetrics": "performanceMetric",
    "users": "user",
    "useCases": "useCase",
    "technicalLimitations": "technicalLimitation",
    "performanceTradeoffs": "performanceTradeoff",
    "ethicalConsiderations": "ethicalConsideration",
    "fairnessAssessments": "fairnessAssessment",
    "environmentalConsiderations": "",
    "energyConsumptions": "energyConsumption",
    "authors": "author",
    "tags": "tag",
    "omniborIds": "omniborId",
}
# elements whose entries are mappings by kind in JSON: [{"license": {...}}, {"expression": "..."}]
_BY_KIND = {"licenses"}
# elements with one attribute and a text, which are mappings with these two keys in JSON
_PAIRS = {"property": ("name", "value"), "hash": ("alg", "content")}


def load_xml(body: bytes) -> dict[str, Any]:
    """Return the `bom` element as a mapping, with `bomFormat` and `specVersion` from its
    namespace."""
    target = _Target()
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
        parser.close()
    except DefusedXmlException:
        raise UnreadableError(
            "The document contains a document type or entities, which are not read. Remove them."
        ) from None
    except ParseError as error:
        line, column = error.position
        raise UnreadableError(
            f"The document is not valid XML: error in line {line}, column {column + 1}."
        ) from None
    except (ValueError, LookupError):
        raise UnreadableError(
            "The encoding of the document is not supported. Save it as UTF-8."
        ) from None
    if target.root is None:
        raise UnreadableError("The document is empty. Check the file.")
    tag, bom = target.root
    if not tag.startswith(f"{{{NAMESPACE}") or not tag.endswith("}bom"):
        raise UnreadableError(
            "The document is XML, but not CycloneDX: its root element is not a bom of "
            f"{NAMESPACE}1.x."
        )
    document = bom if isinstance(bom, dict) else {}
    document |= {
        "bomFormat": "CycloneDX",
        "specVersion": tag[1 : tag.index("}")].removeprefix(NAMESPACE),
    }
    if str(document.get("version", "")).isdigit():
        document["version"] = int(document["version"])
    return document


type _Open = tuple[str, dict[str, str], list[tuple[str, Any]], list[str]]


class _Target:
    """Parser target that converts each element when it ends, and stores nothing else of the
    document."""

    def __init__(self) -> None:
        self.root: tuple[str, Any] | None = None
        self._open: list[_Open] = []
        self._n = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._n += 1
        if self._n > MAX_CONTAINERS:
            raise UnreadableError(
                f"The document has more than {MAX_CONTAINERS:,} elements. Split it."
            )
        if len(self._open) >= MAX_DEPTH:
            raise UnreadableError(
                f"The document is nested more than {MAX_DEPTH} levels deep. Check the file."
            )
        self._open.append((tag, attributes, [], []))

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][3].append(text)

    def end(self, tag: str) -> None:
        full_tag, attributes, children, texts = self._open.pop()
        name = full_tag.rpartition("}")[2]
        value = _convert_element(name, attributes, children, "".join(texts).strip())
        if self._open:
            self._open[-1][2].append((name, value))
        else:
            self.root = (full_tag, value)

    def close(self) -> None:
        return None


def _convert_element(
    name: str, attributes: dict[str, str], children: list[tuple[str, Any]], text: str
) -> Any:
    """Return the JSON form of an element with its converted children."""
    if name in _PAIRS:
        attribute, content = _PAIRS[name]
        return {attribute: attributes.get(attribute, ""), content: text}
    if name in _BY_KIND:
        return [{kind: value} for kind, value in children]
    if (entry := _LISTS.get(name)) and all(kind == entry for kind, _ in children):
        return [value for _, value in children]
    if name == "tools" and all(kind == "tool" for kind, _ in children):
        return [value for _, value in children]
    plain_attributes = {key.rpartition("}")[2]: value for key, value in attributes.items()}
    if not children:
        return (
            {**plain_attributes, **({"content": text} if text else {})}
            if plain_attributes
            else text
        )
    values: dict[str, Any] = dict(plain_attributes)
    for kind, value in children:
        if kind not in values:
            values[kind] = value
        elif isinstance(values[kind], _Repeated):
            values[kind].append(value)
        else:
            values[kind] = _Repeated([values[kind], value])
    return values


class _Repeated(list[Any]):
    """Values of an element that occurs several times although the schema has no list for it."""
