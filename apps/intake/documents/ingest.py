"""Document ingestion: a document is received and read, its sightings are stored and reconciled with
the inventory.

The endpoint only stores the body and its digest; the reading is one transaction, in a worker if the
document is large. A document that is sent again, even concurrently, returns the import that was
made first."""

import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.accounts.models import ApiToken, Team, User
from apps.accounts.roles import TeamRole
from apps.common.database.bulk_writes import acquire_named_lock
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.intake import import_jobs
from apps.intake.connections.service_links import end_orphaned_dependencies
from apps.intake.connections.token_binding import binding_of, has_bound_token
from apps.intake.documents.application_import import ApplicationImport, import_applications
from apps.intake.documents.billed_costs import billing_tags, delete_charges, store_charges
from apps.intake.documents.child_reader import (
    prepare_document,
    read_document,
    reduce_document,
)
from apps.intake.documents.deployments import (
    delete_deployments,
    deployment_as_use,
    ingest_deployments,
    requeue_observations,
    update_deployment_aliases,
)
from apps.intake.documents.formats import ALL_FORMATS
from apps.intake.documents.records import (
    APPLICATION_PARAMETER,
    Document,
    DocumentFormat,
    Sighting,
    SkippedPart,
    UnreadableError,
    clean,
)
from apps.intake.documents.usage_reports import delete_usage, store_usage
from apps.intake.import_jobs import (
    IdempotencyKeyReusedError,
    IntakePermissionError,
    InvalidStateError,
    stored_body,
)
from apps.intake.models import Import, ImportContent, Observation
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.observations.storage import (
    AttributedSighting,
    DocumentScope,
    ensure_services,
    mark_missing,
    mark_superseded,
    store_observations,
)
from apps.inventory.actions.locks import ForbiddenChangeError, lock_applications, lock_teams_of
from apps.inventory.actions.undo import teams_of_change, undo_change
from apps.inventory.models import Application

# number of problems of each kind that an import stores
MAX_LISTED = 1_000
# largest document that is read in the request
MAX_IMMEDIATE_BYTES = 256 * 1024
_FORMATS_WITHOUT_APPLICATION = frozenset(
    {*(name for name, form in ALL_FORMATS.items() if form.holds_for_all), "usage", "focus"}
)
NO_AI_NAMED = (
    "The document contains no model and no AI service, so nothing was confirmed or ended. If the "
    "application uses models, send a document of a scanner that detects them, such as cdxgen's "
    "command aibom."
)
_TEAM_CHANGED = (
    "The application now belongs to another team on which you do not have the editor role. "
    "Nothing was imported. Ask an editor of that team to send the document."
)
_LINKED_ELSEWHERE = (
    "is linked to an application that you cannot edit. Ask an editor of its team to send the "
    "document."
)


