"""A question's way through the gate: received, judged at once or by a worker, kept, and marked as
released.

The same question about the same commit is the same run for as long as its answer is the same; a
waiver that was granted meanwhile, a date that came nearer or a changed policy make it another run.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
import structlog
from django.db import connection, transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import TeamRole
from apps.common.database.bulk_writes import acquire_named_lock
from apps.gate.evaluating import Outcome, evaluate
from apps.gate.freshness import Catalogue
from apps.gate.matching import Asked
from apps.gate.models import GateFinding, GateRun
from apps.gate.rules import EXIT_CODES, Decision
from apps.gate.tasknames import JUDGE
from apps.intake.documents.records import clean
from apps.inventory.actions.checks import ChangeConflictError
from apps.inventory.actions.locks import lock_applications
from apps.inventory.models import Application

log = structlog.get_logger(__name__)

# what is judged while the pipeline waits
AT_ONCE = 500
MOST_MODELS = 50_000
_MOST_ATTEMPTS = 3
_SAME_ENVIRONMENT = {
    "prod": "production",
    "live": "production",
    "prd": "production",
    "stage": "staging",
    "dev": "development",
}
_COMMIT = re.compile(r"[^0-9A-Za-z._-]")


def environment_named(text: str) -> str:
    """In small letters, and one word for the usual abbreviations."""
    word = clean(text, 60).lower()
    return _SAME_ENVIRONMENT.get(word, word)


def ask(
    *,
    application: Application,
    asked: Sequence[Asked],
    by: User,
    at: datetime,
    token: ApiToken | None = None,
    environment: str = "",
    commit: str = "",
    ref: str = "",
    mode: str = GateRun.Mode.ENFORCE,
    baseline: str = GateRun.Baseline.LAST_RELEASED,
    blocks_all: bool = False,
    incomplete: str = "",
    catalogue: Catalogue | None = None,
) -> GateRun:
    """The run that answers the question: decided, or waiting for a worker above AT_ONCE models.
    `catalogue` as for `evaluate`; a worker reads it for itself."""
    asked = [_tidy(each) for each in asked]
    environment = environment_named(environment)
    question = [asdict(each) for each in asked]
    digest = hashlib.sha256(
        orjson.dumps(
            [question, environment, mode, baseline, blocks_all, incomplete],
            option=orjson.OPT_SORT_KEYS,
        )
    ).hexdigest()
    run = GateRun(
        application=application,
        environment=environment,
        commit=_COMMIT.sub("", commit)[:64],
        ref=clean(ref, 255),
        mode=mode,
        baseline=baseline,
        blocks_all=blocks_all,
        digest=digest,
        by=by,
        token=token,
        asked_at=at,
        asked_last_at=at,
        n_models=len(asked),
    )
    if len(asked) > AT_ONCE:
        run.question = [{"incomplete": incomplete}, *question]
        return _queued(run)
    outcome = _outcome(run, asked, at=at, incomplete=incomplete, catalogue=catalogue)
    return _kept(run, outcome, at=at)


def _tidy(asked: Asked) -> Asked:
    return Asked(
        model=clean(asked.model, 256),
        host=clean(asked.host, 120),
        region=clean(asked.region, 60),
        alias=asked.alias,
        file=clean(asked.file, 300),
        line=asked.line,
    )


def _outcome(
    run: GateRun,
    asked: Sequence[Asked],
    *,
    at: datetime,
    incomplete: str,
    catalogue: Catalogue | None = None,
) -> Outcome:
    return evaluate(
        application=run.application,
        asked=asked,
        environment=run.environment,
        at=at,
        mode=run.mode,
        baseline=run.baseline,
        blocks_all=run.blocks_all,
        incomplete=incomplete,
        catalogue=catalogue,
    )


def _lock(run: GateRun) -> None:
    """Two askers of one question at once: the second waits, and is given the first one's run."""
    acquire_named_lock(f"gate:{run.application_id}:{run.commit}:{run.digest}")


def _same(run: GateRun) -> GateRun | None:
    return (
        GateRun.objects.filter(application=run.application, commit=run.commit, digest=run.digest)
        .exclude(state=GateRun.State.FAILED)
        .order_by("-pk")
        .first()
    )


@transaction.atomic
def _kept(run: GateRun, outcome: Outcome, *, at: datetime) -> GateRun:
    _lock(run)
    earlier = _same(run)
    if earlier is not None and earlier.outcome == outcome.digest:
        earlier.asked_last_at, earlier.summary = at, outcome.summary
        earlier.catalogue_as_of, earlier.catalogue_sources = (
            outcome.catalogue.as_of,
            outcome.catalogue.sources,
        )
        earlier.save(
            update_fields=["asked_last_at", "summary", "catalogue_as_of", "catalogue_sources"]
        )
        return earlier
    _write_down(run, outcome, at=at)
    run.save(force_insert=True)
    _store_findings(run, outcome)
    return run


@transaction.atomic
def _queued(run: GateRun) -> GateRun:
    _lock(run)
    earlier = _same(run)
    if earlier is not None and earlier.state == GateRun.State.WAITING:
        return earlier
    run.save(force_insert=True)
    transaction.on_commit(lambda: _send(run.pk))
    return run


def _send(pk: int) -> None:
    try:
        JUDGE.clone(args=(pk,)).apply_async(retry=False)
    except OperationalError as error:
        log.warning(
            "the broker is away; beat will find the question", gate_run=pk, error=str(error)
        )


