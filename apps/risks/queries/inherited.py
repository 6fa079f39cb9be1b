"""Reads of inherited risk. Every function takes its day, and its reader where people ask.

What is inherited is derived, see inheriting.py. Lists walk the risks, gravest first, and of each its dependencies by
criticality and id; other orders are possible only where the rows are few or stored.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from apps.accounts.queries import team_and_below
from apps.catalog.models import NodeKind, Via
from apps.common.pagination import BadCursor, KeysetPage
from apps.risks import inheriting
from apps.risks.models import Assessment
from apps.risks.queries.levels import IN_THE_WEIGHTS, steps_of
from apps.risks.queries.reach import NOBODY, scope_of
from apps.risks.scoring import Level, Step, adjusted

UNASSESSED = "unassessed"
STATES = (UNASSESSED, *(str(state) for state in Assessment.State))
# readers of more applications than this are served from the risks, like those who read everything
FEW_APPLICATIONS = 200
NOWHERE: Sequence[int | None] = (None,) * 5


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list of inherited risks is narrowed to; None or empty: not at all."""

    application: str = ""
    dependency: int | None = None
    risk: int | None = None
    team: str = ""
    template: str = ""
    layer: str = ""
    state: str = ""
    min_inherent: int | None = None


@dataclass(frozen=True, slots=True)
class InheritedRisk:
    """One foundation risk on one dependency. `inherent` is the foundation's, `adjusted` after the adaptations.

    `via` is None where only the party it is reached through ties it to the node.
    """

    risk_id: int
    dependency_id: int
    template: str
    title: str
    layer: str
    rule: str
    facts: str
    confidence: str
    node_kind: str
    node_ref: int
    node_name: str
    via: str | None
    depth: int | None
    application: str
    application_name: str
    team: str
    team_id: int
    criticality: int
    role: str
    offering_id: int
    api_id: str
    host: str
    inherent: Level
    adjusted: Level
    steps: tuple[Step, ...]
    adaptations: tuple[str, ...]
    assessment_id: int | None
    assessment_version: int
    state: str
    treatment: str
    current: Level | None
    residual: Level | None
    owner: str | None
    due_on: date | None
    accepted_until: date | None
    stale_because: str

    @property
    def key(self) -> str:
        """How the pair is named in addresses."""
        return f"{self.risk_id}-{self.dependency_id}"


def inherited_risks(
    *, user: Any, on: date, narrowed: Narrowed | None = None, size: int = 50, cursor: str = ""
) -> KeysetPage[InheritedRisk]:
    """A page of what the applications `user` may read have inherited; three statements at most, at any depth.

    BadCursor where the cursor is not of this list.
    """
    narrowed = narrowed or Narrowed()
    backwards, after = _decode(cursor) if cursor else (False, None)
    found = _page(user=user, on=on, narrowed=narrowed, size=size + 1, backwards=backwards, after=after)
    more = len(found) > size
    if more:
        found = found[1:] if backwards else found[:size]
    has_next = bool(found) and (more or backwards)
    has_previous = bool(found) and (more if backwards else after is not None)
    return KeysetPage(
        rows=_told(found, on),
        next=_encode(found[-1], backwards=False) if has_next else None,
        previous=_encode(found[0], backwards=True) if has_previous else None,
    )


def inherited_risk(*, user: Any, risk_id: int, dependency_id: int, on: date) -> InheritedRisk | None:
    """The pair, if `user` may read the application and the dependency inherits the risk on that day."""
    page = inherited_risks(user=user, on=on, narrowed=Narrowed(risk=risk_id, dependency=dependency_id), size=1)
    return page.rows[0] if page.rows else None


# --- the page -------------------------------------------------------------------------------------------------------


