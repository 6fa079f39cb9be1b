"""The documents of Annex XII of the AI Act, which the developer of a foundation must provide to
downstream providers.

For governance; the caller has checked `by.is_governance`. Signatories of the Code of Practice
respond within 14 days (reference: governance anchors, AI Act component file), so a request is due
after that time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.models import Foundation
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.models import AnnexItem

RESPONSE_PERIOD = timedelta(days=14)
Item, Status = AnnexItem.Item, AnnexItem.Status
# statuses with a document to read
ON_FILE: tuple[str, ...] = (Status.RECEIVED, Status.PUBLIC)


@transaction.atomic
def request_documents(
    *, foundation: Foundation, on: date, by: User, items: Collection[str] = (), reason: str = ""
) -> list[AnnexItem]:
    """Record that the items were requested on that day; without `items`, all that are not received.
    Return the requested ones.

    An item that is received or already requested is unchanged: a reminder does not move its due
    date. A refused item can be requested again.
    """
    if unknown_items := sorted(set(items) - set(Item.values)):
        raise ConflictError(
            f"'{unknown_items[0]}' is not a valid item. Use one of: {', '.join(Item.values)}."
        )
    # of two users who request concurrently, the second waits here
    Foundation.objects.select_for_update(no_key=True).only("pk").get(pk=foundation.pk)
    rows_by_item = {row.item: row for row in AnnexItem.objects.filter(foundation=foundation)}
    requested = []
    for item in items or Item.values:
        row = rows_by_item.get(str(item)) or AnnexItem(foundation=foundation, item=str(item))
        if row.status in {*ON_FILE, Status.REQUESTED}:
            continue
        row.status, row.requested_on, row.due_on, row.noted_by = (
            Status.REQUESTED,
            on,
            on + RESPONSE_PERIOD,
            by,
        )
        row.clean_fields(exclude=["foundation", "noted_by"])
        requested.append(row)
    columns = ["status", "requested_on", "due_on", "noted_by"]
    with audit_context(user=by, reason=reason or "documents requested"):
        AnnexItem.objects.bulk_create([row for row in requested if row.pk is None])
        AnnexItem.objects.bulk_update(
            [row for row in requested if row.item in rows_by_item], [*columns]
        )
    return list(
        AnnexItem.objects.filter(foundation=foundation, item__in=[row.item for row in requested])
    )


@transaction.atomic
def record_document_status(
    *,
    foundation: Foundation,
    item: str,
    status: str,
    on: date,
    by: User,
    link: str = "",
    note: str = "",
    reason: str = "",
) -> AnnexItem:
    """Record the status of an item: received, public, refused or missing. Requests are recorded by
    `request_documents`."""
    if status == Status.REQUESTED:
        raise ConflictError(
            "A document is requested with the request action, which sets the date and the "
            "due date. Use it instead."
        )
    if status == Status.PUBLIC and not link:
        raise ConflictError("Enter the URL at which the document is public.")
    Foundation.objects.select_for_update(no_key=True).only("pk").get(pk=foundation.pk)
    row = AnnexItem.objects.filter(foundation=foundation, item=item).first() or AnnexItem(
        foundation=foundation, item=item
    )
    row.status, row.noted_by = status, by
    row.received_on = on if status in ON_FILE else None
    row.link, row.note = link or row.link, note or row.note
    row.full_clean()
    with audit_context(user=by, reason=reason or f"Annex XII item {status}"):
        row.save()
    return row


@dataclass(frozen=True, slots=True)
class ChecklistRow:
    """One of the eleven items; `row` is None if nothing is recorded."""

    item: str
    label: str
    status: str
    row: AnnexItem | None


def annex_checklist(*, foundation: Foundation, user: Any) -> list[ChecklistRow]:
    """Return all items in the order of the annex; empty for readers without an organisation
    role."""
    if not user.can_read_all:
        return []
    rows = (
        AnnexItem.objects.visible_to(user).filter(foundation=foundation).select_related("noted_by")
    )
    rows_by_item = {row.item: row for row in rows}
    return [
        ChecklistRow(
            item,
            str(label),
            rows_by_item[item].status if item in rows_by_item else str(Status.MISSING),
            rows_by_item.get(item),
        )
        for item, label in Item.choices
    ]


def overdue_documents(*, user: Any, on: date) -> Any:
    """Return requests that were due before the day, the longest overdue first."""
    return (
        AnnexItem.objects.visible_to(user)
        .filter(status=Status.REQUESTED, due_on__lt=on)
        .select_related("foundation__developer")
        .order_by("due_on", "pk")
    )
