"""Stores what a status page states: one row for each incident, extended by its updates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.catalog.models import Incident, IncidentEnd, Source
from apps.feeds.incidents.reader import EMPTY
from apps.feeds.incidents.records import ReportedIncident, ReportedStatus, highest_of
from apps.feeds.incidents.scope import ModelFinder, NamedModels, serves_models
from apps.feeds.incidents.statuspage import FORM as STATUSPAGE
from apps.feeds.parsers.payload import InvalidPayloadError

# A post that vanishes sooner was a duplicate, or made in error.
DUPLICATE_WITHIN = timedelta(hours=1)
# Two posts of one title that start so close together tell of one incident.
SAME_START_WITHIN = timedelta(minutes=1)
# News have minutes: a time that differs by less is the same.
_PRECISION = timedelta(minutes=1)
# Forms whose oldest updates, and with them the start, can be cut off later.
_CUT_FORMS = frozenset({"azure", "news"})
_AWS_PREFIX = "arn:"

_COLUMNS = (
    "title",
    "status",
    "impact",
    "highest_impact",
    "started_at",
    "ended_at",
    "end_reason",
    "duplicate_of",
    "components",
    "regions",
    "affects_models",
    "url",
    "updates",
    "last_update_at",
    "reopened_at",
)


@dataclass(frozen=True, slots=True)
class StoredIncidents:
    """What a poll changed: incidents that are new, and those that differ from before."""

    new: list[Incident] = field(default_factory=list)
    changed: list[Incident] = field(default_factory=list)

    @property
    def all(self) -> list[Incident]:
        return [*self.new, *self.changed]


@transaction.atomic
def store_incidents(source: Source, status: ReportedStatus, *, at: datetime) -> StoredIncidents:
    """Store the incidents of a body observed `at`; about a dozen statements, whatever their number,
    and two if nothing has changed. Raises InvalidPayloadError if the source has lost its list."""
    host = source.host
    if host is None:
        raise InvalidPayloadError(
            f"{source.name} names no host. Choose the host of the status page on the page of the "
            "source."
        )
    known = {row.external_id: row for row in _load_known(source, status.incidents)}
    lists_history = _tell_history(source, status, known)
    listed = {incident.external_id for incident in status.incidents}
    new_rows, changed_rows, reports = [], [], {}
    for incident in status.incidents:
        row = known.get(incident.external_id)
        if row is None:
            row = Incident(
                source=source,
                host=host,
                external_id=incident.external_id,
                highest_impact="",
                first_seen=at,
                changed_at=at,
                backfilled=incident.has_ended,
            )
            _apply(row, incident, status, host_slug=host.slug, at=at)
            unlisted = [other for key, other in known.items() if key not in listed]
            original = _find_original(row, unlisted)
            if original is not None and original.is_ongoing:
                # the page moved to another operator while it was open: it continues under its new
                # ID, because nothing else would tell of its end
                del known[original.external_id]
                original.external_id = incident.external_id
                known[original.external_id] = original
                _apply(original, incident, status, host_slug=host.slug, at=at)
                changed_rows.append(original)
                reports[original.external_id] = incident
                continue
            if original is not None:
                _close_as_duplicate(row, original, at=at)
            known[row.external_id] = row
            new_rows.append(row)
            reports[row.external_id] = incident
        elif _apply(row, incident, status, host_slug=host.slug, at=at):
            changed_rows.append(row)
            reports[row.external_id] = incident
    set_aside = {reject.external_id for reject in status.rejects}
    open_rows = [row for row in known.values() if row.is_ongoing]
    for row in open_rows:
        if row.external_id in listed or row.external_id in set_aside:
            continue
        if _end_absent(row, status, open_rows, lists_history=lists_history, listed=listed, at=at):
            changed_rows.append(row)
    _write(source, new_rows, changed_rows, reports, at=at)
    return StoredIncidents(new_rows, changed_rows)


def _load_known(source: Source, incidents: Sequence[ReportedIncident]) -> list[Incident]:
    """Return the stored incidents of the source that the body lists, that are open, or that an
    incident of the body could repeat."""
    choice = Q(external_id__in=[incident.external_id for incident in incidents])
    choice |= Q(ended_at__isnull=True)
    if incidents:
        first_start = min(incident.started_at for incident in incidents)
        choice |= Q(
            title__in={incident.title for incident in incidents},
            started_at__gte=first_start - SAME_START_WITHIN,
        )
    return list(Incident.objects.filter(choice, source=source).order_by("first_seen", "pk"))


def _tell_history(source: Source, status: ReportedStatus, known: Mapping[str, Incident]) -> bool:
    """Return whether incidents that are over stay in such a body. InvalidPayloadError if a list
    that had some is empty now: then nothing follows from it."""
    if status.lists_history is not None:
        return status.lists_history
    if status.incidents:
        # a history would list one that is over
        return False
    has_open = any(row.is_ongoing for row in known.values())
    if status.form == EMPTY and any(key.startswith(_AWS_PREFIX) for key in known):
        return False
    is_permanent = status.form in {STATUSPAGE, EMPTY}
    if (has_open or is_permanent) and _has_listed_history(source):
        raise InvalidPayloadError(
            "The status page lists no incidents any more, where it listed incidents that were over "
            "before. Open incidents stay open. Check the URL; for a list of open incidents only, "
            "use the address that ends with /api/v2/summary.json."
        )
    return False


def _has_listed_history(source: Source) -> bool:
    resolved = Incident.objects.filter(source=source, end_reason=IncidentEnd.RESOLVED)
    return resolved.exclude(external_id__startswith=_AWS_PREFIX).exists()


def _apply(
    row: Incident,
    incident: ReportedIncident,
    status: ReportedStatus,
    *,
    host_slug: str,
    at: datetime,
) -> bool:
    """Set the columns of `row` to what the body states; return whether they changed."""
    before = {name: getattr(row, name, None) for name in _COLUMNS if name != "duplicate_of"}
    was_open = row.pk is not None and row.is_ongoing
    row.title, row.status = incident.title, incident.status
    row.impact = incident.impact or row.impact
    row.highest_impact = highest_of(row.highest_impact, row.impact, incident.highest_impact)
    row.started_at = _choose_start(row, incident, status)
    row.components = _replace_names(row.components, incident.components)
    row.regions = _replace_names(row.regions, incident.regions)
    row.affects_models = serves_models(host_slug, row.components)
    row.url = incident.url or row.url
    row.updates = _merge_updates(row.updates, incident)
    times = [update.at for update in incident.updates if update.at is not None]
    row.last_update_at = max([row.started_at, *times, *_posted(incident)])
    _set_end(row, incident, status, was_open=was_open, at=at)
    return row.pk is None or any(getattr(row, name) != value for name, value in before.items())


def _replace_names(known: list[str], names: Sequence[str]) -> list[str]:
    """Return the names of the body; the known ones if the body has none or only another order."""
    return list(names) if names and set(names) != set(known) else known


def _posted(incident: ReportedIncident) -> list[datetime]:
    return [incident.posted_at] if incident.posted_at is not None else []


def _choose_start(row: Incident, incident: ReportedIncident, status: ReportedStatus) -> datetime:
    if row._state.adding:
        return incident.started_at
    if status.form in _CUT_FORMS and incident.started_at >= row.started_at:
        return row.started_at
    if not status.is_precise and abs(incident.started_at - row.started_at) < _PRECISION:
        return row.started_at
    return incident.started_at


def _merge_updates(known: list[dict[str, Any]], incident: ReportedIncident) -> list[dict[str, Any]]:
    """Return the updates of the body, newest first. An update without a time is a text that was
    replaced in place, so what it replaced is kept."""
    updates = [
        {
            "at": update.at.isoformat() if update.at else None,
            "status": update.status,
            "text": update.text,
        }
        for update in incident.updates
    ]
    if not updates:
        return known
    if all(update["at"] is None for update in updates):
        updates += [update for update in known if update not in updates]
    return updates[: Incident.MAX_UPDATES]


def _set_end(
    row: Incident,
    incident: ReportedIncident,
    status: ReportedStatus,
    *,
    was_open: bool,
    at: datetime,
) -> None:
    if row.duplicate_of_id is not None:
        # it stays one, whatever is posted to it
        row.ended_at = row.ended_at or at
        return
    if not incident.has_ended and not incident.says_duplicate:
        if row.ended_at is not None:
            row.reopened_at = at
        row.ended_at, row.end_reason = None, ""
        return
    ended_at = incident.ended_at
    if ended_at is None:
        over_before = not was_open and row.ended_at is None and incident.has_ended
        ended_at = row.ended_at or (row.last_update_at if over_before else at)
    elif (
        not status.is_precise
        and row.ended_at is not None
        and abs(ended_at - row.ended_at) < _PRECISION
    ):
        ended_at = row.ended_at
    row.ended_at = max(row.started_at, ended_at)
    row.end_reason = IncidentEnd.DUPLICATE if incident.says_duplicate else IncidentEnd.RESOLVED


def _find_original(row: Incident, known: Iterable[Incident]) -> Incident | None:
    """Return the incident that a new one repeats: the same title and components at the same time
    under another ID, which the body does not list any more, as after a move to another
    operator."""
    for other in known:
        if (
            other.external_id != row.external_id
            and other.duplicate_of_id is None
            and other.end_reason != IncidentEnd.DUPLICATE
            and other.title.casefold() == row.title.casefold()
            and abs(other.started_at - row.started_at) <= SAME_START_WITHIN
            and (not other.components or not row.components or other.components == row.components)
        ):
            return other
    return None


def _close_as_duplicate(row: Incident, original: Incident, *, at: datetime) -> None:
    row.duplicate_of = original
    row.ended_at = max(row.started_at, row.ended_at or at)
    row.end_reason = IncidentEnd.DUPLICATE


def _end_absent(
    row: Incident,
    status: ReportedStatus,
    open_rows: Sequence[Incident],
    *,
    lists_history: bool,
    listed: set[str],
    at: datetime,
) -> bool:
    """End an open incident that the body does not list, as far as that means anything; return
    whether it was ended.

    In a history one that left the newest is not gone. One that the history would still list was
    removed: within the hour as a duplicate."""
    vanished_soon = at - row.first_seen <= DUPLICATE_WITHIN
    if lists_history:
        posted = [incident.posted_at or incident.started_at for incident in status.incidents]
        if not posted or row.started_at <= min(posted):
            return False
        is_duplicate = vanished_soon
    else:
        twin = next(
            (
                other
                for other in open_rows
                if other.external_id in listed and other.title.casefold() == row.title.casefold()
            ),
            None,
        )
        is_duplicate = vanished_soon and twin is not None
        if is_duplicate and twin is not None and twin.pk is not None:
            row.duplicate_of = twin
    row.ended_at = max(row.started_at, at)
    row.end_reason = IncidentEnd.DUPLICATE if is_duplicate else IncidentEnd.ABSENT
    return True


def _write(
    source: Source,
    new_rows: list[Incident],
    changed_rows: list[Incident],
    reports: Mapping[str, ReportedIncident],
    *,
    at: datetime,
) -> None:
    if not new_rows and not changed_rows:
        return
    # an original comes before its duplicate, so that its ID is known
    originals = [row for row in new_rows if row.duplicate_of is None]
    Incident.objects.bulk_create(originals)
    duplicates = [row for row in new_rows if row.duplicate_of is not None]
    Incident.objects.bulk_create(duplicates)
    for row in changed_rows:
        row.changed_at = at
    Incident.objects.bulk_update(
        changed_rows, ["external_id", *_COLUMNS, "changed_at"], batch_size=500
    )
    _write_named_models(
        source, [row for row in [*new_rows, *changed_rows] if row.external_id in reports], reports
    )


def _write_named_models(
    source: Source, rows: Sequence[Incident], reports: Mapping[str, ReportedIncident]
) -> None:
    """Store the models that these incidents name."""
    if not rows:
        return
    finder = ModelFinder(source.host)  # type: ignore[arg-type]
    named = {row.pk: finder.find(reports[row.external_id]) for row in rows}
    _replace_links(
        Incident.versions.through, "version_id", {pk: m.versions for pk, m in named.items()}
    )
    _replace_links(
        Incident.offerings.through, "offering_id", {pk: m.offerings for pk, m in named.items()}
    )


def _replace_links(through: Any, column: str, wanted: Mapping[int, frozenset[int]]) -> None:
    """Make the links of these incidents the wanted ones; three statements at most."""
    links = through.objects.filter(incident_id__in=wanted)
    known = {(row.incident_id, getattr(row, column)): row.pk for row in links}
    due = {(incident, model) for incident, models in wanted.items() for model in models}
    if gone := [pk for pair, pk in known.items() if pair not in due]:
        through.objects.filter(pk__in=gone).delete()
    through.objects.bulk_create(
        through(**{"incident_id": incident, column: model})
        for incident, model in sorted(due - set(known))
    )


__all__ = ["NamedModels", "StoredIncidents", "store_incidents"]
