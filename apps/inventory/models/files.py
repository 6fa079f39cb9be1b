"""Files that are too long for a request: requested, written by a worker, kept in the database for a
week."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.common.history.context import track_history
from apps.inventory.models.exports import MADE_BY_WORKER, MadeFile, MadeFilePart, MadeFileQuerySet


class WrittenFileQuerySet(MadeFileQuerySet["WrittenFile"]):
    def visible_to(self, user: Any) -> "MadeFileQuerySet[WrittenFile]":
        """The own ones, while the asker still reads all that was read for them."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        own_files = self.filter(asked_by=user)
        return own_files if user.can_read_all else own_files.readable_by(user)


@track_history(exclude=(*MADE_BY_WORKER, "n_rows"))
class WrittenFile(MadeFile):
    """One list as a file. `kind` is defined by its writer (apps/web/file_exports.py), `query` holds
    filters and order."""

    kind = models.CharField(max_length=30)
    query = models.TextField(blank=True)
    name = models.CharField(max_length=120, help_text="File name with extension.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="written_files"
    )
    as_of = models.DateTimeField(help_text="Time of the request.")
    n_rows = models.PositiveIntegerField(default=0)
    expires_on = models.DateField(help_text="Date from which the file is deleted.")

    objects = WrittenFileQuerySet.as_manager()

    class Meta:
        ordering = ["-as_of", "-id"]
        indexes = [
            models.Index(
                fields=["as_of"],
                name="written_file_waiting",
                condition=Q(state__in=["queued", "running"]),
            ),
            models.Index(fields=["asked_by", "-as_of", "-id"], name="written_file_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class WrittenFilePart(MadeFilePart):
    file = models.ForeignKey(WrittenFile, on_delete=models.CASCADE, related_name="parts")

    class Meta:
        ordering = ["file", "number"]
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="written_file_part_once")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.file_id}"
