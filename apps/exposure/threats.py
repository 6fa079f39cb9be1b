"""What may happen to a node, and what a fallback needs then, as plain values.

docs/exposure.md, section Failure modes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from apps.catalog.models import NodeKind, Via

OUTAGE, RETIREMENT, DEVELOPER_FAILURE, ERROR = "outage", "retirement", "developer_failure", "error"
THREATS: tuple[str, ...] = (OUTAGE, RETIREMENT, DEVELOPER_FAILURE, ERROR)
# slow threats: a fallback must be alive until the horizon, and a tested way out helps
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
# threats as the database writes them
THREAT_CODES: Mapping[str, int] = {threat: code for code, threat in enumerate(THREATS)}


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """A node that fails, under a threat: which ties count, how independent a fallback must be, and
    how slowly."""

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
    """The independence a fallback needs; a kind that is not named takes the threat's `*`, a threat
    the default."""
    table = required.get(threat) or DEFAULT_REQUIRED_GRADE[threat]
    # it goes into statements as a number, and settings may have come past the form
    return int(table.get(kind.label, table.get("*", DEFAULT_REQUIRED_GRADE[threat]["*"])))


def exact_fraction(value: object) -> Fraction:
    """A stored decimal or a text `p/q` as the rational that was meant: 0.333333333333333 is a
    third."""
    if isinstance(value, str):
        return Fraction(value)
    return Fraction(str(value)).limit_denominator(1_000_000)
