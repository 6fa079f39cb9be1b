"""The OpenAPI document: what it describes, compared with the one that is kept.

Renames that are meant are made in the kept document first (`renames.toml`), so that only what
nobody listed shows. Texts (descriptions, summaries, titles, examples) are counted apart.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from tools.baselines.differences import Fact, Facts

FILE = Path(__file__).with_name("openapi.json")
METHODS = ("get", "put", "post", "patch", "delete", "head", "options")
_TEXTS = ("description", "summary", "title", "example", "examples")
_REFERENCE = "#/components/schemas/"
TEXT = "text"

# (kind, name) and what is compared of it
type Named = tuple[tuple[str, str], Fact]
_ARGUMENT = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Renames:
    """Renames by what is renamed; keys are names of the kept document.

    `paths`: beginnings of paths, the longest one counts. `operations`: operationIds. `parameters`:
    `name`, or `/path/?name`. `schemas`: names. `properties`: `Schema.name`, or `*.name`. `values`:
    `Schema=value`, `Schema.property=value`, `/path/?parameter=value`, `?parameter=value`, or
    `*=value`.
    """

    paths: Mapping[str, str] = field(default_factory=dict)
    operations: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def path(self, path: str) -> str:
        """Rename the beginning; an argument in braces stands for any, and keeps its name."""
        for old_prefix in sorted(self.paths, key=len, reverse=True):
            pattern = re.sub(r"\\{\w+\\}", r"(\\{\\w+\\})", re.escape(old_prefix))
            if beginning := re.match(pattern, path):
                literals, arguments = _ARGUMENT.split(self.paths[old_prefix]), beginning.groups()
                new_prefix = "".join(chain(*zip_longest(literals, arguments, fillvalue="")))
                return new_prefix + path[beginning.end() :]
        return path

    def parameter(self, path: str, name: str) -> str:
        return self.parameters.get(f"{path}?{name}", self.parameters.get(name, name))

    def property(self, schema: str, name: str) -> str:
        return self.properties.get(f"{schema}.{name}", self.properties.get(f"*.{name}", name))

    def value(self, owner: str, value: Any) -> Any:
        """`owner` is a schema, a property, or `/path/?parameter`, also known without its path."""
        _, mark, parameter = owner.partition("?")
        owners = [owner, f"?{parameter}", "*"] if mark else [owner, "*"]
        keys = (f"{name}={value}" for name in owners)
        return next((self.values[key] for key in keys if key in self.values), value)


def present_document() -> dict[str, Any]:
    """Write the document as it is served now. Django is set up; no database is asked."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    # what is not JSON is served as text
    plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return plain


def written(document: dict[str, Any]) -> str:
    """Give the text of the file: JSON, sorted, with a line for each address and each schema."""

    def packed(value: Any) -> str:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def by_line(entries: dict[str, Any]) -> str:
        return ",\n".join(f"{packed(name)}:{packed(entries[name])}" for name in sorted(entries))

    components = document["components"]
    other_components = {name: entries for name, entries in components.items() if name != "schemas"}
    other_entries = {
        name: value for name, value in document.items() if name not in {"paths", "components"}
    }
    return (
        f'{{{packed(other_entries)[1:-1]},\n"paths":{{\n{by_line(document["paths"])}\n}},\n'
        f'"components":{{{packed(other_components)[1:-1]},"schemas":{{\n{by_line(components["schemas"])}\n}}}}}}\n'
    )


# --- renames ------------------------------------------------------------------------------------


def renamed(document: dict[str, Any], renames: Renames) -> dict[str, Any]:
    """Give the document with the renames made."""
    paths = {}
    for path, item in document["paths"].items():
        operations = {}
        for method, operation in item.items():
            renamed_operation = _rename_node(operation, renames, "")
            if method in METHODS:
                name = operation.get("operationId", "")
                renamed_operation["operationId"] = renames.operations.get(name, name)
                for parameter in renamed_operation.get("parameters", []):
                    parameter["name"] = renames.parameter(path, parameter["name"])
                    owner = f"{path}?{parameter['name']}"
                    parameter["schema"] = _rename_node(parameter.get("schema", {}), renames, owner)
            operations[method] = renamed_operation
        paths[renames.path(path)] = operations
    schemas = {
        renames.schemas.get(name, name): _rename_node(schema, renames, name)
        for name, schema in document["components"]["schemas"].items()
    }
    return {
        **document,
        "paths": paths,
        "components": {**document["components"], "schemas": schemas},
    }


