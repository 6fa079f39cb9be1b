"""Gate runs: a request is evaluated immediately or by a worker, stored, and later marked as
released.

The same request for the same commit is the same run for as long as its result is the same; a waiver
granted meanwhile, a nearer retirement date or a changed policy make another run."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
import structlog
from celery import signature
from django.db import connection, transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import TeamRole
from apps.common.database.bulk_writes import acquire_named_lock
from apps.common.errors import ConflictError
from apps.gate.matching import RequestedModel
from apps.gate.models import GateFinding, GateRun
from apps.gate.rules.catalogue_freshness import Catalogue
from apps.gate.rules.definitions import EXIT_CODES, Decision
from apps.gate.rules.evaluation import GateOutcome, evaluate_models
from apps.intake.documents.records import clean
from apps.inventory.actions.locks import lock_applications
from apps.inventory.models import Application

EVALUATE_TASK = signature("gate.judge")


log = structlog.get_logger(__name__)

# evaluated during the request; larger requests go to a worker
MAX_IMMEDIATE_MODELS = 500
MAX_MODELS = 50_000
_MAX_ATTEMPTS = 3
_ENVIRONMENT_SYNONYMS = {
    "prod": "production",
    "live": "production",
    "prd": "production",
    "stage": "staging",
    "dev": "development",
}
_COMMIT = re.compile(r"[^0-9A-Za-z._-]")


def normalise_environment(text: str) -> str:
    """Return the name in lower case, with the usual abbreviations replaced by one name."""
    name = clean(text, 60).lower()
    return _ENVIRONMENT_SYNONYMS.get(name, name)


def request_run(
    *,
    application: Application,
    requested: Sequence[RequestedModel],
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
    """Return the run of the request: decided, or waiting for a worker above MAX_IMMEDIATE_MODELS
    models. `catalogue` as for `evaluate_models`; a worker reads it for itself."""
    requested = [_clean_model(model) for model in requested]
    environment = normalise_environment(environment)
    question = [asdict(model) for model in requested]
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
        requested_at=at,
        last_requested_at=at,
        n_models=len(requested),
    )
    if len(requested) > MAX_IMMEDIATE_MODELS:
        run.question = [{"incomplete": incomplete}, *question]
        return _queue_run(run)
    outcome = _evaluate_run(run, requested, at=at, incomplete=incomplete, catalogue=catalogue)
    return _store_run(run, outcome, at=at)


def _clean_model(requested: RequestedModel) -> RequestedModel:
    return RequestedModel(
        model=clean(requested.model, 256),
        host=clean(requested.host, 120),
        region=clean(requested.region, 60),
        alias=requested.alias,
        file=clean(requested.file, 300),
        line=requested.line,
    )


def _evaluate_run(
    run: GateRun,
    requested: Sequence[RequestedModel],
    *,
    at: datetime,
    incomplete: str,
    catalogue: Catalogue | None = None,
) -> GateOutcome:
    """Evaluate the run; `incomplete` says why not all models could be read, otherwise empty."""
    return evaluate_models(
        application=run.application,
        requested=requested,
        environment=run.environment,
        at=at,
        mode=run.mode,
        baseline=run.baseline,
        blocks_all=run.blocks_all,
        incomplete=incomplete,
        catalogue=catalogue,
    )


def _lock_question(run: GateRun) -> None:
    """Lock the request: of two identical concurrent requests the second waits, and receives the run
    of the first."""
    acquire_named_lock(f"gate:{run.application_id}:{run.commit}:{run.digest}")


def _find_same_run(run: GateRun) -> GateRun | None:
    return (
        GateRun.objects.filter(application=run.application, commit=run.commit, digest=run.digest)
        .exclude(state=GateRun.State.FAILED)
        .order_by("-pk")
        .first()
    )


@transaction.atomic
def _store_run(run: GateRun, outcome: GateOutcome, *, at: datetime) -> GateRun:
    """Store the run with its outcome and return it; an equal earlier run with an equal outcome is
    updated instead."""
    _lock_question(run)
    same_run = _find_same_run(run)
    if same_run is not None and same_run.outcome == outcome.digest:
        same_run.last_requested_at, same_run.summary = at, outcome.summary
        same_run.catalogue_as_of, same_run.catalogue_sources = (
            outcome.catalogue.as_of,
            outcome.catalogue.sources,
        )
        same_run.save(
            update_fields=["last_requested_at", "summary", "catalogue_as_of", "catalogue_sources"]
        )
        return same_run
    _set_outcome(run, outcome, at=at)
    run.save(force_insert=True)
    _store_findings(run, outcome)
    return run


@transaction.atomic
def _queue_run(run: GateRun) -> GateRun:
    _lock_question(run)
    same_run = _find_same_run(run)
    if same_run is not None and same_run.state == GateRun.State.WAITING:
        return same_run
    run.save(force_insert=True)
    transaction.on_commit(lambda: _send_task(run.pk))
    return run


def _send_task(pk: int) -> None:
    try:
        EVALUATE_TASK.clone(args=(pk,)).apply_async(retry=False)
    except OperationalError as error:
        log.warning(
            "the broker is not available; beat will start the evaluation",
            gate_run=pk,
            error=str(error),
        )


def _set_outcome(run: GateRun, outcome: GateOutcome, *, at: datetime) -> None:
    """Set the fields of the run from the outcome; waived findings are not counted as errors or
    warnings."""
    unwaived = [finding for finding in outcome.findings if finding.waiver is None]
    run.state, run.decision, run.exit_code = GateRun.State.DONE, outcome.decision, outcome.exit_code
    run.summary, run.outcome, run.policy_version = (
        outcome.summary,
        outcome.digest,
        outcome.policy_version,
    )
    run.catalogue_as_of, run.catalogue_sources = outcome.catalogue.as_of, outcome.catalogue.sources
    run.horizon, run.baseline_run, run.evaluated = (
        outcome.horizon,
        outcome.baseline_run,
        outcome.evaluated,
    )
    run.n_errors = sum(1 for finding in unwaived if finding.level == "error")
    run.n_warnings = sum(1 for finding in unwaived if finding.level == "warning")
    run.n_waived = len(outcome.findings) - len(unwaived)
    run.question, run.decided_at = [], at


def _store_findings(run: GateRun, outcome: GateOutcome) -> None:
    """Store the findings of the run, cut to the lengths of the columns."""
    slug = run.application.slug
    GateFinding.objects.bulk_create(
        [
            GateFinding(
                run=run,
                rule=finding.rule,
                level=finding.level,
                model=finding.model[:300],
                resolved_id=finding.resolved_id[:300],
                offering_id=finding.offering,
                file=finding.file[:300],
                line=finding.line,
                message=finding.message,
                replacement=finding.replacement[:300],
                by_date=finding.by_date,
                is_new=finding.is_new,
                waiver_id=finding.waiver,
                waived_until=finding.waived_until,
                fingerprint=finding.fingerprint(slug),
            )
            for finding in outcome.findings
        ],
        batch_size=1000,
    )


# --- evaluation by a worker -----------------------------------------------------------------------


def evaluate_waiting_run(pk: int, *, at: datetime) -> bool:
    """Evaluate a waiting run; False if another worker has it or there is nothing to do."""
    with transaction.atomic():
        run = (
            GateRun.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("application")
            .filter(pk=pk)
            .waiting()
            .first()
        )
        if run is None:
            return False
        GateRun.objects.filter(pk=pk).update(attempts=F("attempts") + 1)
        if run.attempts >= _MAX_ATTEMPTS:
            _give_up(run, at=at)
            return True
    with transaction.atomic():
        run = (
            GateRun.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("application")
            .filter(pk=pk)
            .waiting()
            .first()
        )
        if run is None:
            return False
        head, *models = run.question
        requested = [RequestedModel(**model) for model in models]
        outcome = _evaluate_run(run, requested, at=at, incomplete=head["incomplete"])
        _set_outcome(run, outcome, at=at)
        run.save()
        _store_findings(run, outcome)
    return True


def _give_up(run: GateRun, *, at: datetime) -> None:
    """Give up on a run that has killed its worker too often: the pipeline's response says that no
    decision is possible."""
    GateRun.objects.filter(pk=run.pk).update(
        state=GateRun.State.FAILED,
        question=[],
        decision=Decision.UNKNOWN,
        decided_at=at,
        exit_code=0 if run.mode == GateRun.Mode.REPORT else EXIT_CODES[Decision.UNKNOWN],
        summary="The request failed after 3 attempts. See the server log, then send the "
        "request again.",
    )


def evaluate_waiting_runs(*, at: datetime) -> int:
    run_ids = list(GateRun.objects.waiting().order_by("pk").values_list("pk", flat=True))
    return sum(evaluate_waiting_run(pk, at=at) for pk in run_ids)


# --- release and retention ------------------------------------------------------------------------


@transaction.atomic
def release_run(*, run: GateRun, by: User, at: datetime) -> GateRun:
    """Mark the run as released: further runs of the environment are compared with it as their
    baseline.

    A second call changes nothing. ConflictError if the run is not decided yet."""
    lock_applications([run.application_id], by=by, no_key=True)
    run = (
        GateRun.objects.select_for_update(of=("self",)).select_related("application").get(pk=run.pk)
    )
    if run.state != GateRun.State.DONE:
        raise ConflictError("This run has no decision yet. Mark it as released after the decision.")
    if run.released_at is None:
        run.released_at, run.released_by = at, by
        run.save(update_fields=["released_at", "released_by"])
    return run


def can_use_gate(user: User, application: Application) -> bool:
    return user.may(TeamRole.EDITOR, application.team_id)


def purge_old_runs(*, at: datetime, keep_days: int) -> int:
    """Delete runs that were not requested again within `keep_days`, except the last released one in
    each environment and the last run of each application, and return the number deleted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH kept AS (
                -- the last released run of each application in each environment
                (SELECT DISTINCT ON (application_id, environment) id FROM gate_gaterun
                 WHERE released_at IS NOT NULL
                 ORDER BY application_id, environment, released_at DESC, id DESC)
                UNION
                -- the last run of each application
                (SELECT DISTINCT ON (application_id) id FROM gate_gaterun
                ORDER BY application_id, id DESC)
            )
            SELECT r.id FROM gate_gaterun r
            WHERE r.last_requested_at < %(at)s::timestamptz - make_interval(days => %(days)s)
              AND NOT EXISTS (SELECT 1 FROM kept WHERE kept.id = r.id)
            ORDER BY r.id LIMIT 10000
            """,
            {"at": at, "days": keep_days},
        )
        ids: list[Any] = [row[0] for row in cursor.fetchall()]
    GateRun.objects.filter(pk__in=ids).delete()
    return len(ids)
