"""Files that are too long for a request: asked for, written by a worker, kept in the database for a week."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.common.history import tracked


class WrittenFileQuerySet(models.QuerySet["WrittenFile"]):
    def visible_to(self, user: Any) -> "WrittenFileQuerySet":
        """The own ones, while the asker still reads all that was read for them."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        mine = self.filter(asked_by=user)
        if user.reads_everything:
            return mine
        return mine.filter(whole_organisation=False, team_ids__contained_by=sorted(user.team_roles()))

    def open(self) -> "WrittenFileQuerySet":
        return self.filter(state__in=WrittenFile.OPEN)


@tracked(exclude=("state", "error", "attempts", "started_at", "finished_at", "n_rows", "n_bytes"))
class WrittenFile(models.Model):
    """One list as a file. `kind` says which, in the words of whoever writes it (apps/web/written_files.py), `query` how
    it is narrowed and ordered. `team_ids` are the teams it speaks of, unless the asker reads the whole organisation."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    OPEN: ClassVar[tuple[str, ...]] = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=30)
    query = models.TextField(blank=True)
    name = models.CharField(max_length=120, help_text=_("Of the file, with its ending."))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="written_files")
    whole_organisation = models.BooleanField(default=False)
    team_ids = ArrayField(models.BigIntegerField(), default=list)
    as_of = models.DateTimeField(help_text=_("When it was asked for."))
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    n_rows = models.PositiveIntegerField(default=0)
    n_bytes = models.PositiveBigIntegerField(default=0)
    expires_on = models.DateField(help_text=_("First day on which it is no longer kept."))

    objects = WrittenFileQuerySet.as_manager()

    class Meta:
        ordering = ["-as_of", "-id"]
        indexes = [
            models.Index(fields=["as_of"], name="written_file_waiting", condition=Q(state__in=["queued", "running"])),
            models.Index(fields=["asked_by", "-as_of", "-id"], name="written_file_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class WrittenFilePart(models.Model):
    """A slice of the file, so that no file system need be shared between web and worker."""

    SIZE: ClassVar[int] = 1024 * 1024

    file = models.ForeignKey(WrittenFile, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        ordering = ["file", "number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="written_file_part_once")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.file_id}"