def _rename_node(node: Any, renames: Renames, owner: str) -> Any:
    """`owner` is the schema, property or parameter that the node describes."""
    if isinstance(node, list):
        return [_rename_node(item, renames, owner) for item in node]
    if not isinstance(node, dict):
        return node
    renamed_node: dict[str, Any] = {}
    for key, value in node.items():
        if key == "$ref" and isinstance(value, str):
            name = value.removeprefix(_REFERENCE)
            renamed_node[key] = f"{_REFERENCE}{renames.schemas.get(name, name)}"
        elif key == "properties" and isinstance(value, dict):
            renamed_node[key] = {
                renames.property(owner, name): _rename_node(inner, renames, f"{owner}.{name}")
                for name, inner in value.items()
            }
        elif key == "required" and isinstance(value, list):
            renamed_node[key] = [renames.property(owner, name) for name in value]
        elif key == "enum":
            renamed_node[key] = [renames.value(owner, enum_value) for enum_value in value]
        elif key in {"default", "const"} and not isinstance(value, (dict, list)):
            renamed_node[key] = renames.value(owner, value)
        else:
            renamed_node[key] = _rename_node(value, renames, owner)
    return renamed_node


# --- facts --------------------------------------------------------------------------------------


def facts_of(document: dict[str, Any]) -> Facts:
    """Give what the document says, one fact a thing; texts are facts of the kind `text`."""
    return dict(_facts(document))


def _facts(document: dict[str, Any]) -> Iterator[Named]:
    for path, item in document["paths"].items():
        operations = {method: item[method] for method in METHODS if method in item}
        yield ("path", path), Fact(likeness=_digest(operations))
        for method, operation in operations.items():
            yield from _operation_facts(f"{method.upper()} {path}", operation)
    for name, schema in document["components"]["schemas"].items():
        yield ("schema", name), Fact(_signature(schema, shallow=True), _digest(schema))
        yield from _schema_facts(name, schema)


def _operation_facts(name: str, operation: dict[str, Any]) -> Iterator[Named]:
    security = json.dumps(operation.get("security"), sort_keys=True)
    deprecated = " deprecated" if operation.get("deprecated") else ""
    yield ("operation", name), Fact(f"{security}{deprecated}", _digest(operation))
    yield ("operation id", operation.get("operationId", "")), Fact(likeness=name)
    yield from _text_facts(name, operation)
    for parameter in operation.get("parameters", []):
        parameter_name = f"{name} {parameter['in']} {parameter['name']}"
        required = " required" if parameter.get("required") else ""
        signature = _signature(parameter.get("schema", {})) + required
        yield ("parameter", parameter_name), Fact(signature, signature, name)
        yield from _text_facts(parameter_name, parameter)
        yield from _value_facts(parameter_name, parameter["schema"])
    bodies = operation.get("requestBody", {}).get("content", {})
    for kind, content in bodies.items():
        yield ("body", f"{name} {kind}"), Fact(_signature(content.get("schema", {})))
        yield from _text_facts(f"{name} {kind}", content)
    for status, response in operation.get("responses", {}).items():
        contents = response.get("content") or {"": {}}
        yield from _text_facts(f"{name} {status}", response)
        for kind, content in contents.items():
            signature = _signature(content.get("schema", {}))
            yield ("response", f"{name} {status} {kind}"), Fact(signature)


def _schema_facts(name: str, schema: dict[str, Any]) -> Iterator[Named]:
    yield from _text_facts(name, schema)
    yield from _value_facts(name, schema)
    required = set(schema.get("required", []))
    for property_name, inner in schema.get("properties", {}).items():
        property_path = f"{name}.{property_name}"
        signature = _signature(inner, shallow=True)
        signature += " required" if property_name in required else ""
        yield ("property", property_path), Fact(signature, signature, name)
        yield from _schema_facts(property_path, inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _schema_facts(f"{name}[]", schema[key])


def _value_facts(name: str, schema: dict[str, Any]) -> Iterator[Named]:
    for inner in (schema, schema.get("items", {})):
        for value in inner.get("enum", []):
            yield ("value", f"{name} = {value}"), Fact()


def _text_facts(name: str, node: dict[str, Any]) -> Iterator[Named]:
    for key in _TEXTS:
        if key in node:
            yield (TEXT, f"{name} {key}"), Fact(json.dumps(node[key], sort_keys=True))


def _signature(schema: Any, *, shallow: bool = False) -> str:
    """Give the form of what is described, without texts and values; `shallow`: and properties."""
    return json.dumps(_strip_texts(schema, shallow=shallow), sort_keys=True)


def _strip_texts(node: Any, *, shallow: bool, is_map: bool = False) -> Any:
    """Give the node without texts and values; the keys of a map are names, whatever they say."""
    if isinstance(node, list):
        return [_strip_texts(item, shallow=shallow) for item in node]
    if not isinstance(node, dict):
        return node
    left_out = {*_TEXTS, "enum", *(("properties", "required") if shallow else ())}
    return {
        key: _strip_texts(value, shallow=shallow, is_map=key == "properties" and not is_map)
        for key, value in node.items()
        if is_map or key not in left_out
    }


def _digest(node: Any) -> str:
    """Give what a renamed path or schema keeps: everything but texts and operationIds."""
    return json.dumps(_without_names(node), sort_keys=True)


def _without_names(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_names(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_names(value)
        for key, value in node.items()
        if key not in {*_TEXTS, "operationId", "tags"} or isinstance(value, dict)
    }
