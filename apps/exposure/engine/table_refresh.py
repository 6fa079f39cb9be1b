"""Updates of the engine's tables: all of them, or only for changed applications.

`rebuild` and `refresh` result in the same rows (tests compare them). A refresh costs in proportion
to the affected applications, not to the portfolio. Both hold one advisory lock, so concurrent runs
do the work once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from apps.common.database.statements import compose_statement
from apps.common.time import now
from apps.exposure.engine import derivation, node_sums
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.models import EngineState

# one refresh at a time; an arbitrary number that identifies this lock
LOCK = 7301003
# if more than this share of the applications is affected, a full build is cheaper
_FULL_BUILD_SHARE = 0.2
_TABLES = (
    "exposure_path",
    "exposure_candidate",
    "exposure_candidategrade",
    "exposure_activedependency",
    "exposure_scopedapplication",
)
_WORK = ("due_use", "due_fact", "due_primary")


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """The number of refreshed applications. `node_ids` are the nodes whose summary changed; None
    after a full build, when any might have."""

    n_applications: int
    rebuilt: bool
    node_ids: frozenset[int] | None


@transaction.atomic
def rebuild(*, on: date) -> RefreshResult:
    """Build all tables for the day from the current inventory and catalogue."""
    _take_lock()
    settings = engine_settings()
    _empty_queues()
    n_applications = build_all(settings=settings, on=on)
    _queue_for_inventory("VALUES (NULL::bigint)")
    _record_state(on, settings, n_applications, built=True)
    return RefreshResult(n_applications, rebuilt=True, node_ids=None)


@transaction.atomic
def refresh(*, on: date) -> RefreshResult:
    """Process the changes since the last refresh, and those of the day; everything if necessary.

    Everything is rebuilt on the first day, for an earlier day, after a change of the settings or of
    a corporate parent, and if more than a fifth of the applications are affected.
    """
    _take_lock()
    settings = engine_settings()
    state = EngineState.objects.filter(pk=1).first()
    if (
        state is not None
        and state.as_of == on
        and not _has_queued_changes()
        and state.settings_digest == settings.digest()
    ):
        return RefreshResult(0, rebuilt=False, node_ids=frozenset())
    queued = _take_queued_changes()
    if (
        state is None
        or state.as_of is None
        or on < state.as_of
        or state.settings_digest != settings.digest()
        or queued.everything
    ):
        _drop_work_tables("exposure_queued")
        return rebuild(on=on)
    _collect_due(queued, since=state.as_of, on=on)
    n_due, n_due_scoped = _count_due()
    if n_due > 1000 and n_due > _FULL_BUILD_SHARE * state.n_applications:
        _drop_work_tables("exposure_due")
        return rebuild(on=on)
    n_applications = state.n_applications - n_due_scoped
    changed_nodes: frozenset[int] = frozenset()
    if n_due:
        changed_nodes = frozenset(
            build_due(settings=settings, on=on, offering_ids=queued.offering_ids)
        )
        _queue_for_inventory("SELECT application_id FROM exposure_due")
    elif queued.offering_ids:
        with connection.cursor() as cursor:
            _update_engine_footing(cursor, queued.offering_ids)
    n_applications += _count_due()[1]
    _drop_work_tables("exposure_due")
    if n_due or state.as_of != on:
        _record_state(on, settings, n_applications, built=False)
    return RefreshResult(n_due, rebuilt=False, node_ids=changed_nodes)


def build_all(*, settings: EngineSettings, on: date) -> int:
    """Fill the tables for all applications in scope; return their number. Without lock or
    bookkeeping.

    Readers see the old rows until it is committed, and do not wait.
    """
    with connection.cursor() as cursor:
        # a full build sorts and hashes the whole portfolio several times
        cursor.execute("SET LOCAL work_mem = '256MB'")
        _update_engine_footing(cursor, None)
        _create_work_tables(cursor, settings, on, due_only=False)
        _update_party_footing(cursor, due_only=False)
        # not TRUNCATE, which waits for every reader, such as a backup of an hour, while later
        # readers wait for it
        for table in (*_TABLES, "exposure_pairgrade"):
            cursor.execute(f"DELETE FROM {table}")
        n_scoped = _derive_tables(cursor, settings, on, due_only=False)
        cursor.execute(
            "ANALYZE exposure_path, exposure_activedependency, exposure_scopedapplication"
        )
    node_sums.write_node_sums(settings)
    _drop_work_tables(*_WORK)
    return n_scoped


def build_due(*, settings: EngineSettings, on: date, offering_ids: Collection[int]) -> set[int]:
    """Derive the applications in `exposure_due` again; return the nodes whose summary changed.

    The upstream nodes of `offering_ids` are copied from the catalogue, after the sums over the old
    ones have been computed in order to subtract them; grades of pairs with these offerings are
    deleted, since the applications that need them are due.
    """
    with connection.cursor() as cursor:
        node_sums.sum_due_applications(cursor, settings, "due_before")
        for table in _TABLES:
            cursor.execute(
                f"DELETE FROM {table} t USING exposure_due d WHERE d.application_id = "
                "t.application_id"
            )
        if offering_ids:
            _update_engine_footing(cursor, offering_ids)
        _create_work_tables(cursor, settings, on, due_only=True)
        _update_party_footing(cursor, due_only=True)
        _derive_tables(cursor, settings, on, due_only=True)
        node_sums.sum_due_applications(cursor, settings, "due_after")
        changed_nodes = node_sums.merge_node_sums(cursor, before="due_before", after="due_after")
    _drop_work_tables(*_WORK)
    return changed_nodes


_FOOTING_DIFFERS = """
    SELECT 1 FROM {other} o
    WHERE o.node_id = f.node_id AND o.offering_id = f.offering_id AND o.via = f.via
        AND o.depth = f.depth"""


def _update_engine_footing(cursor: Any, offering_ids: Collection[int] | None) -> None:
    """Copy the upstream nodes of these offerings (all if None) from the catalogue, and delete the
    grades of pairs with them. Unchanged rows are not written."""
    offering_condition, params = "", {}
    if offering_ids is not None:
        offering_condition = "AND f.offering_id = ANY (%(ids)s)"
        params = {"ids": list(offering_ids)}
        cursor.execute(
            "DELETE FROM exposure_pairgrade WHERE primary_id = ANY (%(ids)s) OR candidate_id = ANY "
            "(%(ids)s)",
            params,
        )
    catalogue_match_sql = _FOOTING_DIFFERS.format(other="catalog_footing")
    engine_match_sql = _FOOTING_DIFFERS.format(other="exposure_enginefooting")
    cursor.execute(
        f"DELETE FROM exposure_enginefooting f WHERE NOT EXISTS ({catalogue_match_sql}) "
        f"{offering_condition}",
        params,
    )
    # through a temporary table: the statement reads the table that it writes, and could be planned
    # for an empty table
    cursor.execute(
        "CREATE TEMPORARY TABLE due_footing ON COMMIT DROP AS"
        f" SELECT node_id, offering_id, via, depth FROM catalog_footing f WHERE NOT EXISTS "
        f"({engine_match_sql}) {offering_condition}",
        params,
    )
    cursor.execute(
        "INSERT INTO exposure_enginefooting (node_id, offering_id, via, depth) SELECT * "
        "FROM due_footing"
        # the catalogue might have changed since the rows were deleted
        " ON CONFLICT (node_id, offering_id) DO UPDATE SET via = EXCLUDED.via, depth = "
        "EXCLUDED.depth"
    )
    cursor.execute("DROP TABLE due_footing")
    if offering_ids is None:
        cursor.execute("ANALYZE exposure_enginefooting")


def _create_work_tables(cursor: Any, settings: EngineSettings, on: date, *, due_only: bool) -> None:
    """Create the temporary tables that the derivation reads, each with its index and statistics.

    They are `due_use` (dependencies live on the day), `due_fact` (their offerings) and
    `due_primary` (their primary models with shares of the traffic). With `due_only` they hold only
    the applications of the temporary table `exposure_due`, which must exist.
    """
    due_condition = (
        "AND d.application_id IN (SELECT application_id FROM exposure_due)" if due_only else ""
    )
    params = _statement_parameters(settings, on)
    cursor.execute(derivation.USES.format(due=due_condition), params)
    cursor.execute("CREATE INDEX ON due_use (application_id); ANALYZE due_use")
    cursor.execute(derivation.FACTS, params)
    cursor.execute("CREATE UNIQUE INDEX ON due_fact (offering_id); ANALYZE due_fact")
    cursor.execute(derivation.PRIMARIES, params)
    cursor.execute("CREATE INDEX ON due_primary (application_id); ANALYZE due_primary")


def _derive_tables(cursor: Any, settings: EngineSettings, on: date, *, due_only: bool) -> int:
    """Insert the rows of the engine's tables and return the number of applications in scope.

    Needs the temporary tables of `_create_work_tables`; with `due_only`, only the applications of
    `exposure_due` are derived. Their old rows must have been deleted. A full build also updates the
    statistics of tables that later statements read.
    """
    params = _statement_parameters(settings, on)
    tests = derivation.DUE_TESTS if due_only else derivation.ALL_TESTS
    due_condition = "AND a.id IN (SELECT application_id FROM exposure_due)" if due_only else ""
    cursor.execute(derivation.PATHS, params)
    cursor.execute(compose_statement(derivation.CANDIDATES, tests=tests), params)
    if not due_only:
        cursor.execute("ANALYZE exposure_candidate")
    cursor.execute(derivation.LIVE_USES)
    cursor.execute(derivation.PAIRS)
    if not due_only:
        cursor.execute("ANALYZE exposure_pairgrade")
    cursor.execute(derivation.RESCUES)
    if not due_only:
        cursor.execute("ANALYZE exposure_candidategrade")
    cursor.execute(derivation.SCOPED.format(due=due_condition), params)
    n_scoped: int = cursor.rowcount
    return n_scoped


def _statement_parameters(settings: EngineSettings, on: date) -> dict[str, Any]:
    return {
        "day": on,
        "horizon": on + timedelta(days=settings.horizon_days),
        "validity": settings.test_validity_days,
        "statuses": list(settings.statuses),
        "points": list(settings.points),
    }


def _update_party_footing(cursor: Any, *, due_only: bool) -> None:
    """Add the gateways and vendors of the dependencies in `due_use`, with their parent companies.

    Unused ones are removed in a full build alone, so not with `due_only`; a change of parents
    always leads to a full build.
    """
    cursor.execute(f"CREATE TEMPORARY TABLE due_party ON COMMIT DROP AS {derivation.PARTY_FOOTING}")
    cursor.execute(
        """
        INSERT INTO catalog_node (kind, ref) SELECT DISTINCT kind, ref FROM due_party p
        WHERE NOT EXISTS (SELECT 1 FROM catalog_node n WHERE n.kind = p.kind AND n.ref = p.ref)
        -- another transaction might insert the same node between the test and the insert
        ON CONFLICT DO NOTHING
        """
    )
    if not due_only:
        cursor.execute("DELETE FROM exposure_partyfooting")
    cursor.execute(
        """
        INSERT INTO exposure_partyfooting (reached, party_id, node_id, depth)
        SELECT p.reached, p.party, n.id, p.depth
        FROM due_party p JOIN catalog_node n ON n.kind = p.kind AND n.ref = p.ref
        WHERE NOT EXISTS (SELECT 1 FROM exposure_partyfooting f
                          WHERE f.reached = p.reached AND f.party_id = p.party AND f.node_id = n.id)
        """
    )
    cursor.execute("DROP TABLE due_party")


# --- due applications -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _QueuedChanges:
    """Changes taken from the queues; the applications are in the temporary `exposure_queued`, since
    an import can change all of them."""

    offering_ids: list[int]
    everything: bool


def _has_queued_changes() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM inventory_changedapplication)"
            " OR EXISTS (SELECT 1 FROM catalog_changedoffering)"
        )
        has_changes: bool = cursor.fetchone()[0]
    return has_changes


def _take_queued_changes() -> _QueuedChanges:
    """Delete the rows of the two queues and return what they held. Rows added from now on wait for
    the next refresh."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE exposure_queued (application_id bigint) ON COMMIT DROP"
        )
        cursor.execute(
            """
            WITH taken AS (DELETE FROM inventory_changedapplication RETURNING application_id)
            INSERT INTO exposure_queued SELECT DISTINCT application_id FROM taken
            """
        )
        cursor.execute(
            """
            WITH taken AS (DELETE FROM catalog_changedoffering RETURNING offering_id)
            SELECT DISTINCT offering_id FROM taken
            """
        )
        offering_ids = {offering_id for (offering_id,) in cursor.fetchall()}
    return _QueuedChanges(
        offering_ids=sorted(offering_ids - {None}), everything=None in offering_ids
    )


