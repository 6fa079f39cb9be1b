"""Sources, their claims about offerings, and the accepted changes."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import JSONField, Q, Value

from apps.catalog.models.change_queue import TERMS_CHANGE_TRIGGERS
from apps.catalog.models.providers import Provider, PublicQuerySet
from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history


class SourceQuerySet(PublicQuerySet["Source"]):
    def polled(self) -> "SourceQuerySet":
        return self.filter(enabled=True).exclude(kind__in=Source.UNPOLLED)

    def from_outside(self) -> "SourceQuerySet":
        """Return the sources of news: feeds, but not manual entries, the built-in catalogue or an
        installed package."""
        return self.exclude(kind__in=Source.UNPOLLED).exclude(url__startswith=Source.PACKAGE_SCHEME)


@track_history()
class Source(models.Model):
    """A source of claims, with its priority. The state of its polls is in the app `feeds`."""

    # The kind of sources that are documentation of a provider: facts from it are in the built-in
    # catalogue, with the address and day of their page.
    DOCUMENT: ClassVar[str] = "document"
    UNPOLLED: ClassVar[tuple[str, ...]] = ("manual", "built-in", DOCUMENT)
    # The kind of sources that read a host's status page. Their slugs begin with it, and are spelled
    # `status:openai` outside.
    STATUS: ClassVar[str] = "status"
    # A URL with this scheme names an installed package, whose content changes only with an upgrade.
    PACKAGE_SCHEME: ClassVar[str] = "package:"

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=30, help_text="Adapter that reads the feed.")
    url = models.CharField(max_length=500, blank=True)
    host = models.ForeignKey(
        Provider,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="own_sources",
        help_text="Host whose own page this is; empty for sources about several hosts.",
    )
    trusted_address = models.BooleanField(
        default=False, help_text="Set by the operator; the URL can be private or a file."
    )
    interval_minutes = models.PositiveIntegerField(default=60)
    stale_after_minutes = models.PositiveIntegerField(default=1440)
    frozen_after_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text=(
            "A feed that responds but has not changed for longer is marked as not updating."
        ),
    )
    trust_rank = models.PositiveSmallIntegerField(
        default=50, help_text="1 is the highest priority."
    )
    enabled = models.BooleanField(default=True)
    licence_note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["trust_rank", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_packaged(self) -> bool:
        """Whether it is read from an installed package, which needs no network and brings no
        news."""
        return self.url.startswith(self.PACKAGE_SCHEME)

    @property
    def public_slug(self) -> str:
        """The slug as commands spell it: `status:openai` for a status source."""
        prefix = f"{self.STATUS}-"
        if self.kind == self.STATUS and self.slug.startswith(prefix):
            return f"{self.STATUS}:{self.slug.removeprefix(prefix)}"
        return self.slug

    @classmethod
    def stored_slug(cls, spelling: str) -> str:
        """Return the stored slug of a spelling: `status-openai` for `status:openai`."""
        prefix = f"{cls.STATUS}:"
        if spelling.startswith(prefix):
            return f"{cls.STATUS}-{spelling.removeprefix(prefix)}"
        return spelling


class Topic(models.TextChoices):
    IDENTITY = "identity", "Identity"
    LIFECYCLE = "lifecycle", "Lifecycle"
    PRICE = "price", "Price"
    CAPABILITY = "capability", "Capability"
    DATA_TERMS = "data_terms", "Data terms"


class AssertionQuerySet(PublicQuerySet["Assertion"]):
    def standing(self) -> "AssertionQuerySet":
        """Return active claims, that is not withdrawn by the source and not removed by a user."""
        return self.filter(withdrawn_at__isnull=True)

    def waiting(self) -> "AssertionQuerySet":
        """Return claims whose absence or new value is on hold."""
        return self.standing().filter(
            Q(pending_since__isnull=False) | Q(missing_since__isnull=False)
        )


@track_history(
    exclude=("pending", "pending_since", "held", "price_moves", "next_start_on", "drifted_from")
)
class Assertion(models.Model):
    """One source's value for one offering on one topic. Never deleted.

    `value` is canonical JSON (see claims/feed_rows.py and claims/values.py). `missing_since` is the
    first observation without the row; last seen is derived from it, or from the source's last
    success. A value on hold is in `pending` since `pending_since`; a rejected value is in
    `refused`. For the source `manual`, `asserted_by` and `reason` hold the user and the reason, and
    `withdrawn_at` is the time of removal.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="assertions")
    external_id = models.CharField(max_length=400)
    topic = models.CharField(max_length=10, choices=Topic)
    group = models.CharField(
        max_length=100, blank=True, help_text="Provider whose rows the bulk guard counts together."
    )
    offering = models.ForeignKey(
        "catalog.Offering",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assertions",
    )
    value = models.JSONField(default=dict)
    excerpt = models.JSONField(default=dict, blank=True)
    source_url = models.CharField(max_length=1000, blank=True)
    first_seen = models.DateTimeField()
    changed_at = models.DateTimeField(
        help_text="Time of the poll at which the value was last accepted."
    )
    missing_since = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    pending = models.JSONField(null=True, blank=True)
    pending_since = models.DateTimeField(null=True, blank=True)
    held = models.BooleanField(
        default=False,
        help_text=(
            "The missing or changed value is on hold until it is confirmed or a user decides."
        ),
    )
    refused = models.JSONField(
        null=True,
        blank=True,
        help_text=(
            'Value on hold that a user rejected, or {"absent": true}; ignored while '
            "the feed repeats it."
        ),
    )
    price_moves = models.JSONField(
        default=list,
        blank=True,
        help_text=(
            "ISO dates of the last 90 days on which the price changed, including "
            "changes that were reverted."
        ),
    )
    floating_since = models.DateField(
        null=True,
        blank=True,
        help_text="Date since which the price changes too often to report each change.",
    )
    next_start_on = models.DateField(
        null=True,
        blank=True,
        help_text="Next date on which a price published in advance applies.",
    )
    drifted_from = models.JSONField(
        default=dict,
        blank=True,
        db_default=Value({}, JSONField()),
        help_text=(
            "Last reported price of each unit that has changed since by so little that it was not "
            "reported."
        ),
    )
    asserted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)

    objects = AssertionQuerySet.as_manager()

    class Meta:
        ordering = ["source", "external_id", "topic"]
        indexes = [
            models.Index(fields=["offering", "topic"], name="assertion_by_offering"),
            models.Index(
                fields=["source"],
                name="assertion_waiting",
                condition=Q(pending_since__isnull=False),
            ),
            models.Index(
                fields=["source", "missing_since"],
                name="assertion_missing",
                condition=Q(missing_since__isnull=False),
            ),
            models.Index(fields=["source"], name="assertion_held", condition=Q(held=True)),
            models.Index(
                fields=["next_start_on"],
                name="assertion_starting",
                condition=Q(next_start_on__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id", "topic"], name="assertion_once"
            ),
            models.CheckConstraint(
                name="assertion_pending_has_start",
                condition=Q(pending__isnull=True, pending_since__isnull=True)
                | Q(pending__isnull=False, pending_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.external_id} {self.topic}"


class ProviderEventQuerySet(PublicQuerySet["ProviderEvent"]):
    pass


@track_history()
class ProviderEvent(models.Model):
    """A change that the catalogue has accepted; never edited, with a unique `key`. It is about an
    offering, or about a provider as a whole, such as a change of its terms."""

    class Kind(models.TextChoices):
        ANNOUNCED = "announced", "Retirement announced"
        MOVED_EARLIER = "moved_earlier", "Retirement moved earlier"
        MOVED_LATER = "moved_later", "Retirement moved later"
        WITHDRAWN = "withdrawn", "Retirement withdrawn"
        RETIRED = "retired", "Retired"
        DELISTED = "delisted", "Delisted"
        REPRICED = "repriced", "Price changed"
        ALIAS_MOVED = "alias_moved", "Alias moved"
        RELEASED = "released", "Released"
        TERMS_CHANGED = "terms_changed", "Terms changed"
        CAPABILITY_LOST = "capability_lost", "Capability withdrawn"
        DISAGREEMENT = "disagreement", "Source disagreement"

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=15, choices=Kind)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="events")
    external_id = models.CharField(max_length=400)
    offering = models.ForeignKey(
        "catalog.Offering", on_delete=models.PROTECT, null=True, related_name="events"
    )
    provider = models.ForeignKey(
        "catalog.Provider",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="events",
        help_text="Provider that the event is about as a whole; empty for events of an offering.",
    )
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    effective_on = models.DateField(null=True)
    detected_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    evidence = models.ManyToManyField(Assertion, blank=True, related_name="events")

    objects = ProviderEventQuerySet.as_manager()

    class Meta:
        ordering = ["-detected_at", "-id"]
        indexes = [
            models.Index(fields=["detected_at", "id"], name="event_in_order"),
            models.Index(fields=["offering"], name="event_by_offering"),
            models.Index(fields=["kind", "detected_at"], name="event_by_kind"),
        ]
        constraints = [
            models.CheckConstraint(
                name="event_has_one_subject",
                condition=Q(offering__isnull=False, provider__isnull=True)
                | Q(offering__isnull=True, provider__isnull=False),
                violation_error_message="An event must be about an offering or a provider.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.external_id}"

    @property
    def subject_name(self) -> str:
        """Return the model ID, or the name of the provider; needs `offering` or `provider`
        loaded."""
        if self.offering is not None:
            return self.offering.api_id
        return self.provider.name if self.provider is not None else self.external_id

    @property
    def host(self) -> Any:
        """Return the host of the offering, or the provider; needs `offering.host` or `provider`
        loaded."""
        return self.offering.host if self.offering is not None else self.provider

    @property
    def announcement(self) -> Any:
        """Return the announced retirement that raised or withdrew it with others, as one fact; None
        for other events. Needs `announced_offering` and `withdrawn_offering` loaded."""
        # a missing row raises an AttributeError, so that the default applies
        row = getattr(self, "announced_offering", None) or getattr(self, "withdrawn_offering", None)
        return row.announcement if row is not None else None

    def as_line(self) -> dict[str, Any]:
        """Return the event in the form of contracts.md section 2; needs `source`, and
        `offering.host` or `provider` loaded. `api_id` is null for an event of a provider."""
        return {
            "kind": self.kind,
            "source": self.source.slug,
            "external_id": self.external_id,
            "api_id": self.offering.api_id if self.offering is not None else None,
            "host": self.host.slug if self.host is not None else None,
            "old": self.old,
            "new": self.new,
            "effective_on": self.effective_on.isoformat() if self.effective_on else None,
            "detected_at": self.detected_at.isoformat().replace("+00:00", "Z"),
        }


class SettledClaimsQuerySet(PublicQuerySet["SettledClaims"]):
    pass


class SettledClaims(models.Model):
    """What applies of all that sources state about an offering on one topic: derived from the
    claims (see capabilities/), and written only when it changes.

    `values` is {field: {"value", "source", "at", "agreed"}}, with `"contradicted": true` and a
    value of null where sources of the same rank contradict each other.
    """

    offering = models.ForeignKey(
        "catalog.Offering", on_delete=models.CASCADE, related_name="settled_claims"
    )
    topic = models.CharField(max_length=10, choices=Topic)
    values = models.JSONField(default=dict)
    changed_at = models.DateTimeField()

    objects = SettledClaimsQuerySet.as_manager()

    class Meta:
        ordering = ["offering", "topic"]
        verbose_name_plural = "settled claims"
        triggers = TERMS_CHANGE_TRIGGERS
        constraints = [
            models.UniqueConstraint(fields=["offering", "topic"], name="settled_once"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} of offering {self.offering_id}"
