"""manage.py ingest FORMAT FILE [--application SLUG] [--team SLUG] [--environment NAME] [--part
NAME]"""

import json
import sys
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
from apps.intake.spreadsheets.direct_import import ingest_sheet
from apps.intake.spreadsheets.limits import MAX_BYTES
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

    def handle(self, *args: Any, **options: Any) -> None:
        kind = options["format"]
        if kind not in known_formats():
            raise CommandError(
                f'"{kind}" is not a valid format. Use one of {", ".join(known_formats())}.',
                returncode=2,
            )
        application = self._application(options["application"])
        team = Team.objects.filter(slug=options["team"]).first() if options["team"] else None
        if options["team"] and team is None:
            raise CommandError(f'No team "{options["team"]}" found. Check the slug.', returncode=2)
        try:
            if kind in SHEETS:
                content, name = self._content(options["file"], MAX_BYTES)
                done = ingest_sheet(
                    content=content,
                    file_name=name,
                    application=application.slug if application else "",
                    team=team.slug if team else "",
                    at=now(),
                )
                report = report_of_sheet(done)
            elif kind == EVALS:
                report = self._evaluation(application, options)
            elif kind == OTLP:
                report = self._calls(application, options)
            else:
                report = self._document(FORMATS[kind], application, team, options)
        except (UnreadableError, BodyTooLargeError) as refused:
            raise CommandError(str(refused), returncode=1) from None
        self.stdout.write(json.dumps(report, ensure_ascii=False))

    def _document(
        self,
        form: DocumentFormat,
        application: Application | None,
        team: Team | None,
        options: dict[str, Any],
    ) -> dict[str, Any]:
        body, name = self._content(options["file"], form.most_inflated)
        if body.startswith(GZIP_MARK):
            body = decompress(body, max_bytes=form.most_inflated)
        done, is_new = receive_document(
            form=form,
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
        if done.state in (Import.State.FAILED, Import.State.RECEIVED):
            asked = done.error.replace(APPLICATION_PARAMETER, "--application SLUG")
            raise CommandError(asked, returncode=1)
        return report_of_document(done, is_new=is_new)

    def _calls(self, application: Application | None, options: dict[str, Any]) -> dict[str, Any]:
        body, _ = self._content(options["file"], MAX_INFLATED_BYTES)
        if not body:
            # a request without spans is one in protobuf; a file without anything is a mistake
            raise UnreadableError("The file is empty.")
        if body.startswith(GZIP_MARK):
            body = decompress(body, max_bytes=MAX_INFLATED_BYTES)
        return ingest_recorded_request(
            body, application=application.pk if application else None, at=now()
        )

    def _evaluation(
        self, application: Application | None, options: dict[str, Any]
    ) -> dict[str, Any]:
        body, name = self._content(options["file"], MOST_RESULTS_BYTES)
        done, is_new = receive_evaluation(
            body=body, by=None, at=now(), application=application, file_name=name, immediately=True
        )
        if done.state == Import.State.FAILED:
            raise CommandError(done.error, returncode=1)
        return report_of_document(done, is_new=is_new)

    def _application(self, slug: str) -> Application | None:
        if not slug:
            return None
        found = Application.objects.filter(slug=slug).first()
        if found is None:
            raise CommandError(f'No application "{slug}" found. Check the slug.', returncode=2)
        return found

    def _content(self, file: str, most: int) -> tuple[bytes, str]:
        try:
            if file == "-":
                content, name = sys.stdin.buffer.read(most + 1), ""
            else:
                with Path(file).open("rb") as stream:
                    content, name = stream.read(most + 1), Path(file).name
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.", returncode=2) from None
        if len(content) > most:
            raise BodyTooLargeError(f"The file can have at most {most // MIB} MiB. Split it.")
        return content, name


def known_formats() -> list[str]:
    return sorted((*SHEETS, OTLP, EVALS, *FORMATS))


def report_of_sheet(done: Import) -> dict[str, Any]:
    """Return the report of a spreadsheet: applications and dependencies by outcome, and each
    rejected row."""
    counts = done.counts

    def n(outcome: str) -> int:
        return sum(counts.get(kind, {}).get(outcome, 0) for kind in ("applications", "uses"))

    return {
        "created": n("added"),
        "updated": n("changed"),
        "unchanged": n("unchanged"),
        "rejected": [{"where": row.where, "reason": row.reason} for row in rejected_rows(done)],
    }


def report_of_document(done: Import, *, is_new: bool) -> dict[str, Any]:
    """Return the report of a document: dependencies and applications by outcome; violations of the
    format and unresolved names are rejected.

    A repeated document changes nothing: everything in it is unchanged.
    """
    numbers = {
        outcome: done.counts.get(outcome, 0) + done.counts.get("applications", {}).get(outcome, 0)
        for outcome in ("created", "updated", "unchanged")
    }
    if not is_new:
        numbers = {"created": 0, "updated": 0, "unchanged": sum(numbers.values())}
    return {
        **numbers,
        "rejected": [*done.problems.get("rejected", []), *done.problems.get("unresolved", [])],
    }