def receive_document(
    *,
    document_format: DocumentFormat,
    body: bytes,
    by: User | None,
    at: datetime,
    token: ApiToken | None = None,
    application: Application | None = None,
    team: Team | None = None,
    environment: str = "",
    part: str = "",
    idempotency_key: str = "",
    file_name: str = "",
    strict: bool = False,
    is_foreign: bool = False,
    at_once: bool = False,
) -> tuple[Import, bool]:
    """Store the document and start reading it; return (the import, whether it is new).

    `part` distinguishes the documents of an application that has several, one per repository: the
    newest document of a part replaces only documents of that part. `team` receives the applications
    of the document that name no existing team. `body` is already decompressed and within the
    format's limits. `by` None is the operator, who may write everywhere. A large document is read
    by a worker, unless `at_once` is set. `strict`: a document that violates its schema fails.
    `is_foreign`: the sender named an application that does not exist here, so imports about
    existing applications are not considered a repetition.

    Raises IntakePermissionError if the sender may not write to the application, UnreadableError if
    the body cannot be read, IdempotencyKeyReusedError if `idempotency_key` was used for another
    document."""
    binding = binding_of(token, application)
    if binding is not None:
        application = binding.application
        environment = environment or binding.environment
    # the binding of a token gives a service account permission; a user needs the role anyway
    needs_no_role = by is None or (binding is not None and by.is_service)
    if (
        application is not None
        and by is not None
        and not needs_no_role
        and not by.may(TeamRole.EDITOR, application.team_id)
    ):
        raise IntakePermissionError(
            "You need the editor role on the owning team to send documents about this application."
        )
    digest = hashlib.sha256(body).hexdigest()
    natural_key, redacted = (
        prepare_document(document_format.name, body)
        if document_format.natural_key or document_format.redact
        else ("", None)
    )
    if document_format.reduce is not None:
        redacted = reduce_document(document_format.name, body, billing_tags())
    # read before the lock is taken, because reading can take long and other senders wait for the
    # lock
    same_content_id = _find_same_content(
        document_format,
        body,
        natural_key,
        digest,
        by,
        application,
        environment,
        is_foreign=is_foreign,
    )
    with transaction.atomic():
        # of two concurrent senders of the same document the second waits, and gets the import of
        # the first
        if idempotency_key:
            acquire_named_lock(f"{by.pk if by else 0}:key:{idempotency_key}")
        acquire_named_lock(
            f"{by.pk if by else 0}:{natural_key or digest}:{application.pk if application else 0}"
        )
        earlier_import = _find_earlier_import(
            document_format,
            natural_key,
            digest,
            by,
            application,
            environment,
            idempotency_key,
            is_foreign=is_foreign,
            same_content_id=same_content_id,
        )
        if earlier_import is not None:
            return earlier_import, False
        body_to_store = body if redacted is None else redacted
        import_ = Import.objects.create(
            kind=Import.Kind.DOCUMENT,
            format=document_format.name,
            file_name=clean(file_name, 255),
            digest=digest,
            n_bytes=len(body),
            by=by,
            token=token,
            application=application,
            environment=clean(environment, 60),
            idempotency_key=clean(idempotency_key, 128),
            strict=strict,
            state=Import.State.READING,
            received_at=at,
            natural_key=natural_key,
            mapping=({"team": team.pk} if team else {}) | {"part": clean(part, 60).lower()},
        )
        ImportContent.objects.create(import_record=import_, body=zlib.compress(body_to_store, 6))
    if at_once or len(body_to_store) <= MAX_IMMEDIATE_BYTES:
        import_jobs.run_import_now(import_.pk, STEPS)
    else:
        import_jobs.send_to_worker(import_.pk)
    import_.refresh_from_db()
    return import_, True


def set_document_application(*, import_: Import, application: Application, by: User) -> Import:
    """Set the application of a document that a user selected, and read the document for it."""
    if not by.may(TeamRole.EDITOR, application.team_id):
        raise IntakePermissionError(
            "You need the editor role on the owning team to add documents to this application."
        )
    n_updated = Import.objects.filter(
        pk=import_.pk,
        kind=Import.Kind.DOCUMENT,
        state__in=(Import.State.RECEIVED, Import.State.FAILED),
    ).update(state=Import.State.READING, application=application, error="", attempts=0)
    import_.refresh_from_db()
    if not n_updated:
        raise InvalidStateError(
            f"This import has already changed its status: {import_.get_state_display()}. Reload "
            "the page."
        )
    import_jobs.run_import_now(import_.pk, STEPS)
    import_.refresh_from_db()
    return import_


def run_document_import(pk: int) -> bool:
    return import_jobs.run_import(pk, STEPS)


def _find_same_content(
    document_format: DocumentFormat,
    body: bytes,
    natural_key: str,
    digest: str,
    by: User | None,
    application: Application | None,
    environment: str,
    *,
    is_foreign: bool,
) -> int | None:
    """Return the ID of the import with the same natural key, if its content is the same but its
    bytes differ; otherwise None. `is_foreign` as in `receive_document`."""
    if not natural_key:
        return None
    _, same_subject = _select_imports(
        document_format, by, application, environment, is_foreign=is_foreign
    )
    candidate = same_subject.filter(natural_key=natural_key).first()
    return (
        candidate.pk
        if candidate is not None
        and candidate.digest != digest
        and _has_same_content(document_format, candidate, body)
        else None
    )


