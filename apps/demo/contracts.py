"""Contracts, the documents developers owe, and decisions on what may be built on."""

from django.db import transaction

from apps.demo.fixtures import LoadingDay, Record, RecordLookup, read_fixture, was_never_used
from apps.inventory.choosing.annex import note_item, request_items
from apps.inventory.choosing.approvals import Target, decide
from apps.inventory.choosing.contracts import register_contract
from apps.inventory.models import AnnexItem, Approval, Contract, Criticality


@transaction.atomic
def load_contracts(*, day: LoadingDay) -> None:
    """Each of the three kinds unless there has ever been one of it."""
    named = RecordLookup()
    said = read_fixture("contracts")
    if was_never_used(Contract):
        _contracts(said["contracts"], day, named)
    if was_never_used(AnnexItem):
        _annex(said["annex"], day, named)
    if was_never_used(Approval):
        _approvals(said["approvals"], day, named)


def _contracts(rows: list[Record], day: LoadingDay, named: RecordLookup) -> None:
    made: dict[str, Contract] = {}
    for row in rows:
        facts = day.dated({name: value for name, value in row.items() if name not in ("party", "ref", "by")})
        if "overarching" in facts:
            facts["overarching"] = made[facts["overarching"]]
        made[row["ref"]] = register_contract(
            party=named.provider(row["party"]), ref=row["ref"], facts=facts, by=named.user(row["by"])
        )


def _annex(rows: list[Record], day: LoadingDay, named: RecordLookup) -> None:
    """A request first, as people do; then what came of it, item by item."""
    for row in rows:
        foundation, by = named.foundation(row["foundation"]), named.user(row["by"])
        if row["requested"]:
            request_items(foundation=foundation, items=row["requested"], on=day.on(row["requested_on"]), by=by)
        for answer in row["answers"]:
            note_item(
                foundation=foundation,
                item=answer["item"],
                status=answer["status"],
                on=day.on(answer["on"]),
                link=answer.get("link", ""),
                note=answer.get("note", ""),
                by=by,
            )


def _approvals(rows: list[Record], day: LoadingDay, named: RecordLookup) -> None:
    for row in rows:
        decide(
            target=_target(row, named),
            decision=row["decision"],
            reason=row["reason"],
            at=day.moment(row["decided"]),
            expires_on=day.on(row["expires_on"]) if "expires_on" in row else None,
            data_classes=row.get("data_classes", ()),
            regions=row.get("regions", ()),
            criticalities=[Criticality[name.upper()] for name in row.get("criticalities", ())],
            by=named.user(row["by"]),
        )


def _target(row: Record, named: RecordLookup) -> Target:
    if "provider" in row:
        return named.provider(row["provider"])
    if "foundation" in row:
        return named.foundation(row["foundation"])
    return named.version(row["version"]) if "version" in row else named.offering(row["offering"])