def _write_down(run: GateRun, outcome: Outcome, *, at: datetime) -> None:
    heard = [each for each in outcome.findings if each.waiver is None]
    run.state, run.decision, run.exit_code = GateRun.State.DONE, outcome.decision, outcome.exit_code
    run.summary, run.outcome, run.policy_version = (
        outcome.summary,
        outcome.digest,
        outcome.policy_version,
    )
    run.catalogue_as_of, run.catalogue_sources = outcome.catalogue.as_of, outcome.catalogue.sources
    run.horizon, run.against, run.evaluated = outcome.horizon, outcome.against, outcome.evaluated
    run.n_errors = sum(1 for each in heard if each.level == "error")
    run.n_warnings = sum(1 for each in heard if each.level == "warning")
    run.n_waived = len(outcome.findings) - len(heard)
    run.question, run.decided_at = [], at


def _store_findings(run: GateRun, outcome: Outcome) -> None:
    slug = run.application.slug
    GateFinding.objects.bulk_create(
        [
            GateFinding(
                run=run,
                rule=each.rule,
                level=each.level,
                model=each.model[:300],
                resolved_id=each.resolved_id[:300],
                offering_id=each.offering,
                file=each.file[:300],
                line=each.line,
                message=each.message,
                replacement=each.replacement[:300],
                by_date=each.by_date,
                is_new=each.is_new,
                waiver_id=each.waiver,
                waived_until=each.waived_until,
                fingerprint=each.fingerprint(slug),
            )
            for each in outcome.findings
        ],
        batch_size=1000,
    )


# --- what a worker does ---------------------------------------------------------------------------


def judge(pk: int, *, at: datetime) -> bool:
    """Judge a waiting question; False where somebody else is at it or nothing is to be done."""
    with transaction.atomic():
        claimed = (
            GateRun.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("application")
            .filter(pk=pk)
            .waiting()
            .first()
        )
        if claimed is None:
            return False
        GateRun.objects.filter(pk=pk).update(attempts=F("attempts") + 1)
        if claimed.attempts >= _MOST_ATTEMPTS:
            _give_up(claimed, at=at)
            return True
    with transaction.atomic():
        claimed = (
            GateRun.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("application")
            .filter(pk=pk)
            .waiting()
            .first()
        )
        if claimed is None:
            return False
        head, *rest = claimed.question
        asked = [Asked(**each) for each in rest]
        outcome = _outcome(claimed, asked, at=at, incomplete=head["incomplete"])
        _write_down(claimed, outcome, at=at)
        claimed.save()
        _store_findings(claimed, outcome)
    return True


def _give_up(run: GateRun, *, at: datetime) -> None:
    """It has ended the worker too often: the pipeline is told that nothing can be decided."""
    GateRun.objects.filter(pk=run.pk).update(
        state=GateRun.State.FAILED,
        question=[],
        decision=Decision.UNKNOWN,
        decided_at=at,
        exit_code=0 if run.mode == GateRun.Mode.REPORT else EXIT_CODES[Decision.UNKNOWN],
        summary="It could not be judged, three times over; the register's log says why. Ask again.",
    )


def judge_waiting(*, at: datetime) -> int:
    waiting = list(GateRun.objects.waiting().order_by("pk").values_list("pk", flat=True))
    return sum(judge(pk, at=at) for pk in waiting)


# --- afterwards -----------------------------------------------------------------------------------


@transaction.atomic
def release(*, run: GateRun, by: User, at: datetime) -> GateRun:
    """What this run looked at was shipped: from now on it is what further runs of the environment
    are compared with.

    Twice changes nothing. ChangeConflictError before it was decided.
    """
    lock_applications([run.application_id], by=by, no_key=True)
    run = (
        GateRun.objects.select_for_update(of=("self",)).select_related("application").get(pk=run.pk)
    )
    if run.state != GateRun.State.DONE:
        raise ChangeConflictError("This run has not been decided. Release it once it is.")
    if run.released_at is None:
        run.released_at, run.released_by = at, by
        run.save(update_fields=["released_at", "released_by"])
    return run


def may_ask(user: User, application: Application) -> bool:
    return user.may(TeamRole.EDITOR, application.team_id)


def forget_old_runs(*, at: datetime, keep_days: int) -> int:
    """Runs that nobody asked for again within `keep_days`, but what was released last in each
    environment and the last run of each application; the number forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH kept AS (
                (SELECT DISTINCT ON (application_id, environment) id FROM gate_gaterun
                 WHERE released_at IS NOT NULL
                 ORDER BY application_id, environment, released_at DESC, id DESC)
                UNION
                (SELECT DISTINCT ON (application_id) id FROM gate_gaterun
                ORDER BY application_id, id DESC)
            )
            SELECT r.id FROM gate_gaterun r
            WHERE r.asked_last_at < %(at)s::timestamptz - make_interval(days => %(days)s)
              AND NOT EXISTS (SELECT 1 FROM kept WHERE kept.id = r.id)
            ORDER BY r.id LIMIT 10000
            """,
            {"at": at, "days": keep_days},
        )
        ids: list[Any] = [row[0] for row in cursor.fetchall()]
    GateRun.objects.filter(pk__in=ids).delete()
    return len(ids)