def _select_imports(
    document_format: DocumentFormat,
    by: User | None,
    application: Application | None,
    environment: str,
    *,
    is_foreign: bool,
) -> tuple[QuerySet[Import], QuerySet[Import]]:
    """Return (all imports of this sender and format, those of them about the same subject that did
    not fail and were not discarded or undone), newest first. `is_foreign` as in
    `receive_document`."""
    imports = Import.objects.filter(
        kind=Import.Kind.DOCUMENT, format=document_format.name, by=by
    ).order_by("-pk")
    same_subject = imports.exclude(
        state__in=(Import.State.FAILED, Import.State.DROPPED, Import.State.UNDONE)
    )
    if application is not None:
        same_subject = same_subject.filter(application=application, environment=environment)
    elif document_format.holds_for_all or is_foreign:
        same_subject = same_subject.filter(application__isnull=True)
    return imports, same_subject


def _find_earlier_import(
    document_format: DocumentFormat,
    natural_key: str,
    digest: str,
    by: User | None,
    application: Application | None,
    environment: str,
    idempotency_key: str,
    *,
    is_foreign: bool,
    same_content_id: int | None,
) -> Import | None:
    """Return the import that this document repeats, None if there is none: with the same natural
    key and content (such as XML of an earlier JSON document), the same idempotency key, or the
    identical body.

    Without an application any import of the sender is considered, since the document itself may
    name its application; if `is_foreign`, only those without an application. `same_content_id` is
    the import with the same content in other bytes, as from `_find_same_content`. Raises
    IdempotencyKeyReusedError if the key was used for another body."""
    imports, same_subject = _select_imports(
        document_format, by, application, environment, is_foreign=is_foreign
    )
    if natural_key:
        candidate = same_subject.filter(natural_key=natural_key).first()
        # a document that was edited without a new version is not the same document
        if candidate is not None and (
            candidate.digest == digest or candidate.pk == same_content_id
        ):
            return candidate
    if idempotency_key:
        candidate = imports.filter(idempotency_key=idempotency_key).first()
        if candidate is not None and candidate.digest != digest:
            raise IdempotencyKeyReusedError(clean(idempotency_key, 60))
        if candidate is not None:
            return candidate
    return same_subject.filter(digest=digest).first()


def _has_same_content(document_format: DocumentFormat, earlier_import: Import, body: bytes) -> bool:
    try:
        earlier_document, new_document = (
            read_document(document_format.name, stored_body(earlier_import)),
            read_document(document_format.name, body),
        )
    except UnreadableError:
        return False
    return (earlier_document.maker, earlier_document.subject, earlier_document.sightings) == (
        new_document.maker,
        new_document.subject,
        new_document.sightings,
    )


# --- steps in a worker ----------------------------------------------------------------------------


def _read_import(import_: Import) -> None:
    """Read the document of an import and store its content, or close the import with the reason."""
    try:
        document = read_document(import_.format, stored_body(import_))
    except UnreadableError as error:
        _close_import(import_, state=Import.State.FAILED, error=str(error))
        return
    if import_.strict and document.schema_valid is False:
        _close_import(
            import_,
            document,
            state=Import.State.FAILED,
            error="The document does not match its schema, and strict reading was requested. "
            "Nothing was imported.",
        )
        return
    application = import_.application or _find_subject(document, import_.sender)
    if application is None and any(not sighting.service for sighting in document.sightings):
        hint = (
            f" The document calls it '{document.subject}', but no application has this name."
            if document.subject
            else ""
        )
        _close_import(
            import_,
            document,
            state=Import.State.RECEIVED,
            error=f"The document does not state its application.{hint} Select the "
            f"application, or send the document with {APPLICATION_PARAMETER}.",
        )
        return
    sender = import_.sender
    if (
        application is None
        and document.deployments
        and sender is not None
        and not sender.is_governance
    ):
        _close_import(
            import_,
            document,
            state=Import.State.RECEIVED,
            error="The names in this document would apply to all applications, which "
            "requires the governance role. Select the application that uses these "
            f"deployments, or send the document with {APPLICATION_PARAMETER}.",
        )
        return
    if application is not None and import_.by is not None and import_.application is None:
        import_.application = application
    if application is not None:
        try:
            lock_applications([application.pk], by=None if has_bound_token(import_) else sender)
        except ForbiddenChangeError:
            _close_import(import_, document, state=Import.State.FAILED, error=_TEAM_CHANGED)
            return
    _store_document(import_, document, application)


