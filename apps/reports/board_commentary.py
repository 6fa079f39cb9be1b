"""Commentary on the board summary: one for each quarter, with all earlier versions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.apps import apps
from django.db import transaction

from apps.accounts.models import User
from apps.common.errors import ForbiddenError
from apps.common.history.context import audit_context
from apps.reports.models import BoardCommentary

MAX_VERSIONS = 100


def quarter_of(day: date) -> date:
    """Return the first day of the quarter."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def latest_commentary(*, user: User, on: date) -> BoardCommentary | None:
    """Return the commentary of the quarter of the day, or else of the last quarter that has one."""
    commentaries = BoardCommentary.objects.visible_to(user).filter(quarter__lte=on)
    return commentaries.select_related("written_by").order_by("-quarter").first()


@transaction.atomic
def write_commentary(*, quarter: date, text: str, by: User, at: datetime) -> BoardCommentary | None:
    """Write the commentary of a quarter, for governance; an empty text deletes it. The history
    keeps every version. Unchanged text writes nothing."""
    if not by.is_governance:
        raise ForbiddenError("You need the governance role to write the commentary.")
    commentary = BoardCommentary.objects.select_for_update().filter(quarter=quarter).first()
    if commentary is not None and commentary.text == text:
        return commentary
    with audit_context(user=by, reason="board commentary"):
        if not text:
            if commentary is not None:
                commentary.delete()
            return None
        commentary = commentary or BoardCommentary(quarter=quarter)
        commentary.text, commentary.written_by, commentary.written_at = text, by, at
        commentary.full_clean(validate_unique=False)
        commentary.save()
    return commentary


@dataclass(frozen=True, slots=True)
class CommentaryVersion:
    """A version of a commentary; `text` is empty where it was deleted."""

    quarter_name: str
    text: str
    written_by: str
    written_at: datetime
    is_current: bool


def commentary_versions(*, user: User) -> Iterator[CommentaryVersion]:
    """Yield the versions of all quarters, latest first; three statements."""
    current = dict(BoardCommentary.objects.visible_to(user).values_list("pk", "written_at"))
    if not user.can_read_all:
        return
    history = apps.get_model("reports", "BoardCommentaryHistory")
    rows = list(history._default_manager.order_by("-pgh_id")[:MAX_VERSIONS])
    people = User.objects.in_bulk({row.written_by_id for row in rows})
    for row in rows:
        is_deleted = row.pgh_label == "delete"
        yield CommentaryVersion(
            BoardCommentary(quarter=row.quarter).quarter_name,
            "" if is_deleted else row.text,
            str(people.get(row.written_by_id, "")),
            row.pgh_created_at if is_deleted else row.written_at,
            not is_deleted and current.get(row.pgh_obj_id) == row.written_at,
        )
