"""`in` conditions with many ids, sent to the server as one array.

`pk__in=[...]` with two thousand ids makes a statement of two thousand placeholders, which takes
longer to write, bind and parse than to execute. The server treats `= ANY(array)` the same as `IN
(...)`.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.models import IntegerField
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In

# a short list reads better in logs, and the planner knows its length
_MIN_ARRAY_LENGTH = 20
# the planner estimates each ID of an array on its own: about 1 microsecond each, at every planning
_MAX_ESTIMATED_LENGTH = 500

_is_estimated = ContextVar("is_estimated", default=True)


@contextmanager
def unestimated_arrays() -> Iterator[None]:
    """Compile conditions on more than some hundred IDs so that the planner does not estimate them.

    For statements that are planned at each execution. It then takes half of the rows for matching
    and searches no index for the IDs, so other conditions must bound the rows."""
    token = _is_estimated.set(False)
    try:
        yield
    finally:
        _is_estimated.reset(token)


class _AnyLookup(In):
    def get_prep_lookup(self) -> Any:
        """Return a long list of numbers unchanged; Django would prepare each number separately,
        twice."""
        field = getattr(self.lhs, "output_field", None)
        if not isinstance(getattr(field, "target_field", field), IntegerField) or not _is_long(
            self.rhs
        ):
            return super().get_prep_lookup()
        values = list(self.rhs)
        return values if all(type(value) is int for value in values) else super().get_prep_lookup()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        rhs = self.rhs
        if not self.rhs_is_direct_value() or not _is_long(rhs):
            return self.as_sql(compiler, connection)
        ids = list(dict.fromkeys(value for value in rhs if value is not None))
        if not all(type(value) is int for value in ids):
            return self.as_sql(compiler, connection)
        lhs, params = self.process_lhs(compiler, connection)
        # the ids are written into the statement: a prepared statement is then planned once, while a
        # parameter with thousands of ids would be planned at every execution
        condition = f"{lhs} = ANY('{{{','.join(map(str, ids))}}}'::bigint[])"
        if len(ids) > _MAX_ESTIMATED_LENGTH and not _is_estimated.get():
            # unknown for NULL, as the bare condition is
            return f"CASE WHEN {lhs} IS NOT NULL THEN {condition} END", (*params, *params)
        return condition, params


def _is_long(values: Any) -> bool:
    return isinstance(values, Collection) and len(values) > _MIN_ARRAY_LENGTH


class AnyLookup(_AnyLookup):
    """`in` on columns of ids."""


class RelatedAnyLookup(_AnyLookup, RelatedIn):
    """`in` on foreign keys."""
