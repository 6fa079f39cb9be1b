"""Imports: files and documents from outside, their state, and the outcome of each row."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import ApiToken, User, own
from apps.inventory.models import Application


class ImportQuerySet(models.QuerySet["Import"]):
    def visible_to(self, user: Any) -> "ImportQuerySet":
        """Return the user's own imports, and those about applications the user can view;
        organisation roles see all."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.can_read_all:
            return self
        return self.filter(own(user, "by") | Q(application__team__in=user.team_roles()))

    def waiting(self) -> "ImportQuerySet":
        """Return imports that wait for a worker."""
        return self.filter(state__in=Import.WAITING)


class Import(models.Model):
    """File or document that was received. Not in the history: what it changes is, under
    `change`."""

    class Kind(models.TextChoices):
        SHEET = "sheet", "Spreadsheet"
        DOCUMENT = "document", "Document"
        EVALUATION = "evaluation", "Evaluation results"

    class State(models.TextChoices):
        RECEIVED = "received", "Columns to be assigned"
        READING = "reading", "Reading"
        READ = "read", "Waiting for confirmation"
        APPLYING = "applying", "Applying"
        APPLIED = "applied", "Applied"
        UNDOING = "undoing", "Undoing"
        UNDONE = "undone", "Undone"
        DROPPED = "dropped", "Discarded"
        FAILED = "failed", "Not readable"

    WAITING: ClassVar[tuple[str, ...]] = (State.READING, State.APPLYING, State.UNDOING)
    OPEN: ClassVar[tuple[str, ...]] = (State.RECEIVED, *WAITING, State.READ)

    kind = models.CharField(max_length=20, choices=Kind, default=Kind.SHEET)
    format = models.CharField(max_length=20, help_text="csv, xlsx, cyclonedx, litellm-config, ...")
    file_name = models.CharField(max_length=255, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the file.")
    n_bytes = models.PositiveBigIntegerField()
    about = models.CharField(
        max_length=120, blank=True, help_text="Encoding and delimiter of the file."
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="imports",
    )
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="imports",
        help_text="Application of the document, where the sender named one.",
    )
    token = models.ForeignKey(
        ApiToken, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    environment = models.CharField(max_length=60, blank=True, default="")
    tool = models.CharField(
        max_length=60, blank=True, default="", help_text="Tool that created the document."
    )
    tool_version = models.CharField(max_length=60, blank=True, default="")
    natural_key = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Serial number and version stated in the document.",
    )
    idempotency_key = models.CharField(max_length=128, blank=True, default="", help_text="As sent.")
    document_at = models.DateTimeField(
        null=True, blank=True, help_text="Creation time stated in the document."
    )
    is_older = models.BooleanField(
        default=False,
        help_text="A newer document of the same tool was already imported: this one confirms "
        "usage, but ends none.",
    )
    strict = models.BooleanField(
        default=False, help_text="Reject documents that do not match their schema."
    )
    schema_valid = models.BooleanField(
        null=True, blank=True, help_text="Empty: no schema, or not checked."
    )
    problems = models.JSONField(
        default=dict,
        help_text="Lists by kind: schema, rejected, ignored, unresolved; each {where, reason}.",
    )
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    mapping = models.JSONField(default=dict, help_text="Assignment of columns to fields.")
    header_digest = models.CharField(max_length=64, blank=True)
    whole_or_nothing = models.BooleanField(
        default=False, help_text="Row from which the import could not be applied; empty: none."
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Attempts of workers on the current step."
    )
    counts = models.JSONField(
        default=dict, help_text="Rows, applications and dependencies by outcome."
    )
    created = models.JSONField(
        default=dict,
        help_text="IDs of the teams, people, vendors and names that the import created.",
    )
    error = models.TextField(blank=True, help_text="Sentence with the reason of the failure.")
    planned_on = models.DateField(null=True, blank=True, help_text="Date of the preview.")
    change = models.UUIDField(
        null=True, blank=True, help_text="ID of the changes in the audit log."
    )
    received_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]
        indexes = [
            models.Index(fields=["by", "-received_at", "-id"], name="import_by_person"),
            models.Index(fields=["-received_at", "-id"], name="import_by_time"),
            models.Index(fields=["digest"], name="import_by_digest"),
            models.Index(
                fields=["application", "-received_at", "-id"],
                name="import_by_application",
                condition=Q(application__isnull=False),
            ),
            models.Index(
                fields=["natural_key"], name="import_by_natural_key", condition=~Q(natural_key="")
            ),
            models.Index(
                fields=["by", "idempotency_key"],
                name="import_by_idempotency_key",
                condition=~Q(idempotency_key=""),
            ),
            models.Index(
                fields=["state"],
                name="import_waiting",
                condition=Q(state__in=["reading", "applying", "undoing"]),
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="import_applied_has_change",
                condition=~Q(state="undone") | Q(change__isnull=False),
                violation_error_message="Only an applied import can be undone.",
            ),
        ]

    def __str__(self) -> str:
        return (
            self.file_name
            or f"{self.format or self.get_kind_display()} of {self.received_at:%Y-%m-%d %H:%M}"
        )

    @property
    def sender(self) -> User | None:
        """Return the user who sent it, limited to the scope of the token that it came with; None:
        the operator."""
        if self.by is None or self.token is None:
            return self.by
        return self.by.bound_to(self.token.team_id)

    @property
    def is_waiting(self) -> bool:
        return self.state in self.WAITING


