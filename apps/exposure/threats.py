"""Failure modes of nodes, and the independence that a fallback needs for them, as plain values.

docs/exposure.md, section Failure modes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from apps.catalog.models import NodeKind, Via

OUTAGE, RETIREMENT, DEVELOPER_FAILURE, ERROR = "outage", "retirement", "developer_failure", "error"
THREATS: tuple[str, ...] = (OUTAGE, RETIREMENT, DEVELOPER_FAILURE, ERROR)
# slow threats: a fallback must be served until the horizon, and a tested exit helps
THREATS_WITH_NOTICE: frozenset[str] = frozenset({RETIREMENT, DEVELOPER_FAILURE})
TIES: Mapping[str, tuple[Via, ...]] = {
    OUTAGE: (Via.DIRECT,),
    RETIREMENT: (Via.DIRECT, Via.WEIGHTS),
    DEVELOPER_FAILURE: (Via.DIRECT,),
    ERROR: (Via.DIRECT, Via.WEIGHTS, Via.BEHAVIOUR),
}
DEFAULT_THREAT: Mapping[NodeKind, str] = {
    NodeKind.OFFERING: RETIREMENT,
    NodeKind.VERSION: RETIREMENT,
    NodeKind.FOUNDATION: RETIREMENT,
    NodeKind.DEVELOPER: DEVELOPER_FAILURE,
    NodeKind.HOST: OUTAGE,
    NodeKind.GATEWAY: OUTAGE,
    NodeKind.VENDOR: OUTAGE,
    NodeKind.REGION: OUTAGE,
}
DEFAULT_REQUIRED_GRADE: Mapping[str, Mapping[str, int]] = {
    OUTAGE: {"host": 1, "*": 0},
    RETIREMENT: {"*": 2},
    DEVELOPER_FAILURE: {"*": 4},
    ERROR: {"*": 4},
}
DEFAULT_CRITICALITY_POINTS: Mapping[str, int] = {
    "critical": 8,
    "important": 4,
    "standard": 2,
    "low": 1,
}
DEFAULT_STATE_FACTOR: Mapping[str, str] = {"exposed": "1", "cushioned": "1/2", "portable": "1/10"}
# codes of the threats in the database
THREAT_CODES: Mapping[str, int] = {threat: code for code, threat in enumerate(THREATS)}


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """A node that fails under a threat: the relationships that count, the required independence of
    a fallback, and whether there is notice."""

    node_id: int
    threat: str
    need: int

    @property
    def ties(self) -> tuple[int, ...]:
        return tuple(int(via) for via in TIES[self.threat])

    @property
    def notice(self) -> bool:
        return self.threat in THREATS_WITH_NOTICE


def needed_grade(required: Mapping[str, Mapping[str, int]], threat: str, kind: NodeKind) -> int:
    """Return the independence that a fallback needs; the default of the threat is `*`, and that of
    a missing threat is built in."""
    table = required.get(threat) or DEFAULT_REQUIRED_GRADE[threat]
    # used as a number in statements, and settings might not come from the form
    return int(table.get(kind.label, table.get("*", DEFAULT_REQUIRED_GRADE[threat]["*"])))


def exact_fraction(value: object) -> Fraction:
    """Return a stored decimal or a text `p/q` as the intended fraction: 0.333333333333333 is a
    third."""
    if isinstance(value, str):
        return Fraction(value)
    return Fraction(str(value)).limit_denominator(1_000_000)
