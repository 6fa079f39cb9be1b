"""Schema validation of CycloneDX documents: violations are reported, and the document is read
anyway.

The schemas are part of the CycloneDX library, which is used for nothing else: its typed reader
drops model cards."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

import orjson
from jsonschema_rs import Draft7Validator, Registry, ValidationError

from apps.intake.documents.records import SkippedPart, clean

VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
MAX_ERRORS = 20
_SHARED = ("spdx", "jsf-0.82", "cryptography-defs")
_ADDRESS = "http://cyclonedx.org/schema/{}.SNAPSHOT.schema.json"


def schema_errors(
    bom: Mapping[str, Any], version: str, *, is_large: bool = False
) -> list[SkippedPart] | None:
    """Return the first violations with their JSON pointers; empty if there are none, None for a
    version without a schema.

    Of a document that `is_large` only the first violation is returned: the iterating validator
    collects all of them before it returns one."""
    if version not in VERSIONS:
        return None
    if not is_large:
        return [
            _describe_violation(error)
            for error in islice(_build_validator(version).iter_errors(bom), MAX_ERRORS)
        ]
    try:
        _build_validator(version).validate(bom)
    except ValidationError as error:
        return [_describe_violation(error)]
    return []


@cache
def _build_validator(version: str) -> Draft7Validator:
    shared = Registry([(_ADDRESS.format(name), _load_schema(name)) for name in _SHARED])
    # the value itself is masked in messages: it may be large or confidential
    return Draft7Validator(_load_schema(f"bom-{version}"), registry=shared, mask="the value")


def _load_schema(name: str) -> Any:
    return orjson.loads(
        (files("cyclonedx.schema") / "_res" / f"{name}.SNAPSHOT.schema.json").read_bytes()
    )


def _describe_violation(error: ValidationError) -> SkippedPart:
    place = "".join(
        f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in error.instance_path
    )
    return SkippedPart(clean(place, 300) or "/", clean(error.message, 300))
