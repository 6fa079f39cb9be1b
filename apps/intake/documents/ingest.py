"""Document ingestion: a document is received and read, its sightings are stored and reconciled with
the inventory.

The endpoint only stores the body and its digest; a worker reads it, in one transaction. The same
document sent again, even at the same moment, is the import that was made first."""

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
from apps.intake.documents.child_reader import prepare_document, read_document
from apps.intake.documents.deployments import (
    delete_deployments,
    deployment_as_use,
    ingest_deployments,
    requeue_observations,
    update_deployment_aliases,
)
from apps.intake.documents.formats import FORMATS
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

# what an import keeps of each list of problems
MAX_LISTED = 1_000
# what is worked through while the sender waits
MAX_IMMEDIATE_BYTES = 256 * 1024
_FORMATS_WITHOUT_APPLICATION = frozenset(
    {*(name for name, form in FORMATS.items() if form.holds_for_all), "usage"}
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
    form: DocumentFormat,
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
    """Store the document and have it read; return (the import, whether it is new).

    `part` distinguishes the documents of an application that has several, one per repository: the
    newest of a part counts for that part only. `team` receives the applications that the document
    describes and that name no existing team. `body` is decompressed and within the format's limits
    already. `by` None is the operator, who may write everywhere. IntakePermissionError if the
    sender may not write to the application; UnreadableError if nothing can be made of the body;
    IdempotencyKeyReusedError if `idempotency_key` came with another document before. A large
    document waits for a worker, unless it is to be read `at_once`. `is_foreign`: the sender named
    an application that does not exist here; so it repeats nothing that is about an existing one."""
    binding = binding_of(token, application)
    if binding is not None:
        application = binding.application
        environment = environment or binding.environment
    # a person's binding ends with the role; to a program it is the permission
    granted = by is None or (binding is not None and by.is_service)
    if (
        application is not None
        and by is not None
        and not granted
        and not by.may(TeamRole.EDITOR, application.team_id)
    ):
        raise IntakePermissionError(
            "You need the editor role on the owning team to send documents about this application."
        )
    digest = hashlib.sha256(body).hexdigest()
    natural_key, redacted = (
        prepare_document(form.name, body) if form.natural_key or form.redact else ("", None)
    )
    # reading takes as long as a document likes: not while others wait at the lock
    same = _same_by_key(
        form, body, natural_key, digest, by, application, environment, is_foreign=is_foreign
    )
    with transaction.atomic():
        # the same document at the same moment: the second sender waits, and is given the first
        # one's import
        if idempotency_key:
            acquire_named_lock(f"{by.pk if by else 0}:key:{idempotency_key}")
        acquire_named_lock(
            f"{by.pk if by else 0}:{natural_key or digest}:{application.pk if application else 0}"
        )
        earlier = _earlier_import(
            form,
            natural_key,
            digest,
            by,
            application,
            environment,
            idempotency_key,
            is_foreign=is_foreign,
            same=same,
        )
        if earlier is not None:
            return earlier, False
        kept = body if redacted is None else redacted
        received = Import.objects.create(
            kind=Import.Kind.DOCUMENT,
            format=form.name,
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
        ImportContent.objects.create(import_record=received, body=zlib.compress(kept, 6))
    if at_once or len(kept) <= MAX_IMMEDIATE_BYTES:
        import_jobs.run_import_now(received.pk, STEPS)
    else:
        import_jobs.send_to_worker(received.pk)
    received.refresh_from_db()
    return received, True


def set_document_application(*, import_: Import, application: Application, by: User) -> Import:
    """Set the application that a document is about, by a user; it is read (again) for that one."""
    if not by.may(TeamRole.EDITOR, application.team_id):
        raise IntakePermissionError(
            "You need the editor role on the owning team to add documents to this application."
        )
    moved = Import.objects.filter(
        pk=import_.pk,
        kind=Import.Kind.DOCUMENT,
        state__in=(Import.State.RECEIVED, Import.State.FAILED),
    ).update(state=Import.State.READING, application=application, error="", attempts=0)
    import_.refresh_from_db()
    if not moved:
        raise InvalidStateError(
            f"This import has already changed its status: {import_.get_state_display()}. Reload "
            "the page."
        )
    import_jobs.run_import_now(import_.pk, STEPS)
    import_.refresh_from_db()
    return import_


def run_document_import(pk: int) -> bool:
    return import_jobs.run_import(pk, STEPS)


def _same_by_key(
    form: DocumentFormat,
    body: bytes,
    natural_key: str,
    digest: str,
    by: User | None,
    application: Application | None,
    environment: str,
    *,
    is_foreign: bool,
) -> int | None:
    """Return the import with the same natural key, if it also has the same content in other
    bytes."""
    if not natural_key:
        return None
    _, about = _sent_about(form, by, application, environment, is_foreign=is_foreign)
    found = about.filter(natural_key=natural_key).first()
    return (
        found.pk
        if found is not None and found.digest != digest and _has_same_content(form, found, body)
        else None
    )


def _sent_about(
    form: DocumentFormat,
    by: User | None,
    application: Application | None,
    environment: str,
    *,
    is_foreign: bool,
) -> tuple[QuerySet[Import], QuerySet[Import]]:
    """Return (all of the sender's documents of this format, those of them about the same subject),
    newest first."""
    sent = Import.objects.filter(kind=Import.Kind.DOCUMENT, format=form.name, by=by).order_by("-pk")
    about = sent.exclude(state__in=(Import.State.FAILED, Import.State.DROPPED, Import.State.UNDONE))
    if application is not None:
        about = about.filter(application=application, environment=environment)
    elif form.holds_for_all or is_foreign:
        about = about.filter(application__isnull=True)
    return sent, about


def _earlier_import(
    form: DocumentFormat,
    natural_key: str,
    digest: str,
    by: User | None,
    application: Application | None,
    environment: str,
    key: str,
    *,
    is_foreign: bool,
    same: int | None,
) -> Import | None:
    """Return the import that this one repeats: same natural key and content (in XML what was JSON
    before), same key of the sender, or the identical body.

    Without an application any import of the sender's counts: the document may have named its
    application itself. `same` is the one with the same content in other bytes."""
    sent, about = _sent_about(form, by, application, environment, is_foreign=is_foreign)
    if natural_key:
        found = about.filter(natural_key=natural_key).first()
        # edited, and its version left as it was: not the same document after all
        if found is not None and (found.digest == digest or found.pk == same):
            return found
    if key:
        found = sent.filter(idempotency_key=key).first()
        if found is not None and found.digest != digest:
            raise IdempotencyKeyReusedError(clean(key, 60))
        if found is not None:
            return found
    return about.filter(digest=digest).first()


def _has_same_content(form: DocumentFormat, earlier: Import, body: bytes) -> bool:
    try:
        before, now_ = (
            read_document(form.name, stored_body(earlier)),
            read_document(form.name, body),
        )
    except UnreadableError:
        return False
    return (before.maker, before.subject, before.sightings) == (
        now_.maker,
        now_.subject,
        now_.sightings,
    )


# --- what a worker does ---------------------------------------------------------------------------


def _read_import(import_: Import) -> None:
    try:
        document = read_document(import_.format, stored_body(import_))
    except UnreadableError as unreadable:
        _close_import(import_, state=Import.State.FAILED, error=str(unreadable))
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
    application = import_.application or _subject(document, import_.sender)
    if application is None and any(not said.service for said in document.sightings):
        named = (
            f" The document calls it '{document.subject}', but no application has this name."
            if document.subject
            else ""
        )
        _close_import(
            import_,
            document,
            state=Import.State.RECEIVED,
            error=f"The document does not state its application.{named} Select the "
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
    if not document.names_ai:
        document.ignored.append(SkippedPart("", NO_AI_NAMED))
    # a clock that runs ahead would make everything after it look older
    document.made_at = min(document.made_at, import_.received_at) if document.made_at else None
    at = document.made_at or import_.received_at
    stream = stream_of(import_.format, document)
    part = import_.mapping.get("part", "")
    newer_at = _superseded_at(import_, document, application, part)
    if newer_at is not None:
        at = min(at, newer_at - timedelta(microseconds=1))
    with audit_context(
        user=import_.by,
        job="" if import_.by else "ingest",
        reason=f"{import_.format} import {import_.pk}",
    ) as change:
        described = import_applications(
            document.applications,
            kind=import_.format,
            by=import_.sender,
            team=Team.objects.filter(pk=import_.mapping.get("team")).first(),
        )
        document.rejected += described.rejected
        if document.deployments_are_uses and application is not None:
            document.sightings += map(deployment_as_use, document.deployments)
        placed = _attribute_sightings(import_, document, application, described, at)
        keys = store_observations(stream, placed, seen_in=import_)
        n_missing = 0
        if document.is_complete and document.names_ai:
            environments = frozenset(
                {import_.environment, *(each.sighting.environment for each in placed)}
            )
            for pk in {
                *described.ids.values(),
                *([application.pk] if application is not None else []),
            }:
                whole = DocumentScope(stream, pk, part, environments)
                n_missing += (
                    mark_missing(whole, keys=keys, at=at)
                    if newer_at is None
                    else mark_superseded(whole, newer_at=newer_at)
                )
        answered = ingest_deployments(
            document,
            stream=stream,
            application=application,
            seen_in=import_,
            at=at,
            is_older=newer_at is not None,
        )
        of_usage = store_usage(
            document, stream=stream, application=application, import_=import_, at=now()
        )
        tally = reconcile_waiting(at=now(), keys={*keys, *of_usage, *answered.observations})
        if answered.dependencies:
            end_orphaned_dependencies(answered.dependencies, by=import_.sender, at=now())
    pointers = {key: each.sighting.where for key, each in zip(keys, placed, strict=True)}
    keys += of_usage
    seen = Observation.objects.filter(key__in=keys)
    asked = (Observation.State.UNRESOLVED, Observation.State.UNCLAIMED)
    unresolved = (
        seen.filter(state__in=asked)
        .select_related("service")
        .order_by("requested", "pk")[:MAX_LISTED]
    )
    counts = {
        "sightings": len(document.sightings) + len(document.usage),
        "observations": len(set(keys)),
        "applications": {
            "created": described.n_created,
            "updated": described.n_updated,
            "unchanged": described.n_unchanged,
        },
        "created": tally["created"],
        "updated": tally["updated"],
        "unchanged": max(
            seen.filter(dependency__isnull=False).values("dependency").distinct().count()
            - tally["created"]
            - tally["updated"],
            0,
        ),
        "unresolved": seen.filter(state=Observation.State.UNRESOLVED).count()
        + len(answered.unknown),
        "unclaimed": seen.filter(state=Observation.State.UNCLAIMED).count(),
        "missing": n_missing + answered.n_missing,
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
                    ", ".join(each.places[:3])
                    or pointers.get(each.key, "")
                    or str(each.service or ""),
                    f"{each.requested or each.served}: {each.explanation}",
                )
                for each in unresolved
            ),
            *answered.unknown,
        ],
    )


