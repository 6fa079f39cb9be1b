"""Values of filters as parameters, so that a filtered statement is compiled once for all values."""

from collections.abc import Callable
from typing import Any

from django.db.models.expressions import Expression

from apps.common.database.prepared_statements import Placeholder


class FilterValue(Expression):
    """The right side of a lookup whose value is known only when the statement runs.

    `number` is the index of the value in the arguments of `PreparedStatement.rows`.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [Placeholder(self.number)]


def reusable[F: Callable[..., Any]](method: F) -> F:
    """Mark the method of a filter whose condition depends on the value and the day alone, and that
    uses the value only as the right side of lookups."""
    method.is_reusable = True  # type: ignore[attr-defined]
    return method
