"""Evidence packs: requested by users, built by a worker, stored in the database until they
expire."""

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import Provider
from apps.common.exports.models import WORKER_FIELDS, ExportFile, ExportFilePart, ExportFileQuerySet
from apps.common.history.context import track_history
from apps.inventory.models import Application


class EvidencePackQuerySet(ExportFileQuerySet["EvidencePack"]):
    def visible_to(self, user: Any) -> "ExportFileQuerySet[EvidencePack]":
        """Select every pack for organisation roles; for other users their own, as long as they can
        view all teams in it."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(requested_by=user).readable_by(user)


@track_history(exclude=(*WORKER_FIELDS, "digest", "manifest", "n_files"))
class EvidencePack(ExportFile):
    """One zip file for an application, a provider, or everything that the requester can view, over
    a period. `digest` is the SHA-256 of its manifest.json, which lists every other file with its
    digest."""

    class Scope(models.TextChoices):
        APPLICATION = "application", "One application"
        PROVIDER = "provider", "All dependencies on one provider"
        ORGANISATION = "organisation", "Everything you can view"

    scope = models.CharField(max_length=12, choices=Scope)
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="evidence_packs"
    )
    provider = models.ForeignKey(
        Provider, on_delete=models.CASCADE, null=True, blank=True, related_name="evidence_packs"
    )
    since = models.DateField(help_text="First day of the period.")
    until = models.DateField(help_text="Expires on (not in the pack from this date).")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="evidence_packs"
    )
    as_of = models.DateTimeField(help_text="Time of the request; days are counted from it.")
    digest = models.CharField(max_length=64, blank=True)
    manifest = models.JSONField(null=True)
    n_files = models.PositiveIntegerField(default=0)
    expires_on = models.DateField(help_text="Expires on (the file is deleted on this date).")

    objects = EvidencePackQuerySet.as_manager()

    class Meta:
        ordering = ["-as_of", "-id"]
        indexes = [
            models.Index(
                fields=["as_of"],
                name="evidence_pack_waiting",
                condition=Q(state__in=["queued", "running"]),
            ),
            models.Index(fields=["-as_of", "-id"], name="evidence_pack_latest"),
        ]
        constraints = [
            models.CheckConstraint(
                name="evidence_pack_scope_has_subject",
                condition=Q(scope="application", application__isnull=False, provider__isnull=True)
                | Q(scope="provider", application__isnull=True, provider__isnull=False)
                | Q(scope="organisation", application__isnull=True, provider__isnull=True),
                violation_error_message="Select the application or the provider of the pack.",
            ),
            models.CheckConstraint(
                name="evidence_pack_period_not_empty",
                condition=Q(until__gt=F("since")),
                violation_error_message="The period must end after its start.",
            ),
        ]

    def __str__(self) -> str:
        return f"evidence pack {self.pk}: {self.state}"

    @property
    def about(self) -> str:
        """Return the application's or provider's name; empty for the organisation. Needs both
        loaded."""
        subject = self.application or self.provider
        return str(subject) if subject else ""

    @property
    def last_day(self) -> date:
        """Return the last day of the period, inclusive, for display."""
        return self.until - timedelta(days=1)

    @property
    def file_name(self) -> str:
        subject = self.application or self.provider
        about = subject.slug if subject else self.scope
        return f"evidence-{about}-{self.since}-{self.until}-{self.pk}.zip"


class EvidencePackPart(ExportFilePart):
    pack = models.ForeignKey(EvidencePack, on_delete=models.CASCADE, related_name="parts")

    class Meta:
        ordering = ["pack", "number"]
        constraints = [
            models.UniqueConstraint(fields=["pack", "number"], name="evidence_pack_part_once")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.pack_id}"
