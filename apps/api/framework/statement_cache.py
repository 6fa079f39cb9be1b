"""Statements of lists and single rows, kept from one request to the next.

A statement depends on the view, the fields and the order, and on what the caller may see: it is
kept for that caller's rights, and the values of the place in the list are slots. Lists that are
filtered, and views that narrow their rows by themselves, are put together anew each time.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from apps.accounts.models import User
from apps.common.database.prepared_statements import PreparedStatement

# of one process; a statement is a few kilobytes, that of somebody with thousands of teams some more
_MAX_STATEMENTS = 256
_statements: OrderedDict[Hashable, PreparedStatement] = OrderedDict()


def visibility_key(user: Any) -> Hashable:
    """Equal for two moments at which the same rows are visible."""
    if not isinstance(user, User):
        return None
    everything = user.can_read_all
    return (
        user.pk,
        user.is_active,
        user.is_superuser,
        user.organisation_role,
        getattr(user, "bound_team_id", None),
        None if everything else tuple(user.team_roles()),
    )


def cached_statement(key: Hashable, prepare: Callable[[], PreparedStatement]) -> PreparedStatement:
    """The statement of this key; made at the first call, and again after it was not asked for
    long."""
    found = _statements.get(key)
    if found is None:
        found = _statements[key] = prepare()
        while len(_statements) > _MAX_STATEMENTS:
            _statements.popitem(last=False)
        return found
    try:
        _statements.move_to_end(key)
    except KeyError:  # another thread has just dropped it
        _statements[key] = found
    return found
