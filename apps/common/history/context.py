"""History by database trigger: every insert, update and delete of a tracked table, with actor and
reason."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pghistory
from django.db import models


def track_history[M: models.Model](
    *, exclude: tuple[str, ...] = ()
) -> Callable[[type[M]], type[M]]:
    """Class decorator: keep every version of the model's rows in `<Model>History`.

    Statement-level triggers, so that a bulk change of 5,000 rows costs one insert. Fields in
    `exclude` are neither stored nor compared (state that changes by the minute without a decision).
    """

    def decorate(model: type[M]) -> type[M]:
        fields: dict[str, Any] = {"exclude": list(exclude)} if exclude else {}
        track = pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(),
            pghistory.DeleteEvent(),
            level=pghistory.Statement,
            model_name=f"{model.__name__}History",
            # the default, `events`, is what a provider's events are called
            obj_field=pghistory.ObjForeignKey(related_name="history"),
            **fields,
        )
        return track(model)  # type: ignore[no-any-return]

    return decorate


@contextmanager
def audit_context(
    *, user: Any = None, job: str = "", reason: str = "", code: str = "", note: str = ""
) -> Iterator[UUID]:
    """Name who acts and why for every row written inside; nests, and the inner words win. Gives the
    change's id.

    `user` is a User or None for a job; `job` is the name of the task or command. `reason` is a
    sentence for readers. `code` says what was done where programs read it from the history, and
    `note` what the user wrote to that.
    """
    metadata: dict[str, Any] = {}
    if user is not None:
        metadata["user"] = user.pk
        metadata["actor"] = user.get_username()
    if job:
        metadata["job"] = job
        metadata.setdefault("actor", job)
    if reason:
        metadata["reason"] = reason
    if code:
        # without a note, that of an earlier action of the same request must not stay
        metadata |= {"code": str(code), "note": note}
    with pghistory.context(**metadata) as change:
        yield change.id


def current_change_id() -> UUID:
    """The id under which rows written right now enter the history; inside a request or
    `audit_context` only, where it stays the same until the end."""
    with pghistory.context() as context:
        change: UUID = context.id
    return change
