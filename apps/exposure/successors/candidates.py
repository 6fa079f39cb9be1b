"""Candidates: the offerings that are worth a look as successors of dependencies, and why."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from django.db import connection

from apps.catalog.identity.own_hosting import OWN_HOSTING
from apps.common.database.statements import load_statement
from apps.common.time import start_of


class CandidateReason(StrEnum):
    """Why an offering is a candidate; in the order in which pages name the reasons."""

    REPLACEMENT = "replacement"
    PLANNED = "planned"
    TESTED = "tested"
    MOVED = "moved"
    FALLBACK = "fallback"
    SAME_VERSION = "same_version"
    CLASS = "class"
    SMALLER = "smaller"
    OWN_HOSTING = "own_hosting"


REASON_LABELS: Mapping[CandidateReason, str] = {
    CandidateReason.REPLACEMENT: "Provider’s replacement",
    CandidateReason.PLANNED: "Target of the exit plan",
    CandidateReason.TESTED: "Tested from the same model",
    CandidateReason.MOVED: "Others moved to it",
    CandidateReason.FALLBACK: "Fallback today",
    CandidateReason.SAME_VERSION: "Same version on another host",
    CandidateReason.CLASS: "Same price class",
    CandidateReason.SMALLER: "Smaller model of the same developer",
    CandidateReason.OWN_HOSTING: "Open weights on own machines",
}
# prices within this factor are one price class
PRICE_FACTOR = 4
# a model of the same developer is smaller if it costs at most this share
SMALLER_SHARE = "0.6"
# versions and hosts that are looked at for each of these reasons, used and new ones each
MAX_CLASS, MAX_SMALLER, MAX_OWN = 14, 6, 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """Why an offering is a candidate. `is_new_host`: the organisation decides by approvals, and
    neither uses nor has approved its host."""

    reasons: tuple[CandidateReason, ...] = ()
    is_new_host: bool = False


def find_candidates(
    dependency_ids: Collection[int], *, on: date
) -> dict[int, dict[int, Candidate]]:
    """Return {dependency ID: {offering ID: candidate}} in one statement, the nearest first.

    Names of applications do not appear: what other teams tested or moved to counts for everybody.
    """
    reasons: dict[tuple[int, int], set[CandidateReason]] = defaultdict(set)
    new_hosts: set[tuple[int, int]] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            load_statement("exposure", "successor_candidates"),
            {
                "dependencies": list(dependency_ids),
                "day": on,
                "moment": start_of(on + timedelta(days=1)) - timedelta(microseconds=1),
                "factor": PRICE_FACTOR,
                "smaller": SMALLER_SHARE,
                "max_class": MAX_CLASS,
                "max_smaller": MAX_SMALLER,
                "max_own": MAX_OWN,
                "own_hosting": OWN_HOSTING,
            },
        )
        for dependency_id, offering_id, reason, _place, is_new_host in cursor.fetchall():
            reasons[dependency_id, offering_id].add(CandidateReason(reason))
            if is_new_host:
                new_hosts.add((dependency_id, offering_id))
    order = list(CandidateReason)
    found: dict[int, dict[int, Candidate]] = defaultdict(dict)
    for key, of_pair in reasons.items():
        dependency_id, offering_id = key
        found[dependency_id][offering_id] = Candidate(
            tuple(sorted(of_pair, key=order.index)), key in new_hosts
        )
    return found
