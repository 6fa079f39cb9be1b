"""Operations of a PATCH (RFC 7644, section 3.5.2), applied to attributes. Plain Python.

Identity providers deviate from the RFC, and their requests are accepted (read on 30 November 2026):
Microsoft Entra ID sends `Replace` with a capital and `active` as the text "False"
(github.com/ssoready/ssoready/issues/155), and removes members by a value
(github.com/Captain-P-Goldfish/SCIM-SDK/issues/149). Okta sends values without a path
(developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.accounts.provisioning.errors import ScimError, ScimType, invalid
from apps.accounts.provisioning.filters import (
    Comparison,
    Filter,
    attribute_name,
    matches,
    read_filter,
)

MAX_OPERATIONS = 1_000
_OPERATIONS = frozenset({"add", "replace", "remove"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on one attribute: `attribute`, or `attribute[condition]`, or a part
    (`sub_attribute`) of either. Names are in lower case."""

    action: str
    attribute: str
    condition: Filter | None
    sub_attribute: str
    value: Any


def read_operations(body: Mapping[str, Any]) -> list[Operation]:
    """Return the operations of a PATCH; one without a path becomes one for each attribute of its
    value. Raises ScimError."""
    operations = _member(body, "operations")
    if not isinstance(operations, list) or not operations:
        raise invalid("A PATCH needs Operations.", ScimType.INVALID_SYNTAX)
    if len(operations) > MAX_OPERATIONS:
        raise invalid(f"A PATCH can have at most {MAX_OPERATIONS} operations.", ScimType.TOO_MANY)
    return [each for entry in operations for each in _read_operation(entry)]


def _read_operation(entry: Any) -> Iterator[Operation]:
    if not isinstance(entry, Mapping):
        raise invalid("Each operation must be an object.", ScimType.INVALID_SYNTAX)
    action = str(_member(entry, "op") or "").lower()
    if action not in _OPERATIONS:
        raise invalid("“op” must be add, replace or remove.", ScimType.INVALID_SYNTAX)
    path, value = _member(entry, "path"), _member(entry, "value")
    if path not in (None, ""):
        if not isinstance(path, str):
            raise invalid("“path” must be a text.", ScimType.INVALID_PATH)
        yield _operation(action, path, value)
        return
    if action == "remove":
        raise ScimError(400, "A remove operation needs a path.", ScimType.NO_TARGET)
    if not isinstance(value, Mapping):
        raise invalid("An operation without a path needs an object as its value.")
    for name, each in value.items():
        if name.lower() in {"schemas", "id", "meta"}:
            continue
        if name.lower().startswith("urn:") and isinstance(each, Mapping):
            # an extension as a whole: none is stored
            continue
        yield _operation(action, name, each)


def _operation(action: str, path: str, value: Any) -> Operation:
    head, bracket, rest = path.partition("[")
    condition: Filter | None = None
    if bracket:
        inner, bracket, rest = rest.rpartition("]")
        if not bracket:
            raise invalid(f"The path “{path[:80]}” lacks a bracket.", ScimType.INVALID_PATH)
        try:
            condition = read_filter(inner)
        except ScimError as error:
            raise invalid(error.sentence, ScimType.INVALID_PATH) from error
        name, sub_attribute = attribute_name(head.strip()), rest.strip().removeprefix(".").lower()
    else:
        name, _, sub_attribute = attribute_name(head.strip()).partition(".")
    if not name:
        raise invalid(f"“{path[:80]}” is not a path.", ScimType.INVALID_PATH)
    return Operation(action, name, condition, sub_attribute, value)


def apply_operation(operation: Operation, attributes: dict[str, Any], *, multi: bool) -> None:
    """Change `attributes`, whose names are in lower case, those of parts included. `multi`: the
    attribute has several values, which are objects. Raises ScimError."""
    if multi:
        attributes[operation.attribute] = _change_values(
            operation, attributes.get(operation.attribute) or []
        )
    elif operation.condition is not None:
        raise invalid(
            f"“{operation.attribute}” has one value, so a filter cannot select from it.",
            ScimType.INVALID_PATH,
        )
    elif operation.sub_attribute:
        part = dict(attributes.get(operation.attribute) or {})
        part[operation.sub_attribute] = None if operation.action == "remove" else operation.value
        attributes[operation.attribute] = part
    elif operation.action == "remove":
        attributes[operation.attribute] = None
    elif isinstance(operation.value, Mapping):
        # both add and replace leave parts that are not named (RFC 7644, 3.5.2.1 and 3.5.2.3)
        before = attributes.get(operation.attribute)
        attributes[operation.attribute] = {
            **(before if isinstance(before, Mapping) else {}),
            **lower_names(operation.value),
        }
    else:
        attributes[operation.attribute] = operation.value


def _change_values(operation: Operation, values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if operation.condition is None and not operation.sub_attribute:
        if operation.action == "remove":
            return []
        given = objects_of(operation.value)
        # the latest comes first: of several addresses one is stored
        return given if operation.action == "replace" else [*given, *values]
    condition = operation.condition
    chosen = [value for value in values if condition is None or matches(condition, value)]
    if operation.action == "remove" and not operation.sub_attribute:
        return [value for value in values if value not in chosen]
    if not chosen:
        if operation.action == "remove":
            return values
        # Entra ID adds or replaces `emails[type eq "work"].value` where there is none yet
        chosen = [_implied_value(condition)]
        values = [*values, *chosen]
    for value in chosen:
        if operation.sub_attribute:
            value[operation.sub_attribute] = (
                None if operation.action == "remove" else operation.value
            )
        else:
            value.update(next(iter(objects_of(operation.value)), {}))
    return values


def _implied_value(condition: Filter | None) -> dict[str, Any]:
    match condition:
        case Comparison(attribute, "eq", value):
            return {attribute: value}
        case None:
            return {}
    raise ScimError(400, "The path selects no value.", ScimType.NO_TARGET)


def objects_of(value: Any) -> list[dict[str, Any]]:
    """Return the values of a multi-valued attribute as objects with names in lower case; a text is
    the value itself. Raises ScimError."""
    entries = value if isinstance(value, list) else [] if value is None else [value]
    objects = []
    for entry in entries:
        if isinstance(entry, Mapping):
            objects.append(lower_names(entry))
        elif isinstance(entry, str):
            objects.append({"value": entry})
        else:
            raise invalid("Values of a multi-valued attribute must be objects.")
    return objects


def lower_names(value: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): each for name, each in value.items()}


def _member(body: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in body.items() if str(key).lower() == name), None)
