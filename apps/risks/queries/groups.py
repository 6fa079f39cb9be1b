"""Inherited risks in groups that one decision can cover: a risk, and the foundation or provider of
its node."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import connection

from apps.risks.levels import Level
from apps.risks.models import FoundationRisk
from apps.risks.queries.conditions import InheritedRiskConditions
from apps.risks.queries.counts import RiskStanding
from apps.risks.queries.reach import RiskReach

# what a node belongs to: its foundation, its provider, or the offering itself if its model is
# unknown
_OWNERS = """
SELECT n.id,
    CASE WHEN f.id IS NOT NULL THEN 'foundation' WHEN o.id IS NOT NULL THEN 'offering'
        ELSE 'party' END,
    coalesce(f.slug, o.id::text, p.slug), coalesce(f.name, o.api_id || ' on ' || h.name, p.name)
FROM catalog_node n
LEFT JOIN catalog_offering o ON n.kind = node_kind('offering') AND o.id = n.ref
LEFT JOIN catalog_provider h ON h.id = o.host_id
LEFT JOIN catalog_version v ON v.id = CASE n.kind WHEN node_kind('version') THEN n.ref
    ELSE o.version_id END
LEFT JOIN catalog_foundation f ON f.id = CASE n.kind WHEN node_kind('foundation') THEN n.ref
    ELSE v.foundation_id END
LEFT JOIN catalog_region g ON n.kind = node_kind('region') AND g.id = n.ref
LEFT JOIN catalog_provider p ON n.kind NOT IN (node_kind('offering'), node_kind('version'),
    node_kind('foundation')) AND p.id = CASE n.kind WHEN node_kind('region') THEN g.host_id
    ELSE n.ref END
WHERE n.id = ANY (%s)
"""


# beyond this all risks are read: thousands of IDs take longer than the other rows
_MAX_NAMED_RISKS = 500


@dataclass(frozen=True, slots=True)
class NodeOwner:
    """Foundation, provider (`party`) or offering; `kind` and `key` filter the register."""

    kind: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class RiskGroup:
    """A risk on everything of one foundation or provider. `level` is the highest inherent one."""

    code: str
    title: str
    layer: str
    owner: NodeOwner
    level: Level
    risk_ids: tuple[int, ...]
    reach: RiskReach

    @property
    def filters(self) -> dict[str, str]:
        """Return the filters of the register that select the inherited risks of the group."""
        if not self.code:
            return {"risk": str(self.risk_ids[0])}
        return {"template": self.code, self.owner.kind: self.owner.key}

    @property
    def query(self) -> str:
        return urlencode(self.filters)

    @property
    def n_undecided(self) -> int:
        return self.reach.n_unassessed + self.reach.n_stale


@dataclass(frozen=True, slots=True)
class GroupDifferences:
    """Dependencies of a group whose application differs from most of the group in criticality or
    data classification. The four counts add up to the group."""

    n_critical: int
    n_secret: int
    n_critical_secret: int
    n_other: int

    @property
    def n_differing(self) -> int:
        counts = (self.n_critical, self.n_secret, self.n_critical_secret, self.n_other)
        return sum(counts) - max(counts)


def group_differences(reach: RiskReach) -> GroupDifferences:
    both = reach.n_critical_secret
    critical, secret = reach.n_critical - both, reach.n_secret - both
    return GroupDifferences(critical, secret, both, reach.n_inherited - critical - secret - both)


def matching_risk_ids(conditions: InheritedRiskConditions) -> set[int]:
    """Return the open, inheritable risks that match the conditions on risks; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT r.id FROM risks_foundationrisk r
                LEFT JOIN risks_risktemplate t ON t.id = r.template_id
                WHERE r.closed_at IS NULL AND r.dismissed_at IS NULL AND r.inherits
                    {conditions.which}""",
            conditions.params,
        )
        return {row[0] for row in cursor.fetchall()}


def group_risks(standings: Sequence[RiskStanding]) -> list[RiskGroup]:
    """Return the groups of the risks, most severe first, of these those with the most undecided
    risks; two statements."""
    owners = _node_owners({standing.node_id for standing in standings})
    risks = FoundationRisk.objects.handed_on()
    if len(standings) <= _MAX_NAMED_RISKS:
        risks = risks.filter(pk__in=[standing.risk_id for standing in standings])
    texts = {
        pk: (code or "", title or template_title or "", layer or "")
        for pk, code, title, template_title, layer in risks.order_by().values_list(
            "pk", "template__code", "title", "template__title", "template__layer"
        )
    }
    members: dict[tuple[object, ...], list[RiskStanding]] = {}
    for standing in standings:
        if standing.risk_id in texts and standing.node_id in owners:
            key = (
                (standing.template_id, owners[standing.node_id])
                if standing.template_id
                else (standing.risk_id,)
            )
            members.setdefault(key, []).append(standing)
    groups = [_build_group(group, texts, owners[group[0].node_id]) for group in members.values()]
    return sorted(
        groups,
        key=lambda group: (-group.level.score, -group.n_undecided, group.code, group.owner.name),
    )


def _build_group(
    standings: Sequence[RiskStanding], texts: dict[int, tuple[str, str, str]], owner: NodeOwner
) -> RiskGroup:
    gravest = max(standings, key=lambda standing: standing.likelihood * standing.impact)
    code, title, layer = texts[gravest.risk_id]
    return RiskGroup(
        code=code,
        title=title,
        layer=layer,
        owner=owner,
        level=Level(gravest.likelihood, gravest.impact),
        risk_ids=tuple(standing.risk_id for standing in standings),
        reach=RiskReach.total(standing.reach for standing in standings),
    )


def _node_owners(node_ids: Collection[int]) -> dict[int, NodeOwner]:
    if not node_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, [list(node_ids)])
        return {
            node: NodeOwner(kind, key, name)
            for node, kind, key, name in cursor.fetchall()
            if key is not None
        }
