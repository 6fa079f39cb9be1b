"""Dependencies that violate the approval of a foundation, version, offering or provider.

Which approvals apply to a dependency:

- If there is one on the offering it calls (or on the one served in its place), only that one
  applies, because it was made with knowledge of model and host.
- Otherwise the narrowest approval of the model applies: of the version, then of the foundation,
  then of the versions and foundations it was derived from by weights, the nearest first. It
  overrides approvals of their developers, also where such a developer serves the model itself:
  "nothing of X, but this model of X".
- It does not override approvals of other parties. Those of the developer, the host and the
  gateway or vendor in between apply as well, each time the nearest of the company and its parents.

A dependency violates an approval that blocks, or that is restricted if the application is outside
the restriction, or might be because its data class or region is not recorded (`certain` is then
False). It is also outside if the data terms of the offering do not meet the conditions of the
approval, or are unknown.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q

from apps.catalog.models import Footing, NodeKind, Offering, Provider
from apps.common.database.statements import compose_statement
from apps.inventory.governance.approval_sql import (
    DECIDING_APPROVALS,
    JUDGED_USES,
    OUTSIDE_COLUMNS,
)
from apps.inventory.governance.approvals import APPROVAL_RELATIONS
from apps.inventory.governance.term_conditions import (
    accepted_values,
    conditions_of,
    unmet_conditions,
)
from apps.inventory.models import Application, Approval, Criticality, Dependency

DEFAULT_LIMIT = 200

# {used} is SQL for the rows (id, application, offering, party) to check.
_VIOLATIONS = """
WITH used(id, application_id, offering_id, via_party_id) AS NOT MATERIALIZED ({used}),
{deciding}, {judged}
SELECT dependency_id, approval_id, {columns}, terms, count(*) OVER ()
FROM judged WHERE ({is_outside})
  AND (%(approval)s::bigint IS NULL OR approval_id = %(approval)s)
ORDER BY criticality, dependency_id, approval_id
LIMIT %(limit)s OFFSET %(offset)s
"""


@dataclass(frozen=True, slots=True)
class ApprovalViolation:
    """An active dependency that violates an approval. `why` holds sentences; `certain` is False if
    missing data could clear it."""

    dependency: Dependency
    approval: Approval
    why: tuple[str, ...]
    certain: bool


@dataclass(frozen=True, slots=True)
class ApprovalViolations:
    """`rows` are the first of `n_total`, most critical applications first."""

    rows: tuple[ApprovalViolation, ...]
    n_total: int


def approval_violations(
    *,
    user: Any,
    on: date,
    nodes: Collection[tuple[NodeKind, int]] = (),
    approval: int | None = None,
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
) -> ApprovalViolations:
    """Return the violations of valid approvals that the reader can view; three statements.

    `nodes` selects dependencies on one of them: a foundation, or a provider as developer and as
    host. `approval` selects violations of that decision. `offset` skips rows; beyond the last,
    `n_total` is 0.
    """
    live = Dependency.objects.live_on(on).visible_to(user)
    if nodes:
        node_condition = Q()
        for kind, ref in nodes:
            node_condition |= Q(node__kind=kind, node__ref=ref)
        live = live.filter(offering__in=Footing.objects.filter(node_condition).values("offering"))
    try:
        sql, params = (
            live.order_by()
            .values_list("pk", "application_id", "offering_id", "via_party_id")
            .query.sql_with_params()
        )
    except EmptyResultSet:
        return ApprovalViolations(rows=(), n_total=0)
    names = {f"used_{index}": value for index, value in enumerate(params)}
    live_sql = sql % tuple(f"%({name})s" for name in names)
    rows = _find_violations(live_sql, names, on=on, approval=approval, limit=limit, offset=offset)
    dependencies = Dependency.objects.select_related(
        "application__team", "offering__host", "offering__version__foundation", "via_party"
    ).in_bulk([row["dependency"] for row in rows])
    approvals = Approval.objects.select_related(*APPROVAL_RELATIONS).in_bulk(
        {row["approval"] for row in rows}
    )
    violations = []
    for row in rows:
        dependency, violated_approval = (
            dependencies.get(row["dependency"]),
            approvals.get(row["approval"]),
        )
        # a row deleted or revoked between the statements is not a violation
        if dependency is not None and violated_approval is not None:
            sentences, certain = _violation_sentences(
                row, dependency.application, violated_approval
            )
            violations.append(
                ApprovalViolation(
                    dependency=dependency,
                    approval=violated_approval,
                    why=sentences,
                    certain=certain,
                )
            )
    return ApprovalViolations(rows=tuple(violations), n_total=rows[0]["total"] if rows else 0)


@dataclass(frozen=True, slots=True)
class ApprovalObstacle:
    """An approval that a considered use would violate.

    `grounds` names the subject of each sentence of `why`: blocked, criticality, data_class, region
    or data_terms; `open_grounds` are those that depend on missing data only.
    """

    approval: Approval
    why: tuple[str, ...]
    certain: bool
    grounds: tuple[str, ...] = ()
    open_grounds: frozenset[str] = frozenset()


def obstacles_to_use(
    *, application: Application, offering: Offering, on: date, via_party: Provider | None = None
) -> list[ApprovalObstacle]:
    """Return the approvals that `application` would violate by calling `offering`, for forms and
    gates; two statements at most.

    The same rules as for existing dependencies. Empty if no approval is violated.
    """
    rows = _find_violations(
        "SELECT 0::bigint, %(application)s::bigint, %(offering)s::bigint, %(party)s::bigint",
        {
            "application": application.pk,
            "offering": offering.pk,
            "party": via_party.pk if via_party else None,
        },
        on=on,
    )
    return [obstacle for _, obstacle in _build_obstacles(rows, application)]


@dataclass(frozen=True, slots=True)
class ConsideredUse:
    """A considered use: an offering's ID, and the ID of the gateway or vendor, if any."""

    offering: int
    via_party: int | None = None


