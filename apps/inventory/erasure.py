"""What the inventory holds of a contact that is erased: owners of applications, and persons who
proposed use cases."""

import re
from typing import Any

from django.db.models import CharField, F, Func, Value
from django.db.models.functions import Left

from apps.accounts.people.erasure import ErasedPerson, register_eraser
from apps.common.history.redaction import redact_versions
from apps.inventory.models import Application, ProposedUseCase
from apps.inventory.owners import OWNER_PERSONS


def erase_owner(person: ErasedPerson) -> None:
    """Put the label in place of the owner's text, also in the history, and leave the application
    without a person."""
    for name, column in OWNER_PERSONS.items():
        is_linked = {f"{column}__in": person.ids}
        Application.objects.filter(**is_linked).update(**{name: person.label, column: None})
        redact_versions(Application, lookup=is_linked, values={name: person.label})
        for address in person.addresses:
            has_address = {f"{name}__icontains": address}
            replaced = {name: _replaced(name, address, person.label)}
            Application.objects.filter(**has_address).update(**replaced)
            redact_versions(Application, lookup=has_address, values=replaced)


def _replaced(name: str, address: str, label: str) -> Any:
    """The text with the label in place of the address; what stands beside it is another person."""
    replaced = Func(
        F(name),
        Value(re.escape(address)),
        Value(label),
        Value("gi"),
        function="regexp_replace",
        output_field=CharField(),
    )
    return Left(replaced, 200)


def erase_proposer(person: ErasedPerson) -> None:
    """Put the label in place of the name in proposed use cases; the history has neither name nor
    address."""
    for address in person.addresses:
        ProposedUseCase.objects.filter(proposer_email__iexact=address).update(
            proposer_name=person.label, proposer_email=""
        )
        ProposedUseCase.objects.filter(business_owner__icontains=address).update(
            business_owner=_replaced("business_owner", address, person.label)
        )


register_eraser(erase_owner)
register_eraser(erase_proposer)