def _store_document(import_: Import, document: Document, application: Application | None) -> None:
    """Store applications, sightings, deployments and usage of a document as one change, reconcile
    them, and close the import with its counts."""
    if not document.names_ai:
        document.ignored.append(SkippedPart("", NO_AI_NAMED))
    # a date in the future, from a wrong clock, would make all later documents look older
    document.made_at = min(document.made_at, import_.received_at) if document.made_at else None
    at = document.made_at or import_.received_at
    stream = stream_of(import_.format, document)
    part = import_.mapping.get("part", "")
    newer_at = _find_superseding_time(import_, document, application, part)
    if newer_at is not None:
        at = min(at, newer_at - timedelta(microseconds=1))
    with audit_context(
        user=import_.by,
        job="" if import_.by else "ingest",
        reason=f"{import_.format} import {import_.pk}",
    ) as change:
        application_import = import_applications(
            document.applications,
            kind=import_.format,
            by=import_.sender,
            team=Team.objects.filter(pk=import_.mapping.get("team")).first(),
        )
        document.rejected += application_import.rejected
        if document.deployments_are_uses and application is not None:
            document.sightings += map(deployment_as_use, document.deployments)
        attributed_sightings = _attribute_sightings(
            import_, document, application, application_import, at
        )
        keys = store_observations(stream, attributed_sightings, seen_in=import_)
        n_missing = 0
        if document.is_complete and document.names_ai:
            environments = frozenset(
                {
                    import_.environment,
                    *(attributed.sighting.environment for attributed in attributed_sightings),
                }
            )
            for pk in {
                *application_import.ids.values(),
                *([application.pk] if application is not None else []),
            }:
                scope = DocumentScope(stream, pk, part, environments)
                n_missing += (
                    mark_missing(scope, keys=keys, at=at)
                    if newer_at is None
                    else mark_superseded(scope, newer_at=newer_at)
                )
        deployment_effects = ingest_deployments(
            document,
            stream=stream,
            application=application,
            seen_in=import_,
            at=at,
            is_older=newer_at is not None,
        )
        usage_keys = store_usage(
            document, stream=stream, application=application, import_=import_, at=now()
        )
        charge_keys, unmatched_charges = store_charges(
            document, stream=stream, application=application, import_=import_, at=now()
        )
        usage_keys += charge_keys
        tally = reconcile_waiting(
            at=now(), keys={*keys, *usage_keys, *deployment_effects.observations}
        )
        if deployment_effects.dependencies:
            end_orphaned_dependencies(deployment_effects.dependencies, by=import_.sender, at=now())
    pointers = {
        key: attributed.sighting.where
        for key, attributed in zip(keys, attributed_sightings, strict=True)
    }
    keys += usage_keys
    observations = Observation.objects.filter(key__in=keys)
    open_states = (Observation.State.UNRESOLVED, Observation.State.UNCLAIMED)
    unresolved = (
        observations.filter(state__in=open_states)
        .select_related("service")
        .order_by("requested", "pk")[:MAX_LISTED]
    )
    counts = {
        "sightings": len(document.sightings) + len(document.usage) + len(set(charge_keys)),
        "observations": len(set(keys)),
        "applications": {
            "created": application_import.n_created,
            "updated": application_import.n_updated,
            "unchanged": application_import.n_unchanged,
        },
        "created": tally["created"],
        "updated": tally["updated"],
        "unchanged": max(
            observations.filter(dependency__isnull=False).values("dependency").distinct().count()
            - tally["created"]
            - tally["updated"],
            0,
        ),
        "unresolved": observations.filter(state=Observation.State.UNRESOLVED).count()
        + len(deployment_effects.unknown)
        + len(unmatched_charges),
        "unclaimed": observations.filter(state=Observation.State.UNCLAIMED).count(),
        "missing": n_missing + deployment_effects.n_missing,
        "deployments": len(document.deployments),
        "ignored": len(document.ignored),
        "rejected": len(document.rejected),
        "names_ai": document.names_ai,
    }
    _close_import(
        import_,
        document,
        state=Import.State.APPLIED,
        change=change,
        counts=counts,
        applied_at=now(),
        is_older=newer_at is not None,
        application=application,
        unresolved=[
            *(
                SkippedPart(
                    ", ".join(observation.places[:3])
                    or pointers.get(observation.key, "")
                    or str(observation.service or ""),
                    f"{observation.requested or observation.served}: {observation.explanation}",
                )
                for observation in unresolved
            ),
            *deployment_effects.unknown,
            *unmatched_charges,
        ],
    )


