"""Documents read in a child process: how web processes reach the readers
(apps/common/processes/child_process.py)."""

from importlib import import_module

from apps.common.processes.child_process import PREPARATIONS, Limits, child_function
from apps.intake.documents.formats import ALL_FORMATS
from apps.intake.documents.records import (
    BilledCharge,
    DailyUsage,
    DescribedApplication,
    DescribedDeployment,
    Document,
    ReportedUsage,
    Sighting,
    SkippedPart,
    UnreadableError,
)
from apps.intake.models import Confidence
from apps.intake.readers.cyclonedx import bill_of_materials
from apps.inventory.models import Dependency

# a bill of a million rows takes about a minute
_BILL_LIMITS = Limits(cpu_seconds=180, memory_mib=1024, wall_seconds=240)
DOCUMENT_CLASSES = (
    BilledCharge,
    DailyUsage,
    Document,
    SkippedPart,
    DescribedApplication,
    DescribedDeployment,
    ReportedUsage,
    Sighting,
    Confidence,
    Dependency.Role,
)
# read once by the server process, so that child processes do not have to load the readers' modules
_SMALL_CYCLONEDX = (
    b'{"bomFormat": "CycloneDX", "specVersion": "%s", "version": 1, "components": []}'
)
_VERSIONS = (b"1.4", b"1.5", b"1.6", b"1.7")
_READER_MODULES = (
    "apps.intake.spreadsheets.files.xlsx_tables",
    "apps.intake.readers.cyclonedx.schema",
)


@child_function(classes=DOCUMENT_CLASSES, errors=(UnreadableError,), refusal=UnreadableError)
def read_document(format_name: str, body: bytes) -> Document:
    """Return the content of the document; UnreadableError if it is not readable."""
    return ALL_FORMATS[format_name].read(body)


@child_function(errors=(UnreadableError,), refusal=UnreadableError)
def prepare_document(format_name: str, body: bytes) -> tuple[str, bytes | None]:
    """Return (natural key, body without secrets); the body is None if it is stored unchanged."""
    document_format = ALL_FORMATS[format_name]
    natural_key = document_format.natural_key(body) if document_format.natural_key else ""
    return natural_key, document_format.redact(body) if document_format.redact else None


@child_function(errors=(UnreadableError,), refusal=UnreadableError, limits=_BILL_LIMITS)
def reduce_document(format_name: str, body: bytes, tag_names: tuple[str, ...]) -> bytes:
    """Return the sums of a document of a format that stores nothing else."""
    reduce = ALL_FORMATS[format_name].reduce
    assert reduce is not None
    return reduce(body, tag_names)


def _load_readers() -> None:
    for name in _READER_MODULES:
        # the first attribute access loads the module (apps/common/processes/lazy_import.py)
        vars(import_module(name))
    for version in _VERSIONS:
        bill_of_materials.read_cyclonedx(_SMALL_CYCLONEDX % version)


PREPARATIONS.append(_load_readers)
