"""Files that take too long for a request: requested, written by a worker, stored in the database
for a week."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.common.exports.models import WORKER_FIELDS, ExportFile, ExportFilePart, ExportFileQuerySet
from apps.common.history.context import track_history


class ListExportQuerySet(ExportFileQuerySet["ListExport"]):
    def visible_to(self, user: Any) -> "ExportFileQuerySet[ListExport]":
        """Select the user's own files, as long as the user can still view everything that they
        contain."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        own_files = self.filter(requested_by=user)
        return own_files if user.can_read_all else own_files.readable_by(user)


@track_history(exclude=(*WORKER_FIELDS, "n_rows"))
class ListExport(ExportFile):
    """One list as a file. `kind` is defined by its writer (apps/web/file_exports.py), `query` holds
    filters and order."""

    kind = models.CharField(max_length=30)
    query = models.TextField(blank=True)
    name = models.CharField(max_length=120, help_text="File name with extension.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="list_exports"
    )
    as_of = models.DateTimeField(help_text="Time of the request.")
    n_rows = models.PositiveIntegerField(default=0)
    expires_on = models.DateField(help_text="Date from which the file is deleted.")

    objects = ListExportQuerySet.as_manager()

    class Meta:
        ordering = ["-as_of", "-id"]
        indexes = [
            models.Index(
                fields=["as_of"],
                name="list_export_waiting",
                condition=Q(state__in=["queued", "running"]),
            ),
            models.Index(fields=["requested_by", "-as_of", "-id"], name="list_export_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class ListExportPart(ExportFilePart):
    file = models.ForeignKey(ListExport, on_delete=models.CASCADE, related_name="parts")

    class Meta:
        ordering = ["file", "number"]
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="list_export_part_once")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.file_id}"
