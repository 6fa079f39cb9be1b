"""manage.py ingest FORMAT FILE [--application SLUG] [--team SLUG] [--environment NAME] [--part
NAME] [--mapping FILE.json|auto] [--propose]"""

import json
import sys
import zlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import Team
from apps.common.time import now
from apps.intake.decompression import GZIP_MARK, BodyTooLargeError, decompress
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.documents.records import APPLICATION_PARAMETER, DocumentFormat, UnreadableError
from apps.intake.models import Import
from apps.intake.queries import rejected_rows
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.direct_import import MappingChoice, ingest_sheet
from apps.intake.spreadsheets.limits import MAX_BYTES
from apps.intake.spreadsheets.mapping_file import mapping_as_json, models_as_json
from apps.intake.spreadsheets.proposal import propose_mapping
from apps.intake.telemetry.limits import MAX_INFLATED_BYTES
from apps.intake.telemetry.recorded_requests import ingest_recorded_request
from apps.inventory.models import Application
from apps.risks.evaluations.evidence_import import MAX_BYTES as MOST_RESULTS_BYTES
from apps.risks.evaluations.evidence_import import receive_evaluation

SHEETS = ("csv", "xlsx")
OTLP = "otlp"
EVALS = "evals"
MIB = 1024 * 1024


class Command(BaseCommand):
    help = "Import a file with the permissions of the operator, and print the outcome as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "format", metavar="FORMAT", help=f"format: one of {', '.join(known_formats())}"
        )
        parser.add_argument("file", metavar="FILE", help="path of the file; - reads standard input")
        parser.add_argument(
            "--application", default="", help="slug of the application, if the file names none"
        )
        parser.add_argument(
            "--team", default="", help="slug of the team for new applications that name no team"
        )
        parser.add_argument(
            "--environment", default="", help="environment of the application: production, staging"
        )

        parser.add_argument(
            "--part", default="", help="name of the document, if the application has several"
        )
        parser.add_argument(
            "--model",
            default="",
            help="tested model of evaluation results, if the file names none: openai/gpt-4o",
        )
        parser.add_argument(
            "--suite", default="", help="suite of evaluation results, if the file names none"
        )
        parser.add_argument(
            "--mapping",
            default="",
            help="of a spreadsheet: auto takes every guess; FILE.json is what --propose printed, "
            "edited",
        )
        parser.add_argument(
            "--propose",
            action="store_true",
            help="of a spreadsheet: print columns, values and models with guesses; write nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the file and print the report as JSON; exit code 2 for wrong arguments, 1 for a
        file that cannot be read."""
        kind = options["format"]
        if kind not in known_formats():
            raise CommandError(
                f'"{kind}" is not a valid format. Use one of {", ".join(known_formats())}.',
                returncode=2,
            )
        application = self._find_application(options["application"])
        team = Team.objects.filter(slug=options["team"]).first() if options["team"] else None
        if options["team"] and team is None:
            raise CommandError(f'No team "{options["team"]}" found. Check the slug.', returncode=2)
        try:
            if kind in SHEETS:
                report = self._ingest_sheet(application, team, options)
            elif options["mapping"] or options["propose"]:
                raise CommandError(
                    f"--mapping and --propose are for spreadsheets ({', '.join(SHEETS)}).",
                    returncode=2,
                )
            elif kind == EVALS:
                report = self._ingest_evaluation(application, options)
            elif kind == OTLP:
                report = self._ingest_calls(application, options)
            else:
                report = self._ingest_document(FORMATS[kind], application, team, options)
        except (UnreadableError, BodyTooLargeError) as error:
            raise CommandError(str(error), returncode=1) from None
        self.stdout.write(json.dumps(report, ensure_ascii=False))

    def _ingest_sheet(
        self, application: Application | None, team: Team | None, options: dict[str, Any]
    ) -> dict[str, Any]:
        """Import a spreadsheet, or only propose its mapping, and return the report."""
        content, name = self._read_file(options["file"], MAX_BYTES)
        mapping = self._read_mapping(options["mapping"])
        slugs = {
            "application": application.slug if application else "",
            "team": team.slug if team else "",
        }
        if options["propose"]:
            return propose_mapping(
                content=content, file_name=name, by=None, choice=mapping or "auto", **slugs
            )
        import_ = ingest_sheet(content=content, file_name=name, mapping=mapping, at=now(), **slugs)
        report = report_of_sheet(import_)
        if mapping is not None:
            values = list(import_.values.all())
            report["mapping"] = mapping_as_json(BookMapping.from_json(import_.mapping), values)
            report["models"] = models_as_json(values)
        return report

    def _read_mapping(self, option: str) -> MappingChoice:
        if not option:
            return None
        if option == "auto":
            return "auto"
        text, _ = self._read_file(option, MAX_BYTES)
        try:
            mapping = json.loads(text)
        except ValueError as error:
            raise CommandError(f"{option} is not JSON: {error}.", returncode=2) from None
        if not isinstance(mapping, dict):
            raise CommandError(
                f"{option} is not a mapping. Use what --propose printed.", returncode=2
            )
        return mapping

    def _ingest_document(
        self,
        form: DocumentFormat,
        application: Application | None,
        team: Team | None,
        options: dict[str, Any],
    ) -> dict[str, Any]:
        """Import a document and return the report. Raise CommandError if the import failed."""
        if form.reduce is not None:
            body, name = self._read_compressed_file(options["file"], form.most_bytes)
        else:
            body, name = self._read_file(options["file"], form.most_inflated)
        if body.startswith(GZIP_MARK) and form.reduce is None:
            body = decompress(body, max_bytes=form.most_inflated)
        import_, is_new = receive_document(
            document_format=form,
            body=body,
            by=None,
            at=now(),
            application=application,
            team=team,
            environment=options["environment"],
            part=options["part"],
            file_name=name,
            at_once=True,
        )
        if import_.state in (Import.State.FAILED, Import.State.RECEIVED):
            message = import_.error.replace(APPLICATION_PARAMETER, "--application SLUG")
            raise CommandError(message, returncode=1)
        return report_of_document(import_, is_new=is_new)

    def _ingest_calls(
        self, application: Application | None, options: dict[str, Any]
    ) -> dict[str, Any]:
        body, _ = self._read_file(options["file"], MAX_INFLATED_BYTES)
        if not body:
            # an empty body is a valid protobuf request without spans; an empty file is a mistake
            raise UnreadableError("The file is empty.")
        if body.startswith(GZIP_MARK):
            body = decompress(body, max_bytes=MAX_INFLATED_BYTES)
        return ingest_recorded_request(
            body, application=application.pk if application else None, at=now()
        )

    def _ingest_evaluation(
        self, application: Application | None, options: dict[str, Any]
    ) -> dict[str, Any]:
        body, name = self._read_file(options["file"], MOST_RESULTS_BYTES)
        import_, is_new = receive_evaluation(
            body=body,
            by=None,
            at=now(),
            model=options["model"],
            suite=options["suite"],
            application=application,
            file_name=name,
            immediately=True,
        )
        if import_.state == Import.State.FAILED:
            raise CommandError(import_.error, returncode=1)
        return report_of_document(import_, is_new=is_new)

    def _find_application(self, slug: str) -> Application | None:
        if not slug:
            return None
        application = Application.objects.filter(slug=slug).first()
        if application is None:
            raise CommandError(f'No application "{slug}" found. Check the slug.', returncode=2)
        return application

    def _read_compressed_file(self, file: str, max_bytes: int) -> tuple[bytes, str]:
        """Return the file as gzip, so that a large one takes little memory."""
        compressor = zlib.compressobj(6, wbits=zlib.MAX_WBITS | 16)
        content = bytearray()
        try:
            with sys.stdin.buffer if file == "-" else Path(file).open("rb") as stream:
                chunk = stream.read(MIB)
                is_compressed = chunk.startswith(GZIP_MARK)
                while chunk:
                    content += chunk if is_compressed else compressor.compress(chunk)
                    if len(content) > max_bytes:
                        raise BodyTooLargeError(
                            f"The file can have at most {max_bytes // MIB} MiB as gzip. Split it."
                        )
                    chunk = stream.read(MIB)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=2) from None
        if not is_compressed:
            content += compressor.flush()
        return bytes(content), "" if file == "-" else Path(file).name

    def _read_file(self, file: str, max_bytes: int) -> tuple[bytes, str]:
        try:
            if file == "-":
                content, name = sys.stdin.buffer.read(max_bytes + 1), ""
            else:
                with Path(file).open("rb") as stream:
                    content, name = stream.read(max_bytes + 1), Path(file).name
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=2) from None
        if len(content) > max_bytes:
            raise BodyTooLargeError(f"The file can have at most {max_bytes // MIB} MiB. Split it.")
        return content, name


def known_formats() -> list[str]:
    return sorted((*SHEETS, OTLP, EVALS, *FORMATS))


def report_of_sheet(import_: Import) -> dict[str, Any]:
    """Return the report of a spreadsheet: applications and dependencies by outcome, and each
    rejected row."""
    counts = import_.counts

    def n(outcome: str) -> int:
        return sum(counts.get(kind, {}).get(outcome, 0) for kind in ("applications", "uses"))

    return {
        "created": n("added"),
        "updated": n("changed"),
        "unchanged": n("unchanged"),
        "rejected": [{"where": row.where, "reason": row.reason} for row in rejected_rows(import_)],
    }


def report_of_document(import_: Import, *, is_new: bool) -> dict[str, Any]:
    """Return the report of a document: dependencies and applications by outcome; violations of the
    format and unresolved names are rejected.

    A repeated document changes nothing: everything in it is unchanged.
    """
    numbers = {
        outcome: import_.counts.get(outcome, 0)
        + import_.counts.get("applications", {}).get(outcome, 0)
        for outcome in ("created", "updated", "unchanged")
    }
    if not is_new:
        numbers = {"created": 0, "updated": 0, "unchanged": sum(numbers.values())}
    return {
        **numbers,
        "rejected": [
            *import_.problems.get("rejected", []),
            *import_.problems.get("unresolved", []),
        ],
    }