def _empty_queues() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM inventory_changedapplication")
        cursor.execute("DELETE FROM catalog_changedoffering")


# changes that result from the date alone
_TURNED_BY_DATE = """
UNION SELECT application_id FROM exposure_candidate WHERE next_change_on <= %(on)s
UNION SELECT application_id FROM inventory_dependency WHERE since > %(since)s AND since <= %(on)s
UNION SELECT application_id FROM inventory_dependency WHERE until > %(since)s AND until <= %(on)s
UNION SELECT d.application_id
      FROM inventory_exittest t JOIN inventory_dependency d ON d.id = t.dependency_id
      WHERE t.tested_on > %(since)s AND t.tested_on <= %(on)s
"""


def _collect_due(queued: _QueuedChanges, *, since: date, on: date) -> None:
    """Fill the temporary `exposure_due` with the applications whose rows might differ between
    `since` and `on`."""
    date_condition = _TURNED_BY_DATE if on != since else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE exposure_due ON COMMIT DROP AS
            -- applications whose inventory data changed
            SELECT application_id FROM exposure_queued
            -- applications with a live dependency on a changed offering
            UNION SELECT application_id FROM exposure_activedependency
            WHERE offering_id = ANY (%(offerings)s)
            -- applications with a live dependency on an offering above a changed one
            UNION SELECT l.application_id
                  FROM catalog_node n JOIN exposure_enginefooting f ON f.node_id = n.id
                  JOIN exposure_activedependency l ON l.offering_id = f.offering_id
                  WHERE n.kind = node_kind('offering') AND n.ref = ANY (%(offerings)s)
            -- applications whose traffic is redirected to a changed offering
            UNION SELECT application_id FROM exposure_path WHERE effective_id = ANY (%(offerings)s)
            -- applications with a changed offering as alternative, also by redirection
            UNION SELECT application_id FROM exposure_candidate
            WHERE offering_id = ANY (%(offerings)s)
            UNION SELECT application_id FROM exposure_candidate
            WHERE effective_id = ANY (%(offerings)s)
            {date_condition}
            """,
            {
                "offerings": queued.offering_ids,
                "since": since,
                "on": on,
            },
        )
        cursor.execute(
            "CREATE UNIQUE INDEX ON exposure_due (application_id); ANALYZE exposure_due;"
            " DROP TABLE exposure_queued"
        )


def _count_due() -> tuple[int, int]:
    """Return the number of applications in `exposure_due`, and of those that have a row in scope:
    the portfolio is counted by a full build alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(s.application_id) FROM exposure_due d"
            " LEFT JOIN exposure_scopedapplication s ON s.application_id = d.application_id"
        )
        n_due, n_scoped = cursor.fetchone()
    return n_due, n_scoped


def _queue_for_inventory(applications: str) -> None:
    """Queue the refreshed applications for the findings and runways of the inventory; null means
    all."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO inventory_staleapplication (application_id) {applications}")


def _take_lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _drop_work_tables(*tables: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(tables)}")


def _record_state(on: date, settings: EngineSettings, n_applications: int, *, built: bool) -> None:
    """Record day, settings, time and number of applications in scope; `built`: it was a full
    build."""
    moment = now()
    values: dict[str, Any] = {
        "n_applications": n_applications,
        "as_of": on,
        "settings_digest": settings.digest(),
        "refreshed_at": moment,
    }
    if built:
        values["built_at"] = moment
    EngineState.objects.update_or_create(pk=1, defaults=values)
