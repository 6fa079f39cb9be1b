"""Schema validation of CycloneDX documents: violations are reported, and never a reason not to read
one.

The schemas come with the CycloneDX library, which is used for nothing else: its typed reader drops
model cards."""

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
    """Return the first violations, by JSON pointer; empty if there are none, None for a version
    without a schema here.

    Of a large document only the very first: the validator finds all before it reports any."""
    if version not in VERSIONS:
        return None
    if not is_large:
        return [_part(error) for error in islice(_validator(version).iter_errors(bom), MAX_ERRORS)]
    try:
        _validator(version).validate(bom)
    except ValidationError as error:
        return [_part(error)]
    return []


@cache
def _validator(version: str) -> Draft7Validator:
    shared = Registry([(_ADDRESS.format(name), _schema(name)) for name in _SHARED])
    # the value itself stays out of the words: it may be large, or nobody's business
    return Draft7Validator(_schema(f"bom-{version}"), registry=shared, mask="the value")


def _schema(name: str) -> Any:
    return orjson.loads(
        (files("cyclonedx.schema") / "_res" / f"{name}.SNAPSHOT.schema.json").read_bytes()
    )


def _part(error: ValidationError) -> SkippedPart:
    place = "".join(
        f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in error.instance_path
    )
    return SkippedPart(clean(place, 300) or "/", clean(error.message, 300))
