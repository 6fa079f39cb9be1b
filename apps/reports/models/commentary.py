"""Commentary of governance on the board summary of a quarter."""

from typing import Any

from django.conf import settings
from django.db import models

from apps.common.database.fields import LimitedTextField
from apps.common.history.context import track_history

MAX_COMMENTARY_LENGTH = 600


class BoardCommentaryQuerySet(models.QuerySet["BoardCommentary"]):
    def visible_to(self, user: Any) -> "BoardCommentaryQuerySet":
        """Select the commentaries for organisation roles: they are about the organisation."""
        return self if user.is_authenticated and user.can_read_all else self.none()


@track_history()
class BoardCommentary(models.Model):
    """What governance says to the board about a quarter, named by its first day."""

    quarter = models.DateField(unique=True, help_text="First day of the quarter.")
    text = LimitedTextField(max_length=MAX_COMMENTARY_LENGTH)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    written_at = models.DateTimeField()

    objects = BoardCommentaryQuerySet.as_manager()

    class Meta:
        ordering = ["-quarter"]
        verbose_name_plural = "board commentaries"

    def __str__(self) -> str:
        return self.quarter_name

    @property
    def quarter_name(self) -> str:
        return f"Q{(self.quarter.month + 2) // 3} {self.quarter.year}"
