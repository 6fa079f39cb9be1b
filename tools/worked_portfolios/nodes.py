"""Names of nodes in a file: `version:ID`, `host:PROVIDER`, `region:HOST/REGION`."""

from collections.abc import Collection
from dataclasses import dataclass

from apps.catalog.models import NodeKind

KINDS: tuple[str, ...] = tuple(kind.label for kind in NodeKind)
KIND_NAMED: dict[str, NodeKind] = {kind.label: kind for kind in NodeKind}
PARTIES = frozenset({NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR})


@dataclass(frozen=True, slots=True)
class NodeName:
    """`ref` is the id of the offering, version, foundation or provider; of a region, the host's,
    and `region`.
    """

    kind: NodeKind
    ref: str
    region: str = ""

    def __str__(self) -> str:
        return f"{self.kind.label}:{self.ref}" + (
            f"/{self.region}" if self.kind is NodeKind.REGION else ""
        )


def parse_node_name(text: str, hosts: Collection[str]) -> NodeName | None:
    """Parse a node name; None where the text names no kind of node or, for a region, none of
    `hosts`.
    """
    label, colon, ref = text.partition(":")
    kind = KIND_NAMED.get(label)
    if kind is None or not colon or not ref:
        return None
    if kind is not NodeKind.REGION:
        return NodeName(kind, ref)
    # both a host and a region may hold a slash: the longest host that fits is meant
    for host in sorted(hosts, key=len, reverse=True):
        if ref.startswith(f"{host}/") and len(ref) > len(host) + 1:
            return NodeName(kind, host, ref[len(host) + 1 :])
    return None
