"""History by database triggers: every insert, update and delete of a tracked table is recorded with
actor and reason."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pghistory
from django.db import models


def track_history[M: models.Model](
    *, exclude: tuple[str, ...] = (), only_inserts: bool = False
) -> Callable[[type[M]], type[M]]:
    """Class decorator that stores every version of the model's rows in `<Model>History`.

    The triggers run per statement, so that a bulk change of 5,000 rows costs one insert. Fields in
    `exclude` are neither stored nor compared, such as state that changes every minute without a
    decision. `only_inserts` is for rows that are never changed, and whose deletion at the end of
    their retention is no event.
    """
    trackers: list[Any] = [pghistory.InsertEvent()]
    if not only_inserts:
        trackers += [pghistory.UpdateEvent(), pghistory.DeleteEvent()]

    def decorate(model: type[M]) -> type[M]:
        fields: dict[str, Any] = {"exclude": list(exclude)} if exclude else {}
        track = pghistory.track(
            *trackers,
            level=pghistory.Statement,
            model_name=f"{model.__name__}History",
            # the default, `events`, is already the name of the relation to provider events
            obj_field=pghistory.ObjForeignKey(related_name="history"),
            **fields,
        )
        return track(model)  # type: ignore[no-any-return]

    return decorate


@contextmanager
def audit_context(
    *, user: Any = None, job: str = "", reason: str = "", code: str = "", note: str = ""
) -> Iterator[UUID]:
    """Record who acts and why for every row written inside the block. Contexts nest, and inner
    values override outer ones. Yields the ID of the change.

    `user` is a User, or None for a job; `job` is the name of the task or command. `reason` is a
    sentence for readers. `code` names the action for code that reads the history, and `note` is the
    user's comment on it.
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
        # always set the note: one of an earlier action in the same request must not remain
        metadata |= {"code": str(code), "note": note}
    with pghistory.context(**metadata) as change:
        yield change.id


@contextmanager
def audit_context_of_consequences(*, job: str, reason: str) -> Iterator[UUID]:
    """Record rows written inside the block as part of the change that is being recorded, with its
    user and reason; outside of one, record `job` and `reason`.

    For work that follows from a change: `audit_context` would replace the user of the change.
    """
    with pghistory.context() as change:
        if "actor" not in change.metadata:
            change.metadata.update(job=job, actor=job, reason=reason)
        yield change.id


def current_change_id() -> UUID:
    """Return the ID under which rows written now enter the history. It stays the same within a
    request or an outermost `audit_context`, and there is none outside of them."""
    with pghistory.context() as context:
        change: UUID = context.id
    return change
