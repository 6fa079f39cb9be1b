"""Files that a worker makes for a person, kept in the database in parts until they expire: what a
long list and a pack of evidence have in common."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.common.jobs import JOB_FIELDS, Job

# what a worker writes of a file while it makes it; what was asked for stands in the history, this
# does not
WORKER_FIELDS = (*JOB_FIELDS, "n_bytes")


class ExportFileQuerySet[M: "ExportFile"](models.QuerySet[M]):
    def open(self) -> "ExportFileQuerySet[M]":
        return self.filter(state__in=ExportFile.OPEN)

    def readable_by(self, user: Any) -> "ExportFileQuerySet[M]":
        """Return the files that cover only teams of `user`, who cannot read everything."""
        return self.filter(
            whole_organisation=False, team_ids__contained_by=sorted(user.team_roles())
        )


class ExportFile(Job):
    """Base of generated files. `team_ids` are the teams it covers, unless the requester can read
    the whole organisation. A subclass adds `requested_by`, `as_of` (time of the request),
    `expires_on`, and a ExportFilePart that refers to it as its `parts`."""

    requested_by: Any
    parts: Any

    whole_organisation = models.BooleanField(default=False)
    team_ids = ArrayField(models.BigIntegerField(), default=list)
    n_bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


class ExportFilePart(models.Model):
    """A slice of a file, so that no file system need be shared between web and worker."""

    SIZE: ClassVar[int] = 1024 * 1024

    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        abstract = True