def _attribute_sightings(
    import_: Import,
    document: Document,
    application: Application | None,
    application_import: ApplicationImport,
    at: datetime,
) -> list[AttributedSighting]:
    """Attribute each sighting to an application that the document describes, to a reported service,
    or to `application`."""
    service_names = (
        set()
        if document.applications or import_.application
        else {sighting.service for sighting in document.sightings}
    )
    scope = stream_of(import_.format, document)
    services = (
        ensure_services(service_names - {""}, scope=scope, token=import_.token, at=at)
        if service_names - {""}
        else {}
    )
    linked_applications = {
        service.application_id
        for service in services.values()
        if service.application_id is not None
    }
    teams = lock_teams_of(linked_applications)
    sender = import_.sender
    forbidden_applications = {
        pk
        for pk, team in teams.items()
        if sender is not None and not sender.may(TeamRole.EDITOR, team)
    }
    attributed_sightings = []
    for sighting in document.sightings:
        cleaned_sighting = _clean_sighting(sighting, import_.environment)
        if document.applications and sighting.service:
            if sighting.service in application_import.ids:
                attributed_sightings.append(
                    AttributedSighting(
                        cleaned_sighting, application_import.ids[sighting.service], None, at, at
                    )
                )
        elif sighting.service and import_.application is None:
            pk, linked_application, is_ignored = services[clean(sighting.service)]
            if linked_application in forbidden_applications:
                document.rejected.append(
                    SkippedPart(
                        sighting.where, f"'{clean(sighting.service, 80)}' {_LINKED_ELSEWHERE}"
                    )
                )
            elif not is_ignored:
                attributed_sightings.append(
                    AttributedSighting(cleaned_sighting, linked_application, pk, at, at)
                )
        elif application is not None:
            attributed_sightings.append(
                AttributedSighting(
                    cleaned_sighting,
                    application.pk,
                    None,
                    at,
                    at,
                    part=import_.mapping.get("part", ""),
                )
            )
    return attributed_sightings


def _find_superseding_time(
    import_: Import, document: Document, application: Application | None, part: str
) -> datetime | None:
    """Return the latest date of a document of the same maker and subject that supersedes this one;
    None without one."""
    other_imports = (
        Import.objects.filter(
            kind=Import.Kind.DOCUMENT,
            format=import_.format,
            tool=_maker_name(document, 60),
            application=application,
            state=Import.State.APPLIED,
            environment=import_.environment,
            mapping__part=part,
        )
        .exclude(pk=import_.pk)
        .exclude(counts__contains={"names_ai": False})
    )
    superseding_times: list[datetime] = []
    if document.made_at:
        later_imports = other_imports.filter(document_at__gt=document.made_at)
        superseding_times += [
            document_at
            for document_at in later_imports.values_list("document_at", flat=True)
            if document_at is not None
        ]
    series, _, revision = document.natural_key.rpartition("/")
    if series and revision.isdigit():
        revisions = other_imports.filter(natural_key__startswith=f"{series}/")
        for natural_key, made_at, received_at in revisions.values_list(
            "natural_key", "document_at", "received_at"
        ):
            other_revision = natural_key.rpartition("/")[2]
            if other_revision.isdigit() and int(other_revision) > int(revision):
                superseding_times.append(made_at or received_at)
    return max(superseding_times, default=None)


