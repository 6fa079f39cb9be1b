"""Decisions that a second governance person must confirm, as pages show them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.utils.text import capfirst

from apps.accounts.models import User
from apps.common.text import format_date
from apps.exposure.models import Policy
from apps.inventory.governance.proposals import (
    can_decide,
    can_withdraw,
    open_proposal,
    second_people,
)
from apps.inventory.models import Approval, ConfirmationSettings, DecisionProposal
from apps.risks.models import Assessment
from apps.web.views.exposure.flag_presenters import format_value

_ANY = "–"


@dataclass(frozen=True, slots=True)
class ProposedValue:
    """One value of the record: `before` now, `after` once the decision applies."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ProposalCard:
    """An open proposal and what the reader can do. `back` is the page to return to;
    `has_second_person`: another person with the governance role exists."""

    proposal: DecisionProposal
    values: tuple[ProposedValue, ...]
    back: str
    can_decide: bool
    can_withdraw: bool
    has_second_person: bool


def present_open_proposal(kind: str, target: str, user: User, *, back: str) -> ProposalCard | None:
    """Return the card of the open proposal about a record, or None."""
    proposal = open_proposal(kind, target)
    return present_proposal(proposal, user, back=back) if proposal is not None else None


def present_proposal(proposal: DecisionProposal, user: User, *, back: str) -> ProposalCard:
    return ProposalCard(
        proposal,
        present_values(proposal),
        back,
        can_decide(user, proposal),
        can_withdraw(user, proposal),
        second_people(proposal.proposed_by).exists(),
    )


def present_values(proposal: DecisionProposal) -> tuple[ProposedValue, ...]:
    """Return what the decision changes."""
    return tuple(_VALUES[proposal.kind](proposal))


def _tolerance_values(proposal: DecisionProposal) -> list[ProposedValue]:
    before, after = proposal.before, {**proposal.before, **proposal.after}
    values = []
    # the tolerance first, then in the order of the model
    names = [field.name for field in Policy._meta.concrete_fields if field.name in proposal.after]
    for name in sorted(names, key=lambda name: name != "tolerance"):
        if name == "tolerance":
            texts = _tolerance(before), _tolerance(after)
        else:
            texts = _text(before[name]), _text(after[name])
        values.append(ProposedValue(_label(Policy, name), *texts))
    return values


def _acceptance_values(proposal: DecisionProposal) -> list[ProposedValue]:
    values = [
        ProposedValue("Accepted until", _ANY, _day(proposal.after["until"])),
    ]
    for name, value in proposal.after["facts"].items():
        if value in (None, ""):
            continue
        if name == "owner":
            owner = User.objects.filter(pk=value).first()
            text = str(owner) if owner is not None else _ANY
        else:
            text = _day(value) if name == "due_on" else _text(value)
        values.append(ProposedValue(_label(Assessment, name), _ANY, text))
    return values


def _block_values(proposal: DecisionProposal) -> list[ProposedValue]:
    previous = proposal.before["decision"]
    expires_on = proposal.after["expires_on"]
    return [
        ProposedValue(
            "Status",
            str(Approval.Decision(previous).label) if previous else _ANY,
            str(Approval.Decision(proposal.after["decision"]).label),
        ),
        ProposedValue("Expires on", _ANY, _day(expires_on) if expires_on else "Until revoked"),
    ]


def _setting_values(proposal: DecisionProposal) -> list[ProposedValue]:
    return [
        ProposedValue(
            _label(ConfirmationSettings, name),
            _switch(proposal.before[name]),
            _switch(value),
        )
        for name, value in proposal.after.items()
    ]


_VALUES: Mapping[str, Callable[[DecisionProposal], list[ProposedValue]]] = {
    DecisionProposal.Kind.TOLERANCE: _tolerance_values,
    DecisionProposal.Kind.ACCEPTANCE: _acceptance_values,
    DecisionProposal.Kind.BLOCK: _block_values,
    DecisionProposal.Kind.SETTING: _setting_values,
}


def _tolerance(values: Mapping[str, Any]) -> str:
    return format_value(Policy(measure=values["measure"]), Decimal(values["tolerance"]))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or _ANY
    return str(value) if value not in (None, "") else _ANY


def _day(text: str) -> str:
    return format_date(date.fromisoformat(text))


def _switch(value: bool) -> str:
    return "Required" if value else "Not required"


def _label(model: type[Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return str(capfirst(field.verbose_name))