def _attribute_sightings(
    import_: Import,
    document: Document,
    application: Application | None,
    described: ApplicationImport,
    at: datetime,
) -> list[AttributedSighting]:
    """Attribute each sighting: to an application the document describes, to a reported service, or
    to what the caller named."""
    own = (
        set()
        if document.applications or import_.application
        else {said.service for said in document.sightings}
    )
    scope = stream_of(import_.format, document)
    services = (
        ensure_services(own - {""}, scope=scope, token=import_.token, at=at) if own - {""} else {}
    )
    claimed_by = {application for _, application, _ in services.values() if application is not None}
    teams = lock_teams_of(claimed_by)
    sender = import_.sender
    barred = {
        pk
        for pk, team in teams.items()
        if sender is not None and not sender.may(TeamRole.EDITOR, team)
    }
    placed = []
    for said in document.sightings:
        tidy = _with_environment(said, import_.environment)
        if document.applications and said.service:
            if said.service in described.ids:
                placed.append(AttributedSighting(tidy, described.ids[said.service], None, at, at))
        elif said.service and import_.application is None:
            pk, claimed, ignored = services[clean(said.service)]
            if claimed in barred:
                document.rejected.append(
                    SkippedPart(said.where, f"'{clean(said.service, 80)}' {_LINKED_ELSEWHERE}")
                )
            elif not ignored:
                placed.append(AttributedSighting(tidy, claimed, pk, at, at))
        elif application is not None:
            placed.append(
                AttributedSighting(
                    tidy, application.pk, None, at, at, part=import_.mapping.get("part", "")
                )
            )
    return placed


