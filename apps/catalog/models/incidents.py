"""Incidents: troubles that the status page of a host told of, one row each, whatever was edited,
reopened or posted twice."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from apps.catalog.models.claims import Source
from apps.catalog.models.foundations import Version
from apps.catalog.models.offerings import Offering
from apps.catalog.models.providers import Provider, PublicQuerySet
from apps.common.history.context import track_history

# An open incident without an update for longer was forgotten by those who posted it.
FORGOTTEN_AFTER = timedelta(days=14)


class IncidentImpact(models.TextChoices):
    """Impact as the status page states it, in ascending order."""

    NONE = "none", "None"
    MINOR = "minor", "Minor"
    MAJOR = "major", "Major"
    CRITICAL = "critical", "Critical"


class IncidentEnd(models.TextChoices):
    """How an incident ended."""

    RESOLVED = "resolved", "Resolved by the host"
    ABSENT = "absent", "Not listed any more"
    DUPLICATE = "duplicate", "Duplicate"


class IncidentQuerySet(PublicQuerySet["Incident"]):
    def ongoing(self) -> "IncidentQuerySet":
        """Select incidents that have not ended."""
        return self.filter(ended_at__isnull=True)

    def told(self) -> "IncidentQuerySet":
        """Select incidents without duplicates: each trouble once."""
        return self.exclude(end_reason=IncidentEnd.DUPLICATE)

    def counted(self) -> "IncidentQuerySet":
        """Select incidents that count as outages of their host: they concern the serving of models,
        and are no duplicate."""
        return self.told().filter(affects_models=True)

    def at_least(self, impact: str) -> "IncidentQuerySet":
        """Select incidents whose highest impact was `impact` or worse."""
        order = IncidentImpact.values
        return self.filter(highest_impact__in=order[order.index(impact) :])

    def forgotten(self, at: datetime) -> "IncidentQuerySet":
        """Select ongoing incidents without an update for weeks."""
        return self.ongoing().filter(last_update_at__lt=at - FORGOTTEN_AFTER)


@track_history(exclude=("updates",))
class Incident(models.Model):
    """One incident of a host, as its status page states it. Key: source and `external_id`.

    `impact` is the last one published, `highest_impact` the highest; empty where the status page
    states none. `versions` and `offerings` are
    the models that title and updates name (a claim of the host); without any the incident concerns
    the whole host. `updates` is a list of {"at": ISO time or null, "status", "text"}, newest first.
    `backfilled`: posted when it was over, or known only from the first poll; it counts from
    `started_at`, and raises no alarm.
    """

    MAX_UPDATES: ClassVar[int] = 100

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="incidents")
    host = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="incidents")
    external_id = models.CharField(max_length=400)
    title = models.CharField(max_length=300)
    status = models.CharField(
        max_length=20, blank=True, help_text="Last status as the status page words it."
    )
    impact = models.CharField(max_length=8, choices=IncidentImpact, blank=True)
    highest_impact = models.CharField(max_length=8, choices=IncidentImpact, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=9, choices=IncidentEnd, blank=True)
    duplicate_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="duplicates"
    )
    components = models.JSONField(default=list, blank=True)
    regions = models.JSONField(default=list, blank=True)
    affects_models = models.BooleanField(
        default=True,
        help_text=(
            "False if every component serves no model: chat products, consoles, billing, or other "
            "services of a cloud."
        ),
    )
    versions = models.ManyToManyField(Version, blank=True, related_name="incidents")
    offerings = models.ManyToManyField(Offering, blank=True, related_name="incidents")
    url = models.CharField(max_length=1000, blank=True)
    updates = models.JSONField(default=list, blank=True)
    last_update_at = models.DateTimeField(help_text="Time of the newest update, else of the start.")
    reopened_at = models.DateTimeField(
        null=True, blank=True, help_text="Last time that it was open again after its end."
    )
    backfilled = models.BooleanField(
        default=False, help_text="Known only afterwards; it raises no alarm."
    )
    first_seen = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="Time of the poll that last changed it.")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="incident_latest"),
            models.Index(fields=["host", "-started_at"], name="incident_by_host"),
            models.Index(
                fields=["host"], name="incident_ongoing", condition=Q(ended_at__isnull=True)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="incident_once"),
            models.CheckConstraint(
                name="incident_ends_after_start",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                violation_error_message="An incident cannot end before it starts.",
            ),
            models.CheckConstraint(
                name="incident_end_has_reason",
                condition=Q(ended_at__isnull=True, end_reason="")
                | Q(ended_at__isnull=False) & ~Q(end_reason=""),
                violation_error_message="An incident that has ended must have a reason.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_ongoing(self) -> bool:
        return self.ended_at is None

    def duration(self, at: datetime) -> timedelta:
        """Return the time from start to end, or until `at` while it is ongoing."""
        return max((self.ended_at or at) - self.started_at, timedelta(0))

    def is_forgotten(self, at: datetime) -> bool:
        """Return whether it is open without an update for weeks."""
        return self.is_ongoing and at - self.last_update_at > FORGOTTEN_AFTER

    def as_line(self) -> dict[str, Any]:
        """Return the incident in the form of contracts.md section 6, beside the keys of an event's
        line; needs `source` and `host` loaded."""
        facts = {
            "external_id": self.external_id,
            "started_at": _iso(self.started_at),
            "ended_at": _iso(self.ended_at) if self.ended_at else None,
            "impact": self.impact or None,
            "components": self.components,
            "url": self.url or None,
        }
        return {
            "kind": "incident",
            "source": self.source.public_slug,
            **facts,
            "api_id": None,
            "host": self.host.slug,
            "old": None,
            "new": facts,
            "effective_on": self.started_at.date().isoformat(),
            "detected_at": _iso(self.first_seen),
        }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
