"""Observations of models in use: the reporting sender, the three names, and the dependency they
belong to.

An observation is one sender's view. Several of them, from traces, gateways, bills of materials and
spreadsheets, exist beside one dependency; what one sender no longer reports takes nothing away from
what another reported."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import ApiToken, own
from apps.catalog.models import Offering, Version
from apps.common.history.context import track_history
from apps.intake.models.imports import Import
from apps.inventory.models import Application, Dependency


class Confidence(models.IntegerChoices):
    """Confidence of an observation: how directly the use was observed; a higher one outranks a
    lower one about the same use."""

    GUESS = 1, "Named in code or by model family"
    SHEET = 2, "Listed in a spreadsheet or catalogue"
    BOM = 3, "In a bill of materials"
    IAC = 4, "In infrastructure code"
    GATEWAY_CONFIG = 5, "In a gateway configuration"
    GATEWAY_LOG = 6, "In a gateway log"
    SERVED = 7, "Observed at run time"


class ServiceQuerySet(models.QuerySet["Service"]):
    def visible_to(self, user: Any) -> "ServiceQuerySet":
        """Return those of applications the user can view, and of the unlinked ones those that the
        user's own tokens brought; organisation roles see all."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        of_nobody = Q(application__isnull=True) & own(user, "first_token__user")
        return self.filter(Q(application__team__in=user.team_roles()) | of_nobody)

    def unclaimed(self) -> "ServiceQuerySet":
        return self.filter(application__isnull=True, is_ignored=False)


@track_history(exclude=("last_seen_at",))
class Service(models.Model):
    """Reported service, as it calls itself in traces or at a gateway. It is pending until it is
    linked to an application."""

    name = models.CharField(
        max_length=256, help_text="namespace/name of traces; team or tag of a gateway."
    )
    scope = models.CharField(
        max_length=60,
        blank=True,
        default="",
        help_text="Connection that reports these names: empty for traces, else the gateway.",
    )
    application = models.ForeignKey(
        Application, on_delete=models.SET_NULL, null=True, blank=True, related_name="services"
    )
    is_ignored = models.BooleanField(default=False, help_text="Ignored by a user.")
    unlinked_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Unlinked by a user: not linked automatically by its name again.",
    )
    first_token = models.ForeignKey(
        ApiToken, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["scope", "name"], name="service_once"),
            models.CheckConstraint(
                name="service_ignored_or_claimed",
                condition=Q(is_ignored=False) | Q(application__isnull=True),
                violation_error_message="A service that is linked to an application cannot "
                "be ignored. Unlink it first.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-last_seen_at"],
                name="service_unclaimed",
                condition=Q(application__isnull=True, is_ignored=False),
            ),
            # the same name at other endpoints
            models.Index(fields=["name"], name="service_by_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ServiceToken(models.Model):
    """Use of one token under one service's name, and how many of its calls were dropped because its
    user may not write to the application that the service is linked to.

    Sums only; kept as long as usage is."""

    service = models.ForeignKey(
        Service,
        on_delete=models.CASCADE,
        null=True,
        related_name="tokens",
        help_text="Empty: the API token is linked to an application, for all services.",
    )
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="services")
    last_sent_at = models.DateTimeField(help_text="To the hour.")
    n_dropped = models.PositiveBigIntegerField(default=0)
    first_dropped_at = models.DateTimeField(null=True)
    last_dropped_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-last_sent_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["service", "token"], name="service_token_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="service_token_dropped_has_its_time",
                condition=Q(n_dropped=0, last_dropped_at__isnull=True)
                | Q(n_dropped__gt=0, first_dropped_at__isnull=False, last_dropped_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.token_id} for service {self.service_id}"