def obstacles_to_uses(
    *,
    application: Application,
    uses: Sequence[ConsideredUse],
    on: date,
    with_decided_uses: bool = False,
) -> tuple[dict[ConsideredUse, list[ApprovalObstacle]], set[ConsideredUse]]:
    """Return `obstacles_to_use` for many uses of one application and, on request, those of them
    with any approval, also a positive one; two statements at most, three on request."""
    if not uses:
        return {}, set()
    params: dict[str, Any] = {
        "application": application.pk,
        "keys": list(range(len(uses))),
        "offerings": [use.offering for use in uses],
        "parties": [use.via_party for use in uses],
    }
    rows = _find_violations(_CONSIDERED_USES, params, on=on, limit=100 * len(uses))
    against: dict[ConsideredUse, list[ApprovalObstacle]] = {}
    for key, obstacle in _build_obstacles(rows, application):
        against.setdefault(uses[key], []).append(obstacle)
    if not with_decided_uses:
        return against, set()
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED_USES, {**params, "on": on})
        return against, {uses[key] for (key,) in cursor.fetchall()}


def obstacles_of_dependencies(
    *, dependency_ids: Collection[int], on: date
) -> dict[int, list[ApprovalObstacle]]:
    """Return the approvals that these dependencies violate, by dependency; four statements at
    most. The caller has narrowed them to what the reader can view."""
    rows = _find_violations(
        """SELECT id, application_id, offering_id, via_party_id FROM inventory_dependency
        WHERE id = ANY (%(dependencies)s)""",
        {"dependencies": list(dependency_ids)},
        on=on,
        limit=100 * len(dependency_ids),
    )
    if not rows:
        return {}
    application_of = dict(
        Dependency.objects.filter(pk__in={row["dependency"] for row in rows}).values_list(
            "pk", "application_id"
        )
    )
    applications = Application.objects.in_bulk(set(application_of.values()))
    approvals = Approval.objects.select_related(*APPROVAL_RELATIONS).in_bulk(
        {row["approval"] for row in rows}
    )
    obstacles: dict[int, list[ApprovalObstacle]] = {}
    for row in rows:
        approval = approvals.get(row["approval"])
        application = applications.get(application_of.get(row["dependency"], 0))
        if approval is not None and application is not None:
            sentences, certain = _violation_sentences(row, application, approval)
            obstacles.setdefault(row["dependency"], []).append(
                ApprovalObstacle(approval, sentences, certain, *violation_grounds(row))
            )
    return obstacles


