"""Proposed use cases: what persons without an account propose by a link, and what governance
decided about it."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from apps.common.database.fields import MAX_REASON_LENGTH, LimitedTextField
from apps.common.history.context import track_history
from apps.common.time import day_of
from apps.common.validators import validate_plausible_date
from apps.inventory.models.applications import Application
from apps.inventory.models.contracts import OrganisationWideQuerySet

MAX_SUBMISSIONS = 500
# of an answer in several sentences
MAX_ANSWER_LENGTH = 2000
_UNKNOWN_IF_EMPTY = "Empty: unknown."


class UseCaseLinkQuerySet(OrganisationWideQuerySet["UseCaseLink"]):
    """Links to the form, for governance, auditors and administrators."""


@track_history(exclude=("n_submissions",))
class UseCaseLink(models.Model):
    """A link to the form, under which persons without an account propose use cases, until it
    expires, is revoked, or was used `max_submissions` times."""

    name = models.CharField(
        "recipients",
        max_length=100,
        help_text="Who receives the link, such as a department. The form does not show it.",
    )
    expires_on = models.DateField(
        validators=[validate_plausible_date],
        help_text="Expires on (not valid from this date).",
    )
    max_submissions = models.PositiveSmallIntegerField(
        "most proposals",
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_SUBMISSIONS)],
        help_text="The link stops working after this number of proposals.",
    )
    n_submissions = models.PositiveSmallIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = UseCaseLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="use_case_link_within_its_limit",
                condition=Q(n_submissions__lte=F("max_submissions")),
                violation_error_message="The link was already used more often. Enter a higher "
                "number of proposals.",
            ),
            models.CheckConstraint(
                name="use_case_link_revoked_with_user",
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                violation_error_message="A revoked link must have a user and a time.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_open_at(self, at: datetime) -> bool:
        """Return whether a proposal can be sent by this link."""
        return (
            self.revoked_at is None
            and self.expires_on > day_of(at)
            and self.n_submissions < self.max_submissions
        )


class ProposedUseCaseQuerySet(OrganisationWideQuerySet["ProposedUseCase"]):
    """Proposed use cases, for governance, auditors and administrators."""

    def undecided(self) -> "ProposedUseCaseQuerySet":
        """Select those that governance has not accepted or declined."""
        return self.filter(state__in=ProposedUseCase.OPEN)


# the answers never change, so the history has only what governance does with them
@track_history(
    exclude=(
        "form_key",
        "proposer_name",
        "proposer_email",
        "name",
        "purpose",
        "starts_on",
        "requests_per_month",
        "users_affected",
        "affects_public",
        "decisions_about_people",
        "ai_act_area",
        "prohibited_practice",
        "interacts_with_people",
        "autonomy",
        "data_classification",
        "personal_data",
        "geography",
        "model_text",
        "vendor_text",
        "model_access",
        "ai_act_role",
        "business_owner",
    )
)
class ProposedUseCase(models.Model):
    """A use of a model that a person without an account proposes, as answers to the form.

    An empty answer, or null, is "unknown". `model_text` and `vendor_text` are as written: what they
    name is read when governance looks at the proposal. `tier`, `suggested_class` and `tier_rules`
    follow from the answers by the rules of `tier_version`.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "To decide"
        QUESTION = "question", "Question asked"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"

    class Tier(models.TextChoices):
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"
        LOW = "low", "Low"

    class Decisions(models.TextChoices):
        NONE = "none", "No decisions about people"
        SUPPORTS = "supports", "A person decides with its output"
        DECIDES = "decides", "The application decides"

    class Area(models.TextChoices):
        """Areas of Annex III of the AI Act."""

        NONE = "none", "None of these"
        BIOMETRICS = "biometrics", "Biometrics"
        INFRASTRUCTURE = "infrastructure", "Critical infrastructure"
        EDUCATION = "education", "Education and vocational training"
        EMPLOYMENT = "employment", "Employment and management of workers"
        SERVICES = "services", "Essential private and public services, such as credit or insurance"
        LAW = "law", "Law enforcement"
        MIGRATION = "migration", "Migration, asylum and border control"
        JUSTICE = "justice", "Justice and democratic processes"

    class Access(models.TextChoices):
        API = "api", "API of a provider or cloud platform"
        PRODUCT = "product", "Inside a product of a vendor"
        OWN = "own", "On machines of the organisation"

    OPEN: ClassVar[tuple[str, ...]] = (State.PROPOSED, State.QUESTION)

    link = models.ForeignKey(UseCaseLink, on_delete=models.PROTECT, related_name="use_cases")
    form_key = models.UUIDField(
        help_text="Key of the form that was sent: one that is sent twice is one proposal."
    )
    reference = models.CharField(max_length=12, unique=True)
    submitted_at = models.DateTimeField()
    proposer_name = models.CharField("your name", max_length=100)
    proposer_email = models.EmailField("your email address", max_length=200)

    name = models.CharField("name of the use case", max_length=120)
    purpose = LimitedTextField(max_length=MAX_ANSWER_LENGTH)
    starts_on = models.DateField(
        "planned start", null=True, blank=True, validators=[validate_plausible_date]
    )
    requests_per_month = models.PositiveIntegerField(null=True, blank=True)
    users_affected = models.PositiveIntegerField("people affected", null=True, blank=True)
    affects_public = models.BooleanField(null=True, blank=True)
    decisions_about_people = models.CharField(max_length=8, choices=Decisions, blank=True)
    ai_act_area = models.CharField(max_length=14, choices=Area, blank=True)
    prohibited_practice = models.BooleanField(null=True, blank=True)
    interacts_with_people = models.BooleanField(null=True, blank=True)
    autonomy = models.CharField(max_length=10, choices=Application.Autonomy, blank=True)
    data_classification = models.CharField(max_length=12, choices=Application.DataClass, blank=True)
    personal_data = models.BooleanField(null=True, blank=True)
    geography = models.CharField("countries", max_length=100, blank=True)
    model_text = models.CharField("planned model", max_length=200, blank=True)
    vendor_text = models.CharField("provider or vendor", max_length=120, blank=True)
    model_access = models.CharField("access to the model", max_length=7, choices=Access, blank=True)
    ai_act_role = models.CharField(
        "AI Act role", max_length=11, choices=Application.AiActRole, blank=True
    )
    business_owner = models.CharField(max_length=200, blank=True)

    tier = models.CharField("risk tier", max_length=6, choices=Tier)
    suggested_class = models.CharField(
        "suggested AI Act class",
        max_length=10,
        choices=Application.AiActClass,
        blank=True,
        help_text=_UNKNOWN_IF_EMPTY,
    )
    tier_rules = ArrayField(
        models.CharField(max_length=30),
        default=list,
        blank=True,
        help_text="Codes of the rules that gave the tier.",
    )
    tier_version = models.PositiveSmallIntegerField()

    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = LimitedTextField(max_length=MAX_REASON_LENGTH, blank=True)
    application = models.OneToOneField(
        Application,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="proposed_use_case",
        help_text="Application that the accepted use case became.",
    )
    decision_change = models.UUIDField(
        null=True, blank=True, help_text="Change of the history that accepted it."
    )

    objects = ProposedUseCaseQuerySet.as_manager()

    class Meta:
        ordering = ["-submitted_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["link", "form_key"], name="use_case_form_once"),
            models.CheckConstraint(
                name="use_case_decided_with_user",
                condition=Q(
                    state__in=["proposed", "question"],
                    decided_by__isnull=True,
                    decided_at__isnull=True,
                    application__isnull=True,
                )
                | Q(
                    state="declined",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    application__isnull=True,
                )
                | Q(
                    state="accepted",
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    application__isnull=False,
                ),
                violation_error_message="A decision must have a user and a time, and an accepted "
                "use case an application.",
            ),
        ]
        indexes = [
            models.Index(fields=["-submitted_at", "-id"], name="use_case_latest"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class UseCaseQuestionQuerySet(models.QuerySet["UseCaseQuestion"]):
    def visible_to(self, user: Any) -> "UseCaseQuestionQuerySet":
        """Select the questions about the use cases that the user can view."""
        return self.filter(use_case__in=ProposedUseCase.objects.visible_to(user))

    def open(self) -> "UseCaseQuestionQuerySet":
        """Select questions that are neither answered nor withdrawn."""
        return self.filter(answered_at__isnull=True, withdrawn_at__isnull=True)


@track_history(exclude=("answer",))
class UseCaseQuestion(models.Model):
    """A question of governance to the person who proposes a use case, and the answer."""

    use_case = models.ForeignKey(
        ProposedUseCase, on_delete=models.CASCADE, related_name="questions"
    )
    question = LimitedTextField(max_length=MAX_ANSWER_LENGTH)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField()
    answer = LimitedTextField(max_length=MAX_ANSWER_LENGTH, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = UseCaseQuestionQuerySet.as_manager()

    class Meta:
        ordering = ["asked_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["use_case"],
                condition=Q(answered_at__isnull=True, withdrawn_at__isnull=True),
                name="use_case_question_one_open",
                violation_error_message="Another question waits for an answer.",
            ),
        ]

    def __str__(self) -> str:
        return f"question about {self.use_case_id}"
