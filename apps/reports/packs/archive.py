"""Zip archive of a pack: every file with its digest in manifest.json, the same bytes for the same
data (reproducible).

Times inside the zip are the time of the request, rows are in a fixed order, keys are sorted; its
content does not depend on the time or the machine of the worker.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from django.template.loader import render_to_string

from apps.common.exports.jobs import ExportError
from apps.reports.files import csv_lines
from apps.reports.packs.json_lines import event_lines, history_lines
from apps.reports.packs.scope import PackScope
from apps.reports.packs.sections import SECTIONS

# increase the number when a file of the pack changes its shape
GENERATOR = "foundation-registry evidence pack 1"
MANIFEST, README, CHECKSUMS = "manifest.json", "README.html", "SHA256SUMS"
MAX_PACK_BYTES = 256 * 1024 * 1024


class PackTooLargeError(ExportError):
    """A pack larger than the database stores; the message suggests a smaller one."""


@dataclass(frozen=True, slots=True)
class PackedFile:
    name: str
    title: str
    what: str
    sha256: str
    n_bytes: int
    n_rows: int


@dataclass
class WrittenPack:
    """The result. `digest` is the SHA-256 of manifest.json, which lists every other file with its
    digest."""

    manifest: dict[str, Any]
    digest: str
    files: list[PackedFile] = field(default_factory=list)


# called before each file: (files done, number of files, title of the next)
type ProgressCallback = Callable[[int, int, str], None]


def write_pack(
    target: IO[bytes], scope: PackScope, *, about: dict[str, Any], progress: ProgressCallback
) -> WrittenPack:
    """Write the zip with a fixed number of statements per file, read in chunks, so that memory
    stays constant."""
    moment = scope.as_of
    files: list[PackedFile] = []
    jobs: list[tuple[str, str, str, Iterator[str]]] = [
        (
            f"data/{section.name}.csv",
            str(section.title),
            str(section.description),
            csv_lines(section.heads, section.rows(scope)),
        )
        for section in SECTIONS
    ]
    jobs.append(
        (
            "data/provider-events.jsonl",
            "Provider events",
            "With source and raw excerpt.",
            event_lines(scope),
        )
    )
    jobs.append(
        (
            "data/history.jsonl",
            "History",
            "Every change of the period: who, when, why.",
            history_lines(scope),
        )
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for n_done, (name, title, description, lines) in enumerate(jobs):
            progress(n_done, len(jobs), title)
            files.append(
                _add_file(
                    archive,
                    name,
                    title,
                    description,
                    lines,
                    moment=moment,
                    heads=name.endswith(".csv"),
                )
            )
            if target.tell() > MAX_PACK_BYTES:
                raise PackTooLargeError(
                    "The pack is larger than 256 MB. Request a shorter period, one provider or "
                    "one application."
                )
        readme = render_to_string(
            "reports/pack-readme.html", {"files": files, "about": about, "generator": GENERATOR}
        )
        files.append(
            _add_file(archive, README, "Read me", "This pack in words.", [readme], moment=moment)
        )
        manifest = {
            "generator": GENERATOR,
            **about,
            "files": [
                {
                    "name": file.name,
                    "title": file.title,
                    "what": file.what,
                    "sha256": file.sha256,
                    "bytes": file.n_bytes,
                    "rows": file.n_rows,
                    "as_of": about["as_of"],
                }
                for file in files
            ],
        }
        manifest_bytes = (
            json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n"
        )
        manifest_file = _add_file(archive, MANIFEST, "", "", [manifest_bytes], moment=moment)
        sums = "".join(f"{file.sha256}  {file.name}\n" for file in [*files, manifest_file])
        _add_file(archive, CHECKSUMS, "", "", [sums], moment=moment)
    return WrittenPack(manifest, manifest_file.sha256, files)


def _add_file(
    archive: zipfile.ZipFile,
    name: str,
    title: str,
    description: str,
    lines: Iterable[str],
    *,
    moment: datetime,
    heads: bool = False,
) -> PackedFile:
    """Write the lines as a file of the archive and return its digest and counts. `heads`: the first
    line has column heads and is not counted."""
    entry = zipfile.ZipInfo(name, date_time=moment.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    digest, n_bytes, n_lines = hashlib.sha256(), 0, 0
    with archive.open(entry, "w", force_zip64=True) as out:
        for line in lines:
            body = line.encode()
            digest.update(body)
            out.write(body)
            n_bytes += len(body)
            n_lines += 1
    return PackedFile(name, title, description, digest.hexdigest(), n_bytes, n_lines - heads)