def _clean_sighting(sighting: Sighting, environment: str) -> Sighting:
    """Return the sighting with its texts cleaned and cut to the lengths of their columns;
    `environment` is used if it states none."""
    return Sighting(
        requested=clean(sighting.requested),
        served=clean(sighting.served),
        alias=clean(sighting.alias),
        provider=clean(sighting.provider, 120),
        region=clean(sighting.region, 60),
        gateway=clean(sighting.gateway, 120),
        service=clean(sighting.service),
        environment=clean(sighting.environment, 60) or environment,
        role=sighting.role,
        fallback_order=sighting.fallback_order,
        confidence=sighting.confidence,
        places=tuple(clean(place, 300) for place in sighting.places),
        facts=sighting.facts,
        where=sighting.where,
    )


def stream_of(format_name: str, document: Document) -> str:
    """Return the stream of a document: its format, tool and profile, so that two scanners, or two
    kinds of run of one scanner, never end what the other reported."""
    return f"{format_name}:{_maker_name(document, 50).lower()}".rstrip(":")


def _maker_name(document: Document, max_length: int) -> str:
    return clean(f"{document.maker} {document.profile}", max_length)


def _find_subject(document: Document, by: User | None) -> Application | None:
    """Return the application that the document names, if exactly one has that name or slug and the
    sender may write to it."""
    name = clean(document.subject)
    if not name:
        return None
    applications = list(Application.objects.filter(Q(slug__iexact=name) | Q(name__iexact=name))[:2])
    if len(applications) != 1 or (
        by is not None and not by.may(TeamRole.EDITOR, applications[0].team_id)
    ):
        return None
    return applications[0]


def _close_import(
    import_: Import,
    document: Document | None = None,
    *,
    unresolved: list[SkippedPart] | None = None,
    **columns: Any,
) -> None:
    """Write the outcome of reading an import: `columns`, and the facts and problems of `document`,
    at most MAX_LISTED of each kind. `unresolved` are names without a known model."""
    if document is not None:
        columns |= {
            "tool": _maker_name(document, 60),
            "tool_version": clean(document.maker_version, 60),
            "natural_key": clean(document.natural_key, 200),
            "document_at": document.made_at,
            "schema_valid": document.schema_valid,
            "problems": {
                kind: [
                    {"where": skipped_part.where, "reason": skipped_part.reason}
                    for skipped_part in skipped_parts[:MAX_LISTED]
                ]
                for kind, skipped_parts in (
                    ("schema", document.schema_errors),
                    ("rejected", document.rejected),
                    ("ignored", document.ignored),
                    ("open_routes", document.open_routes),
                    ("unresolved", unresolved or []),
                )
                if skipped_parts
            },
        }
    Import.objects.filter(pk=import_.pk).update(read_at=now(), **columns)


def _undo_import(import_: Import) -> None:
    """Remove the dependencies of the import and ignore its observations, so that the dependencies
    are not created again."""
    if import_.change is None or import_.undone_by is None:
        return
    try:
        with transaction.atomic():
            # a listing or a usage report may have changed nothing in the inventory
            if (
                teams_of_change(change=import_.change)
                or import_.format not in _FORMATS_WITHOUT_APPLICATION
            ):
                undo_change(
                    change=import_.change, by=import_.undone_by, reason=f"import of {import_}"
                )
    except (ConflictError, ForbiddenChangeError) as error:
        Import.objects.filter(pk=import_.pk).update(state=Import.State.APPLIED, error=str(error))
        return
    Observation.objects.filter(seen_in=import_).update(
        state=Observation.State.SET_ASIDE, dependency=None
    )
    delete_usage(seen_in=import_)
    delete_charges(import_=import_)
    names = delete_deployments(seen_in=import_)
    update_deployment_aliases(names)
    requeue_observations(names, application=None)
    Import.objects.filter(pk=import_.pk).update(state=Import.State.UNDONE, undone_at=now())


STEPS: dict[str, Callable[[Import], None]] = {
    Import.State.READING: _read_import,
    Import.State.UNDOING: _undo_import,
}
