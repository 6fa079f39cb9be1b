"""Report package: a zip with the report's metadata, its parameters and filing indicators, and a CSV
for each template that has rows.

Layout and contents: roi.fromciso.com/docs/export, fund-xp.lu/dora/cbie-dora-register-taxonomy and
github.com/giammbo/dora-roi (src/dora_roi/export/xbrl_csv.py, compared there with the sample package
of the EBA), all 2026-11-30. Documents without a byte order mark, lines end with CR LF.
"""

import csv
import io
import itertools
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

from django.core.exceptions import PermissionDenied

from apps.accounts.models import User
from apps.reports.dora.filing.parameters import FilingParameters
from apps.reports.dora.filing.rows import FiledRow, stream_filed_rows
from apps.reports.dora.filing.taxonomy import ENTRY_POINT, FILED_TEMPLATES, FiledTemplate
from apps.reports.dora.register import open_register

OFFICE_ONLY = (
    "Only governance, auditors and administrators can view the report package, because it"
    " contains contracts. Ask one of them for the package."
)

_REPORT_PACKAGE = {"documentInfo": {"documentType": "https://xbrl.org/report-package/2023"}}
_REPORT = {
    "documentInfo": {"documentType": "https://xbrl.org/2021/xbrl-csv", "extends": [ENTRY_POINT]}
}
# rows per write of a file
_BATCH_SIZE = 500
_MAX_BYTES_IN_MEMORY = 8 * 1024 * 1024


def make_package(
    target: IO[bytes],
    parameters: FilingParameters,
    *,
    user: User,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[str, int]:
    """Write the package of the whole organisation, and return the name of its file and the number
    of rows. Raises PermissionDenied unless contracts are visible to the user, ConflictError if a
    part of the name is missing."""
    if not user.can_read_all:
        raise PermissionDenied(OFFICE_ONLY)
    with open_register(user=user, on=parameters.reference_date):
        n_rows = write_package(target, parameters, on_progress=on_progress)
    return f"{parameters.name}.zip", n_rows


def open_package(parameters: FilingParameters, *, user: User) -> tuple[IO[bytes], str]:
    """Return the package as an open file at its beginning, in memory if it is small, and the name
    of its file. Raises as `make_package`."""
    target = tempfile.SpooledTemporaryFile(max_size=_MAX_BYTES_IN_MEMORY)  # noqa: SIM115
    try:
        name, _n_rows = make_package(target, parameters, user=user)
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target, name


def write_package(
    target: IO[bytes],
    parameters: FilingParameters,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Write the package and return the number of rows of all templates; `on_progress` gets the
    number written so far. Only while the information register is open; raises ConflictError if the
    package can have no name."""
    root = parameters.name
    n_rows: dict[str, int] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:

        def write(path: str, lines: Iterable[str]) -> None:
            entry = zipfile.ZipInfo(f"{root}/{path}", parameters.at.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                for line in lines:
                    file.write(line.encode())

        write("META-INF/reportPackage.json", [json.dumps(_REPORT_PACKAGE, indent=2)])
        write("reports/report.json", [json.dumps(_REPORT, indent=2)])
        write("reports/parameters.csv", _csv_lines(["name", "value"], parameters.rows))
        for template in FILED_TEMPLATES:
            rows = stream_filed_rows(template)
            first = next(rows, None)
            n_rows[template.code] = 0
            # a template that is not reported has no file: filing rules 5.8 of the EBA, page 65, as
            # dnb.nl/en/login/dlr/supervisory-reports quoted them on 2026-05-21 (2026-11-30)
            if first is None:
                continue
            counted = _count_rows(itertools.chain([first], rows), template, n_rows)
            write(
                f"reports/{template.file_name}",
                _csv_lines(template.header, (row.texts for row in counted)),
            )
            if on_progress is not None:
                on_progress(sum(n_rows.values()))
        write(
            "reports/FilingIndicators.csv",
            _csv_lines(
                ["templateID", "reported"],
                [(code, "true" if n else "false") for code, n in n_rows.items()],
            ),
        )
    return sum(n_rows.values())


def _count_rows(
    rows: Iterable[FiledRow], template: FiledTemplate, n_rows: dict[str, int]
) -> Iterator[FiledRow]:
    """Pass the rows on and keep their number in `n_rows`."""
    for row in rows:
        n_rows[template.code] = row.number
        yield row


def template_csv(template: FiledTemplate) -> Iterator[str]:
    """Generate the CSV of one template line by line, as the package has it; only the header if it
    has no rows."""
    return _csv_lines(template.header, (row.texts for row in stream_filed_rows(template)))


def _csv_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    for n, row in enumerate(rows, start=1):
        writer.writerow(row)
        if n % _BATCH_SIZE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
