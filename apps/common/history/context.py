"""History by database triggers: every insert, update and delete of a tracked table is recorded with
actor and reason."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pghistory
from django.db import models
from pghistory.runtime import Context, _tracker


def track_history[M: models.Model](
    *, exclude: tuple[str, ...] = ()
) -> Callable[[type[M]], type[M]]:
    """Class decorator that stores every version of the model's rows in `<Model>History`.

    The triggers run per statement, so that a bulk change of 5,000 rows costs one insert. Fields in
    `exclude` are neither stored nor compared, such as state that changes every minute without a
    decision.
    """

    def decorate(model: type[M]) -> type[M]:
        fields: dict[str, Any] = {"exclude": list(exclude)} if exclude else {}
        track = pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(),
            pghistory.DeleteEvent(),
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
def separate_audit_context(*, job: str, reason: str) -> Iterator[UUID]:
    """Record what a job writes inside the block as a change of its own, also within a request or an
    `audit_context`, whose user and reason apply again afterwards. Yields the ID of the change."""
    outer = getattr(_tracker, "value", None)
    if outer is None:
        with audit_context(job=job, reason=reason) as change_id:
            yield change_id
        return
    # pghistory would merge the values of both into one change
    _tracker.value = Context(uuid4(), {"actor": job, "job": job, "reason": reason})
    try:
        yield _tracker.value.id
    finally:
        _tracker.value = outer


def current_change_id() -> UUID:
    """Return the ID under which rows written now enter the history. It stays the same within a
    request or an outermost `audit_context`, and there is none outside of them."""
    with pghistory.context() as context:
        change: UUID = context.id
    return change