def _superseded_at(
    import_: Import, document: Document, application: Application | None, part: str
) -> datetime | None:
    """Return when a document of the same maker and subject that outdates this one was made; None
    without one."""
    others = (
        Import.objects.filter(
            kind=Import.Kind.DOCUMENT,
            format=import_.format,
            tool=_maker(document, 60),
            application=application,
            state=Import.State.APPLIED,
            environment=import_.environment,
            mapping__part=part,
        )
        .exclude(pk=import_.pk)
        .exclude(counts__contains={"names_ai": False})
    )
    found: list[datetime] = []
    if document.made_at:
        later_ones = others.filter(document_at__gt=document.made_at)
        found += [
            each for each in later_ones.values_list("document_at", flat=True) if each is not None
        ]
    series, _, revision = document.natural_key.rpartition("/")
    if series and revision.isdigit():
        kept = others.filter(natural_key__startswith=f"{series}/")
        for natural_key, made_at, received_at in kept.values_list(
            "natural_key", "document_at", "received_at"
        ):
            later = natural_key.rpartition("/")[2]
            if later.isdigit() and int(later) > int(revision):
                found.append(made_at or received_at)
    return max(found, default=None)


def _with_environment(said: Sighting, environment: str) -> Sighting:
    return Sighting(
        requested=clean(said.requested),
        served=clean(said.served),
        alias=clean(said.alias),
        provider=clean(said.provider, 120),
        region=clean(said.region, 60),
        gateway=clean(said.gateway, 120),
        service=clean(said.service),
        environment=clean(said.environment, 60) or environment,
        role=said.role,
        fallback_order=said.fallback_order,
        confidence=said.confidence,
        places=tuple(clean(place, 300) for place in said.places),
        facts=said.facts,
        where=said.where,
    )