class ImportContent(models.Model):
    """Body of an import as it was sent, apart from the row that lists read."""

    import_record = models.OneToOneField(
        Import, on_delete=models.CASCADE, primary_key=True, related_name="content"
    )
    body = models.BinaryField(help_text="Compressed content (deflate).")

    def __str__(self) -> str:
        return f"content of import {self.import_record_id}"


class ImportRow(models.Model):
    """Row of a spreadsheet: its values, what it would do or did, or why it cannot."""

    class Outcome(models.TextChoices):
        ADDED = "added", "Added"
        CHANGED = "changed", "Changed"
        UNCHANGED = "unchanged", "Unchanged"
        REFUSED = "refused", "Rejected"

    import_record = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField(
        help_text="Position in the whole file, in processing order."
    )
    sheet = models.PositiveSmallIntegerField(help_text="Position of the worksheet in the file.")
    number = models.PositiveIntegerField(help_text="Row number as shown in a spreadsheet.")
    cells = models.JSONField(help_text="Cells as text.")
    application = models.JSONField(default=dict, help_text="Application fields of the row.")
    use = models.JSONField(null=True, blank=True, help_text="Dependency fields of the row.")
    outcome = models.CharField(max_length=9, choices=Outcome)
    reason = models.TextField(blank=True, help_text="Reason of the rejection.")
    column = models.CharField(
        max_length=200, blank=True, help_text="Column header of the rejected cell."
    )
    reasons = models.JSONField(
        default=list,
        help_text="Everything that rejects the row or is left out of it, by column.",
    )
    note = models.TextField(blank=True)
    plan = models.JSONField(default=dict, help_text="Changes to the registry, old and new values.")

    class Meta:
        ordering = ["import_record", "position"]
        indexes = [
            models.Index(
                fields=["import_record", "outcome", "position"], name="import_row_by_outcome"
            )
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["import_record", "position"], name="import_row_once"),
            models.CheckConstraint(
                name="import_row_refused_with_reason",
                condition=~Q(outcome="refused") | ~Q(reason=""),
                violation_error_message="A rejected row must have a reason.",
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.number} of import {self.import_record_id}"


class ImportValue(models.Model):
    """Distinct value of a spreadsheet, or a model name with the host beside it: the number of its
    rows, the best guess, and the choice of a user."""

    import_record = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="values")
    code = models.CharField(max_length=60, help_text="Field, such as application.criticality.")
    text = models.TextField(help_text="As written in the file.")
    context = models.TextField(blank=True, default="", help_text="Host cell of a model name.")
    header = models.CharField(max_length=200, blank=True, default="")
    n_rows = models.PositiveIntegerField()
    first_row = models.PositiveIntegerField(help_text="Row number as shown in a spreadsheet.")
    certainty = models.CharField(max_length=10, help_text="Certainty of the guess.")
    guess = models.JSONField(null=True, blank=True, help_text="Best guess; empty: none.")
    is_chosen = models.BooleanField(default=False, help_text="A user chose the value.")
    choice = models.JSONField(
        null=True, blank=True, help_text="Chosen value; empty: the field stays empty."
    )
    detail = models.JSONField(default=dict, help_text="Reading of a model name; explanation.")

    class Meta:
        ordering = ["import_record", "code", "-n_rows", "text"]
        indexes = [
            models.Index(fields=["import_record", "code", "-n_rows"], name="import_value_by_code")
        ]

    def __str__(self) -> str:
        return f"{self.code} '{self.text[:40]}' of import {self.import_record_id}"


class ImportRowEdit(models.Model):
    """Cells of one row that a user replaced in the preview."""

    import_record = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="edits")
    sheet = models.PositiveSmallIntegerField(help_text="Position of the worksheet in the file.")
    number = models.PositiveIntegerField(help_text="Row number as shown in a spreadsheet.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()
    old_cells = models.JSONField(help_text="Replaced texts by position of the column.")
    new_cells = models.JSONField(help_text="New texts by position of the column.")

    class Meta:
        ordering = ["import_record", "at", "id"]
        indexes = [
            models.Index(fields=["import_record", "sheet", "number"], name="import_edit_by_row")
        ]

    def __str__(self) -> str:
        return f"edit of row {self.number} of import {self.import_record_id}"


class SavedMapping(models.Model):
    """Column mapping that a user chose for these headers, remembered for the next time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    header_digest = models.CharField(max_length=64)
    mapping = models.JSONField()
    used_at = models.DateTimeField()

    class Meta:
        ordering = ["-used_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "header_digest"], name="saved_mapping_once")
        ]
        indexes = [
            models.Index(fields=["header_digest", "-used_at"], name="saved_mapping_by_header")
        ]

    def __str__(self) -> str:
        return f"mapping of {self.user_id}"
