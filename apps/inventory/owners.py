"""Owners of applications: the text that is entered, and the person that it names.

An email address names its person; an unknown one adds a contact, if the writer may name owners. Any
other text names the only user of that name or username who can view the application, otherwise
nobody: a department, a committee. Forms, REST, bulk changes, spreadsheets and undo ask the same
function.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection

from apps.accounts.models import PersonState, User
from apps.accounts.people.addresses import NamedAddress, read_address
from apps.accounts.people.contacts import find_or_create_contacts
from apps.accounts.people.mail_rules import CONTACT_WITH_MAIL
from apps.common.database.bulk_writes import update_rows
from apps.common.database.statements import compose_statement, load_statement
from apps.common.time import now
from apps.inventory.models import Application

# {field of the text: column of the person}
OWNER_PERSONS = {
    "business_owner": "business_owner_person_id",
    "technical_owner": "technical_owner_person_id",
}

_NAMED = load_statement("inventory", "named_persons")
_NAMED_OF_APPLICATIONS = compose_statement(
    _NAMED,
    wanted=(
        "SELECT business AS word, team_id FROM asked WHERE business <> ''"
        " AND business_id IS NULL"
        " UNION SELECT technical, team_id FROM asked WHERE technical <> ''"
        " AND technical_id IS NULL"
    ),
)
_NAMED_BY_TEXTS = compose_statement(
    _NAMED,
    wanted="SELECT * FROM unnest(%(words)s::text[], %(teams)s::bigint[]) AS t(word, team_id)",
)
# of issues: everybody who is not closed, also contacts
_MAY_OWN = "u.state <> 'closed'"
# of alerts: active users who can view the application, and contacts who may receive email
_MAY_BE_NOTIFIED = f"""({CONTACT_WITH_MAIL} OR u.is_active AND (
    u.is_superuser OR u.organisation_role <> '' OR EXISTS (
        SELECT 1 FROM accounts_membership m JOIN team_ancestor t ON t.ancestor_id = m.team_id
        WHERE m.user_id = u.id AND t.team_id = a.team_id
    )
))"""


def issue_owners_statement(which: str) -> str:
    """Return the statement of application_owners.sql for issues: contacts are owners, too."""
    return _owners_statement(which, _MAY_OWN)


def notified_owners_statement(which: str) -> str:
    """Return the statement of application_owners.sql for alerts: owners who can view the
    application, and contacts who may receive email."""
    return _owners_statement(which, _MAY_BE_NOTIFIED)


def owner_persons(
    texts: Iterable[tuple[str, int]], *, by: User | None
) -> dict[tuple[str, int], int | None]:
    """Return {(text, team): person or None} for owners of applications of these teams.

    Contacts are added for unknown addresses; the caller has checked that `by` may edit the
    applications. Four statements at most, however many there are.
    """
    wanted = {(text, team) for text, team in texts if text.strip()}
    addresses = {text: read_address(text) for text, _ in wanted}
    persons: dict[tuple[str, int], int | None] = {}
    if known := [address for address in addresses.values() if address is not None]:
        by_address = find_or_create_contacts(
            names={address.address: address.name for address in sorted(known, key=_by_name)}, by=by
        )
        persons |= {
            (text, team): by_address[address.address]
            for text, team in wanted
            if (address := addresses[text]) is not None
        }
    words = sorted(wanted - persons.keys())
    named = _named_persons({(_word(text), team) for text, team in words})
    return persons | {(text, team): named.get((_word(text), team)) for text, team in words}


def set_owner_persons(rows: Iterable[tuple[dict[str, Any], int]], *, by: User | None) -> None:
    """Add the persons to rows of new values by column, for the owner texts that they hold; each
    with the team of its application."""
    named = [(values, team) for values, team in rows if not values.keys().isdisjoint(OWNER_PERSONS)]
    texts = [
        (values[name], team) for values, team in named for name in OWNER_PERSONS if name in values
    ]
    if not texts:
        return
    persons = owner_persons(texts, by=by)
    for values, team in named:
        for name, column in OWNER_PERSONS.items():
            if name in values:
                values[column] = persons.get((values[name], team))


def link_owners(application_ids: Collection[int], *, by: User | None) -> int:
    """Link texts of owners that have no person, or one who is closed or merged, inside
    `audit_context`; return the number of applications that were written."""
    rows = list(
        Application.objects.filter(pk__in=application_ids)
        .exclude(business_owner="", technical_owner="")
        .order_by("pk")
        .values("pk", "team_id", *OWNER_PERSONS, *OWNER_PERSONS.values())
    )
    linked = {row[column] for row in rows for column in OWNER_PERSONS.values()} - {None}
    closed = set(
        User.objects.filter(pk__in=linked, state=PersonState.CLOSED).values_list("pk", flat=True)
    )
    pending: dict[int, dict[str, Any]] = {}
    teams: dict[int, int] = {}
    for row in rows:
        texts = {
            name: row[name]
            for name, column in OWNER_PERSONS.items()
            if row[name].strip() and (row[column] is None or row[column] in closed)
        }
        if texts:
            pending[row["pk"]], teams[row["pk"]] = texts, row["team_id"]
    set_owner_persons(((texts, teams[pk]) for pk, texts in pending.items()), by=by)
    before = {row["pk"]: row for row in rows}
    changes = {
        pk: {column: value for column, value in values.items() if before[pk][column] != value}
        for pk, values in pending.items()
    }
    changes = {pk: {**values, "updated_at": now()} for pk, values in changes.items() if values}
    return update_rows(Application, changes)


def _named_persons(words: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
    if not words:
        return {}
    pairs = sorted(words)
    with connection.cursor() as cursor:
        cursor.execute(
            _NAMED_BY_TEXTS,
            {"words": [word for word, _ in pairs], "teams": [team for _, team in pairs]},
        )
        return {(word, team): pk for word, team, pk in cursor.fetchall()}


def _owners_statement(which: str, eligible: str) -> str:
    return compose_statement(
        load_statement("inventory", "application_owners"),
        which=which,
        eligible=eligible,
        named=_NAMED_OF_APPLICATIONS,
    )


def _word(text: str) -> str:
    return text.strip().lower()


def _by_name(address: NamedAddress) -> tuple[bool, str]:
    """Addresses with a name last, so that the name counts."""
    return bool(address.name), address.name