def stream_of(form: str, document: Document) -> str:
    """Return the stream of a document: the format and the tool, so that two scanners never end what
    the other found, nor two kinds of run of one scanner."""
    return f"{form}:{_maker(document, 50).lower()}".rstrip(":")


def _maker(document: Document, longest: int) -> str:
    return clean(f"{document.maker} {document.profile}", longest)


def _subject(document: Document, by: User | None) -> Application | None:
    """Return the application that the document names, if exactly one has that name and the sender
    may write to it."""
    name = clean(document.subject)
    if not name:
        return None
    found = list(Application.objects.filter(Q(slug__iexact=name) | Q(name__iexact=name))[:2])
    if len(found) != 1 or (by is not None and not by.may(TeamRole.EDITOR, found[0].team_id)):
        return None
    return found[0]


def _close_import(
    import_: Import,
    document: Document | None = None,
    *,
    unresolved: list[SkippedPart] | None = None,
    **columns: Any,
) -> None:
    if document is not None:
        columns |= {
            "tool": _maker(document, 60),
            "tool_version": clean(document.maker_version, 60),
            "natural_key": clean(document.natural_key, 200),
            "document_at": document.made_at,
            "schema_valid": document.schema_valid,
            "problems": {
                kind: [{"where": part.where, "reason": part.reason} for part in parts[:MAX_LISTED]]
                for kind, parts in (
                    ("schema", document.schema_errors),
                    ("rejected", document.rejected),
                    ("ignored", document.ignored),
                    ("open_routes", document.open_routes),
                    ("unresolved", unresolved or []),
                )
                if parts
            },
        }
    Import.objects.filter(pk=import_.pk).update(read_at=now(), **columns)


def _undo_import(import_: Import) -> None:
    """Remove the dependencies that the import brought; its observations are set aside, so that they
    do not come back by themselves."""
    if import_.change is None or import_.undone_by is None:
        return
    try:
        with transaction.atomic():
            # a listing may have done no more than to say what names stand for, a report than to
            # count
            if (
                teams_of_change(change=import_.change)
                or import_.format not in _FORMATS_WITHOUT_APPLICATION
            ):
                undo_change(
                    change=import_.change, by=import_.undone_by, reason=f"import of {import_}"
                )
    except (ConflictError, ForbiddenChangeError) as refused:
        Import.objects.filter(pk=import_.pk).update(state=Import.State.APPLIED, error=str(refused))
        return
    Observation.objects.filter(seen_in=import_).update(
        state=Observation.State.SET_ASIDE, dependency=None
    )
    delete_usage(seen_in=import_)
    names = delete_deployments(seen_in=import_)
    update_deployment_aliases(names)
    requeue_observations(names, application=None)
    Import.objects.filter(pk=import_.pk).update(state=Import.State.UNDONE, undone_at=now())


STEPS: dict[str, Callable[[Import], None]] = {
    Import.State.READING: _read_import,
    Import.State.UNDOING: _undo_import,
}
