"""Imports: everything received, with its progress, and undo."""

from itertools import islice
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.framework.problems import ApiConflictError
from apps.api.framework.views import Names, ReadViewSet
from apps.api.intake.serializers import COMPUTED_FIELDS, PARTS, ImportSerializer
from apps.common.database.keyset_pagination import Keyset
from apps.intake.documents.ingest import MAX_LISTED, set_document_application
from apps.intake.documents.undo import undo_document
from apps.intake.filters import ImportFilter
from apps.intake.models import Import
from apps.intake.queries import left_out_cells, rejected_rows
from apps.intake.spreadsheets.import_steps import undo_import
from apps.inventory.models import Application


class NamedApplicationSerializer(serializers.Serializer[Any]):
    application = serializers.SlugField(
        max_length=200, help_text="Slug of the application; null if the document names none."
    )


class ImportViewSet(ReadViewSet[Import]):
    """Imports, latest first: your own, and those about applications that you can view."""

    model = Import
    serializer_class = ImportSerializer
    filterset_class = ImportFilter
    computed = COMPUTED_FIELDS
    orders = {"-id": Keyset(("-id",)), "id": Keyset(("id",))}

    def requested_fields(self, reader: Any) -> Names:
        """Return the requested fields; lists omit the long lists of parts unless `fields` names
        them."""
        names = super().requested_fields(reader)
        if self.action == "list" and not self.request.query_params.get("fields"):
            return [name for name in names if name not in PARTS]
        return names

    def read_row(self, names: Names, **lookup: Any) -> dict[str, Any]:
        row = super().read_row(names, **lookup)
        if ("rejected" in names and not row["rejected"]) or (
            "ignored" in names and not row["ignored"]
        ):
            sheet = self.get_queryset().filter(**lookup, kind=Import.Kind.SHEET).first()
            if sheet is not None and "rejected" in names:
                row["rejected"] = rejected_of_sheet(sheet)
            if sheet is not None and "ignored" in names:
                row["ignored"] = left_out_of_sheet(sheet)
        return row

    @extend_schema(summary="Undo an import", request=None, responses=ImportSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str = "") -> Response:
        """Restore what the import wrote, if it is unchanged since; otherwise the answer is 409 with
        the later changes. Requires the editor role on each affected team. Observations of the
        document are removed."""
        import_ = self.subject()
        if import_.kind == Import.Kind.DOCUMENT:
            import_ = undo_document(import_=import_, by=self.user)
        elif import_.kind == Import.Kind.SHEET:
            import_ = undo_import(import_=import_, by=self.user)
        else:
            raise ApiConflictError(
                "Results of evaluations cannot be undone as a whole. Correct the "
                "evidence they created."
            )
        if import_.state == Import.State.APPLIED and import_.error:
            raise ApiConflictError(import_.error)
        return self.answer(import_)

    @extend_schema(
        summary="Set the application of an import",
        request=NamedApplicationSerializer,
        responses=ImportSerializer,
    )
    @action(detail=True, methods=["post"])
    def application(self, request: Request, pk: str = "") -> Response:
        """Read the document for this application, if it names none or an unknown one. Requires the
        editor role on the application's team."""
        import_ = self.subject()
        slug = self.validated(NamedApplicationSerializer)["application"]
        application = Application.objects.visible_to(self.user).filter(slug=slug).first()
        if application is None:
            raise NotFound
        updated_import = set_document_application(
            import_=import_, application=application, by=self.user
        )
        return self.answer(updated_import)


def rejected_of_sheet(import_: Import) -> list[dict[str, str]]:
    """Return the rejected rows, up to the limit of an answer."""
    return [
        {"where": row.where, "reason": row.reason}
        for row in islice(rejected_rows(import_), MAX_LISTED)
    ]


def left_out_of_sheet(import_: Import) -> list[dict[str, str]]:
    """Return what is left out of imported rows, up to the limit of an answer."""
    return [
        {"where": where, "reason": reason}
        for where, reason in islice(left_out_cells(import_), MAX_LISTED)
    ]