_CONSIDERED_USES = """
    SELECT u.key, %(application)s::bigint, u.offering, u.party
    FROM unnest(%(keys)s::bigint[], %(offerings)s::bigint[], %(parties)s::bigint[]) AS u(key,
        offering, party)
"""


@dataclass(frozen=True, slots=True)
class UseOfApplication:
    """A considered use of one of several applications."""

    application: Application
    offering_id: int
    via_party_id: int | None = None


def obstacles_to_uses_of_applications(
    uses: Sequence[UseOfApplication], *, on: date
) -> tuple[list[list[ApprovalObstacle]], list[bool]]:
    """Return for each use, in order, the approvals that it would violate, and whether any approval
    decides about it, also a positive one; three statements at most."""
    if not uses:
        return [], []
    params: dict[str, Any] = {
        "keys": list(range(len(uses))),
        "applications": [use.application.pk for use in uses],
        "offerings": [use.offering_id for use in uses],
        "parties": [use.via_party_id for use in uses],
    }
    rows = _find_violations(_USES_OF_APPLICATIONS, params, on=on, limit=100 * len(uses))
    obstacles: list[list[ApprovalObstacle]] = [[] for _ in uses]
    applications = {key: use.application for key, use in enumerate(uses)}
    for key, obstacle in _build_obstacles(rows, applications):
        obstacles[key].append(obstacle)
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED_USES_OF_APPLICATIONS, {**params, "on": on})
        decided = {key for (key,) in cursor.fetchall()}
    return obstacles, [key in decided for key in range(len(uses))]


_USES_OF_APPLICATIONS = """
    SELECT u.key, u.application, u.offering, u.party
    FROM unnest(%(keys)s::bigint[], %(applications)s::bigint[], %(offerings)s::bigint[],
        %(parties)s::bigint[]) AS u(key, application, offering, party)
"""
_DECIDED = """
WITH used(id, application_id, offering_id, via_party_id) AS NOT MATERIALIZED ({used}),
{deciding}, {judged}
SELECT DISTINCT dependency_id FROM counting
"""
_DECIDED_USES = compose_statement(
    _DECIDED, used=_CONSIDERED_USES, deciding=DECIDING_APPROVALS, judged=JUDGED_USES
)
_DECIDED_USES_OF_APPLICATIONS = compose_statement(
    _DECIDED, used=_USES_OF_APPLICATIONS, deciding=DECIDING_APPROVALS, judged=JUDGED_USES
)


def _build_obstacles(
    rows: Sequence[Mapping[str, Any]], application: Application | Mapping[int, Application]
) -> list[tuple[int, ApprovalObstacle]]:
    """Return (dependency ID, obstacle) of each row whose approval still exists; one statement. With
    several applications, {dependency ID: application}."""
    approvals = (
        Approval.objects.select_related(*APPROVAL_RELATIONS).in_bulk(
            {row["approval"] for row in rows}
        )
        if rows
        else {}
    )
    obstacles = []
    for row in rows:
        approval = approvals.get(row["approval"])
        if approval is not None:
            of_row = (
                application
                if isinstance(application, Application)
                else application[row["dependency"]]
            )
            sentences, certain = _violation_sentences(row, of_row, approval)
            obstacles.append(
                (
                    row["dependency"],
                    ApprovalObstacle(approval, sentences, certain, *violation_grounds(row)),
                )
            )
    return obstacles


