"""Documents read in a child process: how web processes reach the readers
(apps/common/processes/child_process.py)."""

from importlib import import_module

from apps.common.processes.child_process import PREPARATIONS, child_function
from apps.intake.documents import (
    DayOfUse,
    Document,
    Part,
    SaidApplication,
    SaidDeployment,
    SaidUsage,
    Sighting,
    Unreadable,
)
from apps.intake.formats import FORMATS
from apps.intake.models import Confidence
from apps.intake.readers import cyclonedx
from apps.inventory.models import Dependency

DOCUMENT_CLASSES = (
    DayOfUse,
    Document,
    Part,
    SaidApplication,
    SaidDeployment,
    SaidUsage,
    Sighting,
    Confidence,
    Dependency.Role,
)
# read once by a server, so that no child has to load what stands behind the readers
_SMALL = b'{"bomFormat": "CycloneDX", "specVersion": "%s", "version": 1, "components": []}'
_VERSIONS = (b"1.4", b"1.5", b"1.6", b"1.7")
_OF_READERS = ("apps.intake.sheets.xlsx_tables", "apps.intake.readers.cyclonedx_schema")


@child_function(classes=DOCUMENT_CLASSES, errors=(Unreadable,), refusal=Unreadable)
def read_document(form: str, body: bytes) -> Document:
    """What the document says; Unreadable where nothing can be made of it."""
    return FORMATS[form].read(body)


@child_function(errors=(Unreadable,), refusal=Unreadable)
def prepare_document(form: str, body: bytes) -> tuple[str, bytes | None]:
    """(what the document calls itself, the body without secrets, None where it is kept as it
    is)."""
    known = FORMATS[form]
    natural_key = known.natural_key(body) if known.natural_key else ""
    return natural_key, known.redact(body) if known.redact else None


def _load_readers() -> None:
    for name in _OF_READERS:
        # the first use reads the module: apps/common/processes/lazy_import.py
        vars(import_module(name))
    for version in _VERSIONS:
        cyclonedx.read(_SMALL % version)


PREPARATIONS.append(_load_readers)
