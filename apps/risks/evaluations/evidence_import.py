"""Import of an evaluation run as evidence: received, parsed, each figure attached to the tested
model.

The file itself is not stored, because it holds questions, answers and attacks. Its digest and the
tool's own name of the run are.
"""

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.database.bulk_writes import acquire_named_lock
from apps.common.history.context import audit_context
from apps.common.time import day_of, now
from apps.intake import import_jobs
from apps.intake.connections.token_binding import binding_of, has_bound_token
from apps.intake.import_jobs import IntakePermissionError, stored_body
from apps.intake.models import Confidence, Import, ImportContent
from apps.intake.observations.name_resolution import NameResolution, NameResolver, ObservedNames
from apps.inventory.actions.locks import ForbiddenChangeError
from apps.inventory.models import Application
from apps.risks.actions.evidence import record_evidence
from apps.risks.errors import RiskChangeError
from apps.risks.evaluations.formats import READERS, read_run
from apps.risks.evaluations.item_results import store_items
from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    SkippedPart,
    UnreadableError,
    clean,
)
from apps.risks.models import Evidence

MAX_BYTES = 50 * 1024 * 1024
# larger files are processed after the response
MAX_IMMEDIATE_BYTES = 2 * 1024 * 1024
MAX_MODEL_LENGTH = 200
# lm-eval writes a file per task: samples_TASK_2026-11-24T13-42-50.123456.jsonl
_SAMPLES_FILE = re.compile(r"samples_(.{1,180})_\d{4}-\d\d-\d\dT[\d.-]{1,30}")


def receive_evaluation(
    *,
    body: bytes,
    by: User | None,
    at: datetime,
    tool: str = "",
    model: str = "",
    suite: str = "",
    token: ApiToken | None = None,
    application: Application | None = None,
    idempotency_key: str = "",
    file_name: str = "",
    immediately: bool = False,
) -> tuple[Import, bool]:
    """Import a tool's results as evidence; return (the import, whether it is new).

    The evidence is about `application` and the model that the file names; without an application
    about the model alone, which needs the governance role. `model` and `suite` name the tested
    model and the suite where the file does not. If `by` is None, the operator imports.
    Raises IntakePermissionError if the sender lacks the role, UnreadableError if `tool` is unknown.
    """
    if tool and tool not in READERS:
        raise UnreadableError(
            f"'{tool}' is not a supported tool. Use one of: {', '.join(READERS)}."
        )
    binding = binding_of(token, application)
    if binding is not None:
        application = binding.application
    elif by is not None and not (
        by.is_governance if application is None else by.may(TeamRole.EDITOR, application.team_id)
    ):
        raise IntakePermissionError(
            (
                "You need the governance role to record evidence about a model in general. Name "
                "an application for which you have the editor role."
            )
            if application is None
            else (
                "You need the editor role on the owning team to record evidence about this "
                "application. Ask a team editor for an API token."
            )
        )
    digest = hashlib.sha256(body).hexdigest()
    mapping = {"tool": tool}
    if model or suite:
        mapping |= {"model": clean(model, MAX_MODEL_LENGTH), "suite": clean(suite, 200)}
    with transaction.atomic():
        acquire_named_lock(f"evaluation:{digest}")
        earlier_import = (
            Import.objects.filter(
                kind=Import.Kind.EVALUATION, digest=digest, application=application
            )
            .filter(**({"mapping": mapping} if model or suite else {}))
            .exclude(state__in=(Import.State.FAILED, Import.State.DROPPED))
            .order_by("-pk")
            .first()
        )
        if earlier_import is not None:
            return earlier_import, False
        import_ = Import.objects.create(
            kind=Import.Kind.EVALUATION,
            format="evals",
            file_name=clean(file_name, 255),
            digest=digest,
            n_bytes=len(body),
            by=by,
            token=token,
            application=application,
            tool=tool,
            mapping=mapping,
            idempotency_key=clean(idempotency_key, 128),
            state=Import.State.READING,
            received_at=at,
        )
        ImportContent.objects.create(import_record=import_, body=zlib.compress(body, 1))
    if immediately or len(body) <= MAX_IMMEDIATE_BYTES:
        import_jobs.run_import_now(import_.pk, STEPS)
    import_.refresh_from_db()
    return import_, True


def run_evidence_import(pk: int) -> bool:
    return import_jobs.run_import(pk, STEPS)


def run_waiting_evidence_imports() -> int:
    return import_jobs.run_waiting_imports(Import.Kind.EVALUATION, STEPS)


def _file_evidence(import_: Import) -> None:
    """Store the results of the import as evidence and delete its content; an unreadable file makes
    the import fail with the reason."""
    try:
        run = read_run(stored_body(import_), tool=str(import_.mapping.get("tool", "")))
        _name_results(import_, run)
    except UnreadableError as error:
        Import.objects.filter(pk=import_.pk).update(
            state=Import.State.FAILED, error=str(error), read_at=now()
        )
        ImportContent.objects.filter(import_record=import_).delete()
        return
    with audit_context(
        user=import_.by,
        job="" if import_.by else "ingest",
        reason=f"results of {run.tool}, import {import_.pk}",
    ) as change:
        n_created, n_unchanged = _file_results(import_, run)
    Import.objects.filter(pk=import_.pk).update(
        state=Import.State.APPLIED,
        change=change,
        tool=run.tool,
        tool_version=run.tool_version,
        natural_key=run.run,
        document_at=run.made_at,
        read_at=now(),
        applied_at=now(),
        counts={
            "created": n_created,
            "updated": 0,
            "unchanged": n_unchanged,
            "rejected": len(run.rejected),
        },
        problems={
            "rejected": [
                {"where": skipped_part.where, "reason": skipped_part.reason}
                for skipped_part in run.rejected
            ]
        }
        if run.rejected
        else {},
    )
    ImportContent.objects.filter(import_record=import_).delete()


