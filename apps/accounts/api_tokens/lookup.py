"""Look-up of the token, its user and the memberships that bound what it reads: one prepared
statement, because every REST request needs it."""

from functools import cache
from typing import Any

from django.db.models import Model

from apps.accounts.models import ApiToken, User
from apps.accounts.models.team_roles import (
    N_STATE_COLUMNS,
    STATE_COLUMNS,
    STATE_JOIN,
    state_from_columns,
)
from apps.common.database.prepared_statements import prepared_cursor

# an organisation role reads everything, unless the token is bound to a team
_NEEDS_MEMBERSHIPS = "(t.team_id IS NOT NULL OR NOT u.is_superuser AND u.organisation_role = '')"


def find_token(digest: str, *, column: str = "digest") -> ApiToken | None:
    """Return the token whose `column` holds this digest, with its user and the user's memberships
    loaded; None if there is
    none. `column` is `digest`, or `old_digest` for the secret before a rotation.

    Built from the rows of a prepared statement, because the queryset
    `ApiToken.objects.select_related("user").filter(digest=...)` takes five times as long.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_select_statement(column), [digest])
        row = cursor.fetchone()
    if row is None:
        return None
    # the columns of the token come first
    n_token_columns = len(_attribute_names(ApiToken))
    token = ApiToken.from_db("default", _attribute_names(ApiToken), row[:n_token_columns])
    user = User.from_db("default", _attribute_names(User), row[n_token_columns:-N_STATE_COLUMNS])
    user._membership_state = state_from_columns(*row[-N_STATE_COLUMNS:])
    token.user = user
    return token


@cache
def _attribute_names(model: type[Model]) -> list[str]:
    """Return the attributes of the concrete fields, in the order of `_select_statement`."""
    return [str(field.attname) for field in model._meta.concrete_fields]


@cache
def _select_statement(column: str) -> str:
    def select_list(model: type[Model], alias: str) -> str:
        fields: Any = model._meta.concrete_fields
        return ", ".join(f'{alias}."{field.column}"' for field in fields)

    return (
        f"SELECT {select_list(ApiToken, 't')}, {select_list(User, 'u')},"
        f" {STATE_COLUMNS.format(needed=_NEEDS_MEMBERSHIPS)}"
        f' FROM "{ApiToken._meta.db_table}" t JOIN "{User._meta.db_table}" u ON u.id = t.user_id'
        f' {STATE_JOIN.format(needed=_NEEDS_MEMBERSHIPS)} WHERE t."{column}" = %s'
    )
