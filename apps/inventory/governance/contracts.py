"""Contracts with the providers of the supply chain. For governance; the caller has checked
`by.is_governance`."""

from collections.abc import Collection, Mapping
from typing import Any

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.inventory.governance.contract_record import ContractRecord
from apps.inventory.models import Contract

_RECORD = ContractRecord()


def register_contract(
    *, party: Provider, ref: str, by: User, facts: Mapping[str, Any] | None = None, reason: str = ""
) -> Contract:
    write = _RECORD.create(
        facts={"party": party, "ref": ref, **(facts or {})},
        by=by,
        reason=reason or "contract registered",
    )
    return write.row


def change_contract(
    *, contract: Contract, facts: Mapping[str, Any], by: User, reason: str = ""
) -> Contract:
    """Set the given facts and leave the others; write nothing if no value differs."""
    _RECORD.change(row=contract, facts=facts, by=by, reason=reason or "contract changed")
    return Contract.objects.get(pk=contract.pk)


def contracts_by_party(*, parties: Collection[int], user: Any) -> dict[int, list[Contract]]:
    """Return {party ID: its contracts, the latest start first}, of those the reader can view; one
    statement."""
    by_party: dict[int, list[Contract]] = {}
    rows = Contract.objects.visible_to(user).filter(party__in=list(parties))
    for contract in rows.order_by("-starts_on", "-pk"):
        by_party.setdefault(contract.party_id, []).append(contract)
    return by_party