class ObservationQuerySet(models.QuerySet["Observation"]):
    def visible_to(self, user: Any) -> "ObservationQuerySet":
        """Return those of applications the user can view, and those of services that the user's own
        tokens brought."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        of_teams = Q(application__team__in=user.team_roles())
        # nearly nobody has such a sender, and the alternative costs the whole table: it is put only
        # where one has
        brought = list(
            Service.objects.unclaimed()
            .filter(own(user, "first_token__user"))
            .values_list("pk", flat=True)
        )
        if not brought:
            return self.filter(of_teams)
        return self.filter(of_teams | Q(application__isnull=True, service__in=brought))

    def waiting(self) -> "ObservationQuerySet":
        """Return observations that have not been reconciled with the inventory since they were last
        written."""
        return self.filter(state=Observation.State.NEW)


class Observation(models.Model):
    """Observation by one sender that one application uses one model under these names. Not in the
    history: it is no decision."""

    class State(models.TextChoices):
        NEW = "new", "Pending"
        MATCHED = "matched", "Part of a dependency"
        UNRESOLVED = "unresolved", "Unresolved model"
        UNCLAIMED = "unclaimed", "Unlinked application"
        OUT_OF_USE = "out_of_use", "Retired application"
        SET_ASIDE = "set_aside", "Ignored"

    key = models.UUIDField(
        unique=True, help_text="Digest of connection, application or service, and all names."
    )
    stream = models.CharField(
        max_length=80, help_text="Connection: otlp, cyclonedx:cdxgen, litellm-config:name, ..."
    )
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="observations"
    )
    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, null=True, blank=True, related_name="observations"
    )
    environment = models.CharField(max_length=60, blank=True)
    alias = models.CharField(
        max_length=256, blank=True, help_text="Alias that the application requests from a gateway."
    )
    requested = models.CharField(
        max_length=256, blank=True, help_text="Model ID sent to the provider."
    )
    served = models.CharField(
        max_length=256, blank=True, help_text="Model ID in the response of the provider."
    )
    provider = models.CharField(max_length=120, blank=True, help_text="As sent.")
    region = models.CharField(max_length=60, blank=True)
    gateway = models.CharField(max_length=120, blank=True, help_text="As sent.")
    role = models.CharField(max_length=10, choices=Dependency.Role, blank=True)
    fallback_order = models.PositiveSmallIntegerField(default=0)
    confidence = models.PositiveSmallIntegerField(choices=Confidence)
    places = models.JSONField(
        default=list, help_text="Location in the source, relative to the repository."
    )
    facts = models.JSONField(
        default=dict, help_text="Further details of the document: model card, licence, purl."
    )

    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    offering = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    served_version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    dependency = models.ForeignKey(
        Dependency, on_delete=models.SET_NULL, null=True, blank=True, related_name="observations"
    )
    explanation = models.TextField(
        blank=True, help_text="Explanation of the identification, or the reason why there is none."
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    missing_since = models.DateField(
        null=True,
        blank=True,
        help_text="The newest document of the connection no longer contains it.",
    )
    seen_in = models.ForeignKey(
        Import, on_delete=models.SET_NULL, null=True, blank=True, related_name="observations"
    )

    objects = ObservationQuerySet.as_manager()

    class Meta:
        ordering = ["-last_seen_at", "-id"]
        indexes = [
            models.Index(
                fields=["application", "-last_seen_at", "-id"], name="observation_by_application"
            ),
            models.Index(
                fields=["service"],
                name="observation_by_service",
                condition=Q(service__isnull=False),
            ),
            models.Index(
                fields=["dependency"],
                name="observation_by_dependency",
                condition=Q(dependency__isnull=False),
            ),
            models.Index(fields=["id"], name="observation_new", condition=Q(state="new")),
            models.Index(fields=["-last_seen_at", "-id"], name="observation_by_time"),
            models.Index(
                fields=["state", "-last_seen_at", "-id"],
                name="observation_undecided",
                condition=Q(state__in=["unresolved", "unclaimed", "out_of_use"]),
            ),
            models.Index(
                fields=["offering"],
                name="observation_by_offering",
                condition=Q(offering__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream}: {self.requested or self.served or self.alias}"


class UsageDay(models.Model):
    """Usage of one observation on one day, UTC. Tokens are null if no call reported its usage, and
    `uses` if no call proved what it uses."""

    observation = models.ForeignKey(Observation, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    n_calls = models.PositiveBigIntegerField(default=0)
    n_errors = models.PositiveBigIntegerField(default=0)
    n_refused = models.PositiveBigIntegerField(
        default=0,
        db_default=0,
        help_text="Failed calls that a gateway refused by its policy on the lifecycle of models.",
    )
    n_without_usage = models.PositiveBigIntegerField(
        default=0, help_text="Calls without token counts."
    )
    input_tokens = models.PositiveBigIntegerField(null=True)
    output_tokens = models.PositiveBigIntegerField(null=True)
    cost_usd = models.DecimalField(
        max_digits=20, decimal_places=10, null=True, help_text="As calculated by a gateway."
    )
    longest_input = models.PositiveBigIntegerField(
        null=True, help_text="Input tokens of the longest request."
    )
    largest_output = models.PositiveBigIntegerField(
        null=True, help_text="Output tokens of the largest answer."
    )
    uses = models.JSONField(null=True, help_text="Calls by what they use: tools, images, ...")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    sample_trace = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-day"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["observation", "day"], name="usage_day_once")
        ]
        indexes = [models.Index(fields=["day"], name="usage_day_by_day")]

    def __str__(self) -> str:
        return f"{self.n_calls} calls on {self.day}"


class CallBatch(models.Model):
    """Batch of calls as an endpoint received them, already counted by name and day, waiting for
    aggregation. Never any content."""

    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, null=True, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, related_name="+"
    )
    stream = models.CharField(max_length=80)
    groups = models.JSONField()
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"batch {self.pk} of {self.stream}"


class CountedCall(models.Model):
    """Counted call, stored so that the same one sent again is not counted; deleted after two days.

    `key` is the first 64 bits of a digest over trace and span id, or over provider and response
    id."""

    key = models.BigIntegerField(primary_key=True)
    hour = models.PositiveIntegerField(help_text="Hours since 1970 at receipt.")
    at = models.BigIntegerField(
        default=0, help_text="Response IDs: seconds since 1970 at counting; else 0."
    )

    class Meta:
        indexes = [models.Index(fields=["hour"], name="counted_call_by_hour")]

    def __str__(self) -> str:
        return str(self.key)


class UnmatchedCall(models.Model):
    """Unmatched half of a call: a gateway's call, or the served model of one, waiting some minutes
    for the other. Never any content."""

    key = models.BigIntegerField(
        primary_key=True, help_text="Digest of connection, trace and span of the call."
    )
    served = models.CharField(
        max_length=256, blank=True, help_text="Served model; empty: not reported yet."
    )
    counted_call = models.JSONField(
        null=True, help_text="The call as counted in a batch; null: not received yet."
    )
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["received_at"], name="unmatched_call_by_time")]

    def __str__(self) -> str:
        return str(self.key)


class MeteredSeries(models.Model):
    """Last value of one cumulative counter of a sender, so that the next one counts the difference.

    `key` is the first 64 bits of a digest over sender, instrument and attributes."""

    key = models.BigIntegerField(primary_key=True)
    start = models.BigIntegerField(
        help_text="Start of the counter of the connection, in nanoseconds since 1970."
    )
    at = models.BigIntegerField(help_text="Time of the value, in nanoseconds since 1970.")
    value = models.FloatField()

    class Meta:
        verbose_name_plural = "counter series"
        indexes = [models.Index(fields=["at"], name="metered_series_by_time")]

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"


@track_history()
class NameDecision(models.Model):
    """Decision of a user on the meaning of a name in documents or traffic, for future and past
    observations."""

    stream = models.CharField(
        max_length=80, blank=True, help_text="Only for this connection; empty: for all."
    )
    provider = models.CharField(
        max_length=120, blank=True, help_text="As sent; empty: none stated."
    )
    name = models.CharField(max_length=256)
    offering = models.ForeignKey(
        Offering, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    not_a_model = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-decided_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["stream", "provider", "name"],
                name="name_decision_once",
                condition=Q(revoked_at__isnull=True),
                violation_error_message="A decision on this name already exists. Revoke it first.",
            ),
            models.CheckConstraint(
                name="name_decision_says_one_thing",
                condition=Q(offering__isnull=False, not_a_model=False)
                | Q(offering__isnull=True, not_a_model=True),
                violation_error_message="Select a model, or mark the name as not a model.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} is {self.offering_id or 'not a model'}}}"
