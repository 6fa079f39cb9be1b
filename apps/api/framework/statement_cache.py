"""Statements of lists and single rows, cached between requests.

A statement depends on the view, the fields, the order and the rows that the caller can view. It is
cached for these permissions; the values of the place in the list and of most filters
(`filter_readings`) are parameters. Lists with other filters, and views that narrow their rows
themselves, are built for each request.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.common.database.prepared_statements import PreparedStatement


@dataclass(frozen=True, slots=True)
class RowStatement:
    """A statement, and the function that turns its tuples into the fields of an answer."""

    statement: PreparedStatement
    assemble: Callable[[Collection[Sequence[Any]]], list[dict[str, Any]]]


# per process; a statement has a few kilobytes, more for a user with thousands of teams
_MAX_STATEMENTS = 256
_statements: OrderedDict[Hashable, RowStatement] = OrderedDict()


def visibility_key(user: Any) -> Hashable:
    """Return a key that is equal if the same rows are visible."""
    if not isinstance(user, User):
        return None
    can_read_all = user.can_read_all
    return (
        user.pk,
        user.is_active,
        user.is_superuser,
        user.organisation_role,
        getattr(user, "bound_team_id", None),
        None if can_read_all else user.team_roles_key(),
    )


def cached_statement(key: Hashable, prepare: Callable[[], RowStatement]) -> RowStatement:
    """Return the statement of this key; build it at the first call, and after it expired."""
    statement = _statements.get(key)
    if statement is None:
        statement = _statements[key] = prepare()
        while len(_statements) > _MAX_STATEMENTS:
            _statements.popitem(last=False)
        return statement
    try:
        _statements.move_to_end(key)
    except KeyError:  # another thread has just dropped it
        _statements[key] = statement
    return statement