# in the order of the sentences of `_violation_sentences`
_GROUNDS = {
    "blocked": "blocked",
    "criticality": "criticality_outside",
    "data_class": "class_outside",
    "region": "region_outside",
    "data_terms": "terms_outside",
}
_UNKNOWN = {
    "data_class": "class_unknown",
    "region": "region_unknown",
    "data_terms": "terms_unknown",
}
# what `violation_grounds` reads of `judged`
GROUND_COLUMNS = (*OUTSIDE_COLUMNS, *_UNKNOWN.values())


def violation_grounds(row: Mapping[str, Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return (grounds, open grounds) of a row of `judged`, as in `ApprovalObstacle`."""
    grounds = tuple(ground for ground, column in _GROUNDS.items() if row[column])
    open_grounds = frozenset(ground for ground, column in _UNKNOWN.items() if row[column])
    return grounds, open_grounds & set(grounds)


_COLUMNS = ("dependency", "approval", *GROUND_COLUMNS, "terms", "total")


def _find_violations(
    uses_sql: str,
    params: Mapping[str, Any],
    *,
    on: date,
    approval: int | None = None,
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Return the violations of the uses as dicts. `used` is SQL of this module for (id,
    application, offering, party), with named parameters."""
    with connection.cursor() as cursor:
        cursor.execute(
            compose_statement(
                _VIOLATIONS,
                used=uses_sql,
                deciding=DECIDING_APPROVALS,
                judged=JUDGED_USES,
                columns=", ".join(GROUND_COLUMNS),
                is_outside=" OR ".join(OUTSIDE_COLUMNS),
            ),
            {**params, "on": on, "approval": approval, "limit": limit, "offset": offset},
        )
        return [dict(zip(_COLUMNS, row, strict=True)) for row in cursor.fetchall()]


def _violation_sentences(
    row: Mapping[str, Any], application: Application, approval: Approval
) -> tuple[tuple[str, ...], bool]:
    """Return (sentences, whether the violation is certain)."""
    target = approval.target
    sentences, certain = [], row["blocked"] or row["criticality_outside"]
    if row["blocked"]:
        sentences.append(f"{target} is blocked: {approval.reason}")
    if row["criticality_outside"]:
        permitted = ", ".join(
            Criticality(level).label.lower() for level in sorted(approval.criticalities)
        )
        sentences.append(
            f"{target} is restricted to {permitted} applications. The criticality of this "
            f"application is {_criticality_label(application)}."
        )
    if row["class_outside"]:
        permitted = ", ".join(_data_class_labels(approval))
        recorded_value = (
            "not recorded"
            if row["class_unknown"]
            else application.get_data_classification_display().lower()
        )
        sentences.append(
            f"{target} is restricted to data classified as {permitted}. The data classification of "
            f"this application is {recorded_value}."
        )
        certain = certain or not row["class_unknown"]
    if row["region_outside"]:
        permitted = ", ".join(approval.regions)
        noun = "region" if len(approval.regions) == 1 else "regions"
        recorded_value = "not recorded" if row["region_unknown"] else application.geography
        sentences.append(
            f"{target} is restricted to the {noun} {permitted}. The region of this application is "
            f"{recorded_value}."
        )
        certain = certain or not row["region_unknown"]
    if row["terms_outside"]:
        sentences.append(_terms_sentences(row, application, approval))
        certain = certain or not row["terms_unknown"]
    return tuple(sentences), bool(certain)


def _terms_sentences(row: Mapping[str, Any], application: Application, approval: Approval) -> str:
    """Return the conditions on data terms that the use does not meet, as sentences in one text."""
    unmet = unmet_conditions(
        approval.target, conditions_of(approval), accepted_values(row["terms"])
    )
    sentences = [sentence for sentence, _ in unmet]
    if approval.terms_data_classes and not application.data_classification:
        classes = ", ".join(
            Application.DataClass(value).label.lower() for value in approval.terms_data_classes
        )
        sentences.append(
            f"This applies to data classified as {classes}. The data classification of this "
            "application is not recorded."
        )
    return " ".join(sentences)


def _criticality_label(application: Application) -> str:
    return application.get_criticality_display().lower()


def _data_class_labels(approval: Approval) -> list[str]:
    return [Application.DataClass(value).label.lower() for value in approval.data_classes]
