"""Provider notices: items that a poll found, the models they mention, and the decisions of users
about them."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.models import Offering, ProviderEvent, Source, Version
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.feeds.models import ProviderNotice
from apps.feeds.parsers.notices import NoticeItem

# Event kinds that a user can record from a notice. Dates are recorded with a separate form.
EVENT_KINDS = (ProviderEvent.Kind.RELEASED, ProviderEvent.Kind.TERMS_CHANGED)

_MAX_NAMES = 50
# A token as IDs are written, without the punctuation that ends a sentence.
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*[A-Za-z0-9]")
_MIN_TOKEN_LENGTH = 4


class AlreadyDecidedError(ConflictError):
    """Another user closed or reopened the notice meanwhile; `str()` is the message."""


@dataclass(frozen=True, slots=True)
class StoredNotices:
    """The result of a poll: the numbers of new items and of items with changed content."""

    n_new: int
    n_changed: int


@transaction.atomic
def store_notices(
    source: Source, items: Sequence[NoticeItem], *, at: datetime, baseline: bool
) -> StoredNotices:
    """Store the new items of a feed; three statements if there are none.

    The items of the first poll, marked by `baseline`, existed before the feed was followed and are
    not unread. An item whose title or text changes is unread again. An item that leaves the feed is
    kept here: feeds only list their latest."""
    stored_notices = {
        notice.external_id: notice
        for notice in ProviderNotice.objects.filter(
            source=source, external_id__in=[item.external_id for item in items]
        )
    }
    new_items = [item for item in items if item.external_id not in stored_notices]
    changes = [
        (stored_notices[item.external_id], item)
        for item in items
        if item.external_id in stored_notices and _differs(stored_notices[item.external_id], item)
    ]
    names = known_names([*new_items, *(item for _, item in changes)])
    ProviderNotice.objects.bulk_create(
        [
            ProviderNotice(
                source=source,
                external_id=item.external_id,
                title=item.title,
                link=item.link,
                published_at=item.published_at,
                excerpt=item.text,
                names=_list_names(item, names),
                first_seen=at,
                changed_at=at,
                state=ProviderNotice.State.BEFORE if baseline else ProviderNotice.State.UNREAD,
            )
            for item in new_items
        ]
    )
    for notice, item in changes:
        has_new_text = (notice.title, notice.excerpt) != (item.title, item.text)
        notice.title, notice.link, notice.excerpt = item.title, item.link, item.text
        notice.published_at, notice.names = item.published_at, _list_names(item, names)
        if has_new_text:
            notice.changed_at = at
            _mark_unread(notice)
    columns = [
        "title",
        "link",
        "excerpt",
        "published_at",
        "names",
        "changed_at",
        "state",
        "outcome",
        "decided_by",
        "decided_at",
        "reason",
    ]
    ProviderNotice.objects.bulk_update([notice for notice, _ in changes], columns, batch_size=500)
    return StoredNotices(len(new_items), len(changes))


def _differs(notice: ProviderNotice, item: NoticeItem) -> bool:
    return (notice.title, notice.link, notice.excerpt, notice.published_at) != (
        item.title,
        item.link,
        item.text,
        item.published_at,
    )


def _mark_unread(notice: ProviderNotice) -> None:
    notice.state, notice.outcome, notice.reason = ProviderNotice.State.UNREAD, "", ""
    notice.decided_by, notice.decided_at = None, None


# --- mentioned models -----------------------------------------------------------------------------


def possible_ids(text: str) -> set[str]:
    """Return the candidates for IDs in a text: runs of letters, digits and the signs of IDs, with
    at least one digit or sign. Plain words are excluded: "command" and "sonar" are IDs too, but in
    prose they usually are ordinary words."""
    tokens = {token for token in _TOKEN.findall(text) if len(token) >= _MIN_TOKEN_LENGTH}
    return {
        token
        for token in tokens
        if any(letter.isdigit() for letter in token) or re.search(r"[-:/._]", token)
    }


def known_names(items: Iterable[NoticeItem]) -> set[str]:
    """Return the candidates in these items that are exactly the ID of an offering or a version: two
    statements, none without candidates."""
    return known_names_in(f"{item.title}\n{item.text}" for item in items)


def known_names_in(texts: Iterable[str]) -> set[str]:
    """Return the candidates in these texts that are exactly the ID of an offering or a version, as
    `known_names` does for items."""
    tokens = sorted({token for text in texts for token in possible_ids(text)})
    if not tokens:
        return set()
    offerings = (
        Offering.objects.model_ids().filter(api_id__in=tokens).values_list("api_id", flat=True)
    )
    versions = Version.objects.filter(Q(identifier__in=tokens) | Q(aliases__overlap=tokens))
    names = set(offerings)
    candidates = set(tokens)
    for identifier, aliases in versions.values_list("identifier", "aliases"):
        names |= candidates & {identifier, *aliases}
    return names


def _list_names(item: NoticeItem, names: Collection[str]) -> list[str]:
    return sorted(possible_ids(f"{item.title}\n{item.text}") & set(names))[:_MAX_NAMES]


# --- decisions of users ---------------------------------------------------------------------------


def _require_governance(by: User) -> None:
    if not by.is_governance:
        raise PermissionDenied("You need the governance role to change provider notices.")


@transaction.atomic
def close_notices(
    *, notices: Collection[int], outcome: ProviderNotice.Outcome, by: User, reason: str = ""
) -> list[ProviderNotice]:
    """Close these notices, and return those that were open. The catalogue stays unchanged."""
    _require_governance(by)
    rows = list(
        ProviderNotice.objects.select_for_update()
        .filter(pk__in=notices)
        .exclude(state=ProviderNotice.State.DONE)
    )
    with audit_context(user=by, reason=reason or outcome.label):
        for notice in rows:
            notice.state, notice.outcome, notice.reason = (
                ProviderNotice.State.DONE,
                outcome,
                reason[:500],
            )
            notice.decided_by, notice.decided_at = by, now()
            notice.save()
    return rows


@transaction.atomic
def reopen_notices(*, notices: Collection[int], by: User) -> int:
    """Reopen these notices, and return how many were closed."""
    _require_governance(by)
    rows = list(
        ProviderNotice.objects.select_for_update().filter(
            pk__in=notices, state=ProviderNotice.State.DONE
        )
    )
    with audit_context(user=by, reason="reopened"):
        for notice in rows:
            _mark_unread(notice)
            notice.save()
    return len(rows)


@transaction.atomic
def record_event(
    *,
    notice: ProviderNotice,
    kind: str,
    offering: Offering,
    by: User,
    reason: str,
    effective_on: date | None = None,
) -> ProviderEvent:
    """Record an event for `offering`, `released` or `terms_changed`, that a user read in the
    notice; the owners of all applications that depend on the offering are notified.

    The same event of the same notice is recorded once. AlreadyDecidedError if it was recorded
    before; a reason is required."""
    _require_governance(by)
    if kind not in EVENT_KINDS:
        raise ValueError(
            f"An event of a notice must be {' or '.join(EVENT_KINDS)}. Record a date with its "
            "own form."
        )
    if not reason.strip():
        raise ValueError("Enter what the notice announces. Users are notified with this text.")
    key_parts = [notice.source.slug, notice.external_id, kind, offering.pk]
    key = hashlib.sha256(json.dumps(key_parts).encode()).hexdigest()
    with audit_context(user=by, reason=reason):
        catalogue_lock()
        event, is_new = ProviderEvent.objects.get_or_create(
            key=key,
            defaults={
                "kind": kind,
                "source": notice.source,
                "external_id": notice.external_id,
                "offering": offering,
                "old": None,
                "new": notice.title,
                "effective_on": effective_on,
                "detected_at": now(),
            },
        )
        if not is_new:
            raise AlreadyDecidedError(
                "An event of this notice has already been recorded for this offering."
            )
        close_notices(
            notices=[notice.pk], outcome=ProviderNotice.Outcome.EVENT, by=by, reason=reason
        )
    return event


__all__ = [
    "EVENT_KINDS",
    "AlreadyDecidedError",
    "StoredNotices",
    "close_notices",
    "known_names",
    "known_names_in",
    "possible_ids",
    "record_event",
    "reopen_notices",
    "store_notices",
]