def _page(
    *, user: Any, on: date, narrowed: Narrowed, size: int, backwards: bool, after: Sequence[int] | None
) -> list[dict[str, Any]]:
    params: dict[str, Any] = {**scope_of(user), "day": on, "size": size}
    names = ("inherent", "risk", "criticality", "application", "dependency")
    params |= {f"after_{name}": value for name, value in zip(names, after or NOWHERE, strict=True)}
    which, chosen = [""], ["true"]
    if narrowed.risk is not None:
        which.append("r.id = %(risk)s")
    if narrowed.template:
        which.append("t.code = %(template)s")
    if narrowed.layer:
        which.append("t.layer = %(layer)s")
    if narrowed.min_inherent is not None:
        which.append("r.inherent >= %(min_inherent)s")
    if narrowed.application:
        chosen.append("a.slug = %(application)s")
    if narrowed.dependency is not None:
        chosen.append("d.id = %(dependency)s")
    params |= {name: getattr(narrowed, name) for name in Narrowed.__slots__ if name not in {"team", "state"}}
    few = bool(narrowed.application) or narrowed.dependency is not None
    if narrowed.team:
        asked = team_and_below(team_ids=_team_ids(narrowed.team))
        params["teams"] = sorted(asked if params["teams"] is None else asked & set(params["teams"])) or NOBODY
    if params["teams"] is not None and not few:
        few = _n_applications(params["teams"]) <= FEW_APPLICATIONS

    state = "true"
    template = inheriting.FROM_APPLICATIONS if few else inheriting.FROM_RISKS
    if narrowed.state == UNASSESSED:
        state = "s.id IS NULL"
    elif narrowed.state:
        state, params["state"] = "s.state = %(state)s", narrowed.state
        template = inheriting.FROM_ASSESSMENTS
    pieces = inheriting.words(
        backwards=backwards,
        which=" AND ".join(which),
        chosen=" AND ".join(chosen),
        state=state,
        lazily=template is not inheriting.FROM_APPLICATIONS,
    )
    with connection.cursor() as cursor:
        cursor.execute(template.format(**pieces) + inheriting.DETAILS, params)
        columns = [column.name for column in cursor.description or ()]
        # DETAILS reads forwards, also where the page was taken backwards
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _team_ids(slug: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_team WHERE slug = %s", [slug])
        return [row[0] for row in cursor.fetchall()]


def _n_applications(team_ids: list[int]) -> int:
    """Applications of these teams, counted no further than it matters."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM (SELECT 1 FROM inventory_application WHERE team_id = ANY (%s) LIMIT %s) probe""",
            [team_ids, FEW_APPLICATIONS + 1],
        )
        count: int = cursor.fetchone()[0]
    return count


def _told(rows: Sequence[Mapping[str, Any]], on: date) -> list[InheritedRisk]:
    steps = steps_of({row["template_id"] for row in rows if row["template_id"] is not None})
    told = []
    for row in rows:
        inherent = Level(row["likelihood"], row["impact"])
        adaptations = tuple(row["adaptations"] or ())
        after = adjusted(
            inherent, steps.get(row["template_id"], ()), adaptations, in_the_weights=row["layer"] in IN_THE_WEIGHTS
        )
        accepted = row["treatment"] == "accept" and row["revoked_at"] is None
        in_force = accepted and row["accepted_until"] is not None and row["accepted_until"] > on
        told.append(
            InheritedRisk(
                risk_id=row["risk_id"],
                dependency_id=row["dependency_id"],
                template=row["code"],
                title=row["title"],
                layer=row["layer"],
                rule=row["rule"],
                facts=row["facts"],
                confidence=row["confidence"],
                node_kind=NodeKind(row["node_kind"]).label,
                node_ref=row["node_ref"],
                node_name=row["node_name"] or "",
                via=None if row["via"] is None else Via(row["via"]).label,
                depth=row["depth"],
                application=row["application"],
                application_name=row["application_name"],
                team=row["team"],
                team_id=row["team_id"],
                criticality=row["criticality"],
                role=row["role"],
                offering_id=row["offering_id"],
                api_id=row["api_id"],
                host=row["host"],
                inherent=inherent,
                adjusted=after.level,
                steps=after.steps,
                adaptations=adaptations,
                assessment_id=row["assessment_id"],
                assessment_version=row["assessment_version"] or 0,
                state=row["state"],
                treatment=row["treatment"] or "",
                current=_level(row["current_likelihood"], row["current_impact"]),
                residual=_level(row["residual_likelihood"], row["residual_impact"]),
                owner=row["owner"],
                due_on=row["due_on"],
                accepted_until=row["accepted_until"] if in_force else None,
                stale_because=row["stale_because"] or "",
            )
        )
    return told


def _level(likelihood: int | None, impact: int | None) -> Level | None:
    return None if likelihood is None or impact is None else Level(likelihood, impact)


def _encode(row: Mapping[str, Any], *, backwards: bool) -> str:
    values = [row[name] for name in ("inherent", "risk_id", "criticality", "application_id", "dependency_id")]
    text = json.dumps(["-" if backwards else "+", "inherited", values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[bool, list[int]]:
    try:
        text = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        direction, of, values = json.loads(text)
        fits = [isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 for value in values]
        small = len(values) == 5 and values[0] <= 25 and values[2] < 2**15
        if direction not in {"+", "-"} or of != "inherited" or not small or not all(fits):
            raise BadCursor
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadCursor("This cursor does not belong to this list. Begin again without it.") from error
    return direction == "-", values
