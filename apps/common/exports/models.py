"""Files that a worker generates for a user, stored in the database in parts until they expire: the
base of list exports and evidence packs."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.common.jobs import JOB_FIELDS, Job

# fields that a worker writes while it generates the file; they are excluded from the history, which
# contains the request
WORKER_FIELDS = (*JOB_FIELDS, "n_bytes")


class ExportFileQuerySet[M: "ExportFile"](models.QuerySet[M]):
    def open(self) -> "ExportFileQuerySet[M]":
        return self.filter(state__in=ExportFile.OPEN)

    def readable_by(self, user: Any) -> "ExportFileQuerySet[M]":
        """Return the files that cover only teams of `user`; for users who cannot read
        everything."""
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
    """One part of the content of a file, stored in the database so that web and worker need not
    share a file system."""

    SIZE: ClassVar[int] = 1024 * 1024

    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        abstract = True
