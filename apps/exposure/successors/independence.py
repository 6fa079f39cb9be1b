"""Independence of any two uses, also of those that no application has yet."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection

from apps.common.database.statements import load_statement

GRADE_WORDS = {
    0: "same offering",
    1: "same version, another host",
    2: "same foundation or ancestor",
    3: "same developer",
    4: "other developer, a common party",
    5: "nothing shared",
}
# a pair is of one lineage up to this grade: the same foundation, or one derived from the other
SAME_LINEAGE = 2
SAME_DEVELOPER = 3


class Use(NamedTuple):
    """An offering, and the ID of the gateway or vendor that it is reached through."""

    offering_id: int
    via_party_id: int | None = None


type UsePair = tuple[Use, Use]


def independence_of(pairs: Iterable[UsePair]) -> dict[UsePair, int]:
    """Return {pair: 0 (same offering) to 5 (nothing shared)} in one statement, or none without
    pairs."""
    asked = list(dict.fromkeys(pairs))
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            load_statement("exposure", "independence_of_pairs"),
            {
                "firsts": [first.offering_id for first, _ in asked],
                "first_parties": [first.via_party_id for first, _ in asked],
                "seconds": [second.offering_id for _, second in asked],
                "second_parties": [second.via_party_id for _, second in asked],
            },
        )
        return {asked[position]: grade for position, grade in cursor.fetchall()}
