"""Report statements: data that only a report needs: the reporting entity, and statements of owners
about their models."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history
from apps.common.validators import validate_plausible_date
from apps.inventory.models import Application


@track_history(exclude=("updated_at",))
class ReportingEntity(models.Model):
    """The organisation that submits the reports; one row, id 1."""

    ONLY: ClassVar[int] = 1

    name = models.CharField(max_length=200, blank=True, help_text="Legal name of the organisation.")
    lei = models.CharField(
        "LEI",
        max_length=20,
        blank=True,
        validators=[
            RegexValidator(
                r"^[A-Z0-9]{18}[0-9]{2}$",
                "An LEI must have 18 capital letters or digits, then two digits.",
            )
        ],
        help_text="Legal entity identifier (ISO 17442), 20 characters.",
    )
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}$", "Two capital letters, such as DE.")],
        help_text="ISO 3166-1 alpha-2 code.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "reporting entity"
        constraints = [
            models.CheckConstraint(
                name="reporting_entity_once",
                condition=Q(pk=1),
                violation_error_message="The reporting entity already exists. Edit it.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or "reporting entity"


class OfApplicationQuerySet[M: models.Model](models.QuerySet[M]):
    """Rows that belong to an application: visible to everyone who can view it."""

    def visible_to(self, user: Any) -> "OfApplicationQuerySet[M]":
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(application__team__in=user.team_roles())


@track_history(exclude=("updated_at",))
class ModelStatement(models.Model):
    """The data that the model inventory needs from an application's owners and that is recorded
    nowhere else."""

    application = models.OneToOneField(
        Application, on_delete=models.CASCADE, related_name="model_statement"
    )
    intended_use = LimitedTextField(
        blank=True, help_text="Approved use, and uses that are not allowed."
    )
    inputs = LimitedTextField(blank=True, help_text="Inputs and their sources.")
    outputs = LimitedTextField(blank=True, help_text="Outputs and their use.")
    limitations = LimitedTextField(blank=True, help_text="Known limitations.")
    monitoring_plan = LimitedTextField(
        blank=True, help_text="What is monitored, how often, by which role."
    )
    validator = models.CharField(
        max_length=200, blank=True, help_text="Validator, independent of the owners."
    )
    validation_planned_on = models.DateField(
        null=True, blank=True, validators=[validate_plausible_date]
    )
    valid_until = models.DateField(
        null=True,
        blank=True,
        validators=[validate_plausible_date],
        help_text="Date until which it is expected to be valid.",
    )
    attested_by = models.CharField(
        max_length=200, blank=True, help_text="User who attested that the statement is correct."
    )
    attested_on = models.DateField(null=True, blank=True, validators=[validate_plausible_date])
    updated_at = models.DateTimeField(auto_now=True)

    objects = OfApplicationQuerySet["ModelStatement"].as_manager()

    class Meta:
        ordering = ["application"]

    def __str__(self) -> str:
        return f"model statement of {self.application_id}"


@track_history(exclude=("updated_at",))
class ComponentAnswer(models.Model):
    """An answer to one question of the AI Act component file of an application. Without a row the
    question is unanswered."""

    class Question(models.TextChoices):
        OWN_NAME = (
            "25a",
            (
                "Is a high-risk system put on the market under your own name or trademark? (Art. "
                "25(1)(a))"
            ),
        )
        MODIFIED = (
            "25b",
            "Was a high-risk system modified substantially, so that it stays one? (Art. 25(1)(b))",
        )
        PURPOSE = (
            "25c",
            (
                "Was the intended purpose changed, so that the system became high-risk? (Art. "
                "25(1)(c))"
            ),
        )
        AGREEMENT = (
            "25-4",
            "Is there a written agreement with the supplier of the model on information and help? "
            "(Art. 25(4))",
        )
        THIRD = (
            "third",
            (
                "Did adapting the model take more than a third of the compute that training it"
                " took? (Commission guideline on modified general-purpose models)"
            ),
        )

    class Answer(models.TextChoices):
        YES = "yes", "Yes"
        NO = "no", "No"
        NOT_APPLICABLE = "na", "Does not apply"

    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="component_answers"
    )
    question = models.CharField(max_length=5, choices=Question)
    answer = models.CharField(max_length=3, choices=Answer)
    explanation = LimitedTextField(blank=True, help_text="Reason, and where it is documented.")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    answered_on = models.DateField()
    updated_at = models.DateTimeField(auto_now=True)

    objects = OfApplicationQuerySet["ComponentAnswer"].as_manager()

    class Meta:
        ordering = ["application", "question"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "question"],
                name="component_answer_once",
                violation_error_message="This question already has an answer. Edit it.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.question}: {self.answer}"


class CachedReportFigures(models.Model):
    """Cached completeness of a report of the whole organisation, for portfolios too large to count
    during a request."""

    report = models.CharField(max_length=20, primary_key=True)
    body = models.JSONField()
    as_of = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.report} as of {self.as_of:%Y-%m-%d %H:%M}"
