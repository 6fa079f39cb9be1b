"""Reports made of tables: completeness and gaps, and rows as JSON lines, CSV or a list."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from django.http import Http404, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.bulk.row_stream import NDJSON
from apps.api.framework.export_formats import CsvRenderer
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.views import RegistryView
from apps.api.governance.proposals import DecisionProposalSerializer
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import portfolio_figures
from apps.inventory.models import Application
from apps.reports.board_summary import loosened_tolerances, pending_decisions, tested_exits
from apps.reports.component_file import TABLES as COMPONENT_TABLES
from apps.reports.component_file import component_file
from apps.reports.dora.checks import CheckResult
from apps.reports.dora.register import TEMPLATES_BY_SLUG, open_register
from apps.reports.figures import (
    ReportFigures,
    inventory_figures,
    quarter_activity,
    register_figures,
)
from apps.reports.files import csv_lines, table_cells, table_headers
from apps.reports.model_inventory import MODEL_INVENTORY_TABLE, open_inventory
from apps.reports.tables import FillRate, ReportGap, ReportRow, ReportTable


class FillSerializer(serializers.Serializer[Any]):
    table = serializers.CharField(help_text="Name of the table in the URL of its rows.")
    code = serializers.CharField(
        allow_blank=True, help_text="Code of the template, for example RT.02.02."
    )
    name = serializers.CharField()
    n_rows = serializers.IntegerField()
    n_filled = serializers.IntegerField(help_text="Number of filled cells.")
    n_missing = serializers.IntegerField()
    share = serializers.FloatField(
        help_text="Share of filled cells among filled and missing ones, 0 to 1; cells "
        "that do not apply are not counted."
    )


class GapSerializer(serializers.Serializer[Any]):
    place = serializers.CharField(
        help_text="Record where the value is entered: provider, contract, application, ..."
    )
    slug = serializers.CharField(allow_blank=True)
    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    fields = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    n_cells = serializers.IntegerField()


class CheckSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    table = serializers.CharField()
    column = serializers.CharField(allow_blank=True)
    n = serializers.IntegerField(help_text="Number of rows that violate the rule.")
    sentence = serializers.CharField()


class FiguresSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField(
        allow_null=True,
        help_text="Time of the count; null while a large organisation has not been counted.",
    )
    whole_organisation = serializers.BooleanField()
    share = serializers.FloatField(allow_null=True)
    tables = FillSerializer(many=True)
    gaps = GapSerializer(many=True, help_text="Records with missing values, the first 100.")
    failed_checks = CheckSerializer(many=True)


class CellSerializer(serializers.Serializer[Any]):
    value = serializers.JSONField(allow_null=True)
    missing = serializers.BooleanField()
    note = serializers.CharField(
        allow_blank=True, help_text="Derivation of the value, or reason why it does not apply."
    )


class LinesRenderer(FastJSONRenderer):
    media_type = NDJSON
    format = "ndjson"


class ReportView(RegistryView):
    def figures(self, figures: ReportFigures | None) -> Response:
        return Response(
            {
                "as_of": figures.as_of if figures else None,
                "whole_organisation": self.user.can_read_all,
                "share": figures.whole.share if figures else None,
                "tables": [_fill_body(sheet.table, sheet.fill) for sheet in figures.sheets]
                if figures
                else [],
                "gaps": [_gap_body(gap) for gap in figures.gaps] if figures else [],
                "failed_checks": [_check_body(check) for check in figures.failed]
                if figures
                else [],
            }
        )


class RowsView(ReportView):
    """All rows of one table, streamed."""

    renderer_classes = [LinesRenderer, CsvRenderer]

    def rows(
        self, table: ReportTable, rows: Iterator[ReportRow], name: str
    ) -> StreamingHttpResponse:
        if self.request.accepted_renderer.format == "csv":
            body: Iterable[Any] = csv_lines(table_headers(table), table_cells(table, rows))
            kind, extension = "text/csv; charset=utf-8", "csv"
        else:
            body = (orjson.dumps(_record_body(table, row), default=str) + b"\n" for row in rows)
            kind, extension = NDJSON, "ndjson"
        return StreamingHttpResponse(
            body,
            content_type=kind,
            headers={"Content-Disposition": f'attachment; filename="{name}.{extension}"'},
        )


_ROWS = {
    (200, NDJSON): OpenApiResponse(
        {"type": "string"},
        description="One record per line: each column with value, missing and note.",
    ),
    (200, "text/csv"): OpenApiResponse(
        {"type": "string"}, description="The same as CSV (`?format=csv`)."
    ),
}


class RegisterView(ReportView):
    @extend_schema(operation_id="reports_register", responses=FiguresSerializer)
    def get(self, request: Request) -> Response:
        """DORA register of information: completeness of each template, missing values with the
        record where they are entered, and violated rules of the supervisors. Of the whole
        organisation for organisation roles, otherwise of your teams."""
        return self.figures(register_figures(user=self.user, at=now()))


class RegisterRowsView(RowsView):
    @extend_schema(
        operation_id="reports_register_rows",
        parameters=[
            OpenApiParameter(
                "table",
                str,
                OpenApiParameter.PATH,
                enum=list(TEMPLATES_BY_SLUG),
                description="Template of the register of information.",
            )
        ],
        responses=_ROWS,
    )
    def get(self, request: Request, table: str) -> StreamingHttpResponse:
        """All rows of one template."""
        report_table = TEMPLATES_BY_SLUG.get(table)
        if report_table is None:
            raise Http404
        at = now()
        return self.rows(
            report_table, self._stream_rows(report_table), f"dora-{table}-{day_of(at)}"
        )

    def _stream_rows(self, table: ReportTable) -> Iterator[ReportRow]:
        with open_register(user=self.user, on=day_of(now())) as register:
            yield from register.rows(table)


class ModelInventoryView(ReportView):
    @extend_schema(operation_id="reports_models", responses=FiguresSerializer)
    def get(self, request: Request) -> Response:
        """Model inventory (SR 26-2, SS1/23, E-23): completeness and missing values."""
        return self.figures(inventory_figures(user=self.user, at=now()))


class ModelInventoryRowsView(RowsView):
    @extend_schema(operation_id="reports_models_rows", responses=_ROWS)
    def get(self, request: Request) -> StreamingHttpResponse:
        """All rows of the model inventory."""
        return self.rows(
            MODEL_INVENTORY_TABLE, self._stream_rows(), f"model-inventory-{day_of(now())}"
        )

    def _stream_rows(self) -> Iterator[ReportRow]:
        with open_inventory(user=self.user, on=day_of(now())) as inventory:
            yield from inventory.rows()


class ComponentFileSerializer(serializers.Serializer[Any]):
    application = serializers.CharField(help_text="Slug of the application.")
    name = serializers.CharField()
    as_of = serializers.DateField()
    documents_withheld = serializers.BooleanField(
        help_text="Whether documents of developers are withheld; they require an organisation role."
    )
    n_items = serializers.IntegerField(
        help_text="Number of documents that developers owe (Annex XII)."
    )
    n_on_file = serializers.IntegerField()
    n_overdue = serializers.IntegerField()
    gaps = GapSerializer(many=True)
    documents = serializers.ListField(child=serializers.DictField(child=CellSerializer()))
    modifications = serializers.ListField(child=serializers.DictField(child=CellSerializer()))
    questions = serializers.ListField(child=serializers.DictField(child=CellSerializer()))
    components = serializers.ListField(child=serializers.DictField(child=CellSerializer()))


class ComponentFileView(RegistryView):
    @extend_schema(operation_id="reports_components", responses=ComponentFileSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """AI Act component file of one application: documents owed by developers, modifications,
        whether the organisation becomes a provider, and all components (Annex IV 2(a))."""
        application = (
            Application.objects.visible_to(self.user)
            .filter(slug=slug)
            .select_related("team")
            .first()
        )
        if application is None:
            raise Http404
        file = component_file(application=application, user=self.user, on=day_of(now()))
        return Response(
            {
                "application": application.slug,
                "name": application.name,
                "as_of": file.on,
                "documents_withheld": file.documents_withheld,
                "n_items": file.n_items,
                "n_on_file": file.n_on_file,
                "n_overdue": file.n_overdue,
                "gaps": [_gap_body(gap) for gap in file.gaps],
                **{
                    table.slug: [_record_body(table, row) for row in file.rows[table.slug]]
                    for table in COMPONENT_TABLES
                },
            }
        )


class DoneSerializer(serializers.Serializer[Any]):
    since = serializers.DateField()
    n_tests = serializers.IntegerField()
    n_tests_passed = serializers.IntegerField()
    n_assessed = serializers.IntegerField()
    n_accepted = serializers.IntegerField()
    n_decided = serializers.IntegerField()
    n_flags_opened = serializers.IntegerField()
    n_flags_resolved = serializers.IntegerField()
    n_campaigns_closed = serializers.IntegerField()
    n_moved = serializers.IntegerField()


class FlagToDecideSerializer(serializers.Serializer[Any]):
    policy = serializers.CharField()
    node = serializers.CharField()
    value = serializers.DecimalField(24, 15)
    limit = serializers.DecimalField(24, 15)
    n_applications = serializers.IntegerField()


class LateExitSerializer(serializers.Serializer[Any]):
    application = serializers.CharField(help_text="Slug of the application.")
    leave_by = serializers.DateField()
    retires_on = serializers.DateField(allow_null=True)
    has_ended = serializers.BooleanField()


class BoardSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField()
    whole_organisation = serializers.BooleanField()
    n_applications = serializers.IntegerField(
        help_text="Number of applications in pilot or production."
    )
    n_critical = serializers.IntegerField(help_text="Number of critical applications among them.")
    n_tested = serializers.IntegerField(
        help_text="Number of critical applications whose primary models all have a valid "
        "tested exit."
    )
    tested_share = serializers.FloatField(allow_null=True)
    n_ended = serializers.IntegerField(help_text="Number of applications on a retired model.")
    n_ending_180 = serializers.IntegerField(
        help_text="Number of applications on a model that is retired or retires within 180 days."
    )
    done = DoneSerializer(help_text="Work completed in the quarter up to today.")
    flags = FlagToDecideSerializer(many=True)
    n_flags = serializers.IntegerField()
    late = LateExitSerializer(many=True)
    n_acceptances = serializers.IntegerField(help_text="Number of acceptances that expire soon.")
    n_approvals = serializers.IntegerField(help_text="Number of approvals that expire soon.")
    loosened_tolerances = DecisionProposalSerializer(
        many=True,
        help_text="Tolerances loosened during a breach in the last year, latest first; for "
        "organisation roles.",
    )


class BoardView(RegistryView):
    @extend_schema(operation_id="reports_board", responses=BoardSerializer)
    def get(self, request: Request) -> Response:
        """Figures of the board summary: tested exits, retirements, completed work and pending
        decisions. `concentration/` has the concentration of the portfolio."""
        at = now()
        on = day_of(at)
        exits, decisions = tested_exits(user=self.user), pending_decisions(user=self.user, on=on)
        counts = portfolio_figures(user=self.user, on=on)
        return Response(
            {
                "as_of": at,
                "whole_organisation": self.user.can_read_all,
                "n_applications": counts.n_applications,
                "n_critical": exits.n_critical,
                "n_tested": exits.n_tested,
                "tested_share": exits.share,
                "n_ended": counts.n_ended,
                "n_ending_180": counts.n_ending_180,
                "done": asdict(quarter_activity(user=self.user, on=on)),
                "flags": [asdict(flag) for flag in decisions.flags],
                "n_flags": decisions.n_flags,
                "late": [
                    {
                        "application": late.application.slug,
                        "leave_by": late.start_by,
                        "retires_on": late.retires_on,
                        "has_ended": late.has_ended,
                    }
                    for late in decisions.late
                ],
                "n_acceptances": decisions.n_acceptances,
                "n_approvals": decisions.n_approvals,
                "loosened_tolerances": DecisionProposalSerializer(
                    loosened_tolerances(user=self.user, on=on), many=True
                ).data,
            }
        )


def _fill_body(table: ReportTable, fill: FillRate) -> dict[str, Any]:
    return {
        "table": table.slug,
        "code": table.code,
        "name": str(table.name),
        "n_rows": fill.n_rows,
        "n_filled": fill.n_filled,
        "n_missing": fill.n_missing,
        "share": fill.share,
    }


def _gap_body(gap: ReportGap) -> dict[str, Any]:
    return {
        "place": gap.place.value,
        "slug": gap.slug,
        "id": gap.ref,
        "name": gap.name,
        "fields": [str(label) for label in gap.labels],
        "n_cells": gap.n_cells,
    }


def _check_body(check: CheckResult) -> dict[str, Any]:
    return {
        "rule": check.rule.value,
        "table": check.table.slug,
        "column": check.code,
        "n": check.n,
        "sentence": str(check.sentence),
    }


def _record_body(table: ReportTable, row: ReportRow) -> dict[str, Any]:
    """Return the record as {column: value, missing, note}."""
    heads: Sequence[str] = table.heads
    return {
        str(head): {
            "value": cell.value
            if cell.value is None or isinstance(cell.value, bool | int | float)
            else str(cell.value),
            "missing": cell.is_missing,
            "note": str(cell.how),
        }
        for head, cell in zip(heads, row.cells, strict=True)
    }
