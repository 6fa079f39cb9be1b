"""Contracts with the providers of the supply chain. For governance; the caller has checked
`by.is_governance`."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.inventory.models import Contract

EDITABLE_CONTRACT_FIELDS = frozenset(
    {
        "ref",
        "name",
        "kind",
        "overarching",
        "ict_service_type",
        "starts_on",
        "ends_on",
        "currency",
        "annual_cost",
        "notice_days_ours",
        "notice_days_theirs",
        "deprecation_notice_days",
        "governing_law",
        "provision_country",
        "stores_data",
        "data_country",
        "processing_country",
        "termination_reason",
        "last_audit_on",
        "price_protection",
        "exit_clause",
        "termination_assistance",
        "audit_right",
        "ip_indemnity",
        "training_use",
        "terms_url",
        "terms_digest",
        "terms_read_on",
        "note",
    }
)
COUNTRY_FIELDS = ("governing_law", "provision_country", "data_country", "processing_country")
# stored in upper case
UPPER_CASE_FIELDS = (*COUNTRY_FIELDS, "currency")


@transaction.atomic
def register_contract(
    *, party: Provider, ref: str, by: User, facts: Mapping[str, Any] | None = None, reason: str = ""
) -> Contract:
    contract = Contract(party=party, ref=ref, **_cleaned_fields(facts))
    _refuse_cycle(contract)
    contract.full_clean()
    with audit_context(user=by, reason=reason or "contract registered"):
        contract.save(force_insert=True)
    return contract


@transaction.atomic
def change_contract(
    *, contract: Contract, facts: Mapping[str, Any], by: User, reason: str = ""
) -> Contract:
    """Set the given facts and leave the others; write nothing if no value differs."""
    contract = Contract.objects.select_for_update().get(pk=contract.pk)
    cleaned = _cleaned_fields(facts)
    changed_names = [name for name, value in cleaned.items() if getattr(contract, name) != value]
    if not changed_names:
        return contract
    for name in changed_names:
        setattr(contract, name, cleaned[name])
    _refuse_cycle(contract)
    contract.full_clean()
    with audit_context(user=by, reason=reason or "contract changed"):
        contract.save(update_fields=[*changed_names, "updated_at"])
    return contract


def contracts_by_party(*, parties: Collection[int], user: Any) -> dict[int, list[Contract]]:
    """Return {party ID: its contracts, the latest start first}, of those the reader can view; one
    statement."""
    by_party: dict[int, list[Contract]] = {}
    rows = Contract.objects.visible_to(user).filter(party__in=list(parties))
    for contract in rows.order_by("-starts_on", "-pk"):
        by_party.setdefault(contract.party_id, []).append(contract)
    return by_party


def _cleaned_fields(facts: Mapping[str, Any] | None) -> dict[str, Any]:
    unknown_fields = sorted(set(facts or {}) - EDITABLE_CONTRACT_FIELDS)
    if unknown_fields:
        raise TypeError(f"Unknown fields: {', '.join(unknown_fields)}")
    return {
        name: value.strip().upper()
        if name in UPPER_CASE_FIELDS and isinstance(value, str)
        else value
        for name, value in (facts or {}).items()
    }


def _refuse_cycle(contract: Contract) -> None:
    """Raise ConflictError if one of the overarching contracts is the contract itself."""
    ancestor, steps = contract.overarching, 0
    while ancestor is not None:
        steps += 1
        if ancestor.pk == contract.pk or steps > 32:
            raise ConflictError(
                "This would place the contract under itself. Choose another overarching contract."
            )
        ancestor = ancestor.overarching