def _name_results(import_: Import, run: EvaluationRun) -> None:
    """Name the model and the suite of results whose file names neither, as the sender stated them.
    Raise UnreadableError if results of single items have no model."""
    model = str(import_.mapping.get("model", ""))
    suite = str(import_.mapping.get("suite", ""))
    # nothing can be compared with the items of an unknown model
    if not model and any(result.items and not result.model for result in run.results):
        raise UnreadableError(
            f"The file of {run.tool} does not name the model that was tested. Enter the model, for "
            "example openai/gpt-4o."
        )
    host, slash, name = model.partition("/")
    for position, result in enumerate(run.results):
        if model and not result.model:
            provider, stated_model = (host, name) if slash else ("", model)
            result = replace(result, model=stated_model, provider=provider)
        if not result.dataset and (suite or result.items):
            named = suite or _suite_of_file(import_.file_name) or f"{run.tool} table"
            result = replace(result, dataset=named)
        run.results[position] = result


def _suite_of_file(file_name: str) -> str:
    """Return the suite by the name of its file: the task of a samples file of lm-eval, else the
    name without its ending."""
    stem = file_name.rsplit(".", 1)[0]
    match = _SAMPLES_FILE.fullmatch(stem)
    return match[1] if match else stem[:200]


def _file_results(import_: Import, run: EvaluationRun) -> tuple[int, int]:
    """Record the figures of a run and return (number created, number already recorded); rejected
    ones are added to `run.rejected`."""
    namer = NameResolver()
    names = {result: _observed_names(run, result) for result in run.results}
    matches = namer.find(names.values())
    is_granted = has_bound_token(import_)
    offerings = Offering.objects.select_related("version").in_bulk(
        {match.offering for match in matches.values() if match.offering is not None}
    )
    filed_keys = _recorded_figures(import_, run)
    n_created = n_unchanged = 0
    for result in run.results:
        resolution = matches[names[result]]
        offering = offerings.get(resolution.offering or 0)
        if offering is None and import_.application is None:
            run.rejected.append(SkippedPart(result.where, f"{result.model}: {resolution.why}"))
            continue
        if (resolution.offering, result.dataset, result.metric) in filed_keys:
            n_unchanged += 1
            continue
        try:
            # one invalid figure must not undo the others
            with transaction.atomic():
                _record_result(import_, run, result, offering, resolution, is_granted=is_granted)
            n_created += 1
        except (RiskChangeError, ForbiddenChangeError) as rejection:
            run.rejected.append(SkippedPart(result.where, str(rejection)))
        except ValidationError as error:
            run.rejected.append(SkippedPart(result.where, " ".join(error.messages)))
    return n_created, n_unchanged


def _observed_names(run: EvaluationRun, result: EvaluationResult) -> ObservedNames:
    return ObservedNames(f"evals:{run.tool}", result.provider, result.model, "", "", Confidence.BOM)


def _recorded_figures(import_: Import, run: EvaluationRun) -> set[tuple[int | None, str, str]]:
    """Return (offering, dataset, metric) of the figures that another file of the same run
    recorded."""
    if not run.run:
        return set()
    evidence = Evidence.objects.filter(tool=run.tool, run=run.run, application=import_.application)
    return set(evidence.values_list("offering", "dataset", "metric"))


def _record_result(
    import_: Import,
    run: EvaluationRun,
    result: EvaluationResult,
    offering: Offering | None,
    resolution: NameResolution,
    *,
    is_granted: bool,
) -> None:
    """Record one result as evidence. A model that was not identified (`offering` is None) is named
    in the note. `is_granted`: the sender may add evidence to this application."""
    at = import_.received_at
    notes = [run.note, result.note]
    if offering is None:
        notes.append(f"The model was named '{result.model}'. {resolution.why}")
    evidence = record_evidence(
        kind=run.kind,
        run_on=min(day_of(run.made_at), day_of(at)) if run.made_at else day_of(at),
        by=import_.sender,
        at=at,
        is_granted=is_granted,
        facts={
            "tool": run.tool,
            "run": run.run,
            "application": import_.application,
            "offering": offering,
            "version": offering.version if offering is not None else None,
            "dataset": result.dataset,
            "metric": result.metric,
            "value": Decimal(str(round(result.value, 6))),
            "n": result.n,
            "higher_is_better": result.higher_is_better,
            "passed": result.passed,
            "digest": import_.digest,
            "note": " ".join(f"{note.rstrip('.')}." for note in notes if note),
        },
        reason=f"results of {run.tool} {run.tool_version}".strip(),
    )
    if result.items is not None:
        store_items(evidence, result.items)


STEPS: dict[str, Callable[[Import], None]] = {Import.State.READING: _file_evidence}
